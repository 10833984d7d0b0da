/** Runs large topologies in a process with a larger heap: Node takes the size of its heap from its own arguments only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** For more gateways than this, Node's defaults are too small, or slow. */
const GATEWAYS_WITHIN_DEFAULTS = 150;
/**
 * Sizes are in MiB. Enlarge the young generation, since a run allocates and drops a great many objects, and disable
 * pretenuring: otherwise V8 allocates short-lived objects in old space, because those that the start has made lived long,
 * and they keep alive what they point to.
 */
export const LARGE_RUN_NODE_OPTIONS = [
  '--max-semi-space-size=128',
  '--max-old-space-size=8192',
  '--no-allocation-site-pretenuring',
];

/** Runs the command in another process where it needs more memory. True: it has run, and the caller exits. */
export async function reexecWithLargerHeap(gateways: number): Promise<boolean> {
  const alreadyThere = process.execArgv.some((option) => option.startsWith('--max-old-space-size'));
  if (gateways <= GATEWAYS_WITHIN_DEFAULTS || alreadyThere) return false;
  const args = [...process.execArgv, ...LARGE_RUN_NODE_OPTIONS, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  process.exitCode = status ?? 128 + constants.signals[signal!];
  return true;
}
