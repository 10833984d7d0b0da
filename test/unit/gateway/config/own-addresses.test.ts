/** Addresses that nobody can have, that are ours and not a peer's, and that are written in two ways. */
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { printable } from '../../../../src/base/printable.js';
import { checkRun } from '../../../../src/cli/check-run.js';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import { type OptionsRead, readGatewayOptions } from '../../../../src/gateway/config/read-options.js';

const WIRE = ['--insecure', '--outer-ip-type=ipv4', '--sim-wire=udp:127.0.0.1'];
const HOST = [...WIRE, '--sim-vf=host:192.168.1.33'];

function read(argv: readonly string[], file = ''): OptionsRead {
  return readGatewayOptions(argv, () => file, { check: checkRun });
}

function problemsOf(argv: readonly string[], file = ''): readonly string[] {
  try {
    read(argv, file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const NOBODYS = ['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', '::ffff:255.255.255.255'];
const LOOPBACK = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
const REFUSED =
  /(?:, and no host's own address; give a unicast address|is loopback, and never leaves its host; give an address of a network)$/;

describe('addresses that nobody can have', () => {
  /** Flags, what they are given, and whether loopback is an address there. */
  const PLACES: readonly [
    what: string,
    argv: (ip: string) => readonly string[],
    where: string,
    loopback: boolean,
  ][] = [
    ['peers', (ip) => [...HOST, '-t', `[${ip}]:3001:1.1.1.1`], '--tunnel', true],
    ['virtual addresses of peers', (ip) => [...HOST, '-t', `10.0.0.1:${ip}`], '--tunnel', false],
    ['those of a list', (ip) => [...HOST, '-t', `10.0.0.1:1.1.1.1,${ip}`], '--tunnel', false],
    ['addresses of the VF', (ip) => [...HOST, '--local-virt-ip', ip], '--local-virt-ip', false],
    ['addresses of a host', (ip) => [...WIRE, `--sim-vf=host:${ip}`], '--sim-vf', false],
    ['addresses of a TAP interface', (ip) => [...WIRE, `--sim-vf=tap:vf0,${ip}`], '--sim-vf', false],
    ['whom to ping', (ip) => [...HOST, '--inner=both', '--ping', ip], '--ping', false],
    ['where static tunnels are from', (ip) => [...HOST, '--inner=both', '-z', ip], '--static-tunnels', false],
  ];
  test.each(PLACES)('%s', (_, argv, where, loopback) => {
    for (const ip of [...NOBODYS, ...(loopback ? [] : LOOPBACK)]) {
      const [problem, ...more] = problemsOf(argv(ip)).filter((text) => !text.includes('has no such address'));
      expect(problem, ip).toMatch(REFUSED);
      expect(problem?.startsWith(`${where}: `), problem).toBe(true);
      expect(more, ip).toEqual([]);
    }
    if (loopback) for (const ip of LOOPBACK) expect(problemsOf(argv(ip))).toEqual([]);
  });

  test('outer addresses, which may be loopback', () => {
    for (const ip of ['0.0.0.0', '224.0.0.1', '255.255.255.255']) {
      expect(problemsOf([...HOST, '--local-pip', ip])[0]).toMatch(REFUSED);
      const wire = [
        '--insecure',
        '--outer-ip-type=ipv4',
        `--sim-wire=udp:${ip}`,
        '--sim-vf=host:192.168.1.33',
      ];
      expect(problemsOf(wire)[0]).toMatch(REFUSED);
    }
    expect(problemsOf([...HOST, '--local-pip', '127.0.0.1'])).toEqual([]);
  });

  test('where to serve is one address or all, and no group', () => {
    for (const ip of ['0.0.0.0', '[::]', '127.0.0.1', '[::ffff:10.0.0.9]'])
      expect(problemsOf([...HOST, '-s', ip]), ip).toEqual([]);
    for (const ip of ['224.0.0.1', '[ff02::1]', '255.255.255.255'])
      expect(problemsOf([...HOST, '-s', ip])[0], ip).toMatch(REFUSED);
  });

  test('in a session file, each where it stands', () => {
    const file = JSON.stringify({
      config: { 'local-grpc-address': '239.0.0.1', 'local-pip': '0.0.0.0' },
      peers: [
        { 'remote-grpc-address': '0.0.0.0', sessions: [] },
        {
          'remote-grpc-address': '10.0.0.1',
          sessions: [{ 'local-vip': '127.0.0.1', 'remote-vips': ['::', '1.1.1.1'] }],
        },
      ],
    });
    const problems = problemsOf([...HOST, '--config', 'file'], file);
    expect(problems.map((text) => text.replace(/^file:1:\d+: ([a-z-]+): .*/, '$1'))).toEqual([
      'local-grpc-address',
      'local-pip',
      'remote-grpc-address',
      'local-vip',
      'remote-vips',
    ]);
    for (const problem of problems) expect(problem).toMatch(REFUSED);
  });

  test('prefixes in which nobody has an address; others may have some', () => {
    for (const prefix of [
      '127.0.0.0/8',
      '127.1.2.0/24',
      '224.0.0.0/4',
      '239.1.0.0/16',
      'ff00::/8',
      '::ffff:127.0.0.0/104',
    ])
      expect(problemsOf([...HOST, '-t', `10.0.0.1:${prefix}`])[0], prefix).toMatch(
        /^--tunnel: .* is (?:loopback|multicast), and no host of a network has such an address$/,
      );
    for (const prefix of ['128.0.0.0/1', '0.0.0.0/8', '126.0.0.0/7', 'fe00::/7', '223.0.0.0/8'])
      expect(problemsOf([...HOST, '-t', `10.0.0.1:${prefix}`]), prefix).toEqual([]);
  });
});

describe('what is ours is no peer’s', () => {
  test('a virtual address of ours', () => {
    const own = ", is an address of our own workload, and no peer's; leave it out".slice(2);
    expect(problemsOf([...HOST, '--local-virt-ip', '1.1.1.1', '-t', '10.0.0.1:1.1.1.1'])).toEqual([
      `--tunnel: 1.1.1.1 ${own}`,
    ]);
    expect(problemsOf([...HOST, '-z', '1.1.1.1', '-f', 'file'], '\n10.0.0.1:1.1.1.2,1.1.1.1/32\n')).toEqual([
      `file:2: 1.1.1.1 ${own}`,
    ]);
    expect(problemsOf([...HOST, '-t', '10.0.0.1:192.168.1.33'])).toEqual([
      '--sim-vf: 192.168.1.33 is listed as an address of peer 10.0.0.1:3000; leave it out of one',
    ]);
    const sessions = [{ 'local-vip': '1.1.1.1', 'remote-vips': ['1.1.1.1'] }];
    const file = JSON.stringify({ peers: [{ 'remote-grpc-address': '10.0.0.1', sessions }] });
    expect(problemsOf([...HOST, '--config', 'file'], file)).toEqual([
      expect.stringMatching(`1.1.1.1 ${own}$`),
    ]);
    // Of a prefix of a peer's ours are left out.
    expect(problemsOf([...HOST, '-t', '10.0.0.1:192.168.1.0/24'])).toEqual([]);
  });

  test('our own service address', () => {
    expect(problemsOf([...HOST, '-s', '10.0.0.1', '-t', '10.0.0.1:1.1.1.1'])).toEqual([
      '--tunnel: 10.0.0.1:3000 is where we serve ourselves; leave it out',
    ]);
    expect(problemsOf([...HOST, '-s', '10.0.0.1', '-t', '[::ffff:10.0.0.1]:3000:1.1.1.1'])).toHaveLength(1);
    expect(problemsOf([...HOST, '-s', '10.0.0.1:3001', '-t', '10.0.0.1:1.1.1.1'])).toEqual([]);
    const file = '{"peers": [{"remote-grpc-address": "10.0.0.1", "sessions": []}]}';
    expect(problemsOf([...HOST, '-s', '10.0.0.1', '--config', 'file'], file)).toEqual([
      'file:1:12: 10.0.0.1:3000 is where we serve ourselves; leave it out',
    ]);
  });

  test('an address of this machine, where all of them serve', () => {
    const { address } = Object.values(networkInterfaces()).flatMap((all) => all ?? [])[0]!;
    const host = address.includes(':') ? `[${address}]` : address;
    expect(problemsOf([...HOST, '-t', `${host}:3000:1.1.1.1`])).toEqual([
      `--svc-addr: serves at ${host}:3000 too, which is listed as a peer; leave it out`,
    ]);
    expect(problemsOf([...HOST, '-t', `${host}:3001:1.1.1.1`])).toEqual([]);
  });
});

test('static tunnels are of a family that the tunnels carry', () => {
  expect(problemsOf([...HOST, '-z', 'fd00::1'])).toEqual([
    '--static-tunnels: fd00::1 is IPv6, and the tunnels carry IPv4; say --inner ipv6 or both',
  ]);
  expect(problemsOf([...HOST, '--inner=ipv6', '-z', '::ffff:1.1.1.1'])).toEqual([
    '--static-tunnels: 1.1.1.1 is IPv4, and the tunnels carry IPv6; say --inner ipv4 or both',
  ]);
});

describe('an IPv4-mapped address is the IPv4 address', () => {
  test('of peers and workloads', () => {
    const { options, run } = read([
      ...[
        '--insecure',
        '--outer-ip-type=ipv4',
        '--sim-wire=udp:[::ffff:127.0.0.1]',
        '--local-pip=::ffff:7f00:1',
      ],
      ...[
        '--sim-vf=host:::ffff:192.168.1.33',
        '-t',
        '10.0.0.1:::ffff:1.1.1.1,::ffff:1.1.2.0/120,::fffe:0:0/95',
      ],
      ...['--local-virt-ip=::ffff:2.2.2.2', '--ping=::ffff:1.1.1.1', '-z', '::FFFF:0202:0202'],
    ]);
    expect(options).toMatchObject({
      localPip: '127.0.0.1',
      localVirtualIps: ['2.2.2.2'],
      staticTunnels: '2.2.2.2',
    });
    expect(run.ping).toBe('1.1.1.1');
    const [{ virtualIps, virtualPrefixes }] = options.peers as [(typeof options.peers)[0]];
    expect(virtualIps).toEqual(['1.1.1.1']);
    // More than the mapped addresses is IPv6's.
    expect(virtualPrefixes?.map(({ text }) => text)).toEqual(['1.1.2.0/24', '::fffe:0:0/95']);
  });

  test('so that nobody owns it twice', () => {
    expect(problemsOf([...HOST, '-t', '10.0.0.1:1.1.1.1', '-t', '10.0.0.2:::ffff:1.1.1.1'])).toEqual([
      '--tunnel: 1.1.1.1 belongs to 10.0.0.1:3000 already (--tunnel)',
    ]);
  });

  test('in session files', () => {
    const sessions = [{ 'local-vip': '::ffff:2.2.2.2', 'remote-vips': ['::ffff:1.1.1.1'] }];
    const peer = { 'remote-grpc-address': '10.0.0.1', sessions, underlay: ['::ffff:10.0.0.0/120'] };
    const { options } = read([...HOST, '--config', 'file'], JSON.stringify({ peers: [peer] }));
    expect(options.peers).toMatchObject([
      {
        virtualIps: ['1.1.1.1'],
        pairs: [{ localVip: '2.2.2.2', remoteVip: '1.1.1.1' }],
        underlay: [{ octets: Uint8Array.of(10, 0, 0, 0), bits: 24 }],
      },
    ]);
  });
});

describe('what is said of a value', () => {
  test('is said of an empty one, wherever it is', () => {
    const empty = 'is empty; give it a value, or leave it out';
    expect(problemsOf([...HOST, '-f', '', '--config=', '-t', '', '--state-file', ''])).toEqual([
      `--tunnels-file: ${empty}`,
      `--config: ${empty}`,
      `--tunnel: ${empty}`,
      `--state-file: ${empty}`,
    ]);
    expect(problemsOf([...HOST, '-j', ''])).toEqual([`--json: ${empty}`]);
    expect(problemsOf([...HOST, '-j', 'file'], '{"tunnels-file": ""}')).toEqual([`file:1:18: ${empty}`]);
  });

  test('quotes no more of it than tells which it is', () => {
    for (const argv of [
      ['-x', '9'.repeat(9999)],
      ['--hal', 'x'.repeat(9999)],
      ['--perf-print', 'x'.repeat(9999)],
    ]) {
      const [problem] = problemsOf([...HOST, ...argv]);
      expect(problem!.length).toBeLessThan(200);
    }
  });

  test('drives no terminal', () => {
    expect(printable('a\0b\rc\u001b[2Jd\u009be\u202ef\ng')).toBe(
      'a\\u{0}b\\u{d}c\\u{1b}[2Jd\\u{9b}e\\u{202e}f\\ng',
    );
  });
});
