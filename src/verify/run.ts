/** Runs the questions: draws cases, makes those that fail smaller, and notes what the device says where it refuses. */
import { Choose } from '../base/choose.js';
import type { Clock } from '../base/clock.js';
import { fnv1aText } from '../base/fnv1a.js';
import { HalError, reasonOf } from '../hal/errors.js';
import { captureOf } from './capture.js';
import type { HalUnderTest } from './harness.js';
import { counterAge } from './measures/device.js';
import { type Measure, type Property, type Question, type Trial, Violation } from './property.js';
import type { Refusal, Result } from './report.js';
import { World } from './world.js';

/** A device whose counters may be late. */
export interface VerifiedDevice extends HalUnderTest {
  /** From now on whoever asks for counters waits until they are so old at most; absent: they are never late. */
  waitForCounters?(ageMs: number): void;
  /** From now on it is waited so many times longer until all frames have come; absent: it is known when they have. */
  waitLonger?(factor: number): void;
}

export interface VerifyOptions {
  readonly device: VerifiedDevice;
  readonly clock: Clock;
  readonly questions: readonly Question[];
  readonly seed: number;
  readonly isQuick: boolean;
  /** Of each property, instead of its own number. */
  readonly cases?: number;
  /** This one alone. */
  readonly onlyCase?: number;
  /** Where the work is. */
  readonly onProgress?: (progress: Progress) => void;
  /** As soon as there is one. */
  readonly onResult?: (result: Result) => void;
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly question: string;
  readonly done: number;
  readonly of: number;
  /** Of all work, 0 to 1. */
  readonly share: number;
}

/** What fails is run again with so much more time: it may have been slow, or have lost a packet once. */
const PATIENCE = 10;
/** To make a case smaller takes so many others at most, and so long. */
const SHRINK_RUNS_MAX = 60;
const SHRINK_MS_MAX = 120_000;
/** The smallest case is run so often, to tell what happens always from what happens now and then. */
const REPEATS = 3;
/** So many different refusals are told of a property. */
const REFUSALS_MAX = 5;
/** Counters are waited for so much longer than the age that was measured. */
const AGE_MARGIN = 2;

/** Never rejects for the device's sake: what that does is in the results. */
export async function verify(options: VerifyOptions): Promise<Result[]> {
  const { device, clock, questions, signal } = options;
  const world = new World(device, clock);
  const results: Result[] = [];
  const add = (result: Result) => {
    results.push(result);
    options.onResult?.(result);
  };
  add(await ageOfCounters(world, device));
  const counts = questions.map((one) => (one.kind === 'property' ? caseCount(one, options) : 1));
  const all = counts.reduce((sum, count) => sum + count, 0);
  let before = 0;
  for (const [i, question] of questions.entries()) {
    if (signal?.aborted) break;
    const of = counts[i]!;
    const tell = (done: number) =>
      options.onProgress?.({ question: question.name, done, of, share: (before + done) / all });
    const startMs = clock.nowMs();
    const outcome =
      question.kind === 'property'
        ? await tryProperty(question, world, options, tell)
        : await tryMeasure(question, world, options);
    const { name, group, title } = question;
    add({ name, group, title, seconds: secondsSince(clock, startMs), ...outcome });
    before += of;
  }
  return results;
}

function caseCount({ cases }: Property, options: VerifyOptions): number {
  if (options.onlyCase !== undefined) return 1;
  return options.cases ?? (options.isQuick ? cases.quick : cases.usual);
}

const secondsSince = (clock: Clock, startMs: number) => Math.round(clock.nowMs() - startMs) / 1000;

type Outcome = Result extends infer One
  ? One extends Result
    ? Omit<One, 'name' | 'group' | 'title' | 'seconds'>
    : never
  : never;

/** The draws of one case: each has its own, so that one alone can be run again. */
export function chooseOf(seed: number, name: string, index: number): Choose {
  return new Choose(fnv1aText(`${seed} ${name} ${index}`) >>> 0);
}

async function tryProperty(
  property: Property,
  world: World,
  options: VerifyOptions,
  tell: (done: number) => void,
): Promise<Outcome> {
  const count = caseCount(property, options);
  const refusals = new Map<string, Refusal>();
  let [passed, again] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (options.signal?.aborted) break;
    tell(i);
    const index = options.onlyCase ?? i;
    const trial = property.draw(chooseOf(options.seed, property.name, index));
    const end = await ending(trial, world);
    if (end.kind === 'passed') passed++;
    else if (end.kind === 'refused') {
      const before = refusals.get(end.words);
      if (before !== undefined || refusals.size < REFUSALS_MAX)
        refusals.set(end.words, {
          words: end.words,
          case: before?.case ?? trial.text,
          cases: (before?.cases ?? 0) + 1,
        });
    } else {
      options.device.waitLonger?.(PATIENCE);
      try {
        const later = options.device.waitLonger === undefined ? end : await ending(trial, world);
        if (later.kind === 'failed')
          return { state: 'failed', cases: i + 1, case: index, ...(await smallest(trial, later, world)) };
        again++;
      } finally {
        options.device.waitLonger?.(1);
      }
    }
  }
  const refused = [...refusals.values()];
  if (passed + again === 0 && refused.length > 0) return { state: 'not-possible', refused };
  return {
    state: 'passed',
    cases: passed + again,
    ...(again === 0 ? {} : { again }),
    ...(refused.length === 0 ? {} : { refused }),
  };
}

async function tryMeasure(measure: Measure, world: World, { seed }: VerifyOptions): Promise<Outcome> {
  world.forget();
  try {
    return { state: 'measured', rows: await measure.measure(world, chooseOf(seed, measure.name, 0)) };
  } catch (error) {
    return { state: 'not-possible', refused: [{ words: wordsOf(error), case: measure.title, cases: 1 }] };
  }
}

type Ending =
  | { readonly kind: 'passed' }
  | { readonly kind: 'refused'; readonly words: string }
  | { readonly kind: 'failed'; readonly reason: string };

async function ending(trial: Trial, world: World): Promise<Ending> {
  world.forget();
  try {
    await trial.run(world);
    return { kind: 'passed' };
  } catch (error) {
    if (error instanceof Violation) return { kind: 'failed', reason: error.message };
    if (error instanceof HalError) return { kind: 'refused', words: wordsOf(error) };
    return { kind: 'failed', reason: `verification itself has failed: ${reasonOf(error)}` };
  }
}

const wordsOf = (error: unknown) => reasonOf(error).replaceAll(/\s+/g, ' ').trim();

/** The smallest case found that fails as well. */
async function smallest(
  first: Trial,
  firstEnd: Extract<Ending, { kind: 'failed' }>,
  world: World,
): Promise<
  Pick<Extract<Result, { state: 'failed' }>, 'reason' | 'smallest' | 'repeats' | 'frames' | 'capture'>
> {
  let [trial, end] = [first, firstEnd];
  let recorded = world.recorded;
  let runs = 0;
  const endMs = world.clock.nowMs() + SHRINK_MS_MAX;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of trial.smaller()) {
      if (runs >= SHRINK_RUNS_MAX || world.clock.nowMs() > endMs) break;
      runs++;
      const itsEnd = await ending(candidate, world);
      if (itsEnd.kind !== 'failed') continue;
      [trial, end, recorded, isSmaller] = [candidate, itsEnd, world.recorded, true];
      break;
    }
  }
  let again = 0;
  for (let i = 0; i < REPEATS; i++) {
    const itsEnd = await ending(trial, world);
    if (itsEnd.kind !== 'failed') continue;
    again++;
    [end, recorded] = [itsEnd, world.recorded];
  }
  return {
    reason: end.reason,
    smallest: trial.text,
    repeats: `${again} of ${REPEATS}`,
    frames: recorded.length,
    capture: Buffer.from(captureOf(recorded)).toString('base64'),
  };
}

/** Asked first, since others wait for counters as long. */
async function ageOfCounters(world: World, device: VerifiedDevice): Promise<Result> {
  const common = {
    name: 'counter-age',
    group: 'measured',
    title: 'After how long a counter tells of a packet that was sent through the device',
  } as const;
  const { clock } = world;
  const startMs = clock.nowMs();
  device.waitForCounters?.(0);
  try {
    const ageMs = await counterAge(world);
    device.waitForCounters?.((ageMs ?? 0) * AGE_MARGIN);
    const value = ageMs === undefined ? 'never' : `${Math.ceil(ageMs)} ms, the way through it included`;
    return {
      ...common,
      state: 'measured',
      rows: [{ what: 'age', value, varies: true }],
      seconds: secondsSince(clock, startMs),
    };
  } catch (error) {
    const refused = [{ words: wordsOf(error), case: common.title, cases: 1 }];
    return { ...common, state: 'not-possible', refused, seconds: secondsSince(clock, startMs) };
  }
}
