/**
 * A PipeDevice over nothing: it writes down what it is asked for, keeps match keys in a map, and fails what the test says. It needs
 * nothing but src/hal.
 */
import type { DocaErrorName, HalError } from '../../src/hal/errors.js';
import type {
  Counter,
  DeviceDescription,
  KeyLengthOctets,
  KeySlot,
  PspStatistics,
  SpiKeyBatch,
  TransmitPacket,
} from '../../src/hal/hal.js';
import type { EntryBatch, EntryIndex, EntryWriter, PipeDevice } from '../../src/hal/pipe-device.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward, PipeProgram } from '../../src/hal/program.js';

const DESCRIPTION: DeviceDescription = {
  hal: 'noting',
  text: 'a device over nothing',
  ports: [],
  limits: { keySlots: 4, entriesPerPipe: 16, keysPerBatch: 8 },
};

/** What fails: the code and the reason that the device has for it. */
export type Failure = readonly [DocaErrorName, string];

export class NotingDevice implements PipeDevice, EntryWriter {
  readonly description = DESCRIPTION;
  /** What was asked for, oldest first: a word for each call, and what it was given. */
  readonly notes: unknown[][] = [];
  /** By how many operations have been written before: those that fail after they have been written. */
  readonly failures = new Map<number, Failure>();
  /** What the next build fails with, before it puts static entries in. */
  buildFailure: Error | null = null;
  keyFailure: HalError | null = null;
  /** What batches reject with: the device does not answer any more, though it may have done what was asked. */
  silence: HalError | null = null;
  /** Whether a silent device does nothing of what it is asked. */
  isDeaf = false;
  /** Holds every call back until it resolves. */
  gate: Promise<void> = Promise.resolve();
  /** Holds back what has become of a batch that has been written. */
  answer: Promise<void> = Promise.resolve();
  private written = 0;
  /** What becomes of the operation that was written last. */
  private failure: Failure | undefined;
  /** The places of the entries that are there: pipe, slot. */
  private readonly taken = new Set<string>();
  private indexes: readonly (MapIndex | null)[] = [];

  async build(
    program: PipeProgram,
    install: (indexes: readonly (EntryIndex | null)[]) => Promise<void>,
  ): Promise<void> {
    this.notes.push(['build', program.name]);
    await this.gate;
    if (this.buildFailure !== null) throw this.buildFailure;
    try {
      this.indexes = program.pipes.map((pipe) => (pipe.type === 'basic' ? new MapIndex() : null));
      this.taken.clear();
      await install(this.indexes);
    } catch (error) {
      this.notes.push(['unbuild']);
      throw error;
    }
    this.notes.push(['built']);
  }

  async perform<Note>(batch: EntryBatch<Note>): Promise<void> {
    await this.gate;
    const written: { position: number; note: Note; failure: Failure | undefined }[] = [];
    for (let position = 0; position < batch.count; position++) {
      const number = this.written;
      const note = batch.submit(position, this);
      if (this.written > number) written.push({ position, note, failure: this.failure });
    }
    const { silence } = this;
    await this.answer;
    for (const { position, note, failure } of written.reverse()) {
      if (silence !== null) batch.unknown(position, note);
      else if (failure !== undefined) batch.failed(position, note, ...failure);
    }
    if (silence !== null) throw silence;
  }

  add(pipe: number, slot: number, entry: BasicEntry): void {
    this.write('add', pipe, slot, entry);
    this.indexes[pipe]!.write(slot, entry);
  }

  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    this.write('update', pipe, slot, actionIndex, values, forward);
    // What fails has changed nothing.
    if (this.failure === undefined) this.indexes[pipe]!.update(slot, values, forward);
  }

  addControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.write('addControl', pipe, slot, entry);
  }

  updateControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.write('updateControl', pipe, slot, entry);
  }

  remove(pipe: number, slot: number): void {
    this.indexes[pipe]?.assertTaken(slot);
    this.write('remove', pipe, slot);
  }

  async setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]> {
    this.notes.push(['setKeys', ...slots.map(({ cryptoId }) => cryptoId)]);
    return slots.map(() => this.keyFailure);
  }

  async clearKeys(cryptoIds: readonly number[]): Promise<void> {
    this.notes.push(['clearKeys', ...cryptoIds]);
  }

  async generateKeys(keyLengthOctets: KeyLengthOctets, count: number): Promise<SpiKeyBatch> {
    this.notes.push(['generateKeys', keyLengthOctets, count]);
    if (this.keyFailure !== null) throw this.keyFailure;
    return { spis: new Uint32Array(count), keys: new Uint8Array(count * keyLengthOctets), keyLengthOctets };
  }

  async rotateMasterKey(): Promise<void> {
    this.notes.push(['rotateMasterKey']);
  }

  async counters(places: () => Int32Array): Promise<Counter[]> {
    const pairs = places();
    this.notes.push(['counters', ...pairs]);
    return Array.from({ length: pairs.length / 2 }, () => ({ packets: 0n, octets: 0n }));
  }

  async statistics(): Promise<PspStatistics> {
    throw new Error('nobody asks for them here');
  }

  onReceive(): void {
    this.notes.push(['onReceive']);
  }

  transmit(packets: readonly TransmitPacket[]): number {
    this.notes.push(['transmit', packets.length]);
    return packets.length;
  }

  async close(): Promise<void> {
    this.notes.push(['close']);
  }

  /** Operations that have been written: the number of the next one in `failures`. */
  get writtenSoFar(): number {
    return this.written;
  }

  /** What has been written down since the last call. */
  take(): unknown[][] {
    return this.notes.splice(0);
  }

  /** As the device does it: a place has one entry, and what fails leaves it as it is. */
  private write(operation: string, pipe: number, slot: number, ...more: unknown[]): void {
    this.notes.push([operation, pipe, slot, ...more]);
    const place = `${pipe} ${slot}`;
    const adds = operation.startsWith('add');
    const contradiction: Failure = adds
      ? ['DRIVER', 'the place has an entry that could not be removed']
      : ['NOT_FOUND', 'there is no entry'];
    this.failure =
      this.failures.get(this.written) ?? (adds === this.taken.has(place) ? contradiction : undefined);
    this.written++;
    if (this.failure !== undefined || this.isDeaf) return;
    if (adds) this.taken.add(place);
    if (operation === 'remove') this.taken.delete(place);
  }
}

/** Keys as texts, and entries. It insists on what pipe-device.ts promises. */
class MapIndex implements EntryIndex {
  private readonly slots = new Map<string, number>();
  private readonly keys = new Map<number, string>();
  private readonly entries = new Map<number, BasicEntry>();
  /** By what `take` has returned of them. */
  private readonly taken = new WeakMap<Uint8Array, BasicEntry>();
  private lookedFor = '';

  find(entry: BasicEntry): number {
    this.lookedFor = JSON.stringify(Object.entries(entry.match ?? {}).sort());
    return this.slots.get(this.lookedFor) ?? -1;
  }

  put(slot: number): void {
    this.file(slot, this.lookedFor);
  }

  take(slot: number): Uint8Array {
    const key = this.keys.get(slot);
    if (key === undefined) throw new Error(`slot ${slot} has no key`);
    this.keys.delete(slot);
    this.slots.delete(key);
    const octets = new TextEncoder().encode(key);
    this.taken.set(octets, this.entries.get(slot)!);
    this.entries.delete(slot);
    return octets;
  }

  putBack(slot: number, key: Uint8Array): number {
    const text = new TextDecoder().decode(key);
    const holder = this.slots.get(text) ?? -1;
    if (holder >= 0) return holder;
    this.file(slot, text);
    this.entries.set(slot, this.taken.get(key)!);
    return -1;
  }

  entryAt(slot: number): BasicEntry {
    const entry = this.entries.get(slot);
    if (entry === undefined) throw new Error(`slot ${slot} has no entry`);
    return structuredClone(entry);
  }

  assertTaken(slot: number): void {
    if (this.keys.has(slot)) throw new Error(`the key of slot ${slot} has not been taken out`);
  }

  write(slot: number, { label: _, ...entry }: BasicEntry): void {
    this.entries.set(slot, structuredClone(entry));
  }

  update(slot: number, values: ActionValues | undefined, forward: Forward | undefined): void {
    const given = {
      ...(values === undefined ? {} : { values }),
      ...(forward === undefined ? {} : { forward }),
    };
    this.entries.set(slot, structuredClone({ ...this.entries.get(slot), ...given }));
  }

  private file(slot: number, key: string): void {
    if (this.keys.has(slot) || this.slots.has(key))
      throw new Error(`slot ${slot} or ${key} is there already`);
    this.keys.set(slot, key);
    this.slots.set(key, slot);
  }
}
