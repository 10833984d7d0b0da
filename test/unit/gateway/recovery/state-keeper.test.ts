/** When what is known of peers is written, and when it had better not be. */
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { StateKeeper } from '../../../../src/gateway/recovery/state-keeper.js';
import { UnderlayAddresses } from '../../../../src/gateway/underlay/underlay-addresses.js';
import { parseIp } from '../../../../src/packet/address.js';
import { peersAt } from '../../../support/doorkeepers.js';

const SAVE_INTERVAL_MS = 2_000;
const MINUTE_MS = 60_000;

/** A place for the state, with what was written to it and when. */
function open(kept?: string) {
  const clock = createVirtualClock();
  const peers = peersAt('10.0.0.1', '10.0.0.2');
  const addresses = new UnderlayAddresses();
  const writes: { atMs: number; text: string }[] = [];
  const [logs, events]: [unknown[], unknown[]] = [[], []];
  const store = {
    loadError: undefined as Error | undefined,
    saveError: undefined as Error | undefined,
    isThere: true,
  };
  const keeper = new StateKeeper({
    store: {
      load: async () => {
        if (store.loadError !== undefined) throw store.loadError;
        return kept;
      },
      save: async (text) => {
        writes.push({ atMs: clock.nowMs(), text });
        if (store.saveError !== undefined) throw store.saveError;
      },
      isThere: async () => store.isThere,
    },
    clock,
    logger: { log: (...line) => logs.push(line), enabled: () => true },
    observe: (event) => events.push(event),
    peers,
    addresses,
  });
  const times = () => writes.map(({ atMs }) => atMs);
  /** The first peer has answered. */
  const answer = (minutes: number) => {
    peers.all[0]!.answeredAtMs = minutes * MINUTE_MS;
  };
  return { clock, peers, addresses, writes, times, logs, events, store, keeper, answer };
}

test('it is written two seconds after something has changed, and not while nothing does', async () => {
  const { clock, keeper, times, writes, answer, logs } = open();
  expect((await keeper.load()).size).toBe(0);
  keeper.start();
  await clock.advance(SAVE_INTERVAL_MS - 1);
  expect(times()).toEqual([]);
  await clock.advance(60_000);
  // That nothing is known yet.
  expect(times()).toEqual([SAVE_INTERVAL_MS]);
  answer(1);
  await clock.advance(60_000);
  expect(writes).toHaveLength(2);
  expect(writes[1]!.text).toContain('"service":"10.0.0.1:3000"');
  expect(logs).toEqual([]);
});

test('what an earlier life has left is taken over, and kept until there is something newer', async () => {
  const first = open();
  await first.keeper.load();
  first.answer(7);
  first.addresses.note(first.peers.all[0]!, parseIp('192.0.2.1'), 'kept');
  await first.keeper.stop();
  const { clock, peers, addresses, keeper, writes, answer, logs } = open(first.writes[0]!.text);
  expect([...(await keeper.load())]).toEqual([[peers.all[0], 7 * MINUTE_MS]]);
  expect(addresses.holderOf(parseIp('192.0.2.1'))?.peer).toBe(peers.all[0]);
  expect(logs).toEqual([['info', 'state of an earlier run taken over', { peers: 1, underlayAddresses: 1 }]]);
  keeper.start();
  await clock.advance(SAVE_INTERVAL_MS);
  expect(writes.at(-1)!.text).toBe(first.writes[0]!.text);
  answer(9);
  await clock.advance(SAVE_INTERVAL_MS);
  expect(writes.at(-1)!.text).toContain(`"answeredAtMs":${9 * MINUTE_MS}`);
});

test.each([
  ['cannot be read', { loadError: new Error('no permission') }, undefined, 'no permission'],
  ['is something else', {}, 'a diary', 'not JSON'],
])('what %s is told, and stays as it is', async (_, error, kept, reason) => {
  const { clock, keeper, writes, store, answer, logs } = open(kept);
  Object.assign(store, error);
  expect((await keeper.load()).size).toBe(0);
  expect(logs).toEqual([['warning', `--state-file: neither read nor written: ${reason}`]]);
  keeper.start();
  answer(1);
  await clock.advance(60_000);
  await keeper.stop();
  expect(writes).toEqual([]);
});

test('it is not written before it has been read', async () => {
  const { clock, keeper, writes } = open();
  keeper.start();
  await clock.advance(60_000);
  expect(writes).toEqual([]);
});

test('a disk that takes nothing is told once, and again after it has taken something', async () => {
  const { clock, keeper, store, writes, answer, events } = open();
  await keeper.load();
  store.saveError = new Error('no space');
  keeper.start();
  await clock.advance(3 * SAVE_INTERVAL_MS);
  const told = { type: 'state-not-written', reason: 'no space' };
  expect([writes.length, events]).toEqual([3, [told]]);
  store.saveError = undefined;
  await clock.advance(3 * SAVE_INTERVAL_MS);
  expect([writes.length, events]).toEqual([4, [told]]);
  store.saveError = new Error('no space');
  answer(1);
  await clock.advance(2 * SAVE_INTERVAL_MS);
  expect([writes.length, events]).toEqual([6, [told, told]]);
});

test('the stop writes what has changed last, and nothing is written after it', async () => {
  const { clock, keeper, writes, answer } = open();
  await keeper.load();
  keeper.start();
  await clock.advance(SAVE_INTERVAL_MS);
  answer(1);
  await keeper.stop();
  expect(writes).toHaveLength(2);
  answer(2);
  keeper.start();
  await clock.advance(60_000);
  expect([writes.length, clock.pending]).toEqual([2, 0]);
  // Nor does it need to have been started.
  await expect(open().keeper.stop()).resolves.toBeUndefined();
});

test('what is gone is written again, and that its place is gone is known without anything new to keep', async () => {
  const { clock, keeper, times, events, store } = open();
  await keeper.load();
  keeper.start();
  await clock.advance(SAVE_INTERVAL_MS);
  expect(times()).toHaveLength(1);
  store.isThere = false;
  store.saveError = new Error('no such folder');
  await clock.advance(SAVE_INTERVAL_MS);
  expect(keeper.problem).toContain('no such folder');
  expect(events).toMatchObject([{ type: 'state-not-written' }]);
  store.saveError = undefined;
  await clock.advance(SAVE_INTERVAL_MS);
  store.isThere = true;
  await clock.advance(60_000);
  expect(times()).toHaveLength(3);
  expect(keeper.problem).toBeUndefined();
});
