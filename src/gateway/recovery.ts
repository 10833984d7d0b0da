/**
 * Traffic comes back by itself after a restart: peers go on sending under SPIs of our former life, which fail to
 * authenticate. When failures rise, the tunnels that the configuration names are asked for; sessions that are there
 * are re-keyed at most once in a long while, and never torn down for it, since anybody can send rubbish.
 */
import type { Clock, Timer } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import type { BringUp } from './bring-up.js';
import type { Logger } from './log.js';
import type { Peers } from './peers.js';
import type { Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';

const POLL_MS = 1_000;
/** Least time between two looks at one peer's sessions, and between two re-keys of those that are established. */
const LOOK_INTERVAL_MS = 5_000;
const REKEY_INTERVAL_MS = 300_000;

export interface RecoveryDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly bringUp: BringUp;
  /** --max-tunnels. */
  readonly maxTunnels: number;
}

export class Recovery {
  #timer: Timer | undefined;
  #seen = 0n;
  #stopped = false;

  constructor(private readonly deps: RecoveryDeps) {}

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.deps.clock.setTimer(() => {
      this.#poll()
        .catch((error: unknown) => this.deps.logger.log('error', `recovery failed: ${reasonOf(error)}`))
        .finally(() => this.start());
    }, POLL_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #poll(): Promise<void> {
    const { hal, logger } = this.deps;
    const [failed, refused] = await hal.counters([
      { pipe: 'SYNDROME_STATS', label: 'icv-fail' },
      { pipe: 'SYNDROME_STATS', miss: true },
    ]);
    const failures = failed!.packets + refused!.packets;
    const rise = failures - this.#seen;
    this.#seen = failures;
    if (rise === 0n || this.#stopped) return;
    const sessions = await this.#sessionsToRecover();
    if (sessions.length === 0) return;
    logger.log('warning', 'packets fail to authenticate; asking peers for new tunnels', {
      packets: rise,
      sessions: sessions.length,
    });
    // Not awaited: a peer that does not answer must not stop the polling.
    this.deps.bringUp
      .rekey(sessions)
      .catch((error: unknown) => logger.log('error', `recovery failed: ${reasonOf(error)}`));
  }

  async #sessionsToRecover(): Promise<Session[]> {
    const { clock, peers, installer, maxTunnels } = this.deps;
    const nowMs = clock.nowMs();
    const recover: Session[] = [];
    for (const peer of peers.all) {
      if (nowMs - peer.recoveryLookedAtMs < LOOK_INTERVAL_MS) continue;
      peer.recoveryLookedAtMs = nowMs;
      const pairs = peers.pairsOf(peer).map((pair) => ({ peer, ...pair }));
      const missing = pairs.filter(({ localVip, remoteVip }) => {
        const session = installer.sessions.get(localVip, remoteVip);
        return session === undefined || session.state === 'idle';
      });
      // A directory larger than the table says nothing about who it is that sends: then only what is there is re-keyed.
      if (missing.length > 0 && installer.sessions.size + missing.length <= maxTunnels) {
        const sessions = await installer.open(missing);
        for (const session of sessions) if (session.state === 'idle') recover.push(session);
      } else if (nowMs - peer.recoveryRekeyedAtMs >= REKEY_INTERVAL_MS) {
        peer.recoveryRekeyedAtMs = nowMs;
        for (const session of installer.sessions) {
          if (session.peer === peer && session.state === 'established') recover.push(session);
        }
      }
    }
    return recover;
  }
}
