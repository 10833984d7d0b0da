/**
 * A device that cannot be looked into: frames reach it and leave it as they would in life, by the interfaces at the other ends of
 * its ports' cables, and what there is behind PipeHAL is used as any caller would.
 */
import { type Clock, sleep } from '../base/clock.js';
import type { PipeHal, RssPacket } from '../hal/hal.js';
import { UPLINK_PORT } from '../hal/program.js';
import type { SimPort } from '../hal-sim/port.js';
import { ipv4TotalLength } from '../packet/ipv4.js';
import type { HalHarness } from './harness.js';

/** Interfaces of this machine at the far ends of the device's ports. */
export interface FarEnds {
  readonly uplink: SimPort;
  readonly vf: SimPort;
}

export interface OutsideOptions {
  readonly clock: Clock;
  /** Nothing has come for so long: everything has had its fate. */
  quietMs(): number;
  /** How old counters may be. */
  counterAgeMs(): number;
}

/** What Ethernet pads frames to, without FCS. */
const ETHERNET_MIN_OCTETS = 60;

/** Frames of the far ends, kept until somebody takes them. The ends are started once, and serve one device after the other. */
export class FarSide {
  lastMs: number;
  readonly #received: [Uint8Array[], Uint8Array[]] = [[], []];
  readonly #ends: readonly [SimPort, SimPort];

  private constructor(
    { uplink, vf }: FarEnds,
    private readonly clock: Clock,
  ) {
    this.#ends = [uplink, vf];
    this.lastMs = clock.nowMs();
  }

  static async start(ends: FarEnds, clock: Clock): Promise<FarSide> {
    const side = new FarSide(ends, clock);
    for (const [i, end] of side.#ends.entries()) {
      await end.start((frames) => {
        side.lastMs = clock.nowMs();
        for (const frame of frames) if (!isKernels(frame)) side.#received[i]!.push(unpadded(frame));
      });
    }
    return side;
  }

  send(portId: number, frames: readonly Uint8Array[]): void {
    this.lastMs = this.clock.nowMs();
    this.#ends[portId === UPLINK_PORT ? 0 : 1].send(frames);
  }

  take(portId: number): Uint8Array[] {
    return this.#received[portId === UPLINK_PORT ? 0 : 1].splice(0);
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end.close();
  }
}

/** A device between far ends. Closing it leaves these open. */
export function outsideHarness(hal: PipeHal, far: FarSide, options: OutsideOptions): HalHarness {
  const { clock } = options;
  const received: RssPacket[] = [];
  hal.onReceive((packets) => {
    far.lastMs = clock.nowMs();
    received.push(...packets);
  });
  // What an earlier device has sent at its end is not this one's.
  for (const port of [0, 1]) far.take(port);
  const counters = hal.counters.bind(hal);
  hal.counters = async (selectors) => {
    await sleep(clock, far.lastMs + options.counterAgeMs() - clock.nowMs());
    return counters(selectors);
  };
  const transmit = hal.transmit.bind(hal);
  hal.transmit = (packets) => {
    far.lastMs = clock.nowMs();
    return transmit(packets);
  };
  return {
    hal,
    inject: (portId, frames) => far.send(portId, frames),
    takeSent: (portId) => far.take(portId),
    takeRss: () => received.splice(0),
    async settle() {
      for (;;) {
        const leftMs = far.lastMs + options.quietMs() - clock.nowMs();
        if (leftMs <= 0) return;
        await sleep(clock, leftMs);
      }
    },
  };
}

/** Neighbor discovery and group reports, which kernels send by themselves where an interface comes up. */
function isKernels(frame: Uint8Array): boolean {
  const isMulticast = frame[0] === 0x33 && frame[1] === 0x33 && frame[12] === 0x86 && frame[13] === 0xdd;
  if (!isMulticast || frame.length < 54) return false;
  const isUnspecified = frame.subarray(22, 38).every((octet) => octet === 0);
  return isUnspecified || (frame[22] === 0xfe && (frame[23]! & 0xc0) === 0x80);
}

/** Of the frame's IP packet, as it says; 0: it has none. */
function ipOctets(frame: Uint8Array): number {
  const version = frame[14]! >>> 4;
  if (frame[12] === 0x08 && frame[13] === 0 && version === 4) return ipv4TotalLength(frame, 14);
  const isIpv6 = frame[12] === 0x86 && frame[13] === 0xdd && version === 6;
  return isIpv6 ? 40 + ((frame[18]! << 8) | frame[19]!) : 0;
}

/** A short frame without what Ethernet has put behind its IP packet. */
export function unpadded(frame: Uint8Array): Uint8Array {
  if (frame.length > ETHERNET_MIN_OCTETS || frame.length < 34) return frame;
  const end = 14 + ipOctets(frame);
  return end >= 34 && end < frame.length ? frame.slice(0, end) : frame;
}
