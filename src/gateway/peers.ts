/**
 * The directory of peers: who owns which virtual address, what dialect each speaks, and what a caller may ask for.
 *
 * A peer is told by the address of its service: a certificate must name it as an IP address, and with --insecure the
 * connection must come from it. Neither knows of ports, so peers that share an address are one party: each of them
 * may ask for what any of them owns, and they share what a peer may use. A peer with identities is told by these and by nothing
 * else, and may ask for what it owns itself.
 */
import type { IpAddress } from '../packet/address.js';
import type { IpPrefix } from '../packet/prefix.js';
import { type AddressPair, Directory, type PeerPair, vipText } from './directory.js';
import { type BudgetLimits, PeerBudget } from './doors/peer-budget.js';
import type { PeerDialect, PeerOptions } from './options.js';
import { identityText, namesThatProve } from './rpc/identity.js';
import {
  type CallerIdentity,
  type CertificateName,
  type Doorkeeper,
  type ProblemKind,
  RpcError,
  type ServiceAddress,
  serviceText,
} from './rpc/transport.js';
import type { PeerFailure } from './view.js';

/** A peer that has told that it makes no new tunnels. */
export interface PeerDrain {
  /** When it ends at the latest, wall time; undefined: it has not said. */
  readonly endsAtMs: number | undefined;
  /** For so long it is believed, wall time: it tells again. */
  readonly untilMs: number;
}

const NO_PREFIXES: readonly IpPrefix[] = [];

export class Peer {
  /** Configured or learnt; absent: not known yet. */
  dialect: PeerDialect | undefined;
  /** Whether the dialect was configured, and is not to be learnt anew. */
  readonly dialectFixed: boolean;
  /** Exchanges of ours that failed since the last that succeeded. */
  failures = 0;
  /** The last of them. */
  failure: PeerFailure | undefined;
  /** When it last answered one; wall time. */
  answeredAtMs: number | undefined;
  /** When it last showed, by an answer or a request in which it proved who it is, that it is there; wall time. */
  heardAtMs = Number.NEGATIVE_INFINITY;
  /** When a read of its sessions' counters last found packets that had been let in; wall time. */
  receivedAtMs: number | undefined;
  /** Since when it does not answer, wall time; undefined: it does, or has not been asked. */
  silentSinceMs: number | undefined;
  /** How that showed first. */
  silentReason: string | undefined;
  /** What was wrong with the connection; undefined: nothing, or nobody knows. */
  silentProblem: ProblemKind | undefined;
  /** What it told last; undefined: it does not drain. */
  drain: PeerDrain | undefined;
  /** Requests of its that we have refused (rpc/request-refusals.ts), and of these those for a rotation of the master key. */
  readonly refused = { requests: 0, rotations: 0 };
  /** How often we have heard that it started anew. Ways out that are older than its last start lead nowhere. */
  starts = 0;
  /** When it first gave us an egress route since then, in our milliseconds. */
  firstRouteAtMs: number | undefined;

  readonly serviceAddress: ServiceAddress;
  /** Names of which its certificate must have one; undefined: its service address. */
  readonly identities: readonly CertificateName[] | undefined;
  /** What it owns, and here as below what `Peers.reconfigure` may change. */
  virtualIps: readonly IpAddress[];
  virtualPrefixes: readonly IpPrefix[];
  pairs: readonly PeerPair[] | undefined;

  constructor(
    /** As it was configured first. */
    readonly configured: PeerOptions,
    /** Limits on what the peer may take of us. */
    readonly budget: PeerBudget,
    /** Whether it may ask for rotations of our master key. */
    public mayRotate: boolean,
  ) {
    const { serviceAddress, identities, virtualIps, virtualPrefixes, pairs, dialect } = configured;
    this.serviceAddress = serviceAddress;
    this.identities = identities;
    this.virtualIps = virtualIps;
    this.virtualPrefixes = virtualPrefixes ?? NO_PREFIXES;
    this.pairs = pairs;
    this.dialect = dialect;
    this.dialectFixed = dialect !== undefined;
  }

  /** Whether it makes new tunnels, as far as it has told. */
  drainsAt(nowMs: number): boolean {
    return this.drain !== undefined && nowMs < this.drain.untilMs;
  }

  get name(): string {
    return serviceText(this.serviceAddress);
  }
}

export interface PeersOptions {
  readonly peers: readonly PeerOptions[];
  /** Our own virtual addresses. */
  readonly localVips: readonly IpAddress[];
  /** Limits for each peer. */
  readonly budgets: BudgetLimits;
  /** Right to ask for rotations, for peers of which the configuration says nothing. */
  readonly mayRotate: boolean;
  readonly nowMs: () => number;
}

/** What another configuration has done to the peers. */
export interface PeersChange {
  /** They are there from now on; their peers are new objects, also where one of the same address was there before. */
  readonly added: readonly Peer[];
  /** They are gone. */
  readonly removed: readonly Peer[];
  /** They own, or may do, something else than before. */
  readonly changed: readonly Peer[];
}

export class Peers implements Doorkeeper {
  #all: readonly Peer[] = [];
  #directory: Directory<Peer>;
  #byHost!: ReadonlyMap<IpAddress, readonly Peer[]>;
  /**
   * Peers by the names that they are told by: their identities, and the service addresses of those without. Made when the first
   * caller shows a certificate: there is none with --insecure.
   */
  #byName: ReadonlyMap<string, readonly Peer[]> | undefined;

  constructor(private readonly options: PeersOptions) {
    this.#all = options.peers.map((peer) => this.#newPeer(peer, options.budgets));
    this.#directory = this.#index();
  }

  get all(): readonly Peer[] {
    return this.#all;
  }

  /**
   * Other peers and budgets from now on. A peer of the same service address stays the one that it was, with all that is known
   * of it, where nothing has changed but what it owns, the pairs that are named, and what it may do; otherwise it is removed
   * and another one is added.
   */
  reconfigure(peers: readonly PeerOptions[], budgets: BudgetLimits): PeersChange {
    const former = new Map(this.#all.map((peer) => [peer.name, peer]));
    const added: Peer[] = [];
    const changed: Peer[] = [];
    this.#all = peers.map((configured) => {
      const name = serviceText(configured.serviceAddress);
      const known = former.get(name);
      if (known === undefined || lastingText(known.configured) !== lastingText(configured)) {
        const peer = this.#newPeer(configured, budgets);
        added.push(peer);
        return peer;
      }
      former.delete(name);
      const before = changingText(known);
      const { virtualIps, virtualPrefixes = [], pairs } = configured;
      Object.assign(known, { virtualIps, virtualPrefixes, pairs, mayRotate: this.#mayRotate(configured) });
      if (changingText(known) !== before) changed.push(known);
      known.budget.limit(budgets);
      return known;
    });
    this.#directory = this.#index();
    return { added, removed: [...former.values()], changed };
  }

  #newPeer(configured: PeerOptions, budgets: BudgetLimits): Peer {
    return new Peer(configured, new PeerBudget(budgets, this.options.nowMs), this.#mayRotate(configured));
  }

  #mayRotate({ mayRotate }: PeerOptions): boolean {
    return mayRotate ?? this.options.mayRotate;
  }

  /** Finds peers anew by all that they are found by; returns the directory. */
  #index(): Directory<Peer> {
    this.#byHost = groupedBy(this.#all, ({ serviceAddress }) => [serviceAddress.host]);
    this.#byName = undefined;
    return new Directory(this.#all, this.options.localVips);
  }

  /** Whether sessions of a pair may be with a peer: it owns the remote address, and the local one is ours. */
  mayTalk({ peer, localVip, remoteVip }: { peer: Peer; localVip: IpAddress; remoteVip: IpAddress }): boolean {
    return this.ownerOf(remoteVip) === peer && this.localVips.has(localVip);
  }

  /** Our own virtual addresses, those that only pairs name among them. */
  get localVips(): ReadonlySet<IpAddress> {
    return this.#directory.localVips;
  }

  /** The peer that owns a virtual address. */
  ownerOf(virtualIp: IpAddress): Peer | undefined {
    return this.#directory.ownerOf(virtualIp);
  }

  /**
   * The pairs that the configuration names with a peer, and no more than `most`; `anyOf` are the local addresses where it names
   * none, all of ours by default.
   */
  pairsOf(peer: Peer, most: number, anyOf?: readonly IpAddress[]): AddressPair[] {
    const pairs: AddressPair[] = [];
    for (const pair of this.#directory.pairsOf(peer, anyOf)) {
      if (pairs.length >= most) break;
      pairs.push(pair);
    }
    return pairs;
  }

  peersAt(source: IpAddress): number {
    return this.#byHost.get(source)?.length ?? 0;
  }

  admit(caller: CallerIdentity): IpAddress {
    return this.identify(caller).serviceAddress.host;
  }

  /**
   * The peer that a caller proved to be: the owner of the address that it claims, or the first of those at the
   * caller's address when it claims none. Throws PERMISSION_DENIED when it is none, or not that one.
   */
  identify(caller: CallerIdentity, claimed?: IpAddress): Peer {
    const proved = this.#provedBy(caller);
    if (claimed === undefined) {
      if (proved[0] !== undefined) return proved[0];
      throw new RpcError('PERMISSION_DENIED', `no configured peer is ${describeCaller(caller)}`);
    }
    const owner = this.ownerOf(claimed);
    if (owner !== undefined && proved.includes(owner)) return owner;
    throw new RpcError(
      'PERMISSION_DENIED',
      `virt_src_ip ${claimed} does not belong to a peer that is ${describeCaller(caller)}`,
    );
  }

  /**
   * The peer that a caller proved to be and that serves at `port`. One that says another port than it is configured with, as behind a
   * relay, is who it proved to be, where that is one peer only; of several at different addresses it is the one at the address that it
   * calls from. Who may be one of several is taken for none of them: PERMISSION_DENIED, as for who is no peer.
   */
  identifyService(caller: CallerIdentity, port: number): Peer {
    const proved = [...new Set(this.#provedBy(caller))];
    if (proved.length === 0) return this.identify(caller);
    const serving = proved.filter(({ serviceAddress }) => serviceAddress.port === port);
    const candidates = serving.length > 0 ? serving : proved;
    const here = candidates.filter(({ serviceAddress }) => serviceAddress.host === caller.source);
    for (const [one, ...others] of [candidates, here])
      if (one !== undefined && others.length === 0) return one;
    throw new RpcError(
      'PERMISSION_DENIED',
      `port ${port}: none of the ${proved.length} configured peers that are ${describeCaller(caller)} serves there, or more than one`,
    );
  }

  /** What the peer that serves there proves when we call it; undefined: its service address. */
  identitiesOf({ host, port }: ServiceAddress): readonly CertificateName[] | undefined {
    const peer = this.#byHost.get(host)?.find(({ serviceAddress }) => serviceAddress.port === port);
    return peer?.identities;
  }

  /** Whether a caller has shown to be a peer, maybe among others. */
  isCaller(caller: CallerIdentity, peer: Peer): boolean {
    return this.#provedBy(caller).includes(peer);
  }

  /** The peer that a caller has shown to be; undefined: none, or several, of which nobody knows which it is. */
  peerOf(caller: CallerIdentity): Peer | undefined {
    const proved = new Set(this.#provedBy(caller));
    return proved.size === 1 ? [...proved][0] : undefined;
  }

  /** The peers that a caller has shown to be, in the order of its names. */
  #provedBy({ authenticated, names, source }: CallerIdentity): readonly Peer[] {
    if (authenticated) {
      const byName = this.#byName ?? groupedBy(this.#all, namesOf);
      this.#byName = byName;
      return names.flatMap((name) => byName.get(identityText(name)) ?? []);
    }
    const there = source === undefined ? undefined : this.#byHost.get(source);
    if (there === undefined) return [];
    // An identity is proved by a certificate only.
    return there.some(hasIdentities) ? there.filter((peer) => !hasIdentities(peer)) : there;
  }

  /** Throws PERMISSION_DENIED when `virtualIp` is not one of ours. */
  assertLocal(virtualIp: IpAddress): void {
    if (!this.localVips.has(virtualIp)) {
      throw new RpcError('PERMISSION_DENIED', `virt_dst_ip ${virtualIp} is not behind this gateway`);
    }
  }
}

const hasIdentities = ({ identities }: Peer) => identities !== undefined;

const namesOf = ({ serviceAddress, identities }: Peer) =>
  new Set(namesThatProve(serviceAddress.host, identities).map(identityText));

/** Peers by each of their keys, in their order. */
function groupedBy<Key>(peers: readonly Peer[], keysOf: (peer: Peer) => Iterable<Key>): Map<Key, Peer[]> {
  const groups = new Map<Key, Peer[]>();
  for (const peer of peers) {
    for (const key of keysOf(peer)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [peer]);
      else group.push(peer);
    }
  }
  return groups;
}

/** Options of a peer that make another one of it when they change: all but those that `reconfigure` changes in place. */
function lastingText(configured: PeerOptions): string {
  const { virtualIps: _, virtualPrefixes: __, pairs: ___, mayRotate: ____, ...lasting } = configured;
  return JSON.stringify(lasting);
}

function changingText({ virtualIps, virtualPrefixes, pairs, mayRotate }: Peer): string {
  const texts = (pairs ?? []).map(({ localVip, remoteVip }) => [localVip, vipText(remoteVip)]);
  return JSON.stringify([virtualIps, virtualPrefixes.map(vipText), pairs && texts, mayRotate]);
}

/** Names from a certificate in a message: a few, of bounded length. */
const NAMES_IN_MESSAGE_MAX = 8;

function describeCaller({ authenticated, names, source }: CallerIdentity): string {
  if (!authenticated) return `at ${source ?? 'an address of its own'}`;
  const some = names.slice(0, NAMES_IN_MESSAGE_MAX).map(identityText);
  const more = names.length - some.length;
  return `named ${[...some, ...(more > 0 ? [`${more} more`] : [])].join(', ') || 'so: the certificate names nobody'}`;
}
