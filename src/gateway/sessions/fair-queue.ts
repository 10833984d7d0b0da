/**
 * Work that must not overlap, of many who want it done: one piece at a time, in the order of the calls within a lane,
 * and the lanes that wait take turns. Who queues a lot waits for itself; the others wait for one piece of it at most.
 */
import type { Clock, Timer } from '../../base/clock.js';

interface Piece {
  readonly work: () => Promise<void>;
  /** Milliseconds until it may begin. */
  readonly waitMs: () => number;
}

const AT_ONCE = () => 0;

export class FairQueue {
  /** Pieces that wait, by lane; the lane whose turn is next comes first. */
  readonly #lanes = new Map<object, Piece[]>();
  readonly #idle: (() => void)[] = [];
  #running = false;
  #waits = true;
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  /**
   * Does `work` in its turn, and gives what it gives. `waitMs` is asked when its turn comes: as long as it is above 0,
   * the piece and those behind it in its lane wait, and nobody else does.
   */
  run<T>(lane: object, work: () => Promise<T>, waitMs: () => number = AT_ONCE): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const piece: Piece = { work: () => work().then(resolve, reject), waitMs };
      const waiting = this.#lanes.get(lane);
      if (waiting === undefined) this.#lanes.set(lane, [piece]);
      else waiting.push(piece);
      void this.#drain();
    });
  }

  /** Resolves when nothing waits or runs. */
  idle(): Promise<void> {
    if (!this.#running && this.#lanes.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** From now on nothing waits for anything but its turn. */
  stopWaiting(): void {
    this.#waits = false;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    this.#timer?.cancel();
    // Never before the caller goes on.
    await null;
    for (let next = this.#next(); typeof next !== 'number'; next = this.#next()) await next.work();
    this.#running = false;
    if (this.#lanes.size === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Takes the next piece that may begin; without one, arms the timer for the first that will, and gives its wait. */
  #next(): Piece | number {
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const [lane, waiting] of this.#lanes) {
      const piece = waiting[0]!;
      const waitMs = this.#waits ? piece.waitMs() : 0;
      if (waitMs > 0) {
        shortestMs = Math.min(shortestMs, waitMs);
        continue;
      }
      this.#lanes.delete(lane);
      waiting.shift();
      if (waiting.length > 0) this.#lanes.set(lane, waiting);
      return piece;
    }
    if (this.#lanes.size > 0) this.#timer = this.clock.setTimer(() => void this.#drain(), shortestMs);
    return shortestMs;
  }
}
