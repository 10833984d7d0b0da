/** Wycheproof's cases of AES-GCM and GMAC, and how they are put through an engine of the software DOCA (native/doca-soft/test/vectors.cc). */
import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';
import { readVectors } from './reference-vectors.js';

/** A case of either file, as hexadecimal digits. */
export interface AeadVector {
  readonly tcId: number;
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
  readonly key: string;
  readonly iv: string;
  /** Absent: GMAC's, whose message it is. */
  readonly aad?: string;
  readonly msg: string;
  readonly ct?: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid';
}

/** Whether key, IV and tag have the lengths of PSP's; `keySize` and the others are bits. */
export const isOfPsp = ({ keySize, ivSize, tagSize }: AeadVector): boolean =>
  ivSize === 96 && tagSize === 128 && keySize !== 192;

function lineOf({ tcId, result, key, iv, aad, msg, ct, tag }: AeadVector): string {
  const [associated, text, ciphertext] = aad === undefined ? [msg, '', ''] : [aad, msg, ct!];
  const parts = [key, iv, associated, text, ciphertext, tag].map((hex) => `:${hex}`);
  return `${tcId} ${result} ${parts.join(' ')}\n`;
}

/** How many there are, and of those that are of PSP's shape how many are valid. */
export const AEAD_VECTORS = [
  { file: 'wycheproof-aes-gcm.json', all: 316, valid: 79, invalid: 54 },
  { file: 'wycheproof-aes-gmac.json', all: 414, valid: 30, invalid: 108 },
];

/** `command`: the program, with the engine's name as its argument. */
export function runAeadVectors(
  command: readonly string[],
  engine: string,
  { file, all, valid, invalid }: (typeof AEAD_VECTORS)[number],
): void {
  const { tests } = readVectors<{ tests: AeadVector[] }>(file);
  expect(tests).toHaveLength(all);
  const lines = tests.filter(isOfPsp).map(lineOf);
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', input: lines.join('') });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: `${engine}: ${valid} valid, ${invalid} invalid\n`,
    stderr: '',
  });
}
