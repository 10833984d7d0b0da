/**
 * Updates of an entry that DOCA has not finished: each may fail still, and then has changed nothing. What stands in the entry's
 * record is what stood there before them, with those that have not failed, in order. Of many entries most have one update at a time.
 */
import { enlarged } from '../base/enlarged.js';

/** Takes octets[from, to) into the record of a slot, at a place in it. */
interface Records {
  write(slot: number, at: number, octets: Uint8Array, from: number, to: number): void;
}

const FORMER_OCTETS_START = 1024;

/** Records as they were, one after the other: one array for all updates of a slice. */
export class FormerRecords {
  octets = new Uint8Array(FORMER_OCTETS_START);
  used = 0;

  /** Makes room for a record, and returns where it is to stand. */
  reserve(recordOctets: number): number {
    const at = this.used;
    this.used += recordOctets;
    this.octets = enlarged(this.octets, this.used);
    return at;
  }
}

/** The updates of one entry. */
export class RecordUpdates {
  /** Those under way, and those that have ended behind one that is. */
  private readonly list: EntryUpdate[] = [];
  /** The record of an entry that has been taken out; null: it is in the table. */
  taken: Uint8Array | null = null;

  /** `formerAt`: where the record before the first of them stands. */
  constructor(
    private readonly records: Records,
    private readonly slot: number,
    private readonly recordOctets: number,
    private readonly former: FormerRecords,
    private readonly formerAt: number,
  ) {}

  get areUnderWay(): boolean {
    return this.list.length > 0;
  }

  /** One more, which counts from now on. */
  add(update: EntryUpdate): void {
    this.list.push(update);
    update.applyTo(this);
  }

  /** One of them has ended. Whether none is under way any more. */
  hasEnded(update: EntryUpdate): boolean {
    const { list, former, formerAt, recordOctets } = this;
    while (list.length > 0 && list[0]!.outcome !== 'under way')
      list.shift()!.applyToFormer(former.octets, formerAt);
    if (update.outcome === 'failed') {
      this.write(0, former.octets, formerAt, formerAt + recordOctets);
      for (const one of list) one.applyTo(this);
    }
    return list.length === 0;
  }

  /** Writes to the record, wherever it is. */
  write(at: number, octets: Uint8Array, from: number, to: number): void {
    if (this.taken === null) this.records.write(this.slot, at, octets, from, to);
    else this.taken.set(octets.subarray(from, to), at);
  }
}

/** One update. */
export class EntryUpdate {
  outcome: 'under way' | 'done' | 'failed' = 'under way';

  /**
   * Values stand in octets[from, forwardFrom), a forward in octets[forwardFrom, to), if any; they stay as they are.
   *
   * @param valuesAt where values stand in a record
   * @param forwardAt where a forward does
   */
  constructor(
    readonly updates: RecordUpdates,
    private readonly octets: Uint8Array,
    private readonly from: number,
    private readonly forwardFrom: number,
    private readonly to: number,
    private readonly valuesAt: number,
    private readonly forwardAt: number,
  ) {
    updates.add(this);
  }

  applyTo(record: RecordUpdates): void {
    if (this.outcome === 'failed') return;
    record.write(this.valuesAt, this.octets, this.from, this.forwardFrom);
    record.write(this.forwardAt, this.octets, this.forwardFrom, this.to);
  }

  /** To the record that begins at `at`. */
  applyToFormer(records: Uint8Array, at: number): void {
    if (this.outcome === 'failed') return;
    const { octets, from, forwardFrom, to } = this;
    for (let i = from; i < forwardFrom; i++) records[at + this.valuesAt + i - from] = octets[i]!;
    for (let i = forwardFrom; i < to; i++) records[at + this.forwardAt + i - forwardFrom] = octets[i]!;
  }
}
