/**
 * Tests that need the kernel's network: root, programs, and the native ports. Where one is missing they are skipped,
 * and the name of the skipped test says why; under CI=true they fail instead.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';
import { PORTS_ADDON } from './root.js';

export function describeOnKernel(name: string, programs: readonly string[], body: () => void): void {
  const missing = missingOnThisMachine(programs);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const why = `needs ${missing.join(', ')}`;
  if (process.env.CI === 'true') {
    describe(name, () => {
      test('can be run on this machine', () => {
        throw new Error(why);
      });
    });
  } else {
    process.stderr.write(`SKIPPED: ${name}: ${why}\n`);
    describe.skip(`${name} (${why})`, body);
  }
}

function missingOnThisMachine(programs: readonly string[]): string[] {
  const missing = programs.filter((program) => !inPath(program));
  if (process.getuid?.() !== 0) missing.push('root');
  if (!existsSync('/dev/net/tun')) missing.push('/dev/net/tun');
  if (!existsSync(PORTS_ADDON)) missing.push('the native ports (npm run build:native)');
  if (missing.length === 0 && !namespacesWork()) missing.push('leave to make network namespaces');
  return missing;
}

function inPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Root in a container may not be allowed to. */
function namespacesWork(): boolean {
  const name = `pspgw-${process.pid}-try`;
  try {
    execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
