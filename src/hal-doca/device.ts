/**
 * A device of DOCA Flow: a BlueField's PF and one representor, through the addon (native/addon), or the software
 * DOCA in their place. The addon lowers the program to DOCA's pipes.
 */
import { CheckedHal } from '../hal/checked-hal.js';
import { HalError, shutDown } from '../hal/errors.js';
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
import type { EntryBatch, EntryIndex, PipeDevice } from '../hal/pipe-device.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../hal/program.js';
import { ipFromOctets, macFromOctets } from '../packet/address.js';
import type { BatchWriter } from './batch.js';
import { KeyIndex } from './key-index.js';
import {
  halErrorOf,
  loadAddon,
  type NativeAddon,
  type NativeDevice,
  type NativeFailure,
  type NativePort,
} from './native.js';
import { nativeProgram, type PipeIndex, pipeIndexOf } from './program.js';
import { OPERATIONS_PER_SLICE, Slice } from './slice.js';

export interface DocaHalOptions {
  /** "03:00.0" or "0000:03:00.0" */
  readonly pciAddress: string;
  /** A representor's PCI address, its name, "pf0vf0" or "vf0", or its number in the device's list, "[0]". */
  readonly representor: string;
  /** Queues of the slow path, each with a thread. */
  readonly rssQueues: number;
  /** Highest crypto_id. */
  readonly keySlots: number;
  /** Counters of all pipes together, those of misses included. */
  readonly counters: number;
  /** For EAL; only the first device of a process can say. */
  readonly ealArguments?: readonly string[];
  /** Devices of this size that the process will have open at a time; 1 when absent. */
  readonly devices?: number;
  /** Packet buffers of the slow path; 8192 when absent. */
  readonly buffers?: number;
  /** Memory for DPDK on machines without huge pages; DPDK's own default, 64 MB, when absent. */
  readonly memoryMegabytes?: number;
  /** Level of DOCA's own messages, 10 (none) to 70; 40, warnings, when absent. Only the first device of a process can set it. */
  readonly logLevel?: number;
  /**
   * Whether programs may look at words of the PSP header (tun.psp.dw6 to dw9), which takes definitions of DOCA's; false when absent.
   * What the first device says counts for all that are open together.
   */
  readonly pspWords?: boolean;
  /** The MAC and the addresses of the workload behind the representor, where known. */
  readonly workload?: (vf: PortDescription) => PortDescription['workload'];
}

const ENTRIES_PER_PIPE_MAX = 1 << 23;
const KEYS_PER_BATCH_MAX = 1 << 17;
const BUFFERS_DEFAULT = 8192;
const LOG_LEVEL_DEFAULT = 40;
/** As many as are under way while a large batch is performed. */
const SPARE_MEMORY_MAX = 2;
const RSS_WAITING_MAX = 4096;
const RSS_BATCH_MAX = 256;

/** A device of DOCA Flow behind PipeHAL. */
export interface DocaHal extends PipeHal {
  /** DPDK's numbers of the ports, uplink first. */
  readonly dpdkPorts: readonly number[];
  /** Lines of DOCA's and DPDK's logs, of this process, that standard output did not take: they are lost, since nothing waits for it. */
  readonly lostLogLines: number;
}

/** Opens the device and starts its ports. Rejects with HalError, which says what could not be had. */
export async function openDocaHal(options: DocaHalOptions): Promise<DocaHal> {
  const addon = loadAddon();
  let receive: (packets: RssPacket[]) => void = () => undefined;
  try {
    const opened = await addon.openDevice(
      {
        pciAddress: options.pciAddress,
        representor: options.representor,
        rssQueues: options.rssQueues,
        keySlots: options.keySlots,
        counters: options.counters,
        devices: options.devices ?? 1,
        buffers: options.buffers ?? BUFFERS_DEFAULT,
        ealArguments: options.ealArguments ?? [],
        memoryMegabytes: options.memoryMegabytes ?? 0,
        logLevel: options.logLevel ?? LOG_LEVEL_DEFAULT,
        pspWords: options.pspWords ?? false,
      },
      (packets) => receive(packets),
    );
    const device = new DocaDevice(opened.device, opened.ports, opened, options);
    receive = (packets) => device.received(packets);
    return new CheckedDocaHal(
      device,
      opened.ports.map((port) => port.dpdkPort),
      addon,
    );
  } catch (error) {
    throw halErrorOf(error);
  }
}

class CheckedDocaHal extends CheckedHal implements DocaHal {
  constructor(
    device: DocaDevice,
    readonly dpdkPorts: readonly number[],
    private readonly addon: NativeAddon,
  ) {
    super(device);
  }

  get lostLogLines(): number {
    return this.addon.lostLogLines?.() ?? 0;
  }
}

/** What the addon says of a device that it has opened. */
type Opened = Pick<Awaited<ReturnType<NativeAddon['openDevice']>>, 'release' | 'gmac' | 'pspWords'>;

export class DocaDevice implements PipeDevice {
  readonly description: DeviceDescription;
  /** Of the program that is built, or being built. */
  private numbers!: PipeIndex;
  private indexes: readonly (KeyIndex | null)[] = [];
  /** Batches that the addon has not answered, oldest first; it answers them in this order. */
  private readonly underWay: BatchWriter[] = [];
  /** Of batches that are over, for those to come: new memory for each would cost as much as what is packed there. */
  private readonly spareMemory: Uint8Array<ArrayBuffer>[] = [];
  private closed = false;
  private handler: ((packets: RssPacket[]) => void) | null = null;
  private waiting: RssPacket[] = [];
  private rssDropped = 0n;
  private rotations = 0n;
  /** Resolves when all former calls have been handed to the addon. */
  private handedOver: Promise<void> = Promise.resolve();
  /** Resolves when the front has been told all failures of former batches. */
  private failuresTold: Promise<void> = Promise.resolve();

  /** Use openDocaHal. */
  constructor(
    private readonly native: NativeDevice,
    ports: readonly [NativePort, NativePort],
    { release, gmac = false, pspWords = false }: Opened,
    options: DocaHalOptions,
  ) {
    const limits: DeviceLimits = {
      keySlots: options.keySlots,
      entriesPerPipe: ENTRIES_PER_PIPE_MAX,
      keysPerBatch: KEYS_PER_BATCH_MAX,
      pspWords,
    };
    const vf = describePort(VF_PORT, 'vf', ports[1]);
    const workload = options.workload?.(vf);
    this.description = {
      hal: 'doca',
      text: `${options.pciAddress}, DOCA ${release}`,
      ports: [
        describePort(UPLINK_PORT, 'uplink', ports[0]),
        { ...vf, ...(workload === undefined ? {} : { workload }) },
      ],
      limits,
      gmac,
    };
  }

  async build(
    program: PipeProgram,
    install: (indexes: readonly (EntryIndex | null)[]) => Promise<void>,
  ): Promise<void> {
    this.numbers = pipeIndexOf(program);
    this.indexes = program.pipes.map((pipe) =>
      pipe.type === 'basic' ? new KeyIndex(pipe, this.numbers, this.underWay) : null,
    );
    try {
      await this.native.build(nativeProgram(program, this.numbers));
      try {
        await install(this.indexes);
      } catch (error) {
        await this.native.unbuild();
        throw error;
      }
    } catch (error) {
      throw halErrorOf(error);
    }
  }

  perform<Note>(batch: EntryBatch<Note>): Promise<void> {
    const performed = this.performInTurn(batch);
    const former = this.failuresTold;
    this.failuresTold = performed.then(
      () => former,
      () => former,
    );
    return performed;
  }

  private async performInTurn<Note>(batch: EntryBatch<Note>): Promise<void> {
    const handOver = this.takeTurn();
    const waits: Promise<void>[] = [];
    try {
      await handOver.turn;
      for (let start = 0; start < batch.count; start += OPERATIONS_PER_SLICE) {
        // The addon has work for as long as the next slice is packed.
        if (waits.length > 1) await waits[waits.length - 2];
        this.assertOpen();
        const wait = this.performSlice(batch, start);
        // Two may fail, of which one is heard of.
        wait.catch(() => undefined);
        waits.push(wait);
      }
    } finally {
      handOver.done();
      // The batch's promise settles after all that is to be told of it.
      await Promise.allSettled(waits);
    }
    await Promise.all(waits);
  }

  /** Calls reach the addon in the order in which they were made, though some take several turns to be handed over. */
  private takeTurn(): { turn: Promise<void>; done: () => void } {
    const turn = this.handedOver;
    let done = (): void => undefined;
    this.handedOver = new Promise((resolve) => {
      done = resolve;
    });
    return { turn, done };
  }

  private async performSlice<Note>(batch: EntryBatch<Note>, start: number): Promise<void> {
    const slice = new Slice<Note>(this.numbers, this.indexes, this.spareMemory.pop());
    const { writer } = slice;
    slice.pack(batch, start);
    this.underWay.push(writer);
    try {
      if (writer.length === 0) return;
      const failures = await this.resultOf(this.native.apply(writer.packed, writer.controls));
      for (const failure of failures) slice.fail(batch, failure);
      writer.note();
    } catch (error) {
      slice.lose(batch);
      writer.noteUnanswered();
      throw error;
    } finally {
      this.underWay.splice(this.underWay.indexOf(writer), 1);
      if (this.spareMemory.length < SPARE_MEMORY_MAX) this.spareMemory.push(writer.memory);
    }
  }

  async setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    if (slots.length === 0) return [];
    const ids = Uint32Array.from(slots, ({ cryptoId }) => cryptoId);
    const lengths = Uint8Array.from(slots, ({ key }) => key.length);
    // Small arrays without a buffer of their own stand in V8's heap, which copies them about.
    const keys = new Uint8Array(new ArrayBuffer(lengths.reduce((sum, octets) => sum + octets, 0)));
    let at = 0;
    for (const { key } of slots) {
      keys.set(key, at);
      at += key.length;
    }
    try {
      const failures = await this.call(() => {
        const set = this.native.setKeys(ids, keys, lengths);
        // The addon has its copy, which it wipes.
        keys.fill(0);
        return set;
      });
      return failures.map(failureOf);
    } finally {
      // Where the turn has not come.
      keys.fill(0);
    }
  }

  async clearKeys(cryptoIds: readonly number[]): Promise<void> {
    await this.call(() => this.native.clearKeys(Uint32Array.from(cryptoIds)));
  }

  async generateKeys(
    keyLengthOctets: KeyLengthOctets,
    count: number,
    algorithm: KeyAlgorithm,
  ): Promise<SpiKeyBatch> {
    const { spis, keys } = await this.call(
      () => this.native.generateKeys(keyLengthOctets, count, algorithm === 'gmac'),
      (batch) => batch.keys.fill(0),
    );
    return { spis, keys, keyLengthOctets };
  }

  async rotateMasterKey(): Promise<void> {
    await this.call(() => this.native.rotateMasterKey());
    this.rotations++;
  }

  async counters(places: () => Int32Array): Promise<Counter[]> {
    const { failuresTold } = this;
    const handOver = this.takeTurn();
    let counted: Promise<BigUint64Array>;
    try {
      // Calls before this one may be others than batches.
      await handOver.turn;
      await failuresTold;
      this.assertOpen();
      counted = this.native.counters(places());
    } finally {
      handOver.done();
    }
    const numbers = await this.resultOf(counted);
    return Array.from({ length: numbers.length / 2 }, (_, i) => ({
      packets: numbers[2 * i]!,
      octets: numbers[2 * i + 1]!,
    }));
  }

  /** DOCA Flow tells none of the counters that the PSP specification asks of a device. */
  async statistics(): Promise<PspStatistics> {
    const kernelDropped = await this.call(() => this.native.kernelDrops());
    return {
      rxPackets: null,
      rxBytes: null,
      rxAuthFail: null,
      rxError: null,
      rxBad: null,
      txPackets: null,
      txBytes: null,
      txError: null,
      keyRotations: this.rotations,
      // Those that the device's own queues drop are not among them: they have no counter.
      rssDropped: this.rssDropped,
      portDropped: null,
      kernelDropped,
    };
  }

  onReceive(handler: (packets: RssPacket[]) => void): void {
    this.handler = handler;
    if (this.waiting.length > 0) setImmediate(() => this.deliverWaiting());
  }

  /** Called by the addon with RSS packets. */
  received(packets: RssPacket[]): void {
    if (this.closed) return;
    if (this.handler !== null && this.waiting.length === 0) {
      this.handler(packets);
      return;
    }
    for (const packet of packets) {
      if (this.waiting.length < RSS_WAITING_MAX) this.waiting.push(packet);
      else this.rssDropped++;
    }
  }

  private deliverWaiting(): void {
    try {
      while (this.waiting.length > 0 && this.handler !== null) {
        this.handler(this.waiting.splice(0, RSS_BATCH_MAX));
      }
    } finally {
      // The handler has thrown: what is left comes in another turn.
      if (this.waiting.length > 0) setImmediate(() => this.deliverWaiting());
    }
  }

  transmit(packets: readonly TransmitPacket[]): number {
    return this.native.transmit(
      packets.map(({ frame }) => frame),
      Uint32Array.from(packets, ({ packetMeta }) => packetMeta ?? 0),
    );
  }

  close(): Promise<void> {
    this.closed = true;
    this.handler = null;
    this.waiting = [];
    return this.native.close();
  }

  /** A call of the addon, in its turn. `discard`: what is to become of a result that comes too late. */
  private async call<Result>(
    start: () => Promise<Result>,
    discard?: (result: Result) => void,
  ): Promise<Result> {
    const handOver = this.takeTurn();
    let result: Promise<Result>;
    try {
      await handOver.turn;
      this.assertOpen();
      result = start();
    } finally {
      handOver.done();
    }
    return this.resultOf(result, discard);
  }

  /** Turns errors of the addon into HalErrors. After close() every call fails, those under way included. */
  private async resultOf<Result>(
    promise: Promise<Result>,
    discard?: (result: Result) => void,
  ): Promise<Result> {
    let result: Result;
    try {
      result = await promise;
    } catch (error) {
      throw halErrorOf(error);
    }
    if (this.closed) discard?.(result);
    this.assertOpen();
    return result;
  }

  private assertOpen(): void {
    if (this.closed) throw shutDown('the operation');
  }
}

function failureOf(failure: NativeFailure | null): HalError | null {
  return failure === null ? null : new HalError(failure.code, failure.reason);
}

function describePort(id: number, kind: PortDescription['kind'], port: NativePort): PortDescription {
  return {
    id,
    kind,
    name: port.name,
    mac: macFromOctets(port.mac),
    mtuOctets: port.mtuOctets,
    ...(port.ipv4.length === 0 ? {} : { ipv4: ipFromOctets(port.ipv4, 0, 4) }),
    ...(port.ipv6.length === 0 ? {} : { ipv6: ipFromOctets(port.ipv6, 0, 6) }),
  };
}
