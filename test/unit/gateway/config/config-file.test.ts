/** The YAML file of --config: what it says, every mistake in it with its line and field, and that what is shown reads back. */
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfigFile } from '../../../../src/gateway/config/config-file.js';
import { CONFIG_SCHEMA } from '../../../../src/gateway/config/config-schema.js';
import { configText } from '../../../../src/gateway/config/config-text.js';
import { FLAGS } from '../../../../src/gateway/config/flags.js';
import {
  CONFIG_FILE_OCTETS_MAX,
  YAML_ALIASES_MAX,
  YAML_DEPTH_MAX,
} from '../../../../src/gateway/config/limits.js';
import { ConfigError } from '../../../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../../../src/gateway/config/read-options.js';

type Files = Readonly<Record<string, string>>;

function read(argv: readonly string[], files: Files) {
  const reader = (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return text;
  };
  return readGatewayOptions(argv, reader, { parseConfigFile });
}

const TLS = ['--tls-ca=a', '--tls-cert=b', '--tls-key=c'];

/** Options of a file, and of further flags; without TLS, unless these say otherwise. */
const of = (text: string, ...argv: string[]) => {
  const security = argv.some((flag) => flag.startsWith('--tls-')) ? [] : ['--insecure'];
  return read(['--config', 'g.yaml', ...security, ...argv], { 'g.yaml': text });
};

function problemsOf(text: string, ...argv: string[]): readonly string[] {
  try {
    of(text, ...argv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a configuration file', () => {
  test('says flags and peers', () => {
    const { options } = of(`# a gateway
flags:
  svc-addr: 10.0.0.1:4000
  rekey-grace: 60000
  cookie: true
  static-tunnels: true
  log-level: 60
peers:
  - service: 10.0.0.2
    owns: [192.168.2.0/24, 192.168.3.7]
    dialect: 2.8
    may-rotate: false
    underlay: [192.0.2.0/24]
  - service: "[fd00::1]:5000"
    pairs:
      - {local: 192.168.1.1, remote: 192.168.4.1}
      - remote: [192.168.4.2, 192.168.5.0/30]
`);
    expect(options).toMatchObject({
      serviceAddress: { host: '10.0.0.1', port: 4000 },
      cookies: true,
      staticTunnels: 'all',
      limits: { rekeyGraceMs: 60_000 },
    });
    const [first, second] = options.peers;
    expect(first).toMatchObject({
      serviceAddress: { host: '10.0.0.2', port: 3000 },
      virtualIps: ['192.168.3.7'],
      virtualPrefixes: [{ text: '192.168.2.0/24' }],
      dialect: '2.8',
      mayRotate: false,
      underlay: [{ text: '192.0.2.0/24' }],
    });
    expect(first!.pairs).toBe(undefined);
    expect(second).toMatchObject({
      serviceAddress: { host: 'fd00::1', port: 5000 },
      virtualIps: ['192.168.4.1', '192.168.4.2'],
      pairs: [
        { localVip: '192.168.1.1', remoteVip: '192.168.4.1' },
        { remoteVip: '192.168.4.2' },
        { remoteVip: { text: '192.168.5.0/30' } },
      ],
    });
  });

  test('gives way to the command line, flag by flag, whose peers are added', () => {
    const file =
      'flags: {rekey-grace: 60000, tunnel: "10.0.0.9:192.168.9.1", cookie: true}\npeers: [{service: 10.0.0.2, owns: [192.168.2.1]}]\n';
    const { options } = of(file, '--rekey-grace=1000', '--tunnel=10.0.0.3:192.168.3.1', '--cookie=false');
    expect(options.limits.rekeyGraceMs).toBe(1000);
    expect(options.cookies).toBe(false);
    expect(options.peers.map(({ serviceAddress }) => serviceAddress.host)).toEqual(['10.0.0.3', '10.0.0.2']);
    expect(of(file).options.cookies).toBe(true);
  });

  test('may be beside a JSON flags file, which gives other flags', () => {
    const files = { 'g.yml': 'flags: {rekey-grace: 60000}\n', j: '{"cookie": true, "insecure": true}' };
    expect(read(['-c', 'g.yml', '-j', 'j'], files).options).toMatchObject({ cookies: true });
    expect(() => read(['-c', 'g.yml', '-j', 'j'], { ...files, 'g.yml': 'flags:\n  cookie: true\n' })).toThrow(
      'g.yml:2: flags.cookie: is given twice, also at j:1:12',
    );
    expect(() => read(['-j', 'j'], { j: '{"config": "g.yaml"}' })).toThrow('j:1:12: there is no file g.yaml');
  });

  test('of a bad name or in a place where no such file is read is told of', () => {
    expect(() => read(['--config', 'no.yaml', '--insecure'], {})).toThrow(/^--config: /);
    expect(() => readGatewayOptions(['--config', 'g.yaml', '--insecure'], () => '')).toThrow(
      '--config: is a YAML file of flags and peers, which is not read here; give the flags themselves',
    );
  });

  test('has all that is wrong with it told at once, each with its line and field', () => {
    expect(
      problemsOf(`flags:
  rekey-grace: soon
  rekei-grace: 1
  config: other.yaml
  cookie: yes
  max-tunnels: [1]
  mode:
  backoff-min: 20000
  inner: both
  inner-ip-type: ipv4
peers:
  - service: 10.0.0.2
    owns: [192.168.2.0/24, nothing, 192.168.3.1]
    own: []
  - owns: 192.168.3.1
  - service: 10.0.0.3
    owns: [192.168.3.1]
    dialect: 2.9
    may-rotate: 1
    underlay: []
    pairs: [{local: fd00::1, remote: 192.168.7.1}, {remot: 1}, {remote: 192.168.8.1}, {remote: 192.168.8.1}]
peer: []
`),
    ).toEqual([
      'g.yaml:22: there is no key "peer" here; did you mean peers?',
      'g.yaml:3: flags: there is no flag "rekei-grace"; did you mean rekey-grace?',
      'g.yaml:4: flags.config: names another file of flags and peers; write here what is in it',
      'g.yaml:5: flags.cookie: "yes" is neither true nor false',
      'g.yaml:6: flags.max-tunnels: is not a number',
      'g.yaml:7: flags.mode: is empty; give it a value, or leave it out',
      'g.yaml:10: flags.inner-ip-type: is given twice, also as inner',
      'g.yaml:14: peers[0]: there is no key "own" in a peer; did you mean owns?',
      'g.yaml:13: peers[0].owns[1]: "nothing" is not an IP address (expected a form such as 192.0.2.1 or 2001:db8::1)',
      'g.yaml:15: peers[1]: needs the key service',
      'g.yaml:15: peers[1].owns: is not a list',
      'g.yaml:21: peers[2].pairs[0].remote: 192.168.7.1 is not of the family of local fd00::1',
      'g.yaml:21: peers[2].pairs[1]: there is no key "remot" in a pair; did you mean remote?',
      'g.yaml:21: peers[2].pairs[1]: needs the key remote',
      'g.yaml:21: peers[2].pairs[3].remote: 192.168.8.1: the pair is there twice (g.yaml:21: peers[2].pairs[2].remote)',
      'g.yaml:18: peers[2].dialect: "2.9" is not one of 2.7, 2.8, 3.x',
      'g.yaml:19: peers[2].may-rotate: "1" is neither true nor false',
      'g.yaml:20: peers[2].underlay: 0 prefixes; give 1 to 16, or leave it out',
      'g.yaml:17: peers[2].owns[0]: 192.168.3.1 belongs to 10.0.0.2:3000 already (g.yaml:13: peers[0].owns[2])',
      'g.yaml:8: flags.backoff-min: is greater than --backoff-max',
      'g.yaml:2: flags.rekey-grace: "soon" is not a whole number from 100 to 604800000',
    ]);
  });

  test('that is no YAML is told of as that, and nothing seems to be missing', () => {
    let problems: readonly string[] = [];
    try {
      read(['--config', 'g.yaml'], { 'g.yaml': 'flags:\n  svc-addr: 10.0.0.1:4000\n  tls-ca: [\n' });
    } catch (error) {
      ({ problems } = error as ConfigError);
    }
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(/^g\.yaml:\d+: /);
  });

  test('says by which names a peer is known', () => {
    const names = "['spiffe://example.org/gw/2', GW2.example.org, 'fd00::2']";
    const { options } = of(`peers:\n  - service: 10.0.0.2\n    identities: ${names}\n`, ...TLS);
    expect(options.peers[0]!.identities).toEqual([
      { type: 'uri', value: 'spiffe://example.org/gw/2' },
      { type: 'dns', value: 'gw2.example.org' },
      { type: 'ip', value: 'fd00::2' },
    ]);
  });

  test.each([
    [
      "['*.example.org']",
      /identities\[0\]: "\*\.example\.org" is not a name of one host: wildcards name nobody/,
    ],
    ['[bücher.example]', /write xn--bcher-kva\.example, as it stands in certificates/],
    ["['spiffe://Example.org/x']", /is not a SPIFFE ID: write spiffe:\/\/trust-domain\/path/],
    ['[10.0.0.300]', /"10\.0\.0\.300"/],
    ['[]', /identities: 0 names; give 1 to 16, or leave it out/],
    [`[${Array(17).fill('a').join()}]`, /identities: 17 names/],
  ])('refuses the names %s', (names, reason) => {
    expect(problemsOf(`peers:\n  - service: 10.0.0.2\n    identities: ${names}\n`, ...TLS)).toEqual([
      expect.stringMatching(reason),
    ]);
  });

  test('refuses names that nobody could prove', () => {
    expect(problemsOf('peers:\n  - service: 10.0.0.2\n    identities: [a]\n')).toEqual([
      'g.yaml:2: peers[0]: identities are proved by certificates, and with --insecure there are none',
    ]);
  });

  test.each([
    ['', 'g.yaml:1: the file is empty; write flags: and peers:'],
    ['- 1\n', 'g.yaml:1: the file is not a map of flags and peers'],
    ['flags: 1\n', 'g.yaml:1: flags: is not a map'],
    ['flags: {}\nflags: {}\n', 'g.yaml:2: "flags" is there twice'],
    ['peers:\n\t- service: 1\n', /^g\.yaml:2: Tabs are not allowed as indentation/],
    ['flags: {}\n---\npeers: []\n', 'g.yaml:2: a file is one document, here a second begins'],
    ['flags: *a\n', /^g\.yaml:1: cannot be read as YAML: /],
    [`flags: ${'['.repeat(YAML_DEPTH_MAX + 1)}`, `g.yaml:1: nested deeper than ${YAML_DEPTH_MAX} levels`],
    ['a: &a [1]\nb: &b [*a, *b]\n', 'g.yaml:2: *b is inside of what it stands for'],
    [`a: &a 1\nb: [${'*a,'.repeat(YAML_ALIASES_MAX + 1)}]`, /^g\.yaml:2: more than 1000 aliases/],
    ['x'.repeat(CONFIG_FILE_OCTETS_MAX + 1), /^g\.yaml:1: the file is longer than/],
  ])('of another form is refused: %#', (text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  test('whose aliases stand for thousands of millions of values is refused', () => {
    const bomb = Array.from({ length: 9 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).join('\n');
    expect(problemsOf(bomb.replace(/\*a-1/g, '1'))).toEqual([
      expect.stringMatching(/^g\.yaml:\d: its aliases stand for more than 1000000 values$/),
    ]);
  });

  test('may name a value once and use it again', () => {
    const { options } = of(`peers:
  - &first {service: 10.0.0.2, dialect: 2.8, owns: [192.168.2.1]}
  - {<<: *first, service: 10.0.0.3, owns: [192.168.3.1]}
`);
    expect(options.peers.map(({ dialect }) => dialect)).toEqual(['2.8', '2.8']);
    expect(problemsOf('flags: {rekey-grace: &g soon, rotation-period: *g}\n')).toEqual([
      'g.yaml:1: flags.rotation-period: "soon" is not a whole number from 0 to 604800000',
      'g.yaml:1: flags.rekey-grace: "soon" is not a whole number from 100 to 604800000',
    ]);
  });

  test('has a schema that takes what is right, knows every flag, and refuses what is unknown', () => {
    const validate = new Ajv({ allowUnionTypes: true }).compile(CONFIG_SCHEMA);
    expect(validate(parse(configText(of('peers: [{service: 10.0.0.2, owns: [192.168.2.1]}]\n'))))).toBe(true);
    expect(validate({ flags: { 'rekei-grace': 1 } })).toBe(false);
    expect(validate({ peers: [{ owns: [] }] })).toBe(false);
    const { properties } = (CONFIG_SCHEMA.properties as { flags: { properties: object } }).flags;
    const names = FLAGS.map(({ name }) => name).filter((name) => name !== 'config');
    expect(names.filter((name) => !Object.hasOwn(properties, name))).toEqual([]);
  });
});

test('an old name of a flag is taken, and told of with its line; it and the new one are one flag', () => {
  const { options, run } = of('flags:\n  session-idle: 9\n');
  expect(options.limits.sessionIdleS).toBe(9);
  expect(run.remarks).toEqual([expect.stringMatching(/:2: is an old name of idle-timeout/)]);
  expect(() => of('flags:\n  session-idle: 9\n  idle-timeout: 8\n')).toThrow(/is given twice/);
});

test('the policy is the default of what peers may, and what an entry says wins', () => {
  const rights = (policy: string) =>
    of(`${policy}peers:
  - service: 10.0.0.2
  - {service: 10.0.0.3, may-rotate: true}
  - {service: 10.0.0.4, may-rotate: false}
`).options.peers.map(({ mayRotate }) => mayRotate);
  expect(rights('policy: {may-rotate: false}\n')).toEqual([false, true, false]);
  expect(rights('policy: {may-rotate: true}\n')).toEqual([true, true, false]);
  // What is not granted is denied, where anything is said of rights at all.
  for (const nothing of ['', 'policy: {}\n']) expect(rights(nothing)).toEqual([false, true, false]);
  expect(problemsOf('policy: {may-rotate: 1, may-rot: true}\n')).toEqual([
    expect.stringContaining('there is no key "may-rot" in the policy'),
    expect.stringContaining('policy.may-rotate: "1" is neither true nor false'),
  ]);
});

test('a file that says of any peer who it is, or what it may, denies rotations to all that it does not grant them', () => {
  const rights = (policy: string, first: string) =>
    of(
      `${policy}peers: [{service: 10.0.0.2${first}}, {service: 10.0.0.3}]\n`,
      '--tunnel=10.0.0.4:192.168.4.1',
      ...TLS,
    ).options.peers.map(({ serviceAddress, mayRotate }) => `${serviceAddress.host} ${mayRotate}`);
  // There is no policy: peers are what DOCA's application knows of them.
  expect(rights('', '')).toEqual(['10.0.0.4 undefined', '10.0.0.2 undefined', '10.0.0.3 undefined']);
  const denied = ['10.0.0.4 false', '10.0.0.2 false', '10.0.0.3 false'];
  expect(rights('', ', identities: [gw2.example.org]')).toEqual(denied);
  expect(rights('', ', may-rotate: false')).toEqual(denied);
  expect(rights('policy: {}\n', '')).toEqual(denied);
  expect(rights('', ', may-rotate: true')).toEqual(['10.0.0.4 false', '10.0.0.2 true', '10.0.0.3 false']);
  expect(rights('policy: {may-rotate: true}\n', ', identities: [gw2.example.org]')).toEqual([
    '10.0.0.4 true',
    '10.0.0.2 true',
    '10.0.0.3 true',
  ]);
});
