/**
 * The entries of a basic pipe as they are packed for the addon, which itself does not tell an equal key from other failures, nor what
 * an entry was given. A record: key, action index (1), forward (5) where it is the entry's, values.
 */
import type { EntryIndex } from '../hal/pipe-device.js';
import type { BasicEntry, BasicPipe } from '../hal/program.js';
import { EntryPlan } from './entry-plan.js';
import { EntryUpdate, type FormerRecords, RecordUpdates } from './entry-updates.js';
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
      updates.taken = record;
      this.ofTaken.set(record, updates);
    }
    return record;
  }

  putBack(slot: number, record: Uint8Array): number {
    const holder = this.table.find(record);
    if (holder >= 0) return holder;
    this.table.add(slot, record);
    const updates = this.ofTaken.get(record);
    if (updates?.areUnderWay === true) {
      updates.taken = null;
      this.underWay.set(slot, updates);
    }
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

  /**
   * What a slot's entry gives besides its key, packed in `octets`: values in [from, forwardAt), the forward, where it is the entry's,
   * in [forwardAt, to).
   */
  write(
    slot: number,
    actionIndex: number,
    octets: Uint8Array,
    from: number,
    forwardAt: number,
    to: number,
  ): void {
    const { table } = this;
    table.set(slot, this.actionIndexAt, actionIndex);
    table.write(slot, this.forwardAt, octets, forwardAt, to);
    table.write(slot, this.valuesAt, octets, from, forwardAt);
  }

  /**
   * Changes what is given; packed as for `write`, but that nothing stands where a part stays as it is. The octets stay as they are. How the
   * update has ended `endUpdate` wants to be told.
   */
  update(
    slot: number,
    octets: Uint8Array,
    from: number,
    forwardAt: number,
    to: number,
    former: FormerRecords,
  ): EntryUpdate {
    const { table } = this;
    let updates = this.underWay.get(slot);
    if (updates === undefined) {
      const at = former.reserve(table.recordOctets);
      table.copyTo(slot, former.octets, at);
      updates = new RecordUpdates(table, slot, table.recordOctets, former, at);
      this.underWay.set(slot, updates);
    }
    return new EntryUpdate(updates, octets, from, forwardAt, to, this.valuesAt, this.forwardAt);
  }

  /** An update of the entry that had this slot has ended; told again: changes nothing. */
  endUpdate(slot: number, update: EntryUpdate, outcome: 'done' | 'failed'): void {
    if (update.outcome !== 'under way') return;
    update.outcome = outcome;
    const { updates } = update;
    if (updates.hasEnded(update) && this.underWay.get(slot) === updates) this.underWay.delete(slot);
  }
}
