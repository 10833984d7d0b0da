/**
 * The seam between the gateway's parts and those that are built on them. Parts are constructed from the device up, each with
 * those below it; where one below has something to tell, it calls a listener (sessions/listeners.ts), and all listeners are
 * this one object. `connect` gives it the parts above, once, when all are there.
 *
 *     who tells                                 what                        who is told
 *     -----------------------------------------|---------------------------|------------------------------------
 *     installer                                 SPIs run out                rotation
 *     installer, client, service                routes come, stay, go       slow path
 *     retirement, client, looks at counters     sessions need new keys      bring-up, which asks through the client
 *     client, service, announcements, starts    a peer was heard of         announcements, bring-up, slow path
 *     proofs of underlay addresses              an address is proved        installer, then slow path
 *     all                                       events                      proofs of addresses, and the observer
 */
import type { Clock } from '../base/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { IpAddress } from '../packet/address.js';
import type { GatewayEvent, GatewayObserver, OwnWork } from './events.js';
import type { Peer } from './peers.js';
import type { Announcements } from './recovery/announcements.js';
import type { DrainNotice } from './rpc/announcement-messages.js';
import type { ProblemKind } from './rpc/transport.js';
import type { TunnelParameters } from './rpc/tunnel-messages.js';
import { type BringUp, groupByPeer } from './sessions/bring-up.js';
import type { VacatedReason } from './sessions/fair-share.js';
import type {
  PeerListener,
  RekeyListener,
  SessionListener,
  SpiShortageListener,
} from './sessions/listeners.js';
import type { Rotation } from './sessions/rotation.js';
import { mayAsk, type Session } from './sessions/session.js';
import type { SessionInstaller } from './sessions/session-installer.js';
import type { SlowPath } from './slow-path/slow-path.js';
import type { UnderlayEvidence } from './underlay/underlay-evidence.js';
import type { UnderlayPolicy } from './underlay/underlay-policy.js';

/** A peer that drains is asked again after this, unless it has told anew: it does so every minute. */
const DRAIN_BELIEVED_MS = 300_000;

/** The parts that are told, with what they are told by. */
export interface UpperParts {
  readonly installer: Pick<SessionInstaller, 'release'>;
  readonly rotation: Pick<Rotation, 'onSpisExhausted' | 'onSpisLow'>;
  readonly bringUp: Pick<BringUp, 'heardOf' | 'rekey' | 'once'>;
  readonly announcements: Pick<Announcements, 'heardOf'>;
  readonly slowPath: Pick<SlowPath, 'flush' | 'heardOf' | 'onVacated'>;
  readonly underlay: Pick<UnderlayPolicy, 'installed'>;
  /** Absent in transport mode. */
  readonly evidence: Pick<UnderlayEvidence, 'onEvent'> | undefined;
}

export interface UpwardCallsDeps {
  readonly clock: Clock;
  /** The gateway stops: what fails from then on is not logged. */
  readonly signal: AbortSignal;
  /** Whether packets to addresses that are not proved are held (--confirm-underlay). */
  readonly holdsUnproved: boolean;
  readonly observer: GatewayObserver | undefined;
}

export class UpwardCalls implements SpiShortageListener, SessionListener, RekeyListener, PeerListener {
  #connected: UpperParts | undefined;

  constructor(private readonly deps: UpwardCallsDeps) {}

  /** All parts have been constructed. To be called once, before any of them begins to work. */
  connect(parts: UpperParts): void {
    if (this.#connected !== undefined) throw new Error('the parts of the gateway are connected already');
    this.#connected = parts;
  }

  /** Throws when a part works before all are there, which would be a defect of ours. */
  get #parts(): UpperParts {
    if (this.#connected === undefined) throw new Error('the parts of the gateway are not connected yet');
    return this.#connected;
  }

  /** Something has happened. The proofs are first: who observes sees what has become of them. */
  readonly observe = (event: GatewayEvent): void => {
    this.#parts.evidence?.onEvent(event);
    this.deps.observer?.(event);
  };

  onSpisExhausted(): void {
    this.#parts.rotation.onSpisExhausted();
  }

  onSpisLow(): void {
    this.#parts.rotation.onSpisLow();
  }

  onEstablished(sessions: readonly Session[]): void {
    const nowMs = this.deps.clock.nowMs();
    for (const { peer } of sessions) peer.firstRouteAtMs ??= nowMs;
    this.#parts.slowPath.flush(sessions);
  }

  onStays(session: Session): void {
    this.#parts.slowPath.flush([session]);
  }

  onVacated(session: Session, reason: VacatedReason | 'removed'): void {
    this.#parts.slowPath.onVacated(session, reason);
  }

  onRekeyNeeded(sessions: readonly Session[]): void {
    this.#parts.bringUp.rekey(sessions).catch((error: unknown) => this.#failed('re-keying', error));
  }

  /**
   * The peer may have let go of these sessions, or have restarted, and cannot tell. Where packets go one way only, asking
   * once changes nothing but keys. A silent peer holds up no other.
   */
  onUnanswered(sessions: readonly Session[]): void {
    for (const [peer, list] of groupByPeer(sessions)) {
      // What fails is logged there, and is asked for again after a later look; otherwise the gateway stops.
      this.#parts.bringUp.once(peer, list.filter(mayAsk)).catch(() => {});
    }
  }

  onAnswered(peer: Peer): void {
    const nowMs = this.deps.clock.nowMs();
    if (peer.heardAtMs === Number.NEGATIVE_INFINITY) this.observe({ type: 'peer-seen', peer: peer.name });
    else if (peer.silentSinceMs !== undefined) {
      const silentS = Math.round((nowMs - peer.silentSinceMs) / 1000);
      this.observe({ type: 'peer-seen', peer: peer.name, silentS });
    }
    peer.silentSinceMs = undefined;
    peer.heardAtMs = nowMs;
  }

  onHeardOf(peer: Peer): void {
    const { announcements, bringUp, slowPath } = this.#parts;
    this.onAnswered(peer);
    announcements.heardOf(peer);
    bringUp.heardOf(peer);
    slowPath.heardOf(peer);
  }

  onInstalled(peer: Peer, parameters: readonly TunnelParameters[]): void {
    this.onHeardOf(peer);
    this.#parts.underlay.installed(peer, parameters);
  }

  onDrain(peer: Peer, drain: DrainNotice | undefined): void {
    const nowMs = this.deps.clock.nowMs();
    const before = peer.drainsAt(nowMs);
    if (drain === undefined) peer.drain = undefined;
    else {
      const { endsInMs } = drain;
      const endsAtMs = endsInMs === 0 ? undefined : nowMs + endsInMs;
      peer.drain = {
        endsAtMs,
        untilMs: Math.min(endsAtMs ?? Number.POSITIVE_INFINITY, nowMs + DRAIN_BELIEVED_MS),
      };
      if (!before) {
        const endsInS = endsInMs === 0 ? {} : { endsInS: Math.round(endsInMs / 1000) };
        this.observe({ type: 'peer-drains', peer: peer.name, ...endsInS });
      }
      return;
    }
    if (before) this.observe({ type: 'peer-drain-over', peer: peer.name });
  }

  onSilent(peer: Peer, reason: string, problem?: ProblemKind): void {
    // The last attempt says why it is silent now; that of the first may be over.
    peer.silentReason = reason;
    peer.silentProblem = problem;
    if (peer.silentSinceMs !== undefined) return;
    peer.silentSinceMs = this.deps.clock.nowMs();
    const seen = peer.heardAtMs !== Number.NEGATIVE_INFINITY;
    this.observe({
      type: 'peer-silent',
      peer: peer.name,
      seen,
      reason,
      ...(problem === undefined ? {} : { problem }),
    });
  }

  /** The peer has proved its address: what waited for that goes. */
  onConfirmed(peer: Peer, address: IpAddress): void {
    const { signal, holdsUnproved } = this.deps;
    if (!holdsUnproved) return;
    const { installer, slowPath } = this.#parts;
    installer
      .release(peer, address)
      .then((sessions) => slowPath.flush(sessions))
      .catch((error: unknown) => {
        if (!signal.aborted) this.#failed('underlay-proofs', error);
      });
  }

  #failed(work: OwnWork, error: unknown): void {
    this.observe({ type: 'work-failed', work, reason: reasonOf(error) });
  }
}
