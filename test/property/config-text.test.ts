/** The effective configuration that `config show` prints, read again: the same options, of any flags and peers that are right. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfigFile } from '../../src/gateway/config/config-file.js';
import { CONFIG_SCHEMA } from '../../src/gateway/config/config-schema.js';
import { configText } from '../../src/gateway/config/config-text.js';
import { FLAGS, type Flag } from '../../src/gateway/config/flags.js';
import { ConfigError } from '../../src/gateway/config/problems.js';
import { type FlagsRead, readGatewayOptions } from '../../src/gateway/config/read-options.js';

/** Texts that YAML would take for something else, and others, by flag; of flags without any the texts are those below. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  'pci-addr': ['03:00.0', 'pci/0000:03:00.0'],
  repr: ['[0]', 'pf0vf1', 'sf1'],
  'core-mask': ['0x3', '10', '0xff'],
  'decap-dmac': ['02:00:00:00:00:01', '10:20:30:40:50:59'],
  'local-virt-ip': ['192.168.1.1', '192.168.1.1,fd00::1'],
  'nexthop-dmac': ['02:00:00:00:00:02'],
  'local-pip': ['192.0.2.1', '2001:db8::1'],
  'svc-addr': ['10.0.0.1', '[fd00::1]:4000', '10.0.0.1:80'],
  'static-tunnels': ['true', 'false', '192.168.1.1'],
  'perf-print': ['all', 'key-gen,insertion'],
  'allow-router': ['fe80::1', 'fe80::2'],
  'sim-wire': ['udp', 'udp:127.0.0.1:1', 'pcap:a #b: c'],
  ping: ['192.168.2.1'],
};
const OTHER_TEXTS = [
  'x',
  'true',
  'null',
  '~',
  '1.10',
  '0x10',
  '1e3',
  'a: b',
  '# c',
  "it's",
  '"',
  '- a',
  '*a',
  '&a',
  ' lead',
];
const OF_PEERS = ['config', 'tunnel', 'tunnels-file', 'peer-dialect'];

function valuesOf(flag: Flag): fc.Arbitrary<string> {
  if (flag.kind === 'boolean') return fc.constantFrom('true', 'false');
  if (flag.choices !== undefined) return fc.constantFrom(...flag.choices);
  if (flag.range !== undefined)
    return fc.integer({ min: flag.range[0], max: Math.min(flag.range[1], 2 ** 31 - 1) }).map(String);
  return fc.constantFrom(...(TEXTS[flag.name] ?? OTHER_TEXTS));
}

const flags = fc
  .subarray(
    FLAGS.filter(({ name }) => !OF_PEERS.includes(name)),
    { maxLength: 8 },
  )
  .chain((some) => fc.tuple(...some.map((flag) => valuesOf(flag).map((value) => `--${flag.name}=${value}`))));
const VIPS = [
  '192.168.2.1',
  '192.168.2.0/24',
  '192.168.3.7',
  'fd00::7',
  'fd00:2::/64',
  '10.0.0.0/8',
  '10.1.0.0/16',
];
const peers = fc.array(
  fc.record({ vips: fc.subarray(VIPS, { minLength: 1 }), dialect: fc.constantFrom('', '2.7', '2.8', '3.x') }),
  { maxLength: 3 },
);
const session = fc.option(
  fc.record({
    mayRotate: fc.boolean(),
    underlay: fc.subarray(['192.0.2.0/24', '2001:db8::1'], { minLength: 1 }),
    pairs: fc.subarray(['192.168.8.1', '192.168.8.0/28', 'fd00:8::/120'], { minLength: 1 }),
    ofLocal: fc.boolean(),
  }),
);

/** Undefined where the flags do not go together. */
function readOr(argv: readonly string[], file: string): FlagsRead | undefined {
  try {
    return readGatewayOptions(argv, () => file, { parseConfigFile });
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

test('what is shown reads back to the same options, and to the same text', () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(CONFIG_SCHEMA);
  let right = 0;
  fc.assert(
    fc.property(flags, peers, session, (given, listed, pairs) => {
      const tunnels = listed.flatMap(({ vips, dialect }, i) => [
        `--tunnel=10.9.0.${i}:${vips.map((vip) => vip.replace('168', String(100 + i)).replace('fd00', `fd0${i}`)).join(',')}`,
        ...(dialect === '' ? [] : [`--peer-dialect=10.9.0.${i}=${dialect}`]),
      ]);
      const file = JSON.stringify({
        config: { 'local-grpc-address': '10.0.0.7:70', 'local-pip': '2001:db8::7' },
        peers:
          pairs === null
            ? []
            : [
                {
                  'remote-grpc-address': '10.9.9.9:9',
                  'may-rotate': pairs.mayRotate,
                  underlay: pairs.underlay,
                  sessions: [
                    {
                      ...(pairs.ofLocal ? { 'local-vip': '192.168.7.1' } : {}),
                      'remote-vips': pairs.pairs.filter((vip) => !pairs.ofLocal || !vip.includes(':')),
                    },
                  ],
                },
              ],
      });
      const argv = [...given, ...tunnels, ...(pairs === null ? [] : ['--config=f'])];
      const read = readOr([...argv, '--insecure'], file) ?? readOr(argv, file);
      fc.pre(read !== undefined);
      right++;
      const shown = configText(read);
      const again = readGatewayOptions(['--config=g.yaml'], () => shown, { parseConfigFile });
      expect(again.options).toEqual(read.options);
      expect({ ...again.run, remarks: [] }).toEqual({ ...read.run, remarks: [] });
      expect(configText(again)).toBe(shown);
      expect(validate(parse(shown)), JSON.stringify(validate.errors)).toBe(true);
    }),
  );
  expect(right).toBeGreaterThan(20);
});
