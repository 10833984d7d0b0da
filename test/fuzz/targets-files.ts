/** Readers of files: configuration, topologies, keys, captures, the reference tool's file. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../../src/base/printable.js';
import { PcapConfigError, parseDecryptConfig, parseEncryptConfig } from '../../src/cli/pcap-config.js';
import { LINE_OCTETS_MAX } from '../../src/doca-trace/lines.js';
import { TraceLineError, TraceReader } from '../../src/doca-trace/reader.js';
import { TraceState, TraceTooLargeError } from '../../src/doca-trace/state.js';
import { textOf as textOfTrace } from '../../src/doca-trace/text.js';
import { dotOf, mermaidOf } from '../../src/draw/render.js';
import { LineCutter } from '../../src/files/line-cutter.js';
import { parseConfigFile } from '../../src/gateway/config/config-file.js';
import { PROBLEMS_MAX } from '../../src/gateway/config/limits.js';
import { ConfigError } from '../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import type { Peers } from '../../src/gateway/peers.js';
import { applyState, StateFileError } from '../../src/gateway/recovery/state-file.js';
import type { UnderlayAddresses } from '../../src/gateway/underlay/underlay-addresses.js';
import {
  CaptureError,
  type CaptureRecord,
  COMMENTS_MAX,
  LINK_TYPE_ETHERNET,
  pcapHeader,
  pcapRecord,
  readCapture,
} from '../../src/packet/pcap.js';
import { PcapngWriter } from '../../src/packet/pcapng.js';
import { formatSaKey, KeysFileError, parseKeysFile } from '../../src/psp/keys-file.js';
import { RecordingError, readHead, readRecord } from '../../src/recording/records.js';
import { octetsOf as octetsIn } from '../../src/recording/values.js';
import { readTopology, TopologyFileError } from '../../src/topology/file/read.js';
import { topologyToYaml } from '../../src/topology/file/write.js';
import { ROOT } from '../support/root.js';
import type { FuzzTarget } from './engine.js';
import { checkRefusal, must, mustBeEqual, OracleError, orRefused } from './oracle.js';

const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (octets: Uint8Array): string => new TextDecoder().decode(octets);
const words = (...texts: readonly string[]): Uint8Array[] => texts.map(octetsOf);

/** Reads a file that a flag names; `flags` names it `f`. */
function readConfiguration(input: Uint8Array, ...flags: readonly string[]): void {
  try {
    readGatewayOptions([...flags, '--insecure'], () => textOf(input), { parseConfigFile });
  } catch (error) {
    checkRefusal(error, [ConfigError]);
    must((error as ConfigError).problems.length <= PROBLEMS_MAX + 1, 'problems without end');
  }
}

const JSON_WORDS = words(
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '//',
  '/*',
  '\\u0000',
  '1e9',
  'null',
  'true',
  '[[[[[[[[',
  '"x"',
  '{}',
  '[]',
  '1',
);

const CONTAINERLAB = `name: c
topology:
  kinds: {linux: {image: alpine, labels: {psp-kind: gateway}}}
  groups: {leaves: {kind: srl}}
  nodes: {a: {kind: linux}, b: {kind: linux, group: leaves}, l: {group: leaves}, s: {kind: bridge}}
  links:
    - endpoints: ["a:eth1", "l:e1/1"]
    - {type: veth, mtu: 1400, endpoints: [{node: b, interface: eth1}, {node: s, interface: e1}], vars: {psp-link: {loss: 1%}}}
    - endpoints: ["l:e1-2", "s:e2"]
    - {type: host, endpoint: {node: s, interface: e3}, host-interface: eth7}
`;

const TOPOLOGY = `name: t
seed: 7
oob: {delay: 1ms, loss: 1%}
topology:
  defaults: {flags: {inner: both}}
  nodes:
    h1: {kind: gateway, underlay: ["2001:db8::1"], workloads: {v1: [192.168.1.1, "fd00::1"]}}
    h2: {kind: gateway, flags: &f {max-tunnels: 9}, workloads: {v2: [192.168.1.2]}}
    s1: {kind: switch}
  links:
    - {endpoints: ["h1:p0", "s1:e1"], delay: 1ms, loss: 0.1%}
    - {endpoints: ["h2:p0", "s1:e2"]}
scenario:
  duration: 10s
  traffic:
    A: {type: ping, from: v1, to: v2, count: 3}
    B: {type: udp, from: v2, to: v1, rate: 100/s, duration: 1s}
  events:
    - {at: 1s, rotate: h1}
    - {at: 2s, cut: "h1:p0 s1:e1"}
  expect:
    - {flow: A, lost: 0}
    - {no-leaks: true}
`;

/** A line of each kind. */
const TRACE = `{"type":"start","format":1,"release":"3.1","program":"p","process":1,"time":"","packets":1}
{"type":"call","t":0,"thread":1,"call":"doca_flow_init","arguments":{"cfg":"flow_cfg 1","a":[1,{"b":null}]},"result":"DOCA_SUCCESS","us":1.5}
{"type":"pipe","t":0.1,"change":"made","pipe":1,"name":"A","settings":{"match":{"outer":{"eth":{"type":2048}}},"actions":[{}]},"forwards":{"fwd":{"type":"DOCA_FLOW_FWD_PIPE","next_pipe":{"pipe":2,"name":"B"}},"fwd_miss":{"type":"DOCA_FLOW_FWD_DROP"}}}
{"type":"entry","t":0.2,"pipe":1,"name":"A","entry":0,"change":"added","arguments":{"fwd":{"type":"DOCA_FLOW_FWD_PORT","port_id":0}}}
{"type":"packet","t":0.3,"packet":1,"port":0,"length":60,"fields":{},"way":[{"pipe":1,"name":"A","entry":0,"changed":{"meta.pkt_meta":[0,1]},"next":{"to":"drop"}}],"end":{"to":"drop"},"encrypted":false}
{"type":"counters","t":1,"pipe":1,"name":"A","hits":1,"hit_octets":60,"misses":0,"miss_octets":0,"next":[{"next":{"to":"drop"},"miss":false,"packets":1,"octets":60}]}
{"type":"pipe","t":1,"change":"destroyed","pipe":1,"name":"A"}
{"type":"left_out","t":1,"calls":1,"entries":0,"packets":0}
{"type":"end","t":2,"reason":"exit","left_out":{"calls":1,"entries":0,"packets":0}}
`;

const RECORDING = readFileSync(join(ROOT, 'test/recordings/0.2.0.rec'), 'utf8')
  .split('\n')
  .filter((_, line) => line < 2 || line % 12 === 0)
  .join('\n');

/** Every line is read, of which the first is the head, and what is read has the members that it must have. */
function runRecording(input: Uint8Array): void {
  const [first = '', ...rest] = textOf(input).split('\n');
  const head = orRefused(() => readHead(first), RecordingError);
  if (head !== undefined) {
    must(
      head.device.ports.every(({ mac }) => typeof mac === 'string'),
      'a port without an address',
    );
    must(Number.isSafeInteger(head.startedUs + head.recordsBefore), 'a number that is none');
  }
  for (const line of rest) {
    const read = orRefused(() => readRecord(line), RecordingError);
    if (read === undefined) continue;
    const { record } = read;
    if ('t' in record) must(Number.isSafeInteger(record.t), 'a time that is none');
    if (record.k === 'packets') {
      for (const { f, l = 0 } of record.p) must(octetsIn(f).length + l <= 2 * 70_000, 'a frame without end');
    }
  }
}

/** As the command does: lines in two pieces, as text, and drawn. */
function runTrace(input: Uint8Array): void {
  const reader = new TraceReader();
  const cutter = new LineCutter(LINE_OCTETS_MAX);
  const state = new TraceState();
  const octets = Buffer.from(input);
  const middle = octets.length >>> 1;
  for (const part of [octets.subarray(0, middle), octets.subarray(middle)]) {
    for (const line of cutter.cut(part)) {
      const read = orRefused(() => reader.read(line), TraceLineError);
      if (read === undefined) continue;
      must(
        textOfTrace(read).every((text) => printable(text) === text),
        'a text that ends a line or drives a terminal',
      );
      orRefused(() => state.add(read), TraceTooLargeError);
    }
  }
  const graph = state.graph();
  must(graph.nodes.length <= input.length && graph.edges.length <= input.length, 'more than the file has');
  mermaidOf(graph);
  dotOf('t', graph);
}

async function recordsOf(octets: Uint8Array): Promise<CaptureRecord[] | undefined> {
  // In two pieces, so that things lie across their border.
  async function* source() {
    const middle = octets.length >>> 1;
    yield octets.subarray(0, middle);
    yield octets.subarray(middle);
  }
  const records: CaptureRecord[] = [];
  try {
    for await (const record of readCapture(source())) records.push(record);
  } catch (error) {
    checkRefusal(error, [CaptureError]);
    return undefined;
  }
  return records;
}

async function runCapture(
  input: Uint8Array,
  write: (records: readonly CaptureRecord[]) => Uint8Array,
  same: (record: CaptureRecord) => unknown,
): Promise<void> {
  const records = await recordsOf(input);
  if (records === undefined) return;
  const octets = records.reduce((sum, { frame }) => sum + frame.length, 0);
  must(octets <= input.length, 'more octets than the file has');
  must(
    records.every(({ comments = [] }) => comments.length <= COMMENTS_MAX),
    'comments without end',
  );
  const ethernet = records.filter(({ linkType }) => linkType === LINK_TYPE_ETHERNET);
  const again = await recordsOf(write(ethernet));
  mustBeEqual(again?.map(same), ethernet.map(same));
}

const asPcap = (records: readonly CaptureRecord[]): Uint8Array =>
  Buffer.concat([
    pcapHeader(65_535, 'nanoseconds'),
    ...records.map(({ timestampNs, frame, originalOctets }) =>
      pcapRecord(timestampNs, frame, originalOctets, 'nanoseconds'),
    ),
  ]);

function asPcapng(records: readonly CaptureRecord[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  const writer = new PcapngWriter((octets) => blocks.push(octets));
  const interfaceIndex = writer.addInterface('p0');
  for (const { timestampNs, frame, originalOctets, comments = [] } of records)
    writer.write({ interfaceIndex, timestampNs, frame, originalOctets, comment: comments });
  return Buffer.concat(blocks);
}

/** What both formats keep; seconds have 32 bits in one, nanoseconds 64 in the other. */
const kept = (bits: number, { timestampNs, frame, originalOctets }: CaptureRecord) => ({
  time: bits === 32 ? BigInt.asUintN(32, timestampNs / 1_000_000_000n) : BigInt.asUintN(64, timestampNs),
  frame: Buffer.from(frame),
  originalOctets,
});

const records: readonly CaptureRecord[] = [60, 61, 1514].map((length, i) => ({
  timestampNs: 1_700_000_000_000_000_000n + BigInt(i),
  frame: new Uint8Array(length).fill(i),
  originalOctets: length + i,
  linkType: LINK_TYPE_ETHERNET,
  interfaceIndex: 0,
  comments: ['one', 'ä'],
}));

const KEYS = [
  formatSaKey({ spi: 1, version: 0, key: new Uint8Array(16) }),
  formatSaKey({ spi: 0x80000001, version: 1, key: new Uint8Array(32), node: 'h2' }),
].join('');

export const FILE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'tunnels-file',
    seeds: words(
      '# a\n10.1.1.55:192.168.1.55,192.168.1.56\n[fd00::55]:3000:fd00:0:0:1::55\n10.1.1.56:3001:192.168.2.1 # b\n',
    ),
    dictionary: words(':', ',', '[', ']', '#', '\n', '::', '255', '65535', '%'),
    octetsMax: 4096,
    executions: 3000,
    run: (input) => readConfiguration(input, '--tunnels-file', 'f'),
  },
  {
    name: 'flags-json',
    seeds: words(
      '{"doca_general_flags":{"log-level":50},"doca_program_flags":{"svc-addr":"10.1.1.1","tunnel":["10.1.1.2:192.168.1.2"],"max-tunnels":9,"cookie":true}} // c\n',
    ),
    dictionary: [
      ...JSON_WORDS,
      ...words('"tunnel"', '"repr"', '"pf[0-3]"', '"core-mask"', '"0x3"', '"perf-print"', '__proto__'),
    ],
    octetsMax: 4096,
    executions: 3000,
    run: (input) => readConfiguration(input, '-j', 'f'),
  },
  {
    name: 'session-json',
    seeds: words(
      '{"config":{"local-grpc-address":"10.1.1.33:3000"},"peers":[{"remote-grpc-address":"10.1.1.55","sessions":[{"local-vip":"192.168.1.33","remote-vips":["192.168.1.55","192.168.2.0/28","192.168.3.1"]}]}]}',
      '{"peers":"x","config":1}',
      '{"peers":[{"remote-grpc-address":1,"sessions":"x"},{"remote-grpc-address":"10.1.1.2","sessions":[{"remote-vips":"x"},1]}]}',
    ),
    dictionary: [
      ...JSON_WORDS,
      ...words('"may-rotate"', '"underlay"', '"remote-vips"', '/0', '/16', '"fd00::/112"', '__proto__'),
    ],
    octetsMax: 4096,
    executions: 2000,
    run: (input) => readConfiguration(input, '--config', 'f', '--max-tunnels', '200'),
  },
  {
    name: 'config-yaml',
    seeds: words(
      'flags:\n  svc-addr: 10.0.0.1\n  cookie: true\n  rekey-grace: 60000\npeers:\n  - &p {service: 10.0.0.2, owns: [192.168.1.0/24]}\n  - {<<: *p, service: "[fd00::1]:5000", owns: [], pairs: [{local: 192.168.3.1, remote: [192.168.2.1]}], dialect: 2.8, may-rotate: false, underlay: [192.0.2.1]}\n',
      'flags: [1]\npeers: {service: x}\n',
      'peers: [1, null, {owns: x, pairs: [1, {remote: 1}]}]\n',
    ),
    dictionary: words(
      'flags:',
      'peers:',
      'service',
      'owns',
      'pairs',
      '&a',
      '*a',
      '<<: *p',
      '- ',
      '? ',
      '|\n',
      '\t',
      'null',
      '__proto__',
      'tunnel',
      'max-tunnels',
    ),
    octetsMax: 4096,
    executions: 1500,
    run: (input) => readConfiguration(input, '--config', 'f.yaml'),
  },
  {
    name: 'topology',
    seeds: words(
      TOPOLOGY,
      'name: m\ntopology: {full-mesh: 3}\n',
      'name: l\ntopology: {leaf-spine: {leaves: 2, spines: 2, hosts: 3}}\n',
      CONTAINERLAB,
    ),
    dictionary: words(
      '&a ',
      '*a',
      '<<: ',
      '!!str ',
      '? ',
      '- ',
      '[[[',
      '{',
      '}',
      '|\n',
      '"',
      '\n  ',
      '%',
      '---\n',
      '1e9',
      '"*"',
      'null',
      '__proto__',
    ),
    octetsMax: 4096,
    executions: 250,
    run(input) {
      const text = textOf(input);
      const read = (of: string) =>
        readTopology('t.yaml', (path) => {
          if (path === 't.yaml') return of;
          throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        });
      // The same text as a file of containerlab, which is read before it is checked.
      orRefused(() => readTopology('t.clab.yml', () => text), TopologyFileError);
      const topology = orRefused(() => read(text), TopologyFileError);
      if (topology === undefined) return;
      const again = read(topologyToYaml(topology));
      if (topologyToYaml(again) !== topologyToYaml(topology))
        throw new OracleError('written and read again, it is another');
    },
  },
  {
    name: 'state-file',
    seeds: words(
      '{"version":1,"peers":[\n{"service":"10.1.1.2:3000","underlay":["2001:db8::1"],"dialect":"3.x","answeredAtMs":1700000000000}\n]}\n',
      '{"version":1,"peers":[{"service":"a","underlay":[1,{}]}, 1]}',
    ),
    dictionary: [...JSON_WORDS, ...words('"underlay"', '"dialect"', '"2.8"', '__proto__')],
    octetsMax: 4096,
    executions: 3000,
    run(input) {
      const noPeers = { all: [] } as unknown as Peers;
      const answered = orRefused(
        () => applyState(textOf(input), noPeers, {} as UnderlayAddresses),
        StateFileError,
      );
      must(answered === undefined || answered.size === 0, 'a peer that is not configured was taken over');
    },
  },
  {
    name: 'keys-file',
    seeds: [octetsOf(KEYS), octetsOf(KEYS.replace('}', ',"receiver":["2001:db8::1"]}'))],
    dictionary: [
      ...JSON_WORDS,
      ...words('"receiver"', '"spi"', '"0x80000000"', '"version":2', '__proto__', '\n'),
    ],
    octetsMax: 4096,
    executions: 5000,
    run(input) {
      const keys = orRefused(() => parseKeysFile(textOf(input), 'f'), KeysFileError);
      if (keys !== undefined) mustBeEqual(parseKeysFile(keys.map(formatSaKey).join(''), 'f'), keys);
    },
  },
  {
    name: 'reference-config',
    seeds: words(`${'00 '.repeat(32)}\n${'0xff '.repeat(32)}\n80000001 tunnel aes-gcm-256 1 2 3 vc\n`),
    dictionary: words(
      'transport',
      'aes-gcm-128',
      'no-vc',
      '63',
      '64',
      '0x',
      '\n',
      '\t',
      'toString',
      '__proto__',
    ),
    octetsMax: 4096,
    executions: 5000,
    run(input) {
      orRefused(() => parseDecryptConfig(textOf(input), 'f'), PcapConfigError);
      const config = orRefused(() => parseEncryptConfig(textOf(input), 'f'), PcapConfigError);
      if (config === undefined) return;
      must((config.spi & 0x7fffffff) !== 0 && config.spi <= 0xffffffff, 'an SPI that is none');
      must(
        Object.values(config.cryptOffsetWords).every((words) => words >= 0 && words <= 63),
        'an offset that is none',
      );
    },
  },
  {
    name: 'doca-trace',
    seeds: [octetsOf(TRACE)],
    dictionary: [
      ...JSON_WORDS,
      ...words('"type":', '"pipe"', '"next":', '"made"', '-1', '\n', '{"to":"pipe","pipe":1}'),
    ],
    octetsMax: 8192,
    executions: 3000,
    run: runTrace,
  },
  {
    name: 'recording',
    seeds: [octetsOf(RECORDING)],
    dictionary: [
      ...JSON_WORDS,
      ...words(
        '"$hex":"',
        '"$int":"',
        '"$u32":[',
        '"k":"',
        '"call"',
        '"packets"',
        '"e":{"name":"',
        '"1.9"',
        '"2.0"',
      ),
    ],
    octetsMax: 16_384,
    executions: 3000,
    run: runRecording,
  },
  {
    name: 'pcap',
    seeds: [asPcap(records)],
    dictionary: [
      Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4),
      Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    ],
    octetsMax: 4096,
    executions: 4000,
    run: (input) => runCapture(input, asPcap, (record) => kept(32, record)),
  },
  {
    name: 'pcapng',
    seeds: [asPcapng(records)],
    dictionary: [
      Uint8Array.of(10, 13, 13, 10),
      Uint8Array.of(0x4d, 0x3c, 0x2b, 0x1a),
      Uint8Array.of(6, 0, 0, 0),
      Uint8Array.of(1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0),
      Uint8Array.of(9, 0, 1, 0, 0xff, 0, 0, 0),
    ],
    octetsMax: 4096,
    executions: 4000,
    run: (input) => runCapture(input, asPcapng, (record) => kept(64, record)),
  },
];
