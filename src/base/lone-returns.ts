/** Carriage returns with no line feed behind them, as line ends of systems before 2001: no reader here takes them for such. */

/**
 * Why lines of a text would be read as one, most often as part of a comment; undefined: none would. Returns at the end of
 * a line are blanks.
 */
export function loneReturnsProblem(
  text: string,
): { readonly offset: number; readonly reason: string } | undefined {
  const offset = text.search(/\r(?=[^\r\n])/);
  if (offset < 0) return undefined;
  return { offset, reason: 'a line ends with a carriage return alone (CR); save the file with LF or CRLF' };
}
