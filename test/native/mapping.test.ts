/** The software DOCA's mapping file: mistakes in it, and which MAC address a port has. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import { buildSoftProgram, softIsBuilt } from '../support/soft-program.js';

const RELEASE = '3.1';
const PORT = 'port = net_null0,no-rx=1';
const FILE_OCTETS_MAX = 256 * 1024;
const SECTIONS_MAX = 1024;
const MISTAKES_MAX = 100;
const NO_MAC = '00:00:00:00:00:00';

const PROCESSORS = Number(execFileSync('getconf', ['_NPROCESSORS_CONF'], { encoding: 'utf8' }));

/** Interfaces of this machine that have a MAC address, and theirs. */
const INTERFACES = readdirSync('/sys/class/net')
  .map((name) => [name, addressOf(name)] as const)
  .filter(([, mac]) => /^..(:..){5}$/.test(mac) && mac !== NO_MAC);

/** What is wrong, the file, and what is said of it. */
const MISTAKES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  [
    'an interface that is not there',
    ['[device 03:00.0]', PORT, 'interface = nosuch'],
    ['3: there is no interface "nosuch"'],
  ],
  [
    "a representor's interface that is not there",
    ['[device 03:00.0]', PORT, '[representor vf0]', 'interface = nosuch', PORT],
    ['4: there is no interface "nosuch"'],
  ],
  [
    'a processor that is not there',
    ['[device 03:00.0]', 'core = 1023', PORT],
    [`2: expected a number from 0 to ${PROCESSORS - 1}, got "1023"`],
  ],
  [
    'crypto of another name',
    ['[device 03:00.0]', 'crypto = aes', PORT],
    ['2: expected auto, ipsec-mb or openssl, got "aes"'],
  ],
  [
    'completions of another kind',
    ['[device 03:00.0]', 'completions = outside', PORT],
    ['2: expected queued, late, one, shuffled, control or inside, got "outside"'],
  ],
  [
    'equal keys and numbers of entries of another kind',
    ['[device 03:00.0]', 'equal-keys = oldest', 'nr-entries = 8192', 'gmac = maybe', PORT],
    [
      '2: expected newest or refused, got "oldest"',
      '3: expected hint or limit, got "8192"',
      '4: expected yes or no, got "maybe"',
    ],
  ],
  [
    'completions of a representor',
    ['[device 03:00.0]', PORT, '[representor vf0]', PORT, 'completions = inside'],
    ['5: there is no key "completions" here'],
  ],
  [
    'two sections of a device',
    ['[device 0a:00.0]', PORT, '', '[device 0000:0A:00.0]', PORT],
    ['4: device 0000:0A:00.0 has a section already'],
  ],
  [
    'two sections of a representor',
    ['[device 03:00.0]', PORT, '[representor vf0]', PORT, '[representor vf0]', PORT],
    ['5: representor vf0 has a section of this device already'],
  ],
  ['a key twice', ['[device 03:00.0]', PORT, 'mtu = 1500', PORT], ['4: line 2 says port already']],
  [
    'a first SPI without master keys',
    ['[device 03:00.0]', 'test-first-spi = 9', PORT],
    ['2: test-first-spi is for test-master-keys, which are missing'],
  ],
  [
    'a section without a port',
    ['[device 03:00.0]', 'mtu = 1500', '[representor vf0]', PORT],
    ['1: [device 03:00.0] has no port = ..., the DPDK port behind it'],
  ],
  ['a key before any section', [PORT], ['1: expected [device PCI] first']],
  [
    'all that is wrong',
    ['[device 03:00.0]', 'mtu = 1', '[representor vf0]', PORT, 'mac = 1'],
    [
      '1: [device 03:00.0] has no port = ..., the DPDK port behind it',
      '2: expected a number from 68 to 65535, got "1"',
      '5: expected pairs of hexadecimal digits',
    ],
  ],
];

function body(): void {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-mapping-'));
  const mapping = join(folder, 'mapping.conf');
  let program = '';
  beforeAll(() => {
    program = buildSoftProgram('devices.c', RELEASE, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (path: string, ...args: string[]) => {
    const { stdout, status } = spawnSync(program, args, {
      env: { ...process.env, DOCA_SOFT_CONFIG: path },
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    return stdout.replace(/^.*\[doca-soft\] |^\[DOCA\]\[ERR\] /gm, '');
  };

  test.each(MISTAKES)('names %s', (_, lines, said) => {
    writeFileSync(mapping, lines.join('\n'));
    expect(run(mapping).trim().split('\n')).toEqual([
      ...said.map((mistake) => `${mapping}:${mistake}`),
      'list: DOCA_ERROR_BAD_CONFIG',
    ]);
  });

  test('says that a directory is none', () => {
    const [log, result] = run(folder).trim().split('\n');
    expect(log!.slice(log!.indexOf(folder))).toBe(`${folder}: Is a directory`);
    expect(result).toBe('list: DOCA_ERROR_BAD_CONFIG');
  });

  describe('ends at its bounds', () => {
    const said = (text: string) => {
      writeFileSync(mapping, text);
      const lines = run(mapping).trim().split('\n');
      return { first: lines[0]!.slice(Math.max(0, lines[0]!.indexOf(mapping))), count: lines.length };
    };
    const device = (i: number) => `[device 0000:${i >> 8}:${(i & 255).toString(16)}.0]\n${PORT}\n`;

    test('of octets', () => {
      const file = (octets: number) => `${device(3)}#`.padEnd(octets, '.');
      expect(said(file(FILE_OCTETS_MAX))).toEqual({ first: 'device 0000:0:3.0', count: 1 });
      expect(said(file(FILE_OCTETS_MAX + 1))).toEqual({
        first: `${mapping}: larger than ${FILE_OCTETS_MAX} octets`,
        count: 2,
      });
    });

    test('of sections', () => {
      const file = (sections: number) => Array.from({ length: sections }, (_, i) => device(i)).join('');
      expect(said(file(SECTIONS_MAX)).count).toBe(SECTIONS_MAX);
      expect(said(file(SECTIONS_MAX + 1))).toEqual({
        first: `${mapping}: more than ${SECTIONS_MAX} sections`,
        count: 2,
      });
    });

    test('of mistakes that it tells', () => {
      const file = (mistakes: number) => device(3) + 'nonsense\n'.repeat(mistakes);
      expect(said(file(MISTAKES_MAX - 1)).count).toBe(MISTAKES_MAX);
      expect(said(file(10 * MISTAKES_MAX)).count).toBe(MISTAKES_MAX + 1);
    });

    test('with a file that never ends', () => {
      expect(run('/dev/zero')).toContain(`/dev/zero: larger than ${FILE_OCTETS_MAX} octets`);
    });
  });

  test('takes what is right', () => {
    const lines = ['[device 0A:00.0]', PORT, 'core = 0', 'crypto = openssl', '[representor vf0]', PORT];
    // An interface that the port makes is not there before.
    const other = ['[device 0000:0b:00.0]', 'interface = nosuch', 'port = net_tap0,iface=nosuch'];
    writeFileSync(mapping, [...lines, ...other, '[representor vf0]', PORT].join('\n'));
    expect(run(mapping)).toBe('device 0000:0a:00.0\ndevice 0000:0b:00.0\n');
  });

  describe('gives a port', () => {
    const macs = (pf: readonly string[], vf: readonly string[]) => {
      const device = ['[device 0a:00.0]', ...pf, 'buffers = 1024', '[representor vf0]', ...vf];
      writeFileSync(mapping, device.join('\n'));
      const eal = ['--no-huge', '--no-shconf', '-m', '256', '--file-prefix', `psp-mapping-${process.pid}`];
      const lines = run(mapping, '0a:00.0', ...eal).matchAll(/^(\S+) (..(?::..){5})$/gm);
      return Object.fromEntries([...lines].map(([, name, mac]) => [name, mac]));
    };

    test('the MAC address that the file says', () => {
      const pf = '02:00:00:00:00:0a';
      const vf = '02:00:00:00:00:0b';
      const others = INTERFACES.slice(0, 1).map(([name]) => `interface = ${name}`);
      expect(
        macs(
          ['port = net_null0,no-rx=1', `mac = ${pf}`, ...others],
          ['port = net_null1,no-rx=1', `mac = ${vf}`, ...others],
        ),
      ).toEqual({ before: pf, after: pf, PF: pf, representor: vf });
    });

    test.skipIf(INTERFACES.length === 0)("or else the interface's", () => {
      const [name, mac] = INTERFACES[0]!;
      expect(
        macs(
          ['port = net_null0,no-rx=1', `interface = ${name}`],
          ['port = net_null1,no-rx=1', `interface = ${name}`],
        ),
      ).toEqual({ before: mac, after: mac, PF: mac, representor: mac });
    });

    test("or else the DPDK port's, as soon as there is one", () => {
      const found = macs(['port = net_null0,no-rx=1'], ['port = net_null1,no-rx=1']);
      expect(found.before).toMatch(/^02:d0:/);
      expect(found.after).toBe(found.PF);
      for (const mac of [found.PF, found.representor]) {
        expect(mac).not.toMatch(/^02:d0:/);
        expect(mac).not.toBe(NO_MAC);
      }
    });

    test('or else one of its own making', () => {
      const found = macs(['port = net_ring0'], ['port = net_ring1']);
      for (const mac of Object.values(found)) expect(mac).toMatch(/^02:d0:/);
      expect(found.after).toBe(found.before);
      expect(found.PF).toBe(found.before);
      expect(found.representor).not.toBe(found.PF);
    });
  });
}

describeOnNative("the software DOCA's mapping file", softIsBuilt([RELEASE]), body);

function addressOf(name: string): string {
  try {
    return readFileSync(join('/sys/class/net', name, 'address'), 'utf8').trim();
  } catch {
    return '';
  }
}
