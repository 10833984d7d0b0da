/**
 * Tells peers that this gateway has started, so that those who have tunnels with its former life ask for new ones by
 * themselves: at the start all of them, those that answered last in the former life first, and whoever did not answer
 * again later and later.
 *
 * Most of a large directory may be dead, and dead peers are silent. So a call holds up the next one for a moment only,
 * however long its own deadline is; and who is known to be there is told at once, past all others.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { type Random, uniform } from '../../base/random.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { Peer } from '../peers.js';
import {
  type DrainNotice,
  decodeAnnouncementAnswer,
  encodeAnnouncement,
} from '../rpc/announcement-messages.js';
import {
  type ControlTransport,
  isAnswer,
  isSilence,
  type ProblemKind,
  type RpcCode,
  RpcError,
} from '../rpc/transport.js';
import type { PeerListener } from '../sessions/listeners.js';

/** Calls at a time that are younger than HOLD_MS; older ones hold up nobody. A thousand silent peers take 0.8 s. */
const YOUNG_AT_ONCE = 128;
const HOLD_MS = 100;
/** Calls that begin together, so that the first ones, which matter most, get on between those that follow. */
const BEGIN_AT_ONCE = 8;
const BEGIN_INTERVAL_MS = 5;
/** Calls under way at the start, old ones among them, which bounds the sockets that dead peers cost. */
export const UNDER_WAY_MAX = 1024;
/** First interval after which a peer that did not answer is told again; later ones are longer. */
const AGAIN_MIN_MS = 30_000;
const AGAIN_MAX_MS = 600_000;
/** Least time between two attempts at a peer that is heard of, but did not answer. */
const HEARD_INTERVAL_MS = 5_000;
/** Least time between two such attempts, whomever they are for. */
export const AGAIN_INTERVAL_MS = 500;

/**
 * What is known of a peer: `told`, it knows of our start; `other`, it is there, but cannot be told, since it is DOCA's
 * application or does not take us for one of its peers; `silent`, neither.
 */
export type Standing = 'told' | 'other' | 'silent';

export interface AnnouncementCounters {
  sent: number;
  /** Peers know of our start, or answered that they cannot be told. */
  answered: number;
  /** No answer came. */
  failed: number;
}

export interface AnnouncementsDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: ControlTransport;
  readonly observe: GatewayObserver;
  /** Port of our own service, once it listens. */
  readonly servicePort: () => number;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Told when a peer has answered, whatever it said. */
  readonly peerListener: Pick<PeerListener, 'onHeardOf' | 'onSilent' | 'onDrain'>;
  /** What peers are told besides. */
  readonly drainNotice: () => DrainNotice | undefined;
}

interface Told {
  /** Wall time of the last attempt. */
  askedAtMs: number;
  standing: Standing;
  /** Wall time of the last answer. */
  atMs: number;
  underWay: boolean;
  failures: number;
  /** When it is told again; undefined: it is not. */
  againAtMs: number | undefined;
}

export class Announcements {
  readonly counters: AnnouncementCounters = { sent: 0, answered: 0, failed: 0 };
  readonly #told = new Map<Peer, Told>();
  /** Not asked yet since the start. */
  #queue: Peer[] = [];
  /** Those of them that have been added while we ran. */
  readonly #added = new Set<Peer>();
  #young = 0;
  #pacing: Timer | undefined;
  #underWay = 0;
  #startedAtMs = 0;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #lastAgainMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly deps: AnnouncementsDeps) {}

  /** Tells all of these, in this order. */
  start(peers: readonly Peer[]): void {
    this.#startedAtMs = this.deps.clock.nowMs();
    this.#queue = [...peers].reverse();
    this.#next();
  }

  stop(): void {
    this.#queue = [];
    this.#pacing?.cancel();
    this.#timer?.cancel();
  }

  /** Peers are gone, and others are there, who are told that what they sent us before does not get in. */
  reconfigure(removed: readonly Peer[], added: readonly Peer[]): void {
    const gone = new Set(removed);
    for (const peer of gone) {
      this.#told.delete(peer);
      this.#added.delete(peer);
    }
    this.#queue = this.#queue.filter((peer) => !gone.has(peer));
    this.#queue.unshift(...added);
    for (const peer of added) this.#added.add(peer);
    this.#next();
  }

  standingOf(peer: Peer): Standing {
    return this.#told.get(peer)?.standing ?? 'silent';
  }

  /** When the peer last answered an announcement, wall time. */
  answeredAtMs(peer: Peer): number {
    return this.#told.get(peer)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Time since our start. */
  ageMs(): number {
    return this.deps.clock.nowMs() - this.#startedAtMs;
  }

  /** A peer that has started after us has no tunnels with a former life of ours, and need not be told. */
  heardStart(peer: Peer, ageMs: number): void {
    if (ageMs >= this.ageMs()) return;
    const told = this.#toldOf(peer);
    told.standing = 'told';
    told.againAtMs = undefined;
  }

  /** The peer is there: when it has not been told, it is now, before others that are told again. */
  heardOf(peer: Peer): void {
    const told = this.#told.get(peer);
    if (told === undefined || told.standing !== 'silent' || told.underWay || told.failures === 0) return;
    const nowMs = this.deps.clock.nowMs();
    if (nowMs - told.askedAtMs < HEARD_INTERVAL_MS) return;
    told.againAtMs = Math.min(told.againAtMs ?? nowMs, nowMs);
    this.#armTimer(nowMs);
  }

  /**
   * Tells one peer now; with `packetsFail` also that packets of its do not get in although it has been told. Does nothing
   * while it is being told.
   */
  async announce(peer: Peer, packetsFail: boolean): Promise<void> {
    const { clock, transport, observe, deadlineMs, signal } = this.deps;
    const told = this.#toldOf(peer);
    if (told.underWay || signal.aborted) return;
    told.underWay = true;
    told.askedAtMs = clock.nowMs();
    told.againAtMs = undefined;
    this.counters.sent++;
    observe({ type: 'announcement-sent', peer: peer.name, packetsFail });
    let code: RpcCode | undefined;
    let reason = '';
    let problem: ProblemKind | undefined;
    try {
      const message = encodeAnnouncement({
        ageMs: this.ageMs(),
        servicePort: this.deps.servicePort(),
        packetsFail,
        drain: this.deps.drainNotice(),
      });
      const { drain } = decodeAnnouncementAnswer(
        await transport.call(peer.serviceAddress, 'Announce', message, { deadlineMs, signal }),
      );
      this.deps.peerListener.onDrain(peer, drain);
    } catch (error) {
      code = error instanceof RpcError ? error.code : 'UNAVAILABLE';
      reason = reasonOf(error);
      problem = error instanceof RpcError ? error.problem : undefined;
      if (!signal.aborted) observe({ type: 'announcement-failed', peer: peer.name, reason });
    } finally {
      told.underWay = false;
    }
    if (signal.aborted) return;
    if (code !== undefined && !isAnswer(code)) {
      this.counters.failed++;
      told.failures++;
      if (isSilence(code)) this.deps.peerListener.onSilent(peer, reason, problem);
      if (told.standing === 'silent') this.#later(told);
      return;
    }
    this.counters.answered++;
    told.atMs = clock.nowMs();
    told.failures = 0;
    // A peer of ours that was told too much lately has not taken it: it is told again.
    if (code === 'RESOURCE_EXHAUSTED') this.#later(told);
    else told.standing = code === undefined ? 'told' : 'other';
    this.deps.peerListener.onHeardOf(peer);
  }

  #toldOf(peer: Peer): Told {
    let told = this.#told.get(peer);
    if (told === undefined) {
      told = {
        askedAtMs: Number.NEGATIVE_INFINITY,
        standing: 'silent',
        atMs: Number.NEGATIVE_INFINITY,
        underWay: false,
        failures: 0,
        againAtMs: undefined,
      };
      this.#told.set(peer, told);
    }
    return told;
  }

  /** Goes on with those that have not been told yet, as far as calls may be under way. */
  #next(): void {
    if (this.#pacing !== undefined) return;
    for (let begun = 0; this.#young < YOUNG_AT_ONCE && this.#underWay < UNDER_WAY_MAX; ) {
      if (this.#queue.length > 0 && begun === BEGIN_AT_ONCE) {
        this.#pacing = this.deps.clock.setTimer(() => {
          this.#pacing = undefined;
          this.#next();
        }, BEGIN_INTERVAL_MS);
        return;
      }
      const peer = this.#queue.pop();
      if (peer === undefined) return;
      // It has answered, or is being told, out of turn.
      const told = this.#told.get(peer);
      if (told !== undefined && (told.underWay || told.standing !== 'silent' || told.failures > 0)) continue;
      begun++;
      this.#tellInTurn(peer);
    }
  }

  #tellInTurn(peer: Peer): void {
    this.#young++;
    this.#underWay++;
    let young = true;
    const grow = () => {
      if (young) this.#young--;
      young = false;
    };
    const timer = this.deps.clock.setTimer(() => {
      grow();
      this.#next();
    }, HOLD_MS);
    void this.announce(peer, this.#added.delete(peer)).finally(() => {
      timer.cancel();
      grow();
      this.#underWay--;
      this.#next();
    });
  }

  #later(told: Told): void {
    const { clock, random } = this.deps;
    const ceiling = Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** Math.min(Math.max(0, told.failures - 1), 30));
    told.againAtMs = clock.nowMs() + ceiling / 2 + uniform(random, ceiling / 2);
    this.#armTimer(told.againAtMs);
  }

  /** One attempt at a time, however many are due. */
  #armTimer(dueMs: number): void {
    const { clock, signal } = this.deps;
    const atMs = Math.max(dueMs, this.#lastAgainMs + AGAIN_INTERVAL_MS);
    if (signal.aborted || this.#timerAtMs <= atMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = clock.setTimer(
      () => {
        this.#timerAtMs = Number.POSITIVE_INFINITY;
        this.#again();
      },
      Math.max(0, atMs - clock.nowMs()),
    );
  }

  #again(): void {
    const nowMs = this.deps.clock.nowMs();
    const waiting = [...this.#told].filter(([, { againAtMs }]) => againAtMs !== undefined);
    waiting.sort(([, a], [, b]) => a.againAtMs! - b.againAtMs!);
    const [first, second] = waiting;
    if (first === undefined) return;
    if (first[1].againAtMs! > nowMs) {
      this.#armTimer(first[1].againAtMs!);
      return;
    }
    this.#lastAgainMs = nowMs;
    void this.announce(first[0], false);
    if (second !== undefined) this.#armTimer(second[1].againAtMs!);
  }
}
