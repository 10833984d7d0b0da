/**
 * Draining: no new tunnels are made in either direction, those that there are go on and are re-keyed, and peers are told. It is over
 * when no packet has passed for a while, or its time is. Then whoever runs the gateway stops it, or it stays drained.
 */
import type { Clock, Timer } from '../base/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { DrainState } from './drain-state.js';
import type { GatewayObserver } from './events.js';
import type { DrainNotices } from './recovery/drain-notices.js';
import type { DrainOptions, DrainView } from './view.js';

/** Time without a packet of a tunnel after which the gateway counts as idle. */
export const QUIET_MS = 10_000;
/** How often packets are looked for: as often as hardware counts. */
const LOOK_MS = 1000;
/** Peers are told again, since some did not answer, or have started since. */
const TELL_AGAIN_MS = 60_000;
/** So often those are told that a drain was cancelled who did not answer. */
const CANCEL_TOLD_MAX = 3;

export interface DrainingDeps {
  readonly clock: Clock;
  readonly observe: GatewayObserver;
  readonly state: DrainState;
  readonly notices: Pick<DrainNotices, 'tellAll' | 'stop'>;
  /** Sessions with a way out, or under which a peer may send. */
  readonly sessions: () => number;
  /** Packets of tunnels that have passed so far, both ways. Rejects with HalError. */
  readonly packets: () => Promise<bigint>;
  /** New tunnels may be made again: begins with those that were put off. */
  readonly onCancelled: () => void;
}

export class Draining {
  #look: Timer | undefined;
  #tell: Timer | undefined;
  #packets: bigint | undefined;
  #quietSinceMs = 0;
  /** One more with each drain and each cancel: what an older one has begun ends. */
  #run = 0;

  constructor(private readonly deps: DrainingDeps) {}

  view(): DrainView | undefined {
    const { state } = this.deps;
    return state.current && { ...state.current, quietSinceMs: this.#quietSinceMs };
  }

  /** Begins, or, where it has begun, has other ends from now on. Gives what it is now. */
  begin({ timeoutMs, stops }: DrainOptions): DrainView {
    const { clock, state, observe, sessions } = this.deps;
    const nowMs = clock.nowMs();
    this.#cancelTimers();
    if (state.current === undefined) this.#quietSinceMs = nowMs;
    state.current = {
      begunAtMs: state.current?.begunAtMs ?? nowMs,
      endsAtMs: nowMs + timeoutMs,
      stops,
    };
    observe({ type: 'drain-begun', sessions: sessions(), timeoutS: timeoutMs / 1000, stops });
    this.#packets = undefined;
    const run = this.#run;
    let told = false;
    void this.#tellAgain(run).finally(() => {
      told = true;
    });
    this.#lookLater(run, () => told || clock.nowMs() - nowMs >= QUIET_MS);
    return this.view()!;
  }

  /** False: there is nothing to cancel. */
  cancel(): boolean {
    const { state, observe, onCancelled } = this.deps;
    if (state.current === undefined) return false;
    this.#cancelTimers();
    state.current = undefined;
    observe({ type: 'drain-cancelled' });
    void this.#tellCancelled(this.#run, CANCEL_TOLD_MAX);
    onCancelled();
    return true;
  }

  stop(): void {
    this.#cancelTimers();
    this.deps.notices.stop();
  }

  #cancelTimers(): void {
    this.#run++;
    this.#look?.cancel();
    this.#tell?.cancel();
  }

  async #tellAgain(run: number): Promise<void> {
    await this.deps.notices.tellAll();
    if (run !== this.#run) return;
    this.#tell = this.deps.clock.setTimer(() => void this.#tellAgain(run), TELL_AGAIN_MS);
  }

  async #tellCancelled(run: number, times: number): Promise<void> {
    const unheard = await this.deps.notices.tellAll();
    if (run !== this.#run || unheard === 0 || times <= 1) return;
    this.#tell = this.deps.clock.setTimer(() => void this.#tellCancelled(run, times - 1), TELL_AGAIN_MS);
  }

  #lookLater(run: number, areTold: () => boolean): void {
    const { clock, observe } = this.deps;
    this.#look = clock.setTimer(() => {
      this.#lookOnce(run, areTold())
        .catch((error: unknown) => {
          // Its time ends it all the same.
          if (run === this.#run) observe({ type: 'work-failed', work: 'draining', reason: reasonOf(error) });
          return this.#isOverdue() && run === this.#run ? this.#finish('timeout') : false;
        })
        .then((over) => {
          if (!over && run === this.#run) this.#lookLater(run, areTold);
        });
    }, LOOK_MS);
  }

  #isOverdue(): boolean {
    const endsAtMs = this.deps.state.current?.endsAtMs;
    return endsAtMs !== undefined && this.deps.clock.nowMs() >= endsAtMs;
  }

  /** Whether it is over, or another one has taken its place. */
  async #lookOnce(run: number, areTold: boolean): Promise<boolean> {
    const { clock, sessions, packets } = this.deps;
    const now = await packets();
    if (run !== this.#run) return true;
    if (this.#packets !== undefined && now !== this.#packets) this.#quietSinceMs = clock.nowMs();
    else if (this.#packets === undefined)
      this.#quietSinceMs = Math.max(this.#quietSinceMs, clock.nowMs() - LOOK_MS);
    this.#packets = now;
    const isQuiet = clock.nowMs() - this.#quietSinceMs >= QUIET_MS;
    if (areTold && (isQuiet || sessions() === 0)) return this.#finish('idle');
    return this.#isOverdue() ? this.#finish('timeout') : false;
  }

  #finish(why: 'idle' | 'timeout'): true {
    const { state, observe, sessions } = this.deps;
    const { stops, begunAtMs } = state.current!;
    state.current = { begunAtMs, stops, endsAtMs: undefined };
    observe({ type: 'drain-finished', why, sessions: sessions(), stops });
    return true;
  }
}
