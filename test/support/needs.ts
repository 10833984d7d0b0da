/**
 * Tests that need what not every machine has. Where it is missing they are skipped, loudly, and the name of the skipped
 * test says why; under CI=true they fail instead.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/** `describe`, if nothing is missing. */
export function describeNeeding(name: string, missing: readonly string[], body: () => void): void {
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

export function inPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Tests over what `npm run build:native -- --tests` makes; its `built` says whether it has been made. */
export function describeOnNative(name: string, built: boolean, body: () => void): void {
  describeNeeding(name, built ? [] : ['the native parts (npm run build:native -- --tests)'], body);
}
