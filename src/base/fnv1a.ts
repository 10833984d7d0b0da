/**
 * FNV-1a, 32 bits (Fowler, Noll and Vo): quick over short inputs, and the same everywhere. It keeps no secret: whoever knows it
 * makes collisions. Hashes are 32-bit integers with a sign; `>>> 0` takes it off.
 */

/** The initial hash. Another start gives another hash of the same input. */
export const FNV1A_START = 0x811c9dc5;
const PRIME = 0x01000193;

/** A hash with one octet, or one UTF-16 code unit, more. */
export function fnv1aStep(hash: number, octet: number): number {
  return Math.imul(hash ^ octet, PRIME);
}

/** Over octets[from, to). */
export function fnv1a(octets: Uint8Array, from: number, to: number, start: number = FNV1A_START): number {
  let hash = start;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ octets[i]!, PRIME);
  return hash;
}

/** Over the UTF-16 code units of a text. */
export function fnv1aText(text: string, start: number = FNV1A_START): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return hash;
}
