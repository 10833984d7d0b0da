/**
 * Seed by seed, which of the defects on purpose (src/topology/fuzz/sabotage.ts) the search finds: the table of
 * docs/search.md. A seed that fails in the same way without the defect does not count.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { progressLine } from '../src/cli/output.js';
import { drawScenario } from '../src/topology/fuzz/draw.js';
import { type FailureKind, failuresOf } from '../src/topology/fuzz/fuzz.js';
import { type Defect, SABOTAGES } from '../src/topology/fuzz/sabotage.js';
import { runVirtually } from '../src/topology/virtual-run.js';
import { SEARCHED, SEARCHES, type Search, searchedNetwork } from '../test/support/searches.js';

const RECOVER_MS = 30_000;
const DOC = 'docs/search.md';
const BEGIN = '<!-- searches: npm run sabotage -- --write -->\n';
const END = '<!-- end of searches -->\n';

async function kindsOf(search: Search, seed: number, sabotage?: Defect): Promise<Set<FailureKind>> {
  const { topology } = drawScenario(searchedNetwork(search.network), seed, RECOVER_MS, search.hostile);
  const { report } = await runVirtually(topology, sabotage === undefined ? {} : { sabotage });
  return failuresOf(topology, report);
}

const line = progressLine(process.stderr);
const sound = new Map<string, Promise<Set<FailureKind>>>();

function kindsWithout(search: Search, seed: number): Promise<Set<FailureKind>> {
  const key = `${search.network} ${search.hostile} ${seed}`;
  let kinds = sound.get(key);
  if (kinds === undefined) {
    kinds = kindsOf(search, seed);
    sound.set(key, kinds);
  }
  return kinds;
}

/** One row: the defect, where it was searched, and the seeds that found it. */
async function rowOf(search: Search, runs: number): Promise<string> {
  const { sabotage: name, network, hostile } = search;
  const defect = SABOTAGES[name]!;
  const found: number[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    line.update(`${name}: seed ${seed}, found by ${found.length}`);
    if (!(await kindsOf(search, seed, defect)).has(defect.foundAs)) continue;
    if (!(await kindsWithout(search, seed)).has(defect.foundAs)) found.push(seed);
  }
  line.clear();
  const cells = [
    defect.point ?? '',
    `\`${name}\`: ${defect.text}`,
    `${network}, ${hostile ? 'hostile' : 'honest'}`,
    `${found.length} of ${runs}${found.length === runs ? '' : `: ${found.join(', ')}`}`,
    `\`${defect.foundAs}\``,
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '30' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = SEARCHES.filter(({ sabotage }) => positionals.length === 0 || positionals.includes(sabotage));
let table = `${Object.entries(SEARCHED)
  .map(([name, text]) => `    ${name.padEnd(10)} ${text}\n`)
  .join('')}\n| point | defect | network, draw | found by the seeds | as |\n|---|---|---|---|---|\n`;
const byPoint = chosen.toSorted(
  (a, b) => (SABOTAGES[a.sabotage]!.point ?? 0) - (SABOTAGES[b.sabotage]!.point ?? 0),
);
for (const search of byPoint) table += await rowOf(search, Number(values.runs));
process.stdout.write(table);
if (values.write) {
  const doc = readFileSync(DOC, 'utf8');
  const [begin, end] = [doc.indexOf(BEGIN), doc.indexOf(END)];
  writeFileSync(DOC, `${doc.slice(0, begin + BEGIN.length)}\n${table}\n${doc.slice(end)}`);
}
