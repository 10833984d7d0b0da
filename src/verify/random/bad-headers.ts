/** PSP headers that nobody should write, sealed like any other: what a receiver must refuse by itself. */

import type { Choose } from '../../base/choose.js';
import { opensslEngine } from '../../psp/aead-openssl.js';
import {
  CRYPT_OFFSET_WORDS_MAX,
  encryptStart,
  FLAG_D,
  FLAG_ONE,
  FLAG_S,
  FLAG_V,
  PSP_CRYPT_OFFSET,
  PSP_EXT_LEN,
  PSP_FLAGS,
  PSP_ICV_OCTETS,
  PSP_NEXT_HEADER,
  PSP_NONCE_OCTETS,
  PSP_SPI,
} from '../../psp/header.js';

/** A frame with another PSP header, at `psp`, and an ICV that fits it; the frame's last octets are its ICV. */
export function withBadHeader(choose: Choose, frame: Uint8Array, psp: number, key: Uint8Array): Uint8Array {
  const copy = frame.slice();
  const end = copy.length - PSP_ICV_OCTETS;
  const nonce = copy.subarray(psp + PSP_SPI, psp + PSP_SPI + PSP_NONCE_OCTETS);
  if (!opensslEngine.open(key, nonce, copy, psp, encryptStart(copy, psp, end), end)) {
    throw new Error('a frame that does not open under its key');
  }
  switch (choose.below(5)) {
    case 0:
      // A cookie, without room for it where the header has its shortest length.
      copy[psp + PSP_FLAGS]! |= FLAG_V;
      break;
    case 1:
      copy[psp + PSP_EXT_LEN] = choose.pick([0, 1, 2, 3, 10, 255]);
      break;
    case 2:
      copy[psp + PSP_CRYPT_OFFSET] = choose.pick([choose.below(20), CRYPT_OFFSET_WORDS_MAX, 0x40, 0xc1]);
      break;
    case 3:
      copy[psp + PSP_FLAGS]! ^= choose.pick([FLAG_S, FLAG_D, FLAG_ONE]);
      break;
    default:
      copy[psp + PSP_NEXT_HEADER] = choose.pick([0, 4, 41, 6, 17, 59]);
  }
  opensslEngine.seal(key, nonce, copy, psp, Math.min(encryptStart(copy, psp, end), end), end);
  return copy;
}
