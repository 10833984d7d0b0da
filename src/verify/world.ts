/** What a trial has at hand: the device, opened anew as often as it likes, its peer and judge the simulator, and a record of frames. */
import type { Clock } from '../base/clock.js';
import type { RssPacket } from '../hal/hal.js';
import { UPLINK_PORT } from '../hal/program.js';
import { type GatewayRigPipeline, gatewayPipeline } from './gateway-pipeline.js';
import type { HalHarness, HalUnderTest, HarnessOptions } from './harness.js';
import { openRig, type Rig, type RigOptions } from './rig.js';
import { openSimHarness } from './sim-harness.js';

/** Which end of a session the device is. */
export type Role = 'sender' | 'receiver';

/** A frame that went to the device, or came from it. */
export interface RecordedFrame {
  readonly timeMs: number;
  readonly where: 'uplink' | 'vf' | 'cpu';
  /** As the device sees it. */
  readonly direction: 'in' | 'out';
  readonly frame: Uint8Array;
}

/** So many frames of a case are kept: the last ones. */
const RECORDED_MAX = 512;

export class World {
  /** Frames of the case, as far as they are kept. */
  recorded: RecordedFrame[] = [];

  constructor(
    readonly device: HalUnderTest,
    readonly clock: Clock,
  ) {}

  /** Another case begins. */
  forget(): void {
    this.recorded = [];
  }

  /** The device, with all frames recorded. */
  async open(options?: HarnessOptions): Promise<HalHarness> {
    return this.#recording(await this.device.open(options));
  }

  /** A session between the device, in its role, and the simulator. */
  rig(role: Role, options: Partial<RigOptions> = {}): Promise<Rig<GatewayRigPipeline>> {
    let opened = 0;
    // The rig opens the sender first, the receiver second.
    const either: HalUnderTest = {
      name: `${this.device.name} as ${role}`,
      open: (given) =>
        (opened++ === 0) === (role === 'sender') ? this.open(given) : openSimHarness(given ?? {}),
    };
    return openRig(either, gatewayPipeline, options);
  }

  #recording(harness: HalHarness): HalHarness {
    const note = (where: RecordedFrame['where'], direction: 'in' | 'out', frames: readonly Uint8Array[]) => {
      const timeMs = this.clock.nowMs();
      for (const frame of frames) this.recorded.push({ timeMs, where, direction, frame: frame.slice() });
      if (this.recorded.length > RECORDED_MAX) this.recorded.splice(0, this.recorded.length - RECORDED_MAX);
    };
    const whereOf = (portId: number) => (portId === UPLINK_PORT ? 'uplink' : 'vf');
    return {
      hal: harness.hal,
      inject(portId, frames) {
        note(whereOf(portId), 'in', frames);
        harness.inject(portId, frames);
      },
      takeSent(portId) {
        const frames = harness.takeSent(portId);
        note(whereOf(portId), 'out', frames);
        return frames;
      },
      takeRss(): RssPacket[] {
        const packets = harness.takeRss();
        note(
          'cpu',
          'out',
          packets.map(({ frame }) => frame),
        );
        return packets;
      },
      settle: () => harness.settle(),
    };
  }
}
