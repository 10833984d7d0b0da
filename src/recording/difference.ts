/** The first thing in which a replay is not as the recording. */
import type { ErrorShape } from './values.js';

export interface Difference {
  /** The how-manieth record, from 1, of those that are there. */
  readonly record: number;
  /** Since the recording began. */
  readonly atS: number;
  /** What was compared. */
  readonly what: string;
  readonly recorded: string;
  readonly here: string;
}

const SHOWN_CHARACTERS_MAX = 2000;

/** A value of a recording on one line. */
export function shownValue(value: unknown): string {
  const text =
    JSON.stringify(value, (_name, member: unknown) => {
      if (typeof member === 'bigint') return String(member);
      return member instanceof Uint8Array ? Buffer.from(member).toString('hex') : member;
    }) ?? 'nothing';
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}...` : text;
}

export const shownError = ({ name, code, reason }: ErrorShape): string =>
  `${name}${code === undefined ? '' : ` ${code}`}: ${reason}`;

/**
 * Of two long texts, where they begin to differ: what both begin with is cut to its end. One that ends where the other goes on
 * stays whole.
 */
export function fromTheDifference(recorded: string, here: string): [string, string] {
  let same = 0;
  while (same < recorded.length && recorded[same] === here[same]) same++;
  const from = Math.max(0, same - CONTEXT_CHARACTERS);
  if (from === 0) return [recorded, here];
  return [`...${recorded.slice(from)}`, `...${here.slice(from)}`];
}

const CONTEXT_CHARACTERS = 120;
