/**
 * The books of a built program's pipes: what an operation on entries needs to be checked, entered, handed to the device, and taken
 * back when the device fails it later.
 */
import {
  checkActionValues,
  checkBasicEntry,
  checkControlEntry,
  checkUpdate,
  type EntryContext,
} from './check-entry.js';
import { checkForward } from './check-forward.js';
import { EntryBook } from './entry-book.js';
import { type DocaErrorName, HalError, type HalErrorPlace, reporter } from './errors.js';
import type {
  CounterSelector,
  DeviceLimits,
  EntryId,
  EntryOperation,
  EntryResult,
  PortDescription,
} from './hal.js';
import type { LookupPacket, LookupPath } from './lookup/lookup.js';
import type { KeyLengthOf } from './lookup/packet-state.js';
import { PathFinder } from './lookup/path-finder.js';
import {
  type EntryBatch,
  type EntryIndex,
  type EntryWriter,
  MISS_COUNTER,
  TOTAL_COUNTER,
} from './pipe-device.js';
import type { BasicEntry, PipeProgram } from './program.js';
import { copyControlEntry, forwardShape, valuesShape } from './program-shape.js';
import { describeValue, isObject } from './shapes.js';
import { pipeOfId } from './slot-pool.js';

type AddOperation = Extract<EntryOperation, { operation: 'add' }>;
type UpdateOperation = Extract<EntryOperation, { operation: 'update' }>;

/** Takes an update or a removal back; null where the books do not know what has changed, and of an add, which its id names. */
type Undo = (() => void) | null;

export class ProgramBooks {
  private readonly books: readonly EntryBook[];
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly context: EntryContext;
  readonly hasEgressRoot: boolean;

  /** `program` is valid, and belongs to this; `indexes` of its pipes, null of control pipes. */
  constructor(
    private readonly program: PipeProgram,
    indexes: readonly (EntryIndex | null)[],
    { keySlots, pspWords = false }: DeviceLimits,
  ) {
    const { pipes } = program;
    this.books = pipes.map((pipe, i) => new EntryBook(pipe, i, pipes.length, indexes[i]!));
    this.numbers = new Map(pipes.map((pipe, i) => [pipe.name, i]));
    this.context = {
      pipes: new Map(pipes.map((pipe) => [pipe.name, pipe])),
      mirrors: new Map(program.mirrors?.map((mirror) => [mirror.name, mirror])),
      keySlots,
      pspWords,
    };
    this.hasEgressRoot = pipes.some((pipe) => pipe.isRoot === true && pipe.domain === 'egress');
  }

  /** `operations` for the device. */
  batchOf(operations: readonly EntryOperation[]): OperationBatch {
    return new OperationBatch(this, operations);
  }

  /** Whether a removed entry waits, in any pipe, for its slot. */
  get isRestoring(): boolean {
    return this.books.some((book) => book.isRestoring);
  }

  /** As PipeHal's. The packet has been checked. */
  lookup(packet: LookupPacket, keyLengthOf: KeyLengthOf, ports: readonly PortDescription[]): LookupPath {
    return new PathFinder(this.program, this.books, keyLengthOf, ports).find(packet);
  }

  /** The device's places of counters. Throws HalError NOT_FOUND, which names the selector, when there is no such counter. */
  counterPlaces(selectors: readonly CounterSelector[]): Int32Array {
    const places = new Int32Array(2 * selectors.length);
    for (let i = 0; i < selectors.length; i++) {
      const selector = selectors[i]!;
      const book =
        'id' in selector
          ? this.books[pipeOfId(selector.id, this.books.length)]
          : this.books[this.numbers.get(selector.pipe) ?? -1];
      const place = book === undefined ? null : counterIn(book, selector);
      if (book === undefined || place === null) throw noCounter(selector);
      places[2 * i] = book.number;
      places[2 * i + 1] = place;
    }
    return places;
  }

  /** Puts an entry in. `position` in the batch names one without a label in errors. */
  add({ pipe: name, entry }: AddOperation, position: number, writer: EntryWriter): EntryId {
    const book = this.books[this.numbers.get(name) ?? -1];
    if (book === undefined) {
      const pipe = typeof name === 'string' ? name : describeValue(name);
      throw new HalError('NOT_FOUND', 'the program has no such pipe', { pipe, entry: position });
    }
    const { pipe, number } = book;
    if (pipe.type === 'basic') {
      throwFirst(checkBasicEntry(pipe, entry as BasicEntry, this.context, position));
      const slot = book.add(entry);
      writer.add(number, slot, entry as BasicEntry);
      return book.idOf(slot);
    }
    const problems: HalError[] = [];
    const copy = copyControlEntry(entry, problems, { pipe: pipe.name, entry: position });
    if (copy !== null) problems.push(...checkControlEntry(pipe, copy, this.context, position));
    throwFirst(problems);
    const slot = book.add(copy!);
    writer.addControl(number, slot, book.controlOf(slot));
    return book.idOf(slot);
  }

  /** Takes an entry out. Throws HalError, and has changed nothing then; so do the others. */
  remove(id: EntryId, writer: EntryWriter): Undo {
    const book = this.bookOf(id);
    const removed = book.remove(book.slotOf(id));
    writer.remove(book.number, removed.slot);
    return () => book.restore(removed);
  }

  /** Changes an entry. */
  update(operation: UpdateOperation, writer: EntryWriter): Undo {
    const { id, values, forward } = operation;
    const book = this.bookOf(id);
    const slot = book.slotOf(id);
    if (book.pipe.type === 'basic') {
      const actionIndex = book.actionIndexOf(slot);
      throwFirst(checkUpdate(book.pipe, actionIndex, operation, this.context, id));
      writer.update(book.number, slot, actionIndex, values, forward);
      return null;
    }
    const control = book.controlOf(slot);
    const problems: HalError[] = [];
    const report = reporter(problems, { pipe: book.pipe.name, entry: id });
    const given = {
      ...(values === undefined ? {} : { values: valuesShape(values, 'values', report) }),
      ...(forward === undefined ? {} : { forward: forwardShape(forward, 'forward', report) }),
    };
    throwFirst(problems);
    if (given.values !== undefined) {
      checkActionValues(control.actions ?? {}, given.values, this.context.keySlots, report);
    }
    if (given.forward !== undefined) checkForward(book.pipe, given.forward, 'forward', this.context, report);
    throwFirst(problems);
    const changed = { ...control, ...given };
    const undo = book.replaceControl(slot, changed);
    writer.updateControl(book.number, slot, changed);
    return undo;
  }

  /** The book of the pipe that `id` names. Throws HalError NOT_FOUND. */
  bookOf(id: EntryId): EntryBook {
    const book = this.books[pipeOfId(id, this.books.length)];
    if (book === undefined) {
      const entry = typeof id === 'number' ? id : describeValue(id);
      throw new HalError('NOT_FOUND', 'no such entry', { entry });
    }
    return book;
  }
}

/** Operations on their way through a device. */
export class OperationBatch implements EntryBatch<Undo> {
  readonly count: number;
  private readonly results: EntryResult[];

  constructor(
    private readonly books: ProgramBooks,
    private readonly operations: readonly EntryOperation[],
  ) {
    this.count = operations.length;
    this.results = new Array(operations.length);
  }

  submit(position: number, writer: EntryWriter): Undo {
    const { books, results } = this;
    const operation = this.operations[position]!;
    let undo: Undo = null;
    try {
      const kind = operation?.operation;
      if (kind === 'add') results[position] = { id: books.add(operation, position, writer) };
      else {
        if (kind === 'remove') undo = books.remove(operation.id, writer);
        else if (kind === 'update') undo = books.update(operation, writer);
        else throw noOperation(operation, position);
        results[position] = { id: operation.id };
      }
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      results[position] = { error };
    }
    return undo;
  }

  failed(position: number, undo: Undo, code: DocaErrorName, reason: string): void {
    const result = this.results[position]!;
    if ('error' in result) throw new Error(`operation ${position} has failed twice`);
    const book = this.books.bookOf(result.id);
    const { operation } = this.operations[position]!;
    if (operation === 'add') book.takeBack(result.id);
    else if (operation === 'update' || code !== 'NOT_FOUND') undo?.();
    const error = new HalError(code, reason, { pipe: book.pipe.name, entry: position });
    this.results[position] = { error };
  }

  unknown(position: number, undo: Undo): void {
    const { operation } = this.operations[position]!;
    const result = this.results[position]!;
    if (operation === 'remove') undo?.();
    else if (operation === 'add' && 'id' in result) this.books.bookOf(result.id).hasPerhapsAdded(result.id);
  }

  /** The device has answered, and told what failed. Gives what became of each operation. */
  end(): EntryResult[] {
    const { books, operations, results } = this;
    if (books.isRestoring) {
      for (let i = 0; i < operations.length; i++) {
        const result = results[i]!;
        if (operations[i]?.operation === 'add' && 'id' in result) books.bookOf(result.id).hasAdded(result.id);
      }
    }
    return results;
  }
}

function noOperation(operation: unknown, position: number): HalError {
  const kind = isObject(operation) ? (operation as { readonly operation?: unknown }).operation : operation;
  const reason = `expected an operation, "add", "update" or "remove", got ${describeValue(kind)}`;
  return new HalError('INVALID_VALUE', reason, { entry: position, field: 'operation' });
}

/** In the place of a slot; null: there is no such counter. */
function counterIn(book: EntryBook, selector: CounterSelector): number | null {
  if ('id' in selector || 'label' in selector) {
    const slot = book.countedSlot(selector);
    return slot < 0 ? null : slot;
  }
  if ('miss' in selector) return book.pipe.missCounter === true ? MISS_COUNTER : null;
  return book.hasTotal ? TOTAL_COUNTER : null;
}

function noCounter(selector: CounterSelector): HalError {
  const place: HalErrorPlace =
    'id' in selector
      ? { entry: selector.id }
      : 'label' in selector
        ? { pipe: selector.pipe, entry: selector.label }
        : { pipe: selector.pipe };
  const what = 'miss' in selector ? 'miss counter' : 'total' in selector ? 'counter of entries' : 'counter';
  return new HalError('NOT_FOUND', `there is no such ${what}; the program must ask for it`, place);
}

function throwFirst(problems: readonly HalError[]): void {
  if (problems.length > 0) throw problems[0]!;
}
