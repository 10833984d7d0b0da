/** When sessions were last used, by their counters and a clock that only goes forward. */
import { beforeEach, describe, expect, test } from 'vitest';
import { newSession, OPERATOR, type Session } from '../../../../src/gateway/sessions/session.js';
import { SessionUse } from '../../../../src/gateway/sessions/session-use.js';
import { UseOrder } from '../../../../src/gateway/sessions/use-order.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { EntryId } from '../../../../src/hal/hal.js';
import { parseIp } from '../../../../src/packet/address.js';

const IDLE_S = 10;
let nowMs: number;
/** Packets of each entry that the device knows. */
let packets: Map<EntryId, bigint>;
/** The entries of each reading of counters. */
let read: EntryId[][];
let failure: Error | undefined;
let order: UseOrder;
let use: SessionUse;

const open = (idleS = IDLE_S) =>
  new SessionUse(
    {
      counters: async (selectors) => {
        const ids = selectors.map((selector) => (selector as { id: EntryId }).id);
        read.push(ids);
        if (failure !== undefined) throw failure;
        return ids.map((id) => {
          const count = packets.get(id);
          if (count === undefined) throw new HalError('NOT_FOUND', 'no such entry');
          return { packets: count, octets: 0n };
        });
      },
    },
    { nowMs: () => nowMs } as never,
    idleS,
  );
const ingressOf = (id: number | undefined) => ({ entry: id, packetsSeen: 0 }) as never;

/** A session of an order: the entry of its route, and those of its SPIs. */
function sessionWith(route: number | undefined, ...spis: (number | undefined)[]): Session {
  const remoteVip = parseIp(`192.168.9.${order.size + 1}`);
  const session = newSession(parseIp('192.168.0.1'), remoteVip, {} as never, OPERATOR, 0);
  if (route !== undefined) session.egress = { entry: route } as never;
  session.ingress = spis.map(ingressOf);
  order.add(session);
  for (const id of [route, ...spis]) if (id !== undefined) packets.set(id as EntryId, 0n);
  return session;
}
const count = (id: number, of: bigint) => packets.set(id as EntryId, of);

beforeEach(() => {
  nowMs = 1e9;
  packets = new Map();
  read = [];
  failure = undefined;
  order = new UseOrder();
  use = open();
});

describe('the clock', () => {
  test('counts seconds from the start, and none that the wall clock jumps', () => {
    expect([use.nowS, use.usedNowS]).toEqual([0, 1]);
    nowMs += 1_999;
    expect(use.nowS).toBe(1);
    nowMs += 1;
    expect(use.nowS).toBe(2);
    nowMs -= 1e6;
    expect(use.nowS).toBe(2);
    nowMs += 60_000;
    expect(use.nowS).toBe(62);
    nowMs += 1e9;
    expect(use.nowS).toBe(122);
  });

  test('makes a session seem idle when it was used so long ago, and none with --idle-timeout 0', () => {
    const session = sessionWith(1);
    session.usedAtS = 2;
    nowMs += 11_999;
    expect(use.seemsIdle(session)).toBe(false);
    nowMs += 1;
    expect(use.seemsIdle(session)).toBe(true);
    expect(open(0).seemsIdle(session)).toBe(false);
  });
});

describe('a look', () => {
  test('reads all entries of the sessions at once, and none where there is none', async () => {
    const sessions = [sessionWith(1, 2, undefined, 3), sessionWith(undefined, 4), sessionWith(5)];
    expect(await use.unused(sessions, order)).toEqual(sessions);
    expect(read).toEqual([[1, 2, 3, 4, 5]]);
    const bare = sessionWith(undefined, undefined);
    expect(await use.unused([bare], order)).toEqual([bare]);
    expect(read).toHaveLength(1);
  });

  test('finds those in use by packets either way, each by its own entries, and puts them to the end', async () => {
    const sessions = [sessionWith(1, 2), sessionWith(3, 4), sessionWith(5, 6, 7), sessionWith(8)];
    count(3, 1n);
    count(6, 2n);
    nowMs += 5_000;
    expect(await use.unused(sessions, order)).toEqual([sessions[0], sessions[3]]);
    expect([...order]).toEqual([sessions[0], sessions[3], sessions[1], sessions[2]]);
    expect(sessions.map(({ usedAtS }) => usedAtS)).toEqual([0, 6, 6, 0]);
    expect(await use.unused(sessions, order)).toEqual(sessions);
    count(7, 1n);
    expect(await use.unused(sessions, order)).not.toContain(sessions[2]);
  });

  test('counts those in a row after which nothing has come back', async () => {
    const session = sessionWith(1, 2);
    const look = async () => {
      await use.unused([session], order);
      return session.looksUnanswered;
    };
    expect(await look()).toBe(0);
    count(1, 1n);
    expect(await look()).toBe(1);
    // Nothing was sent since, and no exchange has failed.
    expect(await look()).toBe(1);
    session.failures = 1;
    expect(await look()).toBe(2);
    count(1, 2n);
    count(2, 1n);
    expect(await look()).toBe(0);
    // A failure alone is no question that is open.
    expect(await look()).toBe(0);
  });

  test('takes a session of whose entries the device knows nothing for unused, and judges the others by theirs', async () => {
    const sessions = [sessionWith(1), sessionWith(2), sessionWith(3)];
    packets.delete(1 as EntryId);
    count(3, 1n);
    expect(await use.unused(sessions, order)).toEqual(sessions.slice(0, 2));
    expect(read).toEqual([[1, 2, 3], [1], [2], [3]]);
  });

  test('fails with the device, and with anything that is no error of the device', async () => {
    const session = sessionWith(1);
    failure = new HalError('IO_FAILED', 'stuck');
    await expect(use.unused([session], order)).rejects.toThrow('stuck');
    failure = Object.assign(new Error('not of the device'), { code: 'NOT_FOUND' });
    await expect(use.unused([session], order)).rejects.toThrow('not of the device');
  });
});
