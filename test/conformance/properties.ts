/** What every PipeHAL implementation must hold, whatever pipeline it is under. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectCounters } from '../../src/draw/render.js';
import { type Forward, type PipeProgram, UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipFromOctets, parseIp } from '../../src/packet/address.js';
import { setIpv4Checksum } from '../../src/packet/ipv4.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import {
  PSP_HEADER_OCTETS,
  PSP_IV,
  type PspVersion,
  pspHeaderLengthOctets,
  pspSpi,
} from '../../src/psp/header.js';
import { gatewayPipeline } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { contains, frameOf, ipPacketOf, MARKER } from '../../src/verify/inner-packets.js';
import {
  COUNTERS,
  install,
  openRig,
  type PipelineUnderTest,
  RIG_DEFAULTS,
  type RigOptions,
} from '../../src/verify/rig.js';
import { innerPacket } from '../support/inner-packets.js';
import { outerHeaderTo } from '../support/psp-frames.js';
import { counted, tunnelHeader } from '../support/psp-program.js';
import { referenceCases, toHex } from '../support/reference-vectors.js';
import { ownPipeline } from './own-pipeline.js';

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
export async function ivsOfLives(implementation: HalUnderTest, pipeline = ownPipeline): Promise<bigint[][]> {
  const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: 3 });
  const lives: bigint[][] = [];
  let key = '';
  for (let life = 0; life < 3; life++) {
    await using rig = await openRig(implementation, pipeline);
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
      const values = rig.pipeline.egressValues(rig.encapHeader, cryptoId);
      await install(hal, [{ operation: 'update', id: rig.headerEntry, values }]);
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

/** A pipeline of the tests' own, so that nothing of PipeHAL's contract is left out that the gateway does not use, and the gateway's. */
const PIPELINES: readonly PipelineUnderTest[] = [ownPipeline, gatewayPipeline];

export function describeProperties(implementation: HalUnderTest, pipelines = PIPELINES): void {
  for (const pipeline of pipelines) describeUnder(implementation, pipeline);
}

function describeUnder(implementation: HalUnderTest, pipeline: PipelineUnderTest): void {
  const open = (options?: Partial<RigOptions>) => openRig(implementation, pipeline, options);
  describe(`${implementation.name}, under ${pipeline.name}`, () => {
    test('decapsulate(encapsulate(p)) = p for every mode, version, family, cookie and offset', async () => {
      const cases = rigOptions().chain((options) =>
        fc.tuple(
          fc.constant(options),
          fc.array(innerPacket(options.innerFamily), { minLength: 1, maxLength: 4 }),
        ),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([options, packets]) => {
          await using rig = await open(options);
          const wire = await rig.encapsulate(packets.map((packet) => frameOf(packet)));
          expect(wire).toHaveLength(packets.length);
          const delivered = await rig.decapsulate(wire);
          expect(delivered.map((frame) => toHex(frame.subarray(14)))).toEqual(
            packets.map((p) => toHex(ipPacketOf(p))),
          );
          if (options.mode === 'tunnel') {
            const macs = toHex(rig.pipeline.decapMacs(options.innerFamily));
            for (const frame of delivered) expect(toHex(frame.subarray(0, 12))).toBe(macs);
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
          await using rig = await open(options);
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
          await using rig = await open(options);
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
          await using rig = await open(options);
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
      await using rig = await open({ outerFamily: 4 });
      const [packet] = fc.sample(innerPacket(4), { numRuns: 1, seed: 5 });
      const [wire] = await rig.encapsulate([frameOf(packet!)]);
      const damaged = Array.from({ length: 16 }, (_, bit) => {
        const frame = wire!.slice();
        frame[14 + 10 + (bit >>> 3)]! ^= 1 << (bit & 7);
        return frame;
      });
      expect(await rig.decapsulate(damaged)).toEqual([]);
      const [[looked], refused] = await Promise.all([
        rig.b.hal.counters([COUNTERS.decrypted]),
        rig.refused(),
      ]);
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
          await using rig = await open(options);
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
          await using rig = await open({ innerFamily: family, cookies });
          const mallory = parseIp(family === 4 ? '192.168.1.66' : 'fd00:0:0:1::66');
          const { spis } = await rig.b.hal.generateKeys(32, 1);
          const wire = await rig.encapsulate([
            frameOf(fc.sample(innerPacket(family), { numRuns: 1, seed: 5 })[0]!),
          ]);
          const localVip = parseIp(family === 4 ? '192.168.1.55' : 'fd00:0:0:1::55');
          await install(rig.b.hal, [rig.pipeline.ingress({ spi: spis[0]!, remoteVip: mallory, localVip })]);
          expect(await rig.decapsulate(wire)).toHaveLength(1);
          // V1's own session goes; what remains is Mallory's, and V1's source address is not his.
          await using other = await open({
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
              id: other.headerEntry,
              values: other.pipeline.egressValues(header, 1),
            },
          ]);
          await install(other.b.hal, [
            other.pipeline.ingress({ spi: second.spis[0]!, remoteVip: mallory, localVip }),
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
          await using rig = await open({ ...options, cryptOffsetWords: offset });
          const wire = await rig.encapsulate([frameOf(packets[0]!)]);
          // What is shorter than the offset cannot be encrypted.
          if (fault !== 'offset past the end') expect(wire).toHaveLength(1);
          const id = rig.headerEntry;
          if (fault === 'key cleared') await rig.a.hal.clearKeys([1]);
          if (fault === 'entry removed') await rig.a.hal.apply([{ operation: 'remove', id }]);
          if (fault === 'rotated') await rig.a.hal.rotateMasterKey();
          const frames = packets.slice(1).map((packet) => frameOf(packet));
          if (fault === 'no session')
            for (const frame of frames) frame[14 + (packets[0]!.family === 4 ? 19 : 39)]! ^= 1;
          if (fault === 'no key') {
            const values = rig.pipeline.egressValues(headerOf(wire[0]!, options), 2);
            await rig.a.hal.apply([{ operation: 'update', id, values }]);
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
      expectCountedIvs(await ivsOfLives(implementation, pipeline));
    });

    test.each(IV_WRAPS)('IVs go on one by one over $name', async ({ wrap }) => {
      const firstIv = wrap - 40n;
      await using rig = await open({ firstIv });
      const frames = fc.sample(innerPacket(4), { numRuns: 80, seed: 5 }).map((one) => frameOf(one));
      const wire = await rig.encapsulate(frames);
      expect(wire.map(ivOf)).toEqual(frames.map((_, i) => firstIv + BigInt(i)));
      expect(await rig.decapsulate(wire)).toHaveLength(frames.length);
    });

    test('behind the last IV nothing is sent any more, under no key', async () => {
      await using rig = await open({ firstIv: 2n ** 64n - 3n });
      const frames = fc.sample(innerPacket(4), { numRuns: 5, seed: 5 }).map((one) => frameOf(one));
      const wire = await rig.encapsulate(frames);
      expect(wire.map(ivOf)).toEqual([3n, 2n, 1n].map((left) => 2n ** 64n - left));
      expect(await rig.decapsulate(wire)).toHaveLength(3);
      expect(await rig.encapsulate(frames)).toEqual([]);
      await rig.a.hal.setKeys([{ cryptoId: 1, key: rig.key }]);
      expect(await rig.encapsulate(frames)).toEqual([]);
    });

    test('IVs and SPIs never repeat, and IVs of a session strictly increase', async () => {
      await using rig = await open();
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
            await using rig = await open({ version });
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

    test('a key of one version opens no packet of another, of AES-GMAC or AES-GCM, though it has the same length', async () => {
      for (const version of [0, 1] as const) {
        for (const [given, used] of [
          [version, version + 2],
          [version + 2, version],
        ] as [PspVersion, PspVersion][]) {
          await using rig = await open({ version: given });
          const packet = frameOf(fc.sample(innerPacket(4), { numRuns: 1, seed: 4 })[0]!);
          const sealed = (of: PspVersion, iv: bigint) =>
            encapsulate(packet, {
              engine: opensslEngine,
              version: of,
              spi: rig.spi,
              key: rig.key,
              iv,
              cryptOffsetWords: 0,
              sourcePort: 50_000,
              outerHeader: outerHeaderTo(parseIp('2001:db8::2')),
            });
          expect(await rig.decapsulate([sealed(used, 1n)])).toEqual([]);
          expect((await rig.refused()).icvFail).toBe(1);
          expect(await rig.decapsulate([sealed(given, 2n)])).toHaveLength(1);
        }
      }
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
          await using rig = await openRig(implementation, countedEverywhere(pipeline));
          const pool = await rig.encapsulate([
            frameOf(fc.sample(innerPacket(4), { numRuns: 1, seed: 2 })[0]!),
          ]);
          const { program } = rig.pipeline;
          const before = await collectCounters(rig.b.hal, program);
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
          const after = await collectCounters(rig.b.hal, program);
          const packetsOf = (counters: typeof after, name: string) =>
            Number(counters.get(name)?.packets ?? NaN);
          const rise = (name: string) => packetsOf(after, name) - packetsOf(before, name);
          const flows = flowsOf(program, rise);
          for (const { name, isRoot, domain } of program.pipes) {
            // Into the ingress root goes what was put in; into each pipe what others forward or miss to it.
            const into = isRoot === true && domain === 'default' ? put : (flows.get(name) ?? 0);
            expect([name, rise(`${name}/total`) + rise(`${name}/miss`)]).toEqual([name, into]);
          }
          expect([sent, toCpu]).toEqual([flows.get('port'), flows.get('rss')]);
          const ends = ['port', 'rss', 'drop', 'kernel'];
          expect(ends.reduce((sum, end) => sum + (flows.get(end) ?? 0), 0)).toBe(put);
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
      await using rig = await open();
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
        const { program } = pipeline.of({
          ...RIG_DEFAULTS,
          mode: vector.mode,
          outerFamily: vector.inner,
          innerFamily: vector.inner,
          ingressAcl: false,
        });
        await harness.hal.build(program);
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
        const own = pipeline.of({
          ...RIG_DEFAULTS,
          mode,
          outerFamily: inner,
          innerFamily: inner,
          cookies: cookie,
        });
        const cryptoId = 1;
        // The reference implementation counts its IVs from 1 on, over all packets, as a device does.
        const harness = await implementation.open({ masterKeys, firstIv: frames[0]!.iv });
        await using _hal = { [Symbol.asyncDispose]: () => harness.hal.close() };
        const { hal } = harness;
        await hal.build(own.program);
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
          const { header, more } = own.egress({ localVip, remoteVip, encapHeader, cryptoId });
          const ids = await install(hal, [...own.localVip(localVip), header, ...more]);
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
  });
}

/** The same pipeline with a counter wherever there can be one. */
function countedEverywhere(pipeline: PipelineUnderTest): PipelineUnderTest {
  return {
    ...pipeline,
    of(options) {
      const uncounted = pipeline.of(options);
      return { ...uncounted, program: counted(uncounted.program) };
    },
  };
}

/**
 * How many packets went into each pipe and to each end ("port", "rss", "drop", "kernel"), by what a program that counts
 * everywhere has counted.
 */
function flowsOf(program: PipeProgram, packets: (name: string) => number): Map<string, number> {
  const flows = new Map<string, number>();
  const add = (forward: Forward, count: number) => {
    const to = forward.to === 'pipe' ? forward.pipe : forward.to;
    flows.set(to, (flows.get(to) ?? 0) + count);
  };
  for (const pipe of program.pipes) {
    add(pipe.miss, packets(`${pipe.name}/miss`));
    if (pipe.type === 'basic' && pipe.forward !== 'entry') add(pipe.forward, packets(`${pipe.name}/total`));
    else {
      for (const { label, forward } of pipe.entries ?? []) add(forward!, packets(`${pipe.name}/${label}`));
    }
  }
  return flows;
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
