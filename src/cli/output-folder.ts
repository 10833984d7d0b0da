/**
 * A folder of a run's results, or of a deployment's files. They are written aside, and put in their place when all of them are
 * there; then those of an earlier run go. A list in the folder says which files runs have written: nothing else is ever replaced or
 * removed.
 */
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileProblem } from '../files/file-problem.js';
import { folderModeFor, makeFolder, mustTakeFiles, removeEmptyFolders } from '../files/folders.js';
import { unfinishedName } from '../files/leftovers.js';
import { readTextFile } from '../files/read-file.js';
import { CREATE_OWN, modeFor, type Readers } from '../files/replace-file.js';
import { lstatIfThere } from '../files/stat.js';
import { forgetUnfinished, noteUnfinished } from '../files/unfinished.js';
import type { Sink } from '../topology/captures.js';
import { KEYS_FILE } from './run-keys.js';

/** What is in a folder. */
export interface FolderKind {
  /** The list: one name per line, behind the heading. */
  readonly list: string;
  readonly heading: string;
  /** Names that its files have. */
  readonly names: RegExp;
  /** Who writes them, in words. */
  readonly writer: string;
}

export const RUN_FOLDER: FolderKind = {
  list: '.psp-gateway-run',
  heading:
    '# Written here by psp-gateway topology run; the next run with this folder as --output replaces these files.\n',
  names:
    /^(?:report\.(?:md|json)|run\.log|keys\.jsonl|(?:sequence|topology)\.(?:mmd|svg)|pipes-.+\.(?:mmd|svg)|(?:link|vf)-.+\.pcapng)$/,
  writer: 'run',
};

export const DEPLOY_FOLDER: FolderKind = {
  list: '.psp-gateway-deploy',
  heading:
    '# Written here by psp-gateway topology run --deploy, which replaces these files when it is told this folder as --output again.\n',
  names:
    /^(?:DEPLOY\.md|topology\.yaml|where\.txt|(?:kubernetes|search)\.yaml|(?:secrets|certificates)\.sh|[^/]+\.clab\.yml)$/,
  writer: '--deploy',
};

const LIST_OCTETS_MAX = 16 * 1024 * 1024;
const CAPTURE = /\.pcapng$/;
/** This run's, another one's, or one's that was killed. */
const UNFINISHED = /^\.psp-gateway-.+\.part$/;
/** Octets of a file that are kept back before they are written. */
const BUFFER_OCTETS = 1 << 20;
const APPEND_OWN = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/** The folder is not ours to write. */
export class OutputFolderError extends Error {
  override readonly name = 'OutputFolderError';
}

interface Waiting {
  chunks: Uint8Array[];
  octets: number;
  created: boolean;
}

export class OutputFolder implements Sink {
  readonly path: string;
  readonly #part: string;
  /** That were missing. */
  #made: readonly string[] = [];
  readonly #waiting = new Map<string, Waiting>();
  #finished = false;
  #failure: unknown;

  /**
   * @param readers of a folder that is not there yet; captures and keys in it are for their owner only in any case
   * Throws OutputFolderError for a folder that mustTakeRun refuses, and one that cannot be made.
   */
  constructor(
    path: string,
    private readonly readers: Readers = 'public',
    private readonly kind: FolderKind = RUN_FOLDER,
  ) {
    this.path = resolve(path);
    mustTakeRun(path, kind);
    const isThere = isFolder(this.path);
    this.#part = unfinishedName(isThere ? this.path : dirname(this.path));
    try {
      if (!isThere) this.#made = makeFolder(dirname(this.path), 'public');
      // Not recursive: a folder that somebody else has made under this name would be taken.
      mkdirSync(this.#part, { mode: folderModeFor('private') });
    } catch (error) {
      throw refusal(path, error);
    }
    noteUnfinished(this.#part);
  }

  /** Once a file cannot be written, nothing is any more, and `finish` says so. */
  write(file: string, octets: Uint8Array): void {
    if (this.#failure !== undefined) return;
    // The next run would take it for somebody's.
    if (!this.kind.names.test(file)) throw new TypeError(`${file} is no name that runs give`);
    let waiting = this.#waiting.get(file);
    if (waiting === undefined) {
      waiting = { chunks: [], octets: 0, created: false };
      this.#waiting.set(file, waiting);
    }
    waiting.chunks.push(octets);
    waiting.octets += octets.length;
    if (waiting.octets >= BUFFER_OCTETS) this.#flush(file, waiting);
  }

  /**
   * Everything is there. Throws OutputFolderError, with nothing changed, when others' files have come into its place, and
   * what the file system throws.
   */
  finish(): void {
    for (const [file, waiting] of this.#waiting) this.#flush(file, waiting);
    if (this.#failure !== undefined) throw this.#failure;
    const names = [...this.#waiting.keys()];
    if (isFolder(this.path)) this.#moveInto(names);
    else this.#becomeFolder(names);
    forgetUnfinished(this.#part);
    this.#finished = true;
  }

  /** Removes what is half done; nothing after finish. */
  discard(): void {
    if (this.#finished) return;
    rmSync(this.#part, { recursive: true, force: true });
    removeEmptyFolders(this.#made);
    forgetUnfinished(this.#part);
  }

  #becomeFolder(names: readonly string[]): void {
    this.#list(names, this.#part);
    chmodSync(this.#part, folderModeFor(this.readers));
    if (lstatIfThere(this.path)?.isSymbolicLink() === true) unlinkSync(this.path);
    renameSync(this.#part, this.path);
  }

  #moveInto(names: readonly string[]): void {
    mustTakeRun(this.path, this.kind);
    const before = listed(this.path, this.kind);
    // Should this end half way, all of them are known to be a run's.
    this.#list([...new Set([...before, ...names])], this.path);
    for (const name of names) renameSync(join(this.#part, name), join(this.path, name));
    for (const name of before) {
      if (!names.includes(name) && !isForeign(this.path, name, before))
        rmSync(join(this.path, name), { force: true });
    }
    this.#list(names, this.path);
    rmdirSync(this.#part);
  }

  #list(names: readonly string[], folder: string): void {
    const { heading, list } = this.kind;
    const text = `${heading}${names.map((name) => `${name}\n`).join('')}`;
    const aside = join(this.#part, list);
    writeFileSync(aside, text, { flag: 'wx', mode: modeFor('public') });
    renameSync(aside, join(folder, list));
  }

  #flush(file: string, waiting: Waiting): void {
    if (this.#failure !== undefined) return;
    const path = join(this.#part, file);
    const mode = modeFor(file === KEYS_FILE || CAPTURE.test(file) ? 'private' : 'public');
    try {
      const descriptor = openSync(path, waiting.created ? APPEND_OWN : CREATE_OWN, mode);
      try {
        writeFileSync(descriptor, Buffer.concat(waiting.chunks));
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      // Users know the place, not what is aside.
      this.#failure = Object.assign(error as Error, { path: join(this.path, file) });
    }
    waiting.chunks = [];
    waiting.octets = 0;
    waiting.created = true;
  }
}

/**
 * Whether a run's results can go there. Throws OutputFolderError for a folder with files that no run has written, and one that
 * cannot be written. In the working folder only files with a run's names are in the way.
 */
export function mustTakeRun(path: string, kind: FolderKind = RUN_FOLDER): void {
  try {
    mustTakeFiles(path);
    if (!isFolder(resolve(path))) return;
    const ours = listed(path, kind);
    const foreign = readdirSync(path).find(
      (name) => isInTheWay(path, name, kind) && isForeign(path, name, ours),
    );
    if (foreign === undefined) return;
    throw new OutputFolderError(
      `${path}: has files that no ${kind.writer} has written (${foreign}); name another folder with --output`,
    );
  } catch (error) {
    throw refusal(path, error);
  }
}

/** Who names the folder in which he works has said that results go beside his files; but they take no file's place. */
function isInTheWay(path: string, name: string, { names, list }: FolderKind): boolean {
  if (resolve(path) === process.cwd()) return names.test(name);
  return name !== list && !UNFINISHED.test(name);
}

function refusal(path: string, error: unknown): unknown {
  if (error instanceof OutputFolderError) return error;
  const problem = fileProblem(error, path);
  return problem?.isWrongPath === true ? new OutputFolderError(`--output: ${problem.text}`) : error;
}

/** A link to a folder is none: it is replaced, and what it points to is left alone. */
function isFolder(path: string): boolean {
  return lstatIfThere(path)?.isDirectory() === true;
}

/** Something has this name that is none of the files which runs have written. */
function isForeign(path: string, name: string, ours: ReadonlySet<string>): boolean {
  const there = lstatIfThere(join(path, name));
  return there !== undefined && !(there.isFile() && ours.has(name));
}

/** Names that the list has, if they are such as runs give. */
function listed(path: string, { list: file, names }: FolderKind): Set<string> {
  const list = join(path, file);
  if (lstatIfThere(list)?.isFile() !== true) return new Set();
  return new Set(
    readTextFile(list, LIST_OCTETS_MAX)
      .split('\n')
      .filter((name) => names.test(name) && !name.includes('/')),
  );
}
