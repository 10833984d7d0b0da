/**
 * What is wrong with a connection between two gateways, in words that say whose side it is, which file, and what to do. Node and
 * OpenSSL give codes: of the system for TCP, of OpenSSL for certificates (X509_V_ERR_...) and for the handshake, in which the
 * other end's alerts are codes as well (RFC 8446, section 6.2).
 */
import type { X509Certificate } from 'node:crypto';
import { reasonOf } from '../../hal/errors.js';
import type { TlsFiles } from '../options.js';
import { inOneLine, validityOf } from './certificate-reading.js';

/** Characters of a name in a certificate that are told; others write them, as long as they like. */
const NAME_CHARACTERS_MAX = 160;

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
const ALERTS: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'it does not know the authority of it: name that in its --tls-ca',
  CERTIFICATE_EXPIRED: 'it has expired by its clock: renew it, or set that clock',
  CERTIFICATE_REVOKED: 'it has been revoked',
  CERTIFICATE_REQUIRED: 'it has got none',
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
export function callerProblem(problem: ConnectionProblem): string {
  const code = codeOf(problem.error);
  if (OLD_TLS.includes(code)) return 'the caller speaks TLS 1.2 or older, and 1.3 is needed';
  if (code === 'ERR_SSL_NO_APPLICATION_PROTOCOL') return 'the caller does not speak HTTP/2, as gRPC does';
  if (PLAIN_TEXT.includes(code)) {
    return `the caller speaks plain text, and this gateway TLS: ${BOTH_THE_SAME}`;
  }
  return certificateProblem(problem, 'caller') ?? ownProblem(problem, 'caller');
}

/** A caller showed no certificate. */
export const NO_CERTIFICATE =
  'the caller shows no certificate: start it with --tls-cert and --tls-key, of an authority that ours knows';

/** Why a connection to a peer was not made, or has ended before HTTP/2 was up; an error that is absent: the peer ended it. */
export function peerProblem(problem: ConnectionProblem): string {
  const { error, secure } = problem;
  const code = codeOf(error);
  if (Object.hasOwn(TCP, code)) return `${reasonOf(error)}: ${TCP[code]}`;
  if (error === undefined || ENDED.includes(code) || (!secure && code.startsWith('ERR_HTTP2_'))) {
    return endedEarly(problem);
  }
  if (OLD_TLS.includes(code)) return 'the peer speaks TLS 1.2 or older, and 1.3 is needed';
  if (PLAIN_TEXT.includes(code)) {
    return `the peer speaks plain text, and this gateway TLS: ${BOTH_THE_SAME}`;
  }
  const ofIts = certificateProblem(problem, 'peer');
  if (ofIts !== undefined) return ofIts;
  return code.startsWith('ERR_SSL_') ? ownProblem(problem, 'peer') : reasonOf(error);
}

/** Who does not believe a certificate need not say so: Node just closes. */
function endedEarly({ files, secure }: ConnectionProblem): string {
  const ended = 'the peer ended the connection before HTTP/2 was up';
  return secure
    ? `${ended}: it may not accept our certificate (${ownFile(files)}), or may have no room for us; its log says why`
    : `${ended}: it may speak TLS, and this gateway runs with --insecure; its log says why`;
}

/** What is wrong with the certificate of the other end; undefined: the code is about something else. */
function certificateProblem(
  { error, certificate, files, nowMs }: ConnectionProblem,
  whose: 'caller' | 'peer',
): string | undefined {
  const code = codeOf(error);
  const its = `the ${whose}'s certificate${certificate === undefined ? '' : ` (${nameText(certificate.subject)})`}`;
  const ours = `our clock says ${timeText(nowMs)}`;
  const authorities = files === undefined ? '--tls-ca' : `--tls-ca ${files.caPath}`;
  if (code === 'CERT_HAS_EXPIRED') {
    const endMs = certificate === undefined ? undefined : validityOf(certificate).notAfterMs;
    if (endMs !== undefined && endMs < nowMs) {
      return `${its} expired at ${timeText(endMs)}: renew it there (--tls-cert); ${ours}`;
    }
    return `an authority of ${its} has expired: renew it in our ${authorities}, or in what the ${whose} shows; ${ours}`;
  }
  if (code === 'CERT_NOT_YET_VALID') {
    const begin = certificate === undefined ? 'later' : timeText(validityOf(certificate).notBeforeMs);
    return `${its} is not valid before ${begin}, and ${ours}: set the clock that is wrong`;
  }
  if (UNKNOWN_AUTHORITY.includes(code)) {
    const by = certificate === undefined ? '' : ` by ${nameText(certificate.issuer)}`;
    return `${its} is signed${by}, no authority of our ${authorities}: add that one there, or have the certificate signed by one of them`;
  }
  if (code === 'INVALID_PURPOSE') {
    return `${its} is not for this end of TLS: it needs the extended key usages serverAuth and clientAuth`;
  }
  return undefined;
}

/** What the other end has against us, as far as it says. */
function ownProblem({ error, files }: ConnectionProblem, whose: 'caller' | 'peer'): string {
  const code = codeOf(error);
  const ours = `our certificate (${ownFile(files)})`;
  if (isAlert(code)) {
    const alert = code.slice(code.indexOf('_ALERT_') + '_ALERT_'.length);
    const known = Object.keys(ALERTS).find((name) => alert.endsWith(name));
    if (known !== undefined) return `the ${whose} does not accept ${ours}: ${ALERTS[known]}`;
    if (alert.includes('CERTIFICATE')) return `the ${whose} does not accept ${ours}; its log says why`;
    return `the ${whose} ended the handshake, with the alert ${alert}`;
  }
  if (code === 'ECONNRESET') {
    return `the ${whose} ended the connection in the handshake: it may not accept ${ours}; its log says why`;
  }
  return `the handshake with the ${whose} failed: ${code === '' ? reasonOf(error) : code}`;
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
