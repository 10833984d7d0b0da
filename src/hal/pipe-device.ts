/**
 * PipeDevice: what a device does behind PipeHAL. CheckedHal (checked-hal.ts) makes a PipeHal of one: it checks every call, gives
 * entries their ids and slots, and knows their labels. A device never sees a wrong call:
 *
 * - What needs a program (`perform`, `counters`, `transmit`) is called after a `build` that has resolved, or by its `install`; all else,
 *   `close` included, at any time, also while `build` is under way. Nothing is called after `close`. A second `build` comes only
 *   after one that rejected.
 * - Programs are valid, entries and values fit their pipe, keys and slots are in range, pipes and counters exist, an entry
 *   that is added has a key that no other one has, and pipes are never over-full.
 *
 * Pipes have the numbers of their places in the program, entries have slots: 0 to the pipe's `sizeEntries` - 1, each used by one
 * entry at a time and used again after a removal.
 *
 * A device rejects with HalError for what goes wrong in itself, and then has changed nothing (but see `perform`), and with HalError
 * SHUTDOWN (`shutDown` in errors.ts) what it cannot end because of `close`. Order and ownership are PipeHAL's (hal.ts). The program
 * belongs to the device and the front together, neither of which changes it.
 */
import type { DocaErrorName, HalError } from './errors.js';
import type {
  Counter,
  DeviceDescription,
  KeyAlgorithm,
  KeyLengthOctets,
  KeySlot,
  PspStatistics,
  RssPacket,
  SpiKeyBatch,
  TransmitPacket,
} from './hal.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward, PipeProgram } from './program.js';

/** In the place of a slot: the counter of what a pipe's entries have not matched. */
export const MISS_COUNTER = -1;
/**
 * In the place of a slot: the counter of all counted entries that a pipe has or had. Entries of a control pipe that ask for no counter are
 * not among them.
 */
export const TOTAL_COUNTER = -2;

/**
 * The match keys of a basic pipe's entries, and what the entries were given: the device's own table, in which it finds entries (or
 * would have to keep them for nothing but this), lent so that nobody keeps a second one. The device itself changes no keys in it.
 */
export interface EntryIndex {
  /** The slot of the entry that has the key of `entry`, under the template's masks; -1: there is none. */
  find(entry: BasicEntry): number;
  /** Files `slot` under the key that `find` has just looked for in vain; then the entry is written. */
  put(slot: number): void;
  /**
   * Takes out a slot's key, and returns it for `putBack`; then the removal is written, or the slot's `add` has failed. A device that
   * never calls `failed` or `unknown` of a batch returns nothing, and has no `putBack`.
   */
  take(slot: number): Uint8Array | undefined;
  /**
   * The entry that had this key is there still, with its values; its slot has no key now. Returns -1 or, having changed nothing, the slot
   * that an equal key has been filed under meanwhile.
   */
  putBack?(slot: number, key: Uint8Array): number;
  /**
   * The entry in a slot that has one, without its label: the values that it was given, and updated with since. It belongs to the caller.
   * An operation counts from when it has been written until it is said to have failed. `lookup` asks for it, and nothing on the way of
   * packets.
   */
  entryAt(slot: number): BasicEntry;
}

/** Takes the operations of a batch. */
export interface EntryWriter {
  /**
   * An entry of a basic pipe, which `put` has just filed. Where an earlier removal of the slot's former entry fails, this has to fail
   * as well, of control pipes likewise.
   */
  add(pipe: number, slot: number, entry: BasicEntry): void;
  /** Replaces what is given, in place; `actionIndex`: the entry's action template. */
  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void;
  /** An entry of a control pipe: behind those of its priority. */
  addControl(pipe: number, slot: number, entry: ControlEntry): void;
  /** The whole entry as it is from now on, at its place, with its counter; values and forward may have changed. */
  updateControl(pipe: number, slot: number, entry: ControlEntry): void;
  /** An entry of either kind, whose key has been taken out. Its counts stay in the pipe's total. */
  remove(pipe: number, slot: number): void;
}

/** Operations on entries. `Note` is what the front wants to be told of an operation that has failed. */
export interface EntryBatch<Note> {
  readonly count: number;
  /**
   * Gives operation `position` to the writer, or none where it is refused. Called once for each, in order, whenever the device has time for
   * it, and in as many turns of the event loop as it likes.
   */
  submit(position: number, writer: EntryWriter): Note;
  /**
   * The operation that was written at `position` has failed and changed nothing, and is to be taken back in the index. In any order, but
   * all before the batch's promise settles. A removal that failed with NOT_FOUND is the exception: the
   * entry is not there, and is not put back.
   */
  failed(position: number, note: Note, code: DocaErrorName, reason: string): void;
  /**
   * Nobody will ever know whether the operation that was written at `position` has been done: the device does not answer. In turn
   * with `failed`, and before the batch's promise rejects. An entry that was to be removed is put back, so that it can be removed once
   * more: of one that has gone after all, that fails with NOT_FOUND. One that was to be added keeps its slot and its key, and an
   * update counts as done. Where both had the same slot, the entry that was to be removed has it, with the values that it was given: the
   * front takes out the other one's key before it puts that of the first one back.
   */
  unknown(position: number, note: Note): void;
}

/** A device with match-action pipes and PSP. */
export interface PipeDevice {
  readonly description: DeviceDescription;

  /**
   * Makes the program's pipes without their static entries, then has these put in by `install` (by way of `perform`), and only
   * then, as far as it can, lets packets in. `install` is given the indexes of the pipes, null of control pipes. What it rejects
   * with, `build` rejects with, after it has taken the pipes away.
   */
  build(
    program: PipeProgram,
    install: (indexes: readonly (EntryIndex | null)[]) => Promise<void>,
  ): Promise<void>;

  /**
   * Resolves when the device has finished all operations, those that failed included. Rejects when it does not know what has become of
   * one, which it has told by `unknown`, or is closed. Operations that have not been submitted by then have changed nothing.
   */
  perform<Note>(batch: EntryBatch<Note>): Promise<void>;

  /** One result per slot, null for success. */
  setKeys(slots: readonly KeySlot[]): Promise<(HalError | null)[]>;
  /** Slots without a key are passed over. */
  clearKeys(cryptoIds: readonly number[]): Promise<void>;
  /** Rejects with EMPTY, giving out none, when fewer than `count` SPIs are left. */
  generateKeys(
    keyLengthOctets: KeyLengthOctets,
    count: number,
    algorithm: KeyAlgorithm,
  ): Promise<SpiKeyBatch>;
  rotateMasterKey(): Promise<void>;

  /**
   * One counter for each pair of a pipe and a slot, MISS_COUNTER or TOTAL_COUNTER. `places` gives the pairs, or throws what this is to
   * reject with. It is called once, when all failures of former batches have been told and nothing of later ones has been
   * submitted, and the counters are those that stand there then: nothing of a later batch comes in between.
   */
  counters(places: () => Int32Array): Promise<Counter[]>;
  statistics(): Promise<PspStatistics>;

  /** Again: replaces the handler. As PipeHal's. */
  onReceive(handler: (packets: RssPacket[]) => void): void;
  /** The program has an egress root. As PipeHal's. */
  transmit(packets: readonly TransmitPacket[]): number;

  /**
   * Called once. Afterwards no handler is called, and no key is left that a call under way has made. Calls under way, `build` included, end
   * or reject with SHUTDOWN. Rejects with what a port's closing rejects with.
   */
  close(): Promise<void>;
}
