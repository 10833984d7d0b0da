/**
 * The simulator's device: a PipeDevice over two SimPorts. Bit-exact to DOCA Flow's semantics as src/hal describes
 * them, and deterministic: with a virtual clock and a seeded random source a whole run repeats to the byte.
 *
 * pipeline.ts walks packets through the program's tables, crypto-unit.ts does PSP, key-store.ts holds the keys.
 */
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { CheckedHal } from '../hal/checked-hal.js';
import { HalError, shutDown } from '../hal/errors.js';
import type { FrameLoss, FrameTap, ShowFrames } from '../hal/frame-tap.js';
import type {
  Counter,
  DeviceDescription,
  DeviceLimits,
  KeyAlgorithm,
  KeyLengthOctets,
  KeySlot,
  PipeHal,
  PortDescription,
  PspStatistics,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from '../hal/hal.js';
import { SYNDROME_NONE } from '../hal/packet/packet-context.js';
import type { EntryBatch, EntryIndex, PipeDevice } from '../hal/pipe-device.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../hal/program.js';
import { ETHERNET_HEADER_OCTETS } from '../packet/ethernet.js';
import type { AeadEngine } from '../psp/aead.js';
import { opensslEngine } from '../psp/aead-openssl.js';
import { versionOf } from '../psp/header.js';
import { IvSource, randomFirstIv } from '../psp/iv.js';
import { MasterKeys } from '../psp/master-keys.js';
import { secretOctets } from '../psp/secret.js';
import { CryptoUnit } from './crypto-unit.js';
import { EXACT_TABLE_SLOTS_MAX } from './exact-table.js';
import { KeyStore } from './key-store.js';
import { Pipeline } from './pipeline.js';
import type { SimPort } from './port.js';
import { RssQueue } from './rss-queue.js';
import { DeviceStatistics, type Fates, fatesOf } from './statistics.js';
import { WorkQueue } from './work-queue.js';

/** What a simulated device has room for. */
export interface SimHalLimits extends DeviceLimits {
  /** Packets that wait for the RSS handler. */
  readonly rssQueuePackets: number;
  /** Keys of received SPIs that are kept derived. */
  readonly derivedKeyCacheEntries: number;
}

/** The limits of a simulated device that is told none. */
export const SIM_LIMITS_DEFAULT: SimHalLimits = {
  keySlots: 1 << 20,
  entriesPerPipe: 1 << 20,
  keysPerBatch: 1 << 17,
  rssQueuePackets: 4096,
  derivedKeyCacheEntries: 1 << 18,
};

/** A port of a simulated device, and its addresses. */
export interface SimPortOptions {
  /** Started and closed by the device. */
  readonly port: SimPort;
  /** aa:bb:cc:dd:ee:ff */
  readonly mac: string;
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** What a simulated device is made of. */
export interface SimHalOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** OpenSSL's when absent. */
  readonly aead?: AeadEngine;
  readonly uplink: SimPortOptions & {
    /**
     * The kernel behind the uplink: it gets what comes in by that and the program leaves to it, and what it sends leaves by
     * the uplink as it is. Started and closed by the device. Absent: such frames are dropped and counted.
     */
    readonly kernel?: SimPort;
  };
  readonly vf: SimPortOptions & Pick<PortDescription, 'workload'>;
  readonly limits?: Partial<SimHalLimits>;
  /** Master keys 0 and 1, 32 octets each, instead of random ones: for tests and vectors. Key 0 is active. */
  readonly masterKeys?: readonly [Uint8Array, Uint8Array];
  /** Low 31 bits of the first SPI; 1 when absent. */
  readonly firstSpi?: number;
  /** The first IV, below 2^64, instead of a random one: for tests. */
  readonly firstIv?: bigint;
  /** Whether it generates keys of AES-GMAC, as no hardware is known to; it does when absent. */
  readonly gmac?: boolean;
  /**
   * Packets that a mirror has copied leave behind the others of their burst: hardware may take longer for them, which is what
   * --maintain-order is for. Absent: the way through a mirror takes no time.
   */
  readonly mirrorsLate?: boolean;
  /** Called with the memory of key tables before any key is in it, so that it can be locked. */
  readonly protect?: (octets: Uint8Array) => void;
}

/** Entry operations, and key slots, per slice of work. */
const OPERATIONS_PER_SLICE = 4096;
/** Keys derived per slice: some milliseconds. */
const KEYS_PER_SLICE = 16384;

/** A simulated device. */
export interface SimHal extends PipeHal {
  /** The fates of all packets so far. Every packet has exactly one. */
  fates(): Fates;
  /** RSS packets that have not been handed over yet. */
  readonly rssWaiting: number;
  /** Shows all frames of both ports from now on, and what became of those that did not get through. */
  readonly showFrames: ShowFrames;
}

/** Opens a simulated device and starts its ports. Rejects with what a port's start rejects with. */
export async function openSimHal(options: SimHalOptions): Promise<SimHal> {
  const device = new SimDevice(options);
  const hal = new CheckedSimHal(device);
  try {
    await device.start();
  } catch (error) {
    await hal.close();
    throw error;
  }
  return hal;
}

class CheckedSimHal extends CheckedHal implements SimHal {
  constructor(private readonly simulated: SimDevice) {
    super(simulated);
  }

  fates(): Fates {
    return this.simulated.fates();
  }

  get rssWaiting(): number {
    return this.simulated.rssWaiting;
  }

  showFrames(tap: FrameTap | null): void {
    this.simulated.showFrames(tap);
  }
}

class SimDevice implements PipeDevice {
  readonly description: DeviceDescription;
  private readonly random: Random;
  private readonly limits: SimHalLimits;
  private readonly statisticsNow = new DeviceStatistics();
  private readonly keys: KeyStore;
  private readonly crypto: CryptoUnit;
  private readonly rss: RssQueue;
  private readonly work: WorkQueue;
  /** The ports, by id. */
  private readonly ports: readonly SimPort[];
  private readonly kernel: SimPort | undefined;
  private toKernelNext: Uint8Array[] = [];
  /** Frames that wait for the end of the burst, by port id. */
  private readonly outgoing: Uint8Array[][] = [[], []];
  /** Frames of the burst that a mirror delays; see `mirrorsLate`. */
  private readonly outgoingLate: Uint8Array[][] = [[], []];
  private readonly mirrorsLate: boolean;
  /** The program's, from before its static entries are in it. */
  private pipeline!: Pipeline;
  private pipeNames: readonly string[] = [];
  /** null: nobody captures, and nothing is done for it but to look here once for each burst. */
  private tap: FrameTap | null = null;
  /** Whether all static entries are in it, and packets are let in. */
  private isBuilt = false;
  private closed = false;

  constructor(options: SimHalOptions) {
    const engine = options.aead ?? opensslEngine;
    this.random = options.random;
    this.mirrorsLate = options.mirrorsLate ?? false;
    this.limits = boundedLimits({ ...SIM_LIMITS_DEFAULT, ...options.limits });
    this.ports = [options.uplink.port, options.vf.port];
    this.kernel = options.uplink.kernel;
    const masterKeys = new MasterKeys({
      fillRandom: (octets) => options.random.fill(octets),
      ...(options.masterKeys === undefined ? {} : { masterKeys: options.masterKeys }),
      ...(options.firstSpi === undefined ? {} : { firstSpi: options.firstSpi }),
    });
    const ivs = new IvSource(options.firstIv ?? randomFirstIv((octets) => options.random.fill(octets)));
    this.keys = new KeyStore(masterKeys, this.limits.derivedKeyCacheEntries, options.protect);
    this.crypto = new CryptoUnit(engine, this.keys, ivs, this.statisticsNow);
    this.rss = new RssQueue(options.clock, this.limits.rssQueuePackets);
    this.work = new WorkQueue(options.clock);
    const { keySlots, entriesPerPipe, keysPerBatch } = this.limits;
    this.description = {
      hal: 'sim',
      text: `simulated device, AES-GCM by ${engine.name}`,
      ports: [describePort(UPLINK_PORT, 'uplink', options.uplink), describePort(VF_PORT, 'vf', options.vf)],
      limits: { keySlots, entriesPerPipe, keysPerBatch, pspWords: true },
      gmac: options.gmac ?? true,
    };
  }

  async start(): Promise<void> {
    for (const [id, port] of this.ports.entries()) await port.start((frames) => this.receive(id, frames));
    await this.kernel?.start((frames) => this.fromKernel(frames));
  }

  async build(
    program: PipeProgram,
    install: (indexes: readonly (EntryIndex | null)[]) => Promise<void>,
  ): Promise<void> {
    const { random, crypto, statisticsNow: statistics } = this;
    this.pipeline = new Pipeline(program, random, crypto, statistics, {
      toPort: (port, frame, mirrored) => this.toPort(port, frame, mirrored),
      toRss: (frame, packetMeta) => {
        const taken = this.rss.push({ frame, packetMeta });
        if (taken) statistics.toRss++;
        return taken;
      },
      toKernel: (frame, port) => this.toKernel(frame, port),
    });
    this.pipeNames = program.pipes.map(({ name }) => name);
    await install(this.pipeline.indexes);
    this.isBuilt = true;
  }

  perform<Note>(batch: EntryBatch<Note>): Promise<void> {
    const { pipeline } = this;
    return this.inSlices(
      batch.count,
      (i) => batch.submit(i, pipeline),
      () => undefined,
    );
  }

  setKeys(slots: readonly KeySlot[]): Promise<null[]> {
    const setOne = (i: number) => {
      const { cryptoId, key } = slots[i];
      this.keys.setSlot(cryptoId, key);
    };
    return this.inSlices(slots.length, setOne, () => new Array(slots.length).fill(null));
  }

  clearKeys(cryptoIds: readonly number[]): Promise<void> {
    return this.inSlices(
      cryptoIds.length,
      (i) => this.keys.clearSlot(cryptoIds[i]),
      () => undefined,
    );
  }

  generateKeys(
    keyLengthOctets: KeyLengthOctets,
    count: number,
    algorithm: KeyAlgorithm,
  ): Promise<SpiKeyBatch> {
    const version = versionOf(keyLengthOctets, algorithm === 'gmac');
    const batch = {
      spis: new Uint32Array(count),
      keys: secretOctets(count * keyLengthOctets),
      keyLengthOctets,
    };
    let done = 0;
    const generated = this.work.run(
      () => {
        if (done === 0 && this.keys.masterKeys.spisLeft < count) {
          throw new HalError('EMPTY', `${this.keys.masterKeys.spisLeft} SPIs are left`);
        }
        const part = this.keys.masterKeys.generate(version, Math.min(KEYS_PER_SLICE, count - done));
        batch.spis.set(part.spis, done);
        batch.keys.set(part.keys, done * keyLengthOctets);
        part.keys.fill(0);
        done += part.spis.length;
        return done < count;
      },
      () => batch,
    );
    return generated.catch((error: unknown) => {
      // Keys of the slices that were done before the device was closed.
      batch.keys.fill(0);
      throw error;
    });
  }

  rotateMasterKey(): Promise<void> {
    return this.inTurn(() => this.keys.rotate());
  }

  counters(places: () => Int32Array): Promise<Counter[]> {
    return this.inTurn(() => {
      const found = places();
      const counters: Counter[] = [];
      for (let at = 0; at < found.length; at += 2) {
        counters.push(this.pipeline.counter(found[at], found[at + 1]));
      }
      return counters;
    });
  }

  async statistics(): Promise<PspStatistics> {
    const now = this.statisticsNow;
    return {
      rxPackets: BigInt(now.rxPackets),
      rxBytes: BigInt(now.rxOctets),
      rxAuthFail: BigInt(now.rxAuthFail),
      rxError: BigInt(now.rxError),
      rxBad: BigInt(now.rxBad),
      txPackets: BigInt(now.txPackets),
      txBytes: BigInt(now.txOctets),
      txError: BigInt(now.txError),
      keyRotations: BigInt(this.keys.masterKeys.rotations),
      rssDropped: BigInt(this.rss.dropped),
      portDropped: BigInt(now.portDropped),
      kernelDropped: BigInt(now.kernelDropped),
    };
  }

  fates(): Fates {
    return fatesOf(this.statisticsNow, this.rss.dropped);
  }

  get rssWaiting(): number {
    return this.rss.waitingPackets;
  }

  onReceive(handler: (packets: RssPacket[]) => void): void {
    this.rss.setHandler(handler);
  }

  transmit(packets: readonly TransmitPacket[]): number {
    for (const packet of packets) {
      if (this.tap !== null) this.transmitShown(packet, this.tap);
      else this.pipeline.transmit(new Uint8Array(packet.frame), packet.packetMeta ?? 0);
    }
    this.flush();
    return packets.length;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.work.close(shutDown('the operation'));
    this.rss.close();
    this.keys.wipe();
    const ports = this.kernel === undefined ? this.ports : [...this.ports, this.kernel];
    const closing = await Promise.allSettled(ports.toReversed().map((port) => port.close()));
    for (const result of closing) if (result.status === 'rejected') throw result.reason;
  }

  showFrames(tap: FrameTap | null): void {
    this.tap = tap;
  }

  private receive(port: number, frames: readonly Uint8Array[]): void {
    if (!this.isBuilt || this.closed) return;
    if (this.tap === null) for (let i = 0; i < frames.length; i++) this.pipeline.receive(frames[i], port);
    else for (const frame of frames) this.receiveShown(frame, port, this.tap);
    this.flush();
  }

  /** Shows the frame as it came in: the pipeline changes it in place. */
  private receiveShown(frame: Uint8Array, port: number, tap: FrameTap): void {
    // Not slice(): of a Buffer that is no copy.
    const copy = new Uint8Array(frame);
    const loss = this.lossOf(() => this.pipeline.receive(frame, port));
    tap.frameIn(port, copy, loss);
  }

  private transmitShown({ frame, packetMeta }: TransmitPacket, tap: FrameTap): void {
    const loss = this.lossOf(() => this.pipeline.transmit(new Uint8Array(frame), packetMeta ?? 0));
    if (loss !== undefined) tap.frameLost(frame, loss);
  }

  /** What became of the packet that `walk` sends through the pipes; undefined: it got through. */
  private lossOf(walk: () => void): FrameLoss | undefined {
    let loss: FrameLoss | undefined;
    this.pipeline.onLoss = (kind, pipe, { syndrome }) => {
      const name = this.pipeNames[pipe];
      loss = {
        kind,
        ...(name === undefined ? {} : { pipe: name }),
        ...(syndrome === SYNDROME_NONE ? {} : { syndrome }),
      };
    };
    walk();
    this.pipeline.onLoss = null;
    return loss;
  }

  /** Not what the workload sends. */
  private toKernel(frame: Uint8Array, port: number): boolean {
    if (this.kernel === undefined || port !== UPLINK_PORT) {
      this.statisticsNow.kernelDropped++;
      return false;
    }
    this.toKernelNext.push(frame);
    return true;
  }

  private fromKernel(frames: readonly Uint8Array[]): void {
    if (this.closed) return;
    for (const frame of frames) {
      if (frame.length > this.ports[UPLINK_PORT].mtuOctets + ETHERNET_HEADER_OCTETS)
        this.statisticsNow.portDropped++;
      else this.outgoing[UPLINK_PORT].push(frame);
    }
    this.flush();
  }

  /** False: the port cannot carry it. */
  private toPort(id: number, frame: Uint8Array, mirrored: boolean): boolean {
    if (frame.length > this.ports[id].mtuOctets + ETHERNET_HEADER_OCTETS) {
      this.statisticsNow.portDropped++;
      return false;
    }
    if (id === UPLINK_PORT) this.statisticsNow.sentUplink++;
    else this.statisticsNow.sentVf++;
    (mirrored && this.mirrorsLate ? this.outgoingLate : this.outgoing)[id].push(frame);
    return true;
  }

  /** Hands what the burst has sent to the ports. */
  private flush(): void {
    for (const [id, inTime] of this.outgoing.entries()) {
      const late = this.outgoingLate[id];
      const frames = late.length === 0 ? inTime : [...inTime, ...late];
      if (frames.length === 0) continue;
      this.outgoing[id] = [];
      late.length = 0;
      // Who looks may stop looking at any frame.
      const { tap } = this;
      if (tap !== null) for (const frame of frames) tap.frameOut(id, frame);
      this.ports[id].send(frames);
    }
    if (this.toKernelNext.length === 0) return;
    const frames = this.toKernelNext;
    this.toKernelNext = [];
    this.kernel?.send(frames);
  }

  private inTurn<Result>(work: () => Result): Promise<Result> {
    return this.work.run(() => false, work);
  }

  private inSlices<Result>(count: number, one: (i: number) => void, result: () => Result): Promise<Result> {
    return this.work.run((slice) => {
      const start = slice * OPERATIONS_PER_SLICE;
      const end = Math.min(count, start + OPERATIONS_PER_SLICE);
      for (let i = start; i < end; i++) one(i);
      return end < count;
    }, result);
  }
}

function describePort(
  id: number,
  kind: PortDescription['kind'],
  options: SimPortOptions & Pick<PortDescription, 'workload'>,
): PortDescription {
  const { port, mac, ipv4, ipv6, workload } = options;
  return {
    id,
    kind,
    name: port.name,
    mac,
    mtuOctets: port.mtuOctets,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(workload === undefined ? {} : { workload }),
  };
}

/** Whatever was asked for, within what the tables can count. */
function boundedLimits(limits: SimHalLimits): SimHalLimits {
  return {
    ...limits,
    entriesPerPipe: Math.min(limits.entriesPerPipe, EXACT_TABLE_SLOTS_MAX),
    derivedKeyCacheEntries: Math.min(limits.derivedKeyCacheEntries, EXACT_TABLE_SLOTS_MAX),
  };
}
