/**
 * `npm run bench:search`: seeds per second of a search by shards, in one process and in as many as there are cores, as `topology fuzz
 * --seeds --part` runs them. In turns, several rounds of each; the best counts, since whatever else the machine does only takes time.
 * Processor time, starts included, says what a seed costs on a machine that does other things too.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = 'dist/cli/main.js';
/** Behind what the command prints, the processor time that it took. */
const TIMED = '"$0" "$@"; status=$?; times; exit $status';
const FILE = `name: searched
topology:
  full-mesh: {gateways: 4, static: false, flags: {inner: both}}
`;
const ROUNDS = 2;

interface Draw {
  readonly name: string;
  /** A hostile one takes some times as long. */
  readonly seeds: number;
  readonly flags: readonly string[];
}

const DRAWS: readonly Draw[] = [
  { name: 'honest', seeds: 30, flags: [] },
  { name: 'hostile', seeds: 10, flags: ['--hostile'] },
];

interface Round {
  readonly seconds: number;
  /** Of all processes, in user and in system mode. */
  readonly processorSeconds: number;
}

/** One part of the seeds in a process of its own; its processor time. */
function part(file: string, index: number, parts: number, { seeds, flags }: Draw): Promise<number> {
  const args = ['--seeds', `1..${seeds}`, '--part', `${index}/${parts}`, '--json', ...flags];
  return new Promise((resolve, reject) => {
    const command = [process.execPath, MAIN, 'topology', 'fuzz', file, ...args];
    const child = spawn('sh', ['-c', TIMED, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.on('close', (status) => {
      const [user, system] = [...out.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2).map(secondsOf);
      if (status === 0 && out.includes('"end":true')) resolve(user! + system!);
      else reject(new Error(`a shard ended with status ${status}`));
    });
  });
}

const secondsOf = ([, minutes, seconds]: RegExpMatchArray) => 60 * Number(minutes) + Number(seconds);

async function round(file: string, parts: number, draw: Draw): Promise<Round> {
  const startedMs = performance.now();
  const took = await Promise.all(Array.from({ length: parts }, (_, i) => part(file, i, parts, draw)));
  return {
    seconds: (performance.now() - startedMs) / 1000,
    processorSeconds: took.reduce((sum, one) => sum + one),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-search-'));
try {
  const file = join(folder, 'searched.yaml');
  writeFileSync(file, FILE);
  process.stdout.write(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores\n\n`);
  process.stdout.write(
    '| draw | processes | seeds | seconds | seeds/s | times one | seeds per second of a processor |\n',
  );
  process.stdout.write('|---|---|---|---|---|---|---|\n');
  for (const draw of DRAWS) {
    const counts = [...new Set([1, 2, cpus().length])];
    const best = new Map<number, Round>();
    for (let i = 0; i < ROUNDS; i++) {
      for (const count of counts) {
        const measured = await round(file, count, draw);
        const before = best.get(count);
        if (before === undefined || measured.seconds < before.seconds) best.set(count, measured);
      }
    }
    const one = best.get(1)!;
    for (const [count, { seconds, processorSeconds }] of best)
      process.stdout.write(
        `| ${draw.name} | ${count} | ${draw.seeds} | ${seconds.toFixed(1)} | ${(draw.seeds / seconds).toFixed(1)} | ${(one.seconds / seconds).toFixed(2)} | ${(draw.seeds / processorSeconds).toFixed(1)} |\n`,
      );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
