/**
 * The TLS side of the gRPC transport (RFC 8446, RFC 8705's mutual TLS): reading and checking the files, and who a
 * certificate speaks for. Certificates come from the operator's own authority; the system's are not trusted.
 */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.js';
import { readProblem } from '../../files/file-problem.js';
import { readTextFile } from '../../files/read-file.js';
import { type IpAddress, parseIp } from '../../packet/address.js';
import type { TlsFiles } from '../options.js';
import { certificatesIn, stateAt, validityOf } from './certificate-status.js';
import { nameText } from './connection-problems.js';
import type { CertificateName } from './transport.js';

/** TLS 1.2 and before are not spoken: 1.3 is everywhere that PSP is, and hides the certificates. */
export const TLS_MIN_VERSION = 'TLSv1.3';

/** Limit on a file with certificates or a key: some hundred authorities. */
export const PEM_OCTETS_MAX = 1024 * 1024;

/** A problem with one of the files, which `reason` names. */
export interface TlsFileProblem {
  readonly what: 'authority' | 'certificate' | 'key';
  readonly reason: string;
}

/** Certificate files that cannot be used: every problem found, each with the file's name. */
export class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';

  constructor(readonly found: readonly TlsFileProblem[]) {
    const lines = found.map(({ what, reason }) => `  ${what} ${reason}`);
    super(`the TLS files cannot be used:\n${lines.join('\n')}`);
  }

  get problems(): string[] {
    return this.found.map(({ what, reason }) => `${what} ${reason}`);
  }
}

/** Certificates and key as PEM text. */
export interface TlsMaterial {
  /** The authority, or several, whose certificates are believed. */
  readonly caPem: string;
  /** Our certificate, for both ends, with those between it and the authority if there are any. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

/**
 * Reads and checks the three files; throws TlsFilesError with everything that is wrong with them. `nowMs` is the wall
 * time that the certificates must be valid at.
 */
export function readTlsFiles(files: TlsFiles, nowMs: number): TlsMaterial {
  const problems: TlsFileProblem[] = [];
  type What = TlsFileProblem['what'];
  const read = (what: What, path: string): string | undefined => {
    try {
      return readTextFile(path, PEM_OCTETS_MAX);
    } catch (error) {
      problems.push({ what, reason: readProblem(path, error) });
      return undefined;
    }
  };
  const parse = <T>(what: What, path: string, pem: string | undefined, parser: (pem: string) => T) => {
    if (pem === undefined) return undefined;
    try {
      return parser(pem);
    } catch {
      problems.push({ what, reason: `${path}: not PEM of the kind that belongs here` });
      return undefined;
    }
  };
  const checkValidity = (what: What, path: string, certificate: X509Certificate | undefined) => {
    if (certificate === undefined) return;
    if (Date.parse(certificate.validTo) < nowMs)
      problems.push({ what, reason: `${path}: expired on ${certificate.validTo}; renew it` });
    if (Date.parse(certificate.validFrom) > nowMs)
      problems.push({
        what,
        reason: `${path}: not valid before ${certificate.validFrom}; this machine's clock says ${new Date(nowMs).toISOString()}`,
      });
  };

  const caPem = read('authority', files.caPath);
  const certificatePem = read('certificate', files.certificatePath);
  const keyPem = read('key', files.keyPath);
  // Old authorities may stand beside new ones, and end there.
  const authorities = parse('authority', files.caPath, caPem, certificatesIn) ?? [];
  const isValid = (one: X509Certificate) =>
    ['valid', 'expires-soon'].includes(stateAt(nowMs, validityOf(one)));
  if (!authorities.some(isValid)) checkValidity('authority', files.caPath, authorities.at(-1));
  const certificate = parse('certificate', files.certificatePath, certificatePem, certificatesIn)?.[0];
  checkValidity('certificate', files.certificatePath, certificate);
  const key = parse('key', files.keyPath, keyPem, (pem) => createPrivateKey(pem));
  if (certificate !== undefined && key !== undefined && !certificate.checkPrivateKey(key)) {
    problems.push({
      what: 'key',
      reason: `${files.keyPath}: not the key of certificate ${files.certificatePath}`,
    });
  }
  if (problems.length > 0 || caPem === undefined || certificatePem === undefined || keyPem === undefined) {
    throw new TlsFilesError(problems);
  }
  return { caPem, certificatePem, keyPem };
}

/**
 * The options of our ends of TLS: our certificate, our authority only, TLS 1.3, and no resumption, since a handshake
 * that resumes a session does not look at certificates, so that whoever held one would never be without. Without
 * tickets (SSL_OP_NO_TICKET) TLS 1.3 gives out names of sessions that the server is to keep (RFC 8446, section 4.6.1);
 * ours keeps none as long as nobody listens to its `newSession` and `resumeSession`, so that every handshake is a full one.
 */
export function secureContextOptions(tls: TlsMaterial): SecureContextOptions {
  return {
    ca: tls.caPem,
    cert: tls.certificatePem,
    key: tls.keyPem,
    minVersion: TLS_MIN_VERSION,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * Calls back at the end of the certificate that the other end has shown, unless cancelled; TLS itself looks at it in the
 * handshake only. The end counts by `clock`, which nobody sets while we run. The certificate's authority may end before:
 * that is for the handshake, and for whoever reloads certificates.
 */
export function atCertificateEnd(certificate: X509Certificate, clock: Clock, end: () => void): Timer {
  return clock.setTimer(end, Date.parse(certificate.validTo) - clock.nowMs());
}

/** One alternative name in Node's rendering: TYPE:VALUE, where a value with odd characters is a JSON string. */
const ALTERNATIVE_NAME = /(DNS|IP Address|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;
const DNS_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/;

/**
 * The IP addresses and DNS names among a certificate's subject alternative names. Names of other types, wildcards and
 * anything malformed are no names; the common name is never one.
 */
export function certificateNames(certificate: X509Certificate): CertificateName[] {
  const text = certificate.subjectAltName ?? '';
  const names: CertificateName[] = [];
  ALTERNATIVE_NAME.lastIndex = 0;
  for (let match = ALTERNATIVE_NAME.exec(text); match !== null && match[0] !== ''; ) {
    const [, type, value] = match;
    if (type === 'DNS' && DNS_NAME.test(value!.toLowerCase())) {
      names.push({ type: 'dns', value: value!.toLowerCase() });
    }
    if (type === 'IP Address') {
      try {
        names.push({ type: 'ip', value: parseIp(value!) });
      } catch {
        // An address that does not parse proves nothing; the certificate's other names still count.
      }
    }
    match = ALTERNATIVE_NAME.exec(text);
  }
  return names;
}

/** Why a server's certificate does not prove that it is the peer at `host`; undefined when it does. */
export function serverIdentityProblem(
  host: IpAddress,
  certificateDer: Uint8Array | undefined,
): Error | undefined {
  // An exception would end the process: Node calls this from the handshake.
  if (certificateDer === undefined) return new Error('the server shows no certificate');
  const certificate = new X509Certificate(certificateDer);
  const names = certificateNames(certificate);
  if (names.some(({ type, value }) => type === 'ip' && value === host)) return undefined;
  return new Error(
    `the server's certificate does not name the peer's service address ${host} (it names ${
      nameText(certificate.subjectAltName) || 'nothing'
    }): issue it with that address, or correct the address here`,
  );
}
