/** Interfaces of the kernel that are removed under a gateway, over both HALs: it says so and ends, or goes on later. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeOnKernel } from '../support/kernel.js';
import type { Program } from '../support/program.js';
import { type Kind, UPLINK, World } from './namespaces.js';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

describeOnKernel('a port that is gone', ['ip', 'ping'], () => {
  let world: World;
  beforeEach(async () => {
    world = await World.open();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  /** Until the first answer, at most so many seconds. */
  const ping = (seconds = 25) =>
    world.run(world.sides[0]!.workload, [
      'ping',
      '-n',
      '-c',
      '1',
      '-w',
      String(seconds),
      world.sides[1]!.vip4,
    ]);

  async function startBoth(kind: Kind): Promise<Program> {
    const gateway = await world.startGateway(0, kind, ['--stat-print']);
    await gateway.says(/^port \S.*: present$/m);
    await world.startGateway(1, 'sim');
    expect(await ping()).toContain(' 1 received');
    return gateway;
  }

  describe.each<Kind>(['sim', 'doca'])('over %s', (kind) => {
    test('is a TAP: the gateway says so, ends with 1, and started again carries traffic', async () => {
      const gateway = await startBoth(kind);
      ip('-n', world.sides[0]!.workload, 'link', 'del', 'vf0');
      expect({ status: await gateway.ended, out: gateway.out }).toMatchObject({ status: 1 });
      expect(gateway.out).toMatch(
        /vf0: it was removed; the gateway ends: start it again when the port is there/,
      );
      expect(gateway.out).toMatch(/is gone: stopping/);
      await world.startGateway(0, kind);
      expect(await ping()).toContain(' 1 received');
    });
  });

  test('is the uplink of the software DOCA: the same', async () => {
    const gateway = await startBoth('doca');
    ip('-n', world.sides[0]!.gateway, 'link', 'del', UPLINK);
    expect({ status: await gateway.ended, out: gateway.out }).toMatchObject({ status: 1 });
    expect(gateway.out).toMatch(/up0: it was removed; the gateway ends/);
  });

  test('is the address of the simulator’s socket: the gateway says so, waits, and goes on', async () => {
    const gateway = await startBoth('sim');
    const [own, peer] = world.sides;
    ip('-n', own!.gateway, 'addr', 'del', `${own!.underlay}/64`, 'dev', UPLINK);
    await expect(ping(2)).rejects.toThrow(/ 0 received/);
    await gateway.says(/cannot send \(E[A-Z]+\); waits for the address and its interface/);
    await gateway.says(/^port udp .*: waited-for$/m);
    ip('-n', own!.gateway, 'addr', 'add', `${own!.underlay}/64`, 'dev', UPLINK, 'nodad');
    ip(
      ...['-n', own!.gateway, 'neigh', 'replace', peer!.underlay, 'lladdr', peer!.underlayMac],
      ...['dev', UPLINK, 'nud', 'permanent'],
    );
    expect(await ping()).toContain(' 1 received');
    await gateway.says(/sends again/);
    await gateway.says(/: waited-for\n[\s\S]*port udp .*: present$/m);
    expect(await gateway.stop('SIGTERM')).toBe(0);
  });
});
