/**
 * What is known here of the entries of one pipe: which slots they take, by which key and label they are found. DOCA
 * itself has neither ids nor labels, and does not tell an equal key from other failures.
 */
import { HalError } from '../hal/errors.js';
import type { EntryId } from '../hal/hal.js';
import type { BasicEntry, ControlEntry, Pipe } from '../hal/program.js';
import { SlotPool } from '../hal/slot-pool.js';
import { EntryPlan } from './batch.js';

interface BookedEntry {
  readonly label: string | undefined;
  readonly key: string | undefined;
  readonly actionIndex: number;
  /** A control pipe's entry as it is now. */
  control: ControlEntry | undefined;
  /** Of a control pipe's entry, since the pipe does not say it for all. */
  readonly counted: boolean;
}

export class EntryBook {
  /** null: a control pipe. */
  readonly plan: EntryPlan | null;
  private readonly slots: SlotPool;
  /** By slot. */
  private readonly entries: (BookedEntry | undefined)[] = [];
  private readonly slotOfKey = new Map<string, number>();
  private readonly slotOfLabel = new Map<string, number>();

  constructor(
    readonly pipe: Pipe,
    readonly number: number,
    pipes: number,
  ) {
    this.plan = pipe.type === 'basic' ? new EntryPlan(pipe) : null;
    this.slots = new SlotPool(pipe.sizeEntries, number, pipes);
  }

  /** Takes a slot for a checked entry. Throws HalError ALREADY_EXIST or FULL, and changes nothing then. */
  book(entry: BasicEntry | ControlEntry): number {
    const { label } = entry;
    const place = label === undefined ? { pipe: this.pipe.name } : { pipe: this.pipe.name, entry: label };
    const key = this.plan?.keyOf(entry as BasicEntry);
    if (key !== undefined && this.slotOfKey.has(key)) {
      const reason = 'an entry with this key exists already; update it, or remove it first';
      throw new HalError('ALREADY_EXIST', reason, place);
    }
    if (label !== undefined && this.slotOfLabel.has(label)) {
      throw new HalError('ALREADY_EXIST', 'an entry with this label exists already', place);
    }
    const slot = this.slots.take();
    if (slot < 0) {
      const reason = `the pipe holds ${this.pipe.sizeEntries} entries, as many as it can`;
      throw new HalError('FULL', reason, place);
    }
    const control = this.plan === null ? (entry as ControlEntry) : undefined;
    const counted =
      control === undefined
        ? this.pipe.type === 'basic' && this.pipe.monitor?.counter === true
        : control.monitor?.counter === true;
    const actionIndex = control === undefined ? ((entry as BasicEntry).actionIndex ?? 0) : 0;
    this.entries[slot] = { label, key, actionIndex, control, counted };
    if (key !== undefined) this.slotOfKey.set(key, slot);
    if (label !== undefined) this.slotOfLabel.set(label, slot);
    return slot;
  }

  /** Gives a slot back. */
  strike(slot: number): void {
    const entry = this.entry(slot);
    this.entries[slot] = undefined;
    if (entry.key !== undefined) this.slotOfKey.delete(entry.key);
    if (entry.label !== undefined) this.slotOfLabel.delete(entry.label);
    this.slots.release(slot);
  }

  idOf(slot: number): EntryId {
    return this.slots.idOf(slot);
  }

  /** Throws HalError NOT_FOUND. */
  slotOf(id: EntryId): number {
    const slot = this.slots.slotOf(id);
    if (slot < 0) {
      const place = { pipe: this.pipe.name, entry: id };
      throw new HalError('NOT_FOUND', 'no such entry; it may have been removed', place);
    }
    return slot;
  }

  entry(slot: number): BookedEntry {
    return this.entries[slot]!;
  }

  /** The slot whose counter is meant; -1: there is none. */
  countedSlot(by: { readonly id: EntryId } | { readonly label: string }): number {
    const slot = 'id' in by ? this.slots.slotOf(by.id) : (this.slotOfLabel.get(by.label) ?? -1);
    return slot >= 0 && this.entry(slot).counted ? slot : -1;
  }

  /** Whether a total can be told: of basic pipes with a counter, and of control pipes always. */
  get hasTotal(): boolean {
    return this.pipe.type === 'control' || this.pipe.monitor?.counter === true;
  }
}
