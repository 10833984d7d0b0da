/** The first file of a process is checked against the part of the schema that it uses: with the same verdict as against all of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Choose } from '../../../../src/base/choose.js';
import { TOPOLOGY_SCHEMA } from '../../../../src/topology/file/schema.js';
import { fits, ShapeChecker } from '../../../../src/topology/file/shape.js';
import { FileProblems, Source } from '../../../../src/topology/file/source.js';
import { ROOT } from '../../../support/root.js';

const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'));
const MUTANTS_PER_EXAMPLE = 4;
const WRONG = [null, 'x', -1, [], {}, { no: 'such' }, true];

const whole = new ShapeChecker(TOPOLOGY_SCHEMA);

/** The verdict on a value, which stays as it is, by the whole schema. */
function fitsWhole(value: unknown): boolean {
  const problems = new FileProblems();
  const source = new Source('file.yaml', JSON.stringify(value), problems);
  whole.check(source);
  return problems.isEmpty;
}

/** Changes one value, somewhere inside, or adds a key to a map. */
function damage(root: object, choose: Choose): void {
  let holder = root as Record<string, unknown>;
  for (;;) {
    const key = choose.pick(Object.keys(holder));
    const value = holder[key];
    const goesOn = value !== null && typeof value === 'object' && Object.keys(value).length > 0;
    if (goesOn && !choose.once(4)) {
      holder = value as Record<string, unknown>;
      continue;
    }
    const change = Array.isArray(holder) ? 'replace' : choose.pick(['replace', 'replace', 'delete', 'add']);
    if (change === 'replace') holder[key] = choose.pick(WRONG);
    else if (change === 'delete') delete holder[key];
    else holder[`${key}s`] = value;
    return;
  }
}

test('what the first file does not use makes no difference', () => {
  // The first file of this checker: those that count come after it.
  expect(fitsWhole({ name: 'first', topology: {} })).toBe(true);
  const choose = new Choose(7);
  const verdicts = { right: 0, wrong: 0 };
  for (const name of EXAMPLES) {
    const text = readFileSync(join(ROOT, 'examples', name), 'utf8');
    for (let i = 0; i <= MUTANTS_PER_EXAMPLE; i++) {
      const value = new Source(name, text, new FileProblems()).value as object;
      if (i > 0) damage(value, choose);
      const verdict = fits(value, TOPOLOGY_SCHEMA);
      expect(fitsWhole(value), JSON.stringify(value)).toBe(verdict);
      verdicts[verdict ? 'right' : 'wrong']++;
    }
  }
  expect(verdicts.right).toBeGreaterThan(EXAMPLES.length);
  expect(verdicts.wrong).toBeGreaterThan(2 * EXAMPLES.length);
});
