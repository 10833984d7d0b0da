// Mutation tests (docs/testing.md): changes the sources in one place at a time, and looks whether a test fails. Not a part
// of `npm test`: it takes minutes per folder. Arguments:
//
//   FOLDER|FILE ...     of src/psp, src/hal, src/hal-sim, src/gateway; all four when absent
//   --tests GLOB        the tests that have to notice, instead of those of TESTS below; again for more
//   --concurrency N     so many at a time; 1 when absent
//   --seconds N         so long are the tests, all together, that meet a mutant without importing its source; 2 when absent
//   --write             the scores into docs/testing.md
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  activeFor,
  addEndless,
  COVER,
  clearActive,
  importsOf,
  MUTATE,
  MUTATED,
  OUT,
  ROOT,
  readAtLoad,
  readCoverage,
  readKilled,
  writeChoice,
  writePlan,
} from './mutants-plan.mjs';
import { setUp } from './setup.mjs';

const DOC = join(ROOT, 'docs/testing.md');
const [BEGIN, END] = ['<!-- scores: npm run mutants -- --write -->', '<!-- end of scores -->'];
/** Tests that need no native build, no other process and no namespaces. */
const TESTS = {
  'src/psp': ['test/unit/psp/*.test.ts', 'test/unit/hal-sim/{crypto,tunnel}.test.ts'],
  'src/hal': ['test/unit/hal/*.test.ts', 'test/unit/hal-sim/*.test.ts'],
  'src/hal-sim': [
    'test/unit/hal-sim/*.test.ts',
    'test/unit/hal/*.test.ts',
    'test/unit/hal-sim/ports/ports.test.ts',
    'test/property/link.test.ts',
    'test/conformance/{fields,hal}-sim.test.ts',
  ],
  'src/gateway': [
    'test/unit/gateway/**/*.test.ts',
    'test/property/rpc-messages.test.ts',
    'test/conformance/*-sim.test.ts',
  ],
};
const GENERATED = 'src/gateway/generated';
const CONFIG = join(ROOT, 'scripts/mutants-vitest.mjs');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
/** Longer than any test takes before it is given up. */
const ENDLESS_MS = 45_000;
const NICE = 10;
/** The process of the tests, which ends with this one. */
let running;

function fail(message) {
  process.stderr.write(`mutants: ${message}\n`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        tests: { type: 'string', multiple: true },
        concurrency: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '2' },
        write: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

/** Whether a path is a folder of sources or in it. */
const isIn = (path, folder) => path === folder || path.startsWith(`${folder}/`);

/** The sources to change, and the folder of TESTS that they are in. */
function targetOf(argument) {
  const path = pathOf(argument);
  const folder = Object.keys(TESTS).find((one) => isIn(path, one));
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (folder === undefined || stats === undefined) {
    fail(`${argument}: expected a folder or a file of ${Object.keys(TESTS).join(', ')}`);
  }
  const files = stats.isDirectory()
    ? readdirSync(join(ROOT, path), { recursive: true }).map((name) => `${path}/${name}`)
    : [path];
  const sources = files.filter((file) => file.endsWith('.ts') && !isIn(file, GENERATED)).sort();
  return { folder, sources };
}

const pathOf = (path) => relative(ROOT, resolve(ROOT, path)).replaceAll('\\', '/');

const isText = ({ type, value, quasis }) =>
  type === 'StringLiteral'
    ? value.includes(' ')
    : type === 'TemplateLiteral' && quasis.some((part) => part.value.raw.includes(' '));

/** An error that is made, or a call of a logger. */
function tellsPeople({ type, callee }) {
  if (type === 'NewExpression') return callee.type === 'Identifier' && callee.name.endsWith('Error');
  if (type !== 'CallExpression') return false;
  if (callee.type === 'Super') return true;
  return callee.type === 'MemberExpression' && callee.property.name === 'log';
}

const isErrorName = ({ type, key, value }) =>
  type === 'ClassProperty' && key.name === 'name' && value?.type === 'StringLiteral';

/**
 * What is left as it is: the words of errors and of the log, and the names of error classes. Codes have no space in them, and are
 * changed.
 */
const TEXTS = {
  shouldIgnore: (path) => {
    const isWords = isText(path.node) && path.findParent(({ node }) => tellsPeople(node)) !== null;
    return isWords || isErrorName(path.node) ? 'a text' : undefined;
  },
};

/** All mutants of some sources, by Stryker, and the sources with switches for them. */
async function mutantsOf(sources) {
  const { Instrumenter } = await import('@stryker-mutator/instrumenter');
  const quiet = { isDebugEnabled: () => false, debug: () => {}, info: () => {}, warn: () => {} };
  const files = sources.map((source) => {
    const name = join(ROOT, source);
    return { name, mutate: true, content: readFileSync(name, 'utf8') };
  });
  const options = { plugins: null, excludedMutations: [], ignorers: [TEXTS] };
  const { files: mutated, mutants } = await new Instrumenter(quiet).instrument(files, options);
  return { mutants, mutated: mutated.map(({ name, content }) => [name, content]) };
}

/**
 * Runs the tests, in a process of their own; what they find is in the files of the plan. False: a mutant has made one of them go
 * on for ever; it is noted, and the tests have to be run again.
 */
function runTests(mode) {
  clearActive();
  const child = spawn(process.execPath, [VITEST, 'run', '--config', CONFIG], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, [MUTATED]: mode },
  });
  running = child;
  return new Promise((resolve, reject) => {
    let endless = [];
    const watch = setInterval(() => {
      endless = activeFor(ENDLESS_MS);
      if (endless.length > 0) child.kill('SIGKILL');
    }, 1000);
    child.once('error', reject);
    child.once('close', () => {
      clearInterval(watch);
      addEndless(endless);
      resolve(endless.length === 0);
    });
  });
}

/**
 * For each mutant the tests that come by it: all of files that import its source, and of the others the quick ones, as many as
 * take `budgetMs` together, and one at least.
 */
function choiceOf(coverage, mutants, budgetMs) {
  const sourceOf = new Map(mutants.map(({ id, fileName }) => [id, fileName]));
  const spentMs = new Map();
  const choice = new Map();
  for (const { id, file, hits, durationMs } of coverage.toSorted((a, b) => a.durationMs - b.durationMs)) {
    const isChosen = ([mutant]) => {
      if (importsOf(file).has(sourceOf.get(mutant))) return true;
      const before = spentMs.get(mutant);
      if (before !== undefined && before + durationMs > budgetMs) return false;
      spentMs.set(mutant, (before ?? 0) + durationMs);
      return true;
    };
    choice.set(id, { hits: Object.fromEntries(Object.entries(hits).filter(isChosen)), durationMs });
  }
  return choice;
}

/** What became of each mutant. */
async function run({ folder, sources }, { tests = TESTS[folder], concurrency, seconds }) {
  const { mutants, mutated } = await mutantsOf(sources);
  writePlan({ tests, concurrency: Number(concurrency) }, mutated);
  await runTests(COVER);
  const coverage = readCoverage();
  if (coverage.length === 0) fail(`--tests: no test runs in files that match ${tests.join(' or ')}`);
  writeChoice([...choiceOf(coverage, mutants, 1000 * Number(seconds))]);
  while (!(await runTests(MUTATE)));
  const [seen, killed, atLoad] = [
    new Set(coverage.flatMap(({ hits }) => Object.keys(hits))),
    readKilled(),
    readAtLoad(),
  ];
  return mutants.map((mutant) => ({ ...mutant, fate: fateOf(mutant, seen, killed, atLoad) }));
}

function fateOf({ id, status }, seen, killed, atLoad) {
  if (status === 'Ignored') return 'ignored';
  if (killed.has(id)) return 'killed';
  if (seen.has(id)) return 'survived';
  return atLoad.has(id) ? 'ignored' : 'unseen';
}

/** By file: what became of its mutants. */
function scoresOf(results) {
  const scores = new Map();
  for (const { fileName, fate } of results) {
    const file = pathOf(fileName);
    const score = scores.get(file) ?? { mutants: 0, killed: 0, survived: 0, unseen: 0 };
    scores.set(file, score);
    if (fate === 'ignored') continue;
    score[fate]++;
    score.mutants++;
  }
  return scores;
}

/** Every mutant that no test has noticed, with its place. */
function printMissed(results) {
  for (const { fileName, location, mutatorName, replacement, fate } of results) {
    if (fate !== 'survived' && fate !== 'unseen') continue;
    const { line, column } = location.start;
    const text = replacement.replace(/\s+/g, ' ').slice(0, 80);
    const why = fate === 'unseen' ? ' (no test comes here)' : '';
    process.stdout.write(`${pathOf(fileName)}:${line + 1}:${column + 1}  ${mutatorName} -> ${text}${why}\n`);
  }
}

const percent = ({ killed, mutants }) => (mutants === 0 ? '-' : `${((100 * killed) / mutants).toFixed(1)} %`);
const cells = (values) => `| ${values.join(' | ')} |`;
const HEADER = ['file', 'mutants', 'killed', 'survived', 'no test', 'score', 'measured'];

function tableOf(rows) {
  const sum = (of, key) => of.reduce((total, row) => total + row[key], 0);
  const folders = Object.keys(TESTS).flatMap((folder) => {
    const of = rows.filter(({ file }) => isIn(file, folder));
    if (of.length === 0) return [];
    const total = Object.fromEntries(
      ['mutants', 'killed', 'survived', 'unseen'].map((key) => [key, sum(of, key)]),
    );
    const files = `${of.length} ${of.length === 1 ? 'file' : 'files'}`;
    return [{ file: `**${folder}**, ${files}`, ...total, measured: '' }];
  });
  return [
    cells(HEADER),
    cells(HEADER.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...[...folders, ...rows].map((row) =>
      cells([row.file, row.mutants, row.killed, row.survived, row.unseen, percent(row), row.measured]),
    ),
  ].join('\n');
}

/** The rows of the table that is there, so that files can be measured one by one. */
function rowsOf(table) {
  return [...table.matchAll(/^\| (src\S+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [^|]+ \| (\S+) \|$/gm)].map(
    ([, file, mutants, killed, survived, unseen, measured]) => ({
      file,
      mutants: Number(mutants),
      killed: Number(killed),
      survived: Number(survived),
      unseen: Number(unseen),
      measured,
    }),
  );
}

function writeScores(measured) {
  const doc = readFileSync(DOC, 'utf8');
  const [start, end] = [doc.indexOf(BEGIN), doc.indexOf(END)];
  if (start < 0 || end < start) fail(`docs/testing.md: no ${BEGIN} ... ${END}`);
  const isThere = (file) => statSync(join(ROOT, file), { throwIfNoEntry: false }) !== undefined;
  const others = rowsOf(doc.slice(start, end)).filter(
    ({ file }) => isThere(file) && measured.every((row) => row.file !== file),
  );
  const rows = [...others, ...measured].sort((a, b) => (a.file < b.file ? -1 : 1));
  writeFileSync(DOC, `${doc.slice(0, start + BEGIN.length)}\n\n${tableOf(rows)}\n\n${doc.slice(end)}`);
}

const { values, positionals } = readArguments();
for (const flag of ['concurrency', 'seconds']) {
  if (!/^[1-9]\d*$/.test(values[flag])) fail(`--${flag}: expected a number from 1 on`);
}
const targets = (positionals.length === 0 ? Object.keys(TESTS) : positionals).map(targetOf);
/** One run for each folder. */
const runs = Object.keys(TESTS).flatMap((folder) => {
  const sources = targets.filter((target) => target.folder === folder).flatMap((target) => target.sources);
  return sources.length === 0 ? [] : [{ folder, sources: [...new Set(sources)] }];
});
setUp({ build: false });
setPriority(Math.max(NICE, getPriority()));
process.chdir(ROOT);
mkdirSync(OUT, { recursive: true });
process.on('exit', () => running?.kill('SIGKILL'));
process.on('exit', () => rmSync(OUT, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const measured = [];
const today = new Date().toISOString().slice(0, 10);
for (const one of runs) {
  const results = await run(one, values);
  printMissed(results);
  for (const [file, score] of scoresOf(results)) measured.push({ file, ...score, measured: today });
  if (values.write) writeScores(measured);
}
process.stdout.write(`${tableOf(measured)}\n`);
