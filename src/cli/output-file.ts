/** Files that stand under their name only when they are complete. */
import { open, realpath, rename, rm } from 'node:fs/promises';

const FLUSH_OCTETS = 256 * 1024;
const MODE_DEFAULT = 0o666;

/** An output that would replace what it is made from. */
export class OutputFileError extends Error {
  override readonly name = 'OutputFileError';
}

export interface OutputFile {
  /** Takes the octets; they are written some time later. */
  write(octets: Uint8Array): void;
  /** Writes what has gathered, when that is enough. To be awaited now and then. */
  flush(): Promise<void>;
}

/**
 * Gives a file to `fill`, and renames it to `path` when that is done; when it throws, nothing of it is left.
 *
 * @param inputs files that must not be replaced
 * @param mode permissions, before the umask
 * @returns what `fill` gave. Throws OutputFileError, and what the file system throws
 */
export async function writeOutputFile<T>(
  path: string,
  inputs: readonly string[],
  fill: (file: OutputFile) => Promise<T>,
  mode = MODE_DEFAULT,
): Promise<T> {
  const existing = await realpath(path).catch(() => undefined);
  for (const input of inputs) {
    if ((await realpath(input)) === existing) {
      throw new OutputFileError(`${path} is the input file too; give another output`);
    }
  }
  const unfinished = `${path}.unfinished-${process.pid}`;
  const file = await open(unfinished, 'wx', mode);
  let chunks: Uint8Array[] = [];
  let waitingOctets = 0;
  const writeAll = async () => {
    // writev may write a part only.
    if (waitingOctets > 0) await file.appendFile(Buffer.concat(chunks));
    chunks = [];
    waitingOctets = 0;
  };
  try {
    const result = await fill({
      write(octets) {
        chunks.push(octets);
        waitingOctets += octets.length;
      },
      flush: async () => {
        if (waitingOctets >= FLUSH_OCTETS) await writeAll();
      },
    });
    await writeAll();
    await file.close();
    await rename(unfinished, path);
    return result;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(unfinished, { force: true });
    throw error;
  }
}
