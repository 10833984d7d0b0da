/** Extension fields of the PSP header, from their flags. */

import { extensionFields, extensionWordsMax, firstExtensionWord } from '../../psp/extension.js';
import { CRYPT_OFFSET_UNIT_OCTETS, isGmac, PSP_COOKIE_OCTETS } from '../../psp/header.js';
import type { GatewayOptions } from '../options.js';
import { type FlagReader, optional } from './flag-reader.js';
import { quoted } from './problems.js';

const WORD_HIGHEST = 0xffff_ffff;
/** Short enough that its value is exact. */
const WORD = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i;

/** The words that we send, and those that peers must; what is wrong with either is told, and it is left out then. */
export function readExtension(
  flags: FlagReader,
): Pick<GatewayOptions, 'extensionWords' | 'extensionRequired'> {
  const words = readWords(flags, 'psp-ext');
  if (words !== undefined) remarkUnreadable(flags, words);
  return {
    ...optional('extensionWords', words),
    ...optional('extensionRequired', readWords(flags, 'psp-ext-required')),
  };
}

function readWords(flags: FlagReader, name: string): readonly number[] | undefined {
  const value = flags.text(name);
  if (value === undefined) return undefined;
  const words: number[] = [];
  for (const text of value.text.split(',')) {
    const word = WORD.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
    if (word > WORD_HIGHEST) {
      flags.problem(name, `${quoted(text)} is no word of 32 bits, such as 0x12345678`);
      return undefined;
    }
    words.push(word);
  }
  const withCookie = flags.boolean('cookie');
  const most = extensionWordsMax(withCookie);
  if (words.length <= most) return words;
  const first = firstExtensionWord(withCookie);
  const beside = withCookie ? ' beside the cookie' : '';
  flags.problem(
    name,
    `${words.length} words; there is room for ${most}${beside}, from word ${first} of the header on`,
  );
  return undefined;
}

/** What the crypt offset does not leave readable, those on the way cannot look at. */
function remarkUnreadable(flags: FlagReader, words: readonly number[]): void {
  const offset = flags.optionalNumber('crypt-offset');
  if (offset === undefined || isGmac(flags.number('psp-version'))) return;
  const withCookie = flags.boolean('cookie');
  const cookieOctets = withCookie ? PSP_COOKIE_OCTETS : 0;
  const needed = (cookieOctets + extensionFields(words, withCookie).length) / CRYPT_OFFSET_UNIT_OCTETS;
  if (offset >= needed) return;
  flags.problems.remark(
    flags.whereOf('crypt-offset'),
    `${offset} leaves words of --psp-ext encrypted on the way; say ${needed} or more to have them read there`,
  );
}
