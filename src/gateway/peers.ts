/**
 * The directory of peers: who owns which virtual address, what dialect each speaks, and what a caller may ask for.
 */
import type { IpAddress } from '../packet/address.js';
import type { PeerDialect, PeerOptions } from './options.js';
import { TokenBucket } from './token-bucket.js';
import { type CallerIdentity, RpcError, type ServiceAddress, serviceText } from './transport.js';

export class Peer {
  /** Configured or learnt; absent: not known yet. */
  dialect: PeerDialect | undefined;
  /** Whether the dialect was configured, and is not to be learnt anew. */
  readonly dialectFixed: boolean;
  /** Exchanges of ours that failed since the last that succeeded. */
  failures = 0;
  /** When it last answered one; wall time. */
  answeredAtMs: number | undefined;
  /** When recovery last looked for tunnels to ask this peer for, and when it last re-keyed those that are there. */
  recoveryLookedAtMs = Number.NEGATIVE_INFINITY;
  recoveryRekeyedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    /** Absent: a peer that called us without certificate and stands in no directory. */
    readonly serviceAddress: ServiceAddress | undefined,
    readonly virtualIps: readonly IpAddress[],
    readonly pairs: PeerOptions['pairs'],
    readonly requests: TokenBucket,
    dialect?: PeerDialect,
  ) {
    this.dialect = dialect;
    this.dialectFixed = dialect !== undefined;
  }

  get name(): string {
    return this.serviceAddress === undefined ? 'unknown peer' : serviceText(this.serviceAddress);
  }
}

export interface PeersOptions {
  readonly peers: readonly PeerOptions[];
  /** Our own virtual addresses. */
  readonly localVips: readonly IpAddress[];
  /** Tunnels per second and peer that are answered. */
  readonly tunnelsPerSecond: number;
  readonly nowMs: () => number;
}

export class Peers {
  readonly all: readonly Peer[];
  readonly localVips: ReadonlySet<IpAddress>;
  readonly #owners = new Map<IpAddress, Peer>();
  readonly #unknown: Peer;

  constructor(options: PeersOptions) {
    const bucket = () => new TokenBucket(options.tunnelsPerSecond, options.tunnelsPerSecond, options.nowMs);
    this.all = options.peers.map(
      (peer) => new Peer(peer.serviceAddress, peer.virtualIps, peer.pairs, bucket(), peer.dialect),
    );
    const fromPairs = options.peers.flatMap(
      (peer) => peer.pairs?.flatMap((pair) => pair.localVip ?? []) ?? [],
    );
    this.localVips = new Set([...options.localVips, ...fromPairs]);
    for (const peer of this.all) for (const ip of peer.virtualIps) this.#owners.set(ip, peer);
    this.#unknown = new Peer(undefined, [], undefined, bucket());
  }

  /** The peer that owns a virtual address. */
  ownerOf(virtualIp: IpAddress): Peer | undefined {
    return this.#owners.get(virtualIp);
  }

  /** All pairs that the configuration names with a peer, for the given local addresses. */
  pairsOf(peer: Peer): { localVip: IpAddress; remoteVip: IpAddress }[] {
    const sameFamily = (a: IpAddress, b: IpAddress) => a.includes(':') === b.includes(':');
    const from = (remoteVip: IpAddress) =>
      [...this.localVips]
        .filter((localVip) => sameFamily(localVip, remoteVip))
        .map((localVip) => ({ localVip, remoteVip }));
    if (peer.pairs === undefined) return peer.virtualIps.flatMap(from);
    return peer.pairs.flatMap(({ localVip, remoteVip }) =>
      localVip === undefined ? from(remoteVip) : [{ localVip, remoteVip }],
    );
  }

  /**
   * The peer that a caller proved to be. Without certificates nobody proves anything: then the peer is the owner of
   * the address that is claimed, or the unknown one.
   */
  identify(caller: CallerIdentity, claimed?: IpAddress): Peer {
    const owner = claimed === undefined ? undefined : this.ownerOf(claimed);
    if (!caller.authenticated) return owner ?? this.#unknown;
    const isCaller = (peer: Peer) => caller.names.includes(peer.serviceAddress!.host);
    if (claimed === undefined) {
      const peer = this.all.find(isCaller);
      if (peer !== undefined) return peer;
      throw new RpcError(
        'PERMISSION_DENIED',
        `no configured peer is named ${caller.names.join(', ') || 'so'}`,
      );
    }
    if (owner !== undefined && isCaller(owner)) return owner;
    throw new RpcError(
      'PERMISSION_DENIED',
      `virt_src_ip ${claimed} does not belong to ${caller.names.join(', ') || 'the caller'}`,
    );
  }

  /** Throws PERMISSION_DENIED when `virtualIp` is not one of ours. */
  assertLocal(virtualIp: IpAddress): void {
    if (!this.localVips.has(virtualIp)) {
      throw new RpcError('PERMISSION_DENIED', `virt_dst_ip ${virtualIp} is not behind this gateway`);
    }
  }
}
