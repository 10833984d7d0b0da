/** How much of the code has run, from V8's precise coverage. */
import { type Profiler, Session } from 'node:inspector';

/**
 * Characters of a function's source that have run. Not its ranges: V8 joins a block with the one around it when both ran
 * equally often, so that the same block has different ranges in different runs.
 */
type Covered = Uint8Array;

let session: Session | undefined;

/**
 * V8 counts blocks of those functions only that it compiles from now on, which it does when they are first called: to
 * be done before they are. It goes on until the process ends.
 */
export function startCoverage(): void {
  if (session !== undefined) return;
  session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
}

export class Coverage {
  /** By URL and place of the function. */
  readonly #known = new Map<string, Covered>();
  #last: [name: string, covered: Covered][] = [];

  /** @param covers the scripts that count, by URL */
  constructor(private readonly covers: (url: string) => boolean) {
    startCoverage();
    // What ran before is nobody's here.
    this.isNew();
  }

  /** Whether something has run since the last call that is not known. */
  isNew(): boolean {
    let result: readonly Profiler.ScriptCoverage[] = [];
    // Answers before it returns.
    session!.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      result = taken.result;
    });
    this.#last = [];
    for (const { url, functions } of result) {
      if (!this.covers(url)) continue;
      for (const { ranges } of functions) {
        const { startOffset, endOffset, count } = ranges[0]!;
        if (count === 0) continue;
        const covered = new Uint8Array(endOffset - startOffset);
        // From the outside in.
        for (const range of ranges)
          covered.fill(
            range.count > 0 ? 1 : 0,
            range.startOffset - startOffset,
            range.endOffset - startOffset,
          );
        const name = `${url}:${startOffset}-${endOffset}`;
        const known = this.#known.get(name);
        if (known === undefined || covered.some((one, i) => one > known[i]!))
          this.#last.push([name, covered]);
      }
    }
    return this.#last.length > 0;
  }

  /** What ran before the last `isNew` is known from now on. */
  keep(): void {
    for (const [name, covered] of this.#last) {
      const known = this.#known.get(name);
      if (known === undefined) this.#known.set(name, covered);
      else for (const [i, one] of covered.entries()) known[i]! |= one;
    }
  }

  /** Characters of source. */
  get size(): number {
    return [...this.#known.values()].reduce(
      (sum, covered) => sum + covered.reduce((all, one) => all + one, 0),
      0,
    );
  }
}
