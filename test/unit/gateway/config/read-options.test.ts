/** From flags to options: each flag comes where it belongs, and what does not go together is said. */
import { describe, expect, test } from 'vitest';
import { FLAGS } from '../../../../src/gateway/config/flags.js';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import {
  type OptionsRead,
  readGatewayOptions,
  staticTunnelsProblem,
} from '../../../../src/gateway/config/read-options.js';
import { DOOR_LIMITS } from '../../../../src/gateway/doors/door-limits.js';
import { parseIp } from '../../../../src/packet/address.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';

type Files = Readonly<Record<string, string>>;

function read(argv: readonly string[], files: Files = {}): OptionsRead {
  return readGatewayOptions(['--insecure', ...argv], (path) => {
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

const optionsOf = (...argv: string[]) => read(argv).options;
const DOCA = ['--hal=doca', '-p', '03:00.0'];

describe('numbers', () => {
  /** Where each number is found, by the name of its flag. */
  const PLACES: Readonly<Record<string, (read: OptionsRead) => unknown>> = {
    'sample-rate': ({ options }) => options.sampleRateLog2,
    'max-tunnels': ({ options }) => options.maxTunnels,
    'crypt-offset': ({ options }) => options.cryptOffsetWords,
    'psp-version': ({ options }) => options.pspVersion,
    'rpc-deadline': ({ options }) => options.limits.rpcDeadlineMs,
    'backoff-min': ({ options }) => options.limits.backoffMinMs,
    'backoff-max': ({ options }) => options.limits.backoffMaxMs,
    'missed-packets': ({ options }) => options.limits.missedPacketsPerSession,
    'missed-packets-total': ({ options }) => options.limits.missedPacketsTotal,
    'missed-packet-ttl': ({ options }) => options.limits.missedPacketTtlMs,
    'rekey-grace': ({ options }) => options.limits.rekeyGraceMs,
    'rotation-period': ({ options }) => options.limits.rotationPeriodMs,
    'rotation-deadline': ({ options }) => options.limits.rotationDeadlineMs,
    'rotation-request-interval': ({ options }) => options.limits.rotationRequestIntervalMs,
    'tunnels-per-request': ({ options }) => options.limits.tunnelsPerRequest,
    'idle-timeout': ({ options }) => options.limits.sessionIdleS,
    'session-replacements': ({ options }) => options.limits.sessionReplacementsPerSecond,
    'request-octets': ({ options }) => options.limits.requestOctetsMax,
    'unknown-source-requests': ({ options }) => options.limits.unknownSourceRequestsPerMinute,
    'tunnels-per-second': ({ options }) => options.limits.tunnelsPerPeerPerSecond,
    'opening-time': ({ options }) => options.limits.doors.openingMs,
    'connection-idle': ({ options }) => options.limits.doors.idleMs,
    'connections-per-peer': ({ options }) => options.limits.doors.connectionsPerPeer,
    strangers: ({ options }) => options.limits.doors.strangers,
    'strangers-per-second': ({ options }) => options.limits.doors.strangersPerSecond,
    'requests-per-second': ({ options }) => options.limits.doors.requestsPerPeerPerSecond,
    'octets-per-peer': ({ options }) => options.limits.doors.octetsPerPeer,
    'octets-in-flight': ({ options }) => options.limits.doors.octetsInAll,
    'neighbors-per-source': ({ options }) => options.limits.neighborsPerSourcePerSecond,
    'neighbors-per-second': ({ options }) => options.limits.neighborsPerSecond,
    'sampled-lines-per-second': ({ options }) => options.limits.sampledLinesPerSecond,
    'capture-rate': ({ options }) => options.limits.capturedPacketsPerSecond,
    'spis-per-hour': ({ options }) => options.limits.spisPerPeerPerHour,
    snaplen: ({ run }) => run.snapOctets,
    'ping-count': ({ run }) => run.pingCount,
    // Without --record nothing has a size.
    'record-size': ({ run }) => (run.record?.octetsMax ?? 2 ** 26) / 2 ** 20,
  };
  const NUMBERS = FLAGS.filter(({ kind }) => kind === 'number');
  /** What a number must not be greater or smaller than is as far away as it may be. */
  const beside = (name: string, value: number): string[] =>
    Object.entries({
      'backoff-min': ['backoff-max', 'most'],
      'backoff-max': ['backoff-min', 'least'],
      'request-octets': ['octets-per-peer', 'most'],
      'octets-per-peer': ['request-octets', 'least'],
      'octets-in-flight': ['octets-per-peer', 'least'],
    } as const).flatMap(([one, [other, end]]) => {
      if (one !== name) return [];
      const [least, most] = FLAGS.find((flag) => flag.name === other)!.range!;
      const far = end === 'most' ? Math.max(most, value) : Math.min(least, value);
      return [`--${other}=${far}`];
    });

  /** Flags that mean nothing without another have that beside them. */
  const PARTNERS: Readonly<Record<string, readonly string[]>> = {
    'ping-count': ['--ping=192.168.1.1'],
    'record-size': ['--record=r.jsonl'],
    'neighbors-per-source': ['--mode=transport'],
    'neighbors-per-second': ['--mode=transport'],
    'sampled-lines-per-second': ['--sample-rate=1'],
  };

  test('there is a place for each', () => {
    expect(Object.keys(PLACES).sort()).toEqual(NUMBERS.map(({ name }) => name).sort());
  });

  test.each(NUMBERS.map(({ name, range }) => [name, ...range!] as const))(
    '--%s is from %i to %i',
    (name, least, most) => {
      for (const beyond of [least - 1, most + 1, '1.5', 'x', '']) {
        const [problem] = problemsOf([`--${name}=${beyond}`, ...(PARTNERS[name] ?? [])]);
        if (beyond === '') expect(problem).toBe(`--${name}: is empty; give it a value, or leave it out`);
        else expect(problem).toBe(`--${name}: "${beyond}" is not a whole number from ${least} to ${most}`);
      }
      const wanted = name === 'snaplen' ? [0, 14, most] : [least, most];
      for (const value of wanted) {
        const argv = [`--${name}=${value}`, ...beside(name, value), ...(PARTNERS[name] ?? [])];
        const others = problemsOf(argv).filter((problem) => !/is (?:greater|less) than/.test(problem));
        expect(others, name).toEqual([]);
        if (problemsOf(argv).length === 0) expect(PLACES[name]!(read(argv)), name).toBe(value);
      }
    },
  );

  test.each(Object.entries(PARTNERS))(
    '--%s needs %s, which is said with what else is wrong',
    (name, partner) => {
      const flag = partner[0]!.replace(/=.*/, '');
      const [problem, ...others] = problemsOf([`--${name}=1`]);
      expect(problem).toContain(`--${name}: is for `);
      expect(problem).toContain(flag);
      expect(others).toEqual([]);
      expect(problemsOf([`--${name}=1`, '--frobnicate']).join()).toMatch(/frobnicate.*: is for /);
      expect(problemsOf([`--${name}=1`, ...partner])).toEqual([]);
    },
  );

  test('of sampling need it, but for those that are off; a wrong rate is told alone', () => {
    const booleans = ['maintain-order', 'sample-before-encryption', 'sampled-octets'];
    for (const name of booleans) {
      expect(problemsOf([`--${name}`])).toEqual([`--${name}: is for sampling; give --sample-rate as well`]);
      expect(problemsOf([`--${name}=false`])).toEqual([]);
      expect(problemsOf([`--${name}`, '--sample-rate=17'])).toHaveLength(1);
    }
  });

  test('in a file that need another are told at their place', () => {
    const files = { 'f.json': '{\n  "ping-count": 3\n}' };
    expect(problemsOf(['-j', 'f.json'], files)).toEqual(['f.json:2:17: is for --ping; give it as well']);
  });

  test('those that are not given have their defaults, or what follows from others', () => {
    const { options, run } = read([]);
    for (const { name, default: text } of NUMBERS)
      if (text !== undefined) expect(PLACES[name]!({ options, run }), name).toBe(Number(text));
    expect(options.limits.doors).toEqual({ ...DOOR_LIMITS, ...options.limits.doors });
    expect(options).not.toHaveProperty('cryptOffsetWords');
  });

  test('a frame is captured whole, or as far as its Ethernet header at least', () => {
    expect(problemsOf(['--snaplen=13'])).toEqual([
      '--snaplen: 13 octets are less than an Ethernet header; give 14 or more, or 0 for whole frames',
    ]);
  });

  test('there are places for all addresses that are listed, from 256 to 65536', () => {
    const places = (tunnel: string) => optionsOf('-t', `10.0.0.1:${tunnel}`).maxTunnels;
    expect([places('1.1.1.1'), places('1.1.0.0/24'), places('1.1.0.0/23'), places('1.0.0.0/8')]).toEqual([
      256, 256, 512, 65_536,
    ]);
    expect(optionsOf('-t', '10.0.0.1:1.1.0.0/23', '--local-virt-ip=2.2.2.2,2.2.2.3').maxTunnels).toBe(1024);
    expect(optionsOf('-t', '10.0.0.1:1.1.0.0/23', '-x', '9').maxTunnels).toBe(9);
  });
});

describe('switches and choices', () => {
  test('are off, and on when they are given', () => {
    const flags = {
      cookies: '--cookie',
      debugKeys: '--debug-keys',
      statPrint: '--stat-print',
      showRssRxPackets: '--show-rss-rx-packets',
      confirmUnderlay: '--confirm-underlay',
    };
    for (const [name, flag] of Object.entries(flags)) {
      expect(optionsOf()).toHaveProperty(name, false);
      expect(optionsOf(flag)).toHaveProperty(name, true);
    }
    for (const [name, flag] of Object.entries({
      maintainOrder: '--maintain-order',
      sampleBeforeEncryption: '--sample-before-encryption',
      sampledOctets: '--sampled-octets',
    })) {
      expect(optionsOf()).toHaveProperty(name, false);
      expect(optionsOf(flag, '--sample-rate=1')).toHaveProperty(name, true);
      expect(problemsOf([flag])).toEqual([`${flag}: is for sampling; give --sample-rate as well`]);
    }
    expect([optionsOf().ingressAcl, optionsOf('-a').ingressAcl]).toEqual([true, false]);
    expect([read([]).run.allowCoreDumps, read(['--allow-core-dumps']).run.allowCoreDumps]).toEqual([
      false,
      true,
    ]);
    expect(optionsOf().insecure).toBe(true);
  });

  test('are what was chosen', () => {
    expect(optionsOf()).toMatchObject({
      hal: 'sim',
      outerFamily: 6,
      innerFamilies: [4],
      mode: 'tunnel',
      pspVersion: 1,
    });
    expect(optionsOf('--outer-ip-type=ipv4').outerFamily).toBe(4);
    expect(optionsOf('--inner=ipv6').innerFamilies).toEqual([6]);
    expect(optionsOf('--inner=both').innerFamilies).toEqual([4, 6]);
    expect(optionsOf('--mode=transport').mode).toBe('transport');
    expect(optionsOf('--psp-version=0').pspVersion).toBe(0);
    expect(read(['--log-level=70', '--sdk-log-level=10', '--log-format=json']).run).toMatchObject({
      logLevel: 70,
      sdkLogLevel: 10,
      logFormat: 'json',
    });
    expect(problemsOf(['--inner=ipv5'])).toEqual(['--inner: "ipv5" is not one of ipv4, ipv6, both']);
  });

  test('metrics are served where they are asked for, on loopback by default, and nowhere else', () => {
    expect(read([]).run).not.toHaveProperty('metrics');
    const served = (text: string) => read([`--metrics=${text}`]).run.metrics;
    expect(served('9464')).toEqual({ host: '127.0.0.1', port: 9464 });
    expect(served('10.0.0.1:65535')).toEqual({ host: '10.0.0.1', port: 65_535 });
    expect(served('0.0.0.0:1')).toEqual({ host: '0.0.0.0', port: 1 });
    expect(served('[::1]:9464')).toEqual({ host: '::1', port: 9464 });
    for (const [text, reason] of [
      ['10.0.0.1', '"10.0.0.1" is not a port (1 to 65535)'],
      ['0', '"0" is not a port (1 to 65535)'],
      ['65536', '"65536" is not a port (1 to 65535)'],
      ['10.0.0.1:', '"" is not a port (1 to 65535)'],
      ['::1:9464', '"::1:9464" is not [ADDRESS:]PORT (IPv6 address in brackets)'],
      ['[::1]', '"[::1]" is not [ADDRESS:]PORT (IPv6 address in brackets)'],
      ['here:9464', expect.stringContaining('"here"')],
      ['224.0.0.1:9464', expect.stringContaining('224.0.0.1 is multicast')],
    ] as const)
      expect(problemsOf([`--metrics=${text}`]), text).toEqual([
        typeof reason === 'string' ? `--metrics: ${reason}` : reason,
      ]);
    expect(read(['--metrics=9464']).run.metricsPerPeer).toBe(false);
    expect(read(['--metrics=9464', '--metrics-per-peer']).run.metricsPerPeer).toBe(true);
    expect(problemsOf(['--metrics-per-peer'])).toEqual([
      '--metrics-per-peer: is for --metrics; give it as well',
    ]);
  });

  test('of rates to print: one kind, or all', () => {
    expect(optionsOf()).not.toHaveProperty('perfPrint');
    for (const kind of ['key-gen', 'insertion', 'all'])
      expect(optionsOf(`--perf-print=${kind}`)).toHaveProperty('perfPrint', kind);
    expect(optionsOf('--perf-print=insertion,key-gen')).toHaveProperty('perfPrint', 'all');
    expect(optionsOf('--perf-print=key-gen,key-gen')).toHaveProperty('perfPrint', 'key-gen');
    expect(problemsOf(['--perf-print=key-gen,x'])).toEqual([
      '--perf-print: "x" is not one of key-gen, insertion, all',
    ]);
  });
});

describe('texts and addresses', () => {
  test('come as they are, and are absent when they are not given', () => {
    const { options, run } = read([
      '--decap-dmac=2:0:0:0:0:1',
      '--nexthop-dmac=02:00:00:00:00:02',
      '--state-file=s',
    ]);
    expect(options).toMatchObject({
      decapDmac: '02:00:00:00:00:01',
      nexthopDmac: '02:00:00:00:00:02',
      statePath: 's',
    });
    for (const name of [
      'decapDmac',
      'nexthopDmac',
      'statePath',
      'localPip',
      'vfName',
      'staticTunnels',
      'tls',
    ])
      expect(optionsOf()).not.toHaveProperty(name);
    expect(run).not.toHaveProperty('ping');
    expect(read(['--ping=1.1.1.1']).run.ping).toBe('1.1.1.1');
    expect(optionsOf('--local-virt-ip=1.1.1.1, 1.1.1.2').localVirtualIps).toEqual(['1.1.1.1', '1.1.1.2']);
    expect(optionsOf(...DOCA, '-d', 'ens2').vfName).toBe('ens2');
  });

  test.each(['0x3', 'ff', '0XAB', `0x${'f'.repeat(32)}`])('a core mask may be %s', (mask) => {
    expect(optionsOf('-m', mask).coreMask).toBe(mask);
  });

  test.each(['0x', 'x3', '0x3g', '3 ', `0x${'f'.repeat(33)}`])('a core mask is not %s', (mask) => {
    expect(problemsOf(['-m', mask])).toEqual([`--core-mask: "${mask}" is not a mask in hex such as 0x3`]);
  });

  test('of our own outside, in the family that is outside', () => {
    expect(optionsOf('--local-pip=2001:db8::1').localPip).toBe('2001:db8::1');
    expect(problemsOf(['--local-pip=192.0.2.1'])).toEqual([
      '--local-pip: 192.0.2.1 is IPv4, and tunnels are over ipv6; say --outer-ip-type ipv4',
    ]);
    const s = '{"peers":[],"config":{"local-pip":\n"192.0.2.1","local-grpc-address":"192.0.2.9:7"}}';
    const argv = ['--config', 's', '--outer-ip-type=ipv4'];
    const { options } = read(argv, { s });
    expect([options.localPip, options.serviceAddress]).toEqual(['192.0.2.1', { host: '192.0.2.9', port: 7 }]);
    // What a flag says counts.
    const flags = read([...argv, '--local-pip=192.0.2.2', '-s', '192.0.2.3'], { s }).options;
    expect([flags.localPip, flags.serviceAddress]).toEqual(['192.0.2.2', { host: '192.0.2.3', port: 3000 }]);
    expect(problemsOf(['--config', 's'], { s })).toEqual([
      's:2:1: 192.0.2.1 is IPv4, and tunnels are over ipv6; say --outer-ip-type ipv4',
    ]);
    expect(optionsOf().serviceAddress).toEqual({ host: '0.0.0.0', port: 3000 });
  });

  test('of routers, in transport mode', () => {
    const routers = ['--allow-router', 'fe80::1', '--allow-router=192.168.1.1'];
    expect(optionsOf('--mode=transport', ...routers).allowRouters).toEqual(['fe80::1', '192.168.1.1']);
    expect(optionsOf().allowRouters).toEqual([]);
    expect(problemsOf(routers)).toEqual([
      '--allow-router: is for --mode=transport; in tunnel mode no router reaches the workload',
    ]);
    expect(problemsOf(['--mode=transport', '--allow-router=ff02::1', '--allow-router=x'])).toEqual([
      '--allow-router: "ff02::1" is no address of a router',
      '--allow-router: "x" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ]);
  });
});

describe('what does not go together', () => {
  test.each<[string[], string[]]>([
    [[...DOCA, '-d', 'x', '--decap-dmac=2:0:0:0:0:1'], ['--decap-dmac: does not go together with --vf-name']],
    [['-d', 'x'], ['--vf-name: is for --hal=doca; with --hal=sim the workload is given with --sim-vf']],
    [
      ['--mode=transport', '--confirm-underlay'],
      [
        '--confirm-underlay: is for --mode=tunnel; in transport mode packets go where the workload sends them',
      ],
    ],
    [['--backoff-min=2000', '--backoff-max=1999'], ['--backoff-min: is greater than --backoff-max']],
    [['--backoff-min=2000', '--backoff-max=2000'], []],
    [
      ['--request-octets=65537', '--octets-per-peer=65536'],
      ['--octets-per-peer: is less than --request-octets'],
    ],
    [['--request-octets=65536', '--octets-per-peer=65536'], []],
    [
      ['--rotation-period=59999'],
      [
        '--rotation-period: 59999 is less than twice --rekey-grace, for which a rotation waits; give 60000 or more, or 0 for none',
      ],
    ],
    [['--rotation-period=2000', '--rekey-grace=1000'], []],
    [['--rotation-period=0', '--rekey-grace=1000'], []],
    [[...DOCA, '--ping=1.1.1.1'], ['--ping: is for --hal=sim']],
    [['--hal=doca'], ['--pci-addr: is required with --hal=doca']],
  ])('%j', (argv, problems) => {
    expect(problemsOf(argv)).toEqual(problems);
  });

  test('TLS is all of its files, or none with --insecure', () => {
    const tls = ['--tls-ca=a', '--tls-cert=b', '--tls-key=c'];
    const readSecure = (...argv: string[]) => readGatewayOptions(argv, () => '').options;
    expect(readSecure(...tls)).toMatchObject({
      tls: { caPath: 'a', certificatePath: 'b', keyPath: 'c' },
      insecure: false,
    });
    const refusal = (...argv: string[]) => {
      try {
        return readSecure(...argv);
      } catch (error) {
        return (error as ConfigError).problems;
      }
    };
    const all =
      'all three are needed (psp-gateway certificates makes some to try with), or --insecure for plaintext gRPC';
    expect(refusal()).toEqual([`--tls-ca: ${all}`]);
    for (const left of tls)
      expect(refusal(...tls.filter((one) => one !== left))).toEqual([
        `--tls-ca, --tls-cert, --tls-key: ${all}`,
      ]);
    expect(refusal('--insecure', ...tls.slice(1))).toEqual([`--tls-ca, --tls-cert, --tls-key: ${all}`]);
    expect(refusal('--insecure', ...tls)).toEqual([
      '--insecure: does not go together with --tls-ca, --tls-cert, --tls-key',
    ]);
  });

  test('what the caller finds is said with the rest, where its flag was given', () => {
    const file = '{"insecure": true,\n"sim-vf": "x", "x": 0}';
    try {
      readGatewayOptions(['-j', 'f'], () => file, {
        check(_, problem) {
          problem('sim-vf', 'is nothing');
          problem('sim-wire', 'is not there');
          problem('SOME_VARIABLE', 'is empty');
        },
      });
      expect.unreachable();
    } catch (error) {
      expect((error as ConfigError).problems).toEqual([
        'f:2:21: "0" is not a whole number from 1 to 250000',
        'f:2:11: is nothing',
        '--sim-wire: is not there',
        'SOME_VARIABLE: is empty',
      ]);
    }
  });
});

describe('static tunnels', () => {
  test('are of a family that is carried', () => {
    expect(problemsOf(['-z', 'fd00::1'])).toEqual([
      '--static-tunnels: fd00::1 is IPv6, and the tunnels carry IPv4; say --inner ipv6 or both',
    ]);
    expect(problemsOf(['-z', '1.1.1.1', '--inner=ipv6'])).toEqual([
      '--static-tunnels: 1.1.1.1 is IPv4, and the tunnels carry IPv6; say --inner ipv4 or both',
    ]);
  });

  test('are as many as there are places for', () => {
    const argv = ['-t', '10.0.0.1:1.1.0.0/24', '-z', '2.2.2.2'];
    expect(problemsOf([...argv, '-x', '256'])).toEqual([]);
    expect(problemsOf([...argv, '-x', '255'])).toEqual([
      '--max-tunnels: 256 static tunnels are configured, 255 allowed; say --max-tunnels 256, or leave out --static-tunnels: sessions are then made at their first packet',
    ]);
    const options = {
      peers: [{ serviceAddress: {} as never, virtualIps: [], virtualPrefixes: [parsePrefix('8.0.0.0/8')] }],
    };
    expect(
      staticTunnelsProblem({ ...options, staticTunnels: 'all', maxTunnels: 9 }, [parseIp('2.2.2.2')]),
    ).toBe(
      '16777216 static tunnels are configured, 9 allowed; at most 250000 can be; name longer prefixes, or leave out --static-tunnels: sessions are then made at their first packet',
    );
    expect(staticTunnelsProblem({ ...options, maxTunnels: 9 }, [parseIp('2.2.2.2')])).toBeUndefined();
  });
});

describe('peers', () => {
  const peersOf = (argv: readonly string[], files?: Files) => read(argv, files).options.peers;

  test('of flags and files are merged by their service address', () => {
    const s = JSON.stringify({
      peers: [
        {
          'remote-grpc-address': '10.0.0.1',
          sessions: [{ 'local-vip': '2.2.2.2', 'remote-vips': ['1.1.1.3', '1.1.4.0/24'] }],
          underlay: ['192.0.2.0/24'],
        },
        {
          'remote-grpc-address': '10.0.0.1',
          sessions: [{ 'remote-vips': ['1.1.1.3'] }],
          underlay: ['198.51.100.0/24'],
        },
      ],
    });
    const argv = [
      '-t',
      '10.0.0.1:1.1.1.1,1.1.3.0/24',
      '-f',
      't',
      '--config',
      's',
      '--peer-dialect',
      '10.0.0.1=2.8',
    ];
    expect(peersOf(argv, { t: '10.0.0.1:3000:1.1.1.2,1.1.1.1', s })).toEqual([
      {
        serviceAddress: { host: '10.0.0.1', port: 3000 },
        virtualIps: ['1.1.1.1', '1.1.1.2', '1.1.1.3'],
        virtualPrefixes: [parsePrefix('1.1.3.0/24'), parsePrefix('1.1.4.0/24')],
        pairs: [
          { localVip: '2.2.2.2', remoteVip: '1.1.1.3' },
          { localVip: '2.2.2.2', remoteVip: parsePrefix('1.1.4.0/24') },
          { remoteVip: '1.1.1.3' },
        ],
        dialect: '2.8',
        underlay: [parsePrefix('192.0.2.0/24'), parsePrefix('198.51.100.0/24')],
      },
    ]);
  });

  test('are not ourselves, and own nothing of ours or of each other', () => {
    expect(problemsOf(['-s', '10.0.0.1', '-t', '10.0.0.1:1.1.1.1', '-t', '10.0.0.1:4000:1.1.1.2'])).toEqual([
      '--tunnel: 10.0.0.1:3000 is where we serve ourselves; leave it out',
    ]);
    const ours = "is an address of our own workload, and no peer's; leave it out";
    expect(problemsOf(['--local-virt-ip=1.1.1.1', '-t', '10.0.0.1:1.1.1.1'])).toEqual([
      `--tunnel: 1.1.1.1 ${ours}`,
    ]);
    expect(problemsOf(['-z', '1.1.1.1', '-t', '10.0.0.1:1.1.1.1'])).toEqual([`--tunnel: 1.1.1.1 ${ours}`]);
    const s =
      '{"peers":[{"remote-grpc-address":"10.0.0.2","sessions":[{"local-vip":"1.1.1.1","remote-vips":\n["1.1.1.2"]}]}]}';
    expect(problemsOf(['--config', 's', '-t', '10.0.0.1:1.1.1.1'], { s })).toEqual([
      `--tunnel: 1.1.1.1 ${ours}`,
    ]);
    expect(problemsOf(['--config', 's', '-t', '10.0.0.1:1.1.1.2'], { s })).toEqual([
      's:2:2: 1.1.1.2 belongs to 10.0.0.1:3000 already (--tunnel)',
    ]);
    expect(problemsOf(['-f', 't'], { t: '10.0.0.1:1.1.1.0/24\n10.0.0.2:1.1.1.0/24' })).toEqual([
      't:2: 1.1.1.0/24 belongs to 10.0.0.1:3000 already (t:1)',
    ]);
    // A prefix around an address of ours is nobody's mistake.
    expect(problemsOf(['--local-virt-ip=1.1.1.1', '-t', '10.0.0.1:1.1.1.0/24'])).toEqual([]);
  });

  test('have the dialect that is given for them', () => {
    const argv = ['-t', '10.0.0.1:1.1.1.1'];
    for (const dialect of ['2.7', '2.8', '3.x'])
      expect(peersOf([...argv, `--peer-dialect=10.0.0.1=${dialect}`])[0]).toHaveProperty('dialect', dialect);
    expect(peersOf(argv)[0]).not.toHaveProperty('dialect');
    expect(problemsOf([...argv, '--peer-dialect=10.0.0.2=2.8'])).toEqual([
      '--peer-dialect: there is no peer 10.0.0.2:3000',
    ]);
    for (const wrong of ['10.0.0.1', '10.0.0.1=2.9'])
      expect(problemsOf([...argv, `--peer-dialect=${wrong}`])).toEqual([
        `--peer-dialect: "${wrong}" is not SERVICE-ADDRESS=2.7, =2.8 or =3.x`,
      ]);
    expect(problemsOf([...argv, '--peer-dialect=x=2.8'])).toEqual([
      '--peer-dialect: "x" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
    ]);
  });

  test('of a tunnels file stand one in a line, beside comments', () => {
    const t = '\n# none\n  10.0.0.1:1.1.1.1  # one\r\n\n10.0.0.2:1.1.1.2';
    expect(peersOf(['-f', 't'], { t }).map(({ virtualIps }) => virtualIps)).toEqual([
      ['1.1.1.1'],
      ['1.1.1.2'],
    ]);
    expect(problemsOf(['-f', 't'], { t: `${t}\nx\n` })).toEqual([
      't:6: "x" is not SERVICE-ADDRESS:VIRTUAL-IP[,VIRTUAL-IP] (IPv6 service address in brackets)',
    ]);
    expect(problemsOf(['-f', 't', '--config', 's'])).toEqual([
      '--config: there is no file s',
      '--tunnels-file: there is no file t',
    ]);
  });
});
