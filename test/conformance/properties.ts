/** What every PipeHAL implementation must hold, under the gateway's own pipeline. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import {
  egressAclEntry,
  egressValues,
  ingressAclEntry,
  localVipEntries,
} from '../../src/gateway/pipeline/pipeline-entries.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipFromOctets, parseIp } from '../../src/packet/address.js';
import { setIpv4Checksum } from '../../src/packet/ipv4.js';
import { PSP_HEADER_OCTETS, PSP_IV, pspHeaderLengthOctets, pspSpi } from '../../src/psp/header.js';
import { contains, frameOf, innerPacket, ipPacketOf, MARKER } from '../support/inner-packets.js';
import { DECAP_MACS, pipelineOptions } from '../support/pipelines.js';
import { tunnelHeader } from '../support/psp-program.js';
import { referenceCases, toHex } from '../support/reference-vectors.js';
import type { HalUnderTest } from './harness.js';
import { install, openRig, RIG_DEFAULTS, type RigOptions } from './rig.js';

const rigOptions = (over: Partial<RigOptions> = {}): fc.Arbitrary<RigOptions> =>
  fc
    .record({
      mode: fc.constantFrom('tunnel' as const, 'transport' as const),
      outerFamily: fc.constantFrom(4 as const, 6 as const),
      innerFamily: fc.constantFrom(4 as const, 6 as const),
      cookies: fc.boolean(),
      version: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
      cryptOffsetWords: fc.integer({ min: 0, max: 12 }),
      ingressAcl: fc.boolean(),
      sampleRateLog2: fc.constantFrom(0, 0, 1),
      maintainOrder: fc.boolean(),
      sampleBeforeEncryption: fc.boolean(),
    })
    .map((options) => ({ ...options, ...over }));

/** Octets from the outer frame's start to the PSP header, and of UDP's length field. */
const pspOffset = ({ mode, outerFamily, innerFamily }: RigOptions) =>
  14 + ((mode === 'tunnel' ? outerFamily : innerFamily) === 4 ? 20 : 40) + 8;

/** Bits of the outer headers that may be others: what carries them does not look at them, and nothing inside follows from them. */
function harmlessBits({ mode, outerFamily, innerFamily }: RigOptions): number {
  const macs = 96;
  const udpSourcePortAndChecksum = 32;
  const family = mode === 'tunnel' ? outerFamily : innerFamily;
  // IPv4's checksum finds every one.
  if (family === 4) return macs + udpSourcePortAndChecksum;
  const classFlowAndHopLimit = 28 + 8;
  // In transport mode they are the workloads' own, which the session says.
  const addresses = mode === 'tunnel' ? 256 : 0;
  return macs + udpSourcePortAndChecksum + classFlowAndHopLimit + addresses;
}

/** Of a frame under RIG_DEFAULTS. */
const ivOf = (frame: Uint8Array) =>
  new DataView(frame.buffer, frame.byteOffset).getBigUint64(pspOffset(RIG_DEFAULTS) + PSP_IV);

/** IVs that three lives of a device use under one key, which is set again and in two slots. */
export async function ivsOfLives(implementation: HalUnderTest): Promise<bigint[][]> {
  const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: 3 });
  const lives: bigint[][] = [];
  let key = '';
  for (let life = 0; life < 3; life++) {
    await using rig = await openRig(implementation);
    // The receivers have the same master keys, so that the senders are given the same key.
    if (life > 0) expect(toHex(rig.key)).toBe(key);
    key = toHex(rig.key);
    const ivs: bigint[] = [];
    const send = async () => {
      const wire = await rig.encapsulate(Array.from({ length: 50 }, () => frameOf(packet!)));
      expect(await rig.decapsulate(wire)).toHaveLength(50);
      ivs.push(...wire.map(ivOf));
    };
    const { hal } = rig.a;
    await send();
    expect(await hal.setKeys([{ cryptoId: 1, key: rig.key }])).toEqual([null]);
    await send();
    expect(await hal.setKeys([{ cryptoId: 2, key: rig.key }])).toEqual([null]);
    for (const cryptoId of [2, 1]) {
      const values = egressValues(rig.pipeline, rig.encapHeader, cryptoId);
      await install(hal, [{ operation: 'update', id: rig.egressEntries.at(-1)!, values }]);
      await send();
    }
    await hal.clearKeys([1]);
    expect(await hal.setKeys([{ cryptoId: 1, key: rig.key }])).toEqual([null]);
    await send();
    lives.push(ivs);
  }
  return lives;
}

/** Of ivsOfLives: none is there twice, and no clock is in them, which ends, or may be set back. */
export function expectCountedIvs(lives: readonly (readonly bigint[])[]): void {
  expect(new Set(lives.flat()).size).toBe(3 * 250);
  for (const ivs of lives) expect(ivs).toEqual(ivs.map((_, i) => ivs[0]! + BigInt(i)));
  // By chance: that these are so near has a probability of 2^-20.
  const starts = lives.map((ivs) => ivs[0]!).sort((a, b) => (a < b ? -1 : 1));
  for (const start of starts) expect(start < 2n ** 63n).toBe(true);
  for (const gap of [starts[1]! - starts[0]!, starts[2]! - starts[1]!]) {
    expect(gap > 2n ** 40n).toBe(true);
  }
}

/** Where numbers of some width end, or were thought to. */
const IV_WRAPS = [
  { name: '2^31', wrap: 2n ** 31n },
  { name: '2^32', wrap: 2n ** 32n },
  { name: '2^53, where a double becomes coarse', wrap: 2n ** 53n },
  { name: '2^63', wrap: 2n ** 63n },
  { name: 'the last carry into the high word', wrap: 2n ** 64n - 2n ** 32n },
];

export function describeProperties(implementation: HalUnderTest): void {
  describe(implementation.name, () => {
    test('decapsulate(encapsulate(p)) = p for every mode, version, family, cookie and offset', async () => {
      const cases = rigOptions().chain((options) =>
        fc.tuple(
          fc.constant(options),
          fc.array(innerPacket(options.innerFamily), { minLength: 1, maxLength: 4 }),
        ),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packets]) => {
          await using rig = await openRig(implementation, options);
          const wire = await rig.encapsulate(packets.map((packet) => frameOf(packet)));
          expect(wire).toHaveLength(packets.length);
          const delivered = await rig.decapsulate(wire);
          expect(delivered.map((frame) => toHex(frame.subarray(14)))).toEqual(
            packets.map((p) => toHex(ipPacketOf(p))),
          );
          if (options.mode === 'tunnel') {
            for (const frame of delivered) expect(toHex(frame.subarray(0, 12))).toBe(toHex(DECAP_MACS));
          }
          expect(await rig.refused()).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 0 });
        }),
        { numRuns: 150 },
      );
    });

    test('a flipped bit anywhere in the authenticated part is dropped and counted as syndrome 1', async () => {
      const cases = rigOptions().chain((options) =>
        fc.tuple(
          fc.constant(options),
          innerPacket(options.innerFamily),
          fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        ),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packet, picks]) => {
          await using rig = await openRig(implementation, options);
          const [wire] = await rig.encapsulate([frameOf(packet)]);
          const start = pspOffset(options);
          // Every bit of the header, and some of the rest.
          const bits = [
            ...Array.from({ length: 16 * 8 }, (_, bit) => bit),
            ...picks.map((pick) => pick % ((wire!.length - start) * 8)),
          ];
          const damaged = bits.map((bit) => {
            const frame = wire!.slice();
            frame[start + (bit >>> 3)]! ^= 1 << (bit & 7);
            return frame;
          });
          expect(await rig.decapsulate(damaged)).toEqual([]);
          expect(await rig.refused()).toEqual({ icvFail: bits.length, badTrailer: 0, notAllowed: 0 });
        }),
        { numRuns: 40 },
      );
    });

    test('a datagram without room for header and ICV is counted as syndrome 2, one with room as syndrome 1', async () => {
      const cases = rigOptions().chain((options) =>
        fc.tuple(fc.constant(options), innerPacket(options.innerFamily)),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packet]) => {
          await using rig = await openRig(implementation, options);
          const [wire] = await rig.encapsulate([frameOf(packet)]);
          // PSP's header has 16 octets, and the ICV too.
          expect(await rig.decapsulate([cutBehindUdp(wire!, options, 31)])).toEqual([]);
          expect(await rig.refused()).toEqual({ icvFail: 0, badTrailer: 1, notAllowed: 0 });
          expect(await rig.decapsulate([cutBehindUdp(wire!, options, 32)])).toEqual([]);
          expect(await rig.refused()).toEqual({ icvFail: 1, badTrailer: 1, notAllowed: 0 });
        }),
        { numRuns: 30 },
      );
    });

    test('a flipped bit in the outer headers never changes the inner packet that is delivered', async () => {
      const cases = rigOptions({ mode: 'tunnel', sampleRateLog2: 0 }).chain((options) =>
        fc.tuple(fc.constant(options), innerPacket(options.innerFamily)),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packet]) => {
          await using rig = await openRig(implementation, options);
          const [wire] = await rig.encapsulate([frameOf(packet)]);
          const damaged = Array.from({ length: pspOffset(options) * 8 }, (_, bit) => {
            const frame = wire!.slice();
            frame[bit >>> 3]! ^= 1 << (bit & 7);
            return frame;
          });
          const delivered = await rig.decapsulate(damaged);
          expect(delivered).toHaveLength(harmlessBits(options));
          for (const frame of delivered) expect(toHex(frame.subarray(14))).toBe(toHex(ipPacketOf(packet)));
        }),
        { numRuns: 20 },
      );
    });

    test('what has a wrong outer IPv4 checksum is not looked at, whatever bit of it is wrong', async () => {
      await using rig = await openRig(implementation, { outerFamily: 4 });
      const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: 5 });
      const [wire] = await rig.encapsulate([frameOf(packet!)]);
      const damaged = Array.from({ length: 16 }, (_, bit) => {
        const frame = wire!.slice();
        frame[14 + 10 + (bit >>> 3)]! ^= 1 << (bit & 7);
        return frame;
      });
      const seen = { pipe: 'PSP_DECRYPT', total: true } as const;
      expect(await rig.decapsulate(damaged)).toEqual([]);
      const [[looked], refused] = await Promise.all([rig.b.hal.counters([seen]), rig.refused()]);
      expect(looked!.packets).toBe(0n);
      expect(refused).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 0 });
      // The checksum alone was wrong.
      expect(await rig.decapsulate([wire!])).toHaveLength(1);
    });

    test('in transport mode a flipped bit in the IP header changes neither addresses nor payload of what is delivered', async () => {
      const cases = rigOptions({ mode: 'transport', ingressAcl: true }).chain((options) =>
        fc.tuple(fc.constant(options), innerPacket(options.innerFamily)),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packet]) => {
          await using rig = await openRig(implementation, options);
          const [wire] = await rig.encapsulate([frameOf(packet)]);
          const damaged = Array.from({ length: pspOffset(options) * 8 }, (_, bit) => {
            const frame = wire!.slice();
            frame[bit >>> 3]! ^= 1 << (bit & 7);
            return frame;
          });
          const addressesAt = 14 + (packet.family === 4 ? 12 : 8);
          const delivered = await rig.decapsulate(damaged);
          expect(delivered).toHaveLength(harmlessBits(options));
          for (const frame of delivered) {
            const addresses = frame.subarray(addressesAt, addressesAt + 2 * packet.source.length);
            expect(toHex(addresses)).toBe(toHex(packet.source) + toHex(packet.destination));
            expect(toHex(frame.subarray(frame.length - packet.payload.length))).toBe(toHex(packet.payload));
          }
        }),
        { numRuns: 20 },
      );
    });

    test("a packet under another peer's SPI with a false inner source is dropped and counted", async () => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(4 as const, 6 as const), fc.boolean(), async (family, cookies) => {
          // Mallory has a session of his own with B, and sends under its SPI as if he were V1.
          await using rig = await openRig(implementation, { innerFamily: family, cookies });
          const mallory = parseIp(family === 4 ? '192.168.1.66' : 'fd00:0:0:1::66');
          const { spis } = await rig.b.hal.generateKeys(32, 1);
          const wire = await rig.encapsulate([
            frameOf(fc.sample(innerPacket(family), { numRuns: 1, seed: 5 })[0]!),
          ]);
          const localVip = parseIp(family === 4 ? '192.168.1.55' : 'fd00:0:0:1::55');
          const entry = ingressAclEntry(rig.pipeline, {
            spi: spis[0]!,
            remoteVip: mallory,
            localVip,
            localVipId: 9,
            cookie: 1n,
            decapMacs: DECAP_MACS,
          });
          await install(rig.b.hal, [entry]);
          expect(await rig.decapsulate(wire)).toHaveLength(1);
          // V1's own session goes; what remains is Mallory's, and V1's source address is not his.
          await using other = await openRig(implementation, {
            innerFamily: family,
            cookies,
            ingressAcl: true,
          });
          const second = await other.b.hal.generateKeys(32, 1);
          await other.a.hal.setKeys([{ cryptoId: 1, key: second.keys }]);
          const header = headerUnder(
            second.spis[0]!,
            await other.encapsulate([frameOf(fc.sample(innerPacket(family), 1)[0]!)]),
            family,
            cookies,
          );
          await other.a.hal.apply([
            {
              operation: 'update',
              id: other.egressEntries.at(-1)!,
              values: egressValues(other.pipeline, header, 1),
            },
          ]);
          await install(other.b.hal, [
            {
              ...entry,
              entry: { ...entry.entry, match: { ...entry.entry.match, 'tun.psp.spi': second.spis[0]! } },
            } as typeof entry,
          ]);
          const forged = await other.encapsulate([frameOf(fc.sample(innerPacket(family), 1)[0]!)]);
          expect(pspSpi(forged[0]!, 14 + 40 + 8)).toBe(second.spis[0]);
          expect(await other.decapsulate(forged)).toEqual([]);
          expect(await other.refused()).toEqual({ icvFail: 0, badTrailer: 0, notAllowed: 1 });
        }),
        { numRuns: 8 },
      );
    });

    test('no plaintext of the workload is ever on the wire, whatever goes wrong', async () => {
      type Fault =
        | 'none'
        | 'key cleared'
        | 'no key'
        | 'entry removed'
        | 'offset past the end'
        | 'no session'
        | 'rotated';
      const faults: Fault[] = [
        'none',
        'key cleared',
        'no key',
        'entry removed',
        'offset past the end',
        'no session',
        'rotated',
      ];
      const cases = rigOptions().chain((options) => {
        const crypt = { ...options, version: (options.version & 1) as 0 | 1 };
        return fc.tuple(
          fc.constant(crypt),
          fc.constantFrom(...faults),
          fc.array(innerPacket(crypt.innerFamily, 64), { minLength: 2, maxLength: 4 }),
        );
      });
      await fc.assert(
        fc.asyncProperty(cases, async ([options, fault, packets]) => {
          const offset = fault === 'offset past the end' ? 63 : options.cryptOffsetWords;
          await using rig = await openRig(implementation, { ...options, cryptOffsetWords: offset });
          const wire = await rig.encapsulate([frameOf(packets[0]!)]);
          // What is shorter than the offset cannot be encrypted.
          if (fault !== 'offset past the end') expect(wire).toHaveLength(1);
          const id = rig.egressEntries.at(options.sampleRateLog2 > 0 ? -2 : -1)!;
          if (fault === 'key cleared') await rig.a.hal.clearKeys([1]);
          if (fault === 'entry removed') await rig.a.hal.apply([{ operation: 'remove', id }]);
          if (fault === 'rotated') await rig.a.hal.rotateMasterKey();
          const frames = packets.slice(1).map((packet) => frameOf(packet));
          if (fault === 'no session')
            for (const frame of frames) frame[14 + (packets[0]!.family === 4 ? 19 : 39)]! ^= 1;
          if (fault === 'no key') {
            const header = options.sampleRateLog2 > 0 ? undefined : headerOf(wire[0]!, options);
            if (header !== undefined) {
              await rig.a.hal.apply([
                { operation: 'update', id, values: { encapHeader: header, cryptoId: 2 } },
              ]);
            }
          }
          const later = await rig.encapsulate(frames);
          // Of a key that is gone nothing leaves, not even under one that nobody has.
          if (['key cleared', 'entry removed', 'no session'].includes(fault)) expect(later).toEqual([]);
          if (fault === 'none' || fault === 'rotated') expect(later).toHaveLength(frames.length);
          wire.push(...later);
          // With a crypt offset of 63 words some 252 octets stay readable by design; the marker then lies behind them.
          for (const frame of wire) {
            const encryptedFrom = pspOffset(options) + 16 + 4 * offset;
            expect(contains(frame.subarray(Math.min(frame.length, encryptedFrom)), MARKER)).toBe(false);
            if (fault !== 'offset past the end') expect(contains(frame, MARKER)).toBe(false);
          }
        }),
        { numRuns: 120 },
      );
    });

    test('a packet that a mirror has had encrypted takes no second key', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      const uplink = { to: 'port', port: UPLINK_PORT } as const;
      const pipe = { type: 'basic', sizeEntries: 1, match: {}, miss: { to: 'drop' }, entries: [{}] } as const;
      const encap = { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } as const;
      const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
      await hal.build({
        name: 'twice',
        mirrors: [{ name: 'COPY', targets: [uplink] }],
        pipes: [
          { ...pipe, name: 'ROOT', domain: 'default', isRoot: true, forward: { to: 'pipe', pipe: 'OUT' } },
          { ...pipe, name: 'OUT', domain: 'egress', isRoot: true, forward: { to: 'pipe', pipe: 'ENCRYPT' } },
          {
            ...pipe,
            name: 'ENCRYPT',
            domain: 'secure-egress',
            actions: [{ encap, encrypt: { cryptoId: 1 } }],
            entries: [{ values: { encapHeader } }],
            monitor: { mirror: 'COPY' },
            forward: { to: 'pipe', pipe: 'AGAIN' },
          },
          {
            ...pipe,
            name: 'AGAIN',
            domain: 'secure-egress',
            actions: [{ encrypt: { cryptoId: 2 } }],
            forward: uplink,
          },
        ],
      });
      await hal.setKeys([1, 2].map((cryptoId) => ({ cryptoId, key: new Uint8Array(32).fill(cryptoId) })));
      harness.inject(
        VF_PORT,
        fc.sample(innerPacket(4), { numRuns: 3, seed: 1 }).map((p) => frameOf(p)),
      );
      await harness.settle();
      expect(harness.takeSent(UPLINK_PORT)).toHaveLength(3);
    });

    test('no IV comes twice under a key: set again, in two slots, in another life of the device', async () => {
      expectCountedIvs(await ivsOfLives(implementation));
    });

    test.each(IV_WRAPS)('IVs go on one by one over $name', async ({ wrap }) => {
      const firstIv = wrap - 40n;
      await using rig = await openRig(implementation, { firstIv });
      const frames = fc.sample(innerPacket(4), { numRuns: 80, seed: 5 }).map((one) => frameOf(one));
      const wire = await rig.encapsulate(frames);
      expect(wire.map(ivOf)).toEqual(frames.map((_, i) => firstIv + BigInt(i)));
      expect(await rig.decapsulate(wire)).toHaveLength(frames.length);
    });

    test('behind the last IV nothing is sent any more, under no key', async () => {
      await using rig = await openRig(implementation, { firstIv: 2n ** 64n - 3n });
      const frames = fc.sample(innerPacket(4), { numRuns: 5, seed: 5 }).map((one) => frameOf(one));
      const wire = await rig.encapsulate(frames);
      expect(wire.map(ivOf)).toEqual([3n, 2n, 1n].map((left) => 2n ** 64n - left));
      expect(await rig.decapsulate(wire)).toHaveLength(3);
      expect(await rig.encapsulate(frames)).toEqual([]);
      await rig.a.hal.setKeys([{ cryptoId: 1, key: rig.key }]);
      expect(await rig.encapsulate(frames)).toEqual([]);
    });

    test('IVs and SPIs never repeat, and IVs of a session strictly increase', async () => {
      await using rig = await openRig(implementation);
      const packet = fc.sample(innerPacket(4), { numRuns: 1, seed: 3 })[0]!;
      const ivs: bigint[] = [];
      const spis = new Set<number>([rig.spi]);
      let given = 1;
      for (let round = 0; round < 10; round++) {
        const wire = await rig.encapsulate(Array.from({ length: 200 }, () => frameOf(packet)));
        ivs.push(...wire.map(ivOf));
        if (round === 5) await rig.a.hal.rotateMasterKey();
        const batch = await rig.b.hal.generateKeys(32, 100);
        for (const spi of batch.spis) {
          spis.add(spi);
          expect(spi & 0x7fffffff).not.toBe(0);
        }
        given += 100;
      }
      expect(ivs).toHaveLength(2000);
      for (let i = 1; i < ivs.length; i++) expect(ivs[i]! > ivs[i - 1]!).toBe(true);
      expect(spis.size).toBe(given);
    });

    test('keys work after one rotation and not after two', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(0 as const, 1 as const),
          fc.integer({ min: 0, max: 4 }),
          async (version, rotations) => {
            await using rig = await openRig(implementation, { version });
            const packet = fc.sample(innerPacket(4), { numRuns: 1, seed: 1 })[0]!;
            const wire = await rig.encapsulate([frameOf(packet)]);
            // Whether the key had been used before makes no difference.
            if (rotations % 2 === 0) expect(await rig.decapsulate(wire)).toHaveLength(1);
            for (let i = 0; i < rotations; i++) await rig.b.hal.rotateMasterKey();
            expect(await rig.decapsulate(wire)).toHaveLength(rotations < 2 ? 1 : 0);
            expect((await rig.refused()).icvFail).toBe(rotations < 2 ? 0 : 1);
          },
        ),
        { numRuns: 12 },
      );
    });

    test('every packet has exactly one fate, and the counters add up to the packets put in', async () => {
      const odd = fc.uint8Array({ maxLength: 120 });
      const mixed = fc.array(
        fc.oneof(
          fc.record({ kind: fc.constant('valid' as const), packet: innerPacket(4) }),
          fc.record({ kind: fc.constant('unknown' as const), packet: innerPacket(6) }),
          fc.record({
            kind: fc.constant('odd' as const),
            port: fc.constantFrom(UPLINK_PORT, VF_PORT),
            octets: odd,
          }),
          fc.record({ kind: fc.constant('damaged' as const), packet: innerPacket(4), at: fc.nat() }),
        ),
        { minLength: 1, maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(mixed, async (traffic) => {
          await using rig = await openRig(implementation);
          const pool = await rig.encapsulate([
            frameOf(fc.sample(innerPacket(4), { numRuns: 1, seed: 2 })[0]!),
          ]);
          const before = await flows(rig.b.hal);
          let put = 0;
          for (const one of traffic) {
            put++;
            if (one.kind === 'valid') rig.b.inject(UPLINK_PORT, [pool[0]!.slice()]);
            else if (one.kind === 'unknown') rig.b.inject(VF_PORT, [frameOf(one.packet)]);
            else if (one.kind === 'odd') rig.b.inject(one.port, [one.octets.slice()]);
            else {
              const frame = pool[0]!.slice();
              frame[one.at % frame.length]! ^= 0x10;
              rig.b.inject(UPLINK_PORT, [frame]);
            }
          }
          await rig.b.settle();
          const sent = rig.b.takeSent(VF_PORT).length + rig.b.takeSent(UPLINK_PORT).length;
          const toCpu = rig.b.takeRss().length;
          const after = await flows(rig.b.hal);
          const rise = (name: string) => after.get(name)! - before.get(name)!;
          // Into the root goes what was put in; into each pipe what others forward or miss to it.
          expect(rise('ROOT/total') + rise('ROOT/miss')).toBe(put);
          const inOf = (name: string) => rise(`${name}/total`) + rise(`${name}/miss`);
          expect(inOf('PSP_DECRYPT')).toBe(rise('ROOT/uplink-psp-ipv6'));
          expect(inOf('INNER_CLASSIFIER')).toBe(rise('PSP_DECRYPT/total'));
          expect(inOf('INGR_ACL_IPV4')).toBe(rise('INNER_CLASSIFIER/ipv4'));
          expect(inOf('INGR_VIP_IPV6')).toBe(rise('INNER_CLASSIFIER/ipv6'));
          expect(inOf('SYNDROME_STATS')).toBe(
            rise('INNER_CLASSIFIER/miss') +
              rise('INGR_ACL_IPV4/miss') +
              rise('INGR_VIP_IPV6/miss') +
              rise('INGR_ACL_IPV6/miss'),
          );
          expect(inOf('EMPTY')).toBe(rise('ROOT/vf-ipv4') + rise('ROOT/vf-ipv6'));
          expect(inOf('FAILED_SOURCE_IPV6')).toBe(inOf('SYNDROME_STATS'));
          const atRoot = rise('ROOT/vf-other');
          const dropped = atRoot + rise('PSP_DECRYPT/miss') + inOf('SYNDROME_STATS') + rise('EMPTY/miss');
          expect(sent + toCpu + dropped + rise('ROOT/miss')).toBe(put);
        }),
        { numRuns: 60 },
      );
    });

    test('arbitrary octets into every port never crash and never get through', async () => {
      const PORTS = [UPLINK_PORT, VF_PORT];
      const ethernet = fc.constantFrom([0x08, 0x00], [0x86, 0xdd], [0x08, 0x06], [0x81, 0x00]);
      const frame = fc
        .record({
          type: ethernet,
          body: fc.uint8Array({ maxLength: 200 }),
          version: fc.constantFrom(0x45, 0x60, 0x4f),
        })
        .map(({ type, body, version }) => {
          const octets = Uint8Array.from([...new Uint8Array(12).fill(2), ...type, version, ...body]);
          // Often a plausible datagram to PSP's port.
          if (version === 0x60 && octets.length > 14 + 48) {
            octets.set([(octets.length - 54) >> 8, (octets.length - 54) & 255, 17], 18);
            octets.set([3, 232, (octets.length - 54) >> 8, (octets.length - 54) & 255], 14 + 42);
          }
          return octets;
        });
      await using rig = await openRig(implementation);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 80 })), { maxLength: 20 }),
          async (frames) => {
            for (const port of PORTS)
              rig.b.inject(
                port,
                frames.map((one) => one.slice()),
              );
            await rig.b.settle();
            expect(rig.b.takeSent(VF_PORT)).toEqual([]);
            expect(rig.b.takeSent(UPLINK_PORT)).toEqual([]);
            rig.b.takeRss();
          },
        ),
        { numRuns: 150 },
      );
    });

    test.each(referenceCases())(
      "the reference implementation's frames get through: $title",
      async (vector) => {
        const harness = await implementation.open({ masterKeys: vector.masterKeys });
        await using _hal = { [Symbol.asyncDispose]: () => harness.hal.close() };
        const pipeline = pipelineOptions({
          mode: vector.mode,
          outerFamily: vector.inner,
          ingressAcl: false,
          underlayMtuOctets: 9500,
        });
        await harness.hal.build(buildPipeline(pipeline));
        for (const { cleartext, encrypted } of vector.frames) {
          harness.inject(UPLINK_PORT, [encrypted.slice()]);
          await harness.settle();
          const [delivered] = harness.takeSent(VF_PORT);
          expect(delivered === undefined ? 'dropped' : toHex(delivered.subarray(14))).toBe(
            toHex(cleartext.subarray(14)),
          );
        }
      },
    );

    test.each(referenceCases())(
      'frames leave as the reference implementation makes them: $title',
      async ({ masterKeys, mode, inner, cookie, derivedKey, frames }) => {
        const pipeline = pipelineOptions({
          mode,
          outerFamily: inner,
          cookies: cookie,
          underlayMtuOctets: 9500,
        });
        const cryptoId = 1;
        // The reference implementation counts its IVs from 1 on, over all packets, as a device does.
        const harness = await implementation.open({ masterKeys, firstIv: frames[0]!.iv });
        await using _hal = { [Symbol.asyncDispose]: () => harness.hal.close() };
        const { hal } = harness;
        await hal.build(buildPipeline(pipeline));
        expect(await hal.setKeys([{ cryptoId, key: derivedKey }])).toEqual([null]);
        for (const { cleartext, encrypted } of frames) {
          const ip = 14;
          const [source, destination] = inner === 4 ? [12, 16] : [8, 24];
          const localVip = ipFromOctets(cleartext, ip + source!, inner);
          const remoteVip = ipFromOctets(cleartext, ip + destination!, inner);
          // Of a tunnel the reference's outer header has no options, in transport mode it is the packet's own.
          const udp = ip + (inner === 6 ? 40 : (encrypted[ip]! & 0x0f) * 4);
          const pspEnd = udp + 8 + pspHeaderLengthOctets(encrypted, udp + 8);
          const whole = encrypted.slice(0, pspEnd);
          // The reference's cookie is 0; where the crypt offset does not spare it, it is encrypted on the wire.
          whole.fill(0, udp + 8 + PSP_HEADER_OCTETS);
          const encapHeader = whole.slice(mode === 'tunnel' ? 0 : udp);
          const ids = await install(hal, [
            ...localVipEntries(pipeline, localVip, 7),
            egressAclEntry(pipeline, { localVip, localVipId: 7, remoteVip, encapHeader, cryptoId }),
          ]);
          harness.inject(VF_PORT, [cleartext.slice()]);
          await harness.settle();
          const [sent] = harness.takeSent(UPLINK_PORT);
          // The source port is each implementation's own measure of the flow.
          sent?.set(encrypted.subarray(udp, udp + 2), udp);
          expect(sent === undefined ? 'dropped' : toHex(sent)).toBe(toHex(encrypted));
          await install(
            hal,
            ids.map((id) => ({ operation: 'remove', id })),
          );
        }
      },
    );

    async function flows(hal: Parameters<typeof install>[0]): Promise<Map<string, number>> {
      const { collectCounters } = await import('../../src/draw/render.js');
      const counters = await collectCounters(
        hal,
        buildPipeline(pipelineOptions({ maxTunnels: 64, underlayMtuOctets: 9000 })),
      );
      return new Map([...counters].map(([key, { packets }]) => [key, Number(packets)]));
    }
  });
}

/** A whole frame, lengths and checksum included, with so many octets behind the UDP header. */
function cutBehindUdp(wire: Uint8Array, options: RigOptions, octets: number): Uint8Array {
  const udp = pspOffset(options) - 8;
  const frame = wire.slice(0, udp + 8 + octets);
  const view = new DataView(frame.buffer);
  view.setUint16(udp + 4, 8 + octets);
  if (frame[14]! >>> 4 === 4) {
    view.setUint16(16, frame.length - 14);
    setIpv4Checksum(frame, 14);
  } else {
    view.setUint16(18, frame.length - 54);
  }
  return frame;
}

/** The encap header that a frame on the wire began as. */
function headerOf(wire: Uint8Array, options: RigOptions): Uint8Array {
  const end = pspOffset(options) + 16 + (options.cookies ? 8 : 0);
  return wire.slice(options.mode === 'tunnel' ? 0 : pspOffset(options) - 8, end);
}

/** The same with another SPI, for tunnels over IPv6. */
function headerUnder(spi: number, wire: Uint8Array[], family: 4 | 6, cookies: boolean): Uint8Array {
  const header = headerOf(wire[0]!, { ...RIG_DEFAULTS, innerFamily: family, cookies });
  new DataView(header.buffer).setUint32(14 + 40 + 8 + 4, spi);
  return header;
}
