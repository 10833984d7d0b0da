/**
 * `npm run bench:topology`: full meshes of static tunnels on the simulator, each in a process of its own: time and
 * memory from reading the file until all tunnels are up. And a leaf-spine on demand under a lossy OOB network.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LARGE_RUN_NODE_OPTIONS } from '../src/cli/large-heap.js';
import { readTopology } from '../src/topology/file/read.js';
import { runVirtually } from '../src/topology/virtual-run.js';

const MESHES = [10, 100, 300, 1000];
/** Target for the largest mesh. */
const TARGET_SECONDS = 90;
const TARGET_GIBIBYTES = 6;

const meshFile = (gateways: number) => `name: mesh-${gateways}
topology:
  full-mesh: ${gateways}
`;
const LEAF_SPINE = 'examples/leaf-spine-200.yaml';

interface Measured {
  readonly ok: boolean;
  readonly tunnels: number;
  readonly seconds: number;
  readonly virtualSeconds: number;
  readonly maxRssGibibytes: number;
}

async function measure(text: string): Promise<Measured> {
  const startedMs = performance.now();
  const { report } = await runVirtually(readTopology('bench.yaml', () => text));
  return {
    ok: report.ok,
    tunnels: report.tunnels,
    seconds: (performance.now() - startedMs) / 1000,
    virtualSeconds: report.durationMs / 1000,
    maxRssGibibytes: process.resourceUsage().maxRSS / 1024 / 1024,
  };
}

function inProcess(text: string): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['measure', text], {
      execArgv: LARGE_RUN_NODE_OPTIONS,
    });
    child.on('message', (message) => resolve(message as Measured));
    child.on('exit', (status) => reject(new Error(`the measuring process ended with status ${status}`)));
  });
}

async function main(): Promise<void> {
  const [what, text] = process.argv.slice(2);
  if (what === 'measure') {
    process.send!(await measure(text!));
    process.disconnect();
    return;
  }
  const sizes = what === undefined ? MESHES : [Number(what)];
  process.stdout.write('| topology | tunnels | seconds | of the run | us per tunnel | GiB at most | |\n');
  process.stdout.write('|---|---|---|---|---|---|---|\n');
  for (const size of sizes) row(`full mesh of ${size}`, await inProcess(meshFile(size)));
  if (what === undefined)
    row('leaf-spine of 200 on demand, 1 % OOB loss', await inProcess(readFileSync(LEAF_SPINE, 'utf8')));
  process.stdout.write(
    `\nTargets for a full mesh of 1,000: at most ${TARGET_SECONDS} s and ${TARGET_GIBIBYTES} GiB.\n`,
  );
}

function row(name: string, { ok, tunnels, seconds, virtualSeconds, maxRssGibibytes }: Measured): void {
  const perTunnel = ((seconds * 1e6) / Math.max(1, tunnels)).toFixed(0);
  process.stdout.write(
    `| ${name} | ${tunnels} | ${seconds.toFixed(1)} | ${virtualSeconds.toFixed(1)} | ${perTunnel} | ${maxRssGibibytes.toFixed(2)} | ${ok ? 'ok' : 'FAILED'} |\n`,
  );
}

await main();
