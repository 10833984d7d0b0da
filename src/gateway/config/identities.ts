/** Names of gateways as users write them: in the policy of a session file, and for certificates. */
import { domainToASCII } from 'node:url';
import { AddressError, parseWrittenIp } from '../../packet/address.js';
import { isDnsName, isSpiffeId } from '../rpc/identity.js';
import type { CertificateName } from '../rpc/transport.js';
import { attempt } from './addresses.js';
import { quoted } from './problems.js';

/** An IP address, a DNS name or a SPIFFE ID. Throws AddressError, which says what to write instead. */
export function parseIdentity(text: string): CertificateName {
  if (text.includes('://') || text.toLowerCase().startsWith('spiffe:')) {
    if (isSpiffeId(text)) return { type: 'uri', value: text };
    throw new AddressError(
      `${quoted(text)} is not a SPIFFE ID: write spiffe://trust-domain/path, the trust domain in lower case`,
    );
  }
  const ip = attempt(() => parseWrittenIp(text));
  if ('value' in ip) return { type: 'ip', value: ip.value };
  // Nothing else has a colon, and no host has a name that ends with a number (RFC 1123, section 2.1).
  if (text.includes(':') || /(^|\.)\d+$/.test(text)) throw new AddressError(ip.reason);
  const name = text.toLowerCase();
  if (isDnsName(name)) return { type: 'dns', value: name };
  throw new AddressError(`${quoted(text)} is not a name of one host: ${whyNoDnsName(name)}`);
}

function whyNoDnsName(name: string): string {
  if (name.includes('*')) return 'wildcards name nobody; give each gateway a name of its own';
  const ascii = domainToASCII(name);
  if (ascii !== name && isDnsName(ascii)) return `write ${ascii}, as it stands in certificates`;
  return 'letters, digits and hyphens, with dots between';
}
