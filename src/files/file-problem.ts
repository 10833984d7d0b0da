/** Explains errors of the operating system to users: which file or address, why, and what to do. */
import { OutputFileError } from './output-target.js';
import { InputFileError } from './read-file.js';

export interface FileProblem {
  /** One line. */
  readonly text: string;
  /** The path or address is wrong, and not the machine: nothing but another one helps. */
  readonly isWrongPath: boolean;
}

interface Words {
  readonly reason: string;
  readonly isWrongPath: boolean;
}

const wrongPath = (reason: string): Words => ({ reason, isWrongPath: true });
const machine = (reason: string): Words => ({ reason, isWrongPath: false });

const WORDS: Readonly<Record<string, Words>> = {
  ENOENT: wrongPath('there is no such file or folder'),
  ENOTDIR: wrongPath('a part of this path is a file, not a folder; name another path'),
  EISDIR: wrongPath('is a folder; name a file'),
  EEXIST: wrongPath('is there already; name another path'),
  EACCES: wrongPath('no permission; name another path, or ask its owner'),
  EPERM: wrongPath('not permitted; name another path'),
  EROFS: wrongPath('the file system is read-only; name another path'),
  ELOOP: wrongPath('symbolic links that lead in a circle; name another path'),
  ENAMETOOLONG: wrongPath('the name is too long; name another path'),
  ENOSPC: machine('the disk is full; make room and try again'),
  EDQUOT: machine('the quota is used up; make room and try again'),
  EFBIG: machine('larger than files may be here; raise the limit (ulimit -f) or name another path'),
  EIO: machine('the device failed'),
  EMFILE: machine('too many files are open; raise the limit (ulimit -n)'),
  ENFILE: machine('too many files are open on this machine'),
  ENXIO: machine('nobody reads from it'),
  EADDRNOTAVAIL: wrongPath('it is no address of this machine'),
  EADDRINUSE: machine('another program has it; end that one, or use another address or port'),
  EPIPE: machine('nobody reads from it any more'),
};

/** Why, without the path: `the disk is full; make room and try again (ENOSPC)`; undefined: no error of a file. */
export function fileReason(error: unknown): string | undefined {
  if (error instanceof InputFileError || error instanceof OutputFileError) return error.message;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return undefined;
  return `${WORDS[code]?.reason ?? `${syscall} failed`} (${code})`;
}

/**
 * What is wrong; undefined: no error of a file.
 * @param path where the error does not know it itself
 */
export function fileProblem(error: unknown, path?: string): FileProblem | undefined {
  const reason = fileReason(error);
  if (reason === undefined) return undefined;
  // These name their file.
  if (error instanceof InputFileError || error instanceof OutputFileError)
    return { text: reason, isWrongPath: true };
  const {
    code,
    path: own,
    address,
    port,
  } = error as NodeJS.ErrnoException & Partial<Record<'address' | 'port', unknown>>;
  const where = own ?? path ?? (address === undefined ? undefined : `${address} port ${port}`);
  return {
    text: where === undefined ? reason : `${where}: ${reason}`,
    isWrongPath: WORDS[code!]?.isWrongPath === true,
  };
}

/** Why a file that flags or files name cannot be read, short. */
export function readProblem(path: string, error: unknown): string {
  if (error instanceof InputFileError) return error.message;
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${code ?? error}`;
}
