/**
 * Sampling in the gateway's own pipeline: which packets are copied to the CPU, how the copies look, in which order the packets
 * themselves leave, and what the bits S and D of an authenticated packet do. Each property is told by packets.
 */
import { describe, expect, test } from 'vitest';
import { PKT_META_EGRESS_SAMPLED, PKT_META_INGRESS_SAMPLED } from '../../src/gateway/pipeline/packet-meta.js';
import type { CounterSelector, RssPacket } from '../../src/hal/hal.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encryptStart, FLAG_D, FLAG_S, PSP_FLAGS, PSP_ICV_OCTETS, PSP_SPI } from '../../src/psp/header.js';
import { openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { contains, type Family, frameOf, MARKER } from '../../src/verify/inner-packets.js';
import { flowOf, idsOf } from '../../src/verify/packets.js';
import { RIG_DEFAULTS, type Rig, type RigOptions } from '../../src/verify/rig.js';
import { pspOffset as pspOffsetOf } from '../../src/verify/rig-cases.js';
import { ivOf } from '../../src/verify/wire.js';
import { toHex } from '../support/reference-vectors.js';

export const PACKETS = 96;

/** UDP of one flow, so that RSS gives all copies to one queue; told apart by a number. */
export const flow = (family: Family, count = PACKETS) =>
  flowOf(family, count).map((packet) => frameOf(packet));

const pspOffset = (over: Partial<RigOptions>) => pspOffsetOf({ ...RIG_DEFAULTS, ...over });

const isSampled = (frame: Uint8Array, psp: number) => (frame[psp + PSP_FLAGS]! & FLAG_S) !== 0;

function copies(packets: readonly RssPacket[], packetMeta: number): Uint8Array[] {
  expect(packets.map((packet) => packet.packetMeta)).toEqual(packets.map(() => packetMeta));
  return packets.map(({ frame }) => frame);
}

async function counted({ hal }: HalHarness, ...selectors: readonly CounterSelector[]): Promise<number[]> {
  return (await hal.counters(selectors)).map(({ packets }) => Number(packets));
}

/** The frame with other flags, authenticated under the session's key as a peer that wants them so would. */
function withFlags(frame: Uint8Array, psp: number, flags: number, { key }: Rig): Uint8Array {
  const changed = frame.slice();
  const end = changed.length - PSP_ICV_OCTETS;
  const start = encryptStart(changed, psp, end);
  const nonce = changed.slice(psp + PSP_SPI, psp + PSP_SPI + 12);
  expect(opensslEngine.open(key, nonce, changed, psp, start, end)).toBe(true);
  changed[psp + PSP_FLAGS] = (changed[psp + PSP_FLAGS]! & ~(FLAG_S | FLAG_D)) | flags;
  opensslEngine.seal(key, nonce, changed, psp, start, end);
  return changed;
}

const SHAPES: readonly (readonly [string, Partial<RigOptions>])[] = [
  ['tunnel over IPv6', {}],
  ['tunnel over IPv4, IPv6 inside, with cookies', { outerFamily: 4, innerFamily: 6, cookies: true }],
  ['transport', { mode: 'transport' }],
  ['PSP version 0 that leaves the inner header readable', { version: 0, cryptOffsetWords: 5 }],
];

export function describeSampling(implementation: HalUnderTest): void {
  describe(`sampling on ${implementation.name}`, () => {
    describe.each(SHAPES)('%s', (_, shape) => {
      const psp = pspOffset(shape);
      const frames = () => flow(shape.innerFamily ?? 4);

      test.each([false, true])(
        'the copy of a packet that leaves is that packet on the wire, to the bit (--maintain-order %s)',
        async (maintainOrder) => {
          await using rig = await openGatewayRig(implementation, {
            ...shape,
            sampleRateLog2: 1,
            maintainOrder,
          });
          const wire = await rig.encapsulate(frames());
          expect(wire).toHaveLength(PACKETS);
          const sampled = wire.filter((frame) => isSampled(frame, psp));
          expect(sampled.length).toBeGreaterThan(0);
          expect(sampled.length).toBeLessThan(PACKETS);
          for (const frame of wire) expect(contains(frame, MARKER)).toBe(false);
          expect(copies(rig.a.takeRss(), PKT_META_EGRESS_SAMPLED).map(toHex)).toEqual(sampled.map(toHex));

          // Each of them once, in order; and the receiver samples the same ones, which it has in clear.
          const delivered = await rig.decapsulate(wire);
          expect(idsOf(delivered)).toEqual(Array.from({ length: PACKETS }, (_one, id) => id));
          const ids = wire.flatMap((frame, id) => (isSampled(frame, psp) ? [id] : []));
          const seen = copies(rig.b.takeRss(), PKT_META_INGRESS_SAMPLED);
          expect(idsOf(seen, PSP_ICV_OCTETS)).toEqual(ids);
        },
      );

      test.each([false, true])(
        'with --sample-before-encryption the copy is readable, and the wire is not (--maintain-order %s)',
        async (maintainOrder) => {
          const options = { ...shape, sampleRateLog2: 1, maintainOrder, sampleBeforeEncryption: true };
          await using rig = await openGatewayRig(implementation, options);
          const wire = await rig.encapsulate(frames());
          expect(wire).toHaveLength(PACKETS);
          const ids = wire.flatMap((frame, id) => (isSampled(frame, psp) ? [id] : []));
          expect(ids.length).toBeGreaterThan(0);
          const seen = copies(rig.a.takeRss(), PKT_META_EGRESS_SAMPLED);
          expect(idsOf(seen, PSP_ICV_OCTETS)).toEqual(ids);
          for (const frame of seen) {
            expect(isSampled(frame, psp)).toBe(true);
            expect(ivOf(frame, psp)).toBe(0n);
          }
          for (const frame of wire) expect(contains(frame, MARKER)).toBe(false);
          expect(await rig.decapsulate(wire)).toHaveLength(PACKETS);
        },
      );
    });

    test.each([false, true])(
      '--maintain-order sends every packet through a mirror, sampled or not, and IVs rise with their order (before encryption: %s)',
      async (sampleBeforeEncryption) => {
        const options = { sampleRateLog2: 2, maintainOrder: true, sampleBeforeEncryption };
        await using rig = await openGatewayRig(implementation, options);
        const wire = await rig.encapsulate(flow(4));
        const psp = pspOffset({});
        const sampled = wire.filter((frame) => isSampled(frame, psp)).length;
        expect(sampled).toBeGreaterThan(0);
        expect(
          await counted(
            rig.a,
            { pipe: 'EGR_SAMPL', label: 'sampled' },
            { pipe: 'EGR_SAMPL', label: 'not-sampled' },
            { pipe: 'EGR_SAMPL', miss: true },
          ),
        ).toEqual([sampled, PACKETS - sampled, 0]);
        const ivs = wire.map((frame) => ivOf(frame, psp));
        expect(ivs).toEqual(ivs.toSorted((a, b) => (a < b ? -1 : 1)));
        expect(idsOf(await rig.decapsulate(wire))).toEqual(Array.from({ length: PACKETS }, (_, id) => id));
      },
    );

    test.each([
      ['neither S nor D: let in, no copy', 0, 1, 0],
      ['S: let in, and a copy', FLAG_S, 1, 1],
      ['D: dropped, no copy', FLAG_D, 0, 0],
      ['S and D: dropped, and a copy', FLAG_S | FLAG_D, 0, 1],
    ])('an authenticated packet with %s', async (_, flags, delivered, copied) => {
      await using rig = await openGatewayRig(implementation, { sampleRateLog2: 1, cryptOffsetWords: 5 });
      const psp = pspOffset({});
      const [wire] = await rig.encapsulate(flow(4, 1));
      expect(await rig.decapsulate([withFlags(wire!, psp, flags, rig)])).toHaveLength(delivered);
      expect(copies(rig.b.takeRss(), PKT_META_INGRESS_SAMPLED)).toHaveLength(copied);
      expect(await rig.refused()).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 0 });
    });

    test('S and D that were set on the way are not believed: the packet is refused as what it is', async () => {
      await using rig = await openGatewayRig(implementation, { sampleRateLog2: 1 });
      const psp = pspOffset({});
      const [wire] = await rig.encapsulate(flow(4, 1));
      const forged = [FLAG_S, FLAG_D, FLAG_S | FLAG_D].map((flags) => {
        const frame = withFlags(wire!, psp, 0, rig);
        frame[psp + PSP_FLAGS]! |= flags;
        return frame;
      });
      expect(await rig.decapsulate(forged)).toEqual([]);
      expect(rig.b.takeRss()).toEqual([]);
      expect(await rig.refused()).toEqual({ icvFail: 3, badTrailer: 0, notAllowed: 0 });
    });

    test('a packet whose key is gone has no copy either', async () => {
      await using rig = await openGatewayRig(implementation, { sampleRateLog2: 1 });
      await rig.a.hal.clearKeys([rig.cryptoId]);
      expect(await rig.encapsulate(flow(4))).toEqual([]);
      expect(rig.a.takeRss()).toEqual([]);
    });
  });
}
