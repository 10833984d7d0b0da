/** What looks at counters find, and what is done about it; through the installer, and by themselves. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { LookRound } from '../../../../src/gateway/sessions/look-round.js';
import { newSession, OPERATOR, type Session } from '../../../../src/gateway/sessions/session.js';
import { SessionTable } from '../../../../src/gateway/sessions/session-table.js';
import {
  A,
  B,
  establish,
  InstallerWorld,
  local,
  outcome,
  remote,
  states,
  want,
} from '../../../support/installer-world.js';

let world: InstallerWorld;
beforeEach(() => {
  world = new InstallerWorld();
});

describe('a look at what sessions carry', () => {
  test('takes the places of those that are idle for so long, and of none with idle time 0', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3, A, OPERATOR)]);
    await world.clock.advance(10_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'established', 'established']);
    world.leaves(sessions[0]!);
    await world.clock.advance(1_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established']);
    expect([installer.counters.idle, world.told.at(-1)]).toEqual([1, `idle ${remote(2)}`]);
    await world.clock.advance(11_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant', 'established']);
    const never = world.open();
    const [kept] = await establish(never, [want(1)]);
    await world.clock.advance(1e9);
    await never.look(100);
    expect(kept!.state).toBe('established');
  });

  test('keeps one that is being granted, and one for which a packet waits', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3)]);
    await installer.open([want(1)], true);
    await world.clock.advance(11_000);
    installer.touch(sessions[1]!);
    await installer.look(100);
    expect(states(sessions)).toEqual(['established', 'established', 'dormant']);
    installer.touch(sessions[2]!);
    expect(installer.sessions.dormant.oldest).toBe(sessions[2]);
    expect([...installer.sessions]).toEqual([sessions[0], sessions[1]]);
    expect(sessions.map(({ usedAtS }) => usedAtS)).toEqual([1, 12, 1]);
  });

  test('takes as many as it is told, and all in turn before the first again', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await world.clock.advance(2_000);
    for (const session of sessions) world.leaves(session);
    const looksUsed = () => sessions.map((session) => session.looksUsed);
    await installer.look(3);
    expect(looksUsed()).toEqual([1, 1, 1, 0]);
    await installer.look(3);
    expect(looksUsed()).toEqual([1, 1, 1, 1]);
    for (const session of sessions) world.leaves(session);
    await world.clock.advance(2_000);
    await installer.look(3);
    expect(looksUsed()).toEqual([2, 2, 2, 1]);
  });

  test('gives those that send and get nothing back: after 2, 4, 8, 16, 32 looks, and then each 32', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    const asked: number[] = [];
    for (let look = 1; look <= 130; look++) {
      world.leaves(session!);
      await world.clock.advance(2_000);
      if ((await installer.look(10)).length > 0) asked.push(look);
    }
    expect(asked).toEqual([2, 4, 8, 16, 32, 64, 96, 128]);
    world.arrives(session!.ingress[0]!);
    await world.clock.advance(2_000);
    await installer.look(10);
    expect(session!.looksUnanswered).toBe(0);
  });

  test('asks on while the last exchange has failed although nothing more is sent, but not without the ingress ACL', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    world.leaves(session!);
    const look = async (at = installer) => {
      await world.clock.advance(2_000);
      return (await at.look(10)).length;
    };
    expect(await look()).toBe(0);
    expect(await look()).toBe(0);
    expect(session!.looksUnanswered).toBe(1);
    session!.failures = 1;
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    expect(await look()).toBe(1);
    const bare = world.open({ ingressAcl: false });
    const [other] = await establish(bare, [want(1)]);
    for (let i = 0; i < 4; i++) {
      world.leaves(other!);
      expect(await look(bare)).toBe(0);
    }
  });

  test('asks nobody for a session that has no way out, whatever it waited for before', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    await installer.offer([session!], 0);
    Object.assign(session!, { failures: 1, looksUnanswered: 1 });
    await world.clock.advance(2_000);
    expect([await installer.look(10), session!.looksUnanswered]).toEqual([[], 2]);
  });

  test('wakes a dormant session under whose SPI packets come, where there is room', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1, A, B), want(2)]);
    await world.clock.advance(11_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant']);
    await installer.open([5, 6, 7, 8].map((i) => want(i)));
    world.arrives(sessions[0]!.ingress[0]!);
    await world.clock.advance(2_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant']);
    await installer.remove([installer.sessions.get(local(1), remote(5))!]);
    world.arrives(sessions[0]!.ingress[0]!);
    await world.clock.advance(2_000);
    await installer.look(100);
    expect(states(sessions)).toEqual(['idle', 'dormant']);
    expect([sessions[0]!.holder, installer.counters.woken]).toEqual([A, 1]);
  });

  test('takes a session whose entry the device has lost for unused, and the others for what they are', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    await world.clock.advance(11_000);
    world.device.entries.delete(sessions[1]!.ingress[0]!.entry!);
    world.leaves(sessions[2]!);
    await installer.look(100);
    expect(states(sessions)).toEqual(['dormant', 'dormant', 'established']);
  });

  test('fails with the device', async () => {
    const installer = world.open();
    await establish(installer, [want(1)]);
    world.device.failing.add('counters');
    await world.clock.advance(2_000);
    expect(await outcome(installer.look(10))).toBe('DRIVER');
  });

  test('takes a count that begins anew for none, and one that wrapped for what it is', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    world.leaves(session!, (1n << 30n) + 7n);
    await world.clock.advance(2_000);
    await installer.look(10);
    expect([session!.packetsSeen, session!.looksUsed]).toEqual([7, 1]);
    world.device.packets.set(session!.egress!.entry, 0n);
    await world.clock.advance(2_000);
    await installer.look(10);
    expect([session!.packetsSeen, session!.looksUsed]).toEqual([0, 1]);
  });

  test('makes nothing idle after a clock that was set', async () => {
    let nowMs = 1e9;
    world.clock = { ...createVirtualClock(), nowMs: () => nowMs } as never;
    const installer = world.open({ limits: { sessionIdleS: 100 } });
    const [session] = await establish(installer, [want(1)]);
    nowMs += 1e6;
    await installer.look(10);
    nowMs -= 1e7;
    await installer.look(10);
    nowMs += 39_000;
    await installer.look(10);
    expect(session!.state).toBe('established');
    nowMs += 3_000;
    await installer.look(10);
    expect(session!.state).toBe('dormant');
  });
});

describe('a round by itself', () => {
  /** A round over some sessions with a place and some dormant ones; which of them are read in each look, by number. */
  const openRound = (places: number, dormant: number, ingressAcl = true) => {
    const sessions = new SessionTable();
    const inUse = new Set<number>();
    const reads: number[][] = [];
    const woken: number[] = [];
    const numberOf = ({ remoteVip }: Session) => Number(remoteVip.split('.').at(-1));
    const all = Array.from({ length: places + dormant }, (_, i) => {
      const session = newSession(local(1), remote(i + 1), A, A, 0);
      session.egress = {} as never;
      if (i < places) sessions.add(session);
      else sessions.dormant.add(session);
      return session;
    });
    const round = new LookRound({
      sessions,
      use: {
        nowS: 5,
        unused: async (some: readonly Session[]) => {
          reads.push(some.map(numberOf));
          return some.filter((session) => !inUse.has(numberOf(session)));
        },
      } as never,
      places: {
        vacateIdle: async () => {},
        wakeUsed: (session) => woken.push(numberOf(session)),
      },
      ingressAcl,
    });
    const look = async (count: number) => {
      const asked = await round.look(count);
      return { reads: reads.splice(0), asked: asked.map(numberOf) };
    };
    return { all, inUse, woken, look };
  };

  test('goes through all, those with a place first, and begins anew when it has come to the end', async () => {
    const { look } = openRound(4, 2);
    expect((await look(3)).reads).toEqual([[1, 2, 3], []]);
    expect((await look(3)).reads).toEqual([[4], [5, 6]]);
    // Whether that was the end shows at the next look.
    expect((await look(3)).reads).toEqual([[], []]);
    expect((await look(9)).reads).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    expect((await look(1)).reads).toEqual([[1], []]);
  });

  test('gives dormant sessions that are used a place, and no other', async () => {
    const { inUse, woken, look } = openRound(1, 3);
    inUse.add(1).add(3);
    await look(9);
    expect(woken).toEqual([3]);
  });

  test('gives those that have sent and got nothing back, or whose exchange has failed, when it is time', async () => {
    const { all, inUse, look } = openRound(5, 0);
    for (const session of all) session.looksUnanswered = 2;
    inUse.add(1).add(4);
    all[2]!.failures = 1;
    all[3]!.looksUnanswered = 3;
    all[4]!.failures = 1;
    all[4]!.state = 'dormant';
    expect((await look(9)).asked).toEqual([1, 3]);
  });

  test('asks nobody without the ingress ACL, which counts what comes in', async () => {
    const { all, inUse, look } = openRound(1, 0, false);
    all[0]!.looksUnanswered = 2;
    inUse.add(1);
    expect((await look(9)).asked).toEqual([]);
  });
});
