/** Carries out entry operations on a built program: checks them, then changes the tables. */
import { checkActionValues, checkForward, reporter } from '../hal/check-entry.js';
import { HalError } from '../hal/errors.js';
import type { EntryId, EntryOperation, EntryResult } from '../hal/hal.js';
import type { BasicEntry, ControlEntry, PipeProgram } from '../hal/program.js';
import { checkBasicEntry, checkControlEntry, checkUpdate, type EntryContext } from '../hal/validate.js';
import { BasicPipeTable } from './basic-pipe.js';
import type { ControlPipeTable } from './control-pipe.js';
import type { Pipeline } from './pipeline.js';

type UpdateOperation = Extract<EntryOperation, { operation: 'update' }>;

export class EntryInstaller {
  private readonly context: EntryContext;

  constructor(
    private readonly program: PipeProgram,
    private readonly pipeline: Pipeline,
    keySlots: number,
  ) {
    const mirrors = new Set(program.mirrors?.map((mirror) => mirror.name));
    this.context = {
      hasPipe: (name) => pipeline.pipeNumbers.has(name),
      hasMirror: (name) => mirrors.has(name),
      keySlots,
    };
  }

  /** `position` in the batch names the entry in errors. An operation that fails changes nothing. */
  apply(operation: EntryOperation, position: number): EntryResult {
    try {
      if (operation.operation === 'add') return { id: this.add(operation.pipe, operation.entry, position) };
      const { id } = operation;
      const table = this.pipeline.pipeOf(id);
      if (table === undefined) throw new HalError('NOT_FOUND', 'no such entry', { entry: id });
      if (operation.operation === 'remove') table.remove(id);
      else {
        throwFirst(this.updateProblems(table, operation));
        table.update(id, operation.values, operation.forward);
      }
      return { id };
    } catch (error) {
      if (error instanceof HalError) return { error };
      throw error;
    }
  }

  private add(name: string, entry: BasicEntry | ControlEntry, position: number): EntryId {
    const number = this.pipeline.pipeNumbers.get(name);
    if (number === undefined) {
      throw new HalError('NOT_FOUND', 'the program has no such pipe', { pipe: name, entry: position });
    }
    const pipe = this.program.pipes[number];
    throwFirst(
      pipe.type === 'basic'
        ? checkBasicEntry(pipe, entry as BasicEntry, this.context, position)
        : checkControlEntry(pipe, entry as ControlEntry, this.context, position),
    );
    return this.pipeline.pipes[number].add(entry as BasicEntry & ControlEntry);
  }

  private updateProblems(table: BasicPipeTable | ControlPipeTable, operation: UpdateOperation): HalError[] {
    const { id, values, forward } = operation;
    if (table instanceof BasicPipeTable) {
      return checkUpdate(table.pipe, table.actionIndexOf(id), operation, this.context, id);
    }
    const template = table.actionsOf(id);
    const problems: HalError[] = [];
    const report = reporter(problems, { pipe: table.name, entry: id });
    if (values !== undefined) checkActionValues(template, values, this.context.keySlots, report);
    if (forward !== undefined) checkForward(forward, this.context.hasPipe, report);
    return problems;
  }
}

function throwFirst(problems: readonly HalError[]): void {
  if (problems.length > 0) throw problems[0];
}
