/** Every way in which a file can miss its schema has a plain sentence of its own. */
import { expect, test } from 'vitest';
import { EXPLAINED } from '../../../../src/topology/file/explain.js';
import { VALUES_CHECKED_WHOLE_MAX } from '../../../../src/topology/file/limits.js';
import { SCENARIO_SCHEMA, TOPOLOGY_SCHEMA } from '../../../../src/topology/file/schema.js';
import { ANNOTATIONS, type Schema } from '../../../../src/topology/file/schema-values.js';
import { problemsOf } from '../../../support/topology-text.js';

/** Keywords that hold schemas by names, schemas in a list, and one schema. */
const BY_NAME = ['properties', 'definitions'];
const LISTS = ['oneOf', 'anyOf'];
const SINGLE = ['items', 'additionalProperties', 'propertyNames', 'not'];
/** Keywords that cannot fail by themselves, and `oneOf`, which is explained by the branch that was meant. */
const NEVER_TOLD = new Set<string>([
  ...ANNOTATIONS,
  ...['$schema', '$ref', 'title', 'description', 'default', 'examples', 'deprecated'],
  ...['properties', 'definitions', 'items', 'oneOf'],
]);

function keywordsOf(schema: Schema): string[] {
  const inner = Object.entries(schema).flatMap(([keyword, value]): unknown[] => {
    if (BY_NAME.includes(keyword)) return Object.values(value as object);
    if (LISTS.includes(keyword)) return value as unknown[];
    return SINGLE.includes(keyword) && typeof value === 'object' ? [value] : [];
  });
  return [...Object.keys(schema), ...inner.flatMap((one) => keywordsOf(one as Schema))];
}

test('every keyword of the schemas that can fail is explained, and nothing else is', () => {
  const used = new Set([TOPOLOGY_SCHEMA, SCENARIO_SCHEMA].flatMap(keywordsOf));
  const told = [...used].filter((keyword) => !NEVER_TOLD.has(keyword));
  expect(told).toContain('uniqueItems');
  expect(new Set(EXPLAINED)).toEqual(new Set(told));
});

test('a large file, of which the first error is told, has a wrong key told before what follows from it', () => {
  const names = Array.from({ length: VALUES_CHECKED_WHOLE_MAX / 5 }, () => 'v').join(', ');
  const flows = ['A', 'B', 'C', 'D', 'E'].map((name) => `${name}: {type: ping, from: [${names}], to: "*"}`);
  const text = `name: t
topology: {full-mesh: 2}
scenario:
  events:
    - {at: 1s, impair: "h1:p0", los: 5%}
  traffic: {${flows.join(', ')}}
`;
  expect(problemsOf(text)).toEqual([
    expect.stringMatching(
      /^t.yaml:1: so large a file \(\d+ values\) is read no further than to what is wrong/,
    ),
    't.yaml:5: scenario.events[0].los: there is no such key here; did you mean "loss"?',
  ]);
});
