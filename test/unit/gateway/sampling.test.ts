/** What the log says of sampled packets, and what it never says. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encryptStart, FLAG_S, PSP_FLAGS, pspSpi, spiText } from '../../../src/psp/header.js';
import { frameOf } from '../../../src/verify/inner-packets.js';
import { type NodeOptions, packetBetween, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

/** Of a frame over IPv6. */
const PSP = 14 + 40 + 8;
const EVERYTHING = { sampleRateLog2: 1, limits: { sampledLinesPerSecond: 10_000 } };

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const linesOf = ({ logs }: TestNode) => logs.filter(({ message }) => message.startsWith('sampled'));
const sampledOnWire = () => net.wire.filter((frame) => (frame[PSP + PSP_FLAGS]! & FLAG_S) !== 0);

async function exchange(options: NodeOptions, packets = 40): Promise<[TestNode, TestNode]> {
  const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
  net.send(
    a,
    2,
    Array.from({ length: packets }, (_, id) => id),
  );
  await net.run(500);
  return [a, b];
}

test.each([
  ['behind the crypt offset of --crypt-offset=0 nothing is read', 0, {}],
  [
    'the addresses that the crypt offset leaves readable are told, and not the ports behind it',
    5,
    { source: vip(1), destination: vip(2), protocol: 'UDP' },
  ],
  [
    'and the ports where it leaves those',
    6,
    { source: vip(1), destination: vip(2), protocol: 'UDP', sourcePort: 40_000, destinationPort: 5000 },
  ],
])('a packet that leaves is one line: %s', async (_, cryptOffsetWords, readable) => {
  const [a] = await exchange({ ...EVERYTHING, cryptOffsetWords });
  const sampled = sampledOnWire();
  expect(sampled.length).toBeGreaterThan(0);
  expect(linesOf(a)).toEqual(
    sampled.map((frame) => ({
      level: 'info',
      message: 'sampled at egress',
      fields: {
        ...readable,
        underlaySource: '2001:db8::1',
        underlayDestination: '2001:db8::2',
        spi: spiText(pspSpi(frame, PSP)),
        length: frame.length,
      },
    })),
  );
});

test.each([false, true])(
  'a packet that comes in is one line with addresses and ports of the workloads; before encryption that of the sender has them too: %s',
  async (sampleBeforeEncryption) => {
    const [a, b] = await exchange({ ...EVERYTHING, sampleBeforeEncryption, cryptOffsetWords: 0 });
    const sampled = sampledOnWire();
    expect(sampled.length).toBeGreaterThan(0);
    const told = (message: string) =>
      sampled.map((frame) => ({
        level: 'info',
        message,
        fields: {
          source: vip(1),
          destination: vip(2),
          protocol: 'UDP',
          sourcePort: 40_000,
          destinationPort: 5000,
          underlaySource: '2001:db8::1',
          underlayDestination: '2001:db8::2',
          spi: spiText(pspSpi(frame, PSP)),
          length: frame.length,
        },
      }));
    expect(linesOf(b)).toEqual(told('sampled at ingress'));
    if (sampleBeforeEncryption) expect(linesOf(a)).toEqual(told('sampled at egress'));
  },
);

test('in transport mode the addresses are those of the packet itself', async () => {
  const options: NodeOptions = { ...EVERYTHING, mode: 'transport', cryptOffsetWords: 0 };
  const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
  const frames = Array.from({ length: 40 }, (_, id) => frameOf(packetBetween(1, 2, id, 6)));
  for (const frame of frames) frame.set([2, 0, 0, 0, 1, 2]);
  a.workload.inject(frames);
  await net.run(500);
  const [line] = linesOf(a);
  expect(line!.fields).toEqual({
    source: vip(1, 6),
    destination: vip(2, 6),
    protocol: 'UDP',
    spi: expect.any(String),
    length: expect.any(Number),
  });
  expect(linesOf(b)[0]!.fields).toEqual({ ...line!.fields, sourcePort: 40_000, destinationPort: 5000 });
});

test.each([0, 3])('the log tells of %i packets per second, and counts the others', async (perSecond) => {
  const [, b] = await exchange({ sampleRateLog2: 1, limits: { sampledLinesPerSecond: perSecond } });
  const counters = () => b.gateway.view().slowPath;
  const { sampledIngress, sampledNotLogged } = counters();
  expect(sampledIngress).toBeGreaterThan(perSecond + 1);
  expect(linesOf(b)).toHaveLength(perSecond);
  expect(sampledNotLogged).toBe(sampledIngress - perSecond);

  await net.run(1000);
  net.send(
    net.nodes.get(1)!,
    2,
    Array.from({ length: 40 }, (_, id) => id),
  );
  await net.run(10);
  const later = linesOf(b).slice(perSecond);
  expect(later).toHaveLength(perSecond);
  expect(later.map(({ fields }) => fields?.leftOut)).toEqual(
    perSecond === 0 ? [] : [sampledNotLogged, undefined, undefined],
  );
  expect(counters().sampledNotLogged).toBe(counters().sampledIngress - 2 * perSecond);
});

test('octets of packets are told with --sampled-octets only, and those of keys never', async () => {
  const keys = new Set<string>();
  const wrapHal: NodeOptions['wrapHal'] = (hal) =>
    new Proxy(hal, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'setKeys') return typeof value === 'function' ? value.bind(target) : value;
        return (slots: Parameters<typeof hal.setKeys>[0]) => {
          for (const { key } of slots) keys.add(Buffer.from(key).toString('hex'));
          return target.setKeys(slots);
        };
      },
    });
  const plaintext = Buffer.alloc(40, 0x77).toString('hex');
  const said = (nodes: readonly TestNode[]) => JSON.stringify(nodes.map(({ logs }) => logs));

  const withoutOctets = await exchange({ ...EVERYTHING, wrapHal });
  expect(withoutOctets.map((node) => linesOf(node).length)).not.toContain(0);
  expect(said(withoutOctets)).not.toContain(plaintext);
  await net.stopAll();

  net = new TestNetwork();
  const [a, b] = await exchange({ ...EVERYTHING, wrapHal, sampledOctets: true });
  const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');
  expect(linesOf(a).map(({ fields }) => fields?.octets)).toEqual(sampledOnWire().map(hex));
  for (const { fields } of linesOf(b)) expect(fields?.octets).toContain(plaintext);
  expect(said([a])).not.toContain(plaintext);
  expect(keys.size).toBeGreaterThan(1);
  for (const key of keys) expect(said([...withoutOctets, a, b])).not.toContain(key);
});

test('what is encrypted of a sampled packet is not read as its headers, wherever the crypt offset ends', async () => {
  for (let cryptOffsetWords = 0; cryptOffsetWords <= 14; cryptOffsetWords++) {
    net = new TestNetwork();
    const options = { ...EVERYTHING, cryptOffsetWords };
    const [a, b] = [await net.start(1, [2], options), await net.start(2, [1], options)];
    net.send(
      a,
      2,
      Array.from({ length: 20 }, (_, id) => id),
      6,
    );
    await net.run(500);
    const [frame] = sampledOnWire();
    const readableOctets = encryptStart(frame!, PSP, frame!.length - 16) - PSP - 16;
    for (const { fields } of linesOf(a)) {
      expect(fields?.source).toBe(readableOctets < 40 ? undefined : vip(1, 6));
      expect(fields?.sourcePort).toBe(readableOctets < 44 ? undefined : 40_000);
    }
    expect(linesOf(a).length).toBe(linesOf(b).length);
    await net.stopAll();
  }
});
