/** What a packet may hit in a pipe: one entry or none, or several where the random number of the look-up decides. */
import type { EntryBook } from '../entry-book.js';
import type { FieldName, FieldValue } from '../fields.js';
import type { PacketContext } from '../packet/packet-context.js';
import type { BasicPipe, ControlEntry, FieldMatch } from '../program.js';
import { allBits, equal, holds, masked, readField } from './field-values.js';
import type { FailedTest, LookupHit, RandomCondition, RandomTest } from './lookup.js';

const RANDOM = 'parser_meta.random';
const RANDOM_BITS = allBits(RANDOM);
const RANDOM_VALUES = RANDOM_BITS + 1;

/** One outcome of a look-up. */
export interface Outcome {
  readonly hit: LookupHit | null;
  readonly failed: readonly FailedTest[];
  readonly key: Readonly<Partial<Record<FieldName, FieldValue>>>;
  /** undefined: it is the only one. */
  readonly condition: RandomCondition | undefined;
}

export function outcomesOf(book: EntryBook, packet: PacketContext): Outcome[] {
  const { pipe } = book;
  return pipe.type === 'basic' ? basicOutcomes(pipe, book, packet) : controlOutcomes(book, packet);
}

function basicOutcomes(pipe: BasicPipe, book: EntryBook, packet: PacketContext): Outcome[] {
  const key: Partial<Record<FieldName, FieldValue>> = {};
  let decisive: FailedTest | undefined;
  for (const [field, { value: wanted, mask }] of Object.entries(pipe.match) as [FieldName, FieldMatch][]) {
    if (field === RANDOM) continue;
    const found = readField(packet, field);
    const value = found === undefined ? undefined : masked(found, mask);
    if (wanted === 'entry') {
      if (value === undefined) decisive ??= { field, ...(mask === undefined ? {} : { mask }) };
      else key[field] = value;
    } else if (value === undefined || !equal(value, wanted)) {
      decisive ??= failedTest(field, value, { value: wanted, ...(mask === undefined ? {} : { mask }) });
    }
  }
  const outcome = (slot: number, condition?: RandomCondition): Outcome => ({
    hit: slot < 0 ? null : basicHit(book, slot),
    failed: decisive === undefined ? [] : [decisive],
    key,
    condition,
  });
  if (decisive !== undefined) return [outcome(-1)];
  const random = pipe.match[RANDOM];
  if (random === undefined) return [outcome(book.slotOfMatch(key))];

  const mask = (random.mask as number | undefined) ?? RANDOM_BITS;
  const test = (value: number): RandomTest => ({
    match: mask === RANDOM_BITS ? { value } : { value, mask },
  });
  // The numbers that are told apart, and which entry each of them hits.
  const numbers = random.value === 'entry' ? submasks(mask) : [random.value as number];
  const hits = numbers
    .map((value) => ({
      value,
      slot: book.slotOfMatch(random.value === 'entry' ? { ...key, [RANDOM]: value } : key),
    }))
    .filter(({ slot }) => slot >= 0);
  if (hits.length === 0) return [outcome(-1)];
  const probability = 1 / submasks(mask).length;
  const outcomes = hits.map(({ value, slot }) =>
    outcome(slot, { of: 'random', pipe: pipe.name, holds: test(value), fails: [], probability }),
  );
  const missing = 1 - hits.length * probability;
  if (missing === 0) return outcomes;
  const fails = hits.map(({ value }) => test(value));
  return [...outcomes, outcome(-1, { of: 'random', pipe: pipe.name, fails, probability: missing })];
}

function basicHit(book: EntryBook, slot: number): LookupHit {
  return { ...nameOf(book, slot), entry: book.entryAt(slot) };
}

function nameOf(book: EntryBook, slot: number): Pick<LookupHit, 'id' | 'label'> {
  const label = book.labelOf(slot);
  return { id: book.idOf(slot), ...(label === undefined ? {} : { label }) };
}

/** All numbers that have no bit outside of `mask`, ascending. */
function submasks(mask: number): number[] {
  const all: number[] = [];
  let value = 0;
  do {
    all.push(value);
    value = (value - mask) & mask;
  } while (value !== 0);
  return all;
}

function controlOutcomes(book: EntryBook, packet: PacketContext): Outcome[] {
  const failed: FailedTest[] = [];
  /** Entries that are hit where the random number is right, and at last one that is hit by all others. */
  const candidates: { readonly hit: LookupHit | null; readonly test: RandomTest | undefined }[] = [];
  let isDecided = false;
  for (const slot of book.slotsInOrder()) {
    const entry = book.controlOf(slot);
    const name = nameOf(book, slot);
    const test = firstFailed(entry, packet);
    if (test !== undefined) {
      failed.push({ entry: name, ...test });
      continue;
    }
    const random = randomTest(entry);
    candidates.push({ hit: { ...name, entry }, test: random });
    isDecided = random === undefined;
    if (isDecided) break;
  }
  if (!isDecided) candidates.push({ hit: null, test: undefined });

  if (candidates.length === 1) return [{ hit: candidates[0]!.hit, failed, key: {}, condition: undefined }];
  const draws = new Array<number>(candidates.length).fill(0);
  for (let number = 0; number < RANDOM_VALUES; number++) {
    draws[candidates.findIndex(({ test }) => test === undefined || passes(test, number))]!++;
  }
  const { pipe } = book;
  const possible = candidates.flatMap(({ hit, test }, i) => {
    if (draws[i] === 0) return [];
    const condition: RandomCondition = {
      of: 'random',
      pipe: pipe.name,
      ...(test === undefined ? {} : { holds: test }),
      fails: candidates.slice(0, i).map((before) => before.test!),
      probability: draws[i]! / RANDOM_VALUES,
    };
    return [{ hit, failed, key: {}, condition }];
  });
  return possible.length > 1 ? possible : [{ ...possible[0]!, condition: undefined }];
}

/** Of the tests that are decided; undefined: all hold. */
function firstFailed({ match, condition }: ControlEntry, packet: PacketContext): FailedTest | undefined {
  for (const [field, wanted] of Object.entries(match) as [FieldName, FieldMatch][]) {
    if (field === RANDOM) continue;
    const found = readField(packet, field);
    const value = found === undefined ? undefined : masked(found, wanted.mask);
    if (value === undefined || !equal(value, wanted.value as FieldValue))
      return failedTest(field, value, wanted);
  }
  if (condition === undefined || condition.field === RANDOM) return undefined;
  const { field, operation, value: wanted } = condition;
  const value = readField(packet, field) as number | undefined;
  if (value !== undefined && holds(value, operation, wanted)) return undefined;
  return { ...failedTest(field, value, { value: wanted }), operation };
}

function failedTest(field: FieldName, value: FieldValue | undefined, wanted: FieldMatch): FailedTest {
  return {
    field,
    ...(value === undefined ? {} : { value }),
    ...(wanted.mask === undefined ? {} : { mask: wanted.mask }),
    wanted: wanted.value as FieldValue,
  };
}

/** undefined: the entry does not look at the random number. */
function randomTest({ match, condition }: ControlEntry): RandomTest | undefined {
  const wanted = match[RANDOM] as { value: number; mask?: number } | undefined;
  const compared = condition?.field === RANDOM ? condition : undefined;
  if (wanted === undefined && compared === undefined) return undefined;
  return {
    ...(wanted === undefined ? {} : { match: wanted }),
    ...(compared === undefined
      ? {}
      : { condition: { operation: compared.operation, value: compared.value } }),
  };
}

function passes({ match, condition }: RandomTest, number: number): boolean {
  if (match !== undefined && masked(number, match.mask) !== match.value) return false;
  return condition === undefined || holds(number, condition.operation, condition.value);
}
