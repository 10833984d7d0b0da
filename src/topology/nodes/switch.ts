/** A switch: learns which MAC address is behind which port, floods what it does not know. IEEE 802.1D without trees. */
import type { SimPort } from '../../hal-sim/port.js';
import {
  ETHERNET_DESTINATION,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_SOURCE,
  fitsMtu,
} from '../../packet/ethernet.js';

/** Addresses that are remembered; the oldest goes first. */
const ADDRESSES_MAX = 65_536;
const GROUP_BIT = 0x01;

export interface SwitchCounters {
  forwarded: number;
  /** Copies made by flooding. */
  flooded: number;
  /** Too short, or for the port it came from. */
  filtered: number;
  /** Larger than the MTU of the port that they had to leave by. */
  tooBig: number;
}

export class Switch {
  readonly counters: SwitchCounters = { forwarded: 0, flooded: 0, filtered: 0, tooBig: 0 };
  readonly #ports: readonly SimPort[];
  /** By MAC as a number. */
  readonly #portOf = new Map<number, number>();

  constructor(ports: readonly SimPort[]) {
    this.#ports = ports;
    for (const [index, port] of ports.entries()) {
      void port.start((frames) => {
        for (const frame of frames) this.#forward(index, frame);
      });
    }
  }

  /** Forgets what it has learnt, as after a link went down. */
  forget(): void {
    this.#portOf.clear();
  }

  #forward(from: number, frame: Uint8Array): void {
    const { counters } = this;
    if (frame.length < ETHERNET_HEADER_OCTETS) {
      counters.filtered++;
      return;
    }
    if ((frame[ETHERNET_SOURCE]! & GROUP_BIT) === 0) this.#learn(macNumber(frame, ETHERNET_SOURCE), from);
    const to = this.#portOf.get(macNumber(frame, ETHERNET_DESTINATION));
    if (to === from) counters.filtered++;
    else if (to !== undefined) {
      counters.forwarded++;
      this.#send(to, frame);
    } else {
      for (const port of this.#ports.keys()) {
        if (port === from) continue;
        counters.flooded++;
        this.#send(port, frame.slice());
      }
    }
  }

  #learn(mac: number, port: number): void {
    if (this.#portOf.get(mac) === port) return;
    this.#portOf.delete(mac);
    if (this.#portOf.size === ADDRESSES_MAX) this.#portOf.delete(this.#portOf.keys().next().value!);
    this.#portOf.set(mac, port);
  }

  #send(to: number, frame: Uint8Array): void {
    const port = this.#ports[to]!;
    if (!fitsMtu(frame, port.mtuOctets)) this.counters.tooBig++;
    else port.send([frame]);
  }
}

/** 48 bits, which a number holds exactly; a text would take longer to make than the frame to forward. */
function macNumber(frame: Uint8Array, at: number): number {
  const high = (frame[at]! << 16) | (frame[at + 1]! << 8) | frame[at + 2]!;
  const low = (frame[at + 3]! << 16) | (frame[at + 4]! << 8) | frame[at + 5]!;
  return high * 0x100_0000 + low;
}
