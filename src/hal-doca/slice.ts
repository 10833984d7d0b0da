/** One turn's part of a batch of entry operations. */
import type { EntryBatch } from '../hal/pipe-device.js';
import { BatchWriter } from './batch.js';
import type { KeyIndex } from './key-index.js';
import type { NativeFailure } from './native.js';
import type { PipeIndex } from './program.js';

/** Operations that are packed, and handed to the addon, in one turn of the event loop. */
export const OPERATIONS_PER_SLICE = 4096;

/** Operations on their way to the addon. */
export class Slice<Note> {
  readonly writer: BatchWriter;
  /** By number of the packed operation. */
  private positions = new Int32Array(0);
  private readonly notes: Note[] = [];

  /** `memory`: to begin with; undefined: some of its own. */
  constructor(
    numbers: PipeIndex,
    indexes: readonly (KeyIndex | null)[],
    memory: Uint8Array<ArrayBuffer> | undefined,
  ) {
    this.writer = new BatchWriter(numbers, indexes, memory);
  }

  /** Packs the operations of `batch` from `start` on, as many as a slice has. */
  pack(batch: EntryBatch<Note>, start: number): void {
    const { writer, notes } = this;
    const end = Math.min(batch.count, start + OPERATIONS_PER_SLICE);
    const positions = new Int32Array(end - start);
    this.positions = positions;
    for (let position = start; position < end; position++) {
      const note = batch.submit(position, writer);
      // Those that were refused are not packed.
      if (writer.length === notes.length) continue;
      positions[notes.length] = position;
      notes.push(note);
    }
  }

  /** Takes back the operation that was packed as the `index`-th and has failed. */
  fail(batch: EntryBatch<Note>, { index, code, reason }: NativeFailure & { readonly index: number }): void {
    this.writer.hasFailed(index, code);
    batch.failed(this.positions[index]!, this.notes[index]!, code, reason);
  }

  /** Nobody knows what has become of the operations. */
  lose(batch: EntryBatch<Note>): void {
    for (let index = this.notes.length - 1; index >= 0; index--) {
      batch.unknown(this.positions[index]!, this.notes[index]!);
    }
  }
}
