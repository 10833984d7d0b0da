/** Flags and their files at their bounds: what is counted, and what is said. */
import { describe, expect, test, vi } from 'vitest';
import { FLAGS } from '../../../../src/gateway/config/flags.js';
import {
  FLAG_CHARACTERS_MAX,
  FLAGS_FILE_OCTETS_MAX,
  JSON_DEPTH_MAX,
  JSON_TOKENS_MAX,
  PROBLEM_CHARACTERS_MAX,
  PROBLEMS_MAX,
  SESSION_FILE_OCTETS_MAX,
  SUGGESTION_CHARACTERS_MAX,
  SUGGESTIONS_MAX,
  TUNNELS_FILE_OCTETS_MAX,
} from '../../../../src/gateway/config/limits.js';
import { ConfigError, Problems } from '../../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../../src/gateway/config/read-options.js';
import { Suggestions } from '../../../../src/gateway/config/suggestions.js';

function problemsOf(argv: readonly string[], file = ''): readonly string[] {
  try {
    readGatewayOptions([...argv, '--insecure'], () => file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** A JSON value in `depth` lists. */
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

test('each file is read up to its own size', () => {
  const asked = new Map<string, number>();
  const argv = ['-j', 'flags', '--config', 'sessions', '--tunnels-file', 'tunnels', '--insecure'];
  const read = (path: string, octetsMax: number) => {
    asked.set(path, octetsMax);
    return path === 'tunnels' ? '' : path === 'flags' ? '{}' : '{"peers":[]}';
  };
  readGatewayOptions(argv, read);
  expect(Object.fromEntries(asked)).toEqual({
    flags: FLAGS_FILE_OCTETS_MAX,
    sessions: SESSION_FILE_OCTETS_MAX,
    tunnels: TUNNELS_FILE_OCTETS_MAX,
  });
});

describe.each([
  ['-j', (value: string) => `{"tunnel":\n ${value}}`],
  ['--config', (value: string) => `{"peers":\n ${value}}`],
] as const)('the file of %s', (flag, around) => {
  // The object around it is a level, too.
  test('may nest to its depth', () => {
    expect(problemsOf([flag, 'f'], around(nested(JSON_DEPTH_MAX - 1))).join()).not.toContain('nests');
  });

  test.each([JSON_DEPTH_MAX, 1_000_000])('that has %d lists inside each other is refused', (depth) => {
    expect(problemsOf([flag, 'f'], around(nested(depth)))).toEqual([
      `f:2:${1 + JSON_DEPTH_MAX}: nests deeper than 16 levels`,
    ]);
  });
});

test('a session file may have so many parts, and not one more', () => {
  // The object's two marks, its key and colon, and the list's two.
  const values = (JSON_TOKENS_MAX - 6) / 2;
  const file = (more: string) => `{"x":\n[${more}${'1,'.repeat(values)}]}`;
  expect(problemsOf(['--config', 'f'], file('')).join()).not.toContain('values, keys and signs');
  expect(problemsOf(['--config', 'f'], file('1,'))).toEqual([
    expect.stringMatching(/^f:2:\d+: has more than 1000000 values, keys and signs; make it smaller$/),
  ]);
});

test('of 60,000 unknown flags the first are said, and a bounded number of names is compared', () => {
  const near = vi.spyOn(Suggestions.prototype, 'near');
  const flags = Array.from({ length: 60_000 }, (_, i) => `"max-tunnel${i}":1`);
  const problems = problemsOf(['-j', 'f'], `{${flags.join(',\n')}}`);
  expect(problems[0]).toBe('f:1:2: there is no flag "max-tunnel0"; did you mean "max-tunnels"?');
  expect(problems).toHaveLength(PROBLEMS_MAX + 1);
  expect(problems.at(-1)).toBe('and 59000 more problems');
  const [suggestions] = near.mock.contexts as [Suggestions];
  const characters = FLAGS.reduce(
    (sum, { name, aliases = [] }) => sum + [name, ...aliases].join('').length,
    0,
  );
  expect(suggestions.steps).toBeLessThanOrEqual(SUGGESTIONS_MAX * SUGGESTION_CHARACTERS_MAX * characters);
  near.mockRestore();
});

test('names are compared so often, and only where they are short', () => {
  const suggestions = new Suggestions();
  expect(
    suggestions.near('x'.repeat(SUGGESTION_CHARACTERS_MAX + 1), ['x'.repeat(SUGGESTION_CHARACTERS_MAX)]),
  ).toBe(undefined);
  expect(suggestions.steps).toBe(0);
  for (let i = 0; i < SUGGESTIONS_MAX; i++) expect(suggestions.near('hallo', ['hello'])).toBe('hello');
  expect(suggestions.near('hallo', ['hello'])).toBe(undefined);
  expect(suggestions.steps).toBe(SUGGESTIONS_MAX * 25);
});

test('60,000 unknown keys of a session file are said once, up to the bound', () => {
  const keys = Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`);
  const problems = problemsOf(['--config', 'f'], `{"peers":[],\n${keys.join(',\n')}}`);
  expect(problems).toHaveLength(PROBLEMS_MAX + 1);
  expect(problems[1]).toMatch(/^f:3:1: unknown key "k1"/);
});

test('what is quoted of a long text is short', () => {
  const long = 'x'.repeat(FLAG_CHARACTERS_MAX);
  const flags = [
    '--svc-addr',
    '--local-virt-ip',
    '--tunnel',
    '--nexthop-dmac',
    '--pci-addr',
    '--mode',
    '--log-level',
  ];
  for (const flag of [...flags, '--core-mask', '--peer-dialect', '--max-tunnels', '--repr']) {
    const problems = problemsOf([flag, long]);
    expect(problems.length, flag).toBeGreaterThan(0);
    for (const problem of problems) expect(problem.length, flag).toBeLessThanOrEqual(PROBLEM_CHARACTERS_MAX);
    expect(problemsOf([flag, `${long}x`])[0]).toBe(
      `${flag}: has ${FLAG_CHARACTERS_MAX + 1} characters, ${FLAG_CHARACTERS_MAX} are allowed; use a file`,
    );
  }
  expect(problemsOf([`--${long}`])[0]!.length).toBeLessThanOrEqual(PROBLEM_CHARACTERS_MAX);
  expect(problemsOf(['-t', 'x', '-j', 'f'], `{"${long}":1}`).join().length).toBeLessThanOrEqual(
    2 * PROBLEM_CHARACTERS_MAX,
  );
});

test('a list of representors has short numbers, and is short itself', () => {
  expect(problemsOf(['--repr', 'pf[0-65535]'])).toEqual([]);
  expect(problemsOf(['--repr', '0000:03:00.0'])).toEqual([]);
  expect(problemsOf(['--repr', 'pf[0-4294967295]'])).toEqual([
    '--repr: "pf[0-4294967295]": numbers go up to 65535',
  ]);
  expect(problemsOf(['--repr', `vf${'0'.repeat(253)}`])).toEqual([]);
  expect(problemsOf(['--repr', `vf${'0'.repeat(254)}`])).toEqual(['--repr: is longer than 255 characters']);
});

test('a tunnels file of empty lines is none, and its lines count', () => {
  expect(problemsOf(['--tunnels-file', 'f'], '\n'.repeat(100_000))).toEqual([]);
  expect(problemsOf(['--tunnels-file', 'f'], `${'\n'.repeat(100_000)}x`)[0]).toMatch(/^f:100001: "x" is not/);
});

test('a hundred thousand arguments are read one after the other', () => {
  expect(problemsOf(Array.from({ length: 100_000 }, () => '-c'))).toEqual([]);
});

test('of tunnels files one after the other is held, and of their lines one', () => {
  const noted = vi.spyOn(Problems.prototype, 'add');
  const before: number[] = [];
  const read = () => {
    before.push(noted.mock.calls.length);
    return 'x\ny\n';
  };
  expect(() => readGatewayOptions(['-f', 'a', '-f', 'b', '--insecure'], read)).toThrow(ConfigError);
  expect(before).toEqual([0, 2]);
  noted.mockRestore();
});
