/** Flags as they are written, on the command line and in a flags file, before anything is known of what their values mean. */
import { describe, expect, test } from 'vitest';
import { flagValue, readFlagValues } from '../../../../src/gateway/config/flag-values.js';
import { FLAG_CHARACTERS_MAX } from '../../../../src/gateway/config/limits.js';
import { Problems } from '../../../../src/gateway/config/problems.js';

/** The values, "--name=text where" for each, and what is wrong; `file` is what is in every file. */
function read(argv: readonly string[], file = '{}') {
  const problems = new Problems();
  const values = readFlagValues(argv, () => file, problems);
  return {
    values: [...values].flatMap(([name, list]) =>
      list.map(({ text, where }) => `--${name}=${text} ${where}`),
    ),
    problems: problems.list,
  };
}
const valuesOf = (...argv: string[]) => {
  const { values, problems } = read(argv);
  expect(problems).toEqual([]);
  return values;
};
const problemsOf = (...argv: string[]) => read(argv).problems;
/** Of a flags file. */
const json = (file: string | object) =>
  read(['-j', 'f'], typeof file === 'string' ? file : JSON.stringify(file));

describe('on the command line', () => {
  test.each([
    [['--max-tunnels', '9'], ['--max-tunnels=9 --max-tunnels']],
    [['--max-tunnels=9'], ['--max-tunnels=9 --max-tunnels']],
    [['--max-tunnels', '-9'], ['--max-tunnels=-9 --max-tunnels']],
    [['-x', '9'], ['--max-tunnels=9 --max-tunnels']],
    [['-x9'], ['--max-tunnels=9 --max-tunnels']],
    [['-x=9'], ['--max-tunnels=9 --max-tunnels']],
    [['-x', '-9'], ['--max-tunnels=-9 --max-tunnels']],
    [['--core-mask', '-'], ['--core-mask=- --core-mask']],
    [['--svc-addr=a=b'], ['--svc-addr=a=b --svc-addr']],
    [['--cookie'], ['--cookie=true --cookie']],
    [['--cookie=false'], ['--cookie=false --cookie']],
    [['--cookie=true'], ['--cookie=true --cookie']],
    [['-ck'], ['--cookie=true --cookie', '--debug-keys=true --debug-keys']],
    [
      ['-kx', '9'],
      ['--debug-keys=true --debug-keys', '--max-tunnels=9 --max-tunnels'],
    ],
    [['-kx9'], ['--debug-keys=true --debug-keys', '--max-tunnels=9 --max-tunnels']],
    [
      ['-t', 'a', '--tunnel=b'],
      ['--tunnel=a --tunnel', '--tunnel=b --tunnel'],
    ],
    [
      ['-f', 'a', '-f', 'b'],
      ['--tunnels-file=a --tunnels-file', '--tunnels-file=b --tunnels-file'],
    ],
    [['-c', '-c'], ['--cookie=true --cookie']],
    [['-z'], ['--static-tunnels=true --static-tunnels']],
    [
      ['-zx', '9'],
      ['--static-tunnels=true --static-tunnels', '--max-tunnels=9 --max-tunnels'],
    ],
  ])('%j', (argv, values) => {
    expect(valuesOf(...argv)).toEqual(values);
  });

  test.each<[string[], string]>([
    [['--max-tunnels'], '--max-tunnels: needs a value'],
    [['--max-tunnels', '--cookie'], '--max-tunnels: needs a value'],
    [['--max-tunnels', '-k'], '--max-tunnels: needs a value'],
    [['-x'], '-x: needs a value'],
    [['-kx'], '-x: needs a value'],
    [['--max-tunnels='], '--max-tunnels: is empty; give it a value, or leave it out'],
    [['--max-tunnels', ''], '--max-tunnels: is empty; give it a value, or leave it out'],
    [['--max-tunnels=1', '-x', '2'], '--max-tunnels: is given twice'],
    [['--cookie=yes'], '--cookie: takes no value, got "yes"'],
    [['-q'], '-q: there is no such flag; see --help'],
    [['-kq'], '-q: there is no such flag; see --help'],
    [['-'], '-: is no flag; see --help'],
    [['word'], 'word: is no flag; see --help'],
    [['--tunel', 'x'], '--tunel: there is no such flag; did you mean --tunnel?'],
    [['--completely-else=1'], '--completely-else: there is no such flag'],
    [['--json'], '--json: needs a value'],
    [['-j', 'a', '-j', 'b'], '--json: is given twice'],
    [['-j', ''], '--json: is empty; give it a value, or leave it out'],
    [
      ['--svc-addr', 'x'.repeat(FLAG_CHARACTERS_MAX + 1)],
      `--svc-addr: has ${FLAG_CHARACTERS_MAX + 1} characters, ${FLAG_CHARACTERS_MAX} are allowed; use a file`,
    ],
  ])('%j is refused', (argv, problem) => {
    expect(problemsOf(...argv)).toEqual([problem]);
  });

  test('a refused flag does not take others with it', () => {
    // What does not begin with a dash was the unknown flag's value.
    expect(read(['--nonsense', 'x', '--cookie'])).toMatchObject({ values: ['--cookie=true --cookie'] });
    expect(problemsOf('--nonsense', 'x', '--cookie')).toHaveLength(1);
    expect(problemsOf('--nonsense=1', 'x')).toHaveLength(2);
    expect(read(['--nonsense', '-c'])).toMatchObject({ values: ['--cookie=true --cookie'] });
    expect(read(['--max-tunnels', '--cookie'])).toMatchObject({ values: ['--cookie=true --cookie'] });
    expect(valuesOf('--svc-addr', 'x'.repeat(FLAG_CHARACTERS_MAX))).toHaveLength(1);
  });

  test('a long unknown name is shortened', () => {
    expect(problemsOf(`--${'x'.repeat(101)}`)[0]).toMatch(/^--x{47} \.\.\. x{47}: there is no such flag$/);
    expect(problemsOf(`--${'x'.repeat(100)}`)[0]).toMatch(/^--x{100}: there/);
  });
});

describe('in a flags file', () => {
  test.each<[string, object, string[]]>([
    ['a number', { 'max-tunnels': 9 }, ['--max-tunnels=9 f:1:16']],
    ['a short key', { x: 9 }, ['--max-tunnels=9 f:1:6']],
    ['a boolean', { cookie: false }, ['--cookie=false f:1:11']],
    ['a text', { 'svc-addr': 'a' }, ['--svc-addr=a f:1:13']],
    ['a number as a text', { 'svc-addr': 7 }, ['--svc-addr=7 f:1:13']],
    ['a list', { tunnel: ['a', 'b'] }, ['--tunnel=a f:1:12', '--tunnel=b f:1:16']],
    ['one of a list', { tunnel: 'a' }, ['--tunnel=a f:1:11']],
    ['files', { 'tunnels-file': ['a', 'b'] }, ['--tunnels-file=a f:1:18', '--tunnels-file=b f:1:22']],
    ['true where a text may be', { z: true }, ['--static-tunnels=true f:1:6']],
    ['a mask as a number', { 'core-mask': 16 }, ['--core-mask=0x10 f:1:14']],
    ['a section', { doca_program_flags: { x: 1 } }, ['--max-tunnels=1 f:1:28']],
    ['the other section', { doca_general_flags: { 'log-level': 50 } }, ['--log-level=50 f:1:36']],
    ['that of DPDK', { doca_dpdk_flags: { 'core-mask': 1 } }, ['--core-mask=0x1 f:1:33']],
  ])('%s', (_, file, values) => {
    expect(json(file)).toEqual({ values, problems: [] });
  });

  test.each<[string, string | object, string]>([
    ['a list for one', { 'svc-addr': ['a'] }, 'f:1:13: "svc-addr" is not a text'],
    ['a text for a number', { 'max-tunnels': '9' }, 'f:1:16: "max-tunnels" is not a number'],
    ['a number for a boolean', { cookie: 1 }, 'f:1:11: "cookie" is not a boolean'],
    ['an object for a list', { tunnel: {} }, 'f:1:11: "tunnel" is not a text or a list of texts'],
    ['a list in a list', { tunnel: [['a']] }, 'f:1:11: "tunnel" is not a text or a list of texts'],
    ['null', { z: null }, 'f:1:6: "static-tunnels" is not true, false or a text'],
    ['an empty text', { 'svc-addr': '' }, 'f:1:13: is empty; give it a value, or leave it out'],
    ['an empty one of a list', { tunnel: ['a', ''] }, 'f:1:16: is empty; give it a value, or leave it out'],
    ['a flag twice', '{"x":1,\n"max-tunnels":1}', 'f:2:1: "max-tunnels" is given twice'],
    ['a flag in two names', '{"max-tunnels":1,\n"x":1}', 'f:2:1: "x" is given twice, also as "max-tunnels"'],
    ['an unknown flag', { tunel: 1 }, 'f:1:2: there is no flag "tunel"; did you mean "tunnel"?'],
    ['another', { qqqqqqqqqqqq: 1 }, 'f:1:2: there is no flag "qqqqqqqqqqqq"'],
    [
      'a section in a section',
      { doca_program_flags: { doca_general_flags: {} } },
      'f:1:24: there is no flag "doca_general_flags"',
    ],
    [
      'a section that is none',
      { doca_general_flags: [] },
      'f:1:23: doca_general_flags is not an object of flags',
    ],
    ['a list of flags', '[]', 'f:1:1: the file is not an object of flags'],
    [
      'a mask of DPDK besides one of its own',
      '{"core-mask":1,\n"doca_dpdk_flags":{"core-mask":\n2}}',
      'f:3:1: "core-mask" is given twice',
    ],
  ])('%s is refused', (_, file, problem) => {
    expect(json(file).problems).toEqual([problem]);
  });

  test('it gives way to the command line, flag by flag', () => {
    const { values, problems } = read(
      ['-j', 'f', '-x', '2', '-t', 'c'],
      '{"x":1,"tunnel":["a","b"],"cookie":true}',
    );
    expect(problems).toEqual([]);
    expect(values.sort()).toEqual([
      '--cookie=true f:1:36',
      '--max-tunnels=2 --max-tunnels',
      '--tunnel=c --tunnel',
    ]);
  });

  test('it is read once, from the path that was given, and an unreadable one has no flags', () => {
    const paths: string[] = [];
    const problems = new Problems();
    const failing = (path: string) => {
      paths.push(path);
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    };
    const values = readFlagValues(['--json=a/b', '--cookie'], failing, problems);
    expect([paths, [...values.keys()], problems.list]).toEqual([
      ['a/b'],
      ['cookie'],
      ['--json: there is no file a/b'],
    ]);
  });
});

test('a flag that is not given has its default, if it has one', () => {
  const values = readFlagValues(['-x', '3'], () => '', new Problems());
  expect(flagValue(values, 'max-tunnels')).toEqual({ text: '3', where: '--max-tunnels' });
  expect(flagValue(values, 'hal')).toEqual({ text: expect.any(String), where: '--hal' });
  expect(flagValue(values, 'config')).toBeUndefined();
});
