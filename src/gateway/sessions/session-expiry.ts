/**
 * Looks at the counters of all sessions again and again, a slice at a time, and lets go of those that are idle. The device
 * may count late: on hardware a counter is up to a second old, so a packet of the last second may not keep a session
 * from being taken for idle; it comes back by its next packet.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { RekeyListener } from './listeners.js';
import type { SessionInstaller } from './session-installer.js';

/** Sessions that are looked at together: some hundred counters, which take less than a millisecond. */
const SESSIONS_PER_SLICE = 256;
/** A session is looked at ten times while it becomes idle, but not more often than hardware counts. */
const LOOKS_PER_IDLE_TIME = 10;
const LOOK_MIN_S = 1;
/** And this often when it never does, for the order of use. */
const LOOK_MAX_S = 30;

export interface SessionExpiryDeps {
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly installer: SessionInstaller;
  readonly rekeyListener: Pick<RekeyListener, 'onUnanswered'>;
  /** --idle-timeout. */
  readonly idleS: number;
}

export class SessionExpiry {
  #timer: Timer | undefined;
  #stopped = false;
  #roundS = LOOK_MAX_S;

  constructor(private readonly deps: SessionExpiryDeps) {
    this.limit(deps.idleS);
  }

  /** Another --idle-timeout, as fast as it needs to be looked at: from the next look on. */
  limit(idleS: number): void {
    this.#roundS =
      idleS === 0 ? LOOK_MAX_S : Math.min(LOOK_MAX_S, Math.max(LOOK_MIN_S, idleS / LOOKS_PER_IDLE_TIME));
  }

  start(): void {
    if (this.#stopped) return;
    const { clock, observe, installer } = this.deps;
    const { order, dormant } = installer.sessions;
    const slices = Math.ceil((order.size + dormant.size + 1) / SESSIONS_PER_SLICE);
    this.#timer = clock.setTimer(
      () => {
        installer
          .look(SESSIONS_PER_SLICE)
          .then((unanswered) => {
            if (unanswered.length > 0) this.deps.rekeyListener.onUnanswered(unanswered);
          })
          .catch((error: unknown) => {
            if (!this.#stopped)
              observe({ type: 'work-failed', work: 'idle-search', reason: reasonOf(error) });
          })
          .finally(() => this.start());
      },
      (this.#roundS * 1000) / slices,
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}
