/** Counters of sessions, as --stat-print shows them. */
import { expect, test } from 'vitest';
import { newSession, OPERATOR, type Session } from '../../../../src/gateway/sessions/session.js';
import { countersOfSessions } from '../../../../src/gateway/sessions/session-counters.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { PipeHal } from '../../../../src/hal/hal.js';
import { parseIp } from '../../../../src/packet/address.js';

/** A device that has these entries; entry n has carried n packets of 100 octets. */
function deviceWith(...ids: number[]): PipeHal {
  return {
    counters: async (selectors: readonly { id: number }[]) =>
      selectors.map(({ id }) => {
        if (!ids.includes(id)) throw new HalError('NOT_FOUND', 'no such entry');
        return { packets: BigInt(id), octets: BigInt(100 * id) };
      }),
  } as never;
}

let nowMs = 7_000;
const clock = { nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) };
const localVip = parseIp('192.168.0.1');
const remoteVip = parseIp('192.168.0.2');
function sessionWith(egress: number | undefined, ...ingress: (number | undefined)[]): Session {
  const session = newSession(localVip, remoteVip, { name: 'b' } as never, OPERATOR, 0);
  if (egress !== undefined) session.egress = { entry: egress } as never;
  session.ingress = ingress.map((entry) => ({ entry, packetsRead: 0 })) as never;
  return session;
}
const counted = (packets: bigint) => ({ packets, octets: 100n * packets });
const named = { localVip, remoteVip, peer: 'b' };

test('are those of its entry on the way out, and of all of its SPIs together on the way in', async () => {
  const sessions = [sessionWith(1, 2, 3), sessionWith(4, 5, undefined), sessionWith(6, 7)];
  expect(await countersOfSessions(deviceWith(1, 2, 3, 4, 5, 6, 7), clock, sessions)).toEqual([
    { ...named, out: counted(1n), in: counted(5n) },
    { ...named, out: counted(4n), in: counted(5n) },
    { ...named, out: counted(6n), in: counted(7n) },
  ]);
});

test('are undefined, and not zero, where there is no entry that way', async () => {
  const sessions = [
    sessionWith(1),
    sessionWith(undefined, 2),
    sessionWith(undefined),
    sessionWith(3, undefined),
  ];
  expect(await countersOfSessions(deviceWith(1, 2, 3), clock, sessions)).toEqual([
    { ...named, out: counted(1n), in: undefined },
    { ...named, out: undefined, in: counted(2n) },
    { ...named, out: undefined, in: undefined },
    { ...named, out: counted(3n), in: undefined },
  ]);
});

test('are left out of one session whose entry has gone meanwhile, and of no other', async () => {
  const sessions = [sessionWith(1, 2), sessionWith(8, 3), sessionWith(4, 5)];
  expect(await countersOfSessions(deviceWith(1, 2, 3, 4, 5), clock, sessions)).toEqual([
    { ...named, out: counted(1n), in: counted(2n) },
    { ...named, out: undefined, in: undefined },
    { ...named, out: counted(4n), in: counted(5n) },
  ]);
});

test('fail where the device does', async () => {
  for (const error of [new HalError('SHUTDOWN', 'closed'), new Error('other')]) {
    const broken = { counters: () => Promise.reject(error) } as never;
    await expect(countersOfSessions(broken, clock, [sessionWith(1)])).rejects.toBe(error);
  }
});

test('tell of each read whether packets have come since anybody read before, however many SPIs there are', async () => {
  const session = sessionWith(1, 2, 3);
  const counts: Record<number, bigint> = { 1: 9n, 2: 0n, 3: 0n };
  const device = {
    counters: async (selectors: readonly { id: number }[]) =>
      selectors.map(({ id }) => ({ packets: counts[id]!, octets: 0n })),
  } as never;
  const receivedAfter = async (change: Partial<typeof counts>) => {
    Object.assign(counts, change);
    nowMs += 10_000;
    await countersOfSessions(device, clock, [session]);
    return session.receivedAtS;
  };
  nowMs = 0;
  expect(await receivedAfter({})).toBe(0);
  expect(await receivedAfter({ 3: 4n })).toBe(20);
  // What leaves is nothing of the peer's, and neither is a counter that begins anew.
  expect(await receivedAfter({ 1: 99n })).toBe(20);
  expect(await receivedAfter({ 3: 0n })).toBe(20);
  expect(await receivedAfter({ 3: 5n })).toBe(50);
  session.ingress = session.ingress.slice(0, 1);
  expect(await receivedAfter({})).toBe(50);
  expect(await receivedAfter({ 2: 1n })).toBe(70);
});

test('of many sessions are read in few calls', async () => {
  let calls = 0;
  const device = {
    counters: async (selectors: readonly unknown[]) => {
      calls++;
      return selectors.map(() => ({ packets: 1n, octets: 2n }));
    },
  } as never;
  const sessions = Array.from({ length: 1000 }, () => sessionWith(1, 2));
  expect(await countersOfSessions(device, clock, sessions)).toHaveLength(1000);
  expect(calls).toBeLessThan(10);
});
