/**
 * Two gateways whose files change while packets pass, both at once, and whose master keys rotate meanwhile: nothing is lost, nothing comes
 * twice, nothing is in clear. One over the simulator, one over the software DOCA, with kernels as workloads.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { type Side, World } from './namespaces.js';
import { onUnderlay } from './on-underlay.js';
import { UnderlayCapture } from './underlay-capture.js';

const ROTATIONS_MIN = 5;
const ROTATING = ['--rotation-period=2000', '--rekey-grace=1000'];
const PINGS_PER_SECOND = 50;
/** Pings are full of it; on the underlay nobody sees it. */
const MARK = Buffer.from('psp-gateway-mark');

/** Further peers and limits; each comes while packets pass. Nobody answers at their addresses. */
const CHANGES: readonly { readonly peers: string; readonly limits: string }[] = [
  { peers: '{service: 192.0.2.1, owns: [198.51.100.0/24]}', limits: 'missed-packets: 32' },
  {
    peers: '{service: 192.0.2.1, owns: [198.51.100.0/25]}, {service: 192.0.2.2, owns: [203.0.113.7]}',
    limits: '',
  },
  { peers: '', limits: 'log-level: 60' },
  { peers: '{service: 192.0.2.2, owns: [203.0.113.7]}', limits: 'log-level: 50' },
];

const count = ({ out }: Program, pattern: RegExp) => out.match(new RegExp(pattern, 'g'))?.length ?? 0;

async function says(program: Program, pattern: RegExp, times: number): Promise<void> {
  await expect
    .poll(() => count(program, pattern) >= times, {
      timeout: 60_000,
      message: `${times} times ${pattern}:\n${program.out}`,
    })
    .toBe(true);
}

function ping(world: World, from: Side, to: Side): Program {
  const interval = String(1 / PINGS_PER_SECOND);
  return world.start(from.workload, ['ping', '-n', '-p', MARK.toString('hex'), '-i', interval, to.vip4]);
}

describeOnKernel('gateways under load', ['ip', 'ping', 'tcpdump'], () => {
  test('read changed files, both at once, between rotations: no packet is lost, doubled or in clear', async () => {
    await using world = await World.open();
    const [one, two] = world.sides as [Side, Side];
    const capture = await UnderlayCapture.start(world);
    const files = world.sides.map((_, i) => join(world.folder, `gateway-${i}.yaml`));
    const write = (peers: string, limits: string) => {
      for (const file of files) {
        writeFileSync(`${file}.new`, `flags:\n  rpc-deadline: 5000\n  ${limits}\npeers: [${peers}]\n`);
        renameSync(`${file}.new`, file);
      }
    };
    write('', '');
    const gateways = [
      await world.startGateway(0, 'sim', [...ROTATING, `--config=${files[0]}`]),
      await world.startGateway(1, 'doca', [...ROTATING, `--config=${files[1]}`]),
    ];
    const pings = [ping(world, one, two), ping(world, two, one)];
    for (const each of pings) await each.says(/icmp_seq=\d+ ttl/);

    for (const [i, { peers, limits }] of CHANGES.entries()) {
      write(peers, limits);
      for (const { pid } of gateways) process.kill(pid, 'SIGHUP');
      for (const gateway of gateways) await says(gateway, /other peers and limits are taken/, i + 1);
      for (const gateway of gateways) {
        const rekeyed = /tunnel re-keyed/;
        await says(gateway, rekeyed, count(gateway, rekeyed) + 2);
      }
    }
    for (const gateway of gateways)
      await gateway.says(new RegExp(`master key rotated rotations=${ROTATIONS_MIN} `));

    for (const each of pings) {
      await each.stop('SIGINT');
      const [, sent, received, doubled] =
        /(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?/.exec(each.out)!;
      expect(Number(received)).toBeGreaterThan(0);
      // The answer to the last one may be under way.
      expect(Number(sent) - Number(received)).toBeLessThanOrEqual(1);
      expect(doubled).toBeUndefined();
    }
    let psp = 0;
    const other: string[] = [];
    for await (const frame of capture.frames()) {
      const kind = onUnderlay(frame);
      if (kind === 'psp') psp++;
      if (kind === undefined || Buffer.from(frame).includes(MARK))
        other.push(Buffer.from(frame).toString('hex'));
    }
    expect(other).toEqual([]);
    expect(psp).toBeGreaterThan(PINGS_PER_SECOND);
    for (const { out } of gateways) expect(out).not.toMatch(/ ERROR /);
  }, 240_000);
});
