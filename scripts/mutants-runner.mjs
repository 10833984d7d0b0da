// A runner for vitest that puts each test to every mutant that the test comes by and no other has noticed yet. The test is
// repeated with its hooks, in the process that it is in: a mutant costs what the test takes, and no start of a process.
import { setMaxListeners } from 'node:events';
import { TestRunner } from 'vitest';
import {
  addAtLoad,
  addCoverage,
  addDone,
  addKilled,
  COVER,
  MUTATE,
  MUTATED,
  readChoice,
  readDone,
  readEndless,
  readKilled,
  setActive,
} from './mutants-plan.mjs';

// A test that is repeated listens to its signal each time.
setMaxListeners(0);
/** What Stryker's switches look at. */
globalThis.__stryker__ ??= {};
const switches = globalThis.__stryker__;
/** Times as often as without the mutant: then it is a loop that does not end. */
const ROUNDS_MAX = 100;
/** Times as long as without the mutant: then it waits for what does not come. */
const TIMES_AS_LONG = 100;
/** But not below this, and not above what is known to be enough. */
const PATIENCE_MIN_MS = 2_000;
const PATIENCE_MAX_MS = 20_000;
const NONE = undefined;

const mode = process.env[MUTATED];
const choice = mode === MUTATE ? readChoice() : new Map();
const done = mode === MUTATE ? readDone() : new Set();

const wasGivenUp = ({ result }) => / timed out in \d+ms/.test(result.errors[0].message);

export default class MutantRunner extends TestRunner {
  /** For each repetition of the test that runs: the mutant that is active. */
  #schedule = [];
  #noticed = [];
  #startedAtMs = 0;

  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    if (mode === COVER && switches.mutantCoverage !== undefined) {
      addAtLoad(Object.keys(switches.mutantCoverage.static));
      switches.mutantCoverage.static = {};
    }
    test.retry = 0;
    if (mode === COVER) return;
    const gone = new Set([...readKilled(), ...readEndless()]);
    const { hits = {} } = (!done.has(test.id) && choice.get(test.id)) || {};
    const mutants = Object.keys(hits).filter((id) => !gone.has(id));
    if (mutants.length === 0) {
      test.mode = 'skip';
      return;
    }
    this.#noticed = [];
    // Without any at both ends: what fails at the end, fails because of what mutants have left behind.
    this.#schedule = [NONE, ...mutants, NONE];
    test.repeats = this.#schedule.length - 1;
  }

  onBeforeTryTask(test, tries) {
    super.onBeforeTryTask(test, tries);
    const mutant = this.#schedule[tries.repeats];
    // Of a try that was given up vitest would go on waiting for what that had expected to come, in all tries after it.
    test.promises = undefined;
    this.#startedAtMs = performance.now();
    switches.currentTestId = test.id;
    switches.activeMutant = mutant;
    if (mutant !== NONE) setActive(mutant);
    switches.hitCount = mutant === NONE ? undefined : 0;
    switches.hitLimit = ROUNDS_MAX * (choice.get(test.id)?.hits[mutant] ?? 1);
  }

  async runTask(test) {
    const { durationMs = Number.POSITIVE_INFINITY } = choice.get(test.id) ?? {};
    const patienceMs = Math.min(PATIENCE_MAX_MS, Math.max(PATIENCE_MIN_MS, TIMES_AS_LONG * durationMs));
    let timer;
    const givenUp = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Test timed out in ${patienceMs}ms`)), patienceMs);
    });
    try {
      await Promise.race([TestRunner.getTestFn(test)(), givenUp]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether the test has failed because of the mutant, and not because the machine was slow. */
  #hasNoticed(test) {
    const { durationMs } = choice.get(test.id);
    return !wasGivenUp(test) || performance.now() - this.#startedAtMs > TIMES_AS_LONG * durationMs;
  }

  onAfterRetryTask(test, tries) {
    const mutant = this.#schedule[tries.repeats];
    const failed = test.result.state === 'fail';
    switches.activeMutant = NONE;
    if (mutant !== NONE) setActive();
    switches.currentTestId = undefined;
    if (mode === COVER) {
      const hits = switches.mutantCoverage?.perTest[test.id];
      if (failed) process.stderr.write(`mutants: "${test.name}" fails without a mutant; it does not count\n`);
      if (hits !== undefined && !failed) {
        addCoverage(test.id, hits, test.file.filepath, performance.now() - this.#startedAtMs);
      }
      return;
    }
    if (mutant !== NONE) {
      if (failed && this.#hasNoticed(test)) this.#noticed.push(mutant);
    } else if (tries.repeats > 0) {
      if (!failed) addKilled(this.#noticed);
      else
        process.stderr.write(
          `mutants: "${test.name}" fails after its mutants are gone; it does not count: ${test.result.errors[0].message}\n`,
        );
      addDone(test.id);
    }
    test.result.state = 'run';
    test.result.errors = undefined;
  }
}
