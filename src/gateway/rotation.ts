/**
 * Rotation of the master key, and new keys for all sessions after it: make before break, so no packet is lost. A
 * master key lives through one rotation and not through two, so sessions that would not survive one are re-keyed
 * first.
 */
import type { Clock, Timer } from '../hal/clock.js';
import type { PipeHal } from '../hal/hal.js';
import type { BringUp } from './bring-up.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import type { Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';
import { reasonOf } from './tunnel-client.js';

export interface RotationDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: GatewayObserver;
  readonly installer: SessionInstaller;
  readonly bringUp: BringUp;
  /** Time between scheduled rotations; 0: none. */
  readonly periodMs: number;
}

export class Rotation {
  #timer: Timer | undefined;
  #last: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly deps: RotationDeps) {}

  start(): void {
    const { clock, periodMs, logger } = this.deps;
    if (periodMs === 0 || this.#stopped) return;
    this.#timer = clock.setTimer(() => {
      this.rotate(true).catch((error: unknown) =>
        logger.log('error', `scheduled rotation failed: ${reasonOf(error)}`),
      );
      this.start();
    }, periodMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /**
   * Rotates. With `issueNewKeys` all sessions are re-keyed after it; this resolves when the rotation is done, not
   * when the last peer has its new key.
   */
  rotate(issueNewKeys: boolean): Promise<void> {
    const turn = this.#last.then(() => this.#rotate(issueNewKeys));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #rotate(issueNewKeys: boolean): Promise<void> {
    const { hal, installer, bringUp, logger, observe } = this.deps;
    const doomed = this.#sessionsWhere((generation) => generation < installer.generation);
    if (doomed.length > 0) {
      logger.log('info', 're-keying sessions that would not survive the rotation', {
        sessions: doomed.length,
      });
      await bringUp.run(doomed);
    }
    if (this.#stopped) return;
    await hal.rotateMasterKey();
    installer.generation++;
    observe({ type: 'rotated', rotations: installer.generation });
    logger.log('info', 'master key rotated', { rotations: installer.generation });
    if (!issueNewKeys) return;
    const sessions = this.#sessionsWhere((generation) => generation < installer.generation);
    bringUp.run(sessions).then(
      () => logger.log('info', 'all sessions have new keys', { sessions: sessions.length }),
      (error: unknown) => logger.log('error', `re-keying failed: ${reasonOf(error)}`),
    );
  }

  /** Sessions whose newest SPI is of such a generation. */
  #sessionsWhere(old: (generation: number) => boolean): Session[] {
    return [...this.deps.installer.sessions].filter((session) => {
      const newest = session.ingress.at(-1);
      return newest !== undefined && old(newest.generation);
    });
  }
}
