/** Batches of entry operations that are done whole or not at all. */
import type { HalError } from '../../hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, PipeHal } from '../../hal/hal.js';
import type { Leaving, Leftovers, Names, TakeBack } from './leftovers.js';

export interface ApplyAllOptions {
  /** The things that the entry of an operation names; absent: nothing that could be given to another entry. */
  readonly names?: (index: number) => Names;
  /** The operation that undoes a successful one; absent: an added entry is removed. */
  readonly undo?: (index: number, id: EntryId) => TakeBack;
}

/**
 * Applies all operations and gives the entries' ids. When one fails, those that succeeded are undone, and its
 * HalError is thrown. What cannot be undone stays with the leftovers, and keeps its names.
 */
export async function applyAll(
  hal: PipeHal,
  leftovers: Leftovers,
  operations: readonly EntryOperation[],
  { names = () => ({}), undo = (_index, id) => ({ operation: 'remove', id }) }: ApplyAllOptions = {},
): Promise<EntryId[]> {
  if (operations.length === 0) return [];
  const leave = (index: number, id: EntryId): Leaving => ({ operation: undo(index, id), ...names(index) });
  let results: EntryResult[];
  try {
    results = await hal.apply(operations);
  } catch (error) {
    // Each of them may have been done.
    const known: Leaving[] = [];
    operations.forEach((operation, index) => {
      if (operation.operation === 'add') leftovers.keepForGood(names(index));
      else known.push(leave(index, operation.id));
    });
    await leftovers.takeBack(known);
    throw error;
  }
  let failure: HalError | undefined;
  const ids: EntryId[] = [];
  for (const result of results) {
    if ('error' in result) failure ??= result.error;
    else ids.push(result.id);
  }
  if (failure === undefined) {
    await leftovers.settle(ids);
    return ids;
  }
  const back = results.flatMap((result, index) => ('error' in result ? [] : leave(index, result.id)));
  await leftovers.takeBack(back.reverse());
  throw failure;
}
