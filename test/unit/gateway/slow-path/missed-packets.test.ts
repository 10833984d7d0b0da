/** Packets that wait for their session: who gets a place, and for how long. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Holder, newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import { MissedPackets } from '../../../../src/gateway/slow-path/missed-packets.js';
import { parseIp } from '../../../../src/packet/address.js';

const LIMITS = { missedPacketsPerSession: 8, missedPacketsTotal: 32, missedPacketTtlMs: 1000 };
const ip = (last: number) => parseIp(`10.0.0.${last}`);

function sessionOf(holder: number, remote: number): Session {
  return newSession(ip(holder), ip(100 + remote), undefined as never, ip(holder) as Holder, 0);
}
const frame = (number: number) => Uint8Array.of(number >>> 8, number);

test('are kept in order, as many as one session may have', () => {
  const missed = new MissedPackets(LIMITS);
  const session = sessionOf(1, 1);
  const taken = Array.from({ length: 10 }, (_, i) => missed.push(session, frame(i), 0));
  expect(taken).toEqual([...Array(8).fill(true), false, false]);
  expect(missed.waiting(session, 0)).toEqual(Array.from({ length: 8 }, (_, i) => frame(i)));
  missed.shift(session, 3);
  expect(missed.waiting(session, 0)[0]).toEqual(frame(3));
  expect([missed.drop(session), missed.total, missed.overflowed]).toEqual([5, 0, 2]);
});

test('expire for whatever session, also for one that nobody sends to any more', () => {
  const missed = new MissedPackets(LIMITS);
  for (let remote = 0; remote < 5; remote++) missed.push(sessionOf(1, remote), frame(remote), 10 * remote);
  missed.expireAll(1000);
  expect(missed.total).toBe(5);
  missed.expireAll(1025);
  expect([missed.total, missed.expired]).toEqual([2, 3]);
  missed.expireAll(1041);
  expect([missed.total, missed.expired]).toEqual([0, 5]);
});

test('of one holder do not take the places of another that has less than its share', () => {
  const missed = new MissedPackets(LIMITS);
  // One workload, a packet to each of many peers that do not answer.
  for (let remote = 0; remote < 50; remote++) missed.push(sessionOf(1, remote), frame(remote), 0);
  expect([missed.total, missed.overflowed]).toEqual([32, 18]);
  const other = sessionOf(2, 1);
  for (let i = 0; i < 8; i++) expect(missed.push(other, frame(i), 0)).toBe(true);
  expect(missed.countOf(other)).toBe(8);
  expect(missed.total).toBe(32);
  // Up to half of all, then it is the one that has most.
  const more = [2, 3, 4].map((remote) => sessionOf(2, remote));
  const taken = more.flatMap((session) =>
    Array.from({ length: 8 }, (_, i) => missed.push(session, frame(i), 0)),
  );
  expect(taken.filter(Boolean)).toHaveLength(8);
});

test('whatever comes, counts agree, limits hold, and a holder within its share is never refused', () => {
  const step = fc.record({
    holder: fc.integer({ min: 1, max: 4 }),
    remote: fc.integer({ min: 1, max: 6 }),
    act: fc.constantFrom('push', 'push', 'push', 'push', 'shift', 'drop', 'wait'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const missed = new MissedPackets(LIMITS);
      const sessions = new Map<string, Session>();
      let nowMs = 0;
      let pushed = 0;
      let taken = 0;
      const held = (holder: number) =>
        [...sessions.values()]
          .filter((session) => session.holder === ip(holder))
          .reduce((sum, session) => sum + missed.countOf(session), 0);
      for (const { holder, remote, act } of steps) {
        const key = `${holder} ${remote}`;
        const session = sessions.get(key) ?? sessionOf(holder, remote);
        sessions.set(key, session);
        if (act === 'push') {
          missed.expireAll(nowMs);
          const others = [1, 2, 3, 4].filter((one) => one === holder || held(one) > 0).length;
          const within = (held(holder) + 1) * others <= LIMITS.missedPacketsTotal;
          const room = missed.countOf(session) < LIMITS.missedPacketsPerSession;
          const got = missed.push(session, frame(pushed++), nowMs);
          if (within && room) expect(got).toBe(true);
        } else if (act === 'shift') {
          taken += Math.min(2, missed.countOf(session));
          missed.shift(session, 2);
        } else if (act === 'drop') taken += missed.drop(session);
        else nowMs += 300;
        const counts = [...sessions.values()].map((one) => missed.countOf(one));
        expect(missed.total).toBe(counts.reduce((sum, count) => sum + count, 0));
        expect(missed.total).toBeLessThanOrEqual(LIMITS.missedPacketsTotal);
        expect(missed.total + taken + missed.overflowed + missed.expired).toBe(pushed);
      }
    }),
  );
});
