/** Gateways that send extension fields in the PSP header (--psp-ext), with others and without. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tunnelPackets } from '../../src/gateway/pipeline/device-counters.js';
import { innerMtuOctets } from '../../src/gateway/pipeline/mtu.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import {
  type GatewayNetwork,
  gatewayOptions,
  idsOf,
  type NodeOptions,
  packetBetween,
  type TestNode,
  vip,
} from '../support/gateways.js';
import { pipelineOptions } from '../support/pipelines.js';
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

    describe('that peers must send', () => {
      const notLetIn = async ({ gateway }: TestNode) => {
        const { icvFail, badTrailer, notAllowed, withoutWords } = (await gateway.deviceCounters()).notLetIn;
        return [icvFail, badTrailer, notAllowed, withoutWords].map(({ packets }) => Number(packets));
      };
      const LACK = [0, 0, 0, IDS.length];
      const NONE = [0, 0, 0, 0];

      test.each([
        ['tunnel mode', {}],
        ['tunnel mode, with cookies', { cookies: true, outerFamily: 4, pspVersion: 0 }],
        ['tunnel mode, sampled', { sampleRateLog2: 1 }],
        ['tunnel mode, without ACL', { ingressAcl: false }],
        ['transport mode', { mode: 'transport', pspVersion: 2 }],
      ] as const)('let in whoever sends them, and nobody else: %s', async (_, options: NodeOptions) => {
        const { mode } = options;
        const words = WORDS.slice(0, 2);
        const a = await net.start(1, [2, 3, 4], {
          ...options,
          extensionWords: [5],
          extensionRequired: words,
        });
        const b = await net.start(2, [1], { ...options, extensionWords: [...words, 9] });
        const without = await net.start(3, [1], options);
        const other = await net.start(4, [1], { ...options, extensionWords: words.toReversed() });
        expect(await send(b, a, mode)).toEqual(IDS);
        expect(await notLetIn(a)).toEqual(NONE);
        for (const peer of [without, other]) {
          // Peers that need nothing get what they are sent.
          expect(await send(a, peer, mode)).toEqual(IDS);
          const before = await notLetIn(a);
          expect(await send(peer, a, mode)).toEqual([]);
          const after = await notLetIn(a);
          expect(after.map((count, i) => count - before[i]!)).toEqual(LACK);
        }
        const { psp } = await a.gateway.deviceCounters();
        expect(psp.rxPackets).toBe(BigInt(3 * IDS.length));
        expect(await send(b, a, mode)).toEqual(IDS);
      });

      test('are missing in packets that a drain does not wait for', async () => {
        const a = await net.start(1, [2, 3], { extensionRequired: WORDS });
        const b = await net.start(2, [1], { extensionWords: WORDS });
        const without = await net.start(3, [1]);
        expect(await send(b, a, 'tunnel')).toEqual(IDS);
        expect(await send(without, a, 'tunnel')).toEqual([]);
        const options = pipelineOptions({ ...gatewayOptions(a.service, []), extensionRequired: WORDS });
        expect(await tunnelPackets(a.hal, options)).toBe(BigInt(IDS.length));
      });

      test('are not believed of packets that are not authentic', async () => {
        const a = await net.start(1, [2], { extensionRequired: WORDS });
        const b = await net.start(2, [1], { extensionWords: WORDS });
        expect(await send(b, a, 'tunnel')).toEqual(IDS);
        const frame = net.wire.findLast(({ length }) => length > 150)!;
        for (const at of [14 + 40 + 8 + 20, frame.length - 1]) {
          const changed = frame.slice();
          changed[at]! ^= 1;
          net.arrive(a, [changed]);
        }
        await net.run(100);
        expect(a.workload.takeSent()).toEqual([]);
        expect(await notLetIn(a)).toEqual([2, 0, 0, 0]);
      });

      test('are in the packet that is explained, which is let in', async () => {
        const options = { extensionRequired: WORDS, extensionWords: WORDS };
        const a = await net.start(1, [2], options);
        const b = await net.start(2, [1], options);
        expect(await send(b, a, 'tunnel')).toEqual(IDS);
        const { verdict, steps } = await a.gateway.explain({
          source: vip(2),
          destination: vip(1),
          ...{ protocol: 'icmp', sourcePort: 0, destinationPort: 0 },
        });
        expect(verdict).toBe('is given to the workload');
        expect(steps).toContainEqual(expect.objectContaining({ pipe: 'PSP_EXT', hit: 'words' }));
      });

      test('a device that does not look at them is refused at the start, with all else that it lacks', async () => {
        const withoutWords = (hal: PipeHal) =>
          new Proxy(hal, {
            get(target, name) {
              const value: unknown = Reflect.get(target, name, target);
              if (name !== 'device') return typeof value === 'function' ? value.bind(target) : value;
              const { gmac: _, ...device } = target.device;
              return { ...device, limits: { ...device.limits, pspWords: false } };
            },
          });
        await expect(
          net.start(1, [2], { extensionRequired: [1], pspVersion: 2, wrapHal: withoutWords }),
        ).rejects.toThrow(
          '--psp-version=2: the device has no AES-GMAC-128; say --psp-version=1; --psp-ext-required: the device does not look at words of the PSP header; leave it out',
        );
      });
    });
  });
}
