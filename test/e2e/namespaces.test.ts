/** Real kernel stacks as workloads, two gateway processes between them, and a look at what crosses the underlay. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { macFromOctets } from '../../src/packet/address.js';
import { claimsToBeSegmentMessage, readSegmentMessage } from '../../src/packet/segment.js';
import { locatePsp } from '../../src/topology/packets.js';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { type Kind, type Side, World } from './namespaces.js';
import { onUnderlay } from './on-underlay.js';
import { transfer } from './tcp-transfer.js';
import { UnderlayCapture } from './underlay-capture.js';

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ['sim', 'sim'],
  ['doca', 'doca'],
  ['sim', 'doca'],
];
const FAMILIES = ['vip4', 'vip6'] as const;
/** Pings are full of it; on the underlay nobody sees it. */
const MARK = 'psp-gateway-mark';
const TRANSFER_OCTETS = 16 * 1024 * 1024;
const PINGS = 200;
const ROTATION_PERIOD_MS = 900;
/** A rotation waits for it, twice where packets came. */
const REKEY_GRACE_MS = 300;

describeOnKernel('workloads in network namespaces', ['ip', 'ping', 'iperf3', 'tcpdump'], () => {
  describe.each(PAIRS)('behind %s and %s', (...kinds) => {
    describe.each(['on demand', 'static'])('tunnels %s', (tunnels) => {
      let world: World;
      let gateways: Program[];
      let capture: UnderlayCapture;
      beforeAll(async () => {
        world = await World.open();
        capture = await UnderlayCapture.start(world);
        gateways = [];
        for (const index of [0, 1] as const) {
          const { vip4 } = world.sides[index]!;
          const more = tunnels === 'static' ? [`--static-tunnels=${vip4}`] : [];
          more.push(`--rotation-period=${ROTATION_PERIOD_MS}`, `--rekey-grace=${REKEY_GRACE_MS}`);
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
          await transfer(world, family, 0, 1, TRANSFER_OCTETS);
          await transfer(world, family, 1, 0, TRANSFER_OCTETS);
        } while (rotations(gateways).some((after, i) => after - before[i]! < 2));
      });

      test.each(FAMILIES)('run iperf3, %s', async (family) => {
        const [one, two] = world.sides as [Side, Side];
        const server = world.start(two.workload, ['iperf3', '--server', '--one-off', '--forceflush']);
        await server.says(/listening/);
        const out = await world.run(one.workload, [
          'iperf3',
          '--json',
          '--bytes',
          '8M',
          '--client',
          two[family],
        ]);
        const { end } = JSON.parse(out) as { end: { sum_received: { bits_per_second: number } } };
        expect(end.sum_received.bits_per_second).toBeGreaterThan(1e6);
        expect(await server.ended).toBe(0);
      });

      test.each(FAMILIES)('lose no packet while master keys rotate, %s', async (family) => {
        const before = rotations(gateways);
        do {
          const out = await ping(family, '-c', `${PINGS}`, '-i', '0.01', '-W', '10');
          expect(out).toContain(`${PINGS} packets transmitted, ${PINGS} received, 0% packet loss`);
        } while (rotations(gateways).some((after, i) => after - before[i]! < 2));
      });

      test('leave nothing on the underlay but PSP and neighbor discovery', async () => {
        // The pings of both families, and at least one packet per 1500 octets of their transfers, as far as they come to the first
        // gateway: what DPDK sends from there is not seen.
        expect(await nothingButPsp(capture)).toBeGreaterThan(2 * (5 + PINGS) + (2 * TRANSFER_OCTETS) / 1500);
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
    const capture = await UnderlayCapture.start(world);
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
    expect(await nothingButPsp(capture)).toBeGreaterThanOrEqual(2 * 2 * FAMILIES.length * 3);
    for (const gateway of gateways) expect(await gateway.stop('SIGTERM')).toBe(0);
  }, 120_000);
});

describeOnKernel('two gateways in transport mode over DOCA', ['ip', 'ping', 'tcpdump'], () => {
  test('let workloads find each other through them, to the letter, and nothing else is in clear', async () => {
    await using world = await World.open();
    const capture = await UnderlayCapture.start(world);
    const mark = Buffer.from(MARK).toString('hex');
    const gateways: Program[] = [];
    for (const index of world.sides.keys()) {
      gateways.push(await world.startGateway(index, 'doca', ['--mode=transport']));
    }
    const [one, two] = world.sides as [Side, Side];
    for (const family of FAMILIES) {
      const argv = ['ping', '-n', '-q', '-p', mark, '-c', '5', '-i', '0.2', '-W', '5', two[family]];
      expect(await world.run(one.workload, argv)).toContain('5 received');
    }
    const seen = { psp: 0, segment: new Set<string>(), other: [] as string[] };
    // The kernels of the gateways' machines speak for themselves, until their own IPv6 is off.
    const kernels = world.sides.map(({ underlayMac }) => underlayMac);
    for await (const frame of capture.frames()) {
      expect(Buffer.from(frame).includes(MARK)).toBe(false);
      const message = readSegmentMessage(frame);
      if (locatePsp(frame) !== undefined) seen.psp++;
      else if (typeof message !== 'string' && Buffer.compare(message.frame, frame) === 0)
        seen.segment.add(message.kind);
      else if (!kernels.includes(macFromOctets(frame, 6)) || !claimsToBeSegmentMessage(frame))
        seen.other.push(Buffer.from(frame).toString('hex'));
    }
    expect(seen.other).toEqual([]);
    // What comes from the other side: what DPDK sends by its own is not seen there.
    expect(seen.psp).toBeGreaterThanOrEqual(FAMILIES.length * 5);
    for (const kind of ['arp-reply', 'neighbor-advertisement']) expect([...seen.segment]).toContain(kind);
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
      await transfer(world, family, 0, 1, TRANSFER_OCTETS);
    }
    for (const gateway of gateways) expect(await gateway.stop('SIGTERM')).toBe(0);
  });
});

/** Ends the capture. How many PSP packets it has; anything else but neighbor discovery must not be there. */
async function nothingButPsp(capture: UnderlayCapture): Promise<number> {
  const seen = { psp: 0, neighborDiscovery: 0, other: [] as string[] };
  for await (const frame of capture.frames()) {
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
