/**
 * Every reader of what others write, against changed inputs: only its own errors, work and results in proportion, and what
 * is written of what was read is read back. A short search by seeds in every run of the tests; longer and guided ones:
 *
 *     PSP_FUZZ_SECONDS=600 npm run test:one -- test/fuzz                          all targets, guided, so long in all
 *     PSP_FUZZ_SECONDS=60 PSP_FUZZ_TARGET=pcapng npm run test:one -- test/fuzz    one of them
 *     PSP_FUZZ_TARGET=pcapng PSP_FUZZ_SEED=7 npm run test:one -- test/fuzz        one execution again
 *     PSP_FUZZ_TARGET=pcapng PSP_FUZZ_INPUT=BASE64 npm run test:one -- test/fuzz  one input again
 *     PSP_FUZZ_KEEP=1 ...                                                    keeps what a guided search finds in the corpus
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startCoverage } from './coverage.js';
import { type FuzzResult, type FuzzTarget, fuzz, fuzzGuided, howAgain, inputOf } from './engine.js';
import { PLANTED } from './planted.js';
import { FILE_TARGETS } from './targets-files.js';
import { MESSAGE_TARGETS } from './targets-messages.js';
import { PACKET_TARGETS } from './targets-packets.js';

const TARGETS = [...MESSAGE_TARGETS, ...FILE_TARGETS, ...PACKET_TARGETS];
const CORPUS = join(dirname(fileURLToPath(import.meta.url)), 'corpus');
const { PSP_FUZZ_SECONDS, PSP_FUZZ_TARGET, PSP_FUZZ_SEED, PSP_FUZZ_INPUT, PSP_FUZZ_KEEP } = process.env;
const FIRST_SEED = 1;

/** The target's own inputs, and those that were kept, by name. */
function corpusOf({ name, seeds }: FuzzTarget): Uint8Array[] {
  const folder = join(CORPUS, name);
  const kept = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [...seeds, ...kept.map((file) => new Uint8Array(readFileSync(join(folder, file))))];
}

function keep({ name }: FuzzTarget, inputs: readonly Uint8Array[]): void {
  const folder = join(CORPUS, name);
  mkdirSync(folder, { recursive: true });
  for (const input of inputs) {
    const digest = createHash('sha256').update(input).digest('hex').slice(0, 16);
    writeFileSync(join(folder, `${digest}.bin`), input);
  }
}

function report(target: FuzzTarget, { finding }: FuzzResult): string | undefined {
  if (finding === undefined) return undefined;
  const { seed, input, error } = finding;
  return `${error.stack}\n${howAgain(target, input, seed)}\nmade small: ${Buffer.from(input).toString('base64')}`;
}

const chosen = TARGETS.filter(({ name }) => PSP_FUZZ_TARGET === undefined || name === PSP_FUZZ_TARGET);
const seconds = Number(PSP_FUZZ_SECONDS ?? '0');
if (seconds > 0) startCoverage();

describe('readers', () => {
  test('the target that is asked for is there', () => expect(chosen.length).toBeGreaterThan(0));

  test.each(chosen.map((target) => [target.name, target] as const))(
    '%s',
    async (_name, target) => {
      const corpus = corpusOf(target);
      if (PSP_FUZZ_INPUT !== undefined)
        return target.run(new Uint8Array(Buffer.from(PSP_FUZZ_INPUT, 'base64')));
      if (PSP_FUZZ_SEED !== undefined) return target.run(inputOf(target, corpus, Number(PSP_FUZZ_SEED)));
      if (seconds === 0) {
        const result = await fuzz(target, corpus, { firstSeed: FIRST_SEED, executions: target.executions });
        return expect(report(target, result)).toBe(undefined);
      }
      const endMs = performance.now() + (seconds / chosen.length) * 1000;
      const guided = await fuzzGuided(target, corpus, {
        firstSeed: Date.now() >>> 0,
        executions: Number.POSITIVE_INFINITY,
        covers: (url) => url.includes('/src/'),
        isOver: () => performance.now() > endMs,
      });
      process.stdout.write(
        `${target.name}: ${guided.executions} executions, ${guided.found.length} new inputs, ${guided.covered} characters of source\n`,
      );
      if (PSP_FUZZ_KEEP !== undefined) keep(target, guided.found);
      expect(report(target, guided)).toBe(undefined);
    },
    (120 + 2 * seconds) * 1000,
  );
});

describe('the search itself', () => {
  const covers = (url: string) => url.includes('/test/fuzz/planted');
  /** One under which it does not take long: others need up to 60,000 executions. */
  const QUICK_SEED = 3;
  const guided = (target: FuzzTarget, executions: number) =>
    fuzzGuided(target, target.seeds, { firstSeed: QUICK_SEED, executions, covers });

  test('finds a length that is not checked, by a seed that repeats it, and makes the input small', async () => {
    const target = PLANTED.unchecked;
    const { finding } = await fuzz(target, target.seeds, { firstSeed: FIRST_SEED, executions: 1000 });
    expect(finding?.error).toBeInstanceOf(RangeError);
    expect(() => target.run(inputOf(target, target.seeds, finding!.seed!))).toThrow(RangeError);
    expect(() => target.run(finding!.input)).toThrow(RangeError);
    expect(finding!.input.length).toBeLessThanOrEqual(3);
  });

  test('finds by the coverage what is behind three conditions, and not without', async () => {
    const target = PLANTED.deep;
    const executions = 30_000;
    // First, since the blocks of what has run before are not counted.
    const { finding, found } = await guided(target, executions);
    expect(finding?.error.message).toBe('planted');
    expect(Buffer.from(finding!.input).toString('latin1')).toMatch(/^PSP/);
    // One input more for each condition.
    expect(found.length).toBeGreaterThanOrEqual(2);
    const blind = await fuzz(target, target.seeds, { firstSeed: FIRST_SEED, executions });
    expect(blind.finding).toBe(undefined);
  });

  test('is the same for the same seed', async () => {
    const [target] = FILE_TARGETS as [FuzzTarget];
    for (const seed of [1, 2, 3])
      expect(inputOf(target, target.seeds, seed)).toEqual(inputOf(target, target.seeds, seed));
  });
});
