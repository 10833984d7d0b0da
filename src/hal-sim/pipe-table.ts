/** The interface of a built pipe, basic or control, to the device. */
import type { Counter } from '../hal/hal.js';
import type { PacketContext } from '../hal/packet/packet-context.js';
import type { CryptoUnit } from './crypto-unit.js';

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
  /** Look-up, counters, actions, mirror; returns the forward's code, or CODE_LOST. */
  process(packet: PacketContext): number;

  /** Adds what an entry has counted to the total: it goes. */
  remove(slot: number): void;

  entryCounter(slot: number): Counter;
  missCounter(): Counter;
  /** The sum over all entries, removed ones included. */
  totalCounter(): Counter;
}

export function counterOf(packets: number, octets: number): Counter {
  return { packets: BigInt(packets), octets: BigInt(octets) };
}
