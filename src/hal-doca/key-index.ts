/**
 * The entries of a basic pipe as they are packed for the addon, which itself does not tell an equal key from other failures, nor what
 * an entry was given. A record: key, action index (1), forward (5) where it is the entry's, values.
 */
import type { EntryIndex } from '../hal/pipe-device.js';
import type { BasicEntry, BasicPipe } from '../hal/program.js';
import { EntryPlan } from './entry-plan.js';
import { EntryUpdate, RecordUpdates } from './entry-updates.js';
import { KeyTable } from './key-table.js';
import { FORWARD_OCTETS, type PipeIndex, readForward } from './program.js';

export class KeyIndex implements EntryIndex {
  /** How the pipe's entries are packed. */
  readonly plan: EntryPlan;
  private readonly table: KeyTable;
  /** Where the parts of a record begin. */
  private readonly actionIndexAt: number;
  private readonly forwardAt: number;
  private readonly valuesAt: number;
  /** By slot, the updates that DOCA has not finished. */
  private readonly underWay = new Map<number, RecordUpdates>();
  /** Those of entries that have been taken out meanwhile, by what `take` has returned. */
  private readonly ofTaken = new WeakMap<Uint8Array, RecordUpdates>();

  constructor(
    pipe: BasicPipe,
    private readonly numbers: PipeIndex,
  ) {
    const plan = new EntryPlan(pipe);
    this.plan = plan;
    this.actionIndexAt = plan.key.length;
    this.forwardAt = this.actionIndexAt + 1;
    this.valuesAt = this.forwardAt + (plan.forwardOfEntry ? FORWARD_OCTETS : 0);
    this.table = new KeyTable(plan.key.length, this.valuesAt + plan.valueOctetsMax);
  }

  find(entry: BasicEntry): number {
    this.plan.takeKey(entry);
    return this.table.find(this.plan.key);
  }

  put(slot: number): void {
    this.table.add(slot, this.plan.key);
  }

  take(slot: number): Uint8Array {
    const record = this.table.recordOf(slot);
    this.table.delete(slot);
    const updates = this.underWay.get(slot);
    if (updates !== undefined) {
      this.underWay.delete(slot);
      updates.write = (octets) => record.set(octets);
      updates.ended = () => undefined;
      this.ofTaken.set(record, updates);
    }
    return record;
  }

  putBack(slot: number, record: Uint8Array): number {
    const holder = this.table.find(record);
    if (holder >= 0) return holder;
    this.table.add(slot, record);
    const updates = this.ofTaken.get(record);
    if (updates?.areUnderWay) this.follow(slot, updates);
    return -1;
  }

  entryAt(slot: number): BasicEntry {
    const { plan, valuesAt, forwardAt } = this;
    const record = this.table.recordOf(slot);
    const actionIndex = record[this.actionIndexAt]!;
    const values = plan.valuesIn(actionIndex, record, valuesAt);
    return {
      match: plan.matchIn(record),
      actionIndex,
      ...(values === undefined ? {} : { values }),
      ...(plan.forwardOfEntry ? { forward: readForward(record, forwardAt, this.numbers) } : {}),
    };
  }

  /** What a slot's entry gives besides its key, as it was packed; without a forward where the pipe has one for all. */
  write(slot: number, actionIndex: number, values: Uint8Array, forward: Uint8Array): void {
    this.table.write(slot, [actionIndex], this.actionIndexAt);
    this.table.write(slot, forward, this.forwardAt);
    this.table.write(slot, values, this.valuesAt);
  }

  /** Changes what is given. The update that is returned wants to be told how it has ended. */
  update(slot: number, values: Uint8Array | undefined, forward: Uint8Array | undefined): EntryUpdate {
    let updates = this.underWay.get(slot);
    if (updates === undefined) {
      updates = new RecordUpdates(this.table.recordOf(slot));
      this.follow(slot, updates);
    }
    return new EntryUpdate(updates, [
      ...(values === undefined ? [] : [{ at: this.valuesAt, octets: values }]),
      ...(forward === undefined ? [] : [{ at: this.forwardAt, octets: forward }]),
    ]);
  }

  /** The record of a slot becomes what these updates make of it, until all have ended or its entry is taken out. */
  private follow(slot: number, updates: RecordUpdates): void {
    updates.write = (octets) => this.table.write(slot, octets, 0);
    updates.ended = () => this.underWay.delete(slot);
    this.underWay.set(slot, updates);
  }
}
