import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { frameOf, ipPacketOf, V1, V2 } from '../../../src/verify/inner-packets.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { innerPacket } from '../../support/inner-packets.js';
import { egressEntry, ingressEntry, pspProgram, tunnelHeader } from '../../support/psp-program.js';

const number = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset).getUint32(0);

describe('a tunnel between two simulated devices', () => {
  test('delivers every packet as it was, under every version, family, cookie and crypt offset', async () => {
    const cases = fc.record({
      family: fc.constantFrom(4 as const, 6 as const),
      outer: fc.constantFrom('ipv4' as const, 'ipv6' as const),
      version: fc.constantFrom(0, 1),
      cookie: fc.boolean(),
      cryptOffsetWords: fc.integer({ min: 0, max: 20 }),
      seed: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(
        cases.chain((c) =>
          fc.tuple(fc.constant(c), fc.array(innerPacket(c.family, 80), { minLength: 1, maxLength: 4 })),
        ),
        async ([{ family, outer, version, cookie, cryptOffsetWords }, packets]) => {
          const sender = await openSimHarness();
          const receiver = await openSimHarness();
          await sender.hal.build(pspProgram({ outer, cookie }));
          await receiver.hal.build(pspProgram({ outer, cookie }));
          const { spis, keys } = await receiver.hal.generateKeys(version === 0 ? 16 : 32, 1);
          const spi = spis[0];
          expect(await sender.hal.setKeys([{ cryptoId: 7, key: keys }])).toEqual([null]);
          const header = tunnelHeader({
            outer,
            innerFamily: family,
            version,
            spi,
            cryptOffsetWords,
            ...(cookie ? { cookie: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]) } : {}),
          });
          const address = (octets: Uint8Array) => (family === 4 ? number(octets) : octets);
          await sender.hal.apply([
            {
              operation: 'add',
              pipe: `EGR_ACL_V${family}`,
              entry: egressEntry(family, address(V2[family]), header, 7),
            },
          ]);
          await receiver.hal.apply([
            {
              operation: 'add',
              pipe: `INGR_ACL_V${family}`,
              entry: ingressEntry(family, spi, address(V1[family])),
            },
          ]);
          sender.inject(
            VF_PORT,
            packets.map((packet) => frameOf(packet)),
          );
          const wire = sender.takeSent(UPLINK_PORT);
          expect(wire.length).toBe(packets.length);
          receiver.inject(UPLINK_PORT, wire);
          const delivered = receiver.takeSent(VF_PORT);
          expect(delivered.map((frame) => Buffer.from(frame.subarray(14)).toString('hex'))).toEqual(
            packets.map((packet) => Buffer.from(ipPacketOf(packet)).toString('hex')),
          );
          await sender.hal.close();
          await receiver.hal.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('repeats to the byte under the same seed', async () => {
    const run = async () => {
      const { hal, inject, takeSent } = await openSimHarness({ random: seededRandom(99) });
      await hal.build(pspProgram());
      const { spis, keys } = await hal.generateKeys(32, 2);
      await hal.setKeys([{ cryptoId: 1, key: keys.subarray(32) }]);
      const header = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: spis[1] });
      const entry = egressEntry(4, number(V2[4]), header, 1);
      await hal.apply([{ operation: 'add', pipe: 'EGR_ACL_V4', entry }]);
      const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: 5 });
      inject(VF_PORT, [frameOf(packet), frameOf(packet)]);
      return takeSent(UPLINK_PORT).map((frame) => Buffer.from(frame).toString('hex'));
    };
    const first = await run();
    expect(new Set(first).size).toBe(2);
    expect(await run()).toEqual(first);
  });
});
