/**
 * Ids of entries, SPIs and keys are a device's own: where a recording names one, another device gets the one that it has given in the
 * same place. Keys of peers, of which nobody has anything but their numbers, are the stand-ins themselves.
 */
import type { CounterSelector, EntryId, EntryOperation, KeySlot } from '../hal/hal.js';
import type { BasicEntry, ControlEntry } from '../hal/program.js';
import { hexOf } from './values.js';

/** No entry ever has it. */
const NO_ENTRY = Number.MAX_SAFE_INTEGER as EntryId;

export class DeviceNames {
  /** By what they are in the recording; of keys the stand-ins, in hexadecimal digits. */
  readonly ids = new Map<number, EntryId>();
  readonly spis = new Map<number, number>();
  readonly keys = new Map<string, Uint8Array>();

  /**
   * @param isWhole whether the recording has its beginning
   * @param passOver told of what names entries that it has lost, and how often
   */
  constructor(
    private readonly isWhole: boolean,
    private readonly passOver: (what: string, count: number) => void,
  ) {}

  operation(operation: EntryOperation): EntryOperation {
    // The device says itself what is wrong with it.
    if (typeof operation !== 'object' || operation === null) return operation;
    if (operation.operation === 'add') return { ...operation, entry: this.#entry(operation.entry) };
    return { ...operation, id: this.#idOf(operation.id) };
  }

  #idOf(recorded: EntryId): EntryId {
    const id = this.ids.get(recorded);
    if (id === undefined && !this.isWhole)
      this.passOver('operations on entries from before the recording', 1);
    return id ?? NO_ENTRY;
  }

  #entry(entry: BasicEntry | ControlEntry): BasicEntry | ControlEntry {
    const match = entry?.match as Readonly<Record<string, unknown>> | undefined;
    const spi = match?.['tun.psp.spi'];
    if (spi === undefined) return entry;
    const here =
      typeof spi === 'number'
        ? this.#spiOf(spi)
        : { ...(spi as object), value: this.#spiOf((spi as { value: number }).value) };
    return { ...entry, match: { ...match, 'tun.psp.spi': here } } as BasicEntry | ControlEntry;
  }

  #spiOf(recorded: number): number {
    return this.spis.get(recorded) ?? recorded;
  }

  slot(slot: KeySlot): KeySlot {
    const key = slot?.key instanceof Uint8Array ? this.keys.get(hexOf(slot.key)) : undefined;
    return key === undefined ? slot : { ...slot, key };
  }

  /** Those of entries that the recording has lost are left out. */
  selectors(selectors: readonly CounterSelector[]): CounterSelector[] {
    const here = selectors.map((one) => {
      if (typeof one !== 'object' || one === null || !('id' in one)) return one;
      return { id: this.ids.get(one.id) ?? NO_ENTRY };
    });
    if (this.isWhole) return here;
    const known = here.filter((one) => !('id' in one) || one.id !== NO_ENTRY);
    if (known.length < here.length)
      this.passOver('counters of entries from before the recording', here.length - known.length);
    return known;
  }
}
