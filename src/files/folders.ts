/** Folders for what is written. */
import { accessSync, constants, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OutputFileError, outputTarget } from './output-target.js';
import type { Readers } from './replace-file.js';
import { statIfThere, statOf } from './stat.js';

const PRIVATE_MODE = 0o700;
const PUBLIC_MODE = 0o777;

/** The permissions of a folder. */
export function folderModeFor(readers: Readers): number {
  return readers === 'private' ? PRIVATE_MODE : PUBLIC_MODE & ~process.umask();
}

/**
 * Makes it, and those that it is in, where they are missing; one that is there stays as it is. Throws OutputFileError, and what the
 * file system throws, also in /proc and /sys, where Node's own `recursive` goes round for ever.
 *
 * @returns the folders that were not there, the outermost first
 */
export function makeFolder(path: string, readers: Readers): string[] {
  const mode = folderModeFor(readers);
  try {
    mkdirSync(path, { mode });
    return [path];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      if (statIfThere(path)?.isDirectory() === true) return [];
      throw new OutputFileError(`${path} is a file; name a folder`);
    }
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    const made = makeFolder(dirname(path), readers);
    mkdirSync(path, { mode });
    return [...made, path];
  }
}

/** Removes folders that `makeFolder` has made, but for those that have something in them. */
export function removeEmptyFolders(made: readonly string[]): void {
  try {
    for (const folder of [...made].reverse()) rmdirSync(folder);
  } catch {
    // Somebody has put something there.
  }
}

/**
 * Before much work is done for it: whether files can be made in the folder, or the folder itself where it is missing.
 * Changes nothing. Throws OutputFileError, and what the file system throws.
 */
export function mustTakeFiles(path: string): void {
  let outermost = path;
  let there = statIfThere(path);
  while (there === undefined && dirname(outermost) !== outermost) {
    outermost = dirname(outermost);
    there = statIfThere(outermost);
  }
  if (there?.isDirectory() === false) throw new OutputFileError(`${outermost} is a file; name a folder`);
  accessSync(outermost, constants.W_OK | constants.X_OK);
}

/**
 * Likewise for a file: whether one can be written under this name, in a folder that is there. Throws OutputFileError,
 * and what the file system throws.
 */
export async function mustTakeFile(path: string): Promise<void> {
  const { kind } = await outputTarget(path);
  if (kind !== 'name') return;
  const folder = dirname(path);
  try {
    // Files make no folders.
    statOf(folder);
    mustTakeFiles(folder);
  } catch (error) {
    // Users know what they have named.
    if (error instanceof Error) Object.assign(error, { path });
    throw error;
  }
}
