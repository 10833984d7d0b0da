/** What certificates say of themselves (X.509, RFC 5280), and how long they are still valid: for the log, the view and `certs show`. */
import { X509Certificate } from 'node:crypto';

export const DAY_MS = 86_400_000;
/** From so many days before its end on a certificate is told to expire soon. */
export const EXPIRY_WARNING_DAYS = 14;

/** `expires-soon`: valid, for EXPIRY_WARNING_DAYS or less. */
export type CertificateState = 'valid' | 'expires-soon' | 'expired' | 'not-yet-valid';

/** One certificate of our TLS files, at one moment. */
export interface CertificateStatus {
  /** `own`: we show it to peers; `intermediate`: it stands behind ours in the same file; `authority`: peers' are checked with it. */
  readonly role: 'own' | 'intermediate' | 'authority';
  /** The file that it is from, as it was given. */
  readonly path: string;
  /** Subject and issuer, such as "CN=10.0.0.1, O=Example". */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names as Node writes them, such as "IP Address:10.0.0.1"; empty: it has none. */
  readonly names: string;
  /** SHA-256 of the certificate, in hex with colons. */
  readonly fingerprint: string;
  /** Wall time in milliseconds: the first and the last moment at which it is valid. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly state: CertificateState;
}

/** One whole certificate in PEM (RFC 7468), under the labels that OpenSSL reads too. */
const PEM_CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[A-Za-z0-9+/=\s]+?-----END \1-----/g;

/** The certificates of a PEM text, in their order. Throws when there is none, or one that cannot be read. */
export function certificatesIn(pem: string): X509Certificate[] {
  const begun = pem.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g)?.length ?? 0;
  const whole = pem.match(PEM_CERTIFICATE) ?? [];
  if (whole.length === 0 || whole.length < begun) throw new Error('not a whole certificate in PEM');
  return whole.map((text) => new X509Certificate(text));
}

/** When a certificate begins and ends to be valid; wall time in milliseconds. */
export function validityOf(certificate: X509Certificate): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: Date.parse(certificate.validFrom), notAfterMs: Date.parse(certificate.validTo) };
}

/** The state of a certificate at a moment. */
export function stateAt(
  nowMs: number,
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
): CertificateState {
  if (nowMs < notBeforeMs) return 'not-yet-valid';
  if (nowMs > notAfterMs) return 'expired';
  return notAfterMs - nowMs <= EXPIRY_WARNING_DAYS * DAY_MS ? 'expires-soon' : 'valid';
}

/** Whole days to a moment; negative: so many days ago. */
export function daysUntil(atMs: number, nowMs: number): number {
  return Math.floor((atMs - nowMs) / DAY_MS);
}

/** What is to be said of a certificate. */
export function statusOf(
  certificate: X509Certificate,
  { role, path }: Pick<CertificateStatus, 'role' | 'path'>,
  nowMs: number,
): CertificateStatus {
  const validity = validityOf(certificate);
  return {
    role,
    path,
    subject: inOneLine(certificate.subject),
    issuer: inOneLine(certificate.issuer),
    names: certificate.subjectAltName ?? '',
    fingerprint: certificate.fingerprint256,
    ...validity,
    state: stateAt(nowMs, validity),
  };
}

/** Node writes a part of a name per line; undefined where a certificate has none. */
export function inOneLine(name: string | undefined): string {
  return (name ?? '').trim().replaceAll('\n', ', ');
}
