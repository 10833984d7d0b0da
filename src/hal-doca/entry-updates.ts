/**
 * Updates of an entry that DOCA has not finished: each may fail still, and then has changed nothing. What stands in the entry's
 * record is what stood there before them, with those that have not failed, in order.
 */

/** Octets for a part of a record. */
export interface RecordPart {
  readonly at: number;
  readonly octets: Uint8Array;
}

type Outcome = 'under way' | 'done' | 'failed';

/** The updates of one entry. */
export class RecordUpdates {
  /** Puts octets in the place of the whole record, wherever it is. */
  write: (record: Uint8Array) => void = () => undefined;
  /** Called when none is under way any more. */
  ended: () => void = () => undefined;
  private readonly list: EntryUpdate[] = [];

  /** `before`: the record before the first of them; it belongs to this. */
  constructor(private readonly before: Uint8Array) {}

  get areUnderWay(): boolean {
    return this.list.length > 0;
  }

  add(update: EntryUpdate): void {
    this.list.push(update);
    this.rewrite();
  }

  /** One of them has another outcome than before. */
  changed(): void {
    while (this.list.length > 0 && this.list[0]!.outcome !== 'under way') {
      this.list.shift()!.applyTo(this.before);
    }
    this.rewrite();
    if (this.list.length === 0) this.ended();
  }

  private rewrite(): void {
    const record = this.before.slice();
    for (const update of this.list) update.applyTo(record);
    this.write(record);
  }
}

/** One update. */
export class EntryUpdate {
  outcome: Outcome = 'under way';

  /** It counts from now on. */
  constructor(
    private readonly updates: RecordUpdates,
    private readonly parts: readonly RecordPart[],
  ) {
    updates.add(this);
  }

  /** Tells how it has ended, unless that was told before. */
  end(outcome: 'done' | 'failed'): void {
    if (this.outcome !== 'under way') return;
    this.outcome = outcome;
    this.updates.changed();
  }

  applyTo(record: Uint8Array): void {
    if (this.outcome === 'failed') return;
    for (const { at, octets } of this.parts) record.set(octets, at);
  }
}
