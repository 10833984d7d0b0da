/** Random operations on the entries of a program: some of them must be refused. */

import type { Choose } from '../../base/choose.js';
import type { FieldName } from '../../hal/fields.js';
import type { EntryId, EntryOperation, EntryResult } from '../../hal/hal.js';
import type { BasicPipe, ControlEntry, ControlPipe, PipeProgram } from '../../hal/program.js';
import { KEY_SLOTS } from './random-actions.js';
import { entryForward, randomBasicEntry, randomControlEntry } from './random-entries.js';
import type { Traffic } from './traffic.js';

export interface LiveEntry {
  readonly id: EntryId;
  readonly pipe: string;
  /** -1 in a basic pipe. */
  readonly priority: number;
}

export interface OperationsOptions {
  /** Whether entries may look at random numbers. */
  readonly random: boolean;
  /** Whether an entry of a control pipe is updated that has its priority in common with another one. */
  readonly tiedUpdates: boolean;
}

export class RandomOperations {
  /** Entries that were added, and not removed. */
  live: LiveEntry[] = [];
  private removed: EntryId[] = [];
  /** Control pipes' entries that the batch in the making adds. */
  private adding: { readonly pipe: string; readonly priority: number }[] = [];
  private labels = 0;

  constructor(
    private readonly choose: Choose,
    private readonly program: PipeProgram,
    private readonly traffic: Traffic,
    private readonly options: OperationsOptions,
  ) {}

  /** A batch; `done` wants to hear of it before the next one. */
  batch(): EntryOperation[] {
    this.adding = [];
    return this.choose.times(this.choose.between(1, 6), () => this.operation());
  }

  done(operations: readonly EntryOperation[], results: readonly EntryResult[]): void {
    for (const [i, operation] of operations.entries()) {
      const result = results[i]!;
      if ('error' in result) continue;
      if (operation.operation === 'add') {
        const priority = 'priority' in operation.entry ? operation.entry.priority : -1;
        this.live.push({ id: result.id, pipe: operation.pipe, priority });
      } else if (operation.operation === 'remove') {
        this.live = this.live.filter(({ id }) => id !== operation.id);
        this.removed.push(operation.id);
      }
    }
  }

  controlEntry(pipe: ControlPipe, label: string | undefined): ControlEntry {
    return until(
      () => randomControlEntry(this.choose, this.program, pipe, this.traffic.aim(this.choose), label),
      (entry) => {
        const { decap, encap, decrypt, encrypt } = entry.actions ?? {};
        if (decap !== undefined && encap !== undefined) return false;
        if (decrypt === true && encrypt !== undefined) return false;
        return this.options.random || !looksAtRandom(entry);
      },
    );
  }

  private operation(): EntryOperation {
    const { choose, program } = this;
    const kind = choose.below(8);
    if (kind === 0 && this.live.length > 0) return { operation: 'remove', id: choose.pick(this.live).id };
    if (kind === 1 && this.removed.length > 0) {
      const id = choose.pick(this.removed);
      return choose.once(2) ? { operation: 'remove', id } : { operation: 'update', id };
    }
    if (kind < 4 && this.live.length > 0) {
      const update = this.update(choose.pick(this.live));
      if (update !== undefined) return update;
    }
    const pipe = choose.pick(program.pipes);
    const label = choose.once(4) ? `d${choose.once(4) ? 0 : this.labels++}` : undefined;
    const name = choose.once(40) ? 'NOWHERE' : pipe.name;
    if (pipe.type === 'control') {
      const entry = this.controlEntry(pipe, label);
      this.adding.push({ pipe: pipe.name, priority: entry.priority });
      return { operation: 'add', pipe: name, entry: damagedEntry(choose, entry) };
    }
    return {
      operation: 'add',
      pipe: name,
      entry: damagedEntry(choose, randomBasicEntry(choose, program, pipe, this.traffic.aim(choose), label)),
    };
  }

  private update({ id, pipe: name, priority }: LiveEntry): EntryOperation | undefined {
    const { choose, program } = this;
    const pipe = program.pipes.find((one) => one.name === name)!;
    if (pipe.type === 'control') {
      // Static entries' priorities count as well.
      const tied =
        [...this.live, ...this.adding].filter((one) => one.pipe === name && one.priority === priority)
          .length > 1 || pipe.entries?.some((entry) => entry.priority === priority) === true;
      if ((tied && !this.options.tiedUpdates) || priority < 0) return undefined;
      return { operation: 'update', id, forward: entryForward(choose, program, pipe) };
    }
    // Which action template it has is not known here; where values differ, both must refuse alike.
    const { values } = randomBasicEntry(choose, program, pipe as BasicPipe, this.traffic.aim(choose));
    return {
      operation: 'update',
      id,
      ...(values === undefined || choose.once(4) ? {} : { values }),
      ...(pipe.forward === 'entry' && choose.once(2) ? { forward: entryForward(choose, program, pipe) } : {}),
    };
  }
}

function until<Made>(make: () => Made, fits: (made: Made) => boolean): Made {
  for (;;) {
    const made = make();
    if (fits(made)) return made;
  }
}

const RANDOM: FieldName = 'parser_meta.random';

function looksAtRandom({ match, condition }: Partial<Pick<ControlEntry, 'match' | 'condition'>>): boolean {
  return (match !== undefined && RANDOM in match) || condition?.field === RANDOM;
}

export function drawsNumbers({ pipes }: PipeProgram): boolean {
  return pipes.some((pipe) =>
    pipe.type === 'control'
      ? pipe.entries?.some(looksAtRandom) === true
      : looksAtRandom({ match: pipe.match }),
  );
}

/** Now and then an entry that must be refused. */
function damagedEntry<Entry extends object>(choose: Choose, entry: Entry): Entry {
  if (!choose.once(12)) return entry;
  return choose.pick([
    { ...entry, match: { ...('match' in entry ? (entry.match as object) : {}), 'outer.ip4.src_ip': -1 } },
    { ...entry, forward: { to: 'pipe', pipe: 'GONE' } },
    { ...entry, values: { cryptoId: KEY_SLOTS + 1 } },
    { ...entry, actionIndex: 9, priority: 9 },
  ]) as Entry;
}
