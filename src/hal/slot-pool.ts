/**
 * Hands out slot numbers 0 ... capacity - 1, lowest unused first, then the latest freed, and makes entry ids of
 * them that never come back: an id carries how often its slot was used before.
 */
import { enlarged } from '../base/enlarged.js';
import type { EntryId } from './hal.js';

const SLOTS_START = 16;

export class SlotPool {
  private generations = new Uint32Array(SLOTS_START);
  private used = new Uint8Array(SLOTS_START);
  private readonly freed: number[] = [];
  private readonly generationsMax: number;
  private next = 0;
  private count = 0;

  /** `pipe` of `pipes` pipes; both go into the ids, so that an id names its pipe. */
  constructor(
    readonly capacity: number,
    private readonly pipe: number,
    private readonly pipes: number,
  ) {
    this.generationsMax = Math.min(Math.floor(Number.MAX_SAFE_INTEGER / (capacity * pipes)), 2 ** 32) - 1;
  }

  get size(): number {
    return this.count;
  }

  /** A slot, or -1 when all are taken. */
  take(): number {
    const freed = this.freed.pop();
    if (freed === undefined && this.next === this.capacity) return -1;
    const slot = freed ?? this.next++;
    if (slot >= this.used.length) {
      this.generations = enlarged(this.generations, slot + 1, this.capacity);
      this.used = enlarged(this.used, slot + 1, this.capacity);
    }
    this.used[slot] = 1;
    this.count++;
    return slot;
  }

  release(slot: number): void {
    this.used[slot] = 0;
    this.generations[slot]++;
    this.count--;
    // A slot whose ids are used up, after some 2^28 entries, stays out of use.
    if (this.generations[slot] < this.generationsMax) this.freed.push(slot);
  }

  /**
   * A slot that was released is in use again, under its former id. False: it is in use under another. Only a device that fails to
   * remove an entry brings this about, and tells it of a few thousand removals at once at most; so the slot is near the end of the list,
   * and looking for it there costs less than a place that is noted for every slot.
   */
  restore(slot: number, id: EntryId): boolean {
    if (this.used[slot] === 1) return false;
    const at = this.freed.lastIndexOf(slot);
    if (at >= 0) this.freed.splice(at, 1);
    this.used[slot] = 1;
    this.generations[slot] = this.generationOf(id);
    this.count++;
    return true;
  }

  idOf(slot: number): EntryId {
    return ((this.generations[slot] * this.capacity + slot) * this.pipes + this.pipe + 1) as EntryId;
  }

  /** The slot that `id` names now, or -1. */
  slotOf(id: EntryId): number {
    const slot = Math.floor((id - 1) / this.pipes) % this.capacity;
    if (slot >= this.next || this.used[slot] === 0) return -1;
    return this.generations[slot] === this.generationOf(id) ? slot : -1;
  }

  private generationOf(id: EntryId): number {
    return Math.floor(Math.floor((id - 1) / this.pipes) / this.capacity);
  }

  /** Every slot in use, ascending. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.next; slot++) if (this.used[slot] === 1) yield slot;
  }
}

/** Number of the pipe that an id of a program of `pipes` pipes names; -1 for what cannot be an id. */
export function pipeOfId(id: EntryId, pipes: number): number {
  return Number.isSafeInteger(id) && id > 0 ? (id - 1) % pipes : -1;
}
