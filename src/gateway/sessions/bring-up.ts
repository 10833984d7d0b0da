/**
 * Brings up many sessions, or re-keys them: peer by peer, in batches, several peers at once. A peer that fails is
 * asked again after the others, later and later; it holds up nobody else. Peers that have just been heard of have turns of
 * their own, so that they do not wait until others, which may be dead and silent, have run into their deadlines.
 */
import { onAbort } from '../../base/abort.js';
import { type Clock, sleep } from '../../base/clock.js';
import { type Random, shuffled } from '../../base/random.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import type { Peer } from '../peers.js';
import { RpcError } from '../rpc/transport.js';
import { backoffMs } from './backoff.js';
import { hasPlace, mayAsk, type Session } from './session.js';
import type { TunnelClient } from './tunnel-client.js';

/** Peers that are asked at the same time, of those that were just heard of, and of all others. */
const PEERS_AT_ONCE = 16;
/** Concurrent turns of one peer, so that exchanges with a silent one hold up no other. */
const TURNS_PER_PEER_MAX = 2;
/** Time for which a peer that was heard of counts as one that will answer. */
const HEARD_MS = 2_000;
/** A peer that says again and again that it is there is believed once in this time. */
const WAKE_INTERVAL_MS = 1_000;
/** Errors of a peer that refuses a request as it is: one of its tunnels may be the reason, or there are too many. */
const REFUSALS: readonly string[] = [
  'PERMISSION_DENIED',
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'RESOURCE_EXHAUSTED',
  // It drains: those that it has go on.
  'FAILED_PRECONDITION',
];
/** Refused batches that are tried in halves, per pass. */
const SPLITS_MAX = 64;
/** Likewise, where nobody is asked again. */
const SPLITS_ONCE_MAX = 4;
/** Those errors with which a peer says that it will not have a tunnel later either. */
const FINAL_REFUSALS: readonly string[] = ['PERMISSION_DENIED', 'INVALID_ARGUMENT', 'NOT_FOUND'];
/** Refused batches that are tried in halves in all, where each tunnel is asked for until it is refused: those of four /24. */
const SPLITS_GRANTED_MAX = 1024;
/** A mesh whose gateways start together begins with its requests spread over this time, and more in a large one. */
const SPREAD_MIN_MS = 100;
const SPREAD_PER_PEER_MS = 1;

export interface BringUpDeps {
  readonly client: TunnelClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: GatewayObserver;
  readonly limits: GatewayLimits;
  readonly signal: AbortSignal;
}

/** Whether a session needs no exchange of ours any more. */
type Settled = (session: Session) => boolean;

/** One round of asking a peer. */
interface Pass {
  readonly settled: Settled;
  /** Refused batches that may still be tried in halves. */
  splits: number;
  /** Takes sessions that the peer has refused, where they are not asked for again. */
  readonly refused?: Session[];
  /** Why the last exchange that failed did. */
  failedBy?: unknown;
}

/** Turns of peers that were just heard of, or of the others. */
interface Lane {
  running: number;
  /** Running exchanges of each peer that has some. */
  readonly runningOf: Map<Peer, number>;
  /** Peers in the order in which they came; what waits for one is called with the lane whose turn it gets. */
  readonly waiting: Map<Peer, ((lane: Lane) => void)[]>;
}

const newLane = (): Lane => ({ running: 0, runningOf: new Map(), waiting: new Map() });

export class BringUp {
  /** A session is asked for by the last run that was told to; so a dead peer's do not gather runs. */
  #runs = 0;
  readonly #heard = newLane();
  readonly #others = newLane();
  /** Ends the waits between attempts of peers that failed. */
  readonly #wake = new Map<Peer, Set<() => void>>();
  readonly #wokenAtMs = new WeakMap<Peer, number>();

  constructor(private readonly deps: BringUpDeps) {}

  /** The peer was just heard of: what waits for it goes on now, before what waits for others. */
  heardOf(peer: Peer): void {
    const nowMs = this.deps.clock.nowMs();
    const waiting = this.#others.waiting.get(peer);
    this.#others.waiting.delete(peer);
    for (const take of waiting ?? []) this.#queue(this.#heard, peer, take);
    const waits = this.#wake.get(peer);
    if (waits === undefined) return;
    if (nowMs - (this.#wokenAtMs.get(peer) ?? Number.NEGATIVE_INFINITY) < WAKE_INTERVAL_MS) return;
    this.#wokenAtMs.set(peer, nowMs);
    for (const wake of [...waits]) wake();
  }

  /** Re-keys: resolves when every session has had an exchange that succeeded, was removed, or the gateway stops. */
  rekey(sessions: readonly Session[]): Promise<void> {
    return this.#run(sessions, () => false);
  }

  /** Likewise, but whom the peer's own exchange has given an egress route needs none of ours. */
  establish(sessions: readonly Session[]): Promise<void> {
    return this.#run(sessions, ({ state }) => state === 'established');
  }

  /** Likewise, but what a peer has refused is not asked for again; resolves with those sessions. */
  async establishGranted(sessions: readonly Session[]): Promise<Session[]> {
    const refused: Session[] = [];
    await this.#run(sessions, ({ state }) => state === 'established', refused);
    return refused;
  }

  /** Asks one peer once; resolves with the sessions for which that failed. Rejects when the gateway stops. */
  async once(peer: Peer, sessions: readonly Session[]): Promise<Session[]> {
    const lane = await this.#acquire(peer);
    try {
      const pass: Pass = { settled: () => false, splits: SPLITS_ONCE_MAX };
      const failed = await this.#onePass(peer, sessions, pass);
      this.#tellFailed(peer, failed.length, pass);
      return failed;
    } finally {
      this.#release(lane, peer);
    }
  }

  async #run(sessions: readonly Session[], settled: Settled, refused?: Session[]): Promise<void> {
    const { clock, random, signal } = this.deps;
    const run = ++this.#runs;
    for (const session of sessions) session.wanted = run;
    const byPeer = [...groupByPeer(sessions)];
    const spreadMs = Math.max(SPREAD_MIN_MS, byPeer.length * SPREAD_PER_PEER_MS);
    const running: Promise<void>[] = [];
    try {
      await sleep(clock, random.uint32() % spreadMs, signal);
      for (const [peer, list] of shuffled(byPeer, random)) {
        running.push(this.#runPeer(run, peer, list, settled, refused));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await Promise.all(running);
    for (const session of sessions) if (session.wanted === run) session.wanted = 0;
  }

  async #runPeer(
    run: number,
    peer: Peer,
    sessions: readonly Session[],
    settled: Settled,
    refused: Session[] | undefined,
  ): Promise<void> {
    const { random, limits, signal } = this.deps;
    let pending = sessions;
    let failures = 0;
    const granted = refused === undefined ? undefined : { settled, splits: SPLITS_GRANTED_MAX, refused };
    try {
      for (;;) {
        const lane = await this.#acquire(peer);
        const pass: Pass = granted ?? { settled, splits: SPLITS_MAX };
        const failed = await this.#onePass(peer, pending, pass).finally(() => this.#release(lane, peer));
        pending = failed.filter((session) => hasPlace(session) && session.wanted === run);
        if (pending.length === 0) {
          this.#tellFailed(peer, pass.refused?.length ?? 0, pass);
          return;
        }
        failures++;
        const waitMs = backoffMs(failures, limits.backoffMinMs, limits.backoffMaxMs, random);
        this.#tellFailed(peer, pending.length, pass, { attempt: failures, retryInMs: Math.round(waitMs) });
        await this.pause(peer, waitMs);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Asks for all once, in batches; gives those that failed. */
  async #onePass(peer: Peer, sessions: readonly Session[], pass: Pass): Promise<Session[]> {
    const { limits } = this.deps;
    const failed: Session[] = [];
    for (let at = 0; at < sessions.length; at += limits.tunnelsPerRequest) {
      failed.push(...(await this.#ask(peer, sessions.slice(at, at + limits.tunnelsPerRequest), pass)));
    }
    return failed;
  }

  /** Asks for one batch, where the peer refuses it for its halves; gives those that failed. */
  async #ask(peer: Peer, sessions: readonly Session[], pass: Pass): Promise<Session[]> {
    const { client } = this.deps;
    const open = sessions.filter((session) => !pass.settled(session));
    const mayAskNow = (session: Session) => mayAsk(session) && !client.isHeldBack(session);
    const batch = open.filter(mayAskNow);
    // For these somebody else is asking just now, or nobody may.
    const failed = open.filter((session) => hasPlace(session) && !mayAskNow(session));
    if (batch.length === 0) return failed;
    try {
      await client.exchange(peer, batch);
      return failed;
    } catch (error) {
      pass.failedBy = error;
      const refused = error instanceof RpcError && REFUSALS.includes(error.code);
      if (!refused || batch.length === 1 || pass.splits === 0) {
        if (!refused || pass.refused === undefined || !FINAL_REFUSALS.includes(error.code))
          return [...failed, ...batch];
        pass.refused.push(...batch);
        return failed;
      }
    }
    pass.splits--;
    const middle = batch.length >> 1;
    failed.push(...(await this.#ask(peer, batch.slice(0, middle), pass)));
    failed.push(...(await this.#ask(peer, batch.slice(middle), pass)));
    return failed;
  }

  /** Tells why tunnels of a pass did not come about, where an exchange of it has failed. */
  #tellFailed(
    peer: Peer,
    tunnels: number,
    pass: Pass,
    next: { readonly attempt?: number; readonly retryInMs?: number } = {},
  ): void {
    if (pass.failedBy === undefined || this.deps.signal.aborted) return;
    const reason = reasonOf(pass.failedBy);
    pass.failedBy = undefined;
    if (tunnels > 0)
      this.deps.observe({ type: 'exchange-failed', peer: peer.name, tunnels, reason, ...next });
  }

  /** Waits so long, or until the peer is heard of. Throws the signal's reason when the gateway stops. */
  async pause(peer: Peer, delayMs: number): Promise<void> {
    const { clock, signal } = this.deps;
    const ended = new AbortController();
    const wake = () => ended.abort();
    const waits = this.#wake.get(peer) ?? new Set();
    this.#wake.set(peer, waits.add(wake));
    const release = onAbort(signal, wake);
    try {
      await sleep(clock, delayMs, ended.signal).catch(() => {});
      if (signal.aborted) throw signal.reason;
    } finally {
      release();
      waits.delete(wake);
      if (waits.size === 0) this.#wake.delete(peer);
    }
  }

  /** Resolves with the lane to give the turn back to. Throws the signal's reason when the gateway stops. */
  async #acquire(peer: Peer): Promise<Lane> {
    const { clock, signal } = this.deps;
    const heard = clock.nowMs() - peer.heardAtMs <= HEARD_MS;
    const lane = await new Promise<Lane>((resolve) =>
      this.#queue(heard ? this.#heard : this.#others, peer, resolve),
    );
    if (!signal.aborted) return lane;
    this.#release(lane, peer);
    throw signal.reason;
  }

  #queue(lane: Lane, peer: Peer, take: (lane: Lane) => void): void {
    const waiting = lane.waiting.get(peer);
    if (waiting === undefined) lane.waiting.set(peer, [take]);
    else waiting.push(take);
    this.#serve(lane);
  }

  #release(lane: Lane, peer: Peer): void {
    lane.running--;
    const running = lane.runningOf.get(peer)! - 1;
    if (running > 0) lane.runningOf.set(peer, running);
    else lane.runningOf.delete(peer);
    this.#serve(lane);
  }

  /** A turn for each peer in the order in which they came, then, where there is room, another one. */
  #serve(lane: Lane): void {
    for (let served = true; served; ) {
      served = false;
      for (const [peer, waiting] of lane.waiting) {
        if (lane.running >= PEERS_AT_ONCE) return;
        const running = lane.runningOf.get(peer) ?? 0;
        if (running >= TURNS_PER_PEER_MAX) continue;
        served = true;
        lane.running++;
        lane.runningOf.set(peer, running + 1);
        const take = waiting.shift()!;
        if (waiting.length === 0) lane.waiting.delete(peer);
        take(lane);
      }
    }
  }
}

/** Sessions of each peer, in order. */
export function groupByPeer(sessions: readonly Session[]): Map<Peer, Session[]> {
  const byPeer = new Map<Peer, Session[]>();
  for (const session of sessions) {
    const list = byPeer.get(session.peer);
    if (list === undefined) byPeer.set(session.peer, [session]);
    else list.push(session);
  }
  return byPeer;
}
