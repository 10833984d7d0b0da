/** Places in the table: who gets one, who loses one, and what becomes of those that do; through the installer, and by themselves. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionSpi } from '../../../../src/gateway/sessions/ingress-spis.js';
import { SLOT_REST_MS } from '../../../../src/gateway/sessions/key-slots.js';
import { Places, type Wanted } from '../../../../src/gateway/sessions/places.js';
import type { Session } from '../../../../src/gateway/sessions/session.js';
import { type Holder, OPERATOR } from '../../../../src/gateway/sessions/session.js';
import { SessionTable } from '../../../../src/gateway/sessions/session-table.js';
import type { UseOrder } from '../../../../src/gateway/sessions/use-order.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { IpAddress } from '../../../../src/packet/address.js';
import {
  A,
  B,
  C,
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

describe('opening sessions', () => {
  test('gives each pair its session, made or known, and nothing of the device for IPv4', async () => {
    const installer = world.open();
    const [one] = await installer.open([want(1)]);
    const again = await installer.open([want(2), want(1), want(2)]);
    expect(again).toEqual([installer.sessions.get(local(1), remote(2)), one, again[0]]);
    expect(installer.sessions.size).toBe(2);
    expect(one).toMatchObject({ state: 'idle', peer: A, holder: A, usedAtS: 1 });
    expect(world.device.calls).toEqual([]);
  });

  test('gives a local address of IPv6 its entries once, and takes them back with the last session', async () => {
    const installer = world.open();
    const [one, two] = await installer.open([want(1, A, A, 6), want(2, A, A, 6)]);
    expect(world.device.pipes).toEqual(['EGR_VIP_IPV6', 'INGR_VIP_IPV6']);
    await installer.remove([one!]);
    expect(world.device.pipes).toHaveLength(2);
    await installer.remove([two!]);
    expect(world.device.pipes).toEqual([]);
  });

  test('that the device refuses makes none of them', async () => {
    const installer = world.open();
    world.device.refuse = (operation) =>
      operation.operation === 'add' && operation.pipe === 'INGR_VIP_IPV6' && world.device.entries.size > 2
        ? new HalError('FULL', 'full')
        : undefined;
    const second = { ...want(1, A, A, 6), localVip: local(2, 6) };
    expect(await outcome(installer.open([want(1, A, A, 6), second]))).toBe('FULL');
    expect([installer.sessions.size, world.device.pipes]).toEqual([0, []]);
    expect(await outcome(installer.open([want(1, A, A, 6)]))).toBe('done');
  });

  test('of more than there are places for is refused, and nothing changes', async () => {
    const installer = world.open();
    const sessions = await establish(installer, [want(1)]);
    expect(await outcome(installer.open([2, 3, 4, 5, 6].map((i) => want(i))))).toBe('RESOURCE_EXHAUSTED');
    expect(installer.counters).toMatchObject({ refused: 5, refusedTooFast: 0 });
    expect(states(sessions)).toEqual(['established']);
    expect(await outcome(installer.open([1, 2, 3, 4].map((i) => want(i))))).toBe('done');
  });

  test('makes room in a full table: of the same holder the session that was used longest ago goes', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    world.told.length = 0;
    await installer.open([want(5)]);
    expect(states(sessions)).toEqual(['dormant', 'established', 'established', 'established']);
    expect(sessions[0]!.egress).toBeUndefined();
    expect(installer.counters).toMatchObject({ replaced: 1, aboveShare: 0, idleInFullTable: 0 });
    expect(world.told).toEqual([`replaced ${remote(1)}`]);
    expect(world.events.at(-1)).toEqual({
      type: 'session-removed',
      peer: A.name,
      reason: 'replaced',
      holder: A.name,
      localVip: local(1),
      remoteVip: remote(1),
    });
    expect(installer.sessions.get(local(1), remote(1))).toBe(sessions[0]);
    expect([installer.sessions.size, installer.sessions.dormant.size]).toEqual([4, 1]);
    // Its way out is gone, and the peer may send under its SPI still.
    expect(world.device.pipes.filter((pipe) => pipe === 'EGR_ACL_IPV4')).toHaveLength(3);
    expect(world.device.pipes.filter((pipe) => pipe === 'INGR_ACL_IPV4')).toHaveLength(4);
  });

  test('takes the room from a holder that has more than its share', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5, B)]);
    expect(states(sessions).filter((state) => state === 'dormant')).toHaveLength(1);
    expect(installer.counters).toMatchObject({ replaced: 0, aboveShare: 1 });
    expect(installer.share).toBe(2);
  });

  test('takes no place of a session that the request is about', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(1), want(5)]);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established', 'established']);
  });

  test('takes no place of a session that is being granted, until it is', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    const [granted] = await installer.open([want(4)], true);
    await installer.open([want(4)], true);
    await installer.granted([granted!]);
    expect(await outcome(installer.open([5, 6, 7].map((i) => want(i))))).toBe('done');
    expect(states([...sessions, granted!])).toEqual(['dormant', 'dormant', 'dormant', 'idle']);
    expect(await outcome(installer.open([8, 9, 10, 11].map((i) => want(i))))).toBe('RESOURCE_EXHAUSTED');
    installer.granted([granted!]);
    expect(await outcome(installer.open([8, 9, 10, 11].map((i) => want(i))))).toBe('done');
    expect(granted!.state).toBe('removed');
  });

  test('replaces sessions of its own no faster than it may', async () => {
    const installer = world.open({ limits: { sessionReplacementsPerSecond: 2 } });
    await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    for (const number of [5, 6]) await installer.open([want(number)]);
    expect(installer.mayTakePlace(A)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 1 });
    expect(await outcome(installer.open([want(7)]))).toBe('RESOURCE_EXHAUSTED');
    expect(installer.counters).toMatchObject({ refused: 2, refusedTooFast: 2, replaced: 2 });
    await world.clock.advance(500);
    expect(installer.mayTakePlace(A)).toBe(true);
    expect(await outcome(installer.open([want(7)]))).toBe('done');
  });

  test('takes places of idle sessions first, but not of those of which packets came since', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10 } });
    const sessions = await establish(installer, [want(1), want(2), want(3, B), want(4, B)]);
    await world.clock.advance(11_000);
    world.arrives(sessions[0]!.ingress[0]!);
    world.leaves(sessions[2]!);
    expect(installer.mayTakePlace(A)).toBe(true);
    await installer.open([want(5), want(6)]);
    expect(states(sessions)).toEqual(['established', 'dormant', 'established', 'dormant']);
    expect(installer.counters).toMatchObject({ idleInFullTable: 2, replaced: 0, aboveShare: 0 });
  });

  test('finds idle ones also when most of those it looks at are in use', async () => {
    const installer = world.open({ maxTunnels: 8, limits: { sessionIdleS: 10 } });
    const sessions = await establish(
      installer,
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => want(i)),
    );
    await world.clock.advance(11_000);
    for (const session of sessions.slice(0, 3)) world.leaves(session);
    await installer.open([want(9)]);
    expect(states(sessions)[3]).toBe('dormant');
    expect(installer.counters.idleInFullTable).toBe(1);
  });

  test('wakes a session that has lost its place, with what it had', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5)]);
    sessions[0]!.asking = true;
    await world.clock.advance(3_000);
    const [woken] = await installer.open([want(1, B)]);
    expect(woken).toBe(sessions[0]);
    expect(woken).toMatchObject({ state: 'requesting', peer: B, holder: B, usedAtS: 4 });
    expect(woken!.ingress).toHaveLength(1);
    expect(installer.counters.woken).toBe(1);
    expect([...installer.sessions].at(-1)).toBe(woken);
    expect(installer.sessions.dormant.size).toBe(1);
  });

  test('lets no more sessions sleep than there are places; of the holder that has most the oldest goes', async () => {
    const installer = world.open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2)]);
    await establish(
      installer,
      [3, 4].map((i) => want(i)),
    );
    expect(installer.sessions.dormant.size).toBe(2);
    await world.clock.advance(SLOT_REST_MS);
    await establish(installer, [want(5)]);
    expect(installer.counters.dormantDropped).toBe(1);
    expect([installer.sessions.dormant.size, first!.state]).toEqual([2, 'removed']);
    expect(installer.sessions.get(local(1), remote(1))).toBeUndefined();
    expect(world.device.pipes.filter((pipe) => pipe === 'INGR_ACL_IPV4')).toHaveLength(4);
  });

  test('does not keep sessions under which nothing can come in', async () => {
    const installer = world.open({ ingressAcl: false });
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    expect(sessions[0]!.ingress[0]).not.toHaveProperty('entry');
    await installer.open([want(5)]);
    expect(states(sessions)[0]).toBe('removed');
    expect(installer.sessions.dormant.size).toBe(0);
    expect(world.events.filter(({ type }) => type === 'session-removed')).toHaveLength(1);
  });

  test('fails when the device does not let go of a way out: that session stays, with all it has', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    expect(await outcome(installer.open([want(5)]))).toBe('IO_FAILED');
    expect(states(sessions)).toEqual(['established', 'established', 'established', 'established']);
    expect(sessions[0]!.egress).toBeDefined();
    expect(world.told.at(-1)).toBe(`stays ${remote(1)}`);
    expect(installer.counters.replaced).toBe(0);
    world.device.refuse = () => undefined;
    world.device.failing.add('apply');
    expect(await outcome(installer.open([want(5)]))).toBe('DRIVER');
    expect(sessions[0]!.egress).toBeDefined();
    world.device.failing.clear();
    // What is not there need not be removed.
    world.device.entries.delete(sessions[0]!.egress!.entry);
    expect(await outcome(installer.open([want(5)]))).toBe('done');
    expect(states(sessions)[0]).toBe('dormant');
  });
});

describe('whether a holder may have another place', () => {
  test('is so while there is room, or a session that seems idle', async () => {
    const installer = world.open({ limits: { sessionIdleS: 10, sessionReplacementsPerSecond: 0.001 } });
    await establish(
      installer,
      [1, 2, 3].map((i) => want(i)),
    );
    expect(installer.mayTakePlace(A)).toBe(true);
    await establish(installer, [want(4)]);
    expect(installer.mayTakePlace(A)).toBe(false);
    await world.clock.advance(12_000);
    expect(installer.mayTakePlace(A)).toBe(true);
  });

  test('is so within its share, and not when it would take from others what is theirs', async () => {
    const installer = world.open({ limits: { sessionReplacementsPerSecond: 0.001 } });
    await establish(installer, [want(1), want(2), want(3), want(4, B)]);
    expect(installer.mayTakePlace(B)).toBe(true);
    expect(installer.mayTakePlace(C)).toBe(true);
    expect(installer.mayTakePlace(A)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 1 });
  });

  const SCARCE = { sessionReplacementsPerSecond: 0.001 };
  test.each([
    // Who holds the four places, who asks, and whether it is so although nobody may replace a session of its own.
    { held: [A, A, B, B], asks: C, may: true },
    { held: [A, A, A, B], asks: B, may: true },
    { held: [A, A, A, B], asks: A, may: false },
    { held: [A, A, B, B], asks: B, may: false },
    { held: [A, A, B, C], asks: B, may: false },
    { held: [A, A, A, OPERATOR], asks: B, may: true },
    { held: [A, A, OPERATOR, OPERATOR], asks: B, may: true },
    { held: [A, OPERATOR, OPERATOR, OPERATOR], asks: B, may: false },
    { held: [A, OPERATOR, OPERATOR, OPERATOR], asks: OPERATOR, may: false },
  ] as { held: Holder[]; asks: Holder; may: boolean }[])(
    'is $may in case $#',
    async ({ held, asks, may }) => {
      const installer = world.open({ limits: SCARCE });
      await establish(
        installer,
        held.map((holder, i) => want(i + 1, A, holder)),
      );
      expect(installer.mayTakePlace(asks)).toBe(may);
      expect(installer.counters.refused).toBe(may ? 0 : 1);
      // What it says comes true.
      expect(await outcome(installer.open([want(9, A, asks)]))).toBe(may ? 'done' : 'RESOURCE_EXHAUSTED');
    },
  );

  test('shares what the operator does not hold among the others', async () => {
    const installer = world.open({ maxTunnels: 7 });
    await establish(installer, [want(1, A, OPERATOR), want(2, A), want(3, B)]);
    expect(installer.share).toBe(3);
    await establish(installer, [want(4, C)]);
    expect(installer.share).toBe(2);
  });

  test('is not so when the operator has all', async () => {
    const installer = world.open();
    await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i, A, OPERATOR)),
    );
    expect(installer.share).toBe(1);
    expect(installer.mayTakePlace(B)).toBe(false);
    expect(installer.counters).toMatchObject({ refused: 1, refusedTooFast: 0 });
  });
});

describe('removing sessions', () => {
  test('takes all of them that are still unwanted out of the device, dormant ones too', async () => {
    const installer = world.open();
    const sessions = await establish(
      installer,
      [1, 2, 3, 4].map((i) => want(i)),
    );
    await installer.open([want(5)]);
    world.told.length = 0;
    await installer.remove(sessions, ({ remoteVip }) => remoteVip !== remote(4));
    expect(states(sessions)).toEqual(['removed', 'removed', 'removed', 'established']);
    expect(world.told).toEqual([1, 2, 3].map((i) => `removed ${remote(i)}`));
    expect(world.events.filter(({ type }) => type === 'session-removed').slice(1)).toEqual(
      [2, 3].map((i) => ({
        type: 'session-removed',
        peer: A.name,
        holder: A.name,
        localVip: local(1),
        remoteVip: remote(i),
      })),
    );
    await installer.remove(sessions);
    expect([world.device.pipes, world.device.keys.size, installer.keySlotsUsed]).toEqual([[], 0, 0]);
    expect(world.told).toHaveLength(4);
    expect(installer.doomedSpis).toBe(0);
  });

  test('fails when the device does not let go, and can be asked for again', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    expect(await outcome(installer.remove([session!]))).toBe('IO_FAILED');
    expect(session!.state).toBe('established');
    world.device.refuse = () => undefined;
    expect(await outcome(installer.remove([session!]))).toBe('done');
  });
});

describe('places by themselves', () => {
  let sessions: SessionTable;
  let idle: Set<Session>;
  let inUse: Set<Session>;
  /** The sessions of each look at counters, by the last octet of their remote address. */
  let looks: number[][];
  let steps: string[];
  const numberOf = ({ remoteVip }: Session) => Number(remoteVip.split('.').at(-1));

  const openPlaces = (
    maxTunnels: number,
    entriesLeft = 0,
    localVips = { acquire: async (_: IpAddress) => {}, release: async (_: IpAddress) => {} },
  ) => {
    sessions = new SessionTable();
    [idle, inUse, looks, steps] = [new Set(), new Set(), [], []];
    const spis = {
      aclEntries: 0,
      close: async (closing: readonly SessionSpi[]) => {
        steps.push(`close ${closing.length}`);
        spis.aclEntries -= closing.length;
      },
      placeGained: (session: Session) => steps.push(`gained ${numberOf(session)}`),
      placeLost: (session: Session) => steps.push(`lost ${numberOf(session)}`),
    };
    const places = new Places({
      clock: world.clock,
      sessions,
      use: {
        usedNowS: 1,
        seemsIdle: (session: Session) => idle.has(session),
        unused: async (some: readonly Session[], order: UseOrder) => {
          looks.push(some.map(numberOf));
          for (const session of some) if (inUse.has(session)) order.foundInUse(session, 9);
          return some.filter((session) => !inUse.has(session));
        },
      } as never,
      routes: {
        remove: async (some) => {
          steps.push(`routes ${some.map(numberOf).join(' ')}`);
          return undefined;
        },
      },
      spis,
      localVips,
      entriesLeft: () => entriesLeft,
      maxTunnels,
      deviceKeySlots: 1000,
      replacementsPerSecond: 100,
      observe: (event) => world.events.push(event),
      sessionListener: { onVacated: (session, reason) => world.told.push(`${reason} ${numberOf(session)}`) },
    });
    return { places, spis };
  };
  const some = (count: number, from = 1) => Array.from({ length: count }, (_, i) => want(from + i));
  /** Sessions with an SPI each, which keeps one that loses its place. */
  const fill = async (places: Places, wanted: readonly Wanted[]) => {
    const all = await places.open(wanted);
    for (const session of all) session.ingress = [{ entry: 7 } as never];
    return all;
  };

  test('look at no counters, and take nothing away, while there is room', async () => {
    const { places } = openPlaces(3);
    await fill(places, some(2));
    await places.open(some(1, 3));
    expect([looks, steps]).toEqual([[], []]);
  });

  test('look at as many idle sessions as have to go, oldest first, and at others in place of those in use', async () => {
    const { places } = openPlaces(6);
    const all = await fill(places, some(6));
    for (const session of all.slice(0, 5)) idle.add(session);
    inUse.add(all[1]!);
    const reasons = () => world.told.splice(0);
    await places.open(some(2, 11));
    expect(looks).toEqual([[1, 2], [3]]);
    expect(reasons()).toEqual(['idle-in-full-table 1', 'idle-in-full-table 3']);
  });

  test('look a few times only where all that seem idle are in use', async () => {
    const { places } = openPlaces(8);
    const all = await fill(places, some(8));
    for (const session of all) {
      idle.add(session);
      inUse.add(session);
    }
    await places.open(some(1, 11));
    expect(looks).toEqual([[1], [2], [3], [4]]);
    expect(world.told).toEqual(['replaced 5']);
  });

  test('look at none where no idle session may go, nor for more than there are places', async () => {
    const { places } = openPlaces(2);
    const all = await fill(places, some(2));
    for (const session of all) {
      idle.add(session);
      places.grants(session, 1);
    }
    expect(await outcome(places.open(some(1, 11)))).toBe('RESOURCE_EXHAUSTED');
    for (const session of all) places.grants(session, -1);
    expect(await outcome(places.open(some(3, 11)))).toBe('RESOURCE_EXHAUSTED');
    expect([looks, steps]).toEqual([[], []]);
    // As many as there are places find room where all are idle.
    expect(await outcome(places.open(some(2, 11)))).toBe('done');
    expect(world.told).toEqual(['idle-in-full-table 1', 'idle-in-full-table 2']);
  });

  test('call for nothing where none of the unused is idle', async () => {
    const { places } = openPlaces(2);
    await places.vacateIdle(await fill(places, some(2)));
    expect(steps).toEqual([]);
  });

  test('end dormant sessions where entries that the device would not take back need the room', async () => {
    const { places, spis } = openPlaces(2, 3);
    const all = await fill(
      places,
      some(2).map((one) => ({ ...one, holder: OPERATOR })),
    );
    for (const session of all) {
      sessions.order.delete(session);
      session.state = 'dormant';
      sessions.dormant.add(session);
    }
    // 8 entries in all: 3 are left, 4 are used.
    spis.aclEntries = 4;
    await places.dropDormantForAcl(1);
    expect(sessions.dormant.size).toBe(2);
    await places.dropDormantForAcl(2);
    // Of the operator's, who holds all, the one that was used longest ago.
    expect([...sessions.dormant]).toEqual([all[1]]);
    expect([world.told, steps]).toEqual([['removed 1'], ['routes 1', 'close 1']]);
    await places.dropDormantForAcl(9);
    expect([sessions.dormant.size, places.counters.dormantDropped]).toEqual([0, 2]);
  });

  test('tell who is gone, and why where there is a reason', async () => {
    const { places } = openPlaces(2);
    const [one, two] = await fill(places, some(2));
    await places.remove(one!);
    expect(steps).toEqual(['routes 1', 'lost 1', 'close 1']);
    await places.remove(two!, 'idle');
    const pair = (number: number) => ({
      peer: A.name,
      holder: A.name,
      localVip: local(1),
      remoteVip: remote(number),
    });
    expect(world.events).toStrictEqual([
      { type: 'session-removed', ...pair(1) },
      { type: 'session-removed', reason: 'idle', ...pair(2) },
    ]);
    expect(world.told).toEqual(['removed 1', 'idle 2']);
  });

  test('give back the local addresses that were taken when one is refused, and no other', async () => {
    const acquired: IpAddress[] = [];
    const released: IpAddress[] = [];
    const { places } = openPlaces(4, 0, {
      acquire: async (ip) => {
        if (acquired.push(ip) === 3) throw new HalError('FULL', 'full');
      },
      release: async (ip) => void released.push(ip),
    });
    const wanted = [1, 2, 3].map((number) => ({ ...want(number), localVip: local(number) }));
    expect(await outcome(places.open(wanted))).toBe('FULL');
    expect([released, sessions.size]).toEqual([[local(1), local(2)], 0]);
  });
});
