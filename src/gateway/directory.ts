/**
 * Who owns which virtual address. Peers own single addresses and prefixes, which stay prefixes: the longest that holds an
 * address decides, an address that is named by itself comes before any prefix, and so do our own. A prefix owns all of its
 * addresses, the first and the last too.
 */
import { type IpAddress, type IpFamily, ipFamily, ipToOctets } from '../packet/address.js';
import {
  addressesOf,
  type IpPrefix,
  PrefixTable,
  prefixFamily,
  prefixSize,
  sharedBits,
} from '../packet/prefix.js';

/** The property of a peer: an address, or a prefix with all of its addresses. */
export type Vip = IpAddress | IpPrefix;

export interface AddressOwner {
  readonly virtualIps: readonly IpAddress[];
  readonly virtualPrefixes?: readonly IpPrefix[];
  /** Pairs that the session file names; absent: any local address with any that it owns. */
  readonly pairs?: readonly PeerPair[] | undefined;
}

/** A local address, or any of ours, and what it talks to. */
export interface PeerPair {
  readonly localVip?: IpAddress;
  readonly remoteVip: Vip;
}

export interface AddressPair {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
}

export class Directory<Owner extends AddressOwner> {
  /** Our own, those that only pairs name among them. */
  readonly localVips: ReadonlySet<IpAddress>;
  readonly #byAddress = new Map<IpAddress, Owner>();
  readonly #byPrefix = new PrefixTable<Owner>();
  /** First addresses of all that an owner has, of each family and in order; found when they are first needed. */
  readonly #starts = new Map<Owner, Readonly<Record<IpFamily, readonly Uint8Array[]>>>();

  constructor(owners: readonly Owner[], localVips: readonly IpAddress[]) {
    this.localVips = withThoseOfPairs(owners, localVips);
    for (const owner of owners) {
      for (const ip of owner.virtualIps) this.#byAddress.set(ip, owner);
      for (const prefix of owner.virtualPrefixes ?? []) this.#byPrefix.set(prefix, owner);
    }
  }

  ownerOf(virtualIp: IpAddress): Owner | undefined {
    const named = this.#byAddress.get(virtualIp);
    if (named !== undefined || this.localVips.has(virtualIp)) return named;
    return this.#byPrefix.find(virtualIp)?.value;
  }

  /**
   * Every pair that the configuration names with an owner, once; of a prefix only addresses that are this owner's. `anyOf` are the
   * local addresses where the configuration names none.
   */
  *pairsOf(owner: Owner, anyOf: Iterable<IpAddress> = this.localVips): Generator<AddressPair> {
    // Only where prefixes overlap could a pair be there twice.
    const seen = (owner.virtualPrefixes?.length ?? 0) > 0 ? new Set<string>() : undefined;
    const any = [...anyOf];
    for (const { localVip, remoteVip } of owner.pairs ?? anyLocal(owner)) {
      const family = vipFamily(remoteVip);
      const locals = (localVip === undefined ? any : [localVip]).filter((ip) => ipFamily(ip) === family);
      // A prefix may have more addresses than can be gone through for nothing.
      if (locals.length === 0) continue;
      for (const remote of typeof remoteVip === 'string'
        ? [remoteVip]
        : this.#addressesOf(remoteVip, owner)) {
        for (const local of locals) {
          if (seen !== undefined) {
            const pair = `${local} ${remote}`;
            if (seen.has(pair)) continue;
            seen.add(pair);
          }
          yield { localVip: local, remoteVip: remote };
        }
      }
    }
  }

  #startsOf(owner: Owner): Readonly<Record<IpFamily, readonly Uint8Array[]>> {
    let starts = this.#starts.get(owner);
    if (starts === undefined) {
      const all = [
        ...owner.virtualIps.map(ipToOctets),
        ...(owner.virtualPrefixes ?? []).map(({ octets }) => octets),
      ];
      const inOrder = (length: number) =>
        all.filter((octets) => octets.length === length).sort(Buffer.compare);
      starts = { 4: inOrder(4), 6: inOrder(16) };
      this.#starts.set(owner, starts);
    }
    return starts;
  }

  /**
   * Those of a prefix that are the owner's. What is another's is passed over, as far as the owner has nothing in it: a prefix may have
   * more addresses than can be gone through.
   */
  #addressesOf(prefix: IpPrefix, owner: Owner): Iterable<IpAddress> {
    const one = prefix.octets.length * 8;
    const starts = this.#startsOf(owner)[prefixFamily(prefix)];
    return addressesOf(prefix, (address) => {
      const named = this.#byAddress.get(address);
      if (named !== undefined) return named === owner ? undefined : one;
      if (this.localVips.has(address)) return one;
      const longest = this.#byPrefix.find(address);
      if (longest === undefined || longest.value === owner) return undefined;
      const octets = ipToOctets(address);
      const next = firstBehind(starts, octets);
      return next === undefined ? longest.bits : Math.max(longest.bits, sharedBits(octets, next) + 1);
    });
  }
}

/** The first of some addresses in order that is greater than `address`. */
function firstBehind(inOrder: readonly Uint8Array[], address: Uint8Array): Uint8Array | undefined {
  let [low, high] = [0, inOrder.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(inOrder[middle]!, address) <= 0) low = middle + 1;
    else high = middle;
  }
  return inOrder[low];
}

function anyLocal({ virtualIps, virtualPrefixes }: AddressOwner): PeerPair[] {
  return [...virtualIps, ...(virtualPrefixes ?? [])].map((remoteVip) => ({ remoteVip }));
}

/**
 * How many pairs the configuration names, at most: what prefixes have in common counts as often as it is there. Where none of
 * our own addresses is known yet, there is one of each family.
 */
export function countPairs(owners: readonly AddressOwner[], localVips: Iterable<IpAddress>): number {
  return sumOf(owners, withThoseOfPairs(owners, localVips));
}

interface StaticOptions {
  readonly peers: readonly AddressOwner[];
  readonly staticTunnels?: IpAddress | 'all' | undefined;
}

/** Number of static tunnels that are made at start-up; see countPairs. */
export function countStatic({ peers, staticTunnels }: StaticOptions, localVips: Iterable<IpAddress>): number {
  if (staticTunnels === undefined) return 0;
  const from = staticTunnels === 'all' ? [] : [staticTunnels];
  const all = withThoseOfPairs(peers, [...localVips, ...from]);
  const paired = peers.filter(({ pairs }) => pairs !== undefined);
  const others = peers.filter(({ pairs }) => pairs === undefined);
  return sumOf(paired, all) + sumOf(others, staticTunnels === 'all' ? all : new Set(from));
}

function withThoseOfPairs(owners: readonly AddressOwner[], localVips: Iterable<IpAddress>): Set<IpAddress> {
  const all = new Set(localVips);
  for (const { pairs } of owners) {
    for (const { localVip } of pairs ?? []) if (localVip !== undefined) all.add(localVip);
  }
  return all;
}

function sumOf(owners: readonly AddressOwner[], localVips: ReadonlySet<IpAddress>): number {
  const locals = { 4: localVips.size === 0 ? 1 : 0, 6: localVips.size === 0 ? 1 : 0 };
  for (const ip of localVips) locals[ipFamily(ip)]++;
  let sum = 0;
  for (const owner of owners) {
    for (const { localVip, remoteVip } of owner.pairs ?? anyLocal(owner)) {
      const from = localVip === undefined ? locals[vipFamily(remoteVip)] : 1;
      sum += from * (typeof remoteVip === 'string' ? 1 : prefixSize(remoteVip));
    }
  }
  return sum;
}

export function vipFamily(vip: Vip): IpFamily {
  return typeof vip === 'string' ? ipFamily(vip) : prefixFamily(vip);
}

export function vipText(vip: Vip): string {
  return typeof vip === 'string' ? vip : vip.text;
}
