/**
 * What gateways do with what insiders and strangers make them do: how many keys and rotations one peer gets, how many requests
 * are made that nothing authenticated asked for, and where packets are sent. By what crosses the OOB network and leaves
 * for the underlay.
 */

import type { Clock } from '../base/clock.js';
import type { RpcMethod } from '../gateway/rpc/transport.js';
import { decodeMultiTunnelRequest, decodeNewTunnelRequest } from '../gateway/rpc/tunnel-messages.js';
import { UNCONFIRMED_HOLD_MS } from '../gateway/underlay/underlay-addresses.js';
import { type IpAddress, ipToOctets } from '../packet/address.js';
import { spiText } from '../psp/header.js';
import type { Given } from './given-keys.js';
import type { GatewayPlan } from './model.js';

/** Requests that nothing asked for, of one gateway in a minute: so many, and so many for each peer that is there. */
const UNPROVOKED_MAX = 10;
const UNPROVOKED_PER_PEER_MAX = 4;
const MINUTE_MS = 60_000;

/** What a gateway does that it should leave: too much, for nothing, or at the wrong peer. */
export type RestraintKind = 'over-budget' | 'restless' | 'misdirected';

export interface RestraintDeps {
  readonly nowMs: () => number;
  readonly gateways: ReadonlyMap<string, GatewayPlan>;
  /** Peers that are there, insiders included. */
  readonly peers: number;
  /** Whose underlay address it is or was; undefined: nobody's. */
  readonly holderOf: (address: IpAddress) => string | undefined;
  readonly violate: (kind: RestraintKind, node: string, text: string) => void;
}

interface Incarnation {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly startMs: number;
  /** State by peer. */
  readonly got: Map<string, Got>;
}

/** A request that nothing asked for; when its answer is refused, parts of it are asked for again. */
interface Whole {
  readonly pairs: ReadonlySet<string>;
  parts: number;
}

/** Resources that one peer got from one incarnation of a gateway. */
interface Got {
  keys: number;
  rotations: number;
}

export class Restraint {
  readonly #incarnations = new Map<string, Incarnation>();
  /** By gateway: pairs that it has a reason to ask for, and times of requests without a reason. */
  readonly #reasons = new Map<string, Set<string>>();
  readonly #unprovoked = new Map<string, number[]>();
  /** By gateway and peer, the last of those. */
  readonly #wholes = new Map<string, Whole>();
  /** By gateway and SPI that it sends under: the giver of the key, and the time. */
  readonly #givers = new Map<string, Map<number, Map<string, number>>>();
  /** By gateway: the first time that a peer named an address, by peer and address. */
  readonly #named = new Map<string, Map<string, number>>();
  /** By gateway: peers with which an exchange was complete, and since when; what is offered may be lost. */
  readonly #met = new Map<string, Map<string, number>>();

  constructor(private readonly deps: RestraintDeps) {}

  /** A gateway starts, with nothing granted to anybody. @param clock its own, by which it counts */
  starts(gateway: string, clock: Pick<Clock, 'nowMs'>): void {
    this.#incarnations.set(gateway, { clock, startMs: clock.nowMs(), got: new Map() });
    this.#givers.delete(gateway);
    this.#named.delete(gateway);
    this.#met.delete(gateway);
  }

  /** A workload behind `gateway` sends to `remote`, or a packet from there was let in. */
  reason(gateway: string, local: IpAddress, remote: IpAddress): void {
    this.#reasonsOf(gateway).add(`${local} ${remote}`);
  }

  onGiven({ receiver, holder, parameters }: Given): void {
    const nowMs = this.#nowOf(holder);
    let bySpi = this.#givers.get(holder);
    if (bySpi === undefined) {
      bySpi = new Map();
      this.#givers.set(holder, bySpi);
    }
    const givers = bySpi.get(parameters.spi);
    if (givers === undefined) bySpi.set(parameters.spi, new Map([[receiver, nowMs]]));
    else givers.set(receiver, nowMs);
    let named = this.#named.get(holder);
    if (named === undefined) {
      named = new Map();
      this.#named.set(holder, named);
    }
    const name = `${receiver} ${parameters.underlayIp}`;
    if (!named.has(name)) named.set(name, nowMs);
  }

  /** A request leaves. */
  onRequest(caller: string, callee: string | undefined, method: RpcMethod, request: Uint8Array): void {
    const pairs = pairsOf(method, request);
    // A gateway that is asked for a tunnel has a reason to ask back.
    if (callee !== undefined)
      for (const [own, remote] of pairs) this.#reasonsOf(callee).add(`${remote} ${own}`);
    const plan = this.deps.gateways.get(caller);
    if (plan === undefined || pairs.length === 0 || plan.options.staticTunnels !== undefined) return;
    const reasons = this.#reasonsOf(caller);
    const names = pairs.map(([own, remote]) => `${own} ${remote}`);
    if (names.some((name) => reasons.has(name)) || this.#isPart(`${caller} ${callee}`, names)) return;
    const now = this.deps.nowMs();
    const times = (this.#unprovoked.get(caller) ?? []).filter((at) => at > now - MINUTE_MS);
    times.push(now);
    this.#unprovoked.set(caller, times);
    const max = UNPROVOKED_MAX + UNPROVOKED_PER_PEER_MAX * this.deps.peers;
    if (times.length === max + 1)
      this.deps.violate('restless', caller, `${max + 1} requests in a minute that nothing asked for`);
  }

  /** A request was granted, with so many keys. */
  onGranted(caller: string, callee: string, method: RpcMethod, keys: number): void {
    if (keys > 0) {
      this.#meet(caller, callee);
      this.#meet(callee, caller);
    }
    const plan = this.deps.gateways.get(callee);
    const incarnation = this.#incarnations.get(callee);
    if (plan === undefined || incarnation === undefined) return;
    let got = incarnation.got.get(caller);
    if (got === undefined) {
      got = { keys: 0, rotations: 0 };
      incarnation.got.set(caller, got);
    }
    const { limits, maxTunnels } = plan.options;
    const seconds = (incarnation.clock.nowMs() - incarnation.startMs) / 1000;
    got.keys += keys;
    const burst = Math.max(limits.tunnelsPerPeerPerSecond, 2 * maxTunnels);
    const most = burst + Math.ceil(limits.tunnelsPerPeerPerSecond * seconds);
    if (got.keys > most && got.keys - keys <= most)
      this.deps.violate('over-budget', callee, `gave ${caller} ${got.keys} keys in ${seconds.toFixed(1)} s`);
    if (method !== 'RequestKeyRotation') return;
    got.rotations++;
    const rotations = 1 + Math.floor((seconds * 1000) / limits.rotationRequestIntervalMs);
    if (got.rotations === rotations + 1)
      this.deps.violate(
        'over-budget',
        callee,
        `rotated ${got.rotations} times in ${seconds.toFixed(1)} s at the request of ${caller}`,
      );
  }

  /** A PSP packet leaves. */
  onLeaves(gateway: string, to: IpAddress, spi: number): void {
    const owner = this.deps.holderOf(to);
    const givers = this.#givers.get(gateway)?.get(spi);
    const why = isNobodys(to)
      ? 'which is no unicast address'
      : owner === gateway
        ? 'its own address'
        : owner !== undefined &&
            givers !== undefined &&
            !givers.has(owner) &&
            [...givers].every((given) => this.#isAnothers(gateway, to, owner, ...given))
          ? `the address of ${owner}`
          : undefined;
    if (why === undefined) return;
    const who = givers === undefined ? 'nobody' : [...givers.keys()].join(' or ');
    this.deps.violate(
      'misdirected',
      gateway,
      `sends to ${to}, ${why}, under SPI ${spiText(spi)}, which ${who} gave it`,
    );
  }

  /** Whether a request repeats a part of the last one between the two, as often as it can be halved. */
  #isPart(ends: string, pairs: readonly string[]): boolean {
    const whole = this.#wholes.get(ends);
    if (
      whole !== undefined &&
      pairs.length < whole.pairs.size &&
      whole.parts < 2 * whole.pairs.size &&
      pairs.every((pair) => whole.pairs.has(pair))
    ) {
      whole.parts++;
      return true;
    }
    this.#wholes.set(ends, { pairs: new Set(pairs), parts: 0 });
    return false;
  }

  /**
   * Whether the gateway should have kept an address for `owner` when `giver` gave it a key, at `givenMs`: the owner had named it
   * before. A claim without proof gives way after a time; whether there was one is not seen here, so what is given later is not
   * judged.
   */
  #isAnothers(gateway: string, address: IpAddress, owner: string, giver: string, givenMs: number): boolean {
    const named = this.#named.get(gateway);
    const ownMs = named?.get(`${owner} ${address}`);
    const metMs = this.#met.get(gateway)?.get(owner);
    const claimedMs = named?.get(`${giver} ${address}`);
    if (ownMs === undefined || metMs === undefined || claimedMs === undefined) return false;
    return Math.max(ownMs, metMs) < claimedMs && givenMs - ownMs <= UNCONFIRMED_HOLD_MS;
  }

  #meet(gateway: string, peer: string): void {
    let met = this.#met.get(gateway);
    if (met === undefined) {
      met = new Map();
      this.#met.set(gateway, met);
    }
    if (!met.has(peer)) met.set(peer, this.#nowOf(gateway));
  }

  /** Time of a gateway's own clock, by which it keeps its limits. */
  #nowOf(gateway: string): number {
    return this.#incarnations.get(gateway)?.clock.nowMs() ?? this.deps.nowMs();
  }

  #reasonsOf(gateway: string): Set<string> {
    let reasons = this.#reasons.get(gateway);
    if (reasons === undefined) {
      reasons = new Set();
      this.#reasons.set(gateway, reasons);
    }
    return reasons;
  }
}

/** The asker's addresses and the others of a request for tunnels. */
function pairsOf(method: RpcMethod, request: Uint8Array): (readonly [IpAddress, IpAddress])[] {
  try {
    const tunnels =
      method === 'RequestMultipleTunnelParams'
        ? decodeMultiTunnelRequest(request).tunnels
        : method === 'RequestTunnelParams'
          ? decodeNewTunnelRequest(request).tunnels
          : [];
    return tunnels.map(({ virtSource, virtDestination }) => [virtSource, virtDestination] as const);
  } catch {
    return [];
  }
}

/** Unspecified, loopback, multicast or broadcast (RFC 6890, RFC 4291). */
function isNobodys(ip: IpAddress): boolean {
  const octets = ipToOctets(ip);
  if (octets.length === 4) return octets[0] === 0 || octets[0] === 127 || octets[0]! >= 224;
  const head = octets.subarray(0, 15).every((octet) => octet === 0);
  return octets[0] === 0xff || (head && octets[15]! <= 1);
}
