/**
 * Recordings from one implementation to another: what a gateway did over simulated devices is done again over this one, and the other
 * way round.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import { delegateHal } from '../../src/hal/delegate.js';
import { HalError } from '../../src/hal/errors.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { VF_PORT } from '../../src/hal/program.js';
import { openSimHal } from '../../src/hal-sim/device.js';
import { replayOnDevice } from '../../src/recording/replay-device.js';
import { replayGateway } from '../../src/recording/replay-gateway.js';
import { CapturePort } from '../../src/verify/capture-port.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { RealTimeDevices } from '../support/node-devices.js';
import { type Recorded, recordedNetwork, recordingOf } from '../support/recorded-network.js';

const KEY_SLOTS = 1024;

export function describeRecordings(implementation: HalUnderTest): void {
  const open: PipeHal[] = [];
  afterEach(async () => {
    for (const hal of open.splice(0)) await hal.close();
  });
  const opened = async (): Promise<HalHarness> => {
    const harness = await implementation.open({ keySlots: KEY_SLOTS, randomSeed: 99 });
    open.push(harness.hal);
    return harness;
  };

  describe(`recordings, over ${implementation.name}`, () => {
    test.each([{ cookies: true }, { mode: 'transport' as const, sampleRateLog2: 2 }])(
      'of a simulated device have the same results: %o',
      async (options) => {
        const recorded = await recordedNetwork({ ...options, keySlots: KEY_SLOTS });
        await busy(recorded);
        const { hal, inject } = await opened();
        const replay = await replayOnDevice(recordingOf(recorded.lines()), {
          hal,
          clock: systemClock,
          inject: (frame) => inject(VF_PORT, [frame]),
        });
        expect(replay.difference).toBeUndefined();
        expect(replay.compared).toBeGreaterThan(20);
      },
    );

    test('of a device that is not as this one differ where it does', async () => {
      const recorded = await recordedNetwork({
        keySlots: KEY_SLOTS,
        wrapHal: (hal) =>
          delegateHal(hal, {
            clearKeys: () => Promise.reject(new HalError('IN_USE', 'the slot is in use')),
          }),
      });
      await busy(recorded);
      const { hal } = await opened();
      const { difference } = await replayOnDevice(recordingOf(recorded.lines()), { hal, clock: systemClock });
      expect(difference).toMatchObject({
        what: 'clearKeys',
        recorded: 'HalError IN_USE: the slot is in use',
        here: 'done',
      });
    });

    test('of this one have the same results on a simulated device, and in the gateway’s own code', async () => {
      const recorded = await recordedNetwork({ cookies: true, devices: new RealTimeDevices(implementation) });
      await busy(recorded);
      const lines = recorded.lines();
      const { limits, ports } = recorded.node.hal.device;
      const [uplink, vf] = [new CapturePort('uplink', 1500), new CapturePort('vf', 9000)];
      const hal = await openSimHal({
        clock: systemClock,
        random: seededRandom(4711),
        uplink: { ...ports[0]!, port: uplink },
        vf: { ...ports[1]!, port: vf },
        limits: { ...limits, keySlots: KEY_SLOTS },
      });
      open.push(hal);
      const inject = (frame: Uint8Array) => vf.inject([frame]);
      const replay = await replayOnDevice(recordingOf(lines), { hal, clock: systemClock, inject });
      expect(replay.difference).toBeUndefined();
      expect(replay.compared).toBeGreaterThan(20);
      expect((await replayGateway(recordingOf(lines))).difference).toBeUndefined();
    });
  });
}

/** A tunnel, packets, a rotation, and the end of the recorded gateway. */
async function busy(recorded: Recorded): Promise<void> {
  const { net, node } = recorded;
  net.send(node, 2, [1, 2, 3]);
  await net.run(500);
  const rotated = node.gateway.rotateMasterKey(true).catch(() => {});
  await net.run(2000);
  await rotated;
  net.send(node, 2, [6, 7]);
  await net.run(10_000);
  await recorded.stop();
  await net.stopAll();
}
