/** Reads certificates (X.509, RFC 5280): those of a PEM text, and what each says of itself. */
import { X509Certificate } from 'node:crypto';
import { type CertificateStatus, stateAt } from './certificate-status.js';

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

/** Certificates between ours and an authority, at most, where they are followed one by one. */
export const CHAIN_LENGTH_MAX = 10;

/**
 * Whether an authority has issued the first of the certificates, by way of those behind it where it needs any: what peers find who
 * trust these authorities.
 */
export function leadsToAuthority(
  certificates: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  const isOf = (one: X509Certificate) => (issuer: X509Certificate) =>
    one.checkIssued(issuer) && one.verify(issuer.publicKey);
  let last: X509Certificate | undefined = certificates[0];
  for (let length = 0; last !== undefined && length < CHAIN_LENGTH_MAX; length++) {
    const { fingerprint256 } = last;
    if (authorities.some((one) => one.fingerprint256 === fingerprint256)) return true;
    if (authorities.some(isOf(last))) return true;
    last = certificates.slice(1).find(isOf(last));
  }
  return false;
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
