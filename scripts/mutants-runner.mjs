// A runner for vitest that puts each test to every mutant that the test comes by and no other has noticed yet. The test is
// repeated with its hooks, in the process that it is in: a mutant costs what the test takes, and no start of a process.
import { setMaxListeners } from 'node:events';
import { TestRunner } from 'vitest';
import {
  addAtLoad,
  addCoverage,
  addKilled,
  COVER,
  MUTATE,
  MUTATED,
  readCoverage,
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
const NONE = undefined;

const mode = process.env[MUTATED];
const coverage = mode === MUTATE ? readCoverage() : new Map();

/** It may be the mutant, and it may be the machine: it counts for nothing. */
const tookTooLong = ({ result }) => result.errors.some(({ message }) => / timed out in \d+ms/.test(message));

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
    const done = new Set([...readKilled(), ...readEndless()]);
    const mutants = Object.keys(coverage.get(test.id) ?? {}).filter((id) => !done.has(id));
    this.#noticed = [];
    // Without any at both ends: what fails at the end, fails because of what mutants have left behind.
    this.#schedule = mutants.length === 0 ? [NONE] : [NONE, ...mutants, NONE];
    test.repeats = this.#schedule.length - 1;
    test.retry = 0;
  }

  onBeforeTryTask(test, tries) {
    super.onBeforeTryTask(test, tries);
    const mutant = this.#schedule[tries.repeats];
    this.#startedAtMs = performance.now();
    switches.currentTestId = test.id;
    switches.activeMutant = mutant;
    if (mutant !== NONE) setActive(mutant);
    switches.hitCount = mutant === NONE ? undefined : 0;
    switches.hitLimit = ROUNDS_MAX * (coverage.get(test.id)?.[mutant] ?? 1);
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
      if (failed && !tookTooLong(test)) this.#noticed.push(mutant);
    } else if (tries.repeats > 0) {
      if (!failed) addKilled(this.#noticed);
      else
        process.stderr.write(`mutants: "${test.name}" fails after its mutants are gone; it does not count\n`);
    }
    test.result.state = 'run';
    test.result.errors = undefined;
  }
}
