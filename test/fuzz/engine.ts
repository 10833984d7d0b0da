/**
 * Fuzzing in this process: inputs of a corpus are changed at random and given to a target, which throws when something
 * is not as it should be. Without guidance an execution depends on the checked-in corpus and its seed alone, so that the
 * seed repeats it. With guidance, inputs that reach code which none has reached before (V8's precise coverage)
 * join the corpus, so that what lies behind several conditions is reached one by one.
 */
import { type Random, seededRandom } from '../../src/base/random.js';
import { again } from '../support/again.js';
import { Coverage } from './coverage.js';
import { mutate } from './mutate.js';
import { watched } from './watchdog.js';

export interface FuzzTarget {
  readonly name: string;
  /** Right inputs, from the writers where there are any. */
  readonly seeds: readonly Uint8Array[];
  /** What the format is made of. */
  readonly dictionary: readonly Uint8Array[];
  readonly octetsMax: number;
  /** Runs that fit a short search; each takes from microseconds to milliseconds. */
  readonly executions: number;
  /** Throws unless all that must hold does. */
  run(input: Uint8Array): void | Promise<void>;
}

export interface Finding {
  /** Undefined where the corpus had grown. */
  readonly seed: number | undefined;
  /** Made small. */
  readonly input: Uint8Array;
  readonly error: Error;
}

export interface FuzzResult {
  readonly executions: number;
  /** Inputs that reached something new, in the order in which they were found. */
  readonly found: readonly Uint8Array[];
  /** Characters of the source that ran; 0 without guidance. */
  readonly covered: number;
  readonly finding?: Finding;
}

const SHRINK_RUNS_MAX = 400;
/** Executions between two looks at the coverage, which take much longer than an execution. */
const BATCH = 32;

async function errorOf(target: FuzzTarget, input: Uint8Array, seed?: number): Promise<Error | undefined> {
  try {
    await watched(
      () => howAgain(target, input, seed),
      () => target.run(input.slice()),
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The command that has an execution run again: by its seed, or by its input where the corpus had grown. */
export function howAgain({ name }: FuzzTarget, input: Uint8Array, seed: number | undefined): string {
  const which =
    seed === undefined ? { PSP_FUZZ_INPUT: Buffer.from(input).toString('base64') } : { PSP_FUZZ_SEED: seed };
  return again({ PSP_FUZZ_TARGET: name, ...which }, 'test/fuzz');
}

/** The input of a seed. */
export function inputOf(target: FuzzTarget, corpus: readonly Uint8Array[], seed: number): Uint8Array {
  return changed(target, corpus, seededRandom(seed));
}

function changed(target: FuzzTarget, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const base = corpus[random.uint32() % corpus.length] ?? new Uint8Array();
  return mutate(base, { random, corpus, dictionary: target.dictionary, octetsMax: target.octetsMax });
}

/** So many executions, from one seed on, each repeatable by its own. Ends at the first finding. */
export async function fuzz(
  target: FuzzTarget,
  corpus: readonly Uint8Array[],
  { firstSeed, executions }: { firstSeed: number; executions: number },
): Promise<FuzzResult> {
  for (const input of corpus) {
    const error = await errorOf(target, input);
    if (error !== undefined)
      return { executions: 0, found: [], covered: 0, finding: { seed: undefined, input, error } };
  }
  for (let i = 0; i < executions; i++) {
    const seed = (firstSeed + i) >>> 0;
    const input = inputOf(target, corpus, seed);
    const error = await errorOf(target, input, seed);
    if (error !== undefined) {
      const finding = { seed, ...(await shrunk(target, input, error)) };
      return { executions: i + 1, found: [], covered: 0, finding };
    }
  }
  return { executions, found: [], covered: 0 };
}

/**
 * The same, guided by the coverage of the scripts whose URL `covers`. Ends after so many executions, when `isOver` says
 * so, or at the first finding.
 */
export async function fuzzGuided(
  target: FuzzTarget,
  corpus: readonly Uint8Array[],
  options: {
    firstSeed: number;
    executions: number;
    covers: (url: string) => boolean;
    isOver?: () => boolean;
  },
): Promise<FuzzResult> {
  const random = seededRandom(options.firstSeed);
  const grown = [...corpus];
  const found: Uint8Array[] = [];
  const coverage = new Coverage(options.covers);
  let executions = 0;
  const give = async (inputs: readonly Uint8Array[]): Promise<Finding | undefined> => {
    for (const input of inputs) {
      executions++;
      const error = await errorOf(target, input);
      if (error !== undefined) return { seed: undefined, ...(await shrunk(target, input, error)) };
    }
    return undefined;
  };
  /** Keeps those that reach something new: looks at all together first, then at halves. */
  const explore = async (inputs: readonly Uint8Array[]): Promise<Finding | undefined> => {
    const finding = await give(inputs);
    if (finding !== undefined || !coverage.isNew()) return finding;
    if (inputs.length === 1) {
      coverage.keep();
      found.push(inputs[0]!);
      grown.push(inputs[0]!);
      return undefined;
    }
    const half = inputs.length >>> 1;
    return (await explore(inputs.slice(0, half))) ?? (await explore(inputs.slice(half)));
  };
  let finding = await give(corpus);
  coverage.isNew();
  coverage.keep();
  while (finding === undefined && executions < options.executions && options.isOver?.() !== true) {
    finding = await explore(Array.from({ length: BATCH }, () => changed(target, grown, random)));
  }
  return { executions, found, covered: coverage.size, ...(finding === undefined ? {} : { finding }) };
}

/** Leaves out what is not needed for an error of the same kind. */
async function shrunk(
  target: FuzzTarget,
  input: Uint8Array,
  error: Error,
): Promise<{ input: Uint8Array; error: Error }> {
  let small = { input, error };
  let runs = 0;
  for (let part = input.length >>> 1; part >= 1; part >>>= 1) {
    for (let at = 0; at < small.input.length && runs < SHRINK_RUNS_MAX; ) {
      runs++;
      const without = Uint8Array.from([...small.input.subarray(0, at), ...small.input.subarray(at + part)]);
      const still = await errorOf(target, without);
      if (still !== undefined && still.name === error.name) small = { input: without, error: still };
      else at += part;
    }
  }
  return small;
}
