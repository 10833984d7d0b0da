/** Examines the place of an output: whether a file there is replaced or written to. */
import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';

/** The output cannot go where it should. */
export class OutputFileError extends Error {
  override readonly name = 'OutputFileError';
}

export type OutputTarget =
  /** A name that is free, or has a file or a link that is replaced. `mode`: that of the process' own file there. */
  | { readonly kind: 'name'; readonly mode?: number }
  /** A descriptor that the process has, such as /dev/stdout. */
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  /** A FIFO or a character device: there is nothing to replace. */
  | { readonly kind: 'special' };

const STANDARD: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };
const PERMISSIONS = 0o777;

/** Throws OutputFileError for a folder, and for what an output cannot be written to. */
export async function outputTarget(path: string): Promise<OutputTarget> {
  const descriptor = STANDARD[path] ?? /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  if (descriptor !== undefined) return { kind: 'descriptor', descriptor: Number(descriptor) };
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined || there.isSymbolicLink()) return { kind: 'name' };
  if (there.isFile()) return { kind: 'name', ...(isOwn(there) ? { mode: there.mode & PERMISSIONS } : {}) };
  mustBeWritable(path, there);
  return { kind: 'special' };
}

/** Opens a FIFO or a device. Throws OutputFileError when it has become something else meanwhile. */
export async function openSpecial(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NOCTTY);
  try {
    mustBeWritable(path, await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function mustBeWritable(path: string, stats: Stats): void {
  // A FIFO in a folder for all, such as /tmp, would hand the data to whoever has made it.
  if (stats.isFIFO() && !isOwn(stats))
    throw new OutputFileError(`${path} is another user's FIFO; make one of your own, or name a file`);
  if (!stats.isFIFO() && !stats.isCharacterDevice())
    throw new OutputFileError(`${path} is ${kindOf(stats)}; name a file`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isSocket()) return 'a socket';
  return stats.isBlockDevice() ? 'a block device' : 'no special file any more';
}

function isOwn(stats: Stats): boolean {
  return stats.uid === process.geteuid?.();
}
