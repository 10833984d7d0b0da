/**
 * `npm run bench:native`: the software DOCA under the gateway's own pipe program, one core for everything, ports of
 * net_null, against AES-GCM alone of the same library on the same sizes in the same run; entries, keys; and TCP
 * between two namespaces beside wireguard-go. Prints tables and targets, writes out/bench-native.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { table } from '../src/cli/output.js';
import { buildEncapHeader } from '../src/gateway/pipeline/encap-header.js';
import { buildPipeline } from '../src/gateway/pipeline/pipeline.js';
import { egressAclEntry, ingressAclEntry } from '../src/gateway/pipeline/pipeline-entries.js';
import type { PipelineOptions } from '../src/gateway/pipeline/pipeline-options.js';
import type { EntryOperation, PipeHal } from '../src/hal/hal.js';
import { ipFromOctets, parseIp, parseMac } from '../src/packet/address.js';
import { buildIpv4Packet } from '../src/packet/ipv4.js';
import { opensslEngine } from '../src/psp/aead-openssl.js';
import { encapsulate } from '../src/psp/encapsulate.js';
import { DECAP_MACS } from '../src/verify/gateway-pipeline.js';
import { docaIsBuilt, hugePages, openDocaHarness, startRings } from '../test/support/doca-harness.js';
import { benchTcp } from './namespaces.js';

const SIZES_OCTETS = [64, 256, 1400, 8900];
const ENTRIES = [1, 10_000, 1_000_000];
const SIZES_OF_MANY = [64, 1400];
/** Key slots that many entries share, and SPIs that traffic is drawn from. */
const KEYS_MAX = 65_536;
/** Each with operations made just before, as from many exchanges; a million at once would be the collector's measure. */
const ENTRIES_PER_APPLY = 100_000;
const SECONDS = 1.5;
const DEVICE_CORE = 1;
const MEMORY_MEGABYTES = 8192;
const LOCAL_VIP = parseIp('10.0.0.1');

const log = (text: string) => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);
const million = (value: number) => (value / 1e6).toFixed(2);

if (!docaIsBuilt('3.1')) {
  process.stderr.write('bench: the native parts are not built; run: npm run build:native -- --tests\n');
  process.exit(1);
}

const rings = startRings('3.1', MEMORY_MEGABYTES);
const engine = rings.measureAead('auto', 64, false, 0.05).engine;
const source = rings.createNull('0', true);
const silent = rings.createNull('1', false);

const remoteVip = (i: number) => ipFromOctets(Uint8Array.from([11 + (i >>> 24), i >>> 16, i >>> 8, i]), 0, 4);

function pipelineFor(entries: number): PipelineOptions {
  return {
    mode: 'tunnel',
    outerFamily: 6,
    innerFamilies: [4],
    cookies: false,
    ingressAcl: true,
    sampleRateLog2: 0,
    maintainOrder: false,
    sampleBeforeEncryption: false,
    confirmUnderlay: false,
    maxTunnels: Math.max(64, entries),
    underlayMtuOctets: 9500,
    decapMacs: DECAP_MACS,
  };
}

/** An IP packet of `octets` octets in an Ethernet frame. */
function plainFrame(
  octets: number,
  source: ReturnType<typeof remoteVip>,
  destination: typeof source,
): Uint8Array {
  const payload = new Uint8Array(octets - 20);
  payload.set([0x9c, 0x40, 0x13, 0x88, payload.length >>> 8, payload.length & 255]);
  const packet = buildIpv4Packet({
    source: source as never,
    destination: destination as never,
    protocol: 17,
    ttl: 64,
    payload,
  });
  const frame = new Uint8Array(14 + octets);
  frame.set([2, 0, 0, 0, 0, 0xd1, 2, 0, 0, 0, 0, 0xa0, 8, 0]);
  frame.set(packet, 14);
  return frame;
}

interface Loaded {
  readonly hal: PipeHal;
  readonly spis: Uint32Array;
  readonly keys: Uint8Array;
  readonly insertedPerSecond: number;
  close(): Promise<void>;
}

/** A device with the gateway's pipeline and `entries` sessions in one direction. */
async function load(entries: number, direction: 'encrypt' | 'decrypt'): Promise<Loaded> {
  const harness = await openDocaHarness('3.1', {
    uplinkMtuOctets: 9500,
    vfMtuOctets: 9500,
    keySlots: KEYS_MAX,
    rssQueues: 1,
    nullPorts: direction === 'encrypt' ? [silent, source] : [source, silent],
    mapping: [`core = ${DEVICE_CORE}`, 'buffers = 8192', `derived-keys = ${2 * KEYS_MAX}`, 'burst = 64'],
  });
  const { hal } = harness;
  rings.attachSource(source);
  const pipeline = pipelineFor(entries);
  await hal.build(buildPipeline(pipeline));
  const keyCount = Math.min(entries, KEYS_MAX);
  const { spis, keys } = await hal.generateKeys(32, keyCount);
  const keyOf = (i: number) => keys.subarray((i % keyCount) * 32, (i % keyCount) * 32 + 32);
  await hal.setKeys(Array.from({ length: keyCount }, (_, i) => ({ cryptoId: i + 1, key: keyOf(i) })));
  const outer = {
    mode: 'tunnel',
    innerFamily: 4,
    cryptOffsetWords: 0,
    cookies: false,
    sourceMac: parseMac('02:00:00:00:00:a0'),
    sourceIp: parseIp('2001:db8::1'),
  } as const;
  const operationOf = (i: number): EntryOperation => {
    const spi = spis[i % keyCount]!;
    const session = { localVip: LOCAL_VIP, localVipId: 0, remoteVip: remoteVip(i) };
    if (direction === 'decrypt') {
      return ingressAclEntry(pipeline, { ...session, spi, cookie: 0n, decapMacs: DECAP_MACS });
    }
    const encapHeader = buildEncapHeader(
      {
        mac: parseMac('02:00:00:00:00:b0'),
        underlayIp: parseIp('2001:db8::2'),
        pspVersion: 1,
        spi,
        key: keyOf(i),
        cookie: 0n,
      },
      outer,
    );
    return egressAclEntry(pipeline, { ...session, encapHeader, cryptoId: (i % keyCount) + 1 });
  };
  let nanoseconds = 0n;
  for (let from = 0; from < entries; from += ENTRIES_PER_APPLY) {
    const count = Math.min(ENTRIES_PER_APPLY, entries - from);
    const operations = Array.from({ length: count }, (_, i) => operationOf(from + i));
    const started = process.hrtime.bigint();
    const results = await hal.apply(operations);
    nanoseconds += process.hrtime.bigint() - started;
    for (const result of results) if ('error' in result) throw result.error;
  }
  const insertedPerSecond = entries / (Number(nanoseconds) / 1e9);
  return { hal, spis, keys, insertedPerSecond, close: () => hal.close() };
}

/** Sessions that the traffic is of: as many as it can be of at random. */
function picks(entries: number): number[] {
  const count = Math.min(entries, KEYS_MAX / 2);
  return Array.from({ length: count }, (_, i) =>
    entries === count ? i : Math.floor(Math.random() * entries),
  );
}

/** The part that differs between the frames of sessions: the IPv4 header from its checksum on. */
const PATCH_AT = 14 + 10;
const PATCH_OCTETS = 10;

function encryptPatches(octets: number, entries: number): Uint8Array[] {
  return picks(entries).map((i) =>
    plainFrame(octets, LOCAL_VIP, remoteVip(i)).slice(PATCH_AT, PATCH_AT + PATCH_OCTETS),
  );
}

function decryptFrames(octets: number, entries: number, { spis, keys }: Loaded): Uint8Array[] {
  const outer = Uint8Array.from([
    ...[2, 0, 0, 0, 0, 0xa0, 2, 0, 0, 0, 0, 0xb0, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 50],
    ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    ...[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ]);
  return picks(entries).map((i, n) => {
    const at = i % spis.length;
    return encapsulate(plainFrame(octets, remoteVip(i), LOCAL_VIP), {
      engine: opensslEngine,
      version: 1,
      spi: spis[at]!,
      key: keys.subarray(at * 32, at * 32 + 32),
      iv: BigInt(n + 1),
      cryptOffsetWords: 0,
      sourcePort: 50000,
      outerHeader: outer,
    });
  });
}

/** The port that frames come from takes buffers, and the one that they leave by gives them back. */
const bufferSeconds = 1 / rings.measureBuffers(SECONDS / 3);

/** Packets per second of the device alone: without the time that frames and their buffers take, in the same thread. */
function measure(frames: readonly Uint8Array[], patches: readonly Uint8Array[], at: number): number {
  return 1 / (1 / rings.flood(source, silent, frames, patches, at, SECONDS) - bufferSeconds);
}

interface Row {
  readonly octets: number;
  readonly entries: number;
  readonly rawSeal: number;
  readonly encrypt: number;
  readonly rawOpen: number;
  readonly decrypt: number;
}

const raw = new Map<number, { seal: number; open: number }>();
for (const octets of SIZES_OCTETS) {
  progress(`AES-256-GCM of ${octets} octets`);
  const alone = (open: boolean) => rings.measureAead('auto', octets, open, SECONDS).perSecond;
  raw.set(octets, { seal: alone(false), open: alone(true) });
}

const rows: Row[] = [];
let insertedPerSecond = 0;
let keysPerSecond = 0;
for (const entries of ENTRIES) {
  const sessions = `${entries.toLocaleString('en-US')} sessions`;
  const sizes = entries === 1 ? SIZES_OCTETS : SIZES_OF_MANY;
  progress(`${sessions}: entries and keys, way out`);
  const sender = await load(entries, 'encrypt');
  insertedPerSecond = sender.insertedPerSecond;
  const encrypt = sizes.map((octets) => {
    progress(`${sessions}, ${octets} octets, encrypt`);
    const plain = [plainFrame(octets, LOCAL_VIP, remoteVip(0))];
    return measure(plain, encryptPatches(octets, entries), PATCH_AT);
  });
  if (entries === 1) {
    const count = 100_000;
    const started = process.hrtime.bigint();
    await sender.hal.generateKeys(32, count);
    keysPerSecond = count / (Number(process.hrtime.bigint() - started) / 1e9);
  }
  await sender.close();
  progress(`${sessions}: entries and keys, way in`);
  const receiver = await load(entries, 'decrypt');
  for (const [i, octets] of sizes.entries()) {
    progress(`${sessions}, ${octets} octets, decrypt`);
    const decrypt = measure(decryptFrames(octets, entries, receiver), [], 0);
    const alone = raw.get(octets)!;
    rows.push({ octets, entries, rawSeal: alone.seal, encrypt: encrypt[i]!, rawOpen: alone.open, decrypt });
  }
  await receiver.close();
}
progress('TCP between namespaces, and the same over wireguard-go');
const tcp = await benchTcp().catch((error: Error) => {
  progress(`TCP could not be measured: ${error.message}`);
  return undefined;
});

log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}, ${engine}, ${hugePages() ? 'huge pages' : 'no huge pages'}\n`,
);
log(
  table([
    [
      'octets',
      'entries',
      'raw seal M/s',
      'encrypt M/s',
      'ratio',
      'raw open M/s',
      'decrypt M/s',
      'ratio',
      'Gbit/s out',
      'in',
    ],
    ...rows.map((row) => [
      row.octets,
      row.entries,
      million(row.rawSeal),
      million(row.encrypt),
      (row.encrypt / row.rawSeal).toFixed(2),
      million(row.rawOpen),
      million(row.decrypt),
      (row.decrypt / row.rawOpen).toFixed(2),
      ((row.encrypt * row.octets * 8) / 1e9).toFixed(1),
      ((row.decrypt * row.octets * 8) / 1e9).toFixed(1),
    ]),
  ]),
);

const row = (octets: number, entries: number) =>
  rows.find((one) => one.octets === octets && one.entries === entries)!;
const slower = (octets: number, path: 'encrypt' | 'decrypt') =>
  row(octets, 1)[path] / row(octets, 1_000_000)[path];
const targets: { what: string; measured: number; target: number; atLeast: boolean }[] = [
  {
    what: 'encrypt / raw, 1400 octets',
    measured: row(1400, 1).encrypt / row(1400, 1).rawSeal,
    target: 0.5,
    atLeast: true,
  },
  {
    what: 'decrypt / raw, 1400 octets',
    measured: row(1400, 1).decrypt / row(1400, 1).rawOpen,
    target: 0.5,
    atLeast: true,
  },
  {
    what: 'million packets/s encrypted, 64 octets',
    measured: row(64, 1).encrypt / 1e6,
    target: 4,
    atLeast: true,
  },
  {
    what: 'million packets/s decrypted, 64 octets',
    measured: row(64, 1).decrypt / 1e6,
    target: 4,
    atLeast: true,
  },
  ...([64, 1400] as const).flatMap((octets) =>
    (['encrypt', 'decrypt'] as const).map((path) => ({
      what: `${path}, 1 to 1,000,000 entries, ${octets} octets, times slower`,
      measured: slower(octets, path),
      target: 1.5,
      atLeast: false,
    })),
  ),
  {
    what: 'entries inserted per second (thousands), through PipeHAL',
    measured: insertedPerSecond / 1e3,
    target: 500,
    atLeast: true,
  },
  { what: 'SPI/key pairs per second (thousands)', measured: keysPerSecond / 1e3, target: 0, atLeast: true },
  ...(tcp === undefined
    ? []
    : [
        { what: 'TCP through two gateways, Gbit/s', measured: tcp.gateways / 1e9, target: 0, atLeast: true },
        ...(tcp.wireguard === undefined
          ? []
          : [
              {
                what: 'the same over wireguard-go, Gbit/s',
                measured: tcp.wireguard / 1e9,
                target: 0,
                atLeast: true,
              },
              {
                what: 'gateways / wireguard-go',
                measured: tcp.gateways / tcp.wireguard,
                target: 2.5,
                atLeast: true,
              },
            ]),
      ]),
];
const reached = ({ measured, target, atLeast }: (typeof targets)[number]) =>
  target === 0 ? '' : (atLeast ? measured >= target : measured <= target) ? 'reached' : 'MISSED';
log('');
log(
  table([
    ['what', 'measured', 'target', ''],
    ...targets.map((one) => [
      one.what,
      one.measured.toFixed(2),
      one.target === 0 ? '' : `${one.atLeast ? 'at least' : 'at most'} ${one.target}`,
      reached(one),
    ]),
  ]),
);
mkdirSync('out', { recursive: true });
writeFileSync('out/bench-native.json', `${JSON.stringify({ engine, rows, targets, tcp }, null, 2)}\n`);
process.exit(0);
