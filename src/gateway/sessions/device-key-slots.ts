/**
 * Key slots together with what the device has in them. A slot is free when its key was wiped and no entry of the device
 * names it any more; until then nobody gets it, however long the device refuses (key-slots.ts has the rest after that).
 */
import type { Clock } from '../../base/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import { OwnLimitError } from '../rpc/transport.js';
import { KeySlots } from './key-slots.js';

export interface DeviceKeySlotsDeps {
  readonly hal: Pick<PipeHal, 'clearKeys'>;
  readonly clock: Clock;
  /** Slots in all, numbered from 1. */
  readonly count: number;
  /** Whether an entry that the device would not take back names the slot. */
  readonly isNamed: (slot: number) => boolean;
  /** The device would not wipe some keys; `retry` has to be called after a while. */
  readonly onUncleared: () => void;
}

export class DeviceKeySlots {
  readonly #slots: KeySlots;
  /** Slots whose keys the device would not wipe. */
  #uncleared: number[] = [];

  constructor(private readonly deps: DeviceKeySlotsDeps) {
    this.#slots = new KeySlots(deps.count, deps.clock);
  }

  /** Slots in all. */
  get count(): number {
    return this.deps.count;
  }

  get used(): number {
    return this.#slots.used;
  }

  /** Number of slots whose keys the device would not wipe. */
  get uncleared(): number {
    return this.#uncleared.length;
  }

  /** Milliseconds until `count` slots can be taken; 0 also when there are not so many at all. */
  waitMs(count: number): number {
    return this.#slots.waitMs(count);
  }

  /** Takes `count` slots. Throws RpcError RESOURCE_EXHAUSTED, having taken none, when there are fewer. */
  take(count: number): number[] {
    const slots: number[] = [];
    while (slots.length < count) {
      const slot = this.#slots.take();
      if (slot === undefined) {
        for (const taken of slots) this.#slots.release(taken);
        throw new OwnLimitError(`${count} key slots wanted, ${slots.length} free`);
      }
      slots.push(slot);
    }
    return slots;
  }

  /**
   * Wipes the keys of slots, and gives back those that no entry names any more. A slot that an entry still names has to be
   * handed in again when that entry is gone. Never rejects: slots whose keys the device would not wipe stay taken.
   */
  async free(slots: readonly number[]): Promise<void> {
    if (slots.length === 0) return;
    const { hal, isNamed, onUncleared } = this.deps;
    try {
      await hal.clearKeys(slots);
    } catch {
      this.#uncleared.push(...slots);
      onUncleared();
      return;
    }
    for (const slot of slots) if (!isNamed(slot)) this.#slots.release(slot);
  }

  /** Tries again to free the slots whose keys the device would not wipe. */
  retry(): Promise<void> {
    return this.free(this.#uncleared.splice(0));
  }
}
