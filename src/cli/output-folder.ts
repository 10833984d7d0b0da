/**
 * A folder of results that is there whole or not at all: written beside its place, and put there at the end instead
 * of that of an earlier run.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Sink } from '../topology/captures.js';

/** Whatever an earlier run has left has this file. */
const MARK = 'report.json';
/** Octets of a file that are kept back before they are written. */
const BUFFER_OCTETS = 1 << 20;

/** The folder is not ours to write. */
export class OutputFolderError extends Error {
  override readonly name = 'OutputFolderError';
}

interface Waiting {
  chunks: Uint8Array[];
  octets: number;
}

export class OutputFolder implements Sink {
  readonly path: string;
  readonly #part: string;
  readonly #waiting = new Map<string, Waiting>();
  #finished = false;

  /**
   * @param secret files that only their owner may read
   * Throws OutputFolderError for a folder with files that no run has written, and one that cannot be made.
   */
  constructor(
    path: string,
    private readonly secret: readonly string[] = [],
  ) {
    this.path = resolve(path);
    this.#part = join(dirname(this.path), `.${basename(this.path)}.${process.pid}.part`);
    try {
      if (existsSync(this.path) && readdirSync(this.path).length > 0 && !existsSync(join(this.path, MARK)))
        throw new OutputFolderError(
          `${path}: has files that no run has written; name another folder with --output`,
        );
      mkdirSync(this.#part, { recursive: true });
    } catch (error) {
      if (error instanceof OutputFolderError) throw error;
      throw new OutputFolderError(`${path}: cannot be written: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  write(file: string, octets: Uint8Array): void {
    let waiting = this.#waiting.get(file);
    if (waiting === undefined) {
      waiting = { chunks: [], octets: 0 };
      this.#waiting.set(file, waiting);
    }
    waiting.chunks.push(octets);
    waiting.octets += octets.length;
    if (waiting.octets >= BUFFER_OCTETS) this.#flush(file, waiting);
  }

  /** Everything is there. */
  finish(): void {
    for (const [file, waiting] of this.#waiting) this.#flush(file, waiting);
    rmSync(this.path, { recursive: true, force: true });
    renameSync(this.#part, this.path);
    this.#finished = true;
  }

  /** Removes what is half done; nothing after finish. */
  discard(): void {
    if (!this.#finished) rmSync(this.#part, { recursive: true, force: true });
  }

  #flush(file: string, waiting: Waiting): void {
    const mode = this.secret.includes(file) ? 0o600 : 0o644;
    appendFileSync(join(this.#part, file), Buffer.concat(waiting.chunks), { mode });
    waiting.chunks = [];
    waiting.octets = 0;
  }
}
