/** Topology files beyond their bounds: refused where they cross them, before the rest is read. */

import { describe, expect, test } from 'vitest';
import { LineCounter } from 'yaml';
import { parseBoundedYaml, YamlLimitError } from '../../../../src/gateway/config/bounded-yaml.js';
import {
  YAML_ALIASES_MAX as ALIASES_MAX,
  YAML_ANCHORS_MAX as ANCHORS_MAX,
  YAML_DEPTH_MAX as DEPTH_MAX,
  YAML_LEXEME_CHARACTERS_MAX as LEXEME_CHARACTERS_MAX,
  YAML_SYNTAX_ERRORS_MAX as SYNTAX_ERRORS_MAX,
  YAML_TAGS_MAX as TAGS_MAX,
} from '../../../../src/gateway/config/limits.js';
import {
  ENTRIES_MAX,
  LINKS_MAX,
  NODES_MAX,
  VALUES_CHECKED_WHOLE_MAX,
} from '../../../../src/topology/file/limits.js';
import { problemsOf } from '../../../support/topology-text.js';

/** How a text is refused: the reason, and the pieces that were read. */
function refusal(text: string, lexemesMax?: number): { reason: string; lexemes: number } | undefined {
  try {
    parseBoundedYaml(text, new LineCounter(), {
      entriesMax: ENTRIES_MAX,
      ...(lexemesMax === undefined ? {} : { lexemesMax }),
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof YamlLimitError)) throw error;
    return { reason: error.message, lexemes: error.lexemes };
  }
}

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('');
const head = 'name: t\ntopology:\n  nodes:\n';
const node = (i: number) => `    h${i}: {kind: gateway}\n`;

describe('what is counted while it is read', () => {
  test('300,000 nodes end at the first that is too many', () => {
    const text = head + lines(300_000, node);
    const { lexemes } = refusal(text)!;
    expect(lexemes).toBeLessThan((NODES_MAX + 10) * 20);
    // Where that one is, but for a line.
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^t\.yaml:200[45]: topology: has more than 2000 nodes$/),
    ]);
  });

  test('NODES_MAX nodes are not too many, whatever is between and behind them', () => {
    const text = `${head}${lines(NODES_MAX, (i) => `    # node\n\n${node(i)}`)}    # end\n  links: []\n`;
    expect(refusal(text)).toBe(undefined);
    const flow = `topology: {nodes: {${lines(NODES_MAX, (i) => `h${i}: {kind: gateway}, `)}}}\n`;
    expect(refusal(flow)).toBe(undefined);
    expect(refusal(`topology: {"nodes": {${lines(NODES_MAX + 2, (i) => `h${i}: {}, `)}}}\n`)?.reason).toMatch(
      /nodes$/,
    );
  });

  test('links, and flows and events of scenarios in files of their own', () => {
    expect(refusal(`topology:\n  links:\n${lines(LINKS_MAX + 2, () => '    - {}\n')}`)?.reason).toBe(
      `topology: has more than ${LINKS_MAX} links`,
    );
    expect(refusal(`events:\n${lines(100_002, () => '- 1\n')}`)?.reason).toBe(
      'the scenario has more than 100000 events',
    );
  });

  // Each of these ends the parser with a stack that is too deep, or the process for want of memory.
  test.each([
    ['lists in lists', '[', ''],
    ['lists on a line', '- ', ''],
    ['keys of keys', '? ', ''],
    ['maps', '{a: ', ''],
  ])('%s as deep as may be, and 100,000', (_what, level) => {
    // The document is a level of the parser's, and a map's value another.
    expect(refusal(level.repeat(DEPTH_MAX / 2 - 1))).toBe(undefined);
    const refused = refusal(level.repeat(100_000))!;
    expect(refused.reason).toBe(`nested deeper than ${DEPTH_MAX} levels`);
    expect(refused.lexemes).toBeLessThan(6 * DEPTH_MAX);
  });

  test('maps by indentation', () => {
    const deep = (depth: number) => lines(depth, (i) => `${' '.repeat(i)}a:\n`);
    expect(refusal(deep(DEPTH_MAX - 2))).toBe(undefined);
    expect(refusal(deep(2000))?.reason).toBe(`nested deeper than ${DEPTH_MAX} levels`);
  });

  test.each([
    ['aliases', ALIASES_MAX, '- &a 1\n', '- *a\n'],
    ['anchors', ANCHORS_MAX, '', '- &a 1\n'],
    ['tags', TAGS_MAX, '', '- !!str 1\n'],
  ])('%s', (what, max, first, line) => {
    expect(refusal(first + line.repeat(max))).toBe(undefined);
    expect(refusal(first + line.repeat(50 * max))?.reason).toContain(`more than ${max} ${what}`);
  });

  test('a text that looks like marks is a text', () => {
    expect(refusal(lines(2 * ALIASES_MAX, () => '- "*a"\n- "&a"\n- "!a"\n'))).toBe(undefined);
  });

  test.each(['"', "'", '#', ''])('a text in %s that is too long', (quote) => {
    const end = quote === '#' ? '\n' : quote;
    const text = (characters: number) =>
      `a: ${quote}${'x'.repeat(characters - (quote === '' ? 0 : quote === '#' ? 1 : 2))}${end}`;
    expect(refusal(text(LEXEME_CHARACTERS_MAX))).toBe(undefined);
    expect(refusal(text(LEXEME_CHARACTERS_MAX + 1))?.reason).toBe(
      `a text longer than ${LEXEME_CHARACTERS_MAX} characters begins here`,
    );
  });

  test('mistakes', () => {
    const refused = refusal(`[${','.repeat(100_000)}]`)!;
    expect(refused.reason).toBe(`more than ${SYNTAX_ERRORS_MAX} mistakes up to here; is it YAML?`);
    expect(problemsOf(`[${','.repeat(SYNTAX_ERRORS_MAX - 1)}]`).length).toBeLessThanOrEqual(
      SYNTAX_ERRORS_MAX + 1,
    );
  });

  test('pieces of all kinds', () => {
    const text = '- a\n'.repeat(100);
    const lexemes = 501;
    expect(refusal(text, lexemes + 1)).toBe(undefined);
    for (const some of [text, '\n'.repeat(1000), '# a\n'.repeat(500), '[a, '.repeat(2)]) {
      const refused = refusal(some, 5);
      expect(refused).toEqual({ reason: 'more than 5 words, marks and blanks up to here', lexemes: 6 });
    }
  });
});

describe('what aliases stand for', () => {
  const laughs = (levels: number, times: number) =>
    `l0: &l0 [x]\n${lines(levels, (i) => `l${i + 1}: &l${i + 1} [${lines(times, () => `*l${i}, `)}]\n`)}`;

  test.each([
    ['a billion laughs', laughs(9, 10)],
    [
      'merges of merges',
      `m0: &m0 {a: 1}\n${lines(25, (i) => `m${i + 1}: &m${i + 1} {<<: [*m${i}, *m${i}]}\n`)}`,
    ],
    [
      'a large map in many',
      `big: &big {${lines(5000, (i) => `k${i}: 1, `)}}\n${lines(500, (i) => `m${i}: {<<: *big}\n`)}`,
    ],
  ])('%s is refused by its count', (_what, text) => {
    expect(refusal(text)?.reason).toBe('its aliases stand for more than 1000000 values');
  });

  test('some are not', () => expect(refusal(laughs(3, 10))).toBe(undefined));

  test('an alias in what it stands for has no end', () => {
    expect(problemsOf('a: 1\nb: &a [{c: *a}]\n')).toEqual(['t.yaml:2: *a is inside of what it stands for']);
    expect(refusal('a: &a {<<: *a}\n')?.reason).toBe('*a is inside of what it stands for');
  });
});

test('a large file that is wrong everywhere is told what is wrong first', () => {
  const flows = lines(VALUES_CHECKED_WHOLE_MAX / 4, (i) => `    f${i}: {typ: ping, a: b}\n`);
  const problems = problemsOf(`${head}    h1: {kind: gateway}\nscenario:\n  traffic:\n${flows}`);
  expect(problems).toHaveLength(2);
  expect(problems[0]).toMatch(
    /^t\.yaml:1: so large a file \(\d+ values\) is read no further than to what is wrong first$/,
  );
});

test('problems are short, and those of many are counted', () => {
  const key = 'x'.repeat(LEXEME_CHARACTERS_MAX);
  for (const text of [`name: ${key}\n`, `${key}: 1\n`, `a: 1\n? ${key}\n: 1\n? ${key}\n: 2\n`]) {
    const found = problemsOf(text);
    expect(found).not.toHaveLength(0);
    for (const problem of found) expect(problem.length).toBeLessThanOrEqual(600);
  }
  const problems = problemsOf(lines(20_000, (i) => `k${i}: 1\n`));
  expect(problems).toHaveLength(1001);
  // Of 20,000 keys and two that are missing.
  expect(problems.at(-1)).toBe('and 19002 more problems');
});
