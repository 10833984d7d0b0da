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

const localVip = parseIp('192.168.0.1');
const remoteVip = parseIp('192.168.0.2');
function sessionWith(egress: number | undefined, ...ingress: (number | undefined)[]): Session {
  const session = newSession(localVip, remoteVip, { name: 'b' } as never, OPERATOR, 0);
  if (egress !== undefined) session.egress = { entry: egress } as never;
  session.ingress = ingress.map((entry) => ({ entry })) as never;
  return session;
}
const counted = (packets: bigint) => ({ packets, octets: 100n * packets });
const named = { localVip, remoteVip, peer: 'b' };

test('are those of its entry on the way out, and of all of its SPIs together on the way in', async () => {
  const sessions = [sessionWith(1, 2, 3), sessionWith(4, 5, undefined), sessionWith(6, 7)];
  expect(await countersOfSessions(deviceWith(1, 2, 3, 4, 5, 6, 7), sessions)).toEqual([
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
  expect(await countersOfSessions(deviceWith(1, 2, 3), sessions)).toEqual([
    { ...named, out: counted(1n), in: undefined },
    { ...named, out: undefined, in: counted(2n) },
    { ...named, out: undefined, in: undefined },
    { ...named, out: counted(3n), in: undefined },
  ]);
});

test('are left out of one session whose entry has gone meanwhile, and of no other', async () => {
  const sessions = [sessionWith(1, 2), sessionWith(8, 3), sessionWith(4, 5)];
  expect(await countersOfSessions(deviceWith(1, 2, 3, 4, 5), sessions)).toEqual([
    { ...named, out: counted(1n), in: counted(2n) },
    { ...named, out: undefined, in: undefined },
    { ...named, out: counted(4n), in: counted(5n) },
  ]);
});

test('fail where the device does', async () => {
  for (const error of [new HalError('SHUTDOWN', 'closed'), new Error('other')]) {
    const broken = { counters: () => Promise.reject(error) } as never;
    await expect(countersOfSessions(broken, [sessionWith(1)])).rejects.toBe(error);
  }
});
