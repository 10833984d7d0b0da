/**
 * Looks, when somebody asks how the gateway is, at what has become of the packets between pairs of addresses: by our counters and, where
 * the peer is a gateway of this program, by its. Nothing is looked at, and nobody asked, while nobody wants to know.
 */
import { type Clock, sleep } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import type { IpAddress } from '../../packet/address.js';
import type { Peer } from '../peers.js';
import {
  type Compared,
  decodeCompared,
  encodeComparison,
  type GatewayMode,
  PAIRS_COMPARED_MAX,
  type PairUse,
} from '../rpc/comparison-messages.js';
import { type ControlTransport, isAnswer, isSilence, RpcError } from '../rpc/transport.js';
import type { PeerListener } from '../sessions/listeners.js';
import type { Session } from '../sessions/session.js';
import { countersOfSessions } from '../sessions/session-counters.js';
import type { SessionTable } from '../sessions/session-table.js';
import {
  canJudge,
  isSuspicious,
  type Judged,
  judgePair,
  mayLose,
  type PairSample,
  SETTLE_MS,
} from './pair-verdict.js';

/** Sessions whose counters a look reads: those that were used last. */
export const SESSIONS_MAX = 1024;
/** Peers that a look asks: those of sessions that look bad first, then those that were not asked for longest. */
export const PEERS_MAX = 32;
/** What was found is told again without another look for this time. */
export const FRESH_MS = 1000;
/** A look waits so long for answers; who answers later has not said anything, and who does not within the deadline is silent. */
const ANSWER_MS = 1000;
const DEADLINE_MS = 3000;
/** Samples older than this do not count. */
const SAMPLES_KEPT_MS = 10_000;
/** A look that finds a pair of which it cannot be sure yet goes on for so long after its first sample, with samples in these intervals. */
const LOOK_MS = 2 * SETTLE_MS;
const SAMPLE_INTERVAL_MS = SETTLE_MS / 2;

export interface PairFinding extends Judged {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly peer: string;
}

/** What a peer that has answered has said of itself. */
export interface PeerFacts {
  readonly peer: string;
  readonly mode: GatewayMode | undefined;
  /** By how much its clock is ahead of ours. */
  readonly clockAheadMs: number;
}

export interface PairChecks {
  readonly pairs: readonly PairFinding[];
  readonly peers: readonly PeerFacts[];
  /** Names of peers of whom packets have been let in while we looked, and since they are silent. */
  readonly letIn: ReadonlySet<string>;
  /** Authenticated packets that came while we looked and lacked the words that peers must send (--psp-ext-required). */
  readonly withoutWords: number;
}

export interface PairCheckDeps {
  /** How many packets have lacked such words so far. Rejects with HalError. */
  readonly withoutWords: () => Promise<number>;
  readonly hal: Pick<PipeHal, 'counters'>;
  readonly clock: Clock;
  readonly sessions: SessionTable;
  readonly transport: Pick<ControlTransport, 'call'>;
  /** Port of our own service, once it listens. */
  readonly servicePort: () => number;
  /** --rpc-deadline. */
  readonly limits: { readonly rpcDeadlineMs: number };
  readonly peerListener: Pick<PeerListener, 'onAnswered' | 'onHeardOf' | 'onSilent'>;
  readonly signal: AbortSignal;
}

interface Asked {
  lastAtMs: number;
  /** Since when what we ask is not answered; undefined: it is. */
  unansweredSinceMs: number | undefined;
  /** The question that has not been answered yet; undefined: there is none. */
  underWay: Promise<unknown> | undefined;
  /** It does not know the question: it is not asked again. */
  knowsNot: boolean;
  /** It does not know the question, or has refused it last. */
  cannotSay: boolean;
}

export class PairCheck {
  #samples = new Map<Session, PairSample[]>();
  readonly #asked = new WeakMap<Peer, Asked>();
  #checks: PairChecks = { pairs: [], peers: [], letIn: new Set(), withoutWords: 0 };
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<PairChecks> | undefined;

  constructor(private readonly deps: PairCheckDeps) {}

  /**
   * What is so now. Takes as long as the answers of peers, and some seconds more where packets seem to be lost. Rejects with HalError,
   * and when the gateway stops.
   */
  look(): Promise<PairChecks> {
    const { clock } = this.deps;
    const ageMs = clock.nowMs() - this.#lookedAtMs;
    if (ageMs >= 0 && ageMs < FRESH_MS) return Promise.resolve(this.#checks);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<PairChecks> {
    const { clock, withoutWords } = this.deps;
    const facts = new Map<string, PeerFacts>();
    const lackedBefore = await withoutWords();
    await this.#sample(facts, true);
    const firstAtMs = clock.nowMs();
    // Answers that are waited for do not put off what comes after them.
    for (let nextMs = firstAtMs; ; ) {
      const nowMs = clock.nowMs();
      const isOpen = [...this.#samples].some(([{ peer }, all]) => this.#isOpen(peer, all));
      if (nowMs >= firstAtMs + LOOK_MS || !isOpen) break;
      nextMs = Math.max(nextMs + SAMPLE_INTERVAL_MS, nowMs);
      await this.#wait(nextMs - nowMs);
      await this.#sample(facts, false);
    }
    this.#lookedAtMs = clock.nowMs();
    const pairs: PairFinding[] = [];
    const letIn = new Set<string>();
    for (const [{ localVip, remoteVip, peer }, samples] of this.#samples) {
      const last = samples.at(-1)!;
      const first = this.#sinceUnanswered(peer, samples)[0] ?? last;
      if (last.ours.inPackets > first.ours.inPackets) letIn.add(peer.name);
      const judged = judgePair(samples, this.#cannotSay(peer));
      if (judged !== undefined) pairs.push({ localVip, remoteVip, peer: peer.name, ...judged });
    }
    const lacked = (await withoutWords()) - lackedBefore;
    this.#checks = { pairs, peers: [...facts.values()], letIn, withoutWords: lacked };
    return this.#checks;
  }

  /** Takes one more sample of the pairs that are worth it. */
  async #sample(facts: Map<string, PeerFacts>, isFirst: boolean): Promise<void> {
    const { clock } = this.deps;
    const established = [...this.deps.sessions]
      .slice(-SESSIONS_MAX)
      .filter(({ egress }) => egress !== undefined);
    const byPeer = await this.#chosen(established, isFirst);
    const answers = new Map<Peer, Compared>();
    const asking = [...byPeer].map(async ([peer, sessions]) => {
      // Who has just not answered is not asked again at once.
      if (!isFirst && peer.silentSinceMs !== undefined) return;
      const answer = await this.#ask(peer, sessions);
      if (answer !== undefined) answers.set(peer, answer);
    });
    await this.#orLate(Promise.all(asking));
    // After the answers: what a peer had counted as sent by then may be here.
    const chosen = [...byPeer.values()].flat();
    const uses = await this.#uses(chosen);
    const nowMs = clock.nowMs();
    const before = this.#samples;
    this.#samples = new Map();
    for (const [peer, sessions] of byPeer) {
      const answer = answers.get(peer);
      if (answer !== undefined) {
        const { mode, nowMs: theirNowMs } = answer;
        facts.set(peer.name, { peer: peer.name, mode, clockAheadMs: theirNowMs - nowMs });
      }
      for (const [i, session] of sessions.entries()) {
        const ours = uses.get(session);
        if (ours === undefined) continue;
        const sample = { atMs: nowMs, ours, theirs: answer?.uses[i] };
        const former = (before.get(session) ?? []).filter(
          (one) => nowMs - one.atMs <= SAMPLES_KEPT_MS && nowMs >= one.atMs,
        );
        this.#samples.set(session, [...former, sample]);
      }
    }
  }

  /** Sessions that are looked at, by peer: as many peers, and of each as many pairs, as may be asked about. */
  async #chosen(sessions: readonly Session[], isFirst: boolean): Promise<Map<Peer, Session[]>> {
    const uses = await this.#uses(sessions);
    const looksBad = (session: Session) => {
      const use = uses.get(session);
      return use !== undefined && use.outPackets > 0 && use.inPackets === 0;
    };
    const inOrder = [...sessions].reverse();
    const byPeer = new Map<Peer, Session[]>();
    for (const session of [...inOrder.filter(looksBad), ...inOrder.filter((one) => !looksBad(one))]) {
      const list = byPeer.get(session.peer) ?? [];
      byPeer.set(session.peer, list);
      if (list.length < PAIRS_COMPARED_MAX) list.push(session);
    }
    const rank = (peer: Peer) => (byPeer.get(peer)!.some(looksBad) ? 0 : 1);
    const askedAtMs = (peer: Peer) => this.#asked.get(peer)?.lastAtMs ?? Number.NEGATIVE_INFINITY;
    const peers = [...byPeer.keys()];
    // All samples of a look are of the same peers: one alone says nothing.
    const former = new Set(isFirst ? [] : [...this.#samples.keys()].map(({ peer }) => peer));
    const stays = (peer: Peer) => (former.has(peer) ? 0 : 1);
    peers.sort((a, b) => rank(a) - rank(b) || stays(a) - stays(b) || askedAtMs(a) - askedAtMs(b));
    return new Map(peers.slice(0, PEERS_MAX).map((peer) => [peer, byPeer.get(peer)!]));
  }

  /** Sessions whose entries went meanwhile are absent. */
  async #uses(sessions: readonly Session[]): Promise<Map<Session, PairUse>> {
    const { hal, clock } = this.deps;
    const counters = await countersOfSessions(hal, clock, sessions);
    return new Map(
      sessions.flatMap((session, i) => {
        const { out, in: came } = counters[i]!;
        if (out === undefined || came === undefined) return [];
        const use: PairUse = {
          epoch: spisOf(session).join(),
          outPackets: Number(out.packets),
          outOctets: Number(out.octets),
          inPackets: Number(came.packets),
          inOctets: Number(came.octets),
        };
        return [[session, use] as const];
      }),
    );
  }

  /** undefined: it has not said. */
  async #ask(peer: Peer, sessions: readonly Session[]): Promise<Compared | undefined> {
    const { clock, transport, limits, servicePort, peerListener, signal } = this.deps;
    const asked = this.#asked.get(peer) ?? {
      lastAtMs: 0,
      unansweredSinceMs: undefined,
      underWay: undefined,
      knowsNot: false,
      cannotSay: false,
    };
    this.#asked.set(peer, asked);
    if (asked.underWay !== undefined || asked.knowsNot) return undefined;
    asked.lastAtMs = clock.nowMs();
    asked.unansweredSinceMs ??= asked.lastAtMs;
    const request = encodeComparison({
      servicePort: servicePort(),
      pairs: sessions.map(({ localVip, remoteVip }) => ({ sender: localVip, receiver: remoteVip })),
    });
    const deadlineMs = Math.min(DEADLINE_MS, limits.rpcDeadlineMs);
    const call = transport.call(peer.serviceAddress, 'Compare', request, { deadlineMs, signal });
    asked.underWay = call;
    try {
      const answer = await call;
      asked.unansweredSinceMs = undefined;
      peerListener.onHeardOf(peer);
      const compared = decodeCompared(answer, sessions.length);
      asked.cannotSay = false;
      return compared;
    } catch (error) {
      if (!(error instanceof RpcError) || signal.aborted) return undefined;
      const { code, message, problem } = error;
      if (code === 'UNIMPLEMENTED') asked.knowsNot = true;
      if (isAnswer(code)) {
        asked.unansweredSinceMs = undefined;
        asked.cannotSay = code !== 'RESOURCE_EXHAUSTED';
        peerListener.onAnswered(peer);
      }
      if (isSilence(code)) peerListener.onSilent(peer, message, problem);
      return undefined;
    } finally {
      asked.underWay = undefined;
    }
  }

  /** Waits until another sample may tell more: for so long, but not where it is only that answers are waited for, and they are there. */
  async #wait(durationMs: number): Promise<void> {
    const { clock, signal } = this.deps;
    const over = new AbortController();
    const waited = sleep(clock, durationMs, AbortSignal.any([signal, over.signal]));
    const asking = [...this.#samples].flatMap(([{ peer }]) => this.#asked.get(peer)?.underWay ?? []);
    const isOpen = [...this.#samples].some(
      ([{ peer }, all]) => this.#asked.get(peer)?.underWay === undefined && this.#isOpen(peer, all),
    );
    const answered = Promise.allSettled(asking);
    await (isOpen ? waited : Promise.race([waited, answered]));
    over.abort();
    waited.catch(() => {});
  }

  /** Samples since it answers nothing: what a peer sent before says nothing of it now. */
  #sinceUnanswered(peer: Peer, samples: readonly PairSample[]): readonly PairSample[] {
    const sinceMs = this.#asked.get(peer)?.unansweredSinceMs ?? Number.NEGATIVE_INFINITY;
    return samples.filter(({ atMs }) => atMs >= sinceMs);
  }

  /** Whether another sample may tell more. */
  #isOpen(peer: Peer, samples: readonly PairSample[]): boolean {
    // Its packets may come all the same. Whether it answers again the next look tells.
    if (peer.silentSinceMs !== undefined) return this.#sinceUnanswered(peer, samples).length < 2;
    if (this.#asked.get(peer)?.underWay !== undefined) return true;
    const cannotSay = this.#cannotSay(peer);
    if (judgePair(samples, cannotSay) !== undefined) return false;
    return mayLose(samples) || (isSuspicious(samples.at(-1)!) && !canJudge(samples, cannotSay));
  }

  #cannotSay(peer: Peer): boolean {
    return this.#asked.get(peer)?.cannotSay === true;
  }

  /** Waits for the work, but not longer than answers are waited for. */
  async #orLate(work: Promise<unknown>): Promise<void> {
    const { clock } = this.deps;
    const over = new AbortController();
    await Promise.race([work, sleep(clock, ANSWER_MS, over.signal).catch(() => {})]);
    over.abort();
  }
}

/** SPIs of the entries that count a session's packets: that of those that leave, 0 where there is none, then those of those that come. */
export function spisOf({ egress, ingress }: Session): number[] {
  const counted = ingress.filter(({ entry }) => entry !== undefined);
  return [egress?.spi ?? 0, ...counted.map(({ spi }) => spi)];
}
