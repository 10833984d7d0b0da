/** Real kernel stacks as workloads, two gateway processes between them, and a look at what crosses the underlay. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ETHER_TYPE_IPV6, ETHERNET_HEADER_OCTETS, etherType } from '../../src/packet/ethernet.js';
import { PROTOCOL_ICMPV6, PROTOCOL_UDP } from '../../src/packet/ipv4.js';
import { findIpv6UpperLayer } from '../../src/packet/ipv6.js';
import { readCapture } from '../../src/packet/pcap.js';
import { PSP_UDP_PORT } from '../../src/psp/header.js';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { type Kind, type Side, UPLINK, World } from './namespaces.js';

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ['sim', 'sim'],
  ['doca', 'doca'],
  ['sim', 'doca'],
];
const FAMILIES = ['vip4', 'vip6'] as const;
/** Pings are full of it; on the underlay nobody sees it. */
const MARK = 'psp-gateway-mark';
const TRANSFER_OCTETS = 16 * 1024 * 1024;
const ROTATION_PERIOD_MS = 1500;

const RECEIVER = `
  const hash = require('node:crypto').createHash('sha256');
  const server = require('node:net').createServer((socket) => {
    socket.on('data', (octets) => hash.update(octets));
    socket.on('end', () => { console.log('sha256 ' + hash.digest('hex')); socket.end(); server.close(); });
  });
  server.listen(5000, '::', () => console.log('ready'));`;
const SENDER = `
  const { createHash, randomBytes } = require('node:crypto');
  const octets = randomBytes(${TRANSFER_OCTETS});
  console.log('sha256 ' + createHash('sha256').update(octets).digest('hex'));
  require('node:net').connect(5000, process.argv[1]).on('close', (failed) => process.exit(failed ? 1 : 0)).resume().end(octets);`;

describeOnKernel('workloads in network namespaces', ['ip', 'ping', 'iperf3', 'tcpdump'], () => {
  describe.each(PAIRS)('behind %s and %s', (...kinds) => {
    describe.each(['on demand', 'static'])('tunnels %s', (tunnels) => {
      let world: World;
      let gateways: Program[];
      let capture: Program;
      beforeAll(async () => {
        world = await World.open();
        capture = await captureUnderlay(world);
        gateways = [];
        for (const index of [0, 1] as const) {
          const { vip4 } = world.sides[index]!;
          const more = tunnels === 'static' ? [`--static-tunnels=${vip4}`] : [];
          more.push(`--rotation-period=${ROTATION_PERIOD_MS}`);
          gateways.push(await world.startGateway(index, kinds[index], more));
        }
        if (tunnels === 'static') {
          for (const gateway of gateways) await gateway.says(/all static tunnels are up/);
        }
      });
      afterAll(() => world?.[Symbol.asyncDispose]());

      const ping = (family: (typeof FAMILIES)[number], ...more: string[]) => {
        const pattern = Buffer.from(MARK).toString('hex');
        const argv = ['ping', '-n', '-q', '-p', pattern, ...more, world.sides[1]![family]];
        return world.run(world.sides[0]!.workload, argv);
      };

      test.each(FAMILIES)('ping each other, %s', async (family) => {
        expect(await ping(family, '-c', '5', '-i', '0.2', '-s', '1300')).toContain('5 received');
      });

      test.each(FAMILIES)('move a lot over TCP, both ways, while master keys rotate, %s', async (family) => {
        const before = rotations(gateways);
        do {
          await transfer(world, family, 0, 1);
          await transfer(world, family, 1, 0);
        } while (rotations(gateways).some((after, i) => after - before[i]! < 2));
      });

      test.each(FAMILIES)('run iperf3, %s', async (family) => {
        const [one, two] = world.sides as [Side, Side];
        const server = world.start(two.workload, ['iperf3', '--server', '--one-off', '--forceflush']);
        await server.says(/listening/);
        const out = await world.run(one.workload, [
          'iperf3',
          '--json',
          '--time',
          '2',
          '--client',
          two[family],
        ]);
        const { end } = JSON.parse(out) as { end: { sum_received: { bits_per_second: number } } };
        expect(end.sum_received.bits_per_second).toBeGreaterThan(1e6);
        expect(await server.ended).toBe(0);
      });

      test.each(FAMILIES)('lose no packet while master keys rotate, %s', async (family) => {
        const before = rotations(gateways);
        const out = await ping(family, '-c', '400', '-i', '0.01', '-W', '10');
        expect(out).toContain('400 packets transmitted, 400 received, 0% packet loss');
        for (const [index, after] of rotations(gateways).entries()) {
          expect(after - before[index]!).toBeGreaterThanOrEqual(2);
        }
      });

      test('leave nothing on the underlay but PSP and neighbor discovery', async () => {
        // Both directions of the pings, and at least one packet per 1500 octets of the transfers.
        expect(await nothingButPsp(world, capture)).toBeGreaterThan(
          2 * 2 * 405 + (2 * 2 * TRANSFER_OCTETS) / 1500,
        );
      });

      test('and their interfaces go with the gateways', async () => {
        expect(world.sides.map((side) => world.hasVf(side))).toEqual([true, true]);
        for (const gateway of gateways) {
          expect({ status: await gateway.stop('SIGTERM'), out: gateway.out }).toMatchObject({ status: 0 });
        }
        expect(world.sides.map((side) => world.hasVf(side))).toEqual([false, false]);
      });
    });
  });
});

describeOnKernel('three gateways over DOCA', ['ip', 'ping'], () => {
  test('carry traffic between every two of their workloads', async () => {
    await using world = await World.open(3);
    const capture = await captureUnderlay(world);
    const mark = Buffer.from(MARK).toString('hex');
    const gateways: Program[] = [];
    for (const index of world.sides.keys()) gateways.push(await world.startGateway(index, 'doca'));
    for (const from of world.sides) {
      for (const to of world.sides.filter((side) => side !== from)) {
        for (const family of FAMILIES) {
          const out = await world.run(from.workload, [
            'ping',
            ...['-n', '-q', '-p', mark, '-c', '3', '-i', '0.2', to[family]],
          ]);
          expect(out).toContain('3 received');
        }
      }
    }
    // What comes to the first gateway from the two others, pings and answers; what DPDK sends by its own is not seen there.
    expect(await nothingButPsp(world, capture)).toBeGreaterThanOrEqual(2 * 2 * FAMILIES.length * 3);
    for (const gateway of gateways) expect(await gateway.stop('SIGTERM')).toBe(0);
  }, 120_000);
});

describeOnKernel('two gateways over other ports of the software DOCA', ['ip', 'ping'], () => {
  test.each<[Kind, Kind]>([
    ['doca', 'doca over af_xdp'],
    ['doca over af_xdp', 'doca over af_xdp'],
    ['doca over memif', 'doca over memif'],
  ])('%s and %s carry what their workloads send', async (...kinds) => {
    await using world = await World.open();
    const gateways: Program[] = [];
    for (const [index, kind] of kinds.entries()) gateways.push(await world.startGateway(index, kind));
    const [one, two] = world.sides as [Side, Side];
    for (const family of FAMILIES) {
      const pinged = await world.run(one.workload, ['ping', '-n', '-q', '-c', '5', '-i', '0.2', two[family]]);
      expect(pinged).toContain('5 received');
      await transfer(world, family, 0, 1);
    }
    for (const gateway of gateways) expect(await gateway.stop('SIGTERM')).toBe(0);
  });
});

/** A lot over TCP from one workload to another; what arrives must be what was sent. */
async function transfer(
  world: World,
  family: (typeof FAMILIES)[number],
  from: number,
  to: number,
): Promise<void> {
  const [one, two] = [world.sides[from]!, world.sides[to]!];
  const receiver = world.start(two.workload, [process.execPath, '-e', RECEIVER]);
  await receiver.says(/ready/);
  const sent = await world.run(one.workload, [process.execPath, '-e', SENDER, two[family]]);
  expect(await receiver.ended).toBe(0);
  expect(sent).toMatch(/^sha256 [0-9a-f]{64}\n$/);
  expect(receiver.out).toBe(`ready\n${sent}`);
}

function captureFile({ folder }: World): string {
  return join(folder, 'underlay.pcap');
}

async function captureUnderlay(world: World): Promise<Program> {
  const file = captureFile(world);
  // As root, since the folder is; the first octets tell a ping's contents from PSP. Without --immediate-mode the last
  // packets would be lost at the end.
  const options = ['-Z', 'root', '-s', '256', '-B', '16384', '--immediate-mode'];
  const argv = ['tcpdump', ...options, '-i', UPLINK, '-U', '-w', file];
  const capture = world.start(world.sides[0]!.gateway, argv);
  await capture.says(/listening on/);
  return capture;
}

/** Ends the capture. How many PSP packets it has; anything else but neighbor discovery must not be there. */
async function nothingButPsp(world: World, capture: Program): Promise<number> {
  await capture.stop('SIGINT');
  const seen = { psp: 0, neighborDiscovery: 0, other: [] as string[] };
  for await (const { frame } of readCapture(createReadStream(captureFile(world)))) {
    const kind = onUnderlay(frame);
    if (kind === undefined) seen.other.push(Buffer.from(frame).toString('hex'));
    else seen[kind]++;
    expect(Buffer.from(frame).includes(MARK)).toBe(false);
  }
  expect(seen.other).toEqual([]);
  return seen.psp;
}

function rotations(gateways: readonly Program[]): number[] {
  return gateways.map(({ out }) => out.split('master key rotated').length - 1);
}

/** Router and neighbor messages (RFC 4861), and the multicast reports that go with them (RFC 3810 section 5.2). */
const NEIGHBOR_DISCOVERY: readonly number[] = [133, 134, 135, 136, 137, 143];

function onUnderlay(frame: Uint8Array): 'psp' | 'neighborDiscovery' | undefined {
  const upper =
    etherType(frame) === ETHER_TYPE_IPV6
      ? findIpv6UpperLayer(frame, ETHERNET_HEADER_OCTETS, frame.length)
      : undefined;
  if (upper === undefined) return undefined;
  const { protocol, offset } = upper;
  if (protocol === PROTOCOL_UDP) {
    const destination = (frame[offset + 2]! << 8) | frame[offset + 3]!;
    return destination === PSP_UDP_PORT ? 'psp' : undefined;
  }
  if (protocol === PROTOCOL_ICMPV6 && NEIGHBOR_DISCOVERY.includes(frame[offset]!)) return 'neighborDiscovery';
  return undefined;
}
