/** One turn's part of a batch of entry operations. */
import { BatchWriter } from './batch.js';
import type { EntryBook } from './entry-book.js';
import type { Numbers } from './program.js';

/** Operations that are packed, and handed to the addon, in one turn of the event loop. */
export const OPERATIONS_PER_SLICE = 4096;

/** Operations on their way to the addon, and what becomes of those that fail: by their index in the batch. */
export class Slice {
  readonly batch: BatchWriter;
  readonly books: EntryBook[] = [];
  private readonly positions = new Int32Array(OPERATIONS_PER_SLICE);
  private readonly slotsOfAdds = new Int32Array(OPERATIONS_PER_SLICE);

  constructor(numbers: Numbers) {
    this.batch = new BatchWriter(numbers);
  }

  /** The operation at `position` was packed. Of an add: its slot, which is given back when it fails; else -1. */
  packed(position: number, book: EntryBook, slotOfAdd: number): void {
    this.positions[this.books.length] = position;
    this.slotsOfAdds[this.books.length] = slotOfAdd;
    this.books.push(book);
  }

  /** Takes a failed operation back. Its position. */
  fail(index: number): number {
    const slot = this.slotsOfAdds[index]!;
    if (slot >= 0) this.books[index]!.strike(slot);
    return this.positions[index]!;
  }
}
