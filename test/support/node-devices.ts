/** Where the gateways of a GatewayNetwork get their devices, and how these do their work while the clock moves. */

import { seededRandom } from '../../src/base/random.js';
import { createVirtualClock, type VirtualClock } from '../../src/base/virtual-clock.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { openSimHal, type SimHal, type SimHalLimits } from '../../src/hal-sim/device.js';
import { CapturePort } from '../../src/verify/capture-port.js';
import type { HalHarness, HalUnderTest, HarnessOptions } from '../../src/verify/harness.js';
import { CallsUnderWay } from './calls-under-way.js';

const START_MS = 1_700_000_000_000;
const UPLINK_MTU_OCTETS = 1500;
const VF_MTU_OCTETS = 9000;
/** More than gateways of tests need; a device takes longer to open with many. */
const KEY_SLOTS = 1024;

/** What a gateway's device is asked to be. */
export interface DevicePlan extends Required<Pick<HarnessOptions, 'place' | 'randomSeed'>> {
  readonly keySlots?: number;
  /** Of simulated devices. */
  readonly simLimits?: Partial<SimHalLimits>;
  /** Frames that leave by the uplink, which are the underlay's then. */
  readonly send: (frames: readonly Uint8Array[]) => void;
}

/** A workload's end of its VF. */
export interface Workload {
  /** Frames that it sends. */
  inject(frames: Uint8Array[]): void;
  /** What it has got since the last call. */
  takeSent(): Uint8Array[];
}

export interface NodeDevice<Hal extends PipeHal> {
  readonly hal: Hal;
  readonly workload: Workload;
  /** Frames come in by the uplink. */
  arrive(frames: Uint8Array[]): void;
}

export interface NodeDevices<Hal extends PipeHal> {
  /** Of all gateways over these devices. No time passes on it before the devices have done what there is to do. */
  readonly clock: VirtualClock;
  open(plan: DevicePlan): Promise<NodeDevice<Hal>>;
}

/** Simulated ones, which live on the clock themselves. */
export class SimDevices implements NodeDevices<SimHal> {
  readonly clock = createVirtualClock(START_MS);

  async open({ place, randomSeed, keySlots, simLimits, send }: DevicePlan): Promise<NodeDevice<SimHal>> {
    const uplink = new UnderlayPort(place.uplink.mac, send);
    const workload = new CapturePort(`vf of ${place.uplink.mac}`, VF_MTU_OCTETS);
    const hal = await openSimHal({
      clock: this.clock,
      random: seededRandom(randomSeed),
      uplink: { port: uplink, ...place.uplink },
      vf: { port: workload, ...place.vf },
      limits: { ...simLimits, ...(keySlots === undefined ? {} : { keySlots }) },
    });
    return { hal, workload, arrive: (frames) => uplink.inject(frames) };
  }
}

class UnderlayPort extends CapturePort {
  constructor(
    name: string,
    override readonly send: (frames: readonly Uint8Array[]) => void,
  ) {
    super(name, UPLINK_MTU_OCTETS);
  }
}

interface OpenDevice extends Pick<DevicePlan, 'send'> {
  readonly harness: HalHarness;
  /** It has been given packets, which it may not have done with. */
  isBusy: boolean;
}

/** Devices that work in real time: the clock waits for them. */
export class RealTimeDevices implements NodeDevices<PipeHal> {
  readonly clock = createVirtualClock(START_MS, () => this.#settle());
  readonly #calls = new CallsUnderWay();
  readonly #open = new Set<OpenDevice>();

  constructor(private readonly implementation: HalUnderTest) {}

  async open(plan: DevicePlan): Promise<NodeDevice<PipeHal>> {
    const { place, send, randomSeed, keySlots = KEY_SLOTS } = plan;
    const harness = await this.implementation.open({
      place,
      randomSeed,
      uplinkMtuOctets: UPLINK_MTU_OCTETS,
      vfMtuOctets: VF_MTU_OCTETS,
      keySlots,
    });
    const device: OpenDevice = { harness, send, isBusy: false };
    this.#open.add(device);
    const inject = (port: number, frames: Uint8Array[]) => {
      // A device that has been closed takes nothing.
      if (!this.#open.has(device)) return;
      device.isBusy = true;
      harness.inject(port, frames);
    };
    return {
      hal: this.#calls.wrap(this.#watched(device)),
      workload: {
        inject: (frames) => inject(VF_PORT, frames),
        takeSent: () => harness.takeSent(VF_PORT),
      },
      arrive: (frames) => inject(UPLINK_PORT, frames),
    };
  }

  #watched(device: OpenDevice): PipeHal {
    const { hal } = device.harness;
    return new Proxy(hal, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (name === 'transmit') device.isBusy = true;
          if (name === 'close') this.#open.delete(device);
          return value.apply(target, args) as unknown;
        };
      },
    });
  }

  /** Until every call has ended, every packet has had its fate, and nothing follows from either. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
    for (;;) {
      await this.#calls.ended();
      const busy = [...this.#open].filter(({ isBusy }) => isBusy);
      if (busy.length === 0) return;
      for (const device of busy) {
        device.isBusy = false;
        await device.harness.settle();
        device.send(device.harness.takeSent(UPLINK_PORT));
      }
      // What came by RSS may have made the gateway ask for something.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
