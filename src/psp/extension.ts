/**
 * Extension fields of the PSP header as the gateway uses them: words of 32 bits at places that DOCA's pipes can look at, which are the
 * sixth to the ninth word of the header, counted from 1 (tun.psp.dw6 to dw9). The cookie, where there is one, is the fifth and the
 * sixth. Hdr Ext Len counts units of two words, so that words of the header that carry nothing are 0: the fifth, and the last one of a
 * unit that is not full.
 */
import { PSP_COOKIE, PSP_COOKIE_OCTETS, PSP_EXT_LEN_UNIT_OCTETS, PSP_WORD_6 } from './header.js';

const WORD_OCTETS = 4;
/** The first and the last word of a header that pipes can look at. */
const FIRST_WORD = 6;
const LAST_WORD = 9;

/** The number of the first word that is free for extension fields. */
export function firstExtensionWord(withCookie: boolean): number {
  return withCookie ? FIRST_WORD + 1 : FIRST_WORD;
}

/** Words that extension fields have room for. */
export function extensionWordsMax(withCookie: boolean): number {
  return LAST_WORD - firstExtensionWord(withCookie) + 1;
}

/** What stands behind the IV, or behind the cookie, to carry these words, in order; of no words nothing. */
export function extensionFields(words: readonly number[], withCookie: boolean): Uint8Array {
  if (words.length === 0) return new Uint8Array(0);
  const begin = PSP_COOKIE + (withCookie ? PSP_COOKIE_OCTETS : 0);
  const first = PSP_WORD_6 + (firstExtensionWord(withCookie) - FIRST_WORD) * WORD_OCTETS - begin;
  const octets = first + words.length * WORD_OCTETS;
  const unit = PSP_EXT_LEN_UNIT_OCTETS;
  const fields = new Uint8Array(Math.ceil(octets / unit) * unit);
  const view = new DataView(fields.buffer);
  for (const [i, word] of words.entries()) view.setUint32(first + i * WORD_OCTETS, word);
  return fields;
}
