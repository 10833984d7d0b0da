/** The state file on disk: read whole and within bounds, replaced whole, readable by its owner only. */
import { InputFileError, readTextFile } from '../files/read-file.js';
import { replaceFile } from '../files/replace-file.js';
import { lstatIfThere } from '../files/stat.js';
import { mustBeState, STATE_OCTETS_MAX, StateFileError } from '../gateway/recovery/state-file.js';
import type { StateStore } from '../gateway/recovery/state-keeper.js';

/** The state file at `path`; one that cannot be read, or is no state, is not to be replaced. */
export function stateStore(path: string): StateStore {
  return {
    load: async () => readState(path),
    save: (text) => replaceFile(path, text, { readers: 'private' }),
    isThere: async () => isThere(path),
  };
}

/** Of a place that cannot be looked at nobody knows: it is written to, and that says why not. */
function isThere(path: string): boolean {
  try {
    return lstatIfThere(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Why the state is not to be kept at `path`: something else is there, which would be lost. Undefined: nothing is there, or
 * an empty file, or what a gateway has written. Throws what the file system throws.
 */
export function stateFileProblem(path: string): string | undefined {
  try {
    const text = readState(path);
    if (text !== undefined) mustBeState(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof StateFileError)) throw error;
    return `${path} is no state file of a gateway: ${error.message}; it would be replaced: name another file, or remove it`;
  }
}

/** Undefined: nothing is there, or nothing in it. Throws StateFileError, and what the file system throws. */
function readState(path: string): string | undefined {
  const there = lstatIfThere(path);
  if (there === undefined) return undefined;
  if (there.isSymbolicLink()) throw new StateFileError('it is a symbolic link');
  if (!there.isFile()) throw new StateFileError('it is not a regular file');
  try {
    const text = readTextFile(path, STATE_OCTETS_MAX, 'refused');
    return text === '' ? undefined : text;
  } catch (error) {
    throw error instanceof InputFileError ? new StateFileError(`it ${error.reason}`) : error;
  }
}
