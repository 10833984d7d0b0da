/**
 * The one way in which files are written here. What is written goes to a new file in the target's folder, under a name
 * that nobody can guess, made by this process and readable by its user only (O_EXCL, O_NOFOLLOW, 0600); when it is
 * complete it takes the target's name. What stood there is replaced, never written to or through: a symbolic link
 * itself goes, not what it points to, and a file that somebody else has made beforehand is not used. FIFOs of the same
 * user, character devices and descriptors (/dev/stdout, /dev/fd/N) are written to directly.
 */
import { constants, ftruncateSync, writeSync } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, removeEmptyFolders } from './folders.js';
import { unfinishedName } from './leftovers.js';
import { openSpecial, outputTarget } from './output-target.js';
import { fstatOf } from './stat.js';
import { forgetUnfinished, noteUnfinished } from './unfinished.js';

export { OutputFileError } from './output-target.js';

/**
 * Who may read a file. `private`: its owner only, whatever the umask says: keys, captures, states. `public`: whom the
 * umask lets. Never more than a file of the same user allowed that it replaces.
 */
export type Readers = 'private' | 'public';

export interface ReplaceOptions {
  readonly readers: Readers;
  /** On disk, with its name, before `finish` returns: what a crash of the machine must not take. */
  readonly durable?: boolean;
  /** False: a name that is taken is an error (EEXIST), and nothing is changed. */
  readonly replace?: boolean;
  /**
   * Takes its name at once, not when it is complete: for what others watch while it grows. Cannot be discarded; does
   * not go together with `replace: false`.
   */
  readonly live?: boolean;
}

const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o666;
/** A file system without hard links, such as FAT. */
const HAS_NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
/** A new file of ours, or none. */
export const CREATE_OWN =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_NOCTTY;

/** The permissions of a finished file; `existing`: of a file of the same user that it replaces. */
export function modeFor(readers: Readers, existing = PUBLIC_MODE): number {
  return existing & (readers === 'private' ? PRIVATE_MODE : PUBLIC_MODE & ~process.umask());
}

/** A file that is being written. */
export class FileReplacement {
  #file: FileHandle | undefined;

  private constructor(
    private readonly path: string,
    private readonly options: ReplaceOptions,
    private readonly sink: Sink,
    /** Path of the unfinished file; undefined: it is written in its place. */
    private unfinished: string | undefined,
    private readonly mode: number | undefined,
  ) {
    this.#file = sink.file;
  }

  /** Throws OutputFileError, and what the file system throws. */
  static async open(path: string, options: ReplaceOptions): Promise<FileReplacement> {
    const target = await outputTarget(path);
    if (target.kind === 'descriptor') {
      return new FileReplacement(path, options, descriptorSink(target.descriptor), undefined, undefined);
    }
    if (target.kind === 'special') {
      return new FileReplacement(path, options, fileSink(await openSpecial(path)), undefined, undefined);
    }
    if (options.replace === false) await mustBeFree(path);
    const unfinished = unfinishedName(dirname(path));
    // Before it is there: a signal may come as soon as it is.
    noteUnfinished(unfinished);
    const file = await open(unfinished, CREATE_OWN, PRIVATE_MODE).catch((error: unknown) => {
      forgetUnfinished(unfinished);
      throw ofTarget(error, unfinished, path);
    });
    const made = new FileReplacement(
      path,
      options,
      fileSink(file),
      unfinished,
      modeFor(options.readers, target.mode),
    );
    if (options.live === true) await made.#orDiscard(() => made.#takePlace(file));
    return made;
  }

  /** Writes all of it. */
  async write(octets: Uint8Array): Promise<void> {
    if (octets.length === 0) return;
    await this.sink.write(octets).catch((error: unknown) => {
      throw ofTarget(error, this.unfinished ?? this.path, this.path);
    });
  }

  /**
   * Takes away what is beyond its first octets: a write that has failed may have written a part of them. Does nothing to what cannot be
   * cut, such as a pipe.
   */
  async cut(octets: number): Promise<void> {
    await this.sink.cut?.(octets).catch(() => {});
  }

  /** It is complete, and takes its place. Does nothing when it is finished or discarded already. */
  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    await this.#orDiscard(async () => {
      await this.#takePlace(file);
      await file.close();
      this.#file = undefined;
    });
  }

  /** Nothing of it stays, but what went to a special file or is live. Does nothing when it is finished. */
  async discard(): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    if (this.unfinished === undefined) return;
    await rm(this.unfinished, { force: true });
    forgetUnfinished(this.unfinished);
    this.unfinished = undefined;
  }

  async #takePlace(file: FileHandle): Promise<void> {
    const { unfinished, mode, path, options } = this;
    if (unfinished === undefined || mode === undefined) return;
    await file.chmod(mode);
    if (options.durable === true) await file.sync();
    if (options.replace === false) await takeFreeName(unfinished, path);
    else await rename(unfinished, path);
    forgetUnfinished(unfinished);
    this.unfinished = undefined;
    if (options.durable === true) await syncFolder(dirname(path));
  }

  async #orDiscard(work: () => Promise<void>): Promise<void> {
    const { unfinished, path } = this;
    try {
      await work();
    } catch (error) {
      await this.discard();
      throw unfinished === undefined ? error : ofTarget(error, unfinished, path);
    }
  }
}

/** Reports an error of an unfinished file under the name of the file that users know. */
function ofTarget(error: unknown, unfinished: string, path: string): unknown {
  if (error instanceof Error) {
    error.message = error.message.replaceAll(unfinished, path);
    (error as NodeJS.ErrnoException).path = path;
  }
  return error;
}

async function mustBeFree(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) === undefined) return;
  const error: NodeJS.ErrnoException = new Error(`EEXIST: file already exists, open '${path}'`);
  throw Object.assign(error, { code: 'EEXIST', syscall: 'open', path });
}

/** A link, other than a rename, fails when somebody has taken the name in the meantime. */
async function takeFreeName(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path);
  } catch (error) {
    if (!HAS_NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await mustBeFree(path);
    return rename(unfinished, path);
  }
  await rm(unfinished);
}

/** Writes a whole file. Throws OutputFileError, and what the file system throws; nothing of it is left then. */
export async function replaceFile(
  path: string,
  content: Uint8Array | string,
  options: ReplaceOptions,
): Promise<void> {
  const file = await FileReplacement.open(path, options);
  try {
    await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

export interface NewFile {
  readonly name: string;
  readonly content: Uint8Array | string;
  readonly options: ReplaceOptions;
}

/**
 * Writes several files of one folder, which is made when it is missing. They get their names when all of them are on
 * disk; before that nothing of them is there, nor the folder.
 *
 * @returns their paths. Throws OutputFileError, and what the file system throws
 */
export async function replaceFiles(
  folder: string,
  files: readonly NewFile[],
  folderReaders: Readers,
): Promise<string[]> {
  const made = makeFolder(folder, folderReaders);
  const opened: FileReplacement[] = [];
  try {
    for (const { name, content, options } of files) {
      const file = await FileReplacement.open(join(folder, name), options);
      opened.push(file);
      await file.write(typeof content === 'string' ? Buffer.from(content) : content);
    }
    for (const file of opened) await file.finish();
    return files.map(({ name }) => join(folder, name));
  } catch (error) {
    for (const file of opened) await file.discard();
    removeEmptyFolders(made);
    throw error;
  }
}

interface Sink {
  readonly file: FileHandle | undefined;
  write(octets: Uint8Array): Promise<void>;
  /** Leaves so many of the octets that were written; absent: it cannot be cut. */
  readonly cut?: (octets: number) => Promise<void>;
}

function fileSink(file: FileHandle): Sink {
  return {
    file,
    write: (octets) => file.appendFile(octets),
    cut: (octets) => file.truncate(octets),
  };
}

/** Not opened again: that would lose the place up to which others have written, and fails for sockets. */
function descriptorSink(descriptor: number): Sink {
  const stream = { 1: process.stdout, 2: process.stderr }[descriptor];
  const there = fstatOf(descriptor);
  // Node's streams over files lose what a disk that is nearly full does not take, and say nothing of it.
  if (stream === undefined || there.isFile()) {
    const before = Number(there.size);
    return {
      file: undefined,
      write: async (octets) => {
        for (let at = 0; at < octets.length; ) at += writeSync(descriptor, octets, at);
      },
      ...(there.isFile()
        ? {
            cut: async (octets: number) => {
              if (Number(fstatOf(descriptor).size) > before + octets)
                ftruncateSync(descriptor, before + octets);
            },
          }
        : {}),
    };
  }
  return {
    file: undefined,
    write: (octets) =>
      new Promise((resolve, reject) => {
        stream.write(octets, (error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** A new name is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } catch (error) {
    // Not every file system lets folders be synced.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  } finally {
    await folder.close();
  }
}
