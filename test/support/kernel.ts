/** Tests that need the kernel's network: root, programs, and the native ports. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { describeNeeding, inPath } from './needs.js';
import { PORTS_ADDON } from './root.js';

const RUN = randomBytes(3).toString('hex');

/**
 * The name of an interface or of a namespace that nothing else on the machine has: another run's interfaces may stand
 * beside this one's, and an earlier run that was killed leaves its own behind. `suffix`: at most 3 characters, so that
 * it and a bridge's "-br" fit into the kernel's 15.
 */
export function nameOfThisRun(suffix: string): string {
  return `psp${RUN}${suffix}`;
}

export function describeOnKernel(name: string, programs: readonly string[], body: () => void): void {
  describeNeeding(name, missingOnThisMachine(programs), body);
}

function missingOnThisMachine(programs: readonly string[]): string[] {
  const missing = programs.filter((program) => !inPath(program));
  if (process.getuid?.() !== 0) missing.push('root');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  if (!existsSync(PORTS_ADDON)) missing.push('the native ports (npm run build:native)');
  if (missing.length === 0 && !namespacesWork()) missing.push('leave to make network namespaces');
  return missing;
}

/** Root in a container may not be allowed to. */
function namespacesWork(): boolean {
  const name = nameOfThisRun('try');
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
