/** The schema that editors complete from, and the reader: each knows what the other knows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { FLAGS } from '../../../../src/gateway/config/flags.js';
import { EVENT_TYPES, EVENTS } from '../../../../src/topology/events/registry.js';
import { EXPECTATION_TYPES, EXPECTATIONS } from '../../../../src/topology/expectations/registry.js';
import { FLAGS_NOT_HERE } from '../../../../src/topology/file/flags-not-here.js';
import { SCENARIO_SCHEMA, TOPOLOGY_SCHEMA } from '../../../../src/topology/file/schema.js';
import { ANNOTATIONS, type Schema } from '../../../../src/topology/file/schema-values.js';
import { TRAFFIC, TRAFFIC_TYPES } from '../../../../src/topology/traffic/registry.js';
import { ROOT } from '../../../support/root.js';
import { gatewayOf, problemsOf, topologyOf } from '../../../support/topology-text.js';

/** Events as files had them. */
const FORMER = [
  { at: '1s', mend: 'h1:p0' },
  { at: '1s', calm: true },
];

/** Every field of the schema, with values that are not the defaults. */
const NETWORK = {
  name: 'network',
  seed: 7,
  epoch: '2038-01-19T03:14:00.000Z',
  oob: { delay: '1ms', jitter: '1ms', loss: '1%' },
  topology: {
    defaults: { flags: { inner: 'both' } },
    kinds: { gateway: { flags: { cookie: true } }, link: values(2) },
    nodes: {
      h1: {
        kind: 'gateway',
        underlay: ['2001:db8::77'],
        oob: '10.7.0.1',
        mac: '02:00:00:00:00:77',
        'workload-mac': '02:00:00:00:00:78',
        flags: { 'psp-version': 0 },
        workloads: { v1: ['192.168.1.1', 'fd00::1'], v2: { addresses: ['fd00::2'], present: false } },
      },
      h2: {
        kind: 'gateway',
        workloads: {
          w1: ['192.168.1.3', 'fd00::3'],
          w2: ['192.168.1.4', 'fd00::4'],
          w3: ['192.168.1.5', 'fd00::5'],
        },
      },
      m: {
        kind: 'insider',
        underlay: ['2001:db8::99'],
        oob: '10.7.0.9',
        mac: '02:00:00:00:00:99',
        addresses: ['192.168.9.9'],
        spoofs: false,
      },
      d: { kind: 'insider', silent: true },
      s: { kind: 'switch' },
      r: { kind: 'router' },
    },
    links: [
      { endpoints: ['h1:p0', 's:x'], ...values(3) },
      { endpoints: ['h2:p0', 'r:x'] },
      { endpoints: ['s:y', 'r:y'] },
      { endpoints: ['m:p0', 's:m'] },
      { endpoints: ['d:p0', 's:d'] },
      { endpoints: ['s:o', 'host:ens2f0np0.7'], promiscuous: false, mac: '02:00:00:00:00:55' },
    ],
  },
  scenario: {
    duration: '10s',
    traffic: {
      ...Object.fromEntries(TRAFFIC_TYPES.map((type) => [type, TRAFFIC[type].example])),
      one: { type: 'ping', from: 'v1', to: 'w1' },
    },
    // Under their former names too, which are still read.
    events: [...EVENT_TYPES.map((type) => EVENTS[type].example), ...FORMER],
    expect: EXPECTATION_TYPES.map((type) => EXPECTATIONS[type].example),
  },
};
const MESH = {
  name: 'mesh',
  topology: {
    'full-mesh': { gateways: 3, static: false, workloads: 2, link: values(4), flags: { cookie: true } },
  },
  scenario: 'scenario.yaml',
};
const FABRIC = {
  name: 'fabric',
  topology: {
    'leaf-spine': {
      leaves: 2,
      spines: 2,
      hosts: 4,
      workloads: 2,
      link: values(4),
      flags: { cookie: true },
    },
  },
};
const SMALL_MESH = { name: 'mesh', topology: { 'full-mesh': 2 } };
const REAL = {
  name: 'real',
  topology: {
    nodes: {
      a: { kind: 'gateway', workloads: { v: { kind: 'host', namespace: 'n', addresses: ['192.168.1.1'] } } },
      b: { kind: 'gateway', workloads: { w: { kind: 'host', tap: 't', addresses: ['192.168.1.2'] } } },
      c: {
        kind: 'gateway',
        'workload-mac': '02:00:00:00:00:99',
        workloads: { x: { kind: 'host', interface: 'i', addresses: ['192.168.1.3'] } },
      },
      s: { kind: 'switch' },
    },
    links: [{ endpoints: ['a:p0', 's:x'] }, { endpoints: ['b:p0', 's:y'] }, { endpoints: ['c:p0', 's:z'] }],
  },
};
const OF_OTHERS = {
  name: 'others',
  topology: {
    nodes: {
      a: { kind: 'gateway' },
      e: {
        kind: 'external',
        at: 'host:eth9',
        service: '192.0.2.9',
        underlay: ['2001:db8::9'],
        mac: '02:00:00:00:00:99',
        workloads: { w: ['192.168.1.9'] },
        dialect: '2.8',
        cookies: false,
        version: 'theirs',
        keys: 'keys.jsonl',
      },
    },
    links: [{ endpoints: ['a:p0', 'host:eth9'] }],
  },
};
const OVER_DOCA = {
  name: 'doca',
  topology: {
    nodes: {
      a: { kind: 'gateway' },
      d: {
        kind: 'gateway',
        hal: 'doca',
        release: '3.3',
        'pci-addr': '08:00.0',
        repr: 'pf0vf0',
        'core-mask': '0x2',
        mapping: {
          completions: 'late',
          'equal-keys': 'refused',
          'nr-entries': 'limit',
          crypto: 'openssl',
          buffers: 4096,
          burst: 8,
          'derived-keys': 64,
        },
      },
    },
    links: [{ endpoints: ['a:p0', 'd:p0'] }],
  },
};
const FILES: readonly object[] = [NETWORK, MESH, FABRIC, SMALL_MESH, OVER_DOCA, OF_OTHERS, REAL];
const BESIDE = { 'scenario.yaml': 'duration: 3s' };

function impairments(n: number) {
  const [time, share] = [`${n}ms`, `${n}%`];
  return {
    delay: time,
    jitter: time,
    loss: share,
    duplicate: share,
    reorder: share,
    corrupt: share,
    rate: n,
  };
}

function values(n: number) {
  return { ...impairments(n), mtu: 9000 + n };
}

type Path = readonly string[];
type Visit = (field: string, path: Path, properties: readonly string[]) => void;

const resolve = (schema: Schema): Schema =>
  schema.$ref === '#/definitions/flags' ? { type: 'object' } : schema;
const branchesOf = ({ oneOf }: Schema) => (oneOf ?? []) as readonly Schema[];
const propertiesOf = ({ properties }: Schema) => (properties ?? {}) as Readonly<Record<string, Schema>>;
/** What tells a branch of a union from the others. */
const markOf = (branch: Schema) =>
  String(branch.title ?? propertiesOf(branch).type?.const ?? propertiesOf(branch).kind?.const);

/** All fields that a schema has. */
function fieldsOf(given: Schema, at = ''): string[] {
  const schema = resolve(given);
  return [
    ...branchesOf(schema).flatMap((branch) => fieldsOf(branch, `${at}<${markOf(branch)}>`)),
    ...Object.entries(propertiesOf(schema)).flatMap(([key, value]) => [
      `${at}.${key}`,
      ...fieldsOf(value, `${at}.${key}`),
    ]),
    ...[schema.items, schema.additionalProperties]
      .filter((inner) => typeof inner === 'object')
      .flatMap((inner) => fieldsOf(inner as Schema, `${at}[]`)),
  ];
}

/** Visits the fields that a value has, in objects the object itself too. */
function visitFields(given: Schema, value: unknown, visit: Visit, at = '', path: Path = []): void {
  const schema = resolve(given);
  for (const branch of branchesOf(schema)) {
    if (seemsToBe(branch, value)) visitFields(branch, value, visit, `${at}<${markOf(branch)}>`, path);
  }
  if (value === null || typeof value !== 'object') return;
  const properties = propertiesOf(schema);
  if (Object.keys(properties).length > 0) visit(`${at}.`, path, Object.keys(properties));
  for (const [key, inner] of Object.entries(value)) {
    const property = properties[key];
    const items = Array.isArray(value) ? schema.items : schema.additionalProperties;
    if (property !== undefined) {
      visit(`${at}.${key}`, [...path, key], []);
      visitFields(property, inner, visit, `${at}.${key}`, [...path, key]);
    } else if (typeof items === 'object') {
      visitFields(items as Schema, inner, visit, `${at}[]`, [...path, key]);
    }
  }
}

function seemsToBe(branch: Schema, value: unknown): boolean {
  const type = Array.isArray(value) ? 'array' : typeof value;
  const typeFits = [branch.type].flat().includes(type === 'number' ? 'integer' : type);
  if (!typeFits || type !== 'object') return typeFits;
  const object = value as Record<string, unknown>;
  return Object.entries(propertiesOf(branch)).every(
    ([key, { const: only }]) =>
      (only === undefined || only === true || object[key] === only) &&
      (!(branch.required as string[] | undefined)?.includes(key) || key in object),
  );
}

const wrong = (file: object) => problemsOf(JSON.stringify(file), BESIDE);

/** The topology, or what is wrong. */
function outcome(file: object): string {
  try {
    return JSON.stringify(topologyOf(JSON.stringify(file), BESIDE));
  } catch (error) {
    return String(error);
  }
}

/** The file with what is at the path changed. */
function changed(
  file: object,
  path: Path,
  change: (holder: Record<string, unknown>, key: string) => void,
): object {
  const copy = structuredClone(file);
  const holder = path
    .slice(0, -1)
    .reduce((value, key) => value[key] as Record<string, unknown>, copy as Record<string, unknown>);
  change(holder, path.at(-1)!);
  return copy;
}

describe('every field of the schema', () => {
  const seen = new Map<string, { file: object; path: Path }>();
  const objects = new Map<string, { file: object; path: Path; properties: readonly string[] }>();
  for (const file of FILES) {
    visitFields(TOPOLOGY_SCHEMA, file, (field, path, properties) => {
      if (properties.length > 0) objects.set(field, { file, path, properties });
      else if (!seen.has(field)) seen.set(field, { file, path });
    });
  }

  test('is in the files of this test, which are right', () => {
    expect(new Set(seen.keys())).toEqual(new Set(fieldsOf(TOPOLOGY_SCHEMA)));
    for (const file of FILES) expect(wrong(file)).toEqual([]);
  });

  test('is read: without it the topology is another one, or the file is wrong', () => {
    const outcomes = new Map(FILES.map((file) => [file, outcome(file)]));
    for (const [field, { file, path }] of seen) {
      const without = changed(file, path, (holder, key) => {
        delete holder[key];
      });
      expect(outcome(without), field).not.toBe(outcomes.get(file));
    }
  });

  test('has the right names only: others are refused, those nearby with the name that was meant', () => {
    for (const [object, { file, path, properties }] of objects) {
      for (const property of properties) {
        const key = `${property}x`;
        const misspelt = changed(file, [...path, key], (holder) => {
          holder[key] = 1;
        });
        const near = wrong(misspelt).filter((problem) => problem.includes('did you mean'));
        expect(near, `${object}${key}`).toHaveLength(1);
      }
      const foreign = changed(file, [...path, 'frobnicate'], (holder) => {
        holder.frobnicate = 1;
      });
      expect(wrong(foreign).join(), object).toContain('frobnicate');
    }
  });

  test('has a description', () => {
    const describe = (given: Schema, at: string): void => {
      const schema = resolve(given);
      for (const branch of branchesOf(schema)) describe(branch, at);
      for (const [key, value] of Object.entries(propertiesOf(schema))) {
        const described = 'description' in value || '$ref' in value;
        expect(described, `${at}.${key}`).toBe(true);
        describe(value, `${at}.${key}`);
      }
      for (const inner of [schema.items, schema.additionalProperties]) {
        if (typeof inner === 'object') describe(inner as Schema, `${at}[]`);
      }
    };
    describe(TOPOLOGY_SCHEMA, '');
  });

  test('is in the documentation', () => {
    const words = new Set(readFileSync(join(ROOT, 'docs/topology.md'), 'utf8').match(/[a-z0-9-]+/g));
    for (const field of fieldsOf(TOPOLOGY_SCHEMA)) {
      const name = /[a-z-]+$/.exec(field)![0];
      expect(words.has(name), field).toBe(true);
    }
  });
});

describe('the schemas as editors see them', () => {
  const compile = (schema: Schema) => {
    const ajv = new Ajv({ discriminator: true, allowUnionTypes: true });
    return ajv.addVocabulary([...ANNOTATIONS]).compile(schema);
  };

  test('take what the reader takes', () => {
    const validate = compile(TOPOLOGY_SCHEMA);
    for (const file of FILES) expect(validate(file), JSON.stringify(validate.errors)).toBe(true);
    expect(compile(SCENARIO_SCHEMA)(NETWORK.scenario)).toBe(true);
  });

  test.each([
    ['a name that is none', { ...SMALL_MESH, name: 'a b' }],
    ['an unknown key', { ...SMALL_MESH, nome: 'a' }],
    ['a wrong event', { ...SMALL_MESH, scenario: { events: [{ at: '1s', rotat: '*' }] } }],
    ['two events in one', { ...SMALL_MESH, scenario: { events: [{ at: '1s', heal: true, cut: 'h1:p0' }] } }],
    ['a time without unit', { ...SMALL_MESH, scenario: { duration: 10 } }],
    [
      'a flag of TLS',
      { ...SMALL_MESH, topology: { defaults: { flags: { 'tls-ca': 'x' } }, 'full-mesh': 2 } },
    ],
  ])('refuse %s, as the reader does', (_, file) => {
    expect(compile(TOPOLOGY_SCHEMA)(file)).toBe(false);
    expect(wrong(file)).toHaveLength(1);
  });
});

describe('what an entry of a scenario may not say, the schema refuses as the reader does', () => {
  const validate = new Ajv({ discriminator: true, allowUnionTypes: true })
    .addVocabulary([...ANNOTATIONS])
    .compile(TOPOLOGY_SCHEMA);
  const withScenario = (scenario: object) => ({
    ...NETWORK,
    scenario: { traffic: { one: { type: 'ping', from: 'v1', to: 'w1' } }, ...scenario },
  });
  const withEvent = (event: object) => withScenario({ events: [{ at: '1s', ...event }] });
  const withTraffic = (flow: object) => withScenario({ traffic: { A: { from: 'v1', to: 'w1', ...flow } } });
  const withExpectation = (expectation: object) => withScenario({ expect: [expectation] });
  const udp = (values: object) => withTraffic({ type: 'udp', rate: 1, duration: '1s', ...values });
  const ping = (values: object) => withTraffic({ type: 'ping', ...values });
  const flood = (values: object) =>
    withScenario({ traffic: { A: { type: 'flood', from: 'v1', rate: 1, duration: '1s', ...values } } });

  /** Each with a value that is wrong, and one that is right. */
  const PAIRS: readonly (readonly [what: string, wrong: object, right: object, reason: string])[] = [
    [
      'an impairment of nothing',
      withEvent({ impair: 'h1:p0' }),
      withEvent({ impair: 'h1:p0', loss: '0%' }),
      'changes nothing',
    ],
    [
      'an OOB network as it is',
      withEvent({ oob: {} }),
      withEvent({ oob: { loss: '0%' } }),
      'changes nothing',
    ],
    ...[
      {},
      { replay: '0%' },
      { forge: '0.00%', spoof: 0 },
      { spoof: '0/s' },
      { replay: 0, forge: 0, spoof: 0 },
    ].map(
      (values) =>
        [
          `an attack of ${JSON.stringify(values)}`,
          withEvent({ attack: 'h1:p0', for: '1s', ...values }),
          withEvent({ attack: 'h1:p0', for: '1s', ...values, spoof: 0.1 }),
          'does nothing; write replay, forge or spoof',
        ] as const,
    ),
    [
      'a counter without bounds',
      withExpectation({ counter: 'nodes.h1.starts' }),
      withExpectation({ counter: 'nodes.h1.starts', min: 0 }),
      'expects nothing; write min, max or both',
    ],
    ...['0s', 0, '0.000ms']
      .flatMap((none) => [
        [
          `a duration of ${none}`,
          withScenario({ duration: none }),
          withScenario({ duration: '0.1ms' }),
        ] as const,
        [`udp for ${none}`, udp({ duration: none }), udp({ duration: '10s' })] as const,
        [`a flood for ${none}`, flood({ duration: none }), flood({ duration: '1us' })] as const,
        [`a ping with a timeout of ${none}`, ping({ timeout: none }), ping({ timeout: '0.0001s' })] as const,
        [
          `one after the other, every ${none}`,
          withEvent({ rotate: '*', every: none }),
          withEvent({ rotate: '*', every: '1s' }),
        ] as const,
        [
          `a clock that goes on by ${none}`,
          withEvent({ 'clock-jump': 'h1', by: none }),
          withEvent({ 'clock-jump': 'h1', by: '0.5us' }),
        ] as const,
        [
          `a port that goes for ${none}`,
          withEvent({ 'lose-port': 'h1', port: 'vf', for: none }),
          withEvent({ 'lose-port': 'h1', port: 'vf', for: '100m' }),
        ] as const,
        [
          `an insider that acts for ${none}`,
          withEvent({ insider: 'm', for: none }),
          withEvent({ insider: 'm', for: '1m' }),
        ] as const,
        [
          `an attack for ${none}`,
          withEvent({ attack: 'h1:p0', for: none, spoof: 1 }),
          withEvent({ attack: 'h1:p0', for: '1s', spoof: 1 }),
        ] as const,
      ])
      .map(([what, wrong, right]) => [what, wrong, right, '0 is no time; write more'] as const),
    ...[0, '0/s', '0.0/s']
      .flatMap((none) => [
        [`udp at ${none}`, udp({ rate: none }), udp({ rate: 0.5 })] as const,
        [`a flood at ${none}`, flood({ rate: none }), flood({ rate: '0.5/s' })] as const,
        [
          `an insider at ${none}`,
          withEvent({ insider: 'm', for: '1s', rate: none }),
          withEvent({ insider: 'm', for: '1s', rate: '10/s' }),
        ] as const,
      ])
      .map(([what, wrong, right]) => [what, wrong, right, '0 packets per second are none'] as const),
    ['too fast udp', udp({ rate: 10_000_001 }), udp({ rate: 1e7 }), '10000001 is more than 10000000/s'],
    [
      'too fast a link',
      withEvent({ impair: 'h1:p0', rate: 1_000_000_000_001 }),
      withEvent({ impair: 'h1:p0', rate: 1e12 }),
      '1000000000001 is more than 1000Gbps',
    ],
    ['a small payload', udp({ size: 23 }), udp({ size: 24 }), '23 is not from 24 to 8952 octets'],
    ['a large payload', ping({ size: 8953 }), ping({ size: 8952 }), '8953 is not from 24 to 8952 octets'],
    [
      'an empty transfer',
      withTraffic({ type: 'transfer', size: 0 }),
      withTraffic({ type: 'transfer', size: 1 }),
      '0 is not from 1 to 10000000000 octets',
    ],
    [
      'too large a transfer',
      withTraffic({ type: 'transfer', size: 1e10 + 1 }),
      withTraffic({ type: 'transfer', size: 1e10 }),
      '10000000001 is not from 1 to 10000000000 octets',
    ],
    [
      'an act twice',
      withEvent({ insider: 'm', for: '1s', does: ['ask', 'ask'] }),
      withEvent({ insider: 'm', for: '1s', does: ['ask'] }),
      '"ask" is there twice',
    ],
  ];

  test.each(PAIRS)('%s', (_, refused, right, reason) => {
    expect(validate(refused)).toBe(false);
    expect(wrong(refused)).toEqual([expect.stringContaining(reason)]);
    expect(validate(right), JSON.stringify(validate.errors)).toBe(true);
    expect(wrong(right)).toEqual([]);
  });

  /** Values of all types, wrong in most places. */
  const VALUES = [null, true, 0, -1, 0.5, '', '0s', '*', 'h1', [], ['h1', 'h1'], {}, { a: 1 }];

  test('whatever it is: what the schema refuses the reader does not take', () => {
    const places = (value: unknown, path: Path): Path[] =>
      value === null || typeof value !== 'object'
        ? [path]
        : [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
    let refused = 0;
    for (const [i, path] of places(NETWORK, []).slice(1).entries()) {
      // At every place one of the values, as reading takes a while: each of them is at many places.
      const value = VALUES[i % VALUES.length];
      const file = changed(NETWORK, path, (holder, key) => {
        holder[key] = value;
      });
      if (validate(file)) continue;
      refused++;
      expect(wrong(file), `${path.join('.')}: ${JSON.stringify(value)}`).not.toEqual([]);
    }
    expect(refused).toBeGreaterThan(150);
  });
});

describe('the flags of gateways', () => {
  const withFlags = (flags: object) =>
    JSON.stringify({
      name: 't',
      topology: {
        nodes: { a: { kind: 'gateway', flags, workloads: { v: ['192.168.1.1'] } }, b: { kind: 'gateway' } },
        links: [{ endpoints: ['a:p0', 'b:p0'] }],
      },
    });
  const files = { 'peers.txt': '', 'peers.json': '{"peers": []}' };
  /** Flags whose values are not in the table of flags, or that need others. */
  const SAMPLES: Readonly<Record<string, object>> = {
    'decap-dmac': { 'decap-dmac': '02:00:00:00:00:01' },
    tunnel: { tunnel: ['10.9.9.9:198.51.100.1', '10.9.9.8:198.51.100.2'] },
    'tunnels-file': { 'tunnels-file': 'peers.txt' },
    config: { config: 'peers.json' },
    'peer-dialect': { 'peer-dialect': '10.9.9.9=2.7', tunnel: '10.9.9.9:198.51.100.1' },
    'static-tunnels': { 'static-tunnels': '192.168.1.1' },
    'psp-ext': { 'psp-ext': '0x1,0x2' },
    'psp-ext-required': { 'psp-ext-required': '0x1' },
    'perf-print': { 'perf-print': 'key-gen,insertion' },
    'allow-router': { 'allow-router': 'fe80::99', mode: 'transport' },
    'maintain-order': { 'maintain-order': true, 'sample-rate': 1 },
    'sample-before-encryption': { 'sample-before-encryption': true, 'sample-rate': 1 },
    'sampled-octets': { 'sampled-octets': true, 'sample-rate': 1 },
    'sampled-lines-per-second': { 'sampled-lines-per-second': 1, 'sample-rate': 1 },
    'neighbors-per-source': { 'neighbors-per-source': 1, mode: 'transport' },
    'neighbors-per-second': { 'neighbors-per-second': 1, mode: 'transport' },
  };
  const sampleOf = (name: string): object => {
    const flag = FLAGS.find((one) => one.name === name)!;
    const number = Number(flag.default ?? flag.range?.[0]);
    const value = flag.kind === 'boolean' ? true : flag.kind === 'number' ? number : flag.choices?.[0];
    return SAMPLES[name] ?? { [name]: value };
  };
  const here = FLAGS.filter(({ name }) => FLAGS_NOT_HERE[name] === undefined).map(({ name }) => name);

  test.each(here)('%s is taken, under its name', (name) => {
    const { flags } = gatewayOf(topologyOf(withFlags(sampleOf(name)), files), 'a');
    expect(Object.keys(flags)).toEqual(Object.keys(sampleOf(name)));
  });

  test.each(Object.keys(FLAGS_NOT_HERE))('%s is a flag, and is refused with what to do instead', (name) => {
    expect(FLAGS.some((flag) => flag.name === name)).toBe(true);
    expect(problemsOf(withFlags({ [name]: 'x' }))).toEqual([
      `t.yaml:1: topology.nodes.a.flags.${name}: ${FLAGS_NOT_HERE[name]}`,
    ]);
  });

  test('are texts as they are written: no number is read into them', () => {
    const text = `name: t
topology:
  nodes: {a: {kind: gateway, flags: {log-level: 70, psp-version: 0}}, b: {kind: gateway}}
  links: [{endpoints: ["a:p0", "b:p0"]}]
`;
    expect(gatewayOf(topologyOf(text), 'a').flags).toEqual({ 'log-level': '70', 'psp-version': '0' });
  });
});
