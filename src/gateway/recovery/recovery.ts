/**
 * Traffic comes back by itself after a restart: peers go on sending under SPIs of our former life, which do not get in.
 * Peers of our own kind are told that we have started, and re-key by themselves; DOCA's are asked for tunnels once their
 * packets are seen to fail. Sessions that are there are never torn down for it, since anybody can send rubbish.
 *
 * What cannot be authenticated costs a bounded number of requests, whatever comes: packets from a peer's known underlay
 * address move requests to that peer only, at a rate of its own; all other sources share one small budget, which is spent
 * on peers whose underlay address is not known.
 */
import type { Clock } from '../../base/clock.js';
import { type Random, shuffled } from '../../base/random.js';
import { reasonOf } from '../../hal/errors.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { GatewayObserver } from '../events.js';
import type { Peer, Peers } from '../peers.js';
import type { UnderlayAddresses } from '../underlay/underlay-addresses.js';
import type { Announcements } from './announcements.js';
import type { FailedPackets } from './failing-sources.js';
import type { PairSearch } from './pair-search.js';

/** Steps towards one peer that packets from its address may cause: so many at once, and one per minute. */
export const STEPS_BURST = 8;
const STEP_INTERVAL_S = 60;
/** Least time between two steps towards a peer: while it does not answer, later and later, from this one on. */
const SILENT_MIN_MS = 1_000;
/** Between two steps of a search: hardware's counters, which tell what is of use, are a second old. */
const SEARCH_INTERVAL_MS = 1_200;
/** After an answer the peer's own requests are on their way. */
const ANSWERED_MS = 1_500;
/** A peer that knows of our start is told that its packets fail, later and later while they do. */
const FAILING_MIN_MS = 10_000;
const LATER_MAX_MS = 300_000;
/** Packets that fail within this time of each other are one trouble, not two that begin. */
const TROUBLE_MS = 600_000;
/** A single look may have caught the last packets under an SPI that was just closed. */
const LASTING_MS = 3_000;

export interface RecoveryCounters {
  /** Steps towards peers from whose addresses packets failed. */
  steps: number;
  /** Steps that packets of unknown sources caused. */
  unknownSourceSteps: number;
  /** Looks at which packets failed and no step was allowed: for a peer, and for unknown sources. */
  heldBack: number;
  unknownSourceHeldBack: number;
}

export interface RecoveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: GatewayObserver;
  readonly peers: Peers;
  readonly addresses: UnderlayAddresses;
  readonly announcements: Announcements;
  readonly search: PairSearch;
  /** Steps per minute that packets from unknown sources may cause, all together. */
  readonly unknownSourceStepsPerMinute: number;
}

interface Trouble {
  readonly steps: TokenBucket;
  /** A step is under way. */
  busy: boolean;
  /** When packets failed last, and since when they have done so without a pause. */
  failedAtMs: number;
  sinceMs: number;
  /** When the last step was made, and how many without a good end in this trouble. */
  steppedAtMs: number;
  attempts: number;
}

export class Recovery {
  readonly counters: RecoveryCounters = {
    steps: 0,
    unknownSourceSteps: 0,
    heldBack: 0,
    unknownSourceHeldBack: 0,
  };
  readonly #troubles = new Map<Peer, Trouble>();
  readonly #unknownSources: TokenBucket;
  #stopped = false;

  constructor(private readonly deps: RecoveryDeps) {
    const { clock, unknownSourceStepsPerMinute } = deps;
    const now = () => clock.nowMs();
    this.#unknownSources = new TokenBucket(
      unknownSourceStepsPerMinute / 60,
      unknownSourceStepsPerMinute,
      now,
    );
  }

  /** Tells peers of our start; `answeredAtMs` says when one answered in our former life, where that is known. */
  start(answeredAtMs: (peer: Peer) => number | undefined): void {
    const { peers, random, announcements } = this.deps;
    const order = shuffled(peers.all, random).map((peer) => ({ peer, atMs: answeredAtMs(peer) ?? 0 }));
    order.sort((a, b) => b.atMs - a.atMs);
    announcements.start(order.map(({ peer }) => peer));
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Peers are gone. */
  forget(peers: readonly Peer[]): void {
    for (const peer of peers) this.#troubles.delete(peer);
    this.deps.search.forget(peers);
  }

  /** Handler of FailingSources. */
  failed({ byPeer, unknown }: FailedPackets): void {
    if (this.#stopped) return;
    const { observe } = this.deps;
    for (const [peer, packets] of byPeer) {
      observe({ type: 'packets-not-let-in', peer: peer.name, packets: Number(packets) });
      this.#failedFrom(peer);
    }
    if (unknown > 0n) {
      observe({ type: 'packets-not-let-in', packets: Number(unknown) });
      this.#failedFromUnknown();
    }
  }

  #failedFrom(peer: Peer): void {
    const nowMs = this.deps.clock.nowMs();
    const trouble = this.#troubleOf(peer, nowMs);
    if (nowMs - trouble.failedAtMs > TROUBLE_MS) trouble.attempts = 0;
    if (nowMs - trouble.failedAtMs > LASTING_MS) trouble.sinceMs = nowMs;
    trouble.failedAtMs = nowMs;
    if (!this.#isDue(peer, trouble, nowMs)) return;
    if (!trouble.steps.take()) {
      this.counters.heldBack++;
      return;
    }
    this.counters.steps++;
    this.#step(peer, trouble);
  }

  #failedFromUnknown(): void {
    const nowMs = this.deps.clock.nowMs();
    const peer = this.#unknownCandidate(nowMs);
    if (peer === undefined) return;
    if (!this.#unknownSources.take()) {
      this.counters.unknownSourceHeldBack++;
      return;
    }
    this.counters.unknownSourceSteps++;
    this.#step(peer, this.#troubleOf(peer, nowMs));
  }

  /** Whether the peer has had the time to act on what it was told or asked last. */
  #isDue(peer: Peer, trouble: Trouble, nowMs: number): boolean {
    const { announcements } = this.deps;
    if (trouble.busy) return false;
    const sinceStepMs = nowMs - trouble.steppedAtMs;
    switch (announcements.standingOf(peer)) {
      case 'other':
        return sinceStepMs >= SEARCH_INTERVAL_MS;
      case 'silent':
        return sinceStepMs >= later(SILENT_MIN_MS, trouble.attempts);
      case 'told':
        // After its answer it re-keys by itself.
        if (nowMs - announcements.answeredAtMs(peer) < ANSWERED_MS || trouble.sinceMs === nowMs) return false;
        return sinceStepMs >= later(FAILING_MIN_MS, trouble.attempts);
    }
  }

  /** The peer without known underlay address that is most likely to be the one: it is there, and was asked longest ago. */
  #unknownCandidate(nowMs: number): Peer | undefined {
    const { peers, addresses, announcements } = this.deps;
    let best: Peer | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    let bestAtMs = Number.POSITIVE_INFINITY;
    for (const peer of peers.all) {
      if (addresses.of(peer).length > 0) continue;
      const trouble = this.#troubles.get(peer);
      if (trouble !== undefined && !this.#isDue(peer, trouble, nowMs)) continue;
      const rank = announcements.standingOf(peer) === 'silent' ? 1 : 0;
      const atMs = trouble?.steppedAtMs ?? Number.NEGATIVE_INFINITY;
      if (rank > bestRank || (rank === bestRank && atMs >= bestAtMs)) continue;
      best = peer;
      bestRank = rank;
      bestAtMs = atMs;
    }
    return best;
  }

  #step(peer: Peer, trouble: Trouble): void {
    const { clock, announcements, search, observe } = this.deps;
    trouble.busy = true;
    trouble.steppedAtMs = clock.nowMs();
    const standing = announcements.standingOf(peer);
    trouble.attempts++;
    const work: Promise<unknown> =
      standing === 'other' ? search.step(peer) : announcements.announce(peer, standing === 'told');
    work
      .then(() => {
        // It has answered for the first time: what comes next is another matter.
        if (announcements.standingOf(peer) !== standing) trouble.attempts = 0;
      })
      .catch((error: unknown) => {
        if (this.#stopped) return;
        observe({ type: 'work-failed', work: 'recovery', reason: reasonOf(error), peer: peer.name });
      })
      .finally(() => {
        trouble.busy = false;
      });
  }

  #troubleOf(peer: Peer, nowMs: number): Trouble {
    let trouble = this.#troubles.get(peer);
    if (trouble === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      trouble = {
        steps: new TokenBucket(1 / STEP_INTERVAL_S, STEPS_BURST, () => this.deps.clock.nowMs()),
        busy: false,
        failedAtMs: never,
        sinceMs: nowMs,
        steppedAtMs: never,
        attempts: 0,
      };
      this.#troubles.set(peer, trouble);
    }
    return trouble;
  }
}

/** Wait after so many attempts. */
function later(minMs: number, attempts: number): number {
  return attempts === 0 ? 0 : Math.min(LATER_MAX_MS, minMs * 2 ** Math.min(30, attempts - 1));
}
