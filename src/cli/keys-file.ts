/** Keys files on disk. */
import { readFile } from 'node:fs/promises';
import { formatSaKey, parseKeysFile, type SaKey } from '../psp/keys-file.js';
import { writeOutputFile } from './output-file.js';

const OWNER_ONLY = 0o600;

/** Throws KeysFileError, and what the file system throws. */
export async function readKeysFile(path: string): Promise<SaKey[]> {
  return parseKeysFile(await readFile(path, 'utf8'), path);
}

/** Replaces the file by one that only its owner can read. */
export async function writeKeysFile(path: string, keys: readonly SaKey[]): Promise<void> {
  const text = keys.map(formatSaKey).join('');
  await writeOutputFile(path, [], async (file) => file.write(Buffer.from(text)), OWNER_ONLY);
}
