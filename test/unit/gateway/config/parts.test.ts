/** The readers of single values, each at its bounds. */

import { describe, expect, test } from 'vitest';
import { readProblem } from '../../../../src/files/file-problem.js';
import {
  parseAnyMac,
  parseListenAddress,
  parseServiceAddress,
  parseTunnel,
  parseVip,
} from '../../../../src/gateway/config/addresses.js';
import { isDeviceText, parseDevice, parseRepresentors } from '../../../../src/gateway/config/devices.js';
import { PROBLEM_CHARACTERS_MAX, PROBLEMS_MAX } from '../../../../src/gateway/config/limits.js';
import { Problems, quoted, readText, shortened } from '../../../../src/gateway/config/problems.js';
import { Suggestions } from '../../../../src/gateway/config/suggestions.js';
import { DEFAULT_SERVICE_PORT } from '../../../../src/gateway/rpc/transport.js';

/** What a reader makes of a text, or why not. */
const outcome = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a service address', () => {
  test.each([
    ['10.0.0.1', { host: '10.0.0.1', port: DEFAULT_SERVICE_PORT }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['10.0.0.1:65535', { host: '10.0.0.1', port: 65_535 }],
    ['10.0.0.1:65536', '"65536" is not a port (1 to 65535)'],
    ['10.0.0.1:0', '"0" is not a port (1 to 65535)'],
    ['10.0.0.1:', '"" is not a port (1 to 65535)'],
    ['10.0.0.1:1x', '"1x" is not a port (1 to 65535)'],
    ['10.0.0.1:x1', '"x1" is not a port (1 to 65535)'],
    ['10.0.0.1:000001', '"000001" is not a port (1 to 65535)'],
    ['fd00::1', { host: 'fd00::1', port: DEFAULT_SERVICE_PORT }],
    ['[fd00::1]', { host: 'fd00::1', port: DEFAULT_SERVICE_PORT }],
    ['[fd00::1]:7', { host: 'fd00::1', port: 7 }],
  ])('%s', (text, read) => {
    expect(outcome(() => parseServiceAddress(text))).toEqual(read);
  });

  test.each(['x[fd00::1]:7', '[fd00::1]x', '[fd00::1]7', '', ':', 'x'])('%j is none', (text) => {
    expect(outcome(() => parseServiceAddress(text))).toBeTypeOf('string');
  });

  test('may be all addresses where one serves, and not where a peer is', () => {
    expect(parseListenAddress('0.0.0.0')).toMatchObject({ host: '0.0.0.0' });
    expect(outcome(() => parseServiceAddress('0.0.0.0'))).toBeTypeOf('string');
    for (const group of ['224.0.0.1', '255.255.255.255', 'ff02::1']) {
      expect(outcome(() => parseListenAddress(group))).toBeTypeOf('string');
    }
  });
});

describe('virtual addresses', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['10.1.2.3/32', '10.1.2.3'],
    ['fd00::1/128', 'fd00::1'],
  ])('%s is one', (text, ip) => {
    expect(parseVip(text)).toBe(ip);
  });

  test('with a length are a network, whose other bits are cleared', () => {
    expect(parseVip('7.7.7.7/24')).toMatchObject({ text: '7.7.7.0/24', bits: 24 });
    expect(parseVip('128.0.0.0/1')).toMatchObject({ bits: 1 });
  });

  test.each([
    '0.0.0.0/0',
    '127.1.0.0/16',
    '127.0.0.0/8',
    '224.1.0.0/16',
    'ff02::/16',
    '127.0.0.1/32',
    '10.0.0.0/33',
  ])('%s is refused', (text) => {
    expect(outcome(() => parseVip(text))).toBeTypeOf('string');
  });

  test('of a tunnel follow its service address', () => {
    const tunnel = (text: string) => outcome(() => parseTunnel(text));
    const service = { host: '10.0.0.1', port: DEFAULT_SERVICE_PORT };
    expect(tunnel('10.0.0.1:10.1.0.1, 10.1.0.2')).toEqual({
      serviceAddress: service,
      vips: ['10.1.0.1', '10.1.0.2'],
    });
    expect(tunnel('10.0.0.1:8:10.1.0.1')).toEqual({
      serviceAddress: { ...service, port: 8 },
      vips: ['10.1.0.1'],
    });
    expect(tunnel('[fd00::1]:8:fd00::2')).toEqual({
      serviceAddress: { host: 'fd00::1', port: 8 },
      vips: ['fd00::2'],
    });
    expect(tunnel('10.0.0.1')).toMatch(/^"10\.0\.0\.1" is not SERVICE-ADDRESS:VIRTUAL-IP/);
    expect(tunnel('10.0.0.1:')).toMatch(/is not SERVICE-ADDRESS/);
    expect(tunnel('10.0.0.1:10.1.0.1,10,1.0.2')).toMatch(/did you mean 10\.1\.0\.2\?$/);
    expect(tunnel('10.0.0.1:10,1,0,2')).toBe('"10,1,0,2" is not an IP address; did you mean 10.1.0.2?');
  });
});

test('a MAC address may be written as DPDK reads it, and no other way', () => {
  for (const text of [
    '2:0:0:0:0:1f',
    '02-00-00-00-00-1F',
    '0200:0000:001f',
    '0200.0000.001F',
    '02:00:00:00:00:1f',
  ]) {
    expect(parseAnyMac(text)).toBe('02:00:00:00:00:1f');
  }
  for (const text of [
    'x2:0:0:0:0:1f',
    '2:0:0:0:0:1fx',
    '2:0:0:0:0',
    '10200:0000:001f',
    '0200:0000:001f0',
    '0200000000:1f',
  ]) {
    expect(outcome(() => parseAnyMac(text))).not.toBe('02:00:00:00:00:1f');
  }
});

describe('devices', () => {
  test('are PCI addresses, with what else DPDK would read', () => {
    expect(parseDevice('03:00.0')).toEqual({ pciAddress: '0000:03:00.0', ignored: [] });
    expect(parseDevice('pci/0001:A3:00.1,pf0vf[0,2],dv_flow_en=2')).toEqual({
      pciAddress: '0001:a3:00.1',
      representors: 'pf0vf[0,2]',
      ignored: ['dv_flow_en=2'],
    });
    expect(outcome(() => parseDevice('auxiliary/x'))).toMatch(/by their PCI address only/);
    expect(outcome(() => parseDevice('03:00'))).toMatch(/^"03:00" is not a PCI address/);
  });

  test('are told from everything else', () => {
    const texts = ['03:00.0', 'pci/x', 'PCI/x,y', '03:00.0,pf0', '1pci/x', '/x', 'pf0vf1', '10.0.0.1', ''];
    expect(texts.map(isDeviceText)).toEqual([true, true, true, true, false, false, false, false, false]);
  });

  test.each([
    ['pf0vf1', { first: 'pf0vf1', count: 1 }],
    ['vf[0-3]', { first: 'vf0', count: 4 }],
    ['vf[0-3,7]', { first: 'vf0', count: 5 }],
    ['pf[0-1]vf[2-3]', { first: 'pf0vf2', count: 4 }],
    ['pf0vf1,pf0vf2', { first: 'pf0vf1', count: 2 }],
    ['[1]', { first: '[1]', count: 1 }],
    ['03:00.2', { first: '0000:03:00.2', count: 1 }],
  ])('representors %s', (text, read) => {
    expect(parseRepresentors(text)).toEqual(read);
  });

  test('of a representor have numbers that go forward, and no list has an empty one', () => {
    expect(outcome(() => parseRepresentors('vf[3-2]'))).toMatch(/the range 3-2 runs backwards$/);
    expect(outcome(() => parseRepresentors('vf[2-2]'))).toEqual({ first: 'vf2', count: 1 });
    expect(outcome(() => parseRepresentors('vf[0-99999999]'))).toMatch(/numbers go up to \d+$/);
    const [, most] = /numbers go up to (\d+)$/.exec(String(outcome(() => parseRepresentors('vf99999999'))))!;
    expect(parseRepresentors(`vf${most}`)).toEqual({ first: `vf${most}`, count: 1 });
    expect(outcome(() => parseRepresentors(`vf${Number(most) + 1}`))).toMatch(/numbers go up to/);
    expect(outcome(() => parseRepresentors('pf0,'))).toMatch(/^"pf0," is not /);
  });
});

describe('problems', () => {
  test('are kept once each in the order in which they were found, up to a number; of the rest there is a count', () => {
    const problems = new Problems();
    expect([problems.isEmpty, problems.list]).toEqual([true, []]);
    for (let i = 0; i < PROBLEMS_MAX; i++) problems.add('--flag', `${i}`);
    for (let i = 0; i < 3; i++) problems.add('--flag', '0');
    expect([problems.isEmpty, problems.list.length, problems.list[1]]).toEqual([
      false,
      PROBLEMS_MAX,
      '--flag: 1',
    ]);
    problems.add('--flag', 'more');
    problems.add('--flag', 'and more');
    expect(problems.list.at(-1)).toBe('and 2 more problems');
    expect(problems.list).toHaveLength(PROBLEMS_MAX + 1);
  });

  test('are no remarks, of which there is a number, too', () => {
    const problems = new Problems();
    for (let i = 0; i < PROBLEMS_MAX + 5; i++) problems.remark('--flag', `${i}`);
    expect([problems.isEmpty, problems.remarks.length, problems.remarks[2]]).toEqual([
      true,
      PROBLEMS_MAX,
      '--flag: 2',
    ]);
  });

  test('are short: of a long text there are its begin and its end', () => {
    expect(shortened('123456789', 9)).toBe('123456789');
    expect(shortened('1234567890', 9)).toBe('12 ... 90');
    expect(quoted('a')).toBe('"a"');
    const problems = new Problems();
    problems.add('x', 'y'.repeat(PROBLEM_CHARACTERS_MAX * 2));
    expect(problems.list[0]!.length).toBeLessThanOrEqual(PROBLEM_CHARACTERS_MAX);
  });

  test('of a file that cannot be read say why', () => {
    const withCode = (code: string) => Object.assign(new Error('text'), { code });
    expect(readProblem('f', withCode('ENOENT'))).toBe('there is no file f');
    expect(readProblem('f', withCode('EACCES'))).toBe('cannot read f: EACCES');
    expect(readProblem('f', new Error('text'))).toBe('cannot read f: Error: text');
    const problems = new Problems();
    const failing = () => {
      throw withCode('ENOENT');
    };
    expect(readText('f', '--file', 9, failing, problems)).toBeUndefined();
    expect(problems.list).toEqual(['--file: there is no file f']);
    expect(readText('f', '--file', 9, (path, most) => `${path} ${most}`, problems)).toBe('f 9');
  });
});

describe('a name that is not known', () => {
  const near = (name: string, names: readonly string[]) => new Suggestions().near(name, names);

  test('is taken for the nearest that is', () => {
    expect(near('peer', ['pear', 'peers', 'per', 'tunnel'])).toBe('pear');
    expect(near('tunel', ['tunnel', 'tune'])).toBe('tunnel');
    expect(near('abcd', ['abxy', 'x'])).toBe('abxy');
    expect(near('abcd', ['axyz'])).toBeUndefined();
    expect(near('abcdefghi', ['abcdefxyz', 'x'])).toBe('abcdefxyz');
    expect(near('abcdefghi', ['abcdewxyz'])).toBeUndefined();
    expect(near('abc', [])).toBeUndefined();
  });

  test('is taken for one that has half of it at least, where it is short', () => {
    expect(near('at', ['to', 'on', 'for', 'rate'])).toBeUndefined();
    expect(near('h9', ['h1', 's1'])).toBe('h1');
    expect(near('h', ['h1'])).toBeUndefined();
    expect(near('a', ['b'])).toBeUndefined();
    expect(near('fro', ['to', 'down', 'for'])).toBe('for');
    expect(near('abc', ['axy'])).toBeUndefined();
    expect(near('abc', ['axc'])).toBe('axc');
  });

  test('may have two characters the wrong way round, which is one change', () => {
    expect(near('ot', ['to'])).toBe('to');
    expect(near('rtae', ['gate', 'rate'])).toBe('rate');
    // Two and one changes, not two swaps that have a character in common.
    expect(near('bca', ['abc'])).toBeUndefined();
  });

  test('costs work for names of about its length only', () => {
    const suggestions = new Suggestions();
    suggestions.near('abc', ['abcdefghijkl', 'abd', 'abcd']);
    expect(suggestions.steps).toBe(9);
    suggestions.near('abc', ['abcd']);
    expect(suggestions.steps).toBe(9 + 12);
  });

  test('of two that are as near is the one that comes first', () => {
    expect(near('tune', ['tuna', 'tune1'])).toBe('tuna');
    expect(near('tune', ['tune1', 'tuna'])).toBe('tune1');
  });
});
