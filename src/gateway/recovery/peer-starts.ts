/**
 * Peers tell that they have started anew, or that packets of ours do not get in: then the sessions with them are
 * re-keyed from here, since only we know which ones there are. What a peer says is bounded in what it makes us do: it is
 * listened to at a rate, it concerns its own sessions only, and one round of re-keying runs for it at a time.
 */
import type { Clock } from '../../base/clock.js';
import { sleep } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import { reasonOf } from '../../hal/errors.js';
import type { PipeHal } from '../../hal/hal.js';
import { TokenBucket } from '../doors/token-bucket.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import {
  type DrainNotice,
  decodeAnnouncement,
  encodeAnnouncementAnswer,
} from '../rpc/announcement-messages.js';
import { type CallerIdentity, type ControlTransport, RpcError } from '../rpc/transport.js';
import { backoffMs } from '../sessions/backoff.js';
import type { BringUp } from '../sessions/bring-up.js';
import type { PeerListener } from '../sessions/listeners.js';
import type { Session } from '../sessions/session.js';
import type { SessionInstaller } from '../sessions/session-installer.js';

/** Announcements of one peer that are listened to: so many at once, and one in this time. A crash loop needs a few. */
export const ANNOUNCEMENTS_BURST = 8;
const ANNOUNCEMENT_INTERVAL_S = 10;
/**
 * An announcement that was so long on its way makes the sender's start look later by that. Nobody starts anew within that
 * time after it gave us an egress route; were it so, its packets that fail would tell.
 */
const ON_THE_WAY_MS = 250;
/**
 * What sends just now shows between two looks at its counters: a short while after the first one where counters are exact,
 * and once more after the second by which those of hardware may be old.
 */
const LOOKS_AFTER_MS = [150, 1_050] as const;

export interface PeerStartsDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly random: Random;
  readonly observe: GatewayObserver;
  readonly limits: GatewayLimits;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly bringUp: BringUp;
  readonly transport: ControlTransport;
  readonly signal: AbortSignal;
  /** A peer says how long ago it started. */
  readonly onStart: (peer: Peer, ageMs: number) => void;
  readonly peerListener: Pick<PeerListener, 'onHeardOf' | 'onDrain'>;
  /** What peers are told in the answer. */
  readonly drainNotice: () => DrainNotice | undefined;
}

interface PeerState {
  readonly bucket: TokenBucket;
  /** A round of re-keying is under way. */
  rekeying: boolean;
  /** Packets of ours did not get in, and what sends has not been looked for yet. */
  packetsFail: boolean;
  /** The search in progress: the packets of each session at the first look, and the times of further looks. */
  search: { readonly before: Map<Session, bigint>; readonly looksAfterMs: number[] } | undefined;
}

export class PeerStarts {
  /** Announcements of peers that were listened to, and those that were too many. */
  readonly counters = { received: 0, refused: 0 };
  readonly #states = new Map<Peer, PeerState>();

  constructor(private readonly deps: PeerStartsDeps) {}

  /** Answers an Announce RPC. Throws RpcError. */
  async handle(octets: Uint8Array, caller: CallerIdentity): Promise<Uint8Array> {
    const { peers, transport, observe } = this.deps;
    const { ageMs, servicePort, packetsFail, drain } = decodeAnnouncement(octets);
    const peer = peers.identifyService(caller, servicePort);
    const state = this.#stateOf(peer);
    if (!state.bucket.take()) {
      this.counters.refused++;
      throw new RpcError('RESOURCE_EXHAUSTED', 'too many announcements; try again later');
    }
    this.counters.received++;
    this.deps.onStart(peer, ageMs);
    if (this.#isNew(peer, ageMs)) {
      peer.starts++;
      peer.firstRouteAtMs = undefined;
      state.packetsFail = false;
      state.search = undefined;
      // Requests under way to its former life will not be answered.
      transport.forget(peer.serviceAddress);
    }
    this.deps.peerListener.onDrain(peer, drain);
    this.deps.peerListener.onHeardOf(peer);
    state.packetsFail ||= packetsFail;
    const sessions = this.#stale(peer).length;
    observe({ type: 'announcement-received', peer: peer.name, sessions, packetsFail });
    if ((sessions > 0 || packetsFail) && !state.rekeying) {
      state.rekeying = true;
      this.#rekey(peer, state).catch((error: unknown) => {
        state.rekeying = false;
        if (this.deps.signal.aborted) return;
        observe({ type: 'work-failed', work: 're-keying', reason: reasonOf(error), peer: peer.name });
      });
    }
    return encodeAnnouncementAnswer({ sessions, drain: this.deps.drainNotice() });
  }

  /** Peers are gone: no round of re-keying goes on for them. */
  forget(peers: readonly Peer[]): void {
    for (const peer of peers) {
      const state = this.#states.get(peer);
      if (state !== undefined) Object.assign(state, { packetsFail: false, search: undefined });
      this.#states.delete(peer);
    }
  }

  /** Whether it has started since it gave us the first of the egress routes that we have. */
  #isNew(peer: Peer, ageMs: number): boolean {
    if (peer.firstRouteAtMs === undefined) return false;
    return this.deps.clock.nowMs() - ageMs > peer.firstRouteAtMs + ON_THE_WAY_MS;
  }

  /** Sessions whose egress route is from before the peer's last start. */
  #stale(peer: Peer): Session[] {
    // All peers of a mesh announce their first start to each other: no session needs a look then.
    if (peer.starts === 0) return [];
    return [...this.deps.installer.sessions].filter(
      ({ peer: owner, egress }) => owner === peer && egress !== undefined && egress.peerStart < peer.starts,
    );
  }

  /** Goes on until no session is left whose egress route is known to lead nowhere; later and later while that fails. */
  async #rekey(peer: Peer, state: PeerState): Promise<void> {
    const { bringUp, limits, random } = this.deps;
    let failures = 0;
    for (;;) {
      const stale = this.#stale(peer);
      const sessions = stale.length > 0 ? await this.#mostUsedFirst(stale) : await this.#failing(peer, state);
      if (sessions.length === 0 && !state.packetsFail) break;
      const failed = await bringUp.once(peer, sessions);
      failures = failed.length < sessions.length ? 0 : failures + 1;
      if (failed.length === 0) continue;
      const waitMs = backoffMs(Math.max(1, failures), limits.backoffMinMs, limits.backoffMaxMs, random);
      await bringUp.pause(peer, waitMs);
    }
    state.rekeying = false;
  }

  /** A large round takes several requests; what carries traffic goes with the first. */
  async #mostUsedFirst(sessions: Session[]): Promise<Session[]> {
    const packets = await this.#packets(sessions);
    return sessions.sort((a, b) => Number((packets.get(b) ?? 0n) - (packets.get(a) ?? 0n)));
  }

  /** Sessions with the peer that send just now, as far as they show; each once for each time that packets do not get in. */
  async #failing(peer: Peer, state: PeerState): Promise<Session[]> {
    const { installer, clock, signal } = this.deps;
    if (state.packetsFail) {
      state.packetsFail = false;
      const sessions = [...installer.sessions].filter(
        ({ peer: owner, egress }) => owner === peer && egress !== undefined,
      );
      state.search = { before: await this.#packets(sessions), looksAfterMs: [...LOOKS_AFTER_MS] };
    }
    while (state.search !== undefined) {
      const { before, looksAfterMs } = state.search;
      await sleep(clock, looksAfterMs.shift()!, signal);
      if (looksAfterMs.length === 0) state.search = undefined;
      const after = await this.#packets([...before.keys()]);
      const active = [...before.keys()].filter(
        (session) => (after.get(session) ?? 0n) > before.get(session)!,
      );
      for (const session of active) before.delete(session);
      if (active.length > 0) return active;
    }
    return [];
  }

  /** Packets that each session has sent under its entry. */
  async #packets(sessions: readonly Session[]): Promise<Map<Session, bigint>> {
    const live = sessions.filter(({ egress }) => egress !== undefined);
    const counters = await this.deps.hal
      .counters(live.map(({ egress }) => ({ id: egress!.entry })))
      // One of them was removed in the meantime.
      .catch(() => []);
    return new Map(live.map((session, i) => [session, counters[i]?.packets ?? 0n]));
  }

  #stateOf(peer: Peer): PeerState {
    let state = this.#states.get(peer);
    if (state === undefined) {
      const { clock } = this.deps;
      const bucket = new TokenBucket(1 / ANNOUNCEMENT_INTERVAL_S, ANNOUNCEMENTS_BURST, () => clock.nowMs());
      state = { bucket, rekeying: false, packetsFail: false, search: undefined };
      this.#states.set(peer, state);
    }
    return state;
  }
}
