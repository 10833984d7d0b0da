/**
 * Extension fields of the PSP header over any device, under the gateway's pipeline: what is sent with words, octet by octet, and that
 * fields of any length are accepted. Datagrams are put together, and sealed, here.
 */
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setIpv4Checksum } from '../../src/packet/ipv4.js';
import { openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { frameOf, type InnerPacket, ipPacketOf } from '../../src/verify/inner-packets.js';
import { RIG_DEFAULTS, type RigOptions } from '../../src/verify/rig.js';
import { innerPacket } from '../support/inner-packets.js';
import { toHex } from '../support/reference-vectors.js';

const RUNS = 10;
const COOKIE = '1122334455667788';
const word = fc.integer({ min: 0, max: 0xffff_ffff });

const rigOptions: fc.Arbitrary<RigOptions> = fc
  .record({
    mode: fc.constantFrom('tunnel' as const, 'transport' as const),
    outerFamily: fc.constantFrom(4 as const, 6 as const),
    innerFamily: fc.constantFrom(4 as const, 6 as const),
    cookies: fc.boolean(),
    version: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
    cryptOffsetWords: fc.integer({ min: 0, max: 4 }),
    sampleRateLog2: fc.constantFrom(0, 0, 1),
    extensionWords: fc.array(word, { minLength: 1, maxLength: 3 }),
    fourth: fc.option(word, { nil: undefined }),
  })
  .map(({ fourth, ...options }) => ({
    ...RIG_DEFAULTS,
    ...options,
    extensionWords:
      options.cookies || fourth === undefined
        ? options.extensionWords
        : [...options.extensionWords, fourth].slice(0, 4),
  }));

const hex = (value: number, octets: number) => value.toString(16).padStart(2 * octets, '0');
const octetsOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** What stands behind the IV, or the cookie: with the words where the documents say that they are. */
function fieldsWith(words: readonly number[], cookies: boolean): string {
  const fields = (cookies ? '' : '00000000') + words.map((one) => hex(one, 4)).join('');
  return fields.length % 16 === 0 ? fields : `${fields}00000000`;
}

interface Datagram {
  readonly options: RigOptions;
  readonly nextHeader: number;
  readonly spi: number;
  readonly iv: string;
  readonly fields: string;
  readonly key: Uint8Array;
  readonly payload: Uint8Array;
  /** Of the flags octet. */
  readonly sample: number;
}

/** PSP header, payload and ICV. */
function sealed({ options, nextHeader, spi, iv, fields, key, payload, sample }: Datagram): Uint8Array {
  const { version, cryptOffsetWords, cookies } = options;
  const isGmac = version >= 2;
  const behind = (cookies ? COOKIE : '') + fields;
  const flags = sample | (version << 2) | (cookies ? 2 : 0) | 1;
  const header = octetsOf(
    hex(nextHeader, 1) +
      hex((16 + behind.length / 2) / 8 - 1, 1) +
      hex(isGmac ? 0 : cryptOffsetWords, 1) +
      hex(flags, 1) +
      hex(spi, 4) +
      iv +
      behind,
  );
  const whole = Uint8Array.from([...header, ...payload]);
  const begin = isGmac ? whole.length : 16 + 4 * cryptOffsetWords;
  const cipher = createCipheriv(
    key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm',
    key,
    header.subarray(4, 16),
  );
  cipher.setAAD(whole.subarray(0, begin));
  const encrypted = cipher.update(whole.subarray(begin));
  cipher.final();
  return Uint8Array.from([...whole.subarray(0, begin), ...encrypted, ...cipher.getAuthTag()]);
}

/** The frame's headers up to UDP with another datagram behind them, whose lengths they have. */
function withDatagram(frame: Uint8Array, pspAt: number, datagram: Uint8Array): Uint8Array {
  const changed = Uint8Array.from([...frame.subarray(0, pspAt), ...datagram]);
  const view = new DataView(changed.buffer);
  view.setUint16(pspAt - 4, 8 + datagram.length);
  if (changed[14]! >>> 4 === 4) {
    view.setUint16(16, changed.length - 14);
    setIpv4Checksum(changed, 14);
  } else view.setUint16(18, changed.length - 54);
  return changed;
}

/** The longest headers, of either outer family and in transport mode. */
const LONGEST: readonly Partial<RigOptions>[] = [
  { outerFamily: 4, extensionWords: [1, 2, 3, 4] },
  { outerFamily: 4, extensionWords: [1, 2, 3], cookies: true },
  { outerFamily: 6, extensionWords: [1, 2, 3], cookies: true },
  { mode: 'transport', extensionWords: [1, 2, 3, 4] },
];

interface Case {
  readonly options: RigOptions;
  readonly packets: readonly InnerPacket[];
  /** Units of 8 octets that a sender of another kind has in each packet. */
  readonly foreign: readonly number[];
}

async function check(implementation: HalUnderTest, { options, packets, foreign }: Case): Promise<void> {
  await using rig = await openGatewayRig(implementation, options);
  const { mode, outerFamily, innerFamily, extensionWords, cookies } = options;
  const isTunnel = mode === 'tunnel';
  const pspAt = 14 + ((isTunnel ? outerFamily : innerFamily) === 4 ? 20 : 40) + 8;
  const wire = await rig.encapsulate(packets.map((packet) => frameOf(packet)));
  const parts = (packet: InnerPacket) => ({
    options,
    nextHeader: isTunnel ? (innerFamily === 4 ? 4 : 41) : packet.protocol,
    spi: rig.spi,
    key: rig.key,
    payload: isTunnel ? ipPacketOf(packet) : packet.payload,
  });
  expect(wire).toHaveLength(packets.length);
  for (const [i, frame] of wire.entries()) {
    const iv = toHex(frame.subarray(pspAt + 8, pspAt + 16));
    const sample = frame[pspAt + 3]! & 0x80;
    const fields = fieldsWith(extensionWords!, cookies);
    const expected = sealed({ ...parts(packets[i]!), iv, fields, sample });
    expect(toHex(frame.subarray(pspAt))).toBe(toHex(expected));
    expect(toHex(frame)).toBe(toHex(withDatagram(frame, pspAt, expected)));
  }
  const inner = (frames: readonly Uint8Array[]) => frames.map((frame) => toHex(frame.subarray(14)));
  const sent = packets.map((packet) => toHex(ipPacketOf(packet)));
  expect(inner(await rig.decapsulate(wire))).toEqual(sent);

  // What a sender of another kind has there, longer than what we know of, too; and none at all.
  const units = foreign.slice(0, packets.length);
  const others = units.map((count, i) => {
    const behind = (cookies ? 2 : 0) + 2 * count;
    const datagram = sealed({
      ...parts(packets[i]!),
      options: { ...options, cryptOffsetWords: Math.min(options.cryptOffsetWords, behind) },
      iv: hex(i + 1, 8),
      fields: 'e7'.repeat(8 * count),
      sample: 0,
    });
    return withDatagram(wire[i]!, pspAt, datagram);
  });
  expect(inner(await rig.decapsulate(others))).toEqual(sent.slice(0, others.length));
}

export function describeExtension(implementation: HalUnderTest, numRuns = RUNS): void {
  describe(`${implementation.name}, extension fields`, () => {
    test.each(LONGEST.map((options) => [JSON.stringify(options), options] as const))(
      'are sent where the header is as long as can be: %s',
      async (_, options) => {
        const packets = fc.sample(innerPacket(RIG_DEFAULTS.innerFamily), { numRuns: 2, seed: 1 });
        await check(implementation, { options: { ...RIG_DEFAULTS, ...options }, packets, foreign: [3, 6] });
      },
    );

    test('are sent with every packet, as the header says, and fields of any length are accepted', async () => {
      const cases = rigOptions.chain((options) =>
        fc.record({
          options: fc.constant(options),
          packets: fc.array(innerPacket(options.innerFamily), { minLength: 1, maxLength: 4 }),
          foreign: fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 }),
        }),
      );
      await fc.assert(
        fc.asyncProperty(cases, (one) => check(implementation, one)),
        { numRuns },
      );
    });
  });
}
