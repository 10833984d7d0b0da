/** Packet and octet counters of a pipe's entries by slot, in one slab; plain numbers, exact up to 2^53. */
import type { Counter } from '../hal/hal.js';

const SLOTS_START = 16;

export class SlotCounters {
  /** Packets and octets of slot i at 2i and 2i + 1. */
  private counts = new Float64Array(SLOTS_START * 2);
  private formerPackets = 0;
  private formerOctets = 0;

  /** Makes room for `slot`, which counts from zero. */
  reserve(slot: number): void {
    if (slot * 2 < this.counts.length) return;
    const counts = new Float64Array(Math.max(this.counts.length * 2, slot * 2 + 2));
    counts.set(this.counts);
    this.counts = counts;
  }

  count(slot: number, octets: number): void {
    this.counts[slot * 2]++;
    this.counts[slot * 2 + 1] += octets;
  }

  of(slot: number): Counter {
    return counterOf(this.counts[slot * 2], this.counts[slot * 2 + 1]);
  }

  /** The slot's entry goes; its counts stay in the total. */
  retire(slot: number): void {
    this.formerPackets += this.counts[slot * 2];
    this.formerOctets += this.counts[slot * 2 + 1];
    this.counts[slot * 2] = 0;
    this.counts[slot * 2 + 1] = 0;
  }

  total(): Counter {
    let packets = this.formerPackets;
    let octets = this.formerOctets;
    const { counts } = this;
    for (let i = 0; i < counts.length; i += 2) {
      packets += counts[i];
      octets += counts[i + 1];
    }
    return counterOf(packets, octets);
  }
}

export function counterOf(packets: number, octets: number): Counter {
  return { packets: BigInt(packets), octets: BigInt(octets) };
}
