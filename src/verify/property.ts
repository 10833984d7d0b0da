/**
 * What verification asks of a device: properties, each of which is tried with many drawn cases and is told with the smallest one
 * that breaks it; and measures of what only hardware decides, which nothing is expected of.
 */
import type { Choose } from '../base/choose.js';
import type { World } from './world.js';

/** In the order of the report. */
export const GROUPS = {
  sessions: 'Sessions',
  keys: 'Keys and rotation',
  access: 'Who is let in',
  sampling: 'Sampling',
  counters: 'Counters',
  'slow-path': 'The slow path',
  load: 'Under load',
  programs: 'Random programs',
  limits: 'Limits',
  measured: 'What the device decides',
} as const;
export type Group = keyof typeof GROUPS;

/** The device has done something else than it must. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** One case of a property. */
export interface Trial {
  /** For people. */
  readonly text: string;
  /** Throws Violation, or what the device has thrown. */
  run(world: World): Promise<void>;
  /** Cases like it that are simpler, the simplest first. */
  smaller(): readonly Trial[];
}

/** What always holds. */
export interface Property {
  readonly kind: 'property';
  readonly name: string;
  readonly group: Group;
  /** What holds, as a sentence. */
  readonly title: string;
  readonly cases: CaseCounts;
  draw(choose: Choose): Trial;
}

export interface CaseCounts {
  readonly quick: number;
  readonly usual: number;
}

/** A property with the type of its cases, which are plain data. */
export interface PropertyOf<Case> extends Omit<Property, 'kind' | 'draw'> {
  draw(choose: Choose): Case;
  text(one: Case): string;
  /** None when absent. */
  smaller?(one: Case): readonly Case[];
  check(one: Case, world: World): Promise<void>;
}

export function property<Case>(given: PropertyOf<Case>): Property {
  const { name, group, title, cases } = given;
  const trialOf = (one: Case): Trial => ({
    text: given.text(one),
    run: (world) => given.check(one, world),
    smaller: () => (given.smaller?.(one) ?? []).map(trialOf),
  });
  return { kind: 'property', name, group, title, cases, draw: (choose) => trialOf(given.draw(choose)) };
}

/** Something that was measured, in words and numbers. */
export interface Measured {
  readonly what: string;
  readonly value: string;
  /** Another time it is another one, of the same device. */
  readonly varies?: true;
}

/** What a device may decide itself. */
export interface Measure {
  readonly kind: 'measure';
  readonly name: string;
  readonly group: Group;
  readonly title: string;
  /** Throws what the device has thrown. */
  measure(world: World, choose: Choose): Promise<readonly Measured[]>;
}

export type Question = Property | Measure;

/** Throws Violation, unless both are the same. */
export function mustEqual(
  what: string,
  got: string | number | bigint,
  expected: string | number | bigint,
): void {
  if (got !== expected) throw new Violation(`${what}: ${got}, and not ${expected}`);
}

export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Violation(otherwise);
}

/** So many octets of a frame are told. */
const OCTETS_TOLD = 160;

export function hexOf(octets: Uint8Array): string {
  const text = Array.from(octets.subarray(0, OCTETS_TOLD), (octet) => octet.toString(16).padStart(2, '0'));
  return text.join('') + (octets.length > OCTETS_TOLD ? `... (${octets.length} octets)` : '');
}

/** Throws Violation, unless both are the same frames in the same order. */
export function mustBeFrames(
  what: string,
  got: readonly Uint8Array[],
  expected: readonly Uint8Array[],
): void {
  const shared = Math.min(got.length, expected.length);
  for (let i = 0; i < shared; i++) {
    const [one, other] = [got[i]!, expected[i]!];
    if (Buffer.compare(one, other) === 0) continue;
    const at = one.findIndex((octet, j) => octet !== other[j]);
    const where = at < 0 ? `length ${one.length}, and not ${other.length}` : `differs from octet ${at} on`;
    throw new Violation(
      `${what}: number ${i + 1} ${where}: got ${hexOf(one)}, the simulator has ${hexOf(other)}`,
    );
  }
  mustEqual(`${what}: how many`, got.length, expected.length);
}
