// What scripts/mutants.mjs, scripts/mutants-vitest.mjs and scripts/mutants-runner.mjs tell each other, by files of one folder.
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Environment variable: what a run of the tests is for. */
export const MUTATED = 'PSP_MUTANTS';
/** Its values: to see which mutants each test comes by; to put each test to them. */
export const COVER = 'cover';
export const MUTATE = 'mutate';

export const OUT = join(ROOT, 'out/mutants');
const PLAN = join(OUT, 'plan.json');
const SOURCES = join(OUT, 'sources.json');
/** A line per test: its id, how often it comes by each mutant, its file and how long it takes. */
const COVERAGE = join(OUT, 'coverage');
/** Which of these mutants each test is put to. */
const CHOICE = join(OUT, 'choice.json');
/** A line per test that has been put to all of its mutants. */
const DONE = join(OUT, 'done');
/** A line per mutant that a test has noticed. */
const KILLED = join(OUT, 'killed');
const AT_LOAD = join(OUT, 'at-load');
/** A line per mutant under which a test never came to an end. */
const ENDLESS = join(OUT, 'endless');
/** A file per worker: the mutant that is active, since when the file was written; empty between them. */
const ACTIVE = 'active-';

/** Tests, and how many files of them at one time. */
export const readPlan = () => JSON.parse(readFileSync(PLAN, 'utf8'));

/** By path: sources with their mutants. */
export const mutatedSources = () => new Map(JSON.parse(readFileSync(SOURCES, 'utf8')));

export function writePlan(plan, sources) {
  writeFileSync(PLAN, JSON.stringify(plan));
  writeFileSync(SOURCES, JSON.stringify(sources));
  for (const path of [COVERAGE, DONE, KILLED, AT_LOAD, ENDLESS]) writeFileSync(path, '');
}

const lines = (path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);

export const addCoverage = (id, hits, file, durationMs) =>
  appendFileSync(COVERAGE, `${JSON.stringify({ id, hits, file, durationMs })}\n`);
export const readCoverage = () => lines(COVERAGE).map((line) => JSON.parse(line));

/** By test: `hits`, how often it comes by each of its mutants without them, and `durationMs`. */
export const writeChoice = (choice) => writeFileSync(CHOICE, JSON.stringify(choice));
export const readChoice = () => new Map(JSON.parse(readFileSync(CHOICE, 'utf8')));
export const addDone = (id) => appendFileSync(DONE, `${id}\n`);
export const readDone = () => new Set(lines(DONE));
export const addKilled = (ids) => appendFileSync(KILLED, ids.map((id) => `${id}\n`).join(''));
export const readKilled = () => new Set(lines(KILLED));
/** Mutants that are come by while modules are loaded, before any test. */
export const addAtLoad = (ids) => appendFileSync(AT_LOAD, ids.map((id) => `${id}\n`).join(''));
export const readAtLoad = () => new Set(lines(AT_LOAD));
export const addEndless = (ids) => appendFileSync(ENDLESS, ids.map((id) => `${id}\n`).join(''));
export const readEndless = () => new Set(lines(ENDLESS));

export const setActive = (id = '') => writeFileSync(join(OUT, `${ACTIVE}${process.env.VITEST_POOL_ID}`), id);
const activeFiles = () =>
  readdirSync(OUT)
    .filter((name) => name.startsWith(ACTIVE))
    .map((name) => join(OUT, name));
export function clearActive() {
  for (const path of activeFiles()) writeFileSync(path, '');
}
/** Mutants that have been active for so long. */
export const activeFor = (durationMs) =>
  activeFiles()
    .filter((path) => Date.now() - statSync(path).mtimeMs > durationMs)
    .map((path) => readFileSync(path, 'utf8'))
    .filter((id) => id !== '');

const imports = new Map();
/** The sources that a file of tests imports itself. */
export function importsOf(file) {
  let of = imports.get(file);
  if (of === undefined) {
    const paths = [...readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+)\.js'/g)];
    of = new Set(paths.map(([, path]) => `${resolve(dirname(file), path)}.ts`));
    imports.set(file, of);
  }
  return of;
}
