/** The match keys of a basic pipe's entries, as they are packed for the addon, which itself does not tell an equal key from other failures. */
import type { EntryIndex } from '../hal/pipe-device.js';
import type { BasicEntry, BasicPipe } from '../hal/program.js';
import { EntryPlan } from './entry-plan.js';
import { KeyTable } from './key-table.js';

export class KeyIndex implements EntryIndex {
  /** How the pipe's entries are packed. */
  readonly plan: EntryPlan;
  private readonly table: KeyTable;

  constructor(pipe: BasicPipe) {
    this.plan = new EntryPlan(pipe);
    this.table = new KeyTable(this.plan.key.length);
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

  putBack(slot: number, key: Uint8Array): void {
    this.table.add(slot, key);
  }
}
