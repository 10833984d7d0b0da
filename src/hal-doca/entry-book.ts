/**
 * What is known here of the entries of one pipe: which slots they take, by which key and label they are found. DOCA
 * itself has neither ids nor labels, and does not tell an equal key from other failures.
 */
import { enlarged } from '../base/enlarged.js';
import { HalError, type HalErrorPlace } from '../hal/errors.js';
import type { EntryId } from '../hal/hal.js';
import type { BasicEntry, ControlEntry, Pipe } from '../hal/program.js';
import { SlotPool } from '../hal/slot-pool.js';
import { EntryPlan } from './batch.js';
import { KeyTable } from './key-table.js';

const ACTIONS_START = 16;

/** A removed entry, with all that `restore` needs to put it back. */
export interface RemovedEntry {
  readonly slot: number;
  readonly id: EntryId;
  /** The key of a basic pipe's entry; null for control pipes. */
  readonly key: Uint8Array | null;
  readonly actionIndex: number;
  readonly control: ControlEntry | undefined;
  readonly label: string | undefined;
}

export class EntryBook {
  /** null: a control pipe. */
  readonly plan: EntryPlan | null;
  private readonly slots: SlotPool;
  /** The keys of a basic pipe's entries, and by slot the action template of each. */
  private readonly keys: KeyTable;
  private actionIndices = new Uint8Array(ACTIONS_START);
  /** The current entries of a control pipe, by slot. */
  private readonly controls: (ControlEntry | undefined)[] = [];
  private readonly slotOfLabel = new Map<string, number>();
  private readonly labelOfSlot = new Map<number, string>();
  /** Removed entries that the device has kept, by slot, where another entry has taken the slot meanwhile: its add will fail. */
  private readonly pendingRestore = new Map<number, RemovedEntry>();

  constructor(
    readonly pipe: Pipe,
    readonly number: number,
    pipes: number,
  ) {
    this.plan = pipe.type === 'basic' ? new EntryPlan(pipe) : null;
    this.keys = new KeyTable(this.plan?.matchOctets ?? 0);
    this.slots = new SlotPool(pipe.sizeEntries, number, pipes);
  }

  /**
   * Takes a slot for a checked entry; `key` is the plan's, of a basic pipe's entry. Throws HalError ALREADY_EXIST or
   * FULL, and changes nothing then.
   */
  add(entry: BasicEntry | ControlEntry, key: Uint8Array | null): number {
    const { label } = entry;
    if (key !== null && this.keys.find(key) >= 0) {
      const reason = 'an entry with this key exists already; update it, or remove it first';
      throw new HalError('ALREADY_EXIST', reason, this.place(label));
    }
    if (label !== undefined && this.slotOfLabel.has(label)) {
      throw new HalError('ALREADY_EXIST', 'an entry with this label exists already', this.place(label));
    }
    const slot = this.slots.take();
    if (slot < 0) {
      const reason = `the pipe holds ${this.pipe.sizeEntries} entries, as many as it can`;
      throw new HalError('FULL', reason, this.place(label));
    }
    if (key === null) {
      this.controls[slot] = entry as ControlEntry;
    } else {
      this.keys.add(slot, key);
      this.setActionIndex(slot, (entry as BasicEntry).actionIndex ?? 0);
    }
    if (label !== undefined) {
      this.slotOfLabel.set(label, slot);
      this.labelOfSlot.set(slot, label);
    }
    return slot;
  }

  /** Takes an entry out of the book and frees its slot. */
  remove(slot: number): RemovedEntry {
    const label = this.labelOfSlot.get(slot);
    const removed: RemovedEntry = {
      slot,
      id: this.slots.idOf(slot),
      key: this.plan === null ? null : this.keys.keyOf(slot),
      actionIndex: this.actionIndices[slot] ?? 0,
      control: this.controls[slot],
      label,
    };
    if (this.plan === null) this.controls[slot] = undefined;
    else this.keys.delete(slot);
    if (label !== undefined) {
      this.slotOfLabel.delete(label);
      this.labelOfSlot.delete(slot);
    }
    this.slots.release(slot);
    const pendingRestore = this.pendingRestore.get(slot);
    if (pendingRestore !== undefined) {
      this.pendingRestore.delete(slot);
      this.restore(pendingRestore);
    }
    return removed;
  }

  /** Puts a removed entry back: the device has failed to remove it. */
  restore(removed: RemovedEntry): void {
    const { slot, id, key, actionIndex, control, label } = removed;
    if (!this.slots.restore(slot, id)) {
      this.pendingRestore.set(slot, removed);
      return;
    }
    if (key === null) {
      this.controls[slot] = control;
    } else {
      this.keys.add(slot, key);
      this.setActionIndex(slot, actionIndex);
    }
    if (label !== undefined && !this.slotOfLabel.has(label)) {
      this.slotOfLabel.set(label, slot);
      this.labelOfSlot.set(slot, label);
    }
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

  /** The action template of a basic pipe's entry. */
  actionIndexOf(slot: number): number {
    return this.actionIndices[slot]!;
  }

  controlOf(slot: number): ControlEntry {
    return this.controls[slot]!;
  }

  /** Replaces a control pipe's entry. */
  replaceControl(slot: number, entry: ControlEntry): void {
    this.controls[slot] = entry;
  }

  /** The slot whose counter is meant; -1: there is none. */
  countedSlot(by: { readonly id: EntryId } | { readonly label: string }): number {
    const slot = 'id' in by ? this.slots.slotOf(by.id) : (this.slotOfLabel.get(by.label) ?? -1);
    return slot >= 0 && this.isCounted(slot) ? slot : -1;
  }

  /** Whether the pipe has a total: basic pipes with a counter, and all control pipes. */
  get hasTotal(): boolean {
    return this.pipe.type === 'control' || this.pipe.monitor?.counter === true;
  }

  private isCounted(slot: number): boolean {
    const monitor = this.pipe.type === 'control' ? this.controlOf(slot).monitor : this.pipe.monitor;
    return monitor?.counter === true;
  }

  private place(label: string | undefined): HalErrorPlace {
    return label === undefined ? { pipe: this.pipe.name } : { pipe: this.pipe.name, entry: label };
  }

  private setActionIndex(slot: number, actionIndex: number): void {
    this.actionIndices = enlarged(this.actionIndices, slot + 1);
    this.actionIndices[slot] = actionIndex;
  }
}
