/** Texts of others, such as names in files, certificates and messages, so that they neither end a line nor drive a terminal. */

/** Controls of C0 and C1, DEL, line and paragraph separators, and what turns the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text without characters that would end a line or drive a terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n';
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

/** A text of several lines of ours, without characters that would drive a terminal. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON text without characters that would drive a terminal, which JSON itself leaves in strings as they are. */
export function escapedInJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
