/** What is told of certificates, and how long they are still valid: for the log, the view and `certs show`. */

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
