/** One turn's part of a batch of entry operations. */
import { BatchWriter } from './batch.js';
import type { EntryBook } from './entry-book.js';
import type { PipeIndex } from './program.js';

/** Operations that are packed, and handed to the addon, in one turn of the event loop. */
export const OPERATIONS_PER_SLICE = 4096;

/** Operations on their way to the addon, and what takes back those that fail: by their index in the batch. */
export class Slice {
  readonly batch: BatchWriter;
  readonly books: EntryBook[] = [];
  private readonly positions = new Int32Array(OPERATIONS_PER_SLICE);
  private readonly slotsOfAdds = new Int32Array(OPERATIONS_PER_SLICE);
  private readonly undos = new Map<number, () => void>();

  constructor(numbers: PipeIndex) {
    this.batch = new BatchWriter(numbers);
  }

  /** An add at `position` was packed; its slot is given back when it fails. */
  packedAdd(position: number, book: EntryBook, slot: number): void {
    this.packed(position, book);
    this.slotsOfAdds[this.books.length - 1] = slot;
  }

  /** Another operation was packed; `undo` takes back what the book was told of it. */
  packed(position: number, book: EntryBook, undo?: () => void): void {
    const index = this.books.length;
    this.positions[index] = position;
    this.slotsOfAdds[index] = -1;
    if (undo !== undefined) this.undos.set(index, undo);
    this.books.push(book);
  }

  /** Takes a failed operation back; of several the last one first. Its position. */
  fail(index: number): number {
    const slot = this.slotsOfAdds[index]!;
    if (slot >= 0) this.books[index]!.remove(slot);
    this.undos.get(index)?.();
    return this.positions[index]!;
  }
}
