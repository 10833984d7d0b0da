/** Where clocks pass the end of a number that somebody may keep time in: milliseconds since the Unix epoch. */
export const CLOCK_ENDS: readonly (readonly [text: string, atMs: number])[] = [
  ['2^31 ms', 2 ** 31],
  ['2^32 ms', 2 ** 32],
  ['2^53 ns', 2 ** 53 / 1e6],
  ['2^64 ps', 2 ** 64 / 1e9],
  ['2^31 s, in 2038', 2 ** 31 * 1e3],
  ['2^32 s, in 2106', 2 ** 32 * 1e3],
  ['a multiple of 2^64 ps: 15 April 2027, 09:22 UTC', (98 * 2 ** 64) / 1e9],
  ['2^63 ns, in 2262', 2 ** 63 / 1e6],
  ['2^64 ns, in 2554', 2 ** 64 / 1e6],
  ['the last date of JavaScript', 8.64e15],
];
