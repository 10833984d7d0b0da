/**
 * Rotation of the master key, and new keys for all sessions after it: make before break, so no packet is lost. A
 * master key lives through one rotation and not through two, so sessions that would not survive one are re-keyed
 * first, and the rotation is put off meanwhile; but not for ever, or one dead peer could keep a master key alive.
 */
import { type Clock, sleep, type Timer } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import type { BringUp } from './bring-up.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import type { Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';

/** How long a rotation waits for peers that do not answer. */
export const PUT_OFF_MAX_MS = 600_000;
/** Packets under the SPIs that a rotation ends may still be under way when the last peer has got new ones. */
const DRAIN_MS = 100;

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
  /** A rotation that has not happened yet; whoever asks for another one meanwhile gets this one. */
  #pending: { issueNewKeys: boolean; readonly done: Promise<void> } | undefined;
  #spisExhausted = false;
  /** Ends the time for which the pending rotation is put off. */
  #putOff = new AbortController();
  #stopped = false;

  constructor(private readonly deps: RotationDeps) {}

  start(): void {
    const { clock, periodMs } = this.deps;
    if (periodMs === 0 || this.#stopped) return;
    this.#timer = clock.setTimer(() => {
      this.#rotateUnasked();
      this.start();
    }, periodMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#putOff.abort();
  }

  /**
   * Rotates. With `issueNewKeys` all sessions are re-keyed after it; this resolves when the rotation is done, not
   * when the last peer has its new key. A rotation that is put off takes in those that are asked for meanwhile.
   */
  rotate(issueNewKeys: boolean): Promise<void> {
    if (this.#pending !== undefined) {
      this.#pending.issueNewKeys ||= issueNewKeys;
      return this.#pending.done;
    }
    const done = this.#last.then(() => this.#rotate());
    this.#pending = { issueNewKeys, done };
    this.#last = done.catch(() => {});
    return done;
  }

  /** The master key has no SPIs left. Without a rotation nobody can be re-keyed, so this one waits for nobody. */
  onSpisExhausted(): void {
    if (this.#spisExhausted || this.#stopped) return;
    this.#spisExhausted = true;
    this.deps.logger.log('warning', 'the master key has no SPIs left; rotating it');
    this.#putOff.abort();
    this.#rotateUnasked();
  }

  #rotateUnasked(): void {
    this.rotate(true).catch((error: unknown) =>
      this.deps.logger.log('error', `rotation of the master key failed: ${reasonOf(error)}`),
    );
  }

  async #rotate(): Promise<void> {
    const { hal, installer, bringUp, logger, observe } = this.deps;
    await this.#rekeyDoomed();
    const issueNewKeys = this.#pending?.issueNewKeys === true;
    this.#pending = undefined;
    this.#spisExhausted = false;
    if (this.#stopped) return;
    await hal.rotateMasterKey();
    installer.generation++;
    observe({ type: 'rotated', rotations: installer.generation });
    logger.log('info', 'master key rotated', { rotations: installer.generation });
    if (!issueNewKeys) return;
    const sessions = this.#sessionsBefore(installer.generation);
    bringUp.rekey(sessions).then(
      () => logger.log('info', 'all sessions have new keys', { sessions: sessions.length }),
      (error: unknown) => logger.log('error', `re-keying failed: ${reasonOf(error)}`),
    );
  }

  /** Re-keys the sessions whose master key is evicted next; gives up on those whose peers do not answer. */
  async #rekeyDoomed(): Promise<void> {
    const { installer, bringUp, logger, clock } = this.deps;
    const doomed = this.#sessionsBefore(installer.generation);
    if (doomed.length === 0 || this.#spisExhausted || this.#stopped) return;
    logger.log('info', 'rotation put off: re-keying sessions that would not survive it', {
      sessions: doomed.length,
    });
    this.#putOff = new AbortController();
    const { signal } = this.#putOff;
    const giveUp = sleep(clock, PUT_OFF_MAX_MS, signal).catch(() => {});
    // Those that it gives up on are asked on and on all the same, and come back with their peers.
    const rekeyed = bringUp.rekey(doomed).then(() => sleep(clock, DRAIN_MS, signal).catch(() => {}));
    try {
      await Promise.race([rekeyed, giveUp]);
    } finally {
      this.#putOff.abort();
    }
    const left = this.#sessionsBefore(installer.generation).length;
    if (left > 0 && !this.#stopped) {
      logger.log('warning', 'rotating although the peers of some sessions have not taken new keys', {
        sessions: left,
      });
    }
  }

  /** Sessions whose peers may send under SPIs of master keys before that of `generation`. */
  #sessionsBefore(generation: number): Session[] {
    return [...this.deps.installer.sessions].filter(({ ingress }) =>
      ingress.some((one) => one.state !== 'retiring' && one.generation < generation),
    );
  }
}
