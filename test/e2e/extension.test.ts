/**
 * --psp-ext between the simulator and a release of DOCA, over kernels: the words of either are in what it puts on the underlay, and the
 * other takes no packet without them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PSP_COOKIE, PSP_COOKIE_OCTETS, pspHeaderLengthOctets } from '../../src/psp/header.js';
import { locatePsp } from '../../src/topology/packets.js';
import { docaIsBuilt } from '../support/doca-harness.js';
import { describeOnKernel } from '../support/kernel.js';
import { describeOnNative } from '../support/needs.js';
import type { Program } from '../support/program.js';
import { toHex } from '../support/reference-vectors.js';
import { type Side, World } from './namespaces.js';
import { UnderlayCapture } from './underlay-capture.js';

const PINGS = 10;
/** Each sends other words, and requires those of the other. */
const SIDES = [
  { kind: 'sim', sends: '0x5157ab1e,0x00c0ffee', requires: '0x77777777', fields: '5157ab1e00c0ffee' },
  { kind: 'doca 3.3', sends: '0x77777777', requires: '0x5157ab1e,0x00c0ffee', fields: '7777777700000000' },
] as const;

describeOnNative('gateways over the simulator and the software DOCA', docaIsBuilt('3.3'), () => {
  describeOnKernel('between workloads in network namespaces', ['ip', 'ping', 'tcpdump'], () => {
    describe('with words in their PSP headers', () => {
      let world: World;
      let sim: Program;
      const captures: UnderlayCapture[] = [];
      const start = (index: 0 | 1, more: readonly string[]) =>
        world.startGateway(index, SIDES[index].kind, ['--cookie', '--stat-print', ...more], { outer: 6 });
      const flagsOf = ({ sends, requires }: (typeof SIDES)[number]) => [
        `--psp-ext=${sends}`,
        `--psp-ext-required=${requires}`,
      ];
      const ping = async (from: 0 | 1, count: number) => {
        const [one, two] = [world.sides[from], world.sides[1 - from]] as [Side, Side];
        const argv = ['ping', '-n', '-q', '-c', `${count}`, '-i', '0.05', '-W', '2', two.vip4];
        return /(\d+) received/.exec(
          await world.run(one.workload, argv).catch((error) => String(error)),
        )?.[1];
      };
      beforeAll(async () => {
        world = await World.open();
        for (const index of [0, 1] as const) captures.push(await UnderlayCapture.start(world, index));
        sim = await start(0, flagsOf(SIDES[0]));
        await start(1, flagsOf(SIDES[1]));
      }, 60_000);
      afterAll(() => world?.[Symbol.asyncDispose]());

      test('carry pings both ways', async () => {
        expect(await ping(0, PINGS)).toBe(`${PINGS}`);
        expect(await ping(1, PINGS)).toBe(`${PINGS}`);
      }, 30_000);

      test.each(SIDES.map(({ kind, fields }, from) => [kind, fields, from] as const))(
        'and all that %s sends has its words: %s',
        async (_, fields, from) => {
          const seen: string[] = [];
          for await (const frame of captures[1 - from]!.frames()) {
            const at = locatePsp(frame)?.at;
            const isFromThere = at !== undefined && frame[37] === Number(world.sides[from]!.underlay.at(-1));
            if (!isFromThere) continue;
            const begin = at + PSP_COOKIE + PSP_COOKIE_OCTETS;
            seen.push(toHex(frame.subarray(begin, at + pspHeaderLengthOctets(frame, at))));
          }
          expect(seen.length).toBeGreaterThanOrEqual(2 * PINGS);
          expect([...new Set(seen)]).toEqual([fields]);
        },
      );

      test('and where one begins without, the other lets nothing in', async () => {
        expect(await sim.stop('SIGTERM')).toBe(0);
        await start(0, [`--psp-ext-required=${SIDES[0].requires}`]);
        expect(await ping(0, 2)).toBe('0');
      }, 30_000);
    });
  });
});
