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
  /** Holds every call back until it resolves. */
  gate: Promise<void> = Promise.resolve();
  private written = 0;
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
      await install(this.indexes);
    } catch (error) {
      this.notes.push(['unbuild']);
      throw error;
    }
    this.notes.push(['built']);
  }

  async perform<Note>(batch: EntryBatch<Note>): Promise<void> {
    await this.gate;
    const failed: { position: number; note: Note; failure: Failure }[] = [];
    for (let position = 0; position < batch.count; position++) {
      const number = this.written;
      const note = batch.submit(position, this);
      const failure = this.failures.get(number);
      if (failure !== undefined && this.written > number) failed.push({ position, note, failure });
    }
    for (const { position, note, failure } of failed.reverse()) batch.failed(position, note, ...failure);
  }

  add(pipe: number, slot: number, entry: BasicEntry): void {
    this.indexes[pipe]!.write(slot, entry);
    this.write('add', pipe, slot, entry);
  }

  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    // What fails has changed nothing.
    if (!this.failures.has(this.written)) this.indexes[pipe]!.update(slot, values, forward);
    this.write('update', pipe, slot, actionIndex, values, forward);
  }

  addControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.write('addControl', pipe, slot, entry);
  }

  updateControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.write('updateControl', pipe, slot, entry);
  }

  remove(pipe: number, slot: number): void {
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

  /** What has been written down since the last call. */
  take(): unknown[][] {
    return this.notes.splice(0);
  }

  private write(...note: unknown[]): void {
    this.written++;
    this.notes.push(note);
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

  putBack(slot: number, key: Uint8Array): void {
    this.file(slot, new TextDecoder().decode(key));
    this.entries.set(slot, this.taken.get(key)!);
  }

  entryAt(slot: number): BasicEntry {
    const entry = this.entries.get(slot);
    if (entry === undefined) throw new Error(`slot ${slot} has no entry`);
    return structuredClone(entry);
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
