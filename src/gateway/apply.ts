/** Batches of entry operations that are done whole or not at all. */
import type { HalError } from '../hal/errors.js';
import type { EntryId, EntryOperation, PipeHal } from '../hal/hal.js';

/** How an operation that succeeded is undone; absent: an added entry is removed. */
export type Undo = (index: number, id: EntryId) => EntryOperation;

/**
 * Applies all operations and gives the entries' ids. When one fails, those that succeeded are undone, and its
 * HalError is thrown.
 */
export async function applyAll(
  hal: PipeHal,
  operations: readonly EntryOperation[],
  undo: Undo = (_index, id) => ({ operation: 'remove', id }),
): Promise<EntryId[]> {
  if (operations.length === 0) return [];
  const results = await hal.apply(operations);
  let failure: HalError | undefined;
  const back: EntryOperation[] = [];
  const ids: EntryId[] = [];
  results.forEach((result, index) => {
    if ('error' in result) failure ??= result.error;
    else {
      ids.push(result.id);
      back.push(undo(index, result.id));
    }
  });
  if (failure === undefined) return ids;
  await hal.apply(back.reverse());
  throw failure;
}
