/**
 * What a device does with its peer, the simulator, in either role, its frames on real interfaces: the device that
 * PSP_TEST_PCI names, or the software DOCA on cables of the kernel's.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type HardwareUnderTest,
  hardwareUnderTest,
  openHardwareHarness,
  softwareUnderTest,
} from '../support/hardware-harness.js';
import { frameOf, innerPacket, ipPacketOf } from '../support/inner-packets.js';
import { describeOnKernel } from '../support/kernel.js';
import { toHex } from '../support/reference-vectors.js';
import { openSimHarness } from '../support/sim-harness.js';
import type { HalUnderTest } from './harness.js';
import { openRig, type RigOptions } from './rig.js';

let device: HardwareUnderTest;

/** The rig opens the sender first, the receiver second. */
function inRole(role: 'sender' | 'receiver'): HalUnderTest {
  let opened = 0;
  return {
    name: `hal-doca on ${device.pci} as ${role}`,
    open: async (options) =>
      (opened++ === 0) === (role === 'sender') ? openHardwareHarness(device) : openSimHarness(options ?? {}),
  };
}

const options: fc.Arbitrary<Partial<RigOptions>> = fc.record({
  mode: fc.constantFrom('tunnel' as const, 'transport' as const),
  outerFamily: fc.constantFrom(4 as const, 6 as const),
  innerFamily: fc.constantFrom(4 as const, 6 as const),
  cookies: fc.boolean(),
  // A device's master keys are its own: keys of the GMAC versions cannot be known.
  version: fc.constantFrom(0 as const, 1 as const),
  cryptOffsetWords: fc.integer({ min: 0, max: 6 }),
});

describeOnKernel('a device on real interfaces', ['ip', 'sysctl'], () => {
  let remove = (): void => undefined;
  beforeAll(() => {
    const hardware = hardwareUnderTest();
    if (hardware !== undefined) {
      device = hardware;
      return;
    }
    const software = softwareUnderTest();
    device = software;
    remove = () => software.remove();
  });
  afterAll(() => remove());

  describe.each(['sender', 'receiver'] as const)('a device as %s', (role) => {
    test('and the simulator understand each other', async () => {
      const cases = options.chain((one) =>
        fc.tuple(fc.constant(one), fc.array(innerPacket(one.innerFamily!), { minLength: 1, maxLength: 4 })),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([one, packets]) => {
          await using rig = await openRig(inRole(role), one);
          const delivered = await rig.decapsulate(
            await rig.encapsulate(packets.map((packet) => frameOf(packet))),
          );
          expect(delivered.map((frame) => toHex(frame.subarray(14)))).toEqual(
            packets.map((packet) => toHex(ipPacketOf(packet))),
          );
          expect(await rig.refused()).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 0 });
        }),
        { numRuns: 20 },
      );
    }, 300_000);

    test('drop what was damaged on the way', async () => {
      await fc.assert(
        fc.asyncProperty(innerPacket(4), fc.nat(), async (packet, pick) => {
          await using rig = await openRig(inRole(role));
          const [wire] = await rig.encapsulate([frameOf(packet)]);
          // After the outer headers, which a bridge or a device may look at itself.
          const start = 14 + 40 + 8;
          wire![start + (pick % (wire!.length - start))]! ^= 1;
          expect(await rig.decapsulate([wire!])).toEqual([]);
          expect((await rig.refused()).icvFail).toBe(1);
        }),
        { numRuns: 10 },
      );
    }, 300_000);
  });
});
