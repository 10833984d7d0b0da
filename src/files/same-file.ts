import { type BigIntStats, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { statOf } from './stat.js';

/** Whether two paths name one file, under whatever names, also where it is not there yet. */
export function isSameFile(a: string, b: string): boolean {
  const [first, second] = [fileAt(a), fileAt(b)];
  if (first === undefined && second === undefined) return placeOf(a) === placeOf(b);
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

function fileAt(path: string): BigIntStats | undefined {
  try {
    return statOf(path);
  } catch {
    return undefined;
  }
}

function placeOf(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}
