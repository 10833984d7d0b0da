/** One session's states, and the table of all sessions. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Peer } from '../../../../src/gateway/peers.js';
import {
  type Holder,
  hasPlace,
  holderText,
  mayAsk,
  newSession,
  nextState,
  OPERATOR,
  type Session,
  type SessionEvent,
  type SessionState,
  transition,
} from '../../../../src/gateway/sessions/session.js';
import { SessionTable } from '../../../../src/gateway/sessions/session-table.js';
import { parseIp } from '../../../../src/packet/address.js';

const PEER = { name: '10.0.0.2:3000' } as Peer;
const LOCAL = parseIp('192.168.1.1');
const REMOTE = parseIp('192.168.1.2');
const STATES: readonly SessionState[] = [
  'idle',
  'requesting',
  'backing-off',
  'established',
  'dormant',
  'removed',
];
const EVENTS: readonly SessionEvent[] = ['request', 'established', 'failed', 'vacated', 'woken', 'removed'];

const sessionOf = (localVip = LOCAL, remoteVip = REMOTE): Session =>
  newSession(localVip, remoteVip, PEER, OPERATOR, 7);
const inState = (state: SessionState): Session => Object.assign(sessionOf(), { state });

/** The table that the module's comment shows to people: state, event, next state. */
function documentedTransitions(): string[] {
  const source = readFileSync(
    new URL('../../../../src/gateway/sessions/session.ts', import.meta.url),
    'utf8',
  );
  const rows = [...source.matchAll(/^ \* {5}(\S[^|]*?) *\| (\S+) +\| (\S+)/gm)].map((row) => row.slice(1));
  const named = rows.filter(([, event]) => EVENTS.some((one) => one === event));
  const common = named.flatMap(([state, event]) =>
    event === 'vacated' && state === 'any of these' ? [event] : [],
  );
  expect(common).toEqual(['vacated']);
  const beforeCommon = new Set(
    named
      .slice(
        0,
        named.findIndex(([, event]) => event === 'vacated'),
      )
      .map(([state]) => state),
  );
  return named
    .flatMap(([state, event, next]) => {
      const states =
        state === 'any'
          ? STATES.filter((one) => one !== 'removed')
          : state === 'any of these'
            ? [...beforeCommon]
            : [state];
      return states.map((one) => `${one} + ${event} = ${next}`);
    })
    .sort();
}

describe('a session', () => {
  test('goes from state to state as the table in its file says, and no other way', () => {
    const found = STATES.flatMap((state) =>
      EVENTS.flatMap((event) => {
        const next = nextState(state, event);
        const session = inState(state);
        if (next === undefined) {
          expect(() => transition(session, event)).toThrow(`session event ${event} in state ${state}`);
          expect(session.state).toBe(state);
          return [];
        }
        transition(session, event);
        expect(session.state).toBe(next);
        return `${state} + ${event} = ${next}`;
      }),
    );
    expect(found.sort()).toEqual(documentedTransitions());
  });

  test('that is new is of the family of its addresses, and has nothing yet', () => {
    expect(sessionOf()).toMatchObject({
      family: 4,
      state: 'idle',
      ingress: [],
      egress: undefined,
      asking: false,
      holder: OPERATOR,
      usedAtS: 7,
    });
    expect(sessionOf(parseIp('fd00::1'), parseIp('fd00::2')).family).toBe(6);
  });

  test('has a place in the table unless it is dormant or removed', () => {
    expect(STATES.filter((state) => hasPlace(inState(state)))).toEqual([
      'idle',
      'requesting',
      'backing-off',
      'established',
    ]);
  });

  test('may ask its peer when nothing is under way, and when it has a way to an answer', () => {
    expect(STATES.filter((state) => mayAsk(inState(state)))).toEqual(['idle', 'backing-off', 'established']);
    for (const state of STATES) expect(mayAsk(Object.assign(inState(state), { asking: true }))).toBe(false);
  });

  test('tells people whose place it has', () => {
    const holders: readonly Holder[] = [OPERATOR, PEER, LOCAL];
    expect(holders.map(holderText)).toEqual(['operator', '10.0.0.2:3000', '192.168.1.1']);
  });
});

describe('the table of sessions', () => {
  const other = parseIp('192.168.1.3');

  test('finds a session by its pair, in this direction only', () => {
    const table = new SessionTable();
    const [one, two] = [sessionOf(), sessionOf(LOCAL, other)];
    table.add(one);
    table.add(two);
    expect([table.get(LOCAL, REMOTE), table.get(LOCAL, other)]).toEqual([one, two]);
    expect([table.get(REMOTE, LOCAL), table.get(LOCAL, LOCAL)]).toEqual([undefined, undefined]);
    expect([...table]).toEqual([one, two]);
  });

  test('counts those that have a place, and still finds those that are dormant', () => {
    const table = new SessionTable();
    const [one, two] = [sessionOf(), sessionOf(LOCAL, other)];
    table.add(one);
    table.add(two);
    table.order.delete(one);
    table.dormant.add(one);
    expect([table.size, [...table], table.get(LOCAL, REMOTE)]).toEqual([1, [two], one]);
    table.delete(one, table.dormant);
    expect([table.size, table.dormant.size, table.get(LOCAL, REMOTE)]).toEqual([1, 0, undefined]);
    expect(table.get(LOCAL, other)).toBe(two);
    table.delete(two, table.order);
    expect([table.size, table.get(LOCAL, other)]).toEqual([0, undefined]);
    table.add(one);
    expect(table.get(LOCAL, REMOTE)).toBe(one);
  });
});
