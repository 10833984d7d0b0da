/**
 * The fast path of the simulated device: two devices run the gateway's own pipeline, one encapsulates, the other
 * decapsulates. Next to them, in the same rounds, the AEAD engine alone on packets of the same size.
 */
import { performance } from 'node:perf_hooks';
import { systemClock } from '../src/base/clock.js';
import { systemRandom } from '../src/base/random.js';
import { buildPipeline } from '../src/gateway/pipeline/pipeline.js';
import { egressAclEntry, ingressAclEntry } from '../src/gateway/pipeline/pipeline-entries.js';
import type { PipelineOptions } from '../src/gateway/pipeline/pipeline-options.js';
import type { EntryOperation, KeySlot } from '../src/hal/hal.js';
import { openSimHal, type SimHal } from '../src/hal-sim/device.js';
import type { SimPort } from '../src/hal-sim/port.js';
import { ipFromOctets, parseIpv4 } from '../src/packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../src/packet/ethernet.js';
import {
  buildIpv4Packet,
  IPV4_DESTINATION,
  IPV4_HEADER_OCTETS_MIN,
  PROTOCOL_UDP,
  setIpv4Checksum,
} from '../src/packet/ipv4.js';
import { opensslEngine } from '../src/psp/aead-openssl.js';
import { PSP_HEADER_OCTETS, PSP_ICV_OCTETS, PSP_NONCE_OCTETS, writePspHeader } from '../src/psp/header.js';

export interface DatapathRow {
  /** Length of the inner IP packet. */
  readonly octets: number;
  readonly sessions: number;
  /** Packets per second. */
  readonly rawSeal: number;
  readonly encapsulate: number;
  readonly rawOpen: number;
  readonly decapsulate: number;
}

export interface DatapathResult {
  readonly rows: readonly DatapathRow[];
  /** Entries per second, per number of sessions (one egress and one ingress entry for each). */
  readonly entriesPerSecond: readonly { readonly sessions: number; readonly entriesPerSecond: number }[];
  /** Memory of both devices for one session (a key slot, an egress and an ingress entry, a derived key). */
  readonly octetsPerSession: readonly { readonly sessions: number; readonly octets: number }[];
}

export const BURST_PACKETS = 256;
const MTU_OCTETS = 9000;
const CRYPT_OFFSET_WORDS = 5;
const OUTER_OCTETS = ETHERNET_HEADER_OCTETS + 40 + 8;
const WARM_UP_ROUNDS = 20;
const SESSIONS_PER_BATCH = 4096;

export const LOCAL_VIP = parseIpv4('10.0.0.1');
/** 11.0.0.0 */
const FIRST_REMOTE_VIP = 0x0b000000;
const DECAP_MACS = Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);

/** A port that keeps the last burst. */
export class BurstPort implements SimPort {
  readonly name = 'burst';
  burst: readonly Uint8Array[] = [];
  receive: (frames: readonly Uint8Array[]) => void = () => {};

  constructor(readonly mtuOctets = MTU_OCTETS) {}

  send(frames: readonly Uint8Array[]): void {
    this.burst = frames;
  }

  async start(receive: (frames: readonly Uint8Array[]) => void): Promise<void> {
    this.receive = receive;
  }

  async close(): Promise<void> {}
}

interface BenchDevice {
  readonly hal: SimHal;
  readonly uplink: BurstPort;
  readonly vf: BurstPort;
}

/** Each size with each number of sessions; `millisecondsPerRow` of packets each. */
export async function benchDatapath(
  sizes: readonly number[],
  sessionCounts: readonly number[],
  millisecondsPerRow = 1500,
): Promise<DatapathResult> {
  const rows: DatapathRow[] = [];
  const entriesPerSecond: { sessions: number; entriesPerSecond: number }[] = [];
  const octetsPerSession: { sessions: number; octets: number }[] = [];
  for (const sessions of sessionCounts) {
    const before = memoryInUse();
    const pipeline = pipelineOptions(sessions);
    const sender = await openDevice();
    const receiver = await openDevice();
    await sender.hal.build(buildPipeline(pipeline));
    await receiver.hal.build(buildPipeline(pipeline));
    const seconds = await installSessions(sender.hal, receiver.hal, pipeline, sessions);
    entriesPerSecond.push({ sessions, entriesPerSecond: (2 * sessions) / seconds });
    for (const octets of sizes) {
      rows.push(await measure(sender, receiver, octets, sessions, millisecondsPerRow));
    }
    sender.uplink.burst = [];
    octetsPerSession.push({ sessions, octets: Math.max(0, memoryInUse() - before) / sessions });
    await sender.hal.close();
    await receiver.hal.close();
  }
  return { rows, entriesPerSecond, octetsPerSession };
}

/** AES-256 SPI/key pairs per second. */
export async function benchKeyGeneration(pairs: number): Promise<number> {
  const { hal } = await openDevice();
  const { keysPerBatch } = hal.device.limits;
  await hal.generateKeys(32, 1024);
  const start = performance.now();
  for (let left = pairs; left > 0; left -= keysPerBatch) {
    await hal.generateKeys(32, Math.min(left, keysPerBatch));
  }
  const seconds = (performance.now() - start) / 1000;
  await hal.close();
  return pairs / seconds;
}

function pipelineOptions(sessions: number): PipelineOptions {
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
    maxTunnels: sessions,
    underlayMtuOctets: MTU_OCTETS,
    decapMacs: DECAP_MACS,
  };
}

async function openDevice(): Promise<BenchDevice> {
  const uplink = new BurstPort();
  const vf = new BurstPort();
  const hal = await openSimHal({
    clock: systemClock,
    random: systemRandom(),
    uplink: { port: uplink, mac: '02:00:00:00:00:a0', ipv6: '2001:db8::1' },
    vf: { port: vf, mac: '02:00:00:00:00:b0' },
  });
  return { hal, uplink, vf };
}

/** Remote address of session i. */
export function remoteVip(i: number) {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, FIRST_REMOTE_VIP + i);
  return ipFromOctets(octets, 0, 4);
}

/** Returns the seconds that adding entries took. */
async function installSessions(
  sender: SimHal,
  receiver: SimHal,
  pipeline: PipelineOptions,
  sessions: number,
): Promise<number> {
  let seconds = 0;
  const apply = async (hal: SimHal, operations: EntryOperation[]) => {
    const start = performance.now();
    const results = await hal.apply(operations);
    seconds += (performance.now() - start) / 1000;
    for (const result of results) if ('error' in result) throw result.error;
  };
  for (let first = 0; first < sessions; first += SESSIONS_PER_BATCH) {
    const count = Math.min(SESSIONS_PER_BATCH, sessions - first);
    const { spis, keys } = await receiver.generateKeys(32, count);
    const slots: KeySlot[] = [];
    const egress: EntryOperation[] = [];
    const ingress: EntryOperation[] = [];
    for (let i = 0; i < count; i++) {
      const cryptoId = first + i + 1;
      const remote = remoteVip(first + i);
      slots.push({ cryptoId, key: keys.subarray(i * 32, i * 32 + 32) });
      egress.push(
        egressAclEntry(pipeline, {
          localVip: LOCAL_VIP,
          localVipId: 0,
          remoteVip: remote,
          encapHeader: encapHeader(spis[i]),
          cryptoId,
        }),
      );
      ingress.push(
        ingressAclEntry(pipeline, {
          spi: spis[i],
          remoteVip: LOCAL_VIP,
          localVip: remote,
          localVipId: 0,
          cookie: 0n,
          decapMacs: DECAP_MACS,
        }),
      );
    }
    for (const error of await sender.setKeys(slots)) if (error !== null) throw error;
    await apply(sender, egress);
    await apply(receiver, ingress);
  }
  return seconds;
}

/** Ethernet, IPv6, UDP, PSP as a gateway writes them. */
function encapHeader(spi: number): Uint8Array {
  const header = new Uint8Array(OUTER_OCTETS + PSP_HEADER_OCTETS);
  header.set([2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, PROTOCOL_UDP, 50]);
  header.set([0x20, 0x01, 0x0d, 0xb8], 22);
  header[37] = 1;
  header.set([0x20, 0x01, 0x0d, 0xb8], 38);
  header[53] = 2;
  header.set([0, 0, 0x03, 0xe8], OUTER_OCTETS - 8);
  writePspHeader(header, OUTER_OCTETS, {
    nextHeader: 4,
    cryptOffsetWords: CRYPT_OFFSET_WORDS,
    version: 1,
    spi,
    iv: 0n,
  });
  return header;
}

/** A burst of packets, whose sessions `address` chooses. */
export function innerFrames(octets: number): Uint8Array[] {
  return Array.from({ length: BURST_PACKETS }, () => {
    const packet = buildIpv4Packet({
      source: LOCAL_VIP,
      destination: LOCAL_VIP,
      protocol: PROTOCOL_UDP,
      ttl: 64,
      payload: new Uint8Array(octets - IPV4_HEADER_OCTETS_MIN),
    });
    const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + octets);
    frame.set([2, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0, 6, 8, 0]);
    frame.set(packet, ETHERNET_HEADER_OCTETS);
    return frame;
  });
}

/** Spreads the burst over all sessions by a prime step, so that no cache profits from their order. */
export function address(frames: readonly Uint8Array[], sessions: number, round: number): void {
  for (const [i, frame] of frames.entries()) {
    const session = ((round * BURST_PACKETS + i) * 7919) % sessions;
    const view = new DataView(frame.buffer);
    view.setUint32(ETHERNET_HEADER_OCTETS + IPV4_DESTINATION, FIRST_REMOTE_VIP + session);
    setIpv4Checksum(frame, ETHERNET_HEADER_OCTETS);
  }
}

async function measure(
  sender: BenchDevice,
  receiver: BenchDevice,
  octets: number,
  sessions: number,
  milliseconds: number,
): Promise<DatapathRow> {
  const burst = innerFrames(octets);
  const raw = rawEngine(octets);
  const spent = { rawSeal: 0, encapsulate: 0, rawOpen: 0, decapsulate: 0 };
  let rounds = 0;
  let spentTotal = 0;
  for (let round = -WARM_UP_ROUNDS; round < 0 || spentTotal < milliseconds; round++) {
    address(burst, sessions, round + WARM_UP_ROUNDS);
    const t0 = performance.now();
    raw.seal();
    const t1 = performance.now();
    sender.vf.receive(burst);
    const t2 = performance.now();
    raw.open();
    const t3 = performance.now();
    receiver.uplink.receive(sender.uplink.burst);
    const t4 = performance.now();
    if (receiver.vf.burst.length !== BURST_PACKETS) throw new Error('the benchmark lost packets');
    receiver.vf.burst = [];
    if (round >= 0) {
      spent.rawSeal += t1 - t0;
      spent.encapsulate += t2 - t1;
      spent.rawOpen += t3 - t2;
      spent.decapsulate += t4 - t3;
      spentTotal += t4 - t0;
      rounds++;
    }
    if (round % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const perSecond = (spentMs: number) => (rounds * BURST_PACKETS * 1000) / spentMs;
  return {
    octets,
    sessions,
    rawSeal: perSecond(spent.rawSeal),
    encapsulate: perSecond(spent.encapsulate),
    rawOpen: perSecond(spent.rawOpen),
    decapsulate: perSecond(spent.decapsulate),
  };
}

/** The engine on a burst of packets: the same spans as in the pipes. */
function rawEngine(octets: number) {
  const key = new Uint8Array(32).fill(7);
  const nonce = new Uint8Array(PSP_NONCE_OCTETS);
  const aadStart = OUTER_OCTETS;
  const encryptStart = aadStart + PSP_HEADER_OCTETS + CRYPT_OFFSET_WORDS * 4;
  const end = aadStart + PSP_HEADER_OCTETS + octets;
  const frames = Array.from({ length: BURST_PACKETS }, () => new Uint8Array(end + PSP_ICV_OCTETS));
  return {
    seal() {
      for (const frame of frames) opensslEngine.seal(key, nonce, frame, aadStart, encryptStart, end);
    },
    open() {
      for (const frame of frames) {
        if (!opensslEngine.open(key, nonce, frame, aadStart, encryptStart, end))
          throw new Error('raw open failed');
      }
    },
  };
}

function memoryInUse(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
