/**
 * Other peers and other limits while the gateway runs. What has not changed is not touched: its sessions, keys and connections
 * stay. A peer that is gone, or that another one has taken the place of, loses its sessions and all that it held; so does a
 * peer whose address now belongs to somebody else, as far as sessions to that address go.
 *
 * The directory changes at once, so that nothing begins any more that the new configuration does not know. Whatever had
 * begun ends in one of two ways: what waits for its turn in the installer finds that the peer may not talk any more, and what
 * has had its turn has a session in the table, which is removed here. An exchange that is under way then finds its session gone
 * and closes what it has opened.
 */
import { type Clock, sleep } from '../base/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { BudgetLimits } from './doors/peer-budget.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import type { GatewayLimits, GatewayOptions } from './options.js';
import type { Peer, Peers } from './peers.js';
import type { Announcements } from './recovery/announcements.js';
import type { FailingSources } from './recovery/failing-sources.js';
import type { PeerStarts } from './recovery/peer-starts.js';
import type { Recovery } from './recovery/recovery.js';
import type { ControlTransport } from './rpc/transport.js';
import type { Retirement } from './sessions/retirement.js';
import type { Rotation } from './sessions/rotation.js';
import type { Session } from './sessions/session.js';
import type { SessionExpiry } from './sessions/session-expiry.js';
import type { SessionInstaller } from './sessions/session-installer.js';
import { prefixesOf, type UnderlayPolicy } from './underlay/underlay-policy.js';

/** What may change. */
export type Reconfigurable = Pick<GatewayOptions, 'peers' | 'limits'>;

/** What a change has done. */
export interface ReconfigurationResult {
  readonly peersAdded: number;
  readonly peersRemoved: number;
  readonly peersChanged: number;
  /** Sessions whose peers are gone, or own their address no more. */
  readonly sessionsEnded: number;
}

/** Time after which sessions are removed again that the device would not let go. */
const RETRY_MS = 1000;

export interface ReconfigurationDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: GatewayObserver;
  readonly signal: AbortSignal;
  readonly transport: Pick<ControlTransport, 'forget' | 'peersChanged'>;
  readonly peers: Peers;
  /** Those that all parts read: they are changed in place. */
  readonly limits: { -readonly [Name in keyof GatewayLimits]: GatewayLimits[Name] };
  readonly maxTunnels: number;
  readonly installer: SessionInstaller;
  readonly retirement: Pick<Retirement, 'limit'>;
  readonly rotation: Pick<Rotation, 'periodChanged'>;
  readonly expiry: Pick<SessionExpiry, 'limit'>;
  readonly underlay: Pick<UnderlayPolicy, 'reconfigure'>;
  readonly announcements: Pick<Announcements, 'reconfigure'>;
  readonly peerStarts: Pick<PeerStarts, 'forget'>;
  readonly recovery: Pick<Recovery, 'forget'>;
  readonly failingSources: Pick<FailingSources, 'peersChanged'>;
  /** Begins with the static tunnels of some peers, where those are asked for. */
  readonly makeStaticTunnels: (peers: readonly Peer[]) => void;
}

export class Reconfiguration {
  /** One after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: ReconfigurationDeps) {}

  /** Resolves when all is as configured, but for sessions that the device does not let go yet: those are tried again and again. */
  apply(options: Reconfigurable): Promise<ReconfigurationResult> {
    const done = this.#last.then(() => this.#apply(options));
    this.#last = done.catch(() => {});
    return done;
  }

  async #apply(options: Reconfigurable): Promise<ReconfigurationResult> {
    const { deps } = this;
    this.#changeLimits(options.limits);
    const { added, removed, changed } = deps.peers.reconfigure(
      options.peers,
      budgetLimits(deps.limits, deps.maxTunnels),
    );
    deps.underlay.reconfigure(removed, prefixesOf(deps.peers.all, options.peers));
    deps.failingSources.peersChanged();
    deps.recovery.forget(removed);
    deps.peerStarts.forget(removed);
    deps.installer.forget(removed);
    // Nobody waits for their answers.
    for (const { serviceAddress } of removed) deps.transport.forget(serviceAddress);
    deps.transport.peersChanged?.();
    const sessionsEnded = await this.#endForeign();
    deps.announcements.reconfigure(removed, added);
    deps.makeStaticTunnels([...added, ...changed]);
    const result = {
      peersAdded: added.length,
      peersRemoved: removed.length,
      peersChanged: changed.length,
      sessionsEnded,
    };
    deps.observe({ type: 'reconfigured', ...result });
    return result;
  }

  #changeLimits(limits: GatewayLimits): void {
    const { deps } = this;
    const periodMs = deps.limits.rotationPeriodMs;
    Object.assign(deps.limits, limits);
    deps.retirement.limit(limits.rekeyGraceMs);
    deps.installer.limit(limits.sessionIdleS);
    deps.expiry.limit(limits.sessionIdleS);
    if (limits.rotationPeriodMs !== periodMs) deps.rotation.periodChanged();
  }

  /** Removes the sessions that nobody may have any more; gives how many. */
  async #endForeign(): Promise<number> {
    const { installer, clock, logger, signal } = this.deps;
    // A step that is under way may be about to put a session into the table: it ends before this one has its turn.
    await installer.remove([]);
    const foreign = this.#foreign();
    let reason = '';
    let ended = 0;
    for (const session of foreign) {
      try {
        await installer.remove([session]);
        ended++;
      } catch (error) {
        reason = reasonOf(error);
      }
    }
    if (ended < foreign.length && !signal.aborted) {
      const sessions = foreign.length - ended;
      logger.log('warning', `the device does not let go of sessions; trying again: ${reason}`, { sessions });
      void sleep(clock, RETRY_MS, signal).then(
        () => this.#endForeign(),
        () => {},
      );
    }
    return ended;
  }

  #foreign(): Session[] {
    const { peers, installer } = this.deps;
    const { order, dormant } = installer.sessions;
    const known = new Set<unknown>(peers.all);
    return [...order, ...dormant].filter(
      (session) =>
        !peers.mayTalk(session) || (typeof session.holder === 'object' && !known.has(session.holder)),
    );
  }
}

/** The limits of each peer's budget. */
export function budgetLimits(limits: GatewayLimits, maxTunnels: number): BudgetLimits {
  return {
    tunnelsPerSecond: limits.tunnelsPerPeerPerSecond,
    // All of a peer's sessions at once, in two rotations that follow each other.
    tunnelsBurst: Math.max(limits.tunnelsPerPeerPerSecond, 2 * maxTunnels),
    spisPerHour: limits.spisPerPeerPerHour,
    rotationIntervalMs: limits.rotationRequestIntervalMs,
  };
}
