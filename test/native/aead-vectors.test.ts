/**
 * Wycheproof's cases of AES-GCM, and of GMAC, which is AES-GCM of no text, through the software DOCA's two engines, valid and
 * invalid ones: native/doca-soft/test/vectors.cc, under AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * They are put to the engines, not into packets: a PSP packet's nonce is its SPI and its IV, its associated data begins with its
 * PSP header, and its key follows from its SPI, so that no packet says what a vector does; packets are held against the PSP
 * reference's own vectors. Out of reach of the engines too, since PSP has no such thing: nonces other than of 12 octets, keys of
 * 24, tags that are cut.
 */
import { existsSync } from 'node:fs';
import { describe, test } from 'vitest';
import { AEAD_VECTORS, runAeadVectors } from '../support/aead-vectors.js';
import { describeOnNative } from '../support/needs.js';
import { sanitizedProgram } from '../support/soft-program.js';

const PROGRAM = sanitizedProgram('vectors');
/** Intel's library is x86-64's. */
const ENGINES = process.arch === 'x64' ? ['ipsec-mb', 'openssl'] : ['openssl'];

describeOnNative("the software DOCA's AES-GCM", existsSync(PROGRAM), () => {
  describe.each(AEAD_VECTORS)('$file', (vectors) => {
    test.each(ENGINES)('of PSP’s shape through %s', (engine) => {
      runAeadVectors([PROGRAM, engine], engine, vectors);
    });
  });
});
