/**
 * The TLS side of the gRPC transport (RFC 8446, RFC 8705's mutual TLS): reading and checking the files, and who a
 * certificate speaks for. Certificates come from the operator's own authority; the system's are not trusted.
 */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { Clock, Timer } from '../../base/clock.js';
import { readProblem } from '../../files/file-problem.js';
import { stampsOf } from '../../files/file-stamp.js';
import { readTextFile } from '../../files/read-file.js';
import { type IpAddress, parseIp } from '../../packet/address.js';
import type { TlsFiles } from '../options.js';
import { CHAIN_LENGTH_MAX, certificatesIn, validityOf } from './certificate-reading.js';
import { stateAt } from './certificate-status.js';
import { ConnectionError, nameText } from './connection-problems.js';
import { identityText, isDnsName, isSpiffeId, namesThatProve } from './identity.js';
import type { CertificateName, TlsMaterial, TlsSource } from './transport.js';

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

/** The files on disk, of which `material` was read; `nowMs` is the wall time that certificates must be valid at. */
export function tlsSource(files: TlsFiles, material: TlsMaterial, nowMs: () => number): TlsSource {
  const paths = [files.caPath, files.certificatePath, files.keyPath];
  return {
    files,
    material,
    stamps: () => stampsOf(paths),
    read: () => readTlsFiles(files, nowMs()),
  };
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

/** When the first of our own certificates ends, those between it and the authority among them; wall time in milliseconds. */
export function ownEndMs({ certificatePem }: TlsMaterial): number {
  return Math.min(...certificatesIn(certificatePem).map((one) => validityOf(one).notAfterMs));
}

/**
 * Calls back when a connection has lasted as long as the certificates that it was made with, unless cancelled: TLS itself looks at
 * them in the handshake only. They are ours (`ownEndMs`), the other end's, and those that it has sent with it, but for any that
 * have ended already: there is another way to an authority then. The end counts by `clock`, which nobody sets while
 * we run. An authority that nobody has sent is for whoever knows our authorities.
 */
export function atCertificateEnd(
  certificate: X509Certificate,
  ownEndMs: number,
  clock: Clock,
  end: () => void,
): Timer {
  const nowMs = clock.nowMs();
  let endMs = Math.min(ownEndMs, validityOf(certificate).notAfterMs);
  let issuer = certificate.issuerCertificate;
  for (let length = 0; issuer !== undefined && length < CHAIN_LENGTH_MAX; length++) {
    const { notAfterMs } = validityOf(issuer);
    if (notAfterMs > nowMs) endMs = Math.min(endMs, notAfterMs);
    issuer = issuer.issuerCertificate;
  }
  return clock.setTimer(end, endMs - nowMs);
}

/** One alternative name in Node's rendering: TYPE:VALUE, where a value with odd characters is a JSON string. */
const ALTERNATIVE_NAME = /(DNS|IP Address|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;

/**
 * The IP addresses, DNS names and SPIFFE IDs among a certificate's subject alternative names. Names of other types, wildcards and
 * anything malformed are no names; the common name is never one. Of two URIs neither is a name: a certificate has one
 * SPIFFE ID at most (X509-SVID, section 2).
 */
export function certificateNames(certificate: X509Certificate): CertificateName[] {
  const text = certificate.subjectAltName ?? '';
  const names: CertificateName[] = [];
  let uris = 0;
  ALTERNATIVE_NAME.lastIndex = 0;
  for (let match = ALTERNATIVE_NAME.exec(text); match !== null && match[0] !== ''; ) {
    const [, type, value] = match as unknown as [string, string, string];
    if (type === 'URI') uris++;
    if (type === 'URI' && isSpiffeId(value)) names.push({ type: 'uri', value });
    if (type === 'DNS' && isDnsName(value.toLowerCase()))
      names.push({ type: 'dns', value: value.toLowerCase() });
    if (type === 'IP Address') {
      try {
        names.push({ type: 'ip', value: parseIp(value) });
      } catch {
        // An address that does not parse proves nothing; the certificate's other names still count.
      }
    }
    match = ALTERNATIVE_NAME.exec(text);
  }
  return uris > 1 ? names.filter(({ type }) => type !== 'uri') : names;
}

/**
 * Why a server's certificate does not prove that it is the peer at `host`; undefined when it does. `identities`: the names of which it
 * must have one instead of that address.
 */
export function serverIdentityProblem(
  host: IpAddress,
  identities: readonly CertificateName[] | undefined,
  certificateDer: Uint8Array | undefined,
): ConnectionError | undefined {
  // An exception would end the process: Node calls this from the handshake.
  if (certificateDer === undefined)
    return new ConnectionError('no-certificate', 'the server shows no certificate');
  const certificate = new X509Certificate(certificateDer);
  const names = certificateNames(certificate);
  const wanted = namesThatProve(host, identities);
  if (names.some(({ type, value }) => wanted.some((one) => one.type === type && one.value === value)))
    return undefined;
  if (identities !== undefined) {
    return new ConnectionError(
      'other-name',
      `the server's certificate has no name of the peer's identities, such as ${identityText(identities[0]!)} (it names ${
        nameText(certificate.subjectAltName) || 'nothing'
      }): issue it with that name, or correct the identities here`,
    );
  }
  return new ConnectionError(
    'other-name',
    `the server's certificate does not name the peer's service address ${host} (it names ${
      nameText(certificate.subjectAltName) || 'nothing'
    }): issue it with that address, or correct the address here`,
  );
}
