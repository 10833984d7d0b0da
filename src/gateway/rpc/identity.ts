/** The names by which certificates tell gateways: addresses, DNS names and SPIFFE IDs, and how each is written. */
import type { IpAddress } from '../../packet/address.js';
import type { CertificateName } from './transport.js';

/** RFC 1035, section 2.3.4, without the dot at the end. */
const DNS_NAME_CHARACTERS_MAX = 253;
const DNS_NAME = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/;
/** SPIFFE-ID, section 2.3. */
const SPIFFE_ID_CHARACTERS_MAX = 2048;
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}((?:\/[A-Za-z0-9._-]+)+)$/;

/** Whether a text is one host's DNS name: in lower case, without wildcard, other scripts as A-labels (RFC 5890). */
export function isDnsName(text: string): boolean {
  return text.length <= DNS_NAME_CHARACTERS_MAX && DNS_NAME.test(text);
}

/**
 * Whether a text is the SPIFFE ID of a workload (SPIFFE-ID, section 2): trust domain in lower case and a path. There is no other
 * way to write the same ID, so that equal IDs are equal texts.
 */
export function isSpiffeId(text: string): boolean {
  const [, path] = (text.length <= SPIFFE_ID_CHARACTERS_MAX && SPIFFE_ID.exec(text)) || [];
  return path?.split('/').every((segment) => segment !== '.' && segment !== '..') === true;
}

/** The names of which a certificate must have one to be a peer's: its identities, or the address that it serves at where it has none. */
export function namesThatProve(
  host: IpAddress,
  identities: readonly CertificateName[] | undefined,
): readonly CertificateName[] {
  return identities ?? [{ type: 'ip', value: host }];
}

/** A name as it stands in messages and tables, such as ip:10.0.0.1. */
export function identityText({ type, value }: CertificateName): string {
  return `${type}:${value}`;
}
