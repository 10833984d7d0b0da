/** Where keys must not be. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestNetwork, vipOctets } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

test('no key is in a log line, an event or a view', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  const keys: string[] = [];
  const { setKeys } = a.hal;
  a.hal.setKeys = (slots) => {
    for (const { key } of slots) keys.push(Buffer.from(key).toString('hex'));
    return setKeys.call(a.hal, slots);
  };
  net.send(a, 2, [1]);
  await net.run(100);
  await Promise.all([a.gateway.rotateMasterKey(true), net.run(2000)]);
  expect(keys.length).toBeGreaterThan(0);
  const said = JSON.stringify(
    [a.logs, b.logs, a.events, b.events, a.gateway.view(), b.gateway.view()],
    (_, value) => (typeof value === 'bigint' ? String(value) : value),
  );
  for (const key of keys) expect(said).not.toContain(key);
  expect(vipOctets(1, 4)).toHaveLength(4);
});
