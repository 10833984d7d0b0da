/** Addresses of a topology: those of the file, each used once, and those that are made for who has none. */
import { attempt, parseNetworkIp } from '../../gateway/config/addresses.js';
import { type IpAddress, ipFamily, type MacAddress, parseMac } from '../../packet/address.js';
import { itemsOf } from './shape.js';
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

/** The underlay addresses that the file gives a node. */
export interface GivenUnderlay {
  readonly underlay: { ipv4?: IpAddress; ipv6?: IpAddress };
  /** None of them was wrong. */
  readonly isRead: boolean;
}

/** One of each family at most; problems are noted. */
export function claimUnderlay(
  { underlay: book }: AddressBooks,
  given: readonly string[] | undefined,
  owner: string,
  place: Place,
): GivenUnderlay {
  const underlay: GivenUnderlay['underlay'] = {};
  let isRead = true;
  for (const [i, text] of itemsOf(given)) {
    const at = place.at('underlay', i);
    const ip = book.claim(text, owner, at);
    if (ip === undefined) {
      isRead = false;
      continue;
    }
    const key = `ipv${ipFamily(ip)}` as const;
    if (underlay[key] !== undefined) at.problem(`${owner} has an IPv${ipFamily(ip)} address already`);
    underlay[key] = ip;
  }
  return { underlay, isRead };
}

export function newAddressBooks(): AddressBooks {
  return {
    underlay: new AddressBook('underlay address', parseNetworkIp),
    oob: new AddressBook('OOB address', parseNetworkIp),
    workload: new AddressBook('address', parseNetworkIp),
    mac: new AddressBook('MAC address', parseMac),
  };
}
