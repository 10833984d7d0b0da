/** A simulated device between two ports in memory, with the clock and the random source in the hands of whoever opens it. */
import type { Clock } from '../base/clock.js';
import { systemClock } from '../base/clock.js';
import { type Random, seededRandom } from '../base/random.js';
import type { RssPacket } from '../hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../hal/program.js';
import { openSimHal, type SimHal, type SimHalOptions } from '../hal-sim/device.js';
import { CapturePort } from './capture-port.js';
import { type DevicePlace, type HarnessOptions, KERNEL_PORT } from './harness.js';

export const UPLINK_MAC = '02:00:00:00:00:a0';
export const VF_MAC = '02:00:00:00:00:b0';
export const ANY_PLACE: DevicePlace = {
  uplink: { mac: UPLINK_MAC, ipv4: '192.0.2.1', ipv6: '2001:db8::1' },
  vf: { mac: VF_MAC },
};

export interface SimHarnessOptions
  extends HarnessOptions,
    Pick<SimHalOptions, 'aead' | 'limits' | 'mirrorsLate' | 'protect'> {
  /** The machine's when absent. */
  readonly clock?: Clock;
  /** Seeded with randomSeed, or 1, when absent. */
  readonly random?: Random;
}

export interface SimHarness {
  readonly hal: SimHal;
  /** Frames come in by a port; the frames then belong to the device. */
  inject(portId: number, frames: Uint8Array[]): void;
  /** What has left by a port since the last call. */
  takeSent(portId: number): Uint8Array[];
  /** What has gone to RSS since the last call. Until a test installs a handler of its own. */
  takeRss(): RssPacket[];
  /** Resolves when everything injected so far has had its fate. On a clock of its own the test steps that instead. */
  settle(): Promise<void>;
}

const MTU_OCTETS = 9000;

export async function openSimHarness(options: SimHarnessOptions = {}): Promise<SimHarness> {
  const { clock = systemClock, randomSeed = 1, uplinkMtuOctets, vfMtuOctets, ...others } = options;
  const { random = seededRandom(randomSeed), place = ANY_PLACE, keySlots, limits, kernel, ...rest } = others;
  const uplink = new CapturePort('uplink', uplinkMtuOctets ?? MTU_OCTETS);
  const vf = new CapturePort('vf', vfMtuOctets ?? MTU_OCTETS);
  const behind = new CapturePort('kernel', uplinkMtuOctets ?? MTU_OCTETS);
  const hal = await openSimHal({
    ...rest,
    clock,
    random,
    uplink: { port: uplink, ...place.uplink, ...(kernel === true ? { kernel: behind } : {}) },
    vf: { port: vf, ...place.vf },
    limits: { ...limits, ...(keySlots === undefined ? {} : { keySlots }) },
  });
  const received: RssPacket[] = [];
  hal.onReceive((packets) => received.push(...packets));
  const ports = { [UPLINK_PORT]: uplink, [VF_PORT]: vf, [KERNEL_PORT]: behind };
  const portOf = (portId: number) => ports[portId as keyof typeof ports];
  return {
    hal,
    inject: (portId, frames) => portOf(portId).inject(frames),
    takeSent: (portId) => portOf(portId).takeSent(),
    takeRss: () => received.splice(0),
    // The device works at once, but for RSS, which it hands over in turns of its own.
    async settle() {
      while (hal.rssWaiting > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
