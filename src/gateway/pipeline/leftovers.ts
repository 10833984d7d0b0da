/**
 * Entries that the device would not remove, or not change back. They are asked for again until they are gone, and what
 * they name, an SPI or a key slot, is nobody else's until then. There are never more of them than the device has entries.
 */
import { HalError } from '../../hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, PipeHal } from '../../hal/hal.js';

/** The operation that undoes an entry's change: its removal, or the update to its former values. */
export type TakeBack = Exclude<EntryOperation, { operation: 'add' }>;

/** The things that an entry names. */
export interface Names {
  readonly spi?: number;
  readonly slots?: readonly number[];
}

/** A take-back, and what the entry may name until it has been done. */
export interface Leaving extends Names {
  readonly operation: TakeBack;
}

/** One that the device has refused. */
interface Left extends Leaving {
  readonly slots: readonly number[];
}

/** Take-backs that are tried again in one go. */
const RETRIED_MAX = 4096;

export interface LeftoversDeps {
  readonly hal: PipeHal;
  /** There is something to try again. */
  readonly onLeft: () => void;
  /** An SPI is named by an entry that is left, or is not any more. */
  readonly onSpi: (spi: number, held: boolean) => void;
  /** No entry that is left names these key slots any more, if any. */
  readonly onSlotsFree: (slots: readonly number[]) => Promise<void>;
}

export class Leftovers {
  /** One per entry, the longest waiting first. */
  readonly #left = new Map<EntryId, Left>();
  /** Number of leftovers that name a slot. */
  readonly #slots = new Map<number, number>();
  /** Take-backs that the device refused, so far. */
  refused = 0;

  constructor(private readonly deps: LeftoversDeps) {}

  get size(): number {
    return this.#left.size;
  }

  holdsSlot(slot: number): boolean {
    return this.#slots.has(slot);
  }

  /** Takes entries back. What the device refuses is kept here; this rejects never. */
  async takeBack(leaving: readonly Leaving[]): Promise<void> {
    if (leaving.length === 0) return;
    const results = await this.#apply(leaving);
    const done: EntryId[] = [];
    leaving.forEach((one, i) => {
      if (isDone(results[i])) {
        done.push(one.operation.id);
        return;
      }
      this.refused++;
      this.#keep(one);
    });
    await this.settle(done);
  }

  /** The entries have been changed or removed after all, by operations that succeeded. */
  async settle(ids: readonly EntryId[]): Promise<void> {
    if (this.#left.size === 0) return;
    const free: number[] = [];
    for (const id of ids) {
      const one = this.#left.get(id);
      if (one === undefined) continue;
      this.#left.delete(id);
      if (one.spi !== undefined) this.deps.onSpi(one.spi, false);
      for (const slot of one.slots) {
        const others = this.#slots.get(slot)! - 1;
        if (others > 0) this.#slots.set(slot, others);
        else {
          this.#slots.delete(slot);
          free.push(slot);
        }
      }
    }
    await this.deps.onSlotsFree(free);
  }

  /** Nobody knows whether the device has taken an entry with these names, nor its id: they are out of use for good. */
  keepForGood({ spi, slots = [] }: Names): void {
    this.refused++;
    if (spi !== undefined) this.deps.onSpi(spi, true);
    for (const slot of slots) this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + 1);
  }

  /** Tries again what is left, the longest waiting first. */
  async retry(): Promise<void> {
    if (this.#left.size === 0) return;
    const again: Left[] = [];
    for (const one of this.#left.values()) {
      if (again.push(one) === RETRIED_MAX) break;
    }
    const results = await this.#apply(again);
    const done: EntryId[] = [];
    again.forEach((one, i) => {
      const { id } = one.operation;
      if (isDone(results[i])) {
        done.push(id);
        return;
      }
      this.refused++;
      this.#left.delete(id);
      this.#left.set(id, one);
    });
    await this.settle(done);
  }

  /** An entry that is left already may name what it was to name then, and what it is to name now. */
  #keep({ operation, spi, slots = [] }: Leaving): void {
    const { id } = operation;
    const known = this.#left.get(id);
    const before = known?.slots ?? [];
    const more = slots.filter((slot) => !before.includes(slot));
    const named = spi ?? known?.spi;
    this.#left.set(id, {
      operation,
      slots: [...before, ...more],
      ...(named === undefined ? {} : { spi: named }),
    });
    if (spi !== undefined) this.deps.onSpi(spi, true);
    for (const slot of more) this.#slots.set(slot, (this.#slots.get(slot) ?? 0) + 1);
    this.deps.onLeft();
  }

  /** A device that fails altogether has done nothing for sure. */
  async #apply(leaving: readonly Leaving[]): Promise<readonly (EntryResult | undefined)[]> {
    try {
      return await this.deps.hal.apply(leaving.map(({ operation }) => operation));
    } catch {
      return [];
    }
  }
}

/** Whether the entry is as it should be: what is not there need not be removed. */
function isDone(result: EntryResult | undefined): boolean {
  if (result === undefined) return false;
  return !('error' in result) || (result.error instanceof HalError && result.error.code === 'NOT_FOUND');
}
