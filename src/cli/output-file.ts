/** Files that stand under their name only when they are complete. */
import { realpath } from 'node:fs/promises';
import { FileReplacement, OutputFileError, type Readers } from '../files/replace-file.js';
import { compressionFor, STANDARD_STREAM } from '../packet/capture-stream.js';

export { OutputFileError } from '../files/replace-file.js';

const FLUSH_OCTETS = 256 * 1024;

export interface OutputFile {
  /** Takes the octets; they are written some time later. */
  write(octets: Uint8Array): void;
  /** Writes what has gathered, when that is enough. To be awaited now and then. */
  flush(): Promise<void>;
}

export interface OutputFileOptions {
  /** Files that must not be replaced. */
  readonly inputs: readonly string[];
  readonly readers: Readers;
}

/**
 * Gives a file to `fill`, and puts it in its place when that is done; when it throws, nothing of it is left. `-` is standard
 * output, and what has a name with .gz is compressed.
 *
 * @returns what `fill` gave. Throws OutputFileError, and what the file system throws
 */
export async function writeOutputFile<T>(
  path: string,
  { inputs, readers }: OutputFileOptions,
  fill: (file: OutputFile) => Promise<T>,
): Promise<T> {
  const existing = await realpath(path).catch(() => undefined);
  for (const input of inputs) {
    if (input !== STANDARD_STREAM && (await realpath(input)) === existing) {
      throw new OutputFileError(`${path} is the input file too; give another output`);
    }
  }
  const file = await FileReplacement.open(path === STANDARD_STREAM ? '/dev/stdout' : path, { readers });
  const compress = compressionFor(path);
  let chunks: Uint8Array[] = [];
  let waitingOctets = 0;
  const writeAll = async () => {
    await file.write(await compress(Buffer.concat(chunks)));
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
    await file.finish();
    return result;
  } catch (error) {
    await file.discard();
    throw error;
  }
}
