/** How long an SPI stays open after a newer one took its place, where packets still come under it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RETIREMENT_PERIODS_MAX } from '../../../src/gateway/retirement.js';
import { idsOf, LIMITS, TestNetwork, vip } from '../../support/gateways.js';

const OPEN_MS_MAX = RETIREMENT_PERIODS_MAX * LIMITS.rekeyGraceMs;
/** Much shorter than a grace period, so that no look finds the SPI unused. */
const SEND_MS = 1_000;

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

test('an SPI under which a peer goes on sending is closed after so many grace periods all the same', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  net.send(b, 1, [1]);
  await net.run(100);
  // PSP has no replay protection: the packet is let in again for as long as its SPI is open.
  const old = net.wire.at(-1)!;
  const sendOld = async () => {
    net.arrive(a, [old.slice()]);
    await net.run(SEND_MS);
  };
  await Promise.all([a.gateway.rekey(), net.run(100)]);
  a.workload.takeSent();
  const closed = { type: 'spi-closed', spi: 1, localVip: vip(1), remoteVip: vip(2) };
  let sent = 0;
  for (; sent * SEND_MS < OPEN_MS_MAX; sent++) await sendOld();
  expect(a.events).toContainEqual(closed);
  expect(a.workload.takeSent().length).toBeLessThan(sent);
  // It was asked anew meanwhile, once in each period at most, and is not any more.
  const requests = () => a.events.filter(({ type }) => type === 'request-sent').length;
  const before = requests();
  expect(before).toBeLessThanOrEqual(RETIREMENT_PERIODS_MAX);
  for (sent = 0; sent * SEND_MS < OPEN_MS_MAX; sent++) await sendOld();
  net.send(b, 1, [2]);
  await net.run(100);
  expect(idsOf(a.workload.takeSent())).toEqual([2]);
  expect(requests()).toBe(before);
  expect(a.gateway.view().spisRetiring).toBe(0);
});
