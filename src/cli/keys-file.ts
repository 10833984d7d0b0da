/** Keys files on disk. */
import { readTextFile } from '../files/read-file.js';
import { FileReplacement } from '../files/replace-file.js';
import { formatSaKey, KEYS_FILE_OCTETS_MAX, parseKeysFile, type SaKey } from '../psp/keys-file.js';

/** Throws KeysFileError, InputFileError, and what the file system throws. */
export function readKeysFile(path: string): SaKey[] {
  return parseKeysFile(readTextFile(path, KEYS_FILE_OCTETS_MAX), path);
}

/**
 * Does `work`, and leaves its keys in a file that only its owner can read: both, or neither where the file cannot be
 * written or `work` throws. Throws OutputFileError, what the file system throws, and what `work` throws.
 */
export async function withKeysFile(
  path: string,
  keys: readonly SaKey[],
  work: () => Promise<void>,
): Promise<void> {
  const file = await FileReplacement.open(path, { readers: 'private', durable: true });
  try {
    await file.write(Buffer.from(keys.map(formatSaKey).join('')));
    await work();
    await file.finish();
  } catch (error) {
    await file.discard();
    throw error;
  }
}
