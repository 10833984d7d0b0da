/** Kinds of addresses: RFC 4291 and RFC 6890 for IP, IEEE 802 for MAC. */
import { type IpAddress, ipFamily, ipToOctets, type MacAddress, macToOctets } from './address.js';

/**
 * `reserved`: no host has it (0.0.0.0/8, 240.0.0.0/4 and ::/8 without loopback, which holds the addresses that stand for IPv4
 * ones). Prefixes for documentation are `unicast`: they are routed in laboratories like any others.
 */
export type IpKind =
  | 'unicast'
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'multicast'
  | 'broadcast'
  | 'reserved';

/** The kind of an address, by itself alone: a subnet's broadcast address looks like a host's. */
export function ipKind(ip: IpAddress): IpKind {
  const octets = ipToOctets(ip);
  const [first, second] = [octets[0]!, octets[1]!];
  if (octets.every((octet) => octet === 0)) return 'unspecified';
  if (ipFamily(ip) === 4) {
    if (octets.every((octet) => octet === 0xff)) return 'broadcast';
    // Both ends of its block are everybody on the loopback interface, the lower one for old hosts (RFC 1122, section 3.3.6).
    if (ip === '127.255.255.255' || ip === '127.0.0.0') return 'broadcast';
    if (first === 127) return 'loopback';
    if (first === 169 && second === 254) return 'link-local';
    if (first >= 240 || first === 0) return 'reserved';
    return first >= 224 ? 'multicast' : 'unicast';
  }
  if (first === 0xff) return 'multicast';
  if (first === 0xfe && second >>> 6 === 2) return 'link-local';
  if (octets.subarray(0, 15).every((octet) => octet === 0) && octets[15] === 1) return 'loopback';
  return first === 0 ? 'reserved' : 'unicast';
}

/** Whether an address can be a host's on some link: unicast, link-local included. */
export function isHostAddress(ip: IpAddress): boolean {
  const kind = ipKind(ip);
  return kind === 'unicast' || kind === 'link-local';
}

/** Whether a MAC is that of one interface: neither a group's, nor zero. */
export function isUnicastMac(mac: MacAddress): boolean {
  const octets = macToOctets(mac);
  return (octets[0]! & 1) === 0 && octets.some((octet) => octet !== 0);
}
