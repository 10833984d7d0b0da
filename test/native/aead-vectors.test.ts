/**
 * Wycheproof's cases of AES-GCM, and of GMAC, which is AES-GCM of no text, through the software DOCA's two engines, valid and
 * invalid ones: native/doca-soft/test/vectors.cc, under AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * They are put to the engines, not into packets: a PSP packet's nonce is its SPI and its IV, its associated data begins with its
 * PSP header, and its key follows from its SPI, so that no packet says what a vector does; packets are held against the PSP
 * reference's own vectors. Out of reach of the engines too, since PSP has no such thing: nonces other than of 12 octets, keys of
 * 24, tags that are cut.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { readVectors } from '../support/reference-vectors.js';
import { ROOT } from '../support/root.js';

const PROGRAM = join(ROOT, 'build/native/robustness/vectors');
/** Intel's library is x86-64's. */
const ENGINES = process.arch === 'x64' ? ['ipsec-mb', 'openssl'] : ['openssl'];

interface Vector {
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

const isReachable = ({ keySize, ivSize, tagSize }: Vector) =>
  ivSize === 96 && tagSize === 128 && keySize !== 192;

function lineOf({ tcId, result, key, iv, aad, msg, ct, tag }: Vector): string {
  const [associated, text, ciphertext] = aad === undefined ? [msg, '', ''] : [aad, msg, ct!];
  const parts = [key, iv, associated, text, ciphertext, tag].map((hex) => `:${hex}`);
  return `${tcId} ${result} ${parts.join(' ')}\n`;
}

describeOnNative("the software DOCA's AES-GCM", existsSync(PROGRAM), () => {
  describe.each([
    { file: 'wycheproof-aes-gcm.json', all: 316, valid: 79, invalid: 54 },
    { file: 'wycheproof-aes-gmac.json', all: 414, valid: 30, invalid: 108 },
  ])('$file', ({ file, all, valid, invalid }) => {
    const { tests } = readVectors<{ tests: Vector[] }>(file);
    const lines = tests.filter(isReachable).map(lineOf);

    test.each(ENGINES)('of PSP’s shape through %s', (engine) => {
      expect(tests).toHaveLength(all);
      const { status, stdout, stderr } = spawnSync(PROGRAM, [engine], {
        encoding: 'utf8',
        input: lines.join(''),
      });
      expect({ status, stdout, stderr }).toEqual({
        status: 0,
        stdout: `${engine}: ${valid} valid, ${invalid} invalid\n`,
        stderr: '',
      });
    });
  });
});
