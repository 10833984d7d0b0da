/**
 * Who may hold a connection: counts and rates of strangers and peers, before anything is spent on a connection. Room
 * for peers is kept by counting their addresses apart from all others.
 */
import type { Clock } from '../../base/clock.js';
import {
  type IpAddress,
  ipFamily,
  ipFromOctets,
  ipToOctets,
  parseIp,
  unmapped,
} from '../../packet/address.js';
import { BURST_S, type DoorLimits } from './door-limits.js';
import { OctetBudget, type OctetShare } from './octet-budget.js';
import { Pace } from './pace.js';
import { TokenBucket } from './token-bucket.js';

/** Sources of strangers whose rates are remembered; the one longest away is forgotten first. */
export const SOURCES_MAX = 4096;
/** Length of the prefix that one subscriber of IPv6 has at least (RFC 6177): its addresses count as one source. */
const IPV6_SOURCE_PREFIX_OCTETS = 8;

/** Why a connection was refused before anything was spent on it. */
export type Refusal = 'strangers' | 'source' | 'rate' | 'peer';

/** Connections from one source that have not shown to be a peer's yet. */
interface Source {
  open: number;
  readonly rate: TokenBucket;
}

/** Connections, streams and octets of one peer. Peers that share a service address share them. */
export interface Party {
  readonly host: IpAddress;
  readonly connections: Set<object>;
  readonly octets: OctetShare;
  readonly requests: Pace;
}

/** A connection that has been let in, and has not shown to be a peer's yet. */
export interface Visit {
  /** Ends the count; once. */
  leave(): void;
}

/** The address a connection comes from, IPv4 as IPv4; undefined for one that is not known, or of one link only. */
export function sourceOf(remoteAddress: string | undefined): IpAddress | undefined {
  // A link-local address with its zone names somebody on that link; peers are configured without zones.
  if (remoteAddress === undefined || remoteAddress.includes('%')) return undefined;
  return unmapped(parseIp(remoteAddress));
}

export class Doors {
  readonly refused: Record<Refusal, number> = { strangers: 0, source: 0, rate: 0, peer: 0 };
  readonly octets: OctetBudget;
  /** Strangers' connections from addresses that are no peer's. */
  strangers = 0;
  readonly #strangersRate: TokenBucket;
  /** Least recently used first. */
  readonly #sources = new Map<string, Source>();
  readonly #peerSources = new Map<IpAddress, Source>();
  readonly #parties = new Map<IpAddress, Party>();

  constructor(
    private readonly limits: DoorLimits,
    private readonly clock: Clock,
    /** Configured peers at an address. */
    private readonly peersAt: (source: IpAddress) => number,
    private readonly onRefused: (why: Refusal, from: string) => void = () => {},
  ) {
    this.octets = new OctetBudget(limits.octetsPerPeer, limits.octetsInAll);
    this.#strangersRate = this.#bucket(limits.strangersPerSecond);
  }

  get sourcesKnown(): number {
    return this.#sources.size;
  }

  /** A new connection: undefined, and counted, when it may not come in. */
  knock(source: IpAddress | undefined): Visit | undefined {
    const peers = source === undefined ? 0 : this.peersAt(source);
    return peers > 0 ? this.#knockAsPeer(source!, peers) : this.#knockAsStranger(source);
  }

  /** Holdings of the peers at `host`. */
  party(host: IpAddress): Party {
    let party = this.#parties.get(host);
    if (party === undefined) {
      const { requestsPerPeerPerSecond: perSecond } = this.limits;
      party = {
        host,
        connections: new Set(),
        octets: this.octets.share(),
        requests: new Pace(this.clock, perSecond, BURST_S * perSecond),
      };
      this.#parties.set(host, party);
    }
    return party;
  }

  /** What is kept of hosts that have no peer any more. */
  forgetStrangers(): void {
    for (const host of this.#parties.keys()) if (this.peersAt(host) === 0) this.#parties.delete(host);
    for (const source of this.#peerSources.keys())
      if (this.peersAt(source) === 0) this.#peerSources.delete(source);
  }

  /** Hosts of peers of which something is kept. */
  get hostsKnown(): number {
    return new Set([...this.#parties.keys(), ...this.#peerSources.keys()]).size;
  }

  /** Connections that the peers at `host` may hold. */
  connectionsOf(host: IpAddress): number {
    return this.limits.connectionsPerPeer * Math.max(1, this.peersAt(host));
  }

  /** Counts a connection that may not come in. */
  refuse(why: Refusal, source: IpAddress | undefined): undefined {
    this.refused[why]++;
    this.onRefused(why, sourceKey(source));
    return undefined;
  }

  #knockAsPeer(source: IpAddress, peers: number): Visit | undefined {
    const { openingsPerPeer, openingsPerPeerPerSecond } = this.limits;
    let entry = this.#peerSources.get(source);
    if (entry === undefined) {
      entry = { open: 0, rate: this.#bucket(openingsPerPeerPerSecond * peers) };
      this.#peerSources.set(source, entry);
    }
    if (entry.open >= openingsPerPeer * peers) return this.refuse('peer', source);
    if (!entry.rate.take()) return this.refuse('rate', source);
    return this.#visit(entry, () => {});
  }

  #knockAsStranger(source: IpAddress | undefined): Visit | undefined {
    const key = sourceKey(source);
    const { strangers, strangersPerSource, strangersPerSourcePerSecond } = this.limits;
    if (this.strangers >= strangers) return this.refuse('strangers', source);
    let entry = this.#sources.get(key);
    if (entry === undefined) {
      this.#forgetOldest();
      entry = { open: 0, rate: this.#bucket(strangersPerSourcePerSecond) };
    } else this.#sources.delete(key);
    this.#sources.set(key, entry);
    if (entry.open >= strangersPerSource) return this.refuse('source', source);
    // The source's own rate first: it alone is not to use up that of all.
    if (!entry.rate.take() || !this.#strangersRate.take()) return this.refuse('rate', source);
    this.strangers++;
    return this.#visit(entry, () => this.strangers--);
  }

  #visit(entry: Source, onLeave: () => void): Visit {
    let inside = true;
    entry.open++;
    return {
      leave() {
        if (!inside) return;
        inside = false;
        entry.open--;
        onLeave();
      },
    };
  }

  #forgetOldest(): void {
    if (this.#sources.size < SOURCES_MAX) return;
    for (const [key, { open }] of this.#sources) {
      if (open > 0) continue;
      this.#sources.delete(key);
      return;
    }
  }

  #bucket(perSecond: number): TokenBucket {
    return new TokenBucket(perSecond, BURST_S * perSecond, () => this.clock.nowMs());
  }
}

/** The key of a source: an IPv4 address, or all of an IPv6 /64. */
function sourceKey(source: IpAddress | undefined): string {
  if (source === undefined) return 'unknown';
  if (ipFamily(source) === 4) return source;
  const octets = ipToOctets(source);
  octets.fill(0, IPV6_SOURCE_PREFIX_OCTETS);
  return ipFromOctets(octets, 0, 6);
}
