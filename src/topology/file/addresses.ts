/** Addresses of a topology: those of the file, each used once, and those that are made for who has none. */
import { attempt, parseNetworkIp } from '../../gateway/config/addresses.js';
import { type IpAddress, type MacAddress, parseMac } from '../../packet/address.js';
import type { Place } from './source.js';

/** Addresses of one kind, of which each may be used once. */
export class AddressBook<A extends string> {
  readonly #owners = new Map<A, string>();

  /** @param kind such as "underlay address", for problems */
  constructor(
    private readonly kind: string,
    private readonly parse: (text: string) => A,
  ) {}

  /** The address of a text; undefined with the problem noted. */
  claim(text: string, owner: string, place: Place): A | undefined {
    const parsed = attempt(() => this.parse(text));
    if ('reason' in parsed) {
      place.problem(parsed.reason);
      return undefined;
    }
    const other = this.#owners.get(parsed.value);
    if (other !== undefined) {
      place.problem(`${parsed.value} is the ${this.kind} of ${other} already`);
      return undefined;
    }
    this.#owners.set(parsed.value, owner);
    return parsed.value;
  }

  /** The first of `candidate(n)`, n from `start`, that nobody has. */
  generate(owner: string, start: number, candidate: (n: number) => A): A {
    for (let n = start; ; n++) {
      const address = candidate(n);
      if (this.#owners.has(address)) continue;
      this.#owners.set(address, owner);
      return address;
    }
  }
}

/** Host n, from 0, of a 10.x or 192.168.x network without .0 and .255. */
const ipv4In = (prefix: string, n: number) => `${prefix}.${Math.floor(n / 254)}.${(n % 254) + 1}`;
const hex = (n: number) => (n + 1).toString(16);
const macIn = (block: number, n: number): MacAddress => {
  const octets = [2, 0, 0, block, (n + 1) >>> 8, (n + 1) & 255];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':') as MacAddress;
};

/** Generated addresses of gateway or workload number n, from 0. */
export const GENERATED = {
  underlay: {
    4: (n: number) => ipv4In('172.16', n) as IpAddress,
    6: (n: number) => `2001:db8::${hex(n)}` as IpAddress,
  },
  oob: (n: number) => ipv4In('10.0', n) as IpAddress,
  workload: {
    4: (n: number) => ipv4In('192.168', n) as IpAddress,
    6: (n: number) => `fd00:0:0:1::${hex(n)}` as IpAddress,
  },
  uplinkMac: (n: number) => macIn(0, n),
  workloadMac: (n: number) => macIn(1, n),
} as const;

export interface AddressBooks {
  readonly underlay: AddressBook<IpAddress>;
  readonly oob: AddressBook<IpAddress>;
  readonly workload: AddressBook<IpAddress>;
  readonly mac: AddressBook<MacAddress>;
}

export function newAddressBooks(): AddressBooks {
  return {
    underlay: new AddressBook('underlay address', parseNetworkIp),
    oob: new AddressBook('OOB address', parseNetworkIp),
    workload: new AddressBook('address', parseNetworkIp),
    mac: new AddressBook('MAC address', parseMac),
  };
}
