/** What is kept of troubles for the diagnosis, and for how long. */
import { expect, test } from 'vitest';
import {
  RecentTroubles,
  TROUBLE_MS,
  TROUBLES_MAX,
} from '../../../../src/gateway/diagnosis/recent-troubles.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import { parseIp } from '../../../../src/packet/address.js';

function kept() {
  let nowMs = 0;
  const troubles = new RecentTroubles({ nowMs: () => nowMs, setTimer: () => ({ cancel() {} }) });
  return { troubles, later: (ms: number) => (nowMs += ms) };
}
const dropped = (destination: string, source = '10.0.0.1'): GatewayEvent => ({
  type: 'packet-refused',
  reason: 'no peer owns the destination',
  source: parseIp(source),
  destination: parseIp(destination),
});
const refused = (from: string): GatewayEvent => ({
  type: 'request-refused',
  from,
  method: 'RequestTunnelParams',
  code: 'PERMISSION_DENIED',
  reason: 'no',
});

test('one for each kind and whom it is about, the last one last, until a minute after the last', () => {
  const { troubles, later } = kept();
  for (const event of [refused('10.0.0.2:1'), refused('10.0.0.3:1'), refused('10.0.0.2:2')])
    troubles.observe(event);
  const about = () => troubles.of('request-refused').map(({ event, count }) => [event.from, count]);
  expect(about()).toEqual([
    ['10.0.0.3:1', 1],
    ['10.0.0.2:2', 2],
  ]);
  later(TROUBLE_MS - 1);
  troubles.observe(refused('10.0.0.3:7'));
  later(1);
  expect(about()).toEqual([['10.0.0.3:7', 2]]);
  later(TROUBLE_MS);
  expect(about()).toEqual([]);
});

test('peers behind one address are told apart: none hides behind another that was refused once', () => {
  const { troubles } = kept();
  const rotation: GatewayEvent = {
    type: 'rotation-refused',
    from: '10.0.0.2:1',
    code: 'PERMISSION_DENIED',
    reason: 'no',
  };
  for (const peer of ['c', 'c', 'b']) {
    troubles.observe({ ...refused('10.0.0.2:1'), peer } as GatewayEvent);
    troubles.observe({ ...rotation, peer });
  }
  for (const type of ['request-refused', 'rotation-refused'] as const) {
    expect(troubles.of(type).map(({ event, count }) => [event.peer, count])).toEqual([
      ['c', 2],
      ['b', 1],
    ]);
  }
});

test('what hosts of a link say to each other is no trouble, and neither is what goes well', () => {
  const { troubles } = kept();
  for (const to of ['ff02::16', '224.0.0.251', '255.255.255.255', 'fe80::1']) troubles.observe(dropped(to));
  troubles.observe({ type: 'rotated', rotations: 1, spisGiven: 1 });
  expect(troubles.of('packet-refused')).toEqual([]);
  troubles.observe(dropped('10.9.9.9'));
  expect(troubles.of('packet-refused')).toHaveLength(1);
});

test('so many are told apart; a workload that sends everywhere takes no more memory than that', () => {
  const { troubles, later } = kept();
  for (let i = 0; i < 2 * TROUBLES_MAX; i++) troubles.observe(dropped(`10.9.${i >> 8}.${i & 255}`));
  expect(troubles.of('packet-refused')).toHaveLength(TROUBLES_MAX);
  later(TROUBLE_MS);
  troubles.observe(dropped('10.8.8.8'));
  expect(troubles.of('packet-refused')).toHaveLength(1);
});
