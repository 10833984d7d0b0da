/** Gateways that send extension fields in the PSP header (--psp-ext), with others and without. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { innerMtuOctets } from '../../src/gateway/pipeline/mtu.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import {
  type GatewayNetwork,
  idsOf,
  type NodeOptions,
  packetBetween,
  type TestNode,
} from '../support/gateways.js';
import { toHex } from '../support/reference-vectors.js';
import type { GatewaysUnderTest } from './gateways.js';

const IDS = [1, 2, 3];
const WORDS = [0x11111111, 0xa2b2c2d2, 0x33333333, 0x44444444];
const ICMP_UNREACHABLE = 3;

interface Case {
  readonly options: NodeOptions;
  /** Of the datagrams that the gateway with the words sends: their Hdr Ext Len, crypt offset, and what stands behind the cookie. */
  readonly hdrExtLen: number;
  readonly cryptOffset: number;
  readonly fields: string;
}

const CASES: readonly Case[] = [
  {
    options: { extensionWords: WORDS },
    hdrExtLen: 4,
    cryptOffset: 11,
    fields: '0000000011111111a2b2c2d2333333334444444400000000',
  },
  {
    options: { extensionWords: WORDS.slice(0, 2), cookies: true, outerFamily: 4, pspVersion: 0 },
    hdrExtLen: 3,
    cryptOffset: 9,
    fields: '11111111a2b2c2d2',
  },
  {
    options: { extensionWords: WORDS.slice(0, 1), mode: 'transport', pspVersion: 0 },
    hdrExtLen: 2,
    cryptOffset: 2,
    fields: '0000000011111111',
  },
  {
    options: { extensionWords: WORDS.slice(0, 3), mode: 'transport', cookies: true, pspVersion: 3 },
    hdrExtLen: 4,
    cryptOffset: 0,
    fields: '11111111a2b2c2d23333333300000000',
  },
];

const titled = CASES.map((one) => {
  const { extensionWords, ...rest } = one.options;
  return [`${extensionWords!.length} words, ${JSON.stringify(rest)}`, one] as const;
});

export function describeExtensionOf({ network }: GatewaysUnderTest): void {
  let net: GatewayNetwork;
  beforeEach(() => {
    net = network();
  });
  afterEach(() => net.stopAll());

  const send = async (from: TestNode, to: TestNode, mode: string | undefined, octets?: number) => {
    const frames = IDS.map((id) => {
      const packet = packetBetween(from.number, to.number, id);
      const payload = new Uint8Array(octets === undefined ? packet.payload.length : octets - 20);
      payload.set(packet.payload.subarray(0, payload.length));
      new DataView(payload.buffer).setUint16(4, payload.length);
      return frameOf({ ...packet, payload });
    });
    if (mode === 'transport') for (const frame of frames) frame.set([2, 0, 0, 0, 1, to.number]);
    from.workload.inject(frames);
    await net.run(200);
    return idsOf(to.workload.takeSent());
  };

  describe('extension fields', () => {
    test.each(titled)('of %s reach a peer that has none', async (_, { options, ...wanted }) => {
      const { extensionWords, ...others } = options;
      const { mode, cookies = false, outerFamily = 6 } = options;
      const a = await net.start(1, [2], options);
      const b = await net.start(2, [1], others);
      expect(await send(a, b, mode)).toEqual(IDS);
      expect(await send(b, a, mode)).toEqual(IDS);

      const pspAt = 14 + (mode === 'transport' || outerFamily === 4 ? 20 : 40) + 8;
      const headers = net.wire
        .filter((frame) => frame.length > pspAt + 32)
        .map((frame) => frame.subarray(pspAt));
      const behind = 16 + (cookies ? 8 : 0);
      const ofA = headers.filter((header) => header[1] !== behind / 8 - 1);
      expect(ofA).toHaveLength(IDS.length);
      expect(headers).toHaveLength(2 * IDS.length);
      for (const header of ofA) {
        expect([header[1], header[2]]).toEqual([wanted.hdrExtLen, wanted.cryptOffset]);
        expect(toHex(header.subarray(behind, behind + wanted.fields.length / 2))).toBe(wanted.fields);
        expect(behind + wanted.fields.length / 2).toBe(8 * (wanted.hdrExtLen + 1));
      }
    });

    test('take of what fits, as senders of larger packets are told', async () => {
      const options = { extensionWords: WORDS, outerFamily: 4 } as const;
      const a = await net.start(1, [2], options);
      const b = await net.start(2, [1], { outerFamily: 4 });
      const uplink = a.hal.device.ports.find(({ kind }) => kind === 'uplink')!;
      const fits = uplink.mtuOctets - 20 - 8 - 40 - 16;
      expect(
        innerMtuOctets({ ...options, mode: 'tunnel', cookies: false, underlayMtuOctets: uplink.mtuOctets }),
      ).toBe(fits);
      expect(await send(a, b, 'tunnel', fits)).toEqual(IDS);
      expect(Math.max(...net.wire.map(({ length }) => length))).toBe(14 + uplink.mtuOctets);
      a.workload.takeSent();
      expect(await send(a, b, 'tunnel', fits + 1)).toEqual([]);
      const answers = a.workload.takeSent().filter((frame) => frame[23] === 1);
      expect(answers).toHaveLength(IDS.length);
      for (const answer of answers) {
        expect(answer[34]).toBe(ICMP_UNREACHABLE);
        expect(new DataView(answer.buffer, answer.byteOffset).getUint16(40)).toBe(fits);
      }
    });
  });
}
