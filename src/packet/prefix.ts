/** IP prefixes as configuration names them (RFC 4632, RFC 4291 section 2.3). */
import {
  AddressError,
  type IpAddress,
  type IpFamily,
  ipFromOctets,
  ipToOctets,
  parseIp,
  unmapped,
} from './address.js';

/** A prefix of either family. */
export interface IpPrefix {
  /** The text it was written as: an address, or address/length. */
  readonly text: string;
  /** 4 or 16; those behind `bits` are zero. */
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** An address, or address/length whose bits behind the length are zero; throws AddressError. */
export function parsePrefix(text: string): IpPrefix {
  const { octets, bits } = readPrefix(text);
  if (!hasPrefix(octets, { octets: truncated(octets, bits), bits: octets.length * 8 })) {
    throw new AddressError(`"${text}" has bits behind its length of ${bits}`);
  }
  return { text, octets, bits };
}

/** An address, or address/length; bits behind the length are cleared, and the text is that of what is left. Throws AddressError. */
export function parseNetwork(text: string): IpPrefix {
  const { octets, bits } = readPrefix(text);
  const network = truncated(octets, bits);
  const address = ipFromOctets(network, 0, familyOf(network));
  return { text: bits === network.length * 8 ? address : `${address}/${bits}`, octets: network, bits };
}

function readPrefix(text: string): { octets: Uint8Array; bits: number } {
  const [address, length, ...rest] = text.split('/');
  const ip = parseIp(address!);
  const octets = ipToOctets(ip);
  const most = octets.length * 8;
  const bits =
    length === undefined ? most : /^\d{1,3}$/.test(length) && rest.length === 0 ? Number(length) : -1;
  if (bits < 0 || bits > most) {
    throw new AddressError(`"${text}" is not an address or a prefix such as 192.0.2.0/24 or 2001:db8::/64`);
  }
  if (length?.startsWith('0') === true && length !== '0')
    throw new AddressError(`"${text}": a length has no zeros before it; write ${address}/${bits}`);
  // One that holds IPv4-mapped addresses only is IPv4's.
  const inner = ipToOctets(unmapped(ip));
  const outerBits = most - inner.length * 8;
  if (bits < outerBits) {
    const reason = `of addresses that stand for IPv4's, and shorter than their /${outerBits}, so that it is of neither family`;
    throw new AddressError(`"${text}" is a prefix ${reason}; write one of IPv4, such as 192.0.2.0/24`);
  }
  return { octets: inner, bits: bits - outerBits };
}

/** Whether a prefix contains an address. False for an address of the other family. */
export function prefixHolds(prefix: IpPrefix, ip: IpAddress): boolean {
  return hasPrefix(ipToOctets(ip), prefix);
}

export function prefixFamily({ octets }: IpPrefix): IpFamily {
  return familyOf(octets);
}

const familyOf = (octets: Uint8Array): IpFamily => (octets.length === 4 ? 4 : 6);

/** Number of addresses in the prefix; inexact beyond 2^53. */
export function prefixSize({ octets, bits }: IpPrefix): number {
  return 2 ** (octets.length * 8 - bits);
}

/**
 * Its addresses, the first and the last among them, in order. `leftOut` says of an address whether it is left out: with how many
 * others, by the length in bits of the prefix that holds them.
 */
export function* addressesOf(
  prefix: IpPrefix,
  leftOut: (address: IpAddress) => number | undefined = () => undefined,
): Generator<IpAddress> {
  const family = prefixFamily(prefix);
  let next = prefix.octets;
  do {
    const address = ipFromOctets(next, 0, family);
    const length = leftOut(address);
    if (length === undefined) yield address;
    next = behind(next, length ?? next.length * 8);
    // Unless it has carried into the prefix itself.
  } while (hasPrefix(next, prefix) && next.some((octet) => octet !== 0));
}

/** The first address behind the prefix of so many bits that holds this one; all zero behind the last of all. */
function behind(octets: Uint8Array, bits: number): Uint8Array {
  const next = truncated(octets, bits);
  let carry = 1 << ((8 - (bits % 8)) % 8);
  for (let at = ((bits + 7) >> 3) - 1; at >= 0 && carry > 0; at--) {
    carry += next[at]!;
    next[at] = carry & 0xff;
    carry >>= 8;
  }
  return next;
}

function hasPrefix(octets: Uint8Array, { octets: wanted, bits }: Pick<IpPrefix, 'octets' | 'bits'>): boolean {
  if (octets.length !== wanted.length) return false;
  for (let i = 0; i * 8 < bits; i++) {
    const mask = bits - i * 8 >= 8 ? 0xff : 0xff << (8 - (bits - i * 8));
    if (((octets[i]! ^ wanted[i]!) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** Length in bits of the longest prefix that holds both addresses, of one family. */
export function sharedBits(one: Uint8Array, other: Uint8Array): number {
  const at = one.findIndex((octet, i) => octet !== other[i]);
  return at < 0 ? one.length * 8 : at * 8 + Math.clz32(one[at]! ^ other[at]!) - 24;
}

/** Values by prefix, looked up by address: the longest prefix that contains it decides. */
export class PrefixTable<Value> {
  /** Tables by family and prefix length, the longest first. */
  readonly #byLength: {
    readonly octets: number;
    readonly bits: number;
    readonly values: Map<string, Value>;
  }[] = [];

  set({ octets, bits }: IpPrefix, value: Value): void {
    let found = this.#byLength.find((one) => one.octets === octets.length && one.bits === bits);
    if (found === undefined) {
      found = { octets: octets.length, bits, values: new Map() };
      this.#byLength.push(found);
      this.#byLength.sort((a, b) => b.bits - a.bits);
    }
    found.values.set(keyOf(octets), value);
  }

  /** The value of the longest prefix that contains the address, and that prefix's length. */
  find(ip: IpAddress): { readonly value: Value; readonly bits: number } | undefined {
    if (this.#byLength.length === 0) return undefined;
    const octets = ipToOctets(ip);
    for (const { octets: length, bits, values } of this.#byLength) {
      if (length !== octets.length) continue;
      const value = values.get(keyOf(truncated(octets, bits)));
      if (value !== undefined) return { value, bits };
    }
    return undefined;
  }
}

function keyOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
}

function truncated(octets: Uint8Array, bits: number): Uint8Array {
  return octets.map((octet, i) => octet & (0xff << Math.max(0, Math.min(8, 8 - (bits - i * 8)))) & 0xff);
}
