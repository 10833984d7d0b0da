/** Large topologies in a process with room for them: Node takes the size of its heap from its own arguments only. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** Above it Node's defaults are too small, or slow. */
const GATEWAYS_WITHIN_DEFAULTS = 150;
/**
 * MiB. Young objects get room because a run makes and drops a great many. Nor are objects born old because those before
 * them lived long, as all that a start makes does: such ones keep alive what they point to.
 */
export const LARGE_RUN_NODE_OPTIONS = [
  '--max-semi-space-size=128',
  '--max-old-space-size=8192',
  '--no-allocation-site-pretenuring',
];

/** Whether the command has run, in another process, and there is nothing left to do but to exit. */
export async function ranWithRoom(gateways: number): Promise<boolean> {
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
