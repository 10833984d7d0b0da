import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fairShare, planRoom } from '../../../../src/gateway/sessions/fair-share.js';
import { type Holder, newSession, OPERATOR, type Session } from '../../../../src/gateway/sessions/session.js';
import { UseOrder } from '../../../../src/gateway/sessions/use-order.js';
import { parseIp } from '../../../../src/packet/address.js';

const HOLDERS: readonly Holder[] = ['192.168.0.1', '192.168.0.2', '192.168.0.3', '192.168.0.4'].map(parseIp);
let made = 0;
const sessionOf = (holder: Holder): Session => {
  made++;
  const remoteVip = parseIp(`10.${(made >> 16) & 255}.${(made >> 8) & 255}.${made & 255}`);
  return newSession(parseIp('192.168.0.9'), remoteVip, {} as never, holder, 0);
};

function orderOf(holders: readonly Holder[]): { order: UseOrder; sessions: Session[] } {
  const order = new UseOrder();
  const sessions = holders.map(sessionOf);
  for (const session of sessions) order.add(session);
  return { order, sessions };
}

const holderArbitrary = fc.constantFrom(...HOLDERS, OPERATOR as Holder);

describe('the order of use', () => {
  test('is that of a list from which what is used is taken and put to the end, for all and for each holder', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), holder: holderArbitrary }),
      fc.record({
        kind: fc.constantFrom('touch' as const, 'found' as const, 'delete' as const),
        at: fc.nat(),
      }),
      fc.record({ kind: fc.constant('next' as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('rewind' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const order = new UseOrder();
        let model: Session[] = [];
        let nowS = 1;
        let roundS = 1;
        // Whoever was there when the round began and was not used since, and has not been looked at.
        let left: Session[] = [];
        const looksUsed = new Map<Session, number>();
        for (const one of steps) {
          nowS++;
          if (one.kind === 'add') {
            const session = sessionOf(one.holder);
            session.usedAtS = nowS;
            order.add(session);
            model.push(session);
          } else if (one.kind === 'rewind') {
            order.rewind();
            roundS = nowS;
            left = [...model];
          } else if (one.kind === 'next') {
            expect(order.next(one.count, roundS)).toEqual(left.splice(0, one.count));
          } else if (model.length > 0) {
            const session = model[one.at % model.length]!;
            model = model.filter((other) => other !== session);
            left = left.filter((other) => other !== session);
            if (one.kind === 'delete') order.delete(session);
            else {
              if (one.kind === 'touch') order.touch(session, nowS);
              else {
                order.foundInUse(session, nowS);
                looksUsed.set(session, (looksUsed.get(session) ?? 0) + 1);
              }
              expect(session.usedAtS).toBe(nowS);
              model.push(session);
            }
          }
          expect([...order]).toEqual(model);
          expect(order.size).toBe(model.length);
          expect(order.oldest).toBe(model[0]);
          for (const holder of [...HOLDERS, OPERATOR] as Holder[]) {
            const held = model.filter((session) => session.holder === holder);
            expect(order.heldBy(holder)).toBe(held.length);
            const proven = (session: Session) => (looksUsed.get(session) ?? 0) >= 2;
            const queue = [...held.filter((session) => !proven(session)), ...held.filter(proven)];
            expect([...order.of(holder)]).toEqual(queue);
          }
          const most = Math.max(0, ...HOLDERS.map((holder) => order.heldBy(holder)));
          expect(order.mostHeld().count).toBe(most);
          const holders = new Map<Holder, number>(order.holders());
          expect(order.holderCount).toBe(holders.size);
          expect(new Set(holders.keys())).toEqual(new Set(model.map(({ holder }) => holder)));
          for (const [holder, count] of holders) expect(count).toBe(order.heldBy(holder));
        }
        order.rewind();
        const all = order.next(model.length + 1, nowS + 1);
        expect(all).toEqual(model);
      }),
    );
  });
});

test('of holders that hold equally much, the one who has held any for longest holds most; the operator never does', () => {
  const first = HOLDERS[0]!;
  const second = HOLDERS[1]!;
  const held: readonly Holder[] = [OPERATOR, OPERATOR, OPERATOR, first, second];
  const { order, sessions } = orderOf(held);
  expect(order.mostHeld()).toEqual({ holder: first, count: 1 });
  order.add(sessionOf(second));
  expect(order.mostHeld()).toEqual({ holder: second, count: 2 });
  order.delete(sessions[3]!);
  order.delete(sessions[4]!);
  expect(order.mostHeld()).toEqual({ holder: second, count: 1 });
  expect(orderOf(held.slice(0, 1)).order.mostHeld()).toEqual({ holder: undefined, count: 0 });
});

describe('who makes room', () => {
  test('nobody within its share loses a session in use, whoever asks for how many; who asks for its share gets it', () => {
    fc.assert(
      fc.property(
        fc.array(holderArbitrary, { minLength: 1, maxLength: 40 }),
        holderArbitrary,
        fc.integer({ min: 1, max: 12 }),
        fc.nat({ max: 5 }),
        fc.nat({ max: 3 }),
        (held, asker, wants, idleCount, free) => {
          const { order, sessions } = orderOf(held);
          const capacity = held.length + free;
          const idle = sessions.slice(0, idleCount);
          const count = (holder: Holder) => sessions.filter((session) => session.holder === holder).length;
          const present = new Set([...held, asker].filter((holder) => holder !== OPERATOR));
          const operatorWill = count(OPERATOR) + (asker === OPERATOR ? wants : 0);
          const victims = planRoom({
            order,
            capacity,
            holders: Array.from({ length: wants }, () => asker),
            idle,
            keep: () => false,
          });
          const left = (holder: Holder) =>
            count(holder) - (victims ?? []).filter(({ session }) => session.holder === holder).length;
          if (victims === undefined) {
            // Only who wants more than its share is refused; the operator's is what the others need not have.
            if (asker !== OPERATOR) {
              const share = Math.floor((capacity - count(OPERATOR)) / present.size);
              expect(count(asker) + wants).toBeGreaterThan(Math.max(0, share));
            }
            return;
          }
          expect(victims.length).toBe(Math.max(0, wants - free));
          expect(new Set(victims.map(({ session }) => session)).size).toBe(victims.length);
          // Idle ones first, oldest first.
          const needed = victims.length;
          expect(victims.slice(0, idleCount).map(({ session }) => session)).toEqual(idle.slice(0, needed));
          for (const { session, reason } of victims.slice(Math.min(idle.length, needed))) {
            const { holder } = session;
            expect(holder).not.toBe(OPERATOR);
            const others = present.size;
            const share = fairShare(capacity, operatorWill, others);
            if (holder === asker) {
              expect(reason).toBe('replaced');
              expect(count(holder) + wants).toBeGreaterThan(share);
              // Nobody else had more than it would have had.
              for (const other of HOLDERS)
                expect(left(other)).toBeLessThanOrEqual(Math.max(share, left(holder) + wants + 1));
            } else {
              expect(reason).toBe('above-share');
              // It keeps its share whole, and was the one with most.
              expect(left(holder)).toBeGreaterThanOrEqual(share);
            }
          }
          // Of each holder those of the oldest use.
          for (const holder of HOLDERS) {
            const inOrder = sessions.filter(
              (session) => session.holder === holder && !idle.includes(session),
            );
            const gone = victims.filter(
              ({ session, reason }) => session.holder === holder && reason !== 'idle-in-full-table',
            );
            expect(gone.map(({ session }) => session)).toEqual(inOrder.slice(0, gone.length));
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  const [A, B, C] = HOLDERS as [Holder, Holder, Holder];
  const times = (count: number, holder: Holder): Holder[] => Array.from({ length: count }, () => holder);
  const plan = (held: Holder[], holders: Holder[], more: Partial<Parameters<typeof planRoom>[0]> = {}) => {
    const { order } = orderOf(held);
    const victims = planRoom({ order, capacity: held.length, holders, idle: [], keep: () => false, ...more });
    return victims?.map(({ session, reason }) => [session.holder, reason]);
  };

  test('a request for sessions of several holders takes from whom it puts above its share, too', () => {
    // B gets a third place and holds more than C, which wants no more than its two.
    expect(plan([...times(4, A), ...times(2, B)], [B, C, C])).toEqual([
      [A, 'above-share'],
      [A, 'above-share'],
      [B, 'above-share'],
    ]);
  });

  test('the operator gets what the others do not need for a share of one each, and pays for nobody', () => {
    expect(plan(times(4, A), [OPERATOR, OPERATOR])).toEqual([
      [A, 'above-share'],
      [A, 'above-share'],
    ]);
    expect(plan([...times(3, A), OPERATOR], [OPERATOR, OPERATOR])).toHaveLength(2);
    expect(plan([...times(3, A), OPERATOR], times(3, OPERATOR))).toBeUndefined();
    expect(plan([A, ...times(3, OPERATOR)], [OPERATOR])).toBeUndefined();
    // It has most when C asks, and B and C have what is left to them.
    expect(plan([...times(4, B), ...times(2, OPERATOR)], [OPERATOR, C, B])).toEqual([
      [B, 'above-share'],
      [B, 'above-share'],
      [B, 'replaced'],
    ]);
  });

  test('who holds most and must keep all of it makes no room for anybody', () => {
    const held = [...times(4, A), ...times(2, B)];
    const { order } = orderOf(held);
    const keep = ({ holder }: Session) => holder === A;
    expect(planRoom({ order, capacity: 6, holders: [C], idle: [], keep })).toBeUndefined();
  });

  describe('one whose sessions are partly always in use', () => {
    /** Two sessions of A on probation, then two that were found in use again and again. */
    const setUp = () => {
      const { order, sessions } = orderOf(times(4, A));
      for (const session of sessions.slice(2)) {
        order.foundInUse(session, 1);
        order.foundInUse(session, 2);
      }
      const [one, other, ...proven] = sessions as [Session, Session, Session, Session];
      const victimsOf = (wants: number, kept: readonly Session[]) =>
        planRoom({
          order,
          capacity: 4,
          holders: times(wants, A),
          idle: [],
          keep: (session) => kept.includes(session),
        })?.map(({ session }) => session);
      return { order, one, other, proven, victimsOf };
    };

    test('pays with those on probation', () => {
      const { one, other, victimsOf } = setUp();
      expect(victimsOf(1, [])).toEqual([one]);
      expect(victimsOf(1, [one])).toEqual([other]);
      expect(victimsOf(2, [])).toEqual([one, other]);
    });

    test('is refused rather than lose one in use while it has, or asks for, another one that was made lately', () => {
      const { one, other, victimsOf } = setUp();
      expect(victimsOf(1, [one, other])).toBeUndefined();
      expect(victimsOf(2, [one])).toBeUndefined();
      expect(victimsOf(3, [])).toBeUndefined();
    });

    test('loses the one in use that was used least lately for a single other one when all are in use', () => {
      const { order, one, other, proven, victimsOf } = setUp();
      for (const session of [one, other]) {
        order.foundInUse(session, 3);
        order.foundInUse(session, 4);
      }
      expect(victimsOf(1, [])).toEqual([proven[0]]);
      expect(victimsOf(2, [])).toBeUndefined();
    });
  });

  test('with free places nobody goes, however many are idle', () => {
    const { order, sessions } = orderOf(times(4, A));
    for (const capacity of [6, 7]) {
      expect(planRoom({ order, capacity, holders: [B, B], idle: sessions, keep: () => false })).toEqual([]);
    }
  });
});
