import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseServiceAddress, parseTunnel } from '../../../../src/gateway/config/addresses.js';
import { FLAGS } from '../../../../src/gateway/config/flags.js';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../../src/gateway/config/read-options.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';
import { FLAGS_NOT_HERE } from '../../../../src/topology/file/flags-not-here.js';
import { ROOT } from '../../../support/root.js';

function read(argv: string[], files: Record<string, string> = {}) {
  return readGatewayOptions(argv, (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  });
}

function problemsOf(argv: string[], files: Record<string, string> = {}): readonly string[] {
  try {
    read(argv, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('flags', () => {
  // DOCA 2.8's application: long name, short form, default.
  test.each([
    ['log-level', 'l', '50'],
    ['sdk-log-level', undefined, '40'],
    ['pci-addr', 'p', undefined],
    ['repr', 'r', '[0]'],
    ['core-mask', 'm', '0x3'],
    ['decap-dmac', undefined, undefined],
    ['local-virt-ip', undefined, undefined],
    ['vf-name', 'd', undefined],
    ['nexthop-dmac', 'n', undefined],
    ['svc-addr', 's', '0.0.0.0:3000'],
    ['tunnel', 't', undefined],
    ['tunnels-file', 'f', undefined],
    ['cookie', 'c', undefined],
    ['disable-ingress-acl', 'a', undefined],
    ['sample-rate', undefined, '0'],
    ['maintain-order', undefined, undefined],
    ['max-tunnels', 'x', '256'],
    ['crypt-offset', 'o', undefined],
    ['psp-version', undefined, '1'],
    ['static-tunnels', 'z', undefined],
    ['debug-keys', 'k', undefined],
    ['stat-print', undefined, undefined],
    ['perf-print', undefined, undefined],
    ['show-rss-rx-packets', undefined, undefined],
    ['outer-ip-type', undefined, 'ipv6'],
    ['inner', undefined, 'ipv4'],
    ['mode', undefined, 'tunnel'],
  ])('--%s has the short form and the default of DOCA', (name, short, value) => {
    const flag = FLAGS.find((one) => one.name === name);
    expect(flag?.short).toBe(short);
    expect(flag?.default).toBe(value);
  });

  test('names and short forms are unique', () => {
    const names = FLAGS.flatMap((flag) => [flag.name, ...(flag.aliases ?? []), ...(flag.formerNames ?? [])]);
    expect(new Set(names).size).toBe(names.length);
    const shorts = FLAGS.flatMap((flag) => flag.short ?? []);
    expect(new Set(shorts).size).toBe(shorts.length);
  });

  test("the documents' example", () => {
    const argv = ['-p', '03:00.0', '-r', 'vf0pf0', '-d', 'ens2f0v0', '-t', '10.1.1.55:192.168.1.55'];
    const { options } = read([...argv, '--hal=doca', '--insecure']);
    expect(options).toMatchObject({
      pciAddress: '0000:03:00.0',
      representor: 'pf0vf0',
      vfName: 'ens2f0v0',
      serviceAddress: { host: '0.0.0.0', port: 3000 },
      peers: [{ serviceAddress: { host: '10.1.1.55', port: 3000 }, virtualIps: ['192.168.1.55'] }],
      pspVersion: 1,
      maxTunnels: 256,
      outerFamily: 6,
      innerFamilies: [4],
      ingressAcl: true,
    });
  });

  test('are all read, and a topology refuses none that there is not', () => {
    const files = [
      'read-options',
      'option-values',
      'limit-flags',
      'peer-flags',
      'device-flags',
      'extension-flags',
    ];
    const reader = files
      .map((name) => readFileSync(join(ROOT, `src/gateway/config/${name}.ts`), 'utf8'))
      .join('\n');
    const names = FLAGS.map(({ name }) => name);
    expect(names.filter((name) => !reader.includes(`'${name}'`))).toEqual([]);
    expect(Object.keys(FLAGS_NOT_HERE).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('all spellings: --name=value, -xvalue, -x=value, -x value, joined short flags, aliases', () => {
    for (const argv of [
      ['--max-tunnels=9'],
      ['--max-tunnels', '9'],
      ['-x9'],
      ['-x=9'],
      ['-x', '9'],
      ['-ckx9'],
    ]) {
      expect(read([...argv, '--insecure']).options.maxTunnels).toBe(9);
    }
    expect(read(['-ack', '--insecure']).options).toMatchObject({
      cookies: true,
      ingressAcl: false,
      debugKeys: true,
    });
    expect(
      read(['--inner-ip-type', 'ipv6', '--device', '3:0.0'.replace('3:0', '03:00'), '--insecure']).options,
    ).toMatchObject({
      innerFamilies: [6],
      pciAddress: '0000:03:00.0',
    });
  });

  test('peers whose addresses no tunnel carries are worth a line', () => {
    const remarks = (...argv: string[]) => read(['--insecure', ...argv]).run.remarks;
    expect(remarks('-t', '192.0.2.1:fd00::1', '-t', '192.0.2.2:fd00::/64')).toEqual([
      '--inner: tunnels carry IPv4, and all virtual addresses of peers are IPv6; say --inner ipv6, or both',
    ]);
    expect(remarks('-t', '192.0.2.1:fd00::1,10.0.0.1')).toEqual([]);
    expect(remarks('-t', '192.0.2.1:fd00::1', '--inner', 'both')).toEqual([]);
    expect(remarks()).toEqual([]);
    // A name of before.
    expect(remarks('--session-idle=7')).toEqual([
      '--session-idle: is an old name of idle-timeout, and is taken still',
    ]);
    expect(read(['--insecure', '--session-idle=7']).options.limits.sessionIdleS).toBe(7);
  });

  test("what is the simulator's is refused with --hal=doca, wherever it was given, together with the rest", () => {
    const flags = {
      'sim-wire': 'udp',
      'sim-vf': 'host',
      snaplen: 64,
      aead: 'noble',
      ping: '10.0.0.1',
      'ping-count': 1,
    };
    const names = FLAGS.filter(({ group }) => group === 'Simulator').map(({ name }) => name);
    expect(Object.keys(flags).sort()).toEqual([...names].sort());
    const common = ['--insecure', '--hal=doca', '-p', '03:00.0'];
    const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const refused = names.map((name) => `--${name}: is for --hal=sim`);
    const wrong = '--sample-rate: "99" is not a whole number from 0 to 16';
    expect([...problemsOf([...common, ...given, '--sample-rate=99'])].sort()).toEqual(
      [...refused, wrong].sort(),
    );
    expect(problemsOf([...common, '-j', 'f.json'], { 'f.json': JSON.stringify({ snaplen: 64 }) })).toEqual([
      'f.json:1:12: is for --hal=sim',
    ]);
    expect(problemsOf(common)).toEqual([]);
    expect(problemsOf(['--insecure', ...given])).toEqual([]);
  });

  test('an address of the workload counts once, however often it is given', () => {
    const { options } = read([
      ...['--insecure', '--local-virt-ip', '10.9.0.1,10.9.0.2,10.9.0.1,::ffff:10.9.0.2'],
      ...['-t', '192.0.2.1:10.0.0.0/24', '--inner=ipv4'],
    ]);
    expect(options.localVirtualIps).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(options.maxTunnels).toBe(512);
  });

  test("the engine of AES-GCM is the simulator's", () => {
    expect(read(['--insecure']).options.aead).toBe('openssl');
    expect(read(['--insecure', '--aead', 'noble']).options.aead).toBe('noble');
    expect(problemsOf(['--insecure', '--aead', 'gcm'])).toEqual([
      '--aead: "gcm" is not one of openssl, noble',
    ]);
    expect(problemsOf(['--insecure', '--hal=doca', '-p', '03:00.0', '--aead', 'noble'])).toEqual([
      '--aead: is for --hal=sim',
    ]);
  });

  test('every problem is reported at once, with its flag', () => {
    const problems = problemsOf([
      '--max-tunels=3',
      '-x0',
      '-p',
      '3.0',
      '--psp-version=4',
      '--mode=bridge',
      '-t',
      'nowhere',
      '--decap-dmac',
      '02:00',
      '--maintain-order',
      '--ping',
    ]);
    for (const words of [
      '--max-tunels: there is no such flag; did you mean --max-tunnels?',
      '"0" is not a whole number from 1 to 250000',
      '"3.0" is not a PCI address',
      '--psp-version: "4" is not a whole number from 0 to 3',
      '--mode: "bridge" is not one of tunnel, transport',
      '--tunnel: "nowhere" is not SERVICE-ADDRESS:VIRTUAL-IP',
      '--decap-dmac: "02:00" is not a MAC address',
      '--maintain-order: is for sampling',
      '--ping: needs a value',
      '--tls-ca: all three are needed',
    ]) {
      expect(
        problems.some((problem) => problem.includes(words)),
        `${words}\n${problems.join('\n')}`,
      ).toBe(true);
    }
    expect(problems).toHaveLength(10);
  });

  test('conflicts', () => {
    expect(
      problemsOf(['--hal=doca', '-p', '03:00.0', '-d', 'x', '--local-virt-ip', '10.0.0.1', '--insecure']),
    ).toEqual(['--local-virt-ip: does not go together with --vf-name']);
    expect(problemsOf(['--insecure', '-t', '10.0.0.1:1.1.1.1', '-t', '10.0.0.2:1.1.1.1'])).toEqual([
      '--tunnel: 1.1.1.1 belongs to 10.0.0.1:3000 already (--tunnel)',
    ]);
    expect(problemsOf(['--tls-ca', 'ca.pem'])[0]).toContain(
      '--tls-ca, --tls-cert, --tls-key: all three are needed',
    );
  });
});

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1', 3000],
    ['10.0.0.1:80', '10.0.0.1', 80],
    ['[fd00::1]', 'fd00::1', 3000],
    ['[fd00::1]:80', 'fd00::1', 80],
    ['fd00::1', 'fd00::1', 3000],
  ])('service address %s', (text, host, port) => {
    expect(parseServiceAddress(text)).toEqual({ host, port });
  });

  test.each([
    ['10.0.0.1:192.168.1.1', '10.0.0.1', 3000, ['192.168.1.1']],
    ['10.0.0.1:80:192.168.1.1,192.168.1.2', '10.0.0.1', 80, ['192.168.1.1', '192.168.1.2']],
    ['10.0.0.1:fd00::1', '10.0.0.1', 3000, ['fd00::1']],
    ['[fd00::9]:80:fd00::1', 'fd00::9', 80, ['fd00::1']],
    ['[fd00::9]:fd00::1,10.0.0.1', 'fd00::9', 3000, ['fd00::1', '10.0.0.1']],
    ['10.0.0.1:192.168.1.48/32', '10.0.0.1', 3000, ['192.168.1.48']],
    ['10.0.0.1:80:192.168.1.48/28,fd00::1/128', '10.0.0.1', 80, [parsePrefix('192.168.1.48/28'), 'fd00::1']],
    ['10.0.0.1:7.7.7.7/24', '10.0.0.1', 3000, [parsePrefix('7.7.7.0/24')]],
    ['[fd00::9]:fd00:0:0:1::55/64', 'fd00::9', 3000, [parsePrefix('fd00:0:0:1::/64')]],
  ])('tunnel %s', (text, host, port, vips) => {
    expect(parseTunnel(text)).toEqual({ serviceAddress: { host, port }, vips });
  });

  test.each([
    '10.0.0.1:1.1.1.1/33',
    '10.0.0.1:1.1.1.1/',
    '10.0.0.1:1.1.1.1/-1',
    '10.0.0.1:1.1.1.1/24/24',
    '10.0.0.1:0.0.0.0/0',
    '10.0.0.1:0:1.1.1.1',
    '10.0.0.1:70000',
    '10.0.0.1',
    'fd00::1:1.1.1.1',
    ':1.1.1.1',
    '10.0.0.1:',
  ])('tunnel %s is refused', (text) => {
    expect(() => parseTunnel(text)).toThrow();
  });
});

describe('files', () => {
  test('a flags file, flat or in sections, with comments; the command line wins', () => {
    const flat =
      '{ "max-tunnels": 7, /* peers */ "tunnel": ["10.0.0.1:1.1.1.1"], "cookie": true, "insecure": true }';
    const sections = `{ "doca_general_flags": { "log-level": 60 }, "doca_program_flags": ${flat} }`;
    for (const text of [flat, sections]) {
      const { options } = read(['-j', 'f.json'], { 'f.json': text });
      expect(options).toMatchObject({ maxTunnels: 7, cookies: true, peers: [{ virtualIps: ['1.1.1.1'] }] });
    }
    expect(read(['--json=f.json', '-x', '8'], { 'f.json': flat }).options.maxTunnels).toBe(8);
    expect(read(['--json=f.json'], { 'f.json': sections }).run.logLevel).toBe(60);
  });

  test('problems of a flags file have file, line and column', () => {
    const text = '{\n  "max-tunnels": "many",\n  "cokie": true,\n  "mode": "bridge",\n  "insecure": true\n}';
    expect(problemsOf(['-j', 'f.json'], { 'f.json': text })).toEqual([
      'f.json:2:18: "max-tunnels" is not a number',
      'f.json:3:3: there is no flag "cokie"; did you mean "cookie"?',
      'f.json:4:11: "bridge" is not one of tunnel, transport',
    ]);
    expect(problemsOf(['-j', 'f.json', '--insecure'], { 'f.json': '{ "x": ' })[0]).toMatch(
      /^f\.json:1:\d+: /,
    );
    expect(problemsOf(['-j', 'gone.json', '--insecure'])).toEqual(['--json: there is no file gone.json']);
  });

  test('a tunnels file whose lines end with carriage returns alone is no file of comments', () => {
    const text = '# peers\r10.0.0.1:1.1.1.1\r';
    expect(problemsOf(['-f', 't', '--insecure'], { t: text })).toEqual([
      't:1: a line ends with a carriage return alone (CR); save the file with LF or CRLF',
    ]);
  });

  test('a tunnels file', () => {
    const text = '# peers\n10.0.0.1:1.1.1.1, 1.1.1.2 # two\n\n[fd00::1]:4000:1.1.1.3\n';
    expect(read(['-f', 't', '--insecure'], { t: text }).options.peers).toEqual([
      { serviceAddress: { host: '10.0.0.1', port: 3000 }, virtualIps: ['1.1.1.1', '1.1.1.2'] },
      { serviceAddress: { host: 'fd00::1', port: 4000 }, virtualIps: ['1.1.1.3'] },
    ]);
    expect(problemsOf(['-f', 't', '--insecure'], { t: 'ok\n10.0.0.1:1.1.1.1\n10.0.0.1:x' })).toEqual([
      't:1: "ok" is not SERVICE-ADDRESS:VIRTUAL-IP[,VIRTUAL-IP] (IPv6 service address in brackets)',
      't:3: "x" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ]);
  });

  test('a session file: comments, optional local-vip, prefixes, which are kept', () => {
    const text = `{
      // ours
      "config": { "local-grpc-address": "10.0.0.9:4000" },
      "peers": [{ "remote-grpc-address": "10.0.0.1", "sessions": [
        { "local-vip": "1.0.0.1", "remote-vips": ["2.0.0.0/30", "2.0.1.1"] },
        { "remote-vips": ["fd00::/127"] }
      ] }]
    }`;
    const { options } = read(['--config', 's', '--insecure'], { s: text });
    expect(options.serviceAddress).toEqual({ host: '10.0.0.9', port: 4000 });
    expect(options.peers).toEqual([
      {
        serviceAddress: { host: '10.0.0.1', port: 3000 },
        virtualIps: ['2.0.1.1'],
        virtualPrefixes: [parsePrefix('2.0.0.0/30'), parsePrefix('fd00::/127')],
        pairs: [
          { localVip: '1.0.0.1', remoteVip: parsePrefix('2.0.0.0/30') },
          { localVip: '1.0.0.1', remoteVip: '2.0.1.1' },
          { remoteVip: parsePrefix('fd00::/127') },
        ],
      },
    ]);
  });

  test('a session file says which peers may rotate our master key, in either spelling, and a refusal counts', () => {
    const sessions = '"sessions": [{ "remote-vips": ["2.0.0.0/32"] }]';
    const peer = (number: number, more: string) =>
      `{ "remote-grpc-address": "10.0.0.${number}", "sessions": [{ "remote-vips": ["2.0.${number}.1"] }]${more} }`;
    const peers = [
      peer(1, ''),
      peer(2, ', "may-rotate": true'),
      peer(3, ', "mayRotate": false'),
      peer(4, ', "may-rotate": false'),
      peer(4, ', "may-rotate": true').replace('2.0.4.1', '2.0.4.2'),
    ];
    const { options } = read(['--config', 's', '--insecure'], { s: `{ "peers": [${peers.join()}] }` });
    expect(options.peers.map(({ mayRotate }) => mayRotate)).toEqual([false, true, false, false]);
    const wrong = `{ "peers": [{ "remote-grpc-address": "10.0.0.1", ${sessions}, "may-rotate": 1, "mayRotate": true }] }`;
    const problems = problemsOf(['--config', 's', '--insecure'], { s: wrong }).join();
    expect(problems).toMatch(/mayRotate and may-rotate are the same key/);
    expect(problems).toMatch(/may-rotate is neither true nor false/);
  });

  test('budgets of peers have defaults that a re-key of all sessions does not meet', () => {
    const spisPerHour = (...more: string[]) =>
      read(['--insecure', ...more]).options.limits.spisPerPeerPerHour;
    expect(spisPerHour()).toBe(100_000);
    expect(spisPerHour('-x', '250000')).toBe(4_000_000);
    expect(spisPerHour('--spis-per-hour', '7')).toBe(7);
    const perSecond = (...more: string[]) =>
      read(['--insecure', ...more]).options.limits.tunnelsPerPeerPerSecond;
    expect(perSecond()).toBe(100);
    expect(perSecond('-x', '250000')).toBe(4167);
    expect(perSecond('--tunnels-per-second', '7')).toBe(7);
    expect(read(['--insecure']).options.limits).toMatchObject({
      rotationDeadlineMs: 600_000,
      rotationRequestIntervalMs: 300_000,
    });
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'a key of a session file that every object has is unknown: %s',
    (key) => {
      const text = `{ "peers": [], "${key}": 1 }`;
      expect(problemsOf(['--config', 's', '--insecure'], { s: text })).toEqual([
        `s:1:16: unknown key "${key}" in the file; known are config, peers`,
      ]);
    },
  );

  test('problems of a session file have file, line and column', () => {
    const text = `{ "peers": [{ "remote-grpc-adress": "10.0.0.1", "sessions": [
{ "local-vip": "1.0.0.1", "remote-vips": ["2.0.0.1", "2.0.0.1", "fd00::1", 7, "2.0.0.0/33", "2.0.0.3/16", "2.0.0.0/16"] } ] }] }`;
    const problems = problemsOf(['--config', 's', '--insecure'], { s: text });
    for (const [place, words] of [
      ['s:1:15', 'unknown key "remote-grpc-adress"'],
      ['s:1:13', 'needs "remote-grpc-address"'],
      ['s:2:54', 'the pair is there twice'],
      ['s:2:65', 'not of the family'],
      ['s:2:76', 'not a text'],
      ['s:2:79', 'not an address or a prefix'],
      ['s:2:107', '1.0.0.1 and 2.0.0.0/16: the pair is there twice'],
    ]) {
      expect(
        problems.some((p) => p.startsWith(`${place}: `) && p.includes(words!)),
        `${place} ${words}\n${problems.join('\n')}`,
      ).toBe(true);
    }
  });

  test('a prefix is one pair, however many addresses it has', () => {
    const text =
      '{ "peers": [{ "remote-grpc-address": "10.0.0.1", "sessions": [{ "remote-vips": ["2.0.0.0/7"] }] }] }';
    const { options } = read(['--config', 's', '--insecure', '-x', '10'], { s: text });
    expect(options.peers[0]!.pairs).toEqual([{ remoteVip: parsePrefix('2.0.0.0/7') }]);
  });

  test('more pairs than fit are told with the number to give', () => {
    const vips = Array.from({ length: 7 }, (_, i) => `"2.0.0.${i}"`).join(',\n');
    const text = `{ "peers": [{ "remote-grpc-address": "10.0.0.1", "sessions": [{ "remote-vips": [${vips}] }] }] }`;
    expect(problemsOf(['--config', 's', '--insecure', '-x', '5'], { s: text })).toEqual([
      's:6:1: 7 sessions are listed, and 5 fit; raise --max-tunnels to 7, or name prefixes',
    ]);
  });
});

describe('what is wrong is said once, in words', () => {
  const ok = ['--insecure'];

  test.each([
    [['--repr='], '--repr: '],
    [['--repr=vf0,'], '--repr: '],
    [['--repr=,vf0'], '--repr: '],
    [['-j', 'a.json', '-j', 'a.json'], '--json: is given twice'],
  ])('%j', (argv, problem) => {
    const problems = problemsOf([...ok, ...argv], { 'a.json': '{}' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test('a file that is no JSON', () => {
    expect(problemsOf([...ok, '-j', 'a.json'], { 'a.json': '{"cookie": true "x": 1}' })).toEqual([
      'a.json:1:17: is not JSON: comma expected',
    ]);
  });

  test('the same problem twice is one', () => {
    const problems = problemsOf([...ok, '--nonsense', '--nonsense']);
    expect(problems).toHaveLength(1);
  });
});
