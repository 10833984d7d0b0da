/**
 * What is wrong with a connection between two gateways, in words that say whose side it is, which file, and what to do. Node and
 * OpenSSL give codes: of the system for TCP, of OpenSSL for certificates (X509_V_ERR_...) and for the handshake, in which the
 * other end's alerts are codes as well (RFC 8446, section 6.2).
 */
import type { X509Certificate } from 'node:crypto';
import { reasonOf } from '../../hal/errors.js';
import type { TlsFiles } from '../options.js';
import { inOneLine, validityOf } from './certificate-reading.js';
import type { ProblemKind } from './transport.js';

/** Characters of a name in a certificate that are told; others write them, as long as they like. */
const NAME_CHARACTERS_MAX = 160;

/** A problem with its kind; the message is for an operator. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';

  constructor(
    readonly kind: ProblemKind,
    message: string,
  ) {
    super(message);
  }
}

/** Of an error that may be any; undefined: it is no connection's, or nobody knows. */
export function kindOf(error: unknown): ProblemKind | undefined {
  return error instanceof ConnectionError ? error.kind : undefined;
}

/** What is known where a connection has failed. */
export interface ConnectionProblem {
  readonly error: unknown;
  /** The certificate that the other end has shown. */
  readonly certificate?: X509Certificate | undefined;
  /** We speak TLS. */
  readonly secure: boolean;
  /** The files of our own end; undefined: they have no names. */
  readonly files: TlsFiles | undefined;
  /** Our clock, wall time in milliseconds. */
  readonly nowMs: number;
}

const PLAIN_TEXT: readonly string[] = [
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
];
const ENDED: readonly string[] = ['ECONNRESET', 'EPIPE'];
const OLD_TLS: readonly string[] = [
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_VERSION_TOO_LOW',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
];
const UNKNOWN_AUTHORITY: readonly string[] = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
];
/** What the other end says of our certificate, by the end of the alert's name. */
const ALERTS: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  UNKNOWN_CA: ['other-authority', 'it does not know the authority of it: name that in its --tls-ca'],
  CERTIFICATE_EXPIRED: ['ours-refused', 'it has expired by its clock: renew it, or set that clock'],
  CERTIFICATE_REVOKED: ['ours-refused', 'it has been revoked'],
  CERTIFICATE_REQUIRED: ['ours-refused', 'it has got none'],
};
const BOTH_THE_SAME = 'start both with certificates, or both with --insecure';

/** What TCP's errors mean for an operator. */
const TCP: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is that gateway running, and is this its address and port?',
  EHOSTUNREACH: 'no way to that host: look at its link and at the routes',
  ENETUNREACH: 'no way to that network: look at the routes of this machine',
  ETIMEDOUT: 'the host does not answer, or something on the way drops packets',
  EADDRNOTAVAIL: 'the address of our service is not one of this machine',
};

/** Why a caller did not get in: it has shown a bad certificate or none, or the handshake failed. */
export function callerProblem(problem: ConnectionProblem): ConnectionError {
  const code = codeOf(problem.error);
  if (code === 'ERR_SSL_NO_APPLICATION_PROTOCOL') {
    return new ConnectionError('no-http2', 'the caller does not speak HTTP/2, as gRPC does');
  }
  return (
    protocolProblem(code, 'caller') ?? certificateProblem(problem, 'caller') ?? ownProblem(problem, 'caller')
  );
}

/** A caller showed no certificate. */
export function noCertificateProblem(): ConnectionError {
  return new ConnectionError(
    'no-certificate',
    'the caller shows no certificate: start it with --tls-cert and --tls-key, of an authority that ours knows',
  );
}

/** Why a connection to a peer was not made, or has ended before HTTP/2 was up; an error that is absent: the peer ended it. */
export function peerProblem(problem: ConnectionProblem): ConnectionError {
  const { error, secure } = problem;
  if (error instanceof ConnectionError) return error;
  const code = codeOf(error);
  if (Object.hasOwn(TCP, code)) {
    return new ConnectionError('unreachable', `${reasonOf(error)}: ${TCP[code]}`);
  }
  if (error === undefined || ENDED.includes(code) || (!secure && code.startsWith('ERR_HTTP2_'))) {
    return endedEarly(problem);
  }
  const ofIts = protocolProblem(code, 'peer') ?? certificateProblem(problem, 'peer');
  if (ofIts !== undefined) return ofIts;
  if (code.startsWith('ERR_SSL_')) return ownProblem(problem, 'peer');
  return new ConnectionError('other', reasonOf(error));
}

/** The two ends speak different protocols; undefined: the code is about something else. */
function protocolProblem(code: string, whose: 'caller' | 'peer'): ConnectionError | undefined {
  if (OLD_TLS.includes(code)) {
    return new ConnectionError('old-tls', `the ${whose} speaks TLS 1.2 or older, and 1.3 is needed`);
  }
  if (PLAIN_TEXT.includes(code)) {
    return new ConnectionError(
      'plain-text',
      `the ${whose} speaks plain text, and this gateway TLS: ${BOTH_THE_SAME}`,
    );
  }
  return undefined;
}

/** Who does not believe a certificate need not say so: Node just closes. */
function endedEarly({ files, secure }: ConnectionProblem): ConnectionError {
  const ended = 'the peer ended the connection before HTTP/2 was up';
  const text = secure
    ? `${ended}: it may not accept our certificate (${ownFile(files)}), or may have no room for us; its log says why`
    : `${ended}: it may speak TLS, and this gateway runs with --insecure; its log says why`;
  return new ConnectionError('broken-off', text);
}

/** What is wrong with the certificate of the other end; undefined: the code is about something else. */
function certificateProblem(
  { error, certificate, files, nowMs }: ConnectionProblem,
  whose: 'caller' | 'peer',
): ConnectionError | undefined {
  const code = codeOf(error);
  const its = `the ${whose}'s certificate${certificate === undefined ? '' : ` (${nameText(certificate.subject)})`}`;
  const ours = `our clock says ${timeText(nowMs)}`;
  const authorities = files === undefined ? '--tls-ca' : `--tls-ca ${files.caPath}`;
  if (code === 'CERT_HAS_EXPIRED') {
    const endMs = certificate === undefined ? undefined : validityOf(certificate).notAfterMs;
    if (endMs !== undefined && endMs < nowMs) {
      return new ConnectionError(
        'expired',
        `${its} expired at ${timeText(endMs)}: renew it there (--tls-cert); ${ours}`,
      );
    }
    return new ConnectionError(
      'expired',
      `an authority of ${its} has expired: renew it in our ${authorities}, or in what the ${whose} shows; ${ours}`,
    );
  }
  if (code === 'CERT_NOT_YET_VALID') {
    const begin = certificate === undefined ? 'later' : timeText(validityOf(certificate).notBeforeMs);
    return new ConnectionError(
      'not-yet-valid',
      `${its} is not valid before ${begin}, and ${ours}: set the clock that is wrong`,
    );
  }
  if (UNKNOWN_AUTHORITY.includes(code)) {
    const by = certificate === undefined ? '' : ` by ${nameText(certificate.issuer)}`;
    return new ConnectionError(
      'other-authority',
      `${its} is signed${by}, no authority of our ${authorities}: add that one there, or have the certificate signed by one of them`,
    );
  }
  if (code === 'INVALID_PURPOSE') {
    return new ConnectionError(
      'wrong-purpose',
      `${its} is not for this end of TLS: it needs the extended key usages serverAuth and clientAuth`,
    );
  }
  return undefined;
}

/** What the other end has against us, as far as it says. */
function ownProblem({ error, files }: ConnectionProblem, whose: 'caller' | 'peer'): ConnectionError {
  const code = codeOf(error);
  const ours = `our certificate (${ownFile(files)})`;
  if (isAlert(code)) {
    const alert = code.slice(code.indexOf('_ALERT_') + '_ALERT_'.length);
    const known = Object.keys(ALERTS).find((name) => alert.endsWith(name));
    if (known !== undefined) {
      const [kind, text] = ALERTS[known]!;
      return new ConnectionError(kind, `the ${whose} does not accept ${ours}: ${text}`);
    }
    return alert.includes('CERTIFICATE')
      ? new ConnectionError('ours-refused', `the ${whose} does not accept ${ours}; its log says why`)
      : new ConnectionError('handshake-failed', `the ${whose} ended the handshake, with the alert ${alert}`);
  }
  if (code === 'ECONNRESET') {
    return new ConnectionError(
      'broken-off',
      `the ${whose} ended the connection in the handshake: it may not accept ${ours}; its log says why`,
    );
  }
  return new ConnectionError(
    'handshake-failed',
    `the handshake with the ${whose} failed: ${code === '' ? reasonOf(error) : code}`,
  );
}

/** The subject of a certificate, as it is told. */
export function nameText(name: string | undefined): string {
  const text = inOneLine(name);
  return text.length > NAME_CHARACTERS_MAX ? `${text.slice(0, NAME_CHARACTERS_MAX)}...` : text;
}

function ownFile(files: TlsFiles | undefined): string {
  return files === undefined ? '--tls-cert' : `--tls-cert ${files.certificatePath}`;
}

function isAlert(code: string): boolean {
  return code.startsWith('ERR_SSL_') && code.includes('_ALERT_');
}

function codeOf(error: unknown): string {
  if (typeof error === 'string') return error;
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
