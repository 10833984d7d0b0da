/**
 * Key slots (crypto_id) of the device: numbers 1 to `count`, handed out and taken back. A packet that found its entry
 * before that was changed still names the former slot on its way through the device: a freed slot therefore rests, and
 * waits behind all others, before it gets the key of another session.
 */
import type { Clock } from '../../base/clock.js';

/** Thousands of times what a packet takes through the device, and short beside an exchange between gateways. */
export const SLOT_REST_MS = 100;

export class KeySlots {
  readonly #count: number;
  /** Freed slots, in the order in which they were freed, with the times. */
  readonly #freed: number[] = [];
  readonly #freedAtMs: number[] = [];
  #next = 1;
  #head = 0;
  #used = 0;

  constructor(
    count: number,
    private readonly clock: Clock,
  ) {
    this.#count = count;
  }

  get used(): number {
    return this.#used;
  }

  /** Slots that are not in use, those that rest included. */
  get free(): number {
    return this.#count - this.#used;
  }

  /** Milliseconds until `count` slots can be taken; 0 also when there are not so many at all. */
  waitMs(count: number): number {
    const rested = count - (this.#count - this.#next + 1);
    if (rested <= 0 || count > this.free) return 0;
    const at = this.#head + rested - 1;
    const now = this.clock.nowMs();
    // A clock that was set back makes nobody wait for longer.
    this.#freedAtMs[at] = Math.min(this.#freedAtMs[at]!, now);
    return Math.max(0, this.#freedAtMs[at] + SLOT_REST_MS - now);
  }

  /** A slot, or undefined when all are taken, or rest. */
  take(): number | undefined {
    if (this.#used === this.#count || this.waitMs(1) > 0) return undefined;
    this.#used++;
    if (this.#next <= this.#count) return this.#next++;
    const slot = this.#freed[this.#head++]!;
    // So many have been taken from the front that their places are worth the move of the others.
    if (this.#head * 2 > this.#freed.length) {
      this.#freed.splice(0, this.#head);
      this.#freedAtMs.splice(0, this.#head);
      this.#head = 0;
    }
    return slot;
  }

  /** Takes back a slot that `take` gave. */
  release(slot: number): void {
    this.#used--;
    this.#freed.push(slot);
    this.#freedAtMs.push(this.clock.nowMs());
  }
}
