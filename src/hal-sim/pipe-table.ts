/** The interface of a built pipe, basic or control, to the device. */
import type { Counter, EntryId } from '../hal/hal.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward } from '../hal/program.js';
import type { CryptoUnit } from './crypto-unit.js';
import type { PacketContext } from './packet-context.js';

/** The parts of the device that a pipe uses. */
export interface PipeContext {
  readonly pipeNumbers: ReadonlyMap<string, number>;
  readonly mirrorNumbers: ReadonlyMap<string, number>;
  readonly crypto: CryptoUnit;
  /** 16 random bits. */
  readonly drawRandom: () => number;
  /** Copies the packet to the mirror's targets; false when it could not be encrypted for that, and is lost. */
  copyToMirror(packet: PacketContext, mirror: number): boolean;
}

export interface PipeTable {
  readonly name: string;

  /** Look-up, counters, actions, mirror; returns the forward's code, or CODE_LOST. */
  process(packet: PacketContext): number;

  /** Adds a checked entry. Throws HalError ALREADY_EXIST or FULL, and changes nothing then. */
  add(entry: BasicEntry | ControlEntry): EntryId;
  /** Replaces what is given. Throws HalError NOT_FOUND or INVALID_VALUE, and changes nothing then. */
  update(id: EntryId, values: ActionValues | undefined, forward: Forward | undefined): void;
  /** Throws HalError NOT_FOUND. */
  remove(id: EntryId): void;

  /** Each null where there is no such entry or it has no counter. */
  entryCounter(id: EntryId): Counter | null;
  labelCounter(label: string): Counter | null;
  missCounter(): Counter | null;
  /** The sum over all entries, removed ones included. */
  totalCounter(): Counter | null;
}

export function counterOf(packets: number, octets: number): Counter {
  return { packets: BigInt(packets), octets: BigInt(octets) };
}
