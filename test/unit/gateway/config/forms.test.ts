/** Every form of a flag's value that DOCA's application takes, 2.7 to 3.3, and the misprints of its guide with what was meant. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../../src/gateway/config/read-options.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';

type Files = Readonly<Record<string, string>>;

function read(argv: readonly string[], files: Files = {}) {
  return readGatewayOptions([...argv, '--insecure'], (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  });
}

function problemsOf(argv: readonly string[], files: Files = {}): readonly string[] {
  try {
    read(argv, files);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** Flags as JSON. */
const json = (flags: object | string) =>
  read(['-j', 'f'], { f: typeof flags === 'string' ? flags : JSON.stringify(flags) });

const caseFile = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../cases/doca-forms/${name}`, import.meta.url)), 'utf8');

const PEER = ['-t', '10.0.0.1:1.1.1.1'];

describe('--static-tunnels', () => {
  // 2.8's guide has an address, its program and all later ones have none.
  test.each([
    [['--static-tunnels']],
    [['-z']],
    [['--static-tunnels', '-k']],
    [['-z', '-k']],
    [['-zk']],
    [['-kz']],
    [['-zac']],
    [['--static-tunnels', '--cookie']],
    [['--static-tunnels=true']],
    [['--static-tunnels', 'true']],
  ])('%j is from all addresses of ours', (argv) => {
    expect(read([...PEER, ...argv]).options.staticTunnels).toBe('all');
  });

  test.each([
    [['--static-tunnels', '192.168.1.1'], '192.168.1.1'],
    [['--static-tunnels=192.168.1.1'], '192.168.1.1'],
    [['-z', '192.168.1.1'], '192.168.1.1'],
    [['-z192.168.1.1'], '192.168.1.1'],
    [['-z=192.168.1.1', '-k'], '192.168.1.1'],
    [['-kz', 'fd00::1', '-c'], 'fd00::1'],
    [['-kzfd00::1'], 'fd00::1'],
    [['--static-tunnels', '2001:db8::1'], '2001:db8::1'],
  ])('%j is from that one', (argv, address) => {
    expect(read([...PEER, '--inner=both', ...argv]).options.staticTunnels).toBe(address);
  });

  test('takes no letter of another flag for its value, and loses none', () => {
    expect(read(['-zack']).options).toMatchObject({
      staticTunnels: 'all',
      ingressAcl: false,
      cookies: true,
      debugKeys: true,
    });
    expect(read(['-z', '-x', '9']).options).toMatchObject({ staticTunnels: 'all', maxTunnels: 9 });
  });

  test('in JSON it is true, false or an address', () => {
    expect(json({ 'static-tunnels': true }).options.staticTunnels).toBe('all');
    expect(json({ z: true }).options.staticTunnels).toBe('all');
    expect(json({ 'static-tunnels': false }).options).not.toHaveProperty('staticTunnels');
    expect(json({ z: '192.168.1.1' }).options.staticTunnels).toBe('192.168.1.1');
    expect(read(['--static-tunnels=false']).options).not.toHaveProperty('staticTunnels');
    expect(problemsOf(['-j', 'f'], { f: '{"z": [true]}' })).toEqual([
      'f:1:7: "static-tunnels" is not true, false or a text',
    ]);
  });

  test('what is no address is said once', () => {
    expect(problemsOf(['--static-tunnels', '192,168.1.1', '-k'])).toEqual([
      '--static-tunnels: "192,168.1.1" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1); did you mean 192.168.1.1?',
    ]);
    expect(problemsOf(['-z', 'x'])).toHaveLength(1);
  });
});

describe('--tunnels-file', () => {
  const files = { a: '10.0.0.1:1.1.1.1\n', b: '10.0.0.2:2.2.2.0/30\n10.0.0.1:1.1.1.2\n' };
  const peers = [
    { serviceAddress: { host: '10.0.0.1', port: 3000 }, virtualIps: ['1.1.1.1', '1.1.1.2'] },
    {
      serviceAddress: { host: '10.0.0.2', port: 3000 },
      virtualIps: [],
      virtualPrefixes: [parsePrefix('2.2.2.0/30')],
    },
  ];

  test('may be given many times, on the command line and in JSON', () => {
    expect(read(['-f', 'a', '--tunnels-file=b'], files).options.peers).toEqual(peers);
    const f = '{"tunnels-file": ["a", "b"]}';
    expect(read(['-j', 'f'], { ...files, f }).options.peers).toEqual(peers);
    expect(read(['-j', 'f'], { ...files, f: '{"f": "a"}' }).options.peers).toHaveLength(1);
  });

  test('each has problems of its own, and two of them one peer twice', () => {
    const wrong = { a: '10.0.0.1:1.1.1.0/24\nx', b: '\n10.0.0.2:1.1.1.7/24' };
    expect(problemsOf(['-f', 'a', '-f', 'b', '-f', 'c'], wrong)).toEqual([
      'a:2: "x" is not SERVICE-ADDRESS:VIRTUAL-IP[,VIRTUAL-IP] (IPv6 service address in brackets)',
      'b:2: 1.1.1.0/24 belongs to 10.0.0.1:3000 already (a:1)',
      '--tunnels-file: there is no file c',
    ]);
  });

  test('one peer twice in a file of sessions and in flags has both places', () => {
    const s = '{"peers":[{"remote-grpc-address":"10.0.0.2",\n"sessions":[{"remote-vips":["1.1.1.0/24"]}]}]}';
    expect(problemsOf(['-t', '10.0.0.1:1.1.1.0/24', '--config', 's'], { s })).toEqual([
      's:2:29: 1.1.1.0/24 belongs to 10.0.0.1:3000 already (--tunnel)',
    ]);
  });
});

describe('devices', () => {
  test.each([
    [['-p', '03:00.0'], '0000:03:00.0', '[0]'],
    [['-p', '0000:03:00.0'], '0000:03:00.0', '[0]'],
    [['-p', '0000:0A:00.1'], '0000:0a:00.1', '[0]'],
    [['--device', 'pci/0000:03:00.0'], '0000:03:00.0', '[0]'],
    [['-s', 'pci/03:00.0'], '0000:03:00.0', '[0]'],
    [['-s', '03:00.0'], '0000:03:00.0', '[0]'],
    [['-s03:00.0', '-r', 'pf0vf1'], '0000:03:00.0', 'pf0vf1'],
    [['--device', 'pci/0000:03:00.0,pf0vf0'], '0000:03:00.0', 'pf0vf0'],
    [['--device=pci/0000:03:00.0,pf0vf0', '-r', 'vf0pf0'], '0000:03:00.0', 'pf0vf0'],
    [['--device', 'pci/08:00.0', '--repr', 'pci/08:00.0,pf0vf0'], '0000:08:00.0', 'pf0vf0'],
    [['--repr', 'pci/08:00.0,pf0vf0'], '0000:08:00.0', 'pf0vf0'],
    [['-p', '03:00.0', '-r', 'vf0pf0'], '0000:03:00.0', 'pf0vf0'],
    [['-p', '03:00.0', '-r', 'pf1vf0'], '0000:03:00.0', 'pf1vf0'],
    [['-p', '03:00.0', '-r', 'vf3pf1'], '0000:03:00.0', 'pf1vf3'],
    [['-p', '03:00.0', '-r', 'vf2'], '0000:03:00.0', 'vf2'],
    [['-p', '03:00.0', '-r', 'pf0sf4'], '0000:03:00.0', 'pf0sf4'],
    [['-p', '03:00.0', '-r', 'sf4'], '0000:03:00.0', 'sf4'],
    [['-p', '03:00.0', '-r', '[2]'], '0000:03:00.0', '[2]'],
    [['-p', '03:00.0', '-r', '2'], '0000:03:00.0', '[2]'],
    [['-p', '03:00.0', '-r', 'pf0'], '0000:03:00.0', 'pf0'],
    [['-p', '03:00.0', '-r', '03:00.2'], '0000:03:00.0', '0000:03:00.2'],
    [['-p', '03:00.0', '-r', 'pci/0000:03:00.2'], '0000:03:00.0', '0000:03:00.2'],
  ])('%j', (argv, pciAddress, representor) => {
    for (const hal of ['sim', 'doca']) {
      const { options, run } = read([...argv, `--hal=${hal}`]);
      expect(options).toMatchObject({ pciAddress, representor });
      expect(run.remarks).toEqual([]);
    }
  });

  test.each([
    ['vf[0-3]pf[0-1]', 'pf0vf0', 8],
    ['pf[0-1]', 'pf0', 2],
    ['pf1vf[2-3]', 'pf1vf2', 2],
    ['[1-2,4]', '[1]', 3],
    ['vf[1,3]', 'vf1', 2],
    ['pf0vf1,pf1vf0', 'pf0vf1', 2],
    ['pf0sf[0-1]', 'pf0sf0', 2],
  ])('of the list %s the first is used, and the log says so', (list, representor, count) => {
    const { options, run } = read(['-r', list]);
    expect(options.representor).toBe(representor);
    expect(run.remarks).toEqual([
      `--repr: of the ${count} representors of ${list} the gateway uses the first, ${representor}`,
    ]);
  });

  test("device arguments are the gateway's own, and those that are given are named", () => {
    const { options, run } = read(['--device', 'pci/03:00.0,dv_flow_en=2', '-r', 'pf0vf0']);
    expect(options.pciAddress).toBe('0000:03:00.0');
    expect(run.remarks).toEqual([
      '--pci-addr: dv_flow_en=2 is not used: the gateway has device arguments of its own'.replace(
        '--pci-addr',
        '--device',
      ),
    ]);
  });

  test.each([
    [['--device', 'aux/2'], '--device: "aux/2": the gateway opens devices by their PCI address only'],
    [['--device', 'net/eth2'], '--device: "net/eth2": the gateway opens devices by their PCI address only'],
    [['-r', 'aux/2,pf0vf0'], '--repr: "aux/2": the gateway opens devices by their PCI address only'],
    [['-p', 'pci/3:0.0'], '--pci-addr: "pci/3:0.0" is not a PCI address'],
    [
      ['-p', '03:00.0', '-r', 'pci/04:00.0,pf0vf0'],
      '--repr: is of device 0000:04:00.0, and the uplink is 0000:03:00.0',
    ],
    [['-p', '03:00.0,pf0vf0', '-r', 'pf0vf1'], '--repr: names another representor than --pci-addr, pf0vf0'],
    [['-r', 'vf[3-0]'], '--repr: "vf[3-0]": the range 3-0 runs backwards'],
    [['-r', 'vf'], '--repr: "vf" is not a list such as vf0pf0'],
    [['-r', 'vf[0'], '--repr: "vf[0" is not a list such as vf0pf0'],
    [['-r', 'hpf0'], '--repr: "hpf0" is not a list such as vf0pf0'],
    [['-r', 'vf0,,vf1'], '--repr: "vf0,,vf1" is not a list such as vf0pf0'],
    [['--hal=doca'], '--pci-addr: is required with --hal=doca'],
  ])('%j is refused', (argv, problem) => {
    const problems = problemsOf(argv);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.slice(0, problem.length)).toBe(problem);
  });
});

describe('short forms that mean another flag in later releases', () => {
  const s = '{"peers": []}';
  test.each([[['-c', 's']], [['-c=s']], [['-kc', 's']], [['-c./s']], [['-kc=s']]])(
    '%j is a session file',
    (argv) => {
      expect(read(argv, { s, './s': s }).options).toMatchObject({ cookies: false });
    },
  );
  test.each([[['-c']], [['-ck']], [['-c', '-k']], [['-kc']]])('%j is the cookie', (argv) => {
    expect(read(argv).options).toMatchObject({ cookies: true });
  });
  test('in JSON their values tell', () => {
    expect(json({ c: true }).options.cookies).toBe(true);
    expect(read(['-j', 'f'], { f: '{"c": "s"}', s }).options.cookies).toBe(false);
    expect(json({ s: '10.0.0.9:4000' }).options.serviceAddress).toEqual({ host: '10.0.0.9', port: 4000 });
    expect(json({ s: 'pci/0000:03:00.0,pf0vf0' }).options).toMatchObject({
      pciAddress: '0000:03:00.0',
      representor: 'pf0vf0',
    });
  });
  test('an address is the service', () => {
    expect(read(['-s', '10.0.0.9']).options.serviceAddress).toEqual({ host: '10.0.0.9', port: 3000 });
    expect(read(['-s', 'fd00::3:0']).options.serviceAddress).toEqual({ host: 'fd00::3:0', port: 3000 });
  });
});

describe('a JSON flags file', () => {
  test('has short keys', () => {
    const flags = {
      p: '03:00.0',
      r: 'vf0pf0',
      m: '0x3',
      n: '11:22:33:44:55:66',
      s: '10.1.1.33:3000',
      t: '10.1.1.55:192.168.1.55',
      x: 1000,
      o: 7,
      a: true,
      k: true,
      l: 60,
    };
    const { options, run } = json(flags);
    expect(options).toMatchObject({
      pciAddress: '0000:03:00.0',
      representor: 'pf0vf0',
      coreMask: '0x3',
      nexthopDmac: '11:22:33:44:55:66',
      serviceAddress: { host: '10.1.1.33', port: 3000 },
      peers: [{ virtualIps: ['192.168.1.55'] }],
      maxTunnels: 1000,
      cryptOffsetWords: 7,
      ingressAcl: false,
      debugKeys: true,
    });
    expect(run.logLevel).toBe(60);
    expect(json({ d: 'ens2f0v0', hal: 'doca', p: '03:00.0' }).options.vfName).toBe('ens2f0v0');
    expect(problemsOf(['-j', 'f'], { f: '{"p": "03:00.0",\n"pci-addr": "03:00.0",\n"q": 1}' })).toEqual([
      'f:2:1: "pci-addr" is given twice',
      'f:3:1: there is no flag "q"',
    ]);
    expect(problemsOf(['-j', 'f'], { f: '{"pci-addr": "03:00.0",\n"p": "03:00.0"}' })).toEqual([
      'f:2:1: "p" is given twice, also as "pci-addr"',
    ]);
  });

  test('takes a core mask as a number, which is decimal, and as a text in hex', () => {
    expect(json({ 'core-mask': 3 }).options.coreMask).toBe('0x3');
    expect(json({ m: 15 }).options.coreMask).toBe('0xf');
    expect(json({ m: '15' }).options.coreMask).toBe('15');
    expect(problemsOf(['-j', 'f'], { f: '{"m": 1.5}' })[0]).toContain('"1.5" is not a mask in hex');
  });

  test('has the three sections of DOCA', () => {
    const { options, run } = json(`// ours
      { /* all of them */
        "doca_dpdk_flags": { "devices": [{ "device": "pf", "id": "03:00.0", "hws": true }], "core-mask": 3, "flags": "" },
        "doca_general_flags": { "log-level": 60, "sdk-log-level": 50 },
        "doca_program_flags": { "tunnel": ["10.0.0.1:1.1.1.1", "10.0.0.2:2.2.2.0/24"], "cookie": true }
      }`);
    expect(options).toMatchObject({ pciAddress: '0000:03:00.0', coreMask: '0x3', cookies: true });
    expect(options.peers).toHaveLength(2);
    expect(run).toMatchObject({
      logLevel: 60,
      sdkLogLevel: 50,
      remarks: [expect.stringMatching(/^f:\d+:\d+: not used, since the gateway says it itself: hws$/)],
    });
    expect(json({ doca_dpdk_flags: { 'core-list': '0-3,6' } }).options.coreMask).toBe('0x4f');
  });

  test('says what it cannot use of DPDK, and where that is said here', () => {
    const section = (members: string) =>
      problemsOf(['-j', 'f'], { f: `{"doca_dpdk_flags": {\n${members}}}` });
    expect(section('"flags": "-n 4"')).toEqual([
      'f:2:10: arguments for EAL are given in the environment, PSP_GATEWAY_EAL_ARGUMENTS',
    ]);
    expect(section('"devices": [{"device": "sf", "id": "4"}]')).toEqual([
      'f:2:13: the sf is given as representor, "repr"; only the pf stands here',
    ]);
    expect(section('"devices": [["x"], 1, {"device": 1}, {"device": "pf"}]')).toHaveLength(4);
    expect(section('"core-list": "0-200"')[0]).toContain('"core-list" is not a list of cores');
    expect(section('"nonsense": 1')[0]).toContain('there is no "nonsense" in doca_dpdk_flags');
    expect(problemsOf(['-j', 'f'], { f: '{"doca_dpdk_flags": 1}' })).toEqual([
      'f:1:21: doca_dpdk_flags is not an object of flags',
    ]);
  });
});

test('of a list all that is wrong is told', () => {
  expect(problemsOf(['--local-virt-ip', '10.0.0.1,x,192,168.1.100,127.0.0.1,x'])).toEqual([
    '--local-virt-ip: "x" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1); "192,168.1.100" is not an IP address; did you mean 192.168.1.100?; ' +
      '127.0.0.1 is loopback, and never leaves its host; give an address of a network',
  ]);
});

describe('misprints are refused with what was meant', () => {
  test.each([
    [['-n', '11:22:33:44:55::66'], 'did you mean 11:22:33:44:55:66?'],
    [['--nexthop-dmac', '11:22:33:44:55,66'], 'did you mean 11:22:33:44:55:66?'],
    [['--decap-dmac=11:22:33:44:55::66'], 'did you mean 11:22:33:44:55:66?'],
    [['--dcap-dmac', '11:22:33:44:55:66'], '--dcap-dmac: there is no such flag; did you mean --decap-dmac?'],
    [['--local-virt-ip', '192,168.1.100'], 'did you mean 192.168.1.100?'],
    [['--local-virt-ip', '192.168.1.99,192.168,1.100'], 'did you mean 192.168.1.100?'],
    [['-s', '192,168.1.100'], 'did you mean 192.168.1.100?'],
    [['-s', '192,168.1.100:3000'], 'did you mean 192.168.1.100?'],
    [['-s', '192.168..1.100'], 'did you mean 192.168.1.100?'],
    [['-t', '10.1.1.55:192,168.1.100'], 'did you mean 192.168.1.100?'],
    [['-t', '10.1.1.55:192,168,1,100,192.168.1.101'], 'did you mean 192.168.1.100?'],
    [['-t', '10.1.1.55:192.168,1.0/24'], 'did you mean 192.168.1.0/24?'],
    [['-t', '10,1.1.55:192.168.1.100'], 'did you mean 10.1.1.55?'],
    [['-t', '10.1.1.55:fd00:::1'], 'did you mean fd00::1?'],
  ])('%j', (argv, words) => {
    const problems = problemsOf(argv);
    expect(problems).toHaveLength(1);
    expect(problems[0]!.slice(-words.length)).toBe(words);
  });

  test.each([
    [
      '{"max-tunnels" 1000}',
      'f:1:16: is not JSON: there is no colon behind "max-tunnels"; did you mean "max-tunnels": 1000?',
    ],
    ['{"p" "03:00.0"}', 'f:1:6: is not JSON: there is no colon behind "p"; did you mean "p": "03:00.0"?'],
    [
      '{"t" ["10.0.0.1:1.1.1.1"]}',
      'f:1:6: is not JSON: there is no colon behind "t"; did you mean "t": ...?',
    ],
    ['{"m": 0x3}', 'f:1:8: is not JSON: numbers are decimal; did you mean "0x3", in quotes, or 3?'],
    ['{m: 3}', 'f:1:2: is not JSON: keys stand in quotes; did you mean "m"?'],
    ['{"dcap-dmac": "11:22:33:44:55:66"}', 'f:1:2: there is no flag "dcap-dmac"; did you mean "decap-dmac"?'],
    [
      '{"n": "11:22:33:44:55::66"}',
      'f:1:7: "11:22:33:44:55::66" is not a MAC address (expected six octets such as 02:00:00:00:00:01); did you mean 11:22:33:44:55:66?',
    ],
  ])('%s', (f, problem) => {
    expect(problemsOf(['-j', 'f'], { f })[0]).toBe(problem);
  });

  test('nothing is guessed where nothing is near', () => {
    for (const argv of [
      ['-n', 'x'],
      ['-s', 'somewhere'],
      ['-t', '10.0.0.1:1,2'],
      ['--local-virt-ip', '1.2.3'],
    ])
      expect(problemsOf(argv).join()).not.toContain('did you mean');
  });
});

test('MAC addresses have the forms that DPDK reads', () => {
  for (const text of ['1:2:3:a:B:c', '01-02-03-0a-0b-0c', '0102:030a:0b0c', '0102.030a.0b0c'])
    expect(read(['-n', text, '--decap-dmac', text]).options).toMatchObject({
      nexthopDmac: '01:02:03:0a:0b:0c',
      decapDmac: '01:02:03:0a:0b:0c',
    });
});

test('--perf-print has several kinds with commas between', () => {
  const kinds = (text: string) => read(['--perf-print', text]).options.perfPrint;
  expect(
    ['key-gen', 'insertion', 'all', 'key-gen,insertion', 'insertion,key-gen', 'all,key-gen'].map(kinds),
  ).toEqual(['key-gen', 'insertion', 'all', 'all', 'all', 'all']);
  expect(problemsOf(['--perf-print', 'key-gen,keys'])).toEqual([
    '--perf-print: "keys" is not one of key-gen, insertion, all',
  ]);
});

describe('--local-pip', () => {
  const file = (pip: string) => ({ s: `{"config": {"local-pip":\n"${pip}"}, "peers": []}` });
  test('is given as a flag or in the session file, and the flag wins', () => {
    expect(read(['--local-pip', '2001:db8::1']).options.localPip).toBe('2001:db8::1');
    expect(read(['--config', 's'], file('2001:db8::2')).options.localPip).toBe('2001:db8::2');
    const both = ['--config', 's', '--local-pip', '2001:db8::1'];
    expect(read(both, file('2001:db8::2')).options.localPip).toBe('2001:db8::1');
  });
  test('is of the family of the outer header', () => {
    const words = '192.0.2.1 is IPv4, and tunnels are over ipv6; say --outer-ip-type ipv4';
    expect(problemsOf(['--local-pip', '192.0.2.1'])).toEqual([`--local-pip: ${words}`]);
    expect(problemsOf(['--config', 's'], file('192.0.2.1'))).toEqual([`s:2:1: ${words}`]);
    expect(read(['--local-pip', '192.0.2.1', '--outer-ip-type', 'ipv4']).options.localPip).toBe('192.0.2.1');
  });
});

describe('--max-tunnels', () => {
  const places = (...argv: string[]) => read(argv).options.maxTunnels;
  test('grows with the addresses and the prefixes that are listed, to a bound, where nobody says it', () => {
    expect(places('-t', '10.0.0.1:1.1.1.0/24')).toBe(256);
    expect(places('-t', '10.0.0.1:1.1.1.0/24,1.1.2.1')).toBe(257);
    expect(places('-t', '10.0.0.1:1.1.0.0/16')).toBe(65_536);
    expect(places('-t', '10.0.0.1:1.1.0.0/16', '-t', '10.0.0.2:1.2.0.0/16')).toBe(65_536);
    expect(places('-t', '10.0.0.1:fd00::/64')).toBe(65_536);
    expect(places('-t', '10.0.0.1:1.1.1.0/24', '--local-virt-ip', '2.2.2.2,2.2.2.3')).toBe(512);
    expect(places('-t', '10.0.0.1:1.1.0.0/16', '-x', '7')).toBe(7);
  });

  test('with static tunnels they all fit, or the number to give is said', () => {
    const peers = ['-t', '10.0.0.1:1.1.0.0/16', '-t', '10.0.0.2:1.2.0.0/16'];
    const sayWith = (...argv: string[]) => problemsOf([...argv, '--static-tunnels', '2.2.2.2']);
    const without = 'leave out --static-tunnels: sessions are then made at their first packet';
    expect(sayWith(...peers)).toEqual([
      `--max-tunnels: 131072 static tunnels are configured, 65536 allowed; say --max-tunnels 131072, or ${without}`,
    ]);
    expect(sayWith(...peers, '-x', '131072')).toEqual([]);
    expect(sayWith('-t', '10.0.0.1:1.1.0.0/16')).toEqual([]);
    expect(sayWith('-t', '10.0.0.1:1.1.1.0/30', '-x', '3')).toEqual([
      `--max-tunnels: 4 static tunnels are configured, 3 allowed; say --max-tunnels 4, or ${without}`,
    ]);
    expect(sayWith('-t', '10.0.0.1:1.0.0.0/8')).toEqual([
      `--max-tunnels: 16777216 static tunnels are configured, 65536 allowed; at most 250000 can be; name longer prefixes, or ${without}`,
    ]);
    // Of the other family there are none.
    expect(sayWith('-t', '10.0.0.1:fd00::/64')).toEqual([]);
  });
});

describe('cases', () => {
  test('static tunnels as a boolean in a section', () => {
    const { options } = json(caseFile('j1.json'));
    expect(options).toMatchObject({ staticTunnels: 'all', peers: [{ virtualIps: ['192.168.1.55'] }] });
  });

  test('a prefix in a tunnels file', () => {
    const { options } = read(['-f', 't1.txt'], { 't1.txt': caseFile('t1.txt') });
    expect(options.peers).toEqual([
      {
        serviceAddress: { host: '127.0.0.3', port: 3000 },
        virtualIps: ['192.168.2.7'],
        virtualPrefixes: [parsePrefix('192.168.1.48/28')],
      },
    ]);
  });

  test("prefixes in a session file of the shape of DOCA's own, under default limits", () => {
    const { options } = read(['--config', 's'], { s: caseFile('two-prefixes.json') });
    expect(options.serviceAddress).toEqual({ host: '127.7.7.2', port: 3100 });
    // The second peer's from 6.6.6.5 and from the workload's own address, whichever that is.
    expect(options.maxTunnels).toBe(256 + 1 + 2 * 256);
    expect(options.peers.map(({ virtualIps, virtualPrefixes }) => [virtualIps, virtualPrefixes])).toEqual([
      [['6.6.6.6'], [parsePrefix('8.8.8.0/24')]],
      // With bits behind its length.
      [[], [parsePrefix('7.7.7.0/24')]],
    ]);
  });
});

describe('addresses that nobody can have are refused', () => {
  test.each([
    ['-z', '0.0.0.0', '--static-tunnels: 0.0.0.0 is unspecified'],
    ['-z', 'ff02::1', '--static-tunnels: ff02::1 is multicast'],
    ['--local-pip', '224.0.0.1', '--local-pip: 224.0.0.1 is multicast'],
    ['--local-pip', '255.255.255.255', '--local-pip: 255.255.255.255 is broadcast'],
    [
      '--nexthop-dmac',
      'ff:ff:ff:ff:ff:ff',
      "--nexthop-dmac: ff:ff:ff:ff:ff:ff is no interface's own address",
    ],
    ['--decap-dmac', '00:00:00:00:00:00', "--decap-dmac: 00:00:00:00:00:00 is no interface's own address"],
  ])('%s %s', (flag, address, reason) => {
    expect(problemsOf([flag, address, '-k'])).toEqual([expect.stringContaining(reason)]);
  });
});
