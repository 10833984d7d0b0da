/** A regular file that may grow while it is read. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputFileError, readBegin } from './read-file.js';

const CHUNK_OCTETS = 64 * 1024;
/** Its end is looked at so often. */
const LOOK_INTERVAL_MS = 200;

/**
 * The octets of the file, each part until the next one is asked for. `isAwaited` says at its end whether more is waited for. Throws
 * InputFileError for what is no regular file, and what the file system throws.
 */
export async function* octetsOfGrowing(path: string, isAwaited: () => boolean): AsyncGenerator<Buffer> {
  // A pipe without a writer would hold the program.
  if (readBegin(path, 1) === undefined) throw new InputFileError(path, 'is no regular file; name one');
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK_OCTETS);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_OCTETS, null);
      if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
      else if (isAwaited()) await sleep(LOOK_INTERVAL_MS);
      else return;
    }
  } finally {
    await file.close();
  }
}
