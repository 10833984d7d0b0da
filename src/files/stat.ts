/**
 * What is at a path or behind a descriptor, looked up at once. In big integers: Node finds modules with `realpathSync`, which trusts what the
 * last look in plain numbers has left (https://github.com/nodejs/node/issues/51142). After a look at a socket or a pipe it follows no
 * links any more, and a package that is imported later over one (pnpm's, `npm link`'s) comes empty. The looks of `node:fs/promises` leave
 * nothing behind.
 */
import { type BigIntStats, fstatSync, lstatSync, statSync } from 'node:fs';

/** Follows links. Throws what the file system throws. */
export function statOf(path: string): BigIntStats {
  return statSync(path, { bigint: true });
}

/** Follows links; undefined: nothing is there. Throws what the file system throws. */
export function statIfThere(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Of a link the link itself. Throws what the file system throws. */
export function lstatOf(path: string): BigIntStats {
  return lstatSync(path, { bigint: true });
}

/** Of a link the link itself; undefined: nothing is there. Throws what the file system throws. */
export function lstatIfThere(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Throws what the file system throws. */
export function fstatOf(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true });
}
