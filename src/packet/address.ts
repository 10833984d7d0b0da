/**
 * MAC and IP addresses as canonical text under branded types, so that they can be compared, used as keys and
 * printed as they are. Text of IPv6 follows RFC 5952.
 */
import ipaddr from 'ipaddr.js';

/** A MAC address in its one text form, aa:bb:cc:dd:ee:ff. */
export type MacAddress = string & { readonly __brand: 'MacAddress' };
/** An IPv4 address in its one text form, 192.0.2.1. */
export type Ipv4Address = string & { readonly __brand: 'Ipv4Address' };
/** An IPv6 address in its one text form, that of RFC 5952. */
export type Ipv6Address = string & { readonly __brand: 'Ipv6Address' };
/** An address of either family. */
export type IpAddress = Ipv4Address | Ipv6Address;
/** A family of IP addresses, by its version. */
export type IpFamily = 4 | 6;

export const MAC_OCTETS = 6;

const MAC_PATTERN = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;
const IPV4_PATTERN = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));

/** Text that is not the address it should be. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** The longest text of an address: IPv6 with an IPv4 address in its last 32 bits. */
const ADDRESS_CHARACTERS_MAX = 45;

/** The text that was given instead of an address, shortened for a sentence: it may be as long as its file. */
function quoted(text: string): string {
  const shown = 2 * ADDRESS_CHARACTERS_MAX;
  return text.length <= shown ? `"${text}"` : `"${text.slice(0, shown)}..."`;
}

/** The end of a sentence that says what was probably meant, where one of the candidates is right. */
function didYouMean(candidates: readonly string[], isRight: (text: string) => boolean): string {
  const near = candidates.find(isRight);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Six octets in hex, separated by colons or hyphens; throws AddressError. */
export function parseMac(text: string): MacAddress {
  if (!MAC_PATTERN.test(text)) {
    const near = didYouMean([text.trim().replaceAll(/[:.,;-]+/g, ':')], (one) => MAC_PATTERN.test(one));
    throw new AddressError(
      `${quoted(text)} is not a MAC address (expected six octets such as 02:00:00:00:00:01)${near}`,
    );
  }
  return text.toLowerCase().replaceAll('-', ':') as MacAddress;
}

/** Its 6 octets. */
export function macToOctets(mac: MacAddress): Uint8Array {
  return recentMacs.get(mac, () => readMac(mac)).slice();
}

function readMac(mac: MacAddress): Uint8Array {
  const octets = new Uint8Array(MAC_OCTETS);
  for (let i = 0; i < MAC_OCTETS; i++) octets[i] = Number.parseInt(mac.slice(3 * i, 3 * i + 2), 16);
  return octets;
}

/** The MAC address that stands at `offset`. */
export function macFromOctets(octets: Uint8Array, offset = 0): MacAddress {
  let text = HEX[octets[offset]!]!;
  for (let i = 1; i < MAC_OCTETS; i++) text += `:${HEX[octets[offset + i]!]}`;
  return text as MacAddress;
}

function isIpv4(text: string): boolean {
  const match = IPV4_PATTERN.exec(text);
  if (match === null) return false;
  let valid = true;
  for (let i = 1; i <= 4; i++) {
    const part = match[i]!;
    valid &&= Number(part) <= 255 && (part.length === 1 || part[0] !== '0');
  }
  return valid;
}

/** Dotted quad, four decimal octets without leading zeros; throws AddressError. */
export function parseIpv4(text: string): Ipv4Address {
  if (isIpv4(text)) return text as Ipv4Address;
  throw new AddressError(`${quoted(text)} is not an IPv4 address (expected four octets such as 192.0.2.1)`);
}

/** Addresses that were seen last: the same few come again and again, and reading one is slow. */
class RecentAddresses<Value> {
  readonly #values = new Map<string, Value>();

  get(key: string, make: () => Value): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (this.#values.size === RECENT_MAX) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}

const RECENT_MAX = 4096;
const recentTexts = new RecentAddresses<Ipv6Address>();
const recentOctets = new RecentAddresses<Ipv6Address>();
const recentAddresses = new RecentAddresses<Uint8Array>();
const recentMacs = new RecentAddresses<Uint8Array>();

/** Any RFC 4291 text form without zone; gives the RFC 5952 form; throws AddressError. */
export function parseIpv6(text: string): Ipv6Address {
  return recentTexts.get(text, () => readIpv6(text));
}

function isIpv6(text: string): boolean {
  const isShort = text.length <= ADDRESS_CHARACTERS_MAX;
  return isShort && text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text);
}

function readIpv6(text: string): Ipv6Address {
  if (!isIpv6(text)) {
    const near = didYouMean([text.trim().replaceAll(/[;,]/g, ':').replaceAll(/:{3,}/g, '::')], isIpv6);
    throw new AddressError(
      `${quoted(text)} is not an IPv6 address (expected a form such as 2001:db8::1)${near}`,
    );
  }
  return ipaddr.IPv6.parse(text).toRFC5952String() as Ipv6Address;
}

/** IPv4 or IPv6 text; throws AddressError. */
export function parseIp(text: string): IpAddress {
  if (text.includes(':')) return parseIpv6(text);
  if (isIpv4(text)) return text as Ipv4Address;
  const near = didYouMean([text.trim().replaceAll(/[.,;]+/g, '.')], isIpv4);
  throw new AddressError(
    `${quoted(text)} is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)${near}`,
  );
}

/** The IPv4 address inside an IPv4-mapped IPv6 one (RFC 4291, section 2.5.5.2); any other address as it is. */
export function unmapped(ip: IpAddress): IpAddress {
  if (!ip.startsWith('::ffff:')) return ip;
  const octets = ipToOctets(ip);
  return octets.subarray(0, 10).every((octet) => octet === 0) ? ipFromOctets(octets, 12, 4) : ip;
}

/** As people write it: an IPv4-mapped address is the IPv4 address, so that no host has two names. Throws AddressError. */
export function parseWrittenIp(text: string): IpAddress {
  return unmapped(parseIp(text));
}

/** The family of an address. */
export function ipFamily(ip: IpAddress): IpFamily {
  return ip.includes(':') ? 6 : 4;
}

/** 4 or 16 octets, network order. */
export function ipToOctets(ip: IpAddress): Uint8Array {
  if (ipFamily(ip) === 6) return recentAddresses.get(ip, () => ipv6ToOctets(ip as Ipv6Address)).slice();
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, ipv4ToNumber(ip as Ipv4Address));
  return octets;
}

/** Our own text of an address is in RFC 5952's form, which is quick to read. */
function ipv6ToOctets(ip: Ipv6Address): Uint8Array {
  const octets = new Uint8Array(16);
  const dotted = ip.includes('.');
  if (dotted) return Uint8Array.from(ipaddr.IPv6.parse(ip).toByteArray());
  const [before, after] = ip.split('::');
  const write = (groups: readonly string[], start: number) => {
    groups.forEach((group, i) => {
      const value = Number.parseInt(group, 16);
      octets[start + 2 * i] = value >>> 8;
      octets[start + 2 * i + 1] = value;
    });
  };
  write(before === '' ? [] : before!.split(':'), 0);
  if (after !== undefined && after !== '') {
    const groups = after.split(':');
    write(groups, 16 - 2 * groups.length);
  }
  return octets;
}

/** The address as an unsigned 32-bit number. */
export function ipv4ToNumber(ip: Ipv4Address): number {
  let value = 0;
  let part = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === 46) {
      value = value * 256 + part;
      part = 0;
    } else part = part * 10 + (code - 48);
  }
  return value * 256 + part;
}

/** The address that stands at `offset`. */
export function ipFromOctets(octets: Uint8Array, offset: number, family: IpFamily): IpAddress {
  if (family === 4) {
    return `${octets[offset]}.${octets[offset + 1]}.${octets[offset + 2]}.${octets[offset + 3]}` as Ipv4Address;
  }
  const key = Buffer.from(octets.buffer, octets.byteOffset + offset, 16).toString('latin1');
  return recentOctets.get(
    key,
    () => new ipaddr.IPv6([...octets.subarray(offset, offset + 16)]).toRFC5952String() as Ipv6Address,
  );
}

/** The link-local address that a host makes of its MAC (RFC 4291, section 2.5.6 and appendix A). */
export function linkLocalOf(mac: MacAddress): Ipv6Address {
  const octets = macToOctets(mac);
  const interfaceId = [octets[0]! ^ 2, octets[1]!, octets[2]!, 0xff, 0xfe, ...octets.subarray(3)];
  return ipFromOctets(Uint8Array.from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...interfaceId]), 0, 6) as Ipv6Address;
}
