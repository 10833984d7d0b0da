/**
 * Rotation of the master key, and new keys for all sessions after it: make before break, so no packet is lost. A
 * master key lives through one rotation and not through two. A rotation therefore waits until every session has a key
 * of the active one, and the grace of the SPIs that it would end is over; but not for ever, or one dead peer could keep a
 * master key alive: at a deadline it closes what is left. A peer that asks for one too early is told when to ask again.
 */
import { type Clock, sleep, type Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { GatewayObserver } from '../events.js';
import type { GatewayLimits } from '../options.js';
import { RpcError } from '../rpc/transport.js';
import type { RotationView } from '../view.js';
import type { BringUp } from './bring-up.js';
import type { Retirement } from './retirement.js';
import type { Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';

/** Least time between two looks at what a rotation waits for. */
const LOOK_INTERVAL_MS = 50;
/** Peers that a line of the log names. */
const PEERS_NAMED_MAX = 4;

export interface RotationDeps {
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly bringUp: BringUp;
  readonly limits: Pick<GatewayLimits, 'rotationPeriodMs' | 'rotationDeadlineMs' | 'rekeyGraceMs'>;
}

/** The sessions of the key that the next rotation ends get others. */
interface Preparation {
  readonly sinceMs: number;
  readonly deadlineMs: number;
  /** Resolves when it is done, or its deadline has passed, or it was given up. */
  done: Promise<void>;
  /** Some peers have not taken new keys yet. */
  rekeying: boolean;
}

export class Rotation {
  #timer: Timer | undefined;
  #nextAtMs: number | undefined;
  #last: Promise<void> = Promise.resolve();
  /** A rotation that has not happened yet; whoever asks for another one meanwhile gets this one. */
  #pending: { issueNewKeys: boolean; readonly done: Promise<void> } | undefined;
  #preparation: Preparation | undefined;
  #spisExhausted = false;
  /** Ends the preparation. */
  #putOff = new AbortController();
  #stopped = false;

  constructor(private readonly deps: RotationDeps) {}

  start(): void {
    const { clock, limits } = this.deps;
    if (limits.rotationPeriodMs === 0 || this.#stopped) return;
    this.#nextAtMs = clock.nowMs() + limits.rotationPeriodMs;
    this.#timer = clock.setTimer(() => {
      this.rotateUnasked();
      this.start();
    }, limits.rotationPeriodMs);
  }

  /** The period is another one, and begins now. */
  periodChanged(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#nextAtMs = undefined;
    this.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#putOff.abort();
  }

  /** When the next one is due, and what one that was asked for waits for. */
  view(): RotationView {
    const { installer } = this.deps;
    const waiting = this.#pending === undefined ? undefined : this.#preparation;
    return {
      nextAtMs: this.#nextAtMs,
      waiting: waiting && {
        spis: installer.doomedSpis,
        sinceMs: waiting.sinceMs,
        deadlineAtMs: waiting.deadlineMs,
        peers: this.#peersBefore(installer.generation),
      },
    };
  }

  /**
   * Rotates, after what it waits for. With `issueNewKeys` all sessions are re-keyed after it; this resolves when the
   * rotation is done, not when the last peer has its new key. A rotation that is put off takes in those that are asked
   * for meanwhile.
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

  /**
   * The same at a peer's request, now or not at all: throws FAILED_PRECONDITION, with the seconds that are left, while
   * a session could lose its key by it. Those sessions begin to get new ones then, once for all who ask.
   */
  rotateNow(issueNewKeys: boolean): Promise<void> {
    if (this.#isDue() && this.#pending === undefined) return this.rotate(issueNewKeys);
    const preparation = this.#prepare();
    const seconds = Math.max(1, Math.ceil(this.#leftMs(preparation) / 1000));
    throw new RpcError(
      'FAILED_PRECONDITION',
      `sessions have keys that another rotation would end; ask again in ${seconds} s`,
    );
  }

  /** The master key has no SPIs left. Without a rotation nobody can be re-keyed, so this one waits for nobody. */
  onSpisExhausted(): void {
    if (this.#spisExhausted || this.#stopped) return;
    this.#spisExhausted = true;
    // What the device says counts, and not what we know of it.
    const { given } = this.deps.installer.spiSupply;
    this.deps.observe({ type: 'spis-low', exhausted: true, given, left: 0 });
    this.#putOff.abort();
    this.rotateUnasked();
  }

  /** It will have none soon: in time for a rotation that waits for everybody. */
  onSpisLow(): void {
    if (this.#stopped) return;
    this.deps.observe({ type: 'spis-low', exhausted: false, ...this.deps.installer.spiSupply });
    this.rotateUnasked();
  }

  /** Rotates, with new keys for all, for nobody who waits for it: a failure is told as an event. */
  rotateUnasked(): void {
    this.rotate(true).catch((error: unknown) =>
      this.deps.observe({ type: 'rotation-failed', reason: reasonOf(error) }),
    );
  }

  async #rotate(): Promise<void> {
    const { installer, retirement, bringUp, observe, clock } = this.deps;
    if (!this.#isDue() && !this.#spisExhausted && !this.#stopped) {
      this.#tellWaiting();
      await this.#prepare().done;
    }
    const issueNewKeys = this.#pending?.issueNewKeys === true;
    this.#pending = undefined;
    this.#spisExhausted = false;
    if (this.#stopped) return;
    this.#preparation = undefined;
    this.#putOff.abort();
    const { given: spisGiven } = installer.spiSupply;
    const cut = await installer.rotate();
    retirement.forget(installer.generation - 2);
    observe({ type: 'rotated', rotations: installer.generation, spisGiven });
    if (cut.length > 0) observe({ type: 'rotation-cut-off', sessions: cut.length });
    if (!issueNewKeys && cut.length === 0) return;
    const former = issueNewKeys ? this.#sessionsBefore(installer.generation) : [];
    const sessions = [...new Set([...cut, ...former])];
    const sinceMs = clock.nowMs();
    bringUp.rekey(sessions).then(
      () => {
        if (this.#stopped) return;
        const durationMs = Math.round(clock.nowMs() - sinceMs);
        observe({ type: 'rotation-finished', sessions: sessions.length, durationMs });
      },
      (error: unknown) => this.#rekeyingFailed(error),
    );
  }

  #tellWaiting(): void {
    const { installer, clock, limits, observe } = this.deps;
    const deadlineInMs =
      this.#preparation === undefined
        ? limits.rotationDeadlineMs
        : Math.max(0, Math.round(this.#preparation.deadlineMs - clock.nowMs()));
    const peers = this.#peersBefore(installer.generation);
    const named = peers.slice(0, PEERS_NAMED_MAX).join(', ');
    const more = peers.length > PEERS_NAMED_MAX ? ` and ${peers.length - PEERS_NAMED_MAX} more` : '';
    const waitsFor = peers.length === 0 ? {} : { waitsFor: `${named}${more}` };
    observe({ type: 'rotation-waits', spis: installer.doomedSpis, deadlineInMs, ...waitsFor });
  }

  /** Whether a rotation now would end no SPI that is open, or has waited long enough for those. */
  #isDue(): boolean {
    const { installer, clock } = this.deps;
    if (installer.doomedSpis === 0) return true;
    return this.#preparation !== undefined && clock.nowMs() >= this.#preparation.deadlineMs;
  }

  /** Milliseconds until a peer should ask again: an estimate, but for the deadline, after which it is granted. */
  #leftMs({ deadlineMs, rekeying }: Preparation): number {
    const { installer, retirement, clock, limits } = this.deps;
    const nowMs = clock.nowMs();
    const graceOverMs = retirement.waitOf(installer.generation - 1)?.closedByMs ?? nowMs;
    const readyMs = rekeying ? nowMs + 2 * limits.rekeyGraceMs : graceOverMs;
    return Math.min(readyMs, deadlineMs) - nowMs;
  }

  /** Begins, unless that has begun, to re-key the sessions whose master key ends next. */
  #prepare(): Preparation {
    if (this.#preparation !== undefined) return this.#preparation;
    const { clock, limits } = this.deps;
    this.#putOff = new AbortController();
    if (this.#stopped || this.#spisExhausted) this.#putOff.abort();
    const { signal } = this.#putOff;
    const sinceMs = clock.nowMs();
    const preparation: Preparation = {
      sinceMs,
      deadlineMs: sinceMs + limits.rotationDeadlineMs,
      done: Promise.resolve(),
      rekeying: true,
    };
    this.#preparation = preparation;
    const ready = this.#untilNoneIsDoomed(preparation, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#rekeyingFailed(error);
    });
    const over = sleep(clock, limits.rotationDeadlineMs, signal).catch(() => {});
    preparation.done = Promise.race([ready, over]);
    return preparation;
  }

  #rekeyingFailed(error: unknown): void {
    this.deps.observe({ type: 'work-failed', work: 're-keying', reason: reasonOf(error) });
  }

  async #untilNoneIsDoomed(preparation: Preparation, signal: AbortSignal): Promise<void> {
    const { installer, retirement, bringUp, clock } = this.deps;
    while (installer.doomedSpis > 0) {
      const doomed = this.#sessionsBefore(installer.generation);
      preparation.rekeying = doomed.length > 0;
      // Peers that do not answer are asked on and on, also after the deadline.
      if (doomed.length > 0) await bringUp.rekey(doomed);
      const dueMs = retirement.waitOf(installer.generation - 1)?.dueMs ?? 0;
      await sleep(clock, Math.max(LOOK_INTERVAL_MS, dueMs - clock.nowMs()), signal);
    }
  }

  /** Names of the peers of those sessions. */
  #peersBefore(generation: number): string[] {
    return [...new Set(this.#sessionsBefore(generation).map(({ peer }) => peer.name))];
  }

  /** Sessions whose peers may send under SPIs of master keys before that of `generation`. */
  #sessionsBefore(generation: number): Session[] {
    return [...this.deps.installer.sessions].filter(({ ingress }) =>
      ingress.some((one) => one.state !== 'retiring' && one.generation < generation),
    );
  }
}
