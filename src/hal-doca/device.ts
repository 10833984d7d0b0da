/**
 * PipeHAL over DOCA Flow: a BlueField's PF and one representor, through the addon (native/addon), or the software
 * DOCA in their place. Checks are done here, so that errors are the same on every device; the addon lowers the
 * program to DOCA's pipes.
 */
import { checkActionValues, checkForward, isCryptoId, reporter } from '../hal/check-entry.js';
import { HalError, type HalErrorPlace, ProgramError } from '../hal/errors.js';
import type {
  Counter,
  CounterSelector,
  DeviceDescription,
  DeviceLimits,
  EntryId,
  EntryOperation,
  EntryResult,
  KeyLengthOctets,
  KeySlot,
  PipeHal,
  PortDescription,
  PspStatistics,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from '../hal/hal.js';
import type { BasicEntry, ControlEntry, PipeProgram } from '../hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../hal/program.js';
import { pipeOfId } from '../hal/slot-pool.js';
import {
  assertValidProgram,
  checkBasicEntry,
  checkControlEntry,
  checkUpdate,
  type EntryContext,
} from '../hal/validate.js';
import { ipFromOctets, macFromOctets } from '../packet/address.js';
import { EntryBook } from './entry-book.js';
import { halErrorOf, loadAddon, type NativeDevice, type NativeFailure, type NativePort } from './native.js';
import { nativeControlEntry, nativeProgram, type PipeIndex, pipeIndexOf } from './program.js';
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
  /** The MAC and the addresses of the workload behind the representor, where known. */
  readonly workload?: (vf: PortDescription) => PortDescription['workload'];
}

const ENTRIES_PER_PIPE_MAX = 1 << 23;
const KEYS_PER_BATCH_MAX = 1 << 17;
const BUFFERS_DEFAULT = 8192;
const LOG_LEVEL_DEFAULT = 40;
const RSS_WAITING_MAX = 4096;
const RSS_BATCH_MAX = 256;

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
      },
      (packets) => receive(packets),
    );
    const hal = new DocaHal(opened.device, opened.ports, opened.release, options);
    receive = (packets) => hal.received(packets);
    return hal;
  } catch (error) {
    throw halErrorOf(error);
  }
}

/** A program that is being used. */
interface Built {
  readonly program: PipeProgram;
  readonly numbers: PipeIndex;
  readonly books: readonly EntryBook[];
  readonly context: EntryContext;
}

export class DocaHal implements PipeHal {
  readonly device: DeviceDescription;
  /** DPDK's numbers of the ports, uplink first. */
  readonly dpdkPorts: readonly number[];
  private built: Built | null = null;
  private building = false;
  private closing: Promise<void> | null = null;
  private handler: ((packets: RssPacket[]) => void) | null = null;
  private waiting: RssPacket[] = [];
  private rssDropped = 0n;
  private rotations = 0n;
  /** Resolves when all former calls have been handed to the addon. */
  private handedOver: Promise<void> = Promise.resolve();

  /** Use openDocaHal. */
  constructor(
    private readonly native: NativeDevice,
    ports: readonly [NativePort, NativePort],
    release: string,
    options: DocaHalOptions,
  ) {
    this.dpdkPorts = ports.map((port) => port.dpdkPort);
    const limits: DeviceLimits = {
      keySlots: options.keySlots,
      entriesPerPipe: ENTRIES_PER_PIPE_MAX,
      keysPerBatch: KEYS_PER_BATCH_MAX,
    };
    const vf = describePort(VF_PORT, 'vf', ports[1]);
    const workload = options.workload?.(vf);
    this.device = {
      hal: 'doca',
      text: `${options.pciAddress}, DOCA ${release}`,
      ports: [
        describePort(UPLINK_PORT, 'uplink', ports[0]),
        { ...vf, ...(workload === undefined ? {} : { workload }) },
      ],
      limits,
    };
  }

  async build(program: PipeProgram): Promise<void> {
    this.assertOpen('build');
    if (this.built !== null || this.building) {
      throw new HalError('BAD_STATE', `a program is built already; "${program.name}" cannot replace it`);
    }
    assertValidProgram(program, this.device.limits);
    this.building = true;
    try {
      const numbers = pipeIndexOf(program);
      const mirrors = new Set(numbers.mirrors.keys());
      const built: Built = {
        program,
        numbers,
        books: program.pipes.map((pipe, i) => new EntryBook(pipe, i, program.pipes.length)),
        context: {
          hasPipe: (name) => numbers.pipes.has(name),
          hasMirror: (name) => mirrors.has(name),
          keySlots: this.device.limits.keySlots,
        },
      };
      await this.native.build(nativeProgram(program, numbers));
      try {
        // Roots last: no packet finds the pipes before they are complete.
        const order = [...program.pipes].sort(
          (a, b) => Number(a.isRoot === true) - Number(b.isRoot === true),
        );
        const statics = order.flatMap((pipe) =>
          (pipe.entries ?? []).map((entry): EntryOperation => ({ operation: 'add', pipe: pipe.name, entry })),
        );
        for (const result of await this.applyTo(built, statics)) if ('error' in result) throw result.error;
      } catch (error) {
        await this.native.unbuild();
        throw error;
      }
      this.built = built;
    } catch (error) {
      const cause = halErrorOf(error);
      throw cause instanceof HalError && cause.code !== 'SHUTDOWN'
        ? new ProgramError(program.name, [cause])
        : cause;
    } finally {
      this.building = false;
    }
  }

  async apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    return this.applyTo(this.assertBuilt('apply'), operations);
  }

  private async applyTo(built: Built, operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    const results: EntryResult[] = new Array(operations.length);
    const handOver = this.takeTurn();
    const waits: Promise<void>[] = [];
    try {
      await handOver.turn;
      for (let start = 0; start < operations.length; start += OPERATIONS_PER_SLICE) {
        // The addon has work for as long as the next slice is packed.
        if (waits.length > 1) await waits[waits.length - 2];
        const wait = this.applySlice(built, operations, start, results);
        // Two may fail, of which one is heard of.
        wait.catch(() => undefined);
        waits.push(wait);
      }
    } finally {
      handOver.done();
    }
    await Promise.all(waits);
    return results;
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

  private async applySlice(
    built: Built,
    operations: readonly EntryOperation[],
    start: number,
    results: EntryResult[],
  ): Promise<void> {
    const slice = new Slice(built.numbers);
    const end = Math.min(operations.length, start + OPERATIONS_PER_SLICE);
    for (let position = start; position < end; position++) {
      try {
        results[position] = { id: this.submit(built, operations[position]!, position, slice) };
      } catch (error) {
        if (!(error instanceof HalError)) throw error;
        results[position] = { error };
      }
    }
    const { batch } = slice;
    if (batch.length === 0) return;
    const failures = await this.resultOf(this.native.apply(batch.packed, batch.controls));
    for (const failure of failures.sort((a, b) => b.index - a.index)) {
      const position = slice.fail(failure.index);
      const place: HalErrorPlace = { pipe: slice.books[failure.index]!.pipe.name, entry: position };
      results[position] = { error: new HalError(failure.code, failure.reason, place) };
    }
  }

  /** Checks an operation, books it, and packs it. Throws HalError, and nothing has changed then. */
  private submit(built: Built, operation: EntryOperation, position: number, slice: Slice): EntryId {
    if (operation.operation === 'add') return submitAdd(built, operation, position, slice);
    const { batch } = slice;
    const { id } = operation;
    const book = built.books[pipeOfId(id, built.books.length)];
    if (book === undefined) throw new HalError('NOT_FOUND', 'no such entry', { entry: id });
    const slot = book.slotOf(id);
    if (operation.operation === 'remove') {
      const removed = book.remove(slot);
      batch.remove(book.number, slot);
      slice.packed(position, book, () => book.restore(removed));
      return id;
    }
    const { values, forward } = operation;
    if (book.pipe.type === 'basic') {
      const actionIndex = book.actionIndexOf(slot);
      throwFirst(checkUpdate(book.pipe, actionIndex, operation, built.context, id));
      batch.update(book.number, slot, book.plan!, actionIndex, values, forward);
      slice.packed(position, book);
      return id;
    }
    const problems: HalError[] = [];
    const report = reporter(problems, { pipe: book.pipe.name, entry: id });
    const control = book.controlOf(slot);
    if (values !== undefined) {
      checkActionValues(control.actions ?? {}, values, built.context.keySlots, report);
    }
    if (forward !== undefined) checkForward(forward, built.context.hasPipe, report);
    throwFirst(problems);
    // DOCA cannot update a control pipe's entry: another takes its place.
    const changed = {
      ...control,
      ...(values === undefined ? {} : { values }),
      ...(forward === undefined ? {} : { forward }),
    };
    book.replaceControl(slot, changed);
    batch.replaceControl(book.number, slot, nativeControlEntry(changed, built.numbers));
    slice.packed(position, book, () => book.replaceControl(slot, control));
    return id;
  }

  async setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    this.assertOpen('setKeys');
    const results: (HalError | null)[] = slots.map(({ cryptoId, key }) => this.keySlotError(cryptoId, key));
    const valid = slots.flatMap((slot, i) => (results[i] === null ? [{ slot, i }] : []));
    if (valid.length === 0) return results;
    const ids = Uint32Array.from(valid, ({ slot }) => slot.cryptoId);
    const lengths = Uint8Array.from(valid, ({ slot }) => slot.key.length);
    // Small arrays without a buffer of their own stand in V8's heap, which copies them about.
    const keys = new Uint8Array(new ArrayBuffer(lengths.reduce((sum, octets) => sum + octets, 0)));
    let at = 0;
    for (const { slot } of valid) {
      keys.set(slot.key, at);
      at += slot.key.length;
    }
    const failures = await this.call(() => {
      const set = this.native.setKeys(ids, keys, lengths);
      // The addon has its copy, which it wipes.
      keys.fill(0);
      return set;
    });
    for (const [i, failure] of failures.entries()) results[valid[i]!.i] = failureOf(failure);
    return results;
  }

  async clearKeys(cryptoIds: readonly number[]): Promise<void> {
    this.assertOpen('clearKeys');
    const { keySlots } = this.device.limits;
    const ids = cryptoIds.filter((cryptoId) => isCryptoId(cryptoId, keySlots));
    await this.call(() => this.native.clearKeys(Uint32Array.from(ids)));
  }

  async generateKeys(keyLengthOctets: KeyLengthOctets, count: number): Promise<SpiKeyBatch> {
    this.assertOpen('generateKeys');
    const { keysPerBatch } = this.device.limits;
    if (!Number.isInteger(count) || count < 1 || count > keysPerBatch) {
      throw new HalError('INVALID_VALUE', `generateKeys of ${count} keys; expected 1 to ${keysPerBatch}`);
    }
    if (keyLengthOctets !== 16 && keyLengthOctets !== 32) {
      throw new HalError('INVALID_VALUE', `generateKeys of ${keyLengthOctets} octets; expected 16 or 32`);
    }
    try {
      const { spis, keys } = await this.call(() => this.native.generateKeys(keyLengthOctets, count));
      return { spis, keys, keyLengthOctets };
    } catch (error) {
      if (!(error instanceof HalError) || error.code !== 'EMPTY') throw error;
      throw new HalError(
        'EMPTY',
        `generateKeys of ${count} keys, but fewer SPIs are left; rotate the master key`,
      );
    }
  }

  async rotateMasterKey(): Promise<void> {
    this.assertOpen('rotateMasterKey');
    await this.call(() => this.native.rotateMasterKey());
    this.rotations++;
  }

  async counters(selectors: readonly CounterSelector[]): Promise<Counter[]> {
    const built = this.assertBuilt('counters');
    const pairs = Int32Array.from(selectors.flatMap((selector) => counterPair(built, selector)));
    const numbers = await this.call(() => this.native.counters(pairs));
    return selectors.map((_, i) => ({ packets: numbers[2 * i]!, octets: numbers[2 * i + 1]! }));
  }

  /** DOCA Flow tells none of the counters that the PSP specification asks of a device. */
  async statistics(): Promise<PspStatistics> {
    this.assertOpen('statistics');
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
    };
  }

  onReceive(handler: (packets: RssPacket[]) => void): void {
    this.assertOpen('onReceive');
    this.handler = handler;
    if (this.waiting.length > 0) setImmediate(() => this.deliverWaiting());
  }

  /** Called by the addon with RSS packets. */
  received(packets: RssPacket[]): void {
    if (this.closing !== null) return;
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
    while (this.waiting.length > 0 && this.closing === null && this.handler !== null) {
      this.handler(this.waiting.splice(0, RSS_BATCH_MAX));
    }
  }

  transmit(packets: readonly TransmitPacket[]): number {
    const { program } = this.assertBuilt('transmit');
    if (!program.pipes.some((pipe) => pipe.isRoot === true && pipe.domain === 'egress')) {
      throw new HalError('BAD_STATE', 'transmit: the program has no egress root');
    }
    return this.native.transmit(
      packets.map(({ frame }) => frame),
      Uint32Array.from(packets, ({ packetMeta }) => packetMeta ?? 0),
    );
  }

  close(): Promise<void> {
    this.closing ??= this.native.close();
    this.handler = null;
    this.waiting = [];
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A call of the addon, in its turn. */
  private async call<Result>(start: () => Promise<Result>): Promise<Result> {
    const handOver = this.takeTurn();
    let result: Promise<Result>;
    try {
      await handOver.turn;
      result = start();
    } finally {
      handOver.done();
    }
    return this.resultOf(result);
  }

  /** Turns errors of the addon into HalErrors. After close() every call fails, those under way included. */
  private async resultOf<Result>(promise: Promise<Result>): Promise<Result> {
    let result: Result;
    try {
      result = await promise;
    } catch (error) {
      throw halErrorOf(error);
    }
    if (this.closing !== null) throw shutDown('the operation');
    return result;
  }

  private keySlotError(cryptoId: number, key: Uint8Array): HalError | null {
    const { keySlots } = this.device.limits;
    if (!isCryptoId(cryptoId, keySlots)) {
      return new HalError('INVALID_VALUE', `setKeys of slot ${cryptoId}; slots are 1 to ${keySlots}`);
    }
    if (key.length !== 16 && key.length !== 32) {
      const reason = `setKeys of slot ${cryptoId}: a key of ${key.length} octets; expected 16 or 32`;
      return new HalError('INVALID_VALUE', reason);
    }
    return null;
  }

  private assertOpen(doing: string): void {
    if (this.closing !== null) throw shutDown(doing);
  }

  private assertBuilt(doing: string): Built {
    this.assertOpen(doing);
    if (this.built === null) throw new HalError('BAD_STATE', `${doing}: build a program first`);
    return this.built;
  }
}

function submitAdd(
  { numbers, books, context }: Built,
  operation: Extract<EntryOperation, { operation: 'add' }>,
  position: number,
  slice: Slice,
): EntryId {
  const book = books[numbers.pipes.get(operation.pipe) ?? -1];
  if (book === undefined) {
    throw new HalError('NOT_FOUND', 'the program has no such pipe', {
      pipe: operation.pipe,
      entry: position,
    });
  }
  const { pipe, entry } = { pipe: book.pipe, entry: operation.entry };
  throwFirst(
    pipe.type === 'basic'
      ? checkBasicEntry(pipe, entry as BasicEntry, context, position)
      : checkControlEntry(pipe, entry as ControlEntry, context, position),
  );
  const key = book.plan === null ? null : book.plan.keyOf(entry as BasicEntry);
  const slot = book.add(entry, key);
  if (key !== null) slice.batch.add(book.number, slot, book.plan!, key, entry as BasicEntry);
  else slice.batch.addControl(book.number, slot, nativeControlEntry(entry as ControlEntry, numbers));
  slice.packedAdd(position, book, slot);
  return book.idOf(slot);
}

/** Pipe and slot of a counter, for the addon. Throws HalError NOT_FOUND. */
function counterPair({ numbers, books }: Built, selector: CounterSelector): [number, number] {
  const book =
    'id' in selector
      ? books[pipeOfId(selector.id, books.length)]
      : books[numbers.pipes.get(selector.pipe) ?? -1];
  if (book !== undefined) {
    if ('miss' in selector) {
      if (book.pipe.missCounter === true) return [book.number, -1];
    } else if ('total' in selector) {
      if (book.hasTotal) return [book.number, -2];
    } else {
      const slot = book.countedSlot(selector);
      if (slot >= 0) return [book.number, slot];
    }
  }
  const place: HalErrorPlace =
    'id' in selector
      ? { entry: selector.id }
      : 'label' in selector
        ? { pipe: selector.pipe, entry: selector.label }
        : { pipe: selector.pipe };
  const what = 'miss' in selector ? 'miss counter' : 'total' in selector ? 'counter of entries' : 'counter';
  throw new HalError('NOT_FOUND', `there is no such ${what}; the program must ask for it`, place);
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

function throwFirst(problems: readonly HalError[]): void {
  if (problems.length > 0) throw problems[0]!;
}

function shutDown(doing: string): HalError {
  return new HalError('SHUTDOWN', `${doing}: the device is closed`);
}
