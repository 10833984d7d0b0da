/**
 * What a device does with its peer, the simulator, in either role, its frames on real interfaces: the device that
 * PSP_TEST_PCI names, or the software DOCA on cables of the kernel's.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { contains, frameOf, ipPacketOf, MARKER } from '../../src/verify/inner-packets.js';
import type { RigOptions } from '../../src/verify/rig.js';
import { openSimHarness } from '../../src/verify/sim-harness.js';
import {
  type HardwareUnderTest,
  hardwareUnderTest,
  openHardwareHarness,
  softwareUnderTest,
} from '../support/hardware-harness.js';
import { innerPacket } from '../support/inner-packets.js';
import { describeOnKernel } from '../support/kernel.js';
import { toHex } from '../support/reference-vectors.js';

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

/** More than any crypt offset below leaves readable. */
const CLEAR_OCTETS = 64;

const options: fc.Arbitrary<Partial<RigOptions>> = fc.record({
  mode: fc.constantFrom('tunnel' as const, 'transport' as const),
  outerFamily: fc.constantFrom(4 as const, 6 as const),
  innerFamily: fc.constantFrom(4 as const, 6 as const),
  cookies: fc.boolean(),
  // A device's master keys are its own: keys of the GMAC versions cannot be known.
  version: fc.constantFrom(0 as const, 1 as const),
  cryptOffsetWords: fc.integer({ min: 0, max: 6 }),
});

describeOnKernel('a device on real interfaces', ['ip'], () => {
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
        fc.tuple(
          fc.constant(one),
          fc.array(innerPacket(one.innerFamily!, CLEAR_OCTETS), { minLength: 1, maxLength: 4 }),
        ),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([one, packets]) => {
          await using rig = await openGatewayRig(inRole(role), one);
          const wire = await rig.encapsulate(packets.map((packet) => frameOf(packet)));
          for (const frame of wire) expect(contains(frame, MARKER)).toBe(false);
          const delivered = await rig.decapsulate(wire);
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
          await using rig = await openGatewayRig(inRole(role));
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

    test('take keys through one rotation of the master key and not through two', async () => {
      for (const version of [0, 1] as const) {
        await using rig = await openGatewayRig(inRole(role), { version });
        const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: version });
        const wire = await rig.encapsulate([frameOf(packet!)]);
        expect(await rig.decapsulate(wire)).toHaveLength(1);
        await rig.b.hal.rotateMasterKey();
        expect(await rig.decapsulate(wire)).toHaveLength(1);
        await rig.b.hal.rotateMasterKey();
        expect(await rig.decapsulate(wire)).toEqual([]);
        expect(await rig.refused()).toEqual({ icvFail: 1, badTrailer: 0, notAllowed: 0 });
      }
    }, 300_000);

    test('have nothing in clear, and nothing that anybody could read, when the key or the entry is gone', async () => {
      await using rig = await openGatewayRig(inRole(role));
      const frames = fc.sample(innerPacket(4, CLEAR_OCTETS), 4).map((packet) => frameOf(packet));
      expect(await rig.encapsulate(frames)).toHaveLength(frames.length);
      await rig.a.hal.clearKeys([1]);
      // A device may encrypt them with a key that nobody has.
      const keyless = await rig.encapsulate(frames);
      for (const frame of keyless) expect(contains(frame, MARKER)).toBe(false);
      expect(await rig.decapsulate(keyless)).toEqual([]);
      await rig.a.hal.apply(rig.egressEntries.map((id) => ({ operation: 'remove', id }) as const));
      expect(await rig.encapsulate(frames)).toEqual([]);
    }, 300_000);

    test('let in only what the ACL allows', async () => {
      await using rig = await openGatewayRig(inRole(role), { cookies: true });
      const [packet] = fc.sample(innerPacket(4), 1);
      const header = (await rig.encapsulate([frameOf(packet!)]))[0]!.slice(0, 14 + 40 + 8 + 24);
      // The same session's SPI and key, another cookie.
      header[header.length - 1]! ^= 1;
      await rig.a.hal.apply([
        {
          operation: 'update',
          id: rig.headerEntry,
          values: rig.pipeline.egressValues(header, 1),
        },
      ]);
      const forged = await rig.encapsulate([frameOf(packet!)]);
      expect(forged).toHaveLength(1);
      expect(await rig.decapsulate(forged)).toEqual([]);
      expect(await rig.refused()).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 1 });
    }, 300_000);
  });
});
