/** What ROOT leaves to the kernel behind the uplink: these frames reach it, as they came, and nothing else does. */
import { describe, expect, test } from 'vitest';
import { buildPipeline } from '../../src/gateway/pipeline/pipeline.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { parseIp, parseMac } from '../../src/packet/address.js';
import { ARP_REQUEST, buildArp } from '../../src/packet/arp.js';
import { buildIpv4Packet } from '../../src/packet/ipv4.js';
import { type HalHarness, type HalUnderTest, KERNEL_PORT } from '../../src/verify/harness.js';
import { pipelineOptions } from '../support/pipelines.js';

const OUTSIDE = '02:00:00:00:00:c0';
const UPLINK = '02:00:00:00:00:a0';
const TCP = 6;
const UDP = 17;

const arp = () =>
  buildArp({
    operation: ARP_REQUEST,
    senderMac: parseMac(OUTSIDE),
    senderIp: parseIp('192.0.2.2'),
    targetMac: parseMac('00:00:00:00:00:00'),
    targetIp: parseIp('192.0.2.1'),
  } as never);

function ip4(protocol: number, destinationPort: number, octets = 40): Uint8Array {
  const payload = new Uint8Array(octets);
  payload.set([0x9c, 0x40, destinationPort >>> 8, destinationPort & 255, 0, octets]);
  const packet = buildIpv4Packet({
    source: parseIp('192.0.2.2') as never,
    destination: parseIp('192.0.2.1') as never,
    protocol,
    ttl: 64,
    payload,
  });
  return ethernet(packet, [8, 0]);
}

function ethernet(packet: Uint8Array, type: readonly number[]): Uint8Array {
  const octets = (mac: string) => mac.split(':').map((octet) => Number.parseInt(octet, 16));
  return Uint8Array.from([...octets(UPLINK), ...octets(OUTSIDE), ...type, ...packet]);
}

/** Whatever is no PSP of the family outside. */
const LEFT = (): Uint8Array[] => [
  arp(),
  ip4(TCP, 3000),
  ip4(UDP, 53),
  // PSP, but of the family that this gateway has not outside.
  ip4(UDP, 1000),
  ethernet(new Uint8Array(46).fill(0x5a), [0x88, 0xb5]),
  ethernet(new Uint8Array(8), [0x86, 0xdd]),
];

/** PSP over IPv6 under a key that nobody has. */
function psp(): Uint8Array {
  const packet = new Uint8Array(40 + 8 + 16 + 32 + 16);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x6000_0000);
  view.setUint16(4, packet.length - 40);
  packet.set([UDP, 64], 6);
  view.setUint16(42, 1000);
  view.setUint16(44, packet.length - 40);
  packet.set([4, 1, 0, 5], 48);
  view.setUint32(52, 0x1234);
  return ethernet(packet, [0x86, 0xdd]);
}

/** What the workload sends: to the CPU, to nobody's session, and what is no IP packet. */
const OF_THE_WORKLOAD = (): Uint8Array[] => [arp(), ip4(UDP, 1000), LEFT()[4]!];

/** Neither of its pipes has an entry that packets of ports hit. */
const LEAVES_ALL: PipeProgram = {
  name: 'leaves-all',
  pipes: [
    {
      name: 'ROOT',
      type: 'control',
      domain: 'default',
      isRoot: true,
      sizeEntries: 2,
      miss: { to: 'kernel' },
      entries: [],
    },
    {
      name: 'OUT',
      type: 'control',
      domain: 'egress',
      isRoot: true,
      sizeEntries: 2,
      miss: { to: 'drop' },
      entries: [],
    },
  ],
};

const copies = (frames: readonly Uint8Array[]) => frames.map((frame) => new Uint8Array(frame));

async function missesOf({ hal }: HalHarness): Promise<bigint> {
  const [misses] = await hal.counters([{ pipe: 'ROOT', miss: true }]);
  return misses!.packets;
}

export function describeKernel(implementation: HalUnderTest): void {
  async function withDevice(kernel: boolean, use: (harness: HalHarness) => Promise<void>) {
    const harness = await implementation.open({ kernel, uplinkMtuOctets: 1500 });
    try {
      await harness.hal.build(buildPipeline(pipelineOptions()));
      await use(harness);
    } finally {
      await harness.hal.close();
    }
  }

  describe(`the kernel behind the uplink of ${implementation.name}`, () => {
    test('gets what misses ROOT, as it came, and nothing else', async () => {
      await withDevice(true, async (harness) => {
        const left = LEFT();
        harness.inject(UPLINK_PORT, copies([...left.slice(0, 2), psp(), ...left.slice(2)]));
        harness.inject(VF_PORT, OF_THE_WORKLOAD());
        await harness.settle();
        expect(harness.takeSent(KERNEL_PORT)).toEqual(left);
        expect(await missesOf(harness)).toBe(BigInt(left.length));
        expect(await harness.hal.statistics()).toMatchObject({ kernelDropped: 0n });
        expect(harness.takeSent(UPLINK_PORT)).toEqual([]);
        expect(harness.takeSent(VF_PORT)).toEqual([]);
        expect(harness.takeRss()).toHaveLength(2);
      });
    });

    test('sends by the uplink, whatever that carries, and past the pipes', async () => {
      await withDevice(true, async (harness) => {
        const frames = [arp(), ip4(TCP, 3000), psp(), ip4(UDP, 53, 1480)];
        harness.inject(KERNEL_PORT, copies([...frames, ip4(UDP, 53, 1481)]));
        await harness.settle();
        expect(harness.takeSent(UPLINK_PORT)).toEqual(frames);
        expect(harness.takeSent(KERNEL_PORT)).toEqual([]);
        expect(harness.takeSent(VF_PORT)).toEqual([]);
        expect(harness.takeRss()).toEqual([]);
        const [hits] = await harness.hal.counters([{ pipe: 'ROOT', total: true }]);
        expect([hits!.packets, await missesOf(harness)]).toEqual([0n, 0n]);
      });
    });

    test('gets nothing of the workload, whatever the program leaves to it', async () => {
      const harness = await implementation.open({ kernel: true });
      try {
        await harness.hal.build(LEAVES_ALL);
        const left = LEFT();
        harness.inject(UPLINK_PORT, copies(left));
        harness.inject(VF_PORT, OF_THE_WORKLOAD());
        await harness.settle();
        expect(harness.takeSent(KERNEL_PORT)).toEqual(left);
        const lost = OF_THE_WORKLOAD().length;
        expect(await harness.hal.statistics()).toMatchObject({ kernelDropped: BigInt(lost) });
      } finally {
        await harness.hal.close();
      }
    });

    test('is not there: what misses ROOT is dropped and counted', async () => {
      await withDevice(false, async (harness) => {
        const left = LEFT();
        harness.inject(UPLINK_PORT, [...left, psp()]);
        harness.inject(VF_PORT, OF_THE_WORKLOAD());
        await harness.settle();
        expect(await missesOf(harness)).toBe(BigInt(left.length));
        expect(await harness.hal.statistics()).toMatchObject({ kernelDropped: BigInt(left.length) });
        expect(harness.takeSent(UPLINK_PORT)).toEqual([]);
        expect(harness.takeSent(VF_PORT)).toEqual([]);
      });
    });
  });
}
