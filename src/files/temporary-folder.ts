/**
 * A private folder for what only lives as long as this process: removed when it is closed and when the process exits, and what a
 * killed process has left by the next one that makes such a folder.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderModeFor } from './folders.js';
import { unfinishedName } from './leftovers.js';

const OWNER_ONLY = 0o600;

export class TemporaryFolder {
  readonly path: string;
  readonly #onExit = () => this.#remove();

  /** Throws what the file system throws. */
  constructor() {
    this.path = unfinishedName(tmpdir());
    mkdirSync(this.path, { mode: folderModeFor('private') });
    process.on('exit', this.#onExit);
  }

  /** The path of a file with this text, which only its owner can read. */
  write(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text, { mode: OWNER_ONLY });
    return path;
  }

  close(): void {
    process.off('exit', this.#onExit);
    this.#remove();
  }

  #remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
