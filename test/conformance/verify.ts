/**
 * What `psp-gateway verify` asks of the software DOCA: every property holds, in whichever way operations end; and three defects that its
 * test build puts in on purpose are named, each by the question that is about it, with the smallest case and a capture of it.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { QUESTIONS } from '../../src/verify/catalogue.js';
import type { Question } from '../../src/verify/property.js';
import type { Result } from '../../src/verify/report.js';
import { verify } from '../../src/verify/run.js';
import { behave, type DocaRelease, openDocaHarness, startRings } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';

/** Until each of the defects comes to light. */
const RANDOM_CASES = 200;
/** Of 1000 operations on entries so many fail. */
const FAULTS_PER_THOUSAND = 60;
/** Asked of a device with a defect; of them only those that are about it may fail. */
const ASKED_OF_DEFECTS = [
  'counters',
  'acl-cookie',
  'acl-spi',
  're-key',
  'key-gone',
  'rotation',
  'many-sessions',
  'ivs',
];
/** Defects, and the properties that they break. */
const DEFECTS: Readonly<Record<string, readonly string[]>> = {
  'counts-lost': ['counters'],
  'cookies-ignored': ['acl-cookie'],
  'keys-kept': ['key-gone', 'many-sessions', 're-key'],
};

const PROPERTIES = QUESTIONS.filter(({ kind }) => kind === 'property');

function ask(
  release: DocaRelease,
  questions: readonly Question[],
  mapping: readonly string[] = [],
  cases?: number,
): Promise<Result[]> {
  const device = {
    name: `the software DOCA ${release}`,
    open: () => openDocaHarness(release, { mapping, uplinkMtuOctets: 1500, vfMtuOctets: 1500 }),
  };
  return verify({
    device,
    clock: systemClock,
    questions,
    seed: 1,
    isQuick: true,
    ...(cases === undefined ? {} : { cases }),
  });
}

const named = (results: readonly Result[], state: Result['state']) =>
  results
    .filter((result) => result.state === state)
    .map(({ name }) => name)
    .sort();

export function describeVerification(release: DocaRelease): void {
  describeOnDoca(release, () => {
    describe(`verification of the software DOCA ${release}`, () => {
      afterEach(() => behave({ completions: 'queued' }));

      test('finds nothing, in whichever way operations end, and gets an answer to every question', async () => {
        behave({ completions: 'shuffled', 'equal-keys': 'refused' });
        const results = await ask(release, QUESTIONS);
        expect(results.filter(({ state }) => state === 'failed' || state === 'not-possible')).toEqual([]);
        expect(results).toHaveLength(QUESTIONS.length + 1);
        for (const result of results) if (result.state === 'measured') expect(result.rows).not.toEqual([]);
      }, 60_000);

      test('takes operations that a device fails for what they are, in its own words', async () => {
        const { setFaults } = startRings(release);
        setFaults(3, FAULTS_PER_THOUSAND);
        const results = await ask(release, PROPERTIES).finally(() => setFaults(0, 0));
        expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
        const words = results.flatMap((result) =>
          ('refused' in result ? (result.refused ?? []) : []).map((refusal) => refusal.words),
        );
        expect(words.length).toBeGreaterThan(0);
        for (const one of words) expect(one).toMatch(/^DOCA_ERROR_/);
      }, 60_000);

      test.each(Object.entries(DEFECTS))(
        'names the defect %s',
        async (defect, expected) => {
          const results = await ask(
            release,
            QUESTIONS.filter(({ name }) => ASKED_OF_DEFECTS.includes(name)),
            [`test-defect = ${defect}`],
          );
          // Random programs may find any of them.
          const failed = named(results, 'failed').filter((name) => name !== 'random-programs');
          expect(failed).toEqual(expected);
          expect(named(results, 'not-possible')).toEqual([]);
          for (const result of results) {
            if (result.state !== 'failed') continue;
            // Made small: a packet or two, and as little around it as there can be.
            expect(result.smallest).toMatch(/as (?:sender|receiver); t/);
            expect(result.repeats).toBe('3 of 3');
            expect(result.frames).toBeGreaterThan(0);
            expect(result.frames).toBeLessThanOrEqual(64);
          }
        },
        60_000,
      );

      test.each(Object.keys(DEFECTS))(
        'finds the defect %s by random programs too',
        async (defect) => {
          const random = QUESTIONS.filter(({ name }) => name === 'random-programs');
          const results = await ask(release, random, [`test-defect = ${defect}`], RANDOM_CASES);
          expect(named(results, 'failed')).toEqual(['random-programs']);
        },
        60_000,
      );

      test('describes IVs of a clock as what they are', async () => {
        const results = await ask(
          release,
          QUESTIONS.filter(({ name }) => name === 'iv'),
          ['test-defect = iv-clock'],
        );
        expect(results.find(({ name }) => name === 'iv')).toMatchObject({
          rows: expect.arrayContaining([
            { what: 'the device opened again', value: 'goes on as a clock of picoseconds would' },
          ]),
        });
      }, 60_000);
    });
  });
}
