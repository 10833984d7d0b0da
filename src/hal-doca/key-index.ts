/**
 * The entries of a basic pipe: their keys, packed as for the addon, which itself does not tell an equal key from other failures, and what
 * they were given.
 */
import type { EntryIndex } from '../hal/pipe-device.js';
import type { BasicEntry, BasicPipe } from '../hal/program.js';
import { EntryPlan } from './entry-plan.js';
import { EntryValues, type PackedBatch } from './entry-values.js';
import { KeyTable } from './key-table.js';
import { FORWARD_OCTETS, type PipeIndex, readForward } from './program.js';

const FORWARD_AT = 1;

export class KeyIndex implements EntryIndex {
  /** How the pipe's entries are packed. */
  readonly plan: EntryPlan;
  /** As the device has answered. */
  readonly values: EntryValues;
  private readonly table: KeyTable;
  private readonly valuesAt: number;
  private readonly number: number;

  /** `underWay`: the batches that the device has not answered, oldest first, of which the owner keeps the list. */
  constructor(
    pipe: BasicPipe,
    private readonly numbers: PipeIndex,
    private readonly underWay: readonly PackedBatch[],
  ) {
    const plan = new EntryPlan(pipe);
    this.plan = plan;
    this.number = numbers.pipes.get(pipe.name)!;
    this.table = new KeyTable(plan.key.length, pipe.sizeEntries);
    this.valuesAt = FORWARD_AT + (plan.forwardOfEntry ? FORWARD_OCTETS : 0);
    this.values = new EntryValues(pipe.sizeEntries, this.valuesAt, plan.valueOctetsMax);
  }

  find(entry: BasicEntry): number {
    this.plan.takeKey(entry);
    return this.table.find(this.plan.key);
  }

  put(slot: number): void {
    this.table.add(slot, this.plan.key);
  }

  take(slot: number): Uint8Array {
    const key = this.table.keyOf(slot);
    this.table.delete(slot);
    return key;
  }

  putBack(slot: number, key: Uint8Array): number {
    const holder = this.table.find(key);
    if (holder < 0) this.table.add(slot, key);
    return holder;
  }

  entryAt(slot: number): BasicEntry {
    const { plan } = this;
    const record = this.values.recordAfter(this.underWay, this.number, slot);
    const actionIndex = record[0]! - 1;
    const values = plan.valuesIn(actionIndex, record, this.valuesAt);
    return {
      match: plan.matchIn(this.table.keyOf(slot)),
      actionIndex,
      ...(values === undefined ? {} : { values }),
      ...(plan.forwardOfEntry ? { forward: readForward(record, FORWARD_AT, this.numbers) } : {}),
    };
  }
}
