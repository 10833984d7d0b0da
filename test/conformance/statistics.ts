/** What --stat-print and --perf-print print of a gateway over a device: the packets that the test has put in. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { meterPerformance, ratesText } from '../../src/cli/performance-meter.js';
import {
  readStatistics,
  STATISTICS_SESSIONS_MAX,
  statisticsObject,
  statisticsText,
} from '../../src/cli/statistics.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { addressOf } from '../support/wide-nodes.js';
import { GatewayWorld } from './gateway-world.js';

/** The cells of the one line that begins with `name`. */
function cellsOf(text: string, name: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim().startsWith(`${name} `));
  expect(lines, `lines of "${name}" in\n${text}`).toHaveLength(1);
  return lines[0]!.trim().slice(name.length).trim().split(/\s+/);
}

const packetsOf = (text: string, name: string) => Number(cellsOf(text, name)[0]);

export function describeStatistics(implementation: HalUnderTest): void {
  describe(`what is printed of ${implementation.name}`, () => {
    let harness: HalHarness;
    beforeEach(async () => {
      harness = await implementation.open();
    });
    afterEach(() => harness.hal.close());

    test('--stat-print has the counters of pipes, of their entries, of syndromes and of sessions', async () => {
      const world = new GatewayWorld(harness, {});
      await world.start();
      const text = async () => statisticsText(await readStatistics(world.gateway));
      const [remote, other] = [addressOf(2, 0), addressOf(2, 1)];
      const local = addressOf(1, 0);
      expect(await text()).not.toContain(remote);

      // Three miss, are sent again once their session is there, and four more go through.
      expect(await world.leaves(2, 0, 3)).toBe(3);
      expect(await world.leaves(2, 0, 4)).toBe(4);
      const given = world.offered.get(remote)!;
      for (let i = 0; i < 5; i++) expect(await world.letsIn(2, 0, given)).toBe(true);
      // Nobody's key, and a session's key for another one's addresses.
      expect(await world.letsIn(2, 0, { ...given, key: new Uint8Array(32) })).toBe(false);
      for (let i = 0; i < 2; i++) expect(await world.letsIn(2, 1, given)).toBe(false);

      const printed = await text();
      expect(packetsOf(printed, '1 icv-fail')).toBe(1);
      expect(packetsOf(printed, '2 bad-trailer')).toBe(0);
      expect(packetsOf(printed, '0 but not let in')).toBe(2);

      expect(cellsOf(printed, 'EGR_ACL_IPV4')).toEqual(['7', String(7 * (14 + 20 + 64)), '3']);
      expect(cellsOf(printed, 'INGR_ACL_IPV4')).toEqual(['5', expect.any(String), '3']);
      expect(packetsOf(printed, 'PSP_DECRYPT')).toBe(8);
      expect(packetsOf(printed, 'ROOT')).toBe(7 + 8);
      expect(packetsOf(printed, 'vf-ipv4')).toBe(7);
      expect(packetsOf(printed, 'uplink-psp-ipv6')).toBe(8);
      expect(packetsOf(printed, 'ipv4-resubmitted')).toBe(3);

      // The specification's counters, which the device tells itself or the pipes are summed for.
      const inner = 20 + 64;
      for (const [name, value] of [
        ['rx-packets', 5 + 2],
        ['rx-bytes', 7 * inner],
        ['rx-auth-fail', 1],
        ['rx-error', 0],
        ['tx-packets', 7],
        ['tx-bytes', 7 * inner],
      ] as const)
        expect(printed, name).toMatch(new RegExp(`\\b${name} +${value}(?!\\S)`));

      const session = cellsOf(printed, `${local} - ${remote}`);
      expect([session[0], session[2], session[4]]).toEqual(['7', '5', '10.0.0.2:3000']);
      expect(printed).not.toContain(other);

      // The same for programs, through JSON.
      const object = statisticsObject(await readStatistics(world.gateway));
      const read = JSON.parse(JSON.stringify(object)) as never;
      expect(read).toMatchObject({
        gateway: { sessions: 1, established: 1, resubmitted: 3 },
        syndromes: { icvFail: { packets: 1 }, notAllowed: { packets: 2 } },
        sessions: [{ localVip: local, remoteVip: remote, out: { packets: 7 }, in: { packets: 5 } }],
        sessionsLeftOut: 0,
      });
      expect(read).toHaveProperty(
        'pipes',
        expect.arrayContaining([
          expect.objectContaining({
            pipe: 'EGR_ACL_IPV4',
            misses: { packets: 3, octets: expect.any(Number) },
          }),
        ]),
      );
    });

    test.each([
      [false, 24],
      [true, 8 + 16],
    ])(
      'octets that leave count from the end of the IV on, extension fields too (cookies: %s)',
      async (cookies, behindIv) => {
        const world = new GatewayWorld(harness, {
          cookies,
          extensionWords: cookies ? [1, 2, 3] : [1, 2, 3, 4],
        });
        await world.start();
        expect(await world.leaves(2, 0, 3)).toBe(3);
        const { psp } = await readStatistics(world.gateway);
        expect([psp.txPackets, psp.txBytes]).toEqual([3n, BigInt(3 * (behindIv + 20 + 64))]);
      },
    );

    test('of many sessions those used last are printed, and how many there are besides', async () => {
      const count = STATISTICS_SESSIONS_MAX + 5;
      const world = new GatewayWorld(harness, {
        peers: [
          {
            serviceAddress: { host: '10.0.0.2' as never, port: 3000 },
            virtualIps: Array.from({ length: count }, (_, i) => addressOf(2, i)),
          },
        ],
      });
      await world.start();
      for (let i = 0; i < count; i++) expect(await world.leaves(2, i)).toBe(1);
      const printed = statisticsText(await readStatistics(world.gateway));
      expect(printed).toContain('and 5 more sessions');
      for (const i of [5, count - 1])
        expect(packetsOf(printed, `${addressOf(1, 0)} - ${addressOf(2, i)}`)).toBe(1);
      expect(printed).not.toContain(`- ${addressOf(2, 4)} `);
    });

    test.each([
      ['key-gen', [/^key-gen: 1 keys in [\d.]+ ms, \d+ per second$/]],
      ['insertion', [/^insertion: \d+ entry operations in [\d.]+ ms, \d+ per second$/]],
      ['all', [/^key-gen: 1 keys /, /^insertion: \d+ entry operations /]],
    ] as const)(
      '--perf-print %s has the rates of what was done since it was printed last',
      async (what, lines) => {
        const meter = meterPerformance(harness.hal, what);
        const world = new GatewayWorld({ ...harness, hal: meter.hal }, {});
        await world.start();
        meter.take();
        expect(meter.take()).toEqual([]);
        expect(await world.leaves(2, 0)).toBe(1);
        const printed = ratesText(meter.take()).split('\n');
        expect(printed).toHaveLength(lines.length);
        for (const [i, line] of lines.entries()) expect(printed[i]).toMatch(line);
        expect(await world.leaves(2, 0)).toBe(1);
        expect(meter.take()).toEqual([]);
      },
    );
  });
}
