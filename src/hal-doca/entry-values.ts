/**
 * What the entries of one basic pipe were given besides their keys, by slot, as it is packed for the addon (batch.ts). It is what the
 * device has answered for: batches that are still under way are gone through once more where somebody asks. Records stand in chunks,
 * which are never copied.
 */

/** Memory for so many records is allocated at a time. */
const CHUNK_RECORDS = 1024;

/** What an operation gives to an entry. */
export interface Given {
  /** Of a new entry. */
  actionIndex: number;
  octets: Uint8Array;
  /** Values stand in octets[from, forwardFrom), a forward in octets[forwardFrom, to); nothing where a part stays as it is. */
  from: number;
  forwardFrom: number;
  to: number;
}

/** Is told of the operations on one pipe's entries, in their order. What it is given changes after the call. */
export interface GivenTarget {
  added(slot: number, given: Given): void;
  updated(slot: number, given: Given): void;
  removed(slot: number): void;
}

/** A packed batch, whose operations can be gone through once more. */
export interface PackedBatch {
  /** Tells of the operations that have not failed. `targets` by pipe, undefined where nobody wants to know. */
  replay(targets: readonly (GivenTarget | undefined)[]): void;
}

/** A record: the action index plus one, 0 without an entry; the forward, where it is the entry's; values. */
export class EntryValues implements GivenTarget {
  private readonly chunks: Uint8Array[] = [];
  private readonly recordOctets: number;

  /**
   * @param slots how many there are
   * @param valuesAt where values begin in a record, behind the forward, if any
   */
  constructor(
    private readonly slots: number,
    private readonly valuesAt: number,
    valueOctetsMax: number,
  ) {
    this.recordOctets = valuesAt + valueOctetsMax;
  }

  has(slot: number): boolean {
    const chunk = this.chunks[Math.floor(slot / CHUNK_RECORDS)];
    return chunk !== undefined && chunk[this.placeOf(slot)] !== 0;
  }

  /** The record of a slot, for the caller, as it is once all of `batches` are done, oldest first. `pipe`: the number of this pipe. */
  recordAfter(batches: readonly PackedBatch[], pipe: number, slot: number): Uint8Array {
    const record = new Uint8Array(this.recordOctets);
    const place = this.placeOf(slot);
    const former = this.chunks[Math.floor(slot / CHUNK_RECORDS)];
    if (former !== undefined) record.set(former.subarray(place, place + this.recordOctets));
    const targets: GivenTarget[] = [];
    targets[pipe] = new OneRecord(record, slot, this.valuesAt);
    for (const batch of batches) batch.replay(targets);
    return record;
  }

  added(slot: number, given: Given): void {
    writeNew(this.chunkOf(slot), this.placeOf(slot), this.valuesAt, given);
  }

  updated(slot: number, given: Given): void {
    writeGiven(this.chunkOf(slot), this.placeOf(slot), this.valuesAt, given);
  }

  removed(slot: number): void {
    this.chunkOf(slot)[this.placeOf(slot)] = 0;
  }

  /** Where the record of a slot begins in its chunk. */
  private placeOf(slot: number): number {
    return (slot % CHUNK_RECORDS) * this.recordOctets;
  }

  private chunkOf(slot: number): Uint8Array {
    const number = Math.floor(slot / CHUNK_RECORDS);
    const chunk = this.chunks[number];
    if (chunk !== undefined) return chunk;
    const records = Math.min(CHUNK_RECORDS, this.slots - number * CHUNK_RECORDS);
    const added = new Uint8Array(records * this.recordOctets);
    this.chunks[number] = added;
    return added;
  }
}

/** One entry's record. */
class OneRecord implements GivenTarget {
  constructor(
    private readonly record: Uint8Array,
    private readonly slot: number,
    private readonly valuesAt: number,
  ) {}

  added(slot: number, given: Given): void {
    if (slot === this.slot) writeNew(this.record, 0, this.valuesAt, given);
  }

  updated(slot: number, given: Given): void {
    if (slot === this.slot) writeGiven(this.record, 0, this.valuesAt, given);
  }

  removed(): void {
    // Nobody asks for the values of an entry that goes.
  }
}

/**
 * Takes a batch that got no answer. The front keeps every entry that was to be removed, and none that was to have its place:
 * what was given to that one is not noted.
 */
export class Unanswered implements GivenTarget {
  /** Slots whose former entries have stayed. */
  private readonly kept = new Set<number>();

  constructor(private readonly values: EntryValues) {}

  added(slot: number, given: Given): void {
    if (this.values.has(slot)) this.kept.add(slot);
    else this.values.added(slot, given);
  }

  updated(slot: number, given: Given): void {
    if (!this.kept.has(slot)) this.values.updated(slot, given);
  }

  removed(): void {
    // The entry stays.
  }
}

function writeNew(records: Uint8Array, place: number, valuesAt: number, given: Given): void {
  records[place] = given.actionIndex + 1;
  writeGiven(records, place, valuesAt, given);
}

function writeGiven(records: Uint8Array, place: number, valuesAt: number, given: Given): void {
  const { octets, from, forwardFrom, to } = given;
  // Quicker than `set` of a view, for so few.
  const values = place + valuesAt - from;
  for (let i = from; i < forwardFrom; i++) records[values + i] = octets[i]!;
  const forward = place + 1 - forwardFrom;
  for (let i = forwardFrom; i < to; i++) records[forward + i] = octets[i]!;
}
