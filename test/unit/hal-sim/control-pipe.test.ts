/** Control pipes of the simulator: what their entries count, compare and do. */
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import type { CounterSelector, EntryId, EntryOperation, EntryResult } from '../../../src/hal/hal.js';
import type { ControlEntry, ControlPipe, PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';

const DROP = { to: 'drop' } as const;
const RSS = { to: 'rss' } as const;
const ROOT: ControlPipe = {
  type: 'control',
  name: 'ROOT',
  domain: 'default',
  isRoot: true,
  sizeEntries: 8,
  miss: DROP,
  missCounter: true,
};
const program = (more: Partial<PipeProgram> = {}): PipeProgram => ({
  name: 'control',
  pipes: [ROOT],
  ...more,
});
/** An entry for an EtherType. */
const entryOf = (etherType: number, more: Partial<ControlEntry> = {}): ControlEntry => ({
  priority: 0,
  match: { 'outer.eth.type': { value: etherType } },
  forward: DROP,
  ...more,
});
const add = (entry: ControlEntry): EntryOperation => ({ operation: 'add', pipe: 'ROOT', entry });
const idOf = (result: EntryResult): EntryId => {
  if ('error' in result) throw result.error;
  return result.id;
};
function frame(etherType: number, octets = 60): Uint8Array {
  const bytes = new Uint8Array(octets);
  bytes.set([etherType >> 8, etherType & 0xff], 12);
  return bytes;
}
const TOTAL: CounterSelector = { pipe: 'ROOT', total: true };
const MISS: CounterSelector = { pipe: 'ROOT', miss: true };

test('entries that ask for it count, and what is removed stays in the total', async () => {
  const { hal, inject } = await openSimHarness();
  await hal.build(program());
  const counted = { monitor: { counter: true } };
  const results = await hal.apply([
    add(entryOf(0x1111, counted)),
    add(entryOf(0x2222, counted)),
    add(entryOf(0x3333)),
    add(entryOf(0x4444, { monitor: { counter: false } })),
  ]);
  const [one, two, three, four] = results.map(idOf);
  inject(VF_PORT, [
    ...[frame(0x1111), frame(0x1111, 100), frame(0x2222, 70)],
    ...[frame(0x3333), frame(0x4444), frame(0x5555, 80), frame(0x6666)],
  ]);
  const all = [{ id: one! }, { id: two! }, TOTAL, MISS];
  expect(await hal.counters(all)).toEqual([
    { packets: 2n, octets: 160n },
    { packets: 1n, octets: 70n },
    { packets: 3n, octets: 230n },
    { packets: 2n, octets: 140n },
  ]);
  for (const id of [three!, four!])
    await expect(hal.counters([{ id }])).rejects.toMatchObject({ code: 'NOT_FOUND' });

  await hal.apply([one!, three!].map((id) => ({ operation: 'remove', id })));
  inject(VF_PORT, [frame(0x1111), frame(0x2222), frame(0x3333)]);
  expect(await hal.counters([{ id: two! }, TOTAL, MISS])).toEqual([
    { packets: 2n, octets: 130n },
    { packets: 4n, octets: 290n },
    { packets: 4n, octets: 260n },
  ]);
});

test('an update replaces values and forward, at the place of the entry and with its counter', async () => {
  const { hal, inject, settle, takeRss } = await openSimHarness();
  await hal.build(program());
  const entry = entryOf(0x1111, {
    forward: RSS,
    actions: { set: { 'meta.pkt_meta': { value: 5 } } },
    monitor: { counter: true },
  });
  const [id] = (await hal.apply([add(entry), add(entryOf(0x1111))])).map(idOf);
  inject(VF_PORT, [frame(0x1111)]);
  await hal.apply([{ operation: 'update', id: id!, forward: DROP }]);
  inject(VF_PORT, [frame(0x1111)]);
  await settle();
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([5]);
  expect(await hal.counters([{ id: id! }])).toEqual([{ packets: 2n, octets: 120n }]);
});

test('each packet has one random number, which matches and conditions look at', async () => {
  const numbers = [1, 2, 3, 4, 5, 6];
  for (const looking of [
    { match: { 'parser_meta.random': { value: 0, mask: 1 } } },
    { match: {}, condition: { field: 'parser_meta.random', operation: 'ge', value: 4 } },
  ] as const) {
    let drawn = 0;
    const random = { ...seededRandom(1), uint32: () => numbers[drawn++]! };
    const { hal, inject, settle, takeRss } = await openSimHarness({ random });
    await hal.build(program());
    drawn = 0;
    const frames = () => Array.from({ length: 6 }, (_, i) => new Uint8Array(60).fill(i + 1));
    const [id] = (await hal.apply([add({ priority: 0, forward: RSS, ...looking })])).map(idOf);
    inject(VF_PORT, frames());
    await settle();
    const taken = takeRss().map((packet) => packet.frame[0]);
    expect(taken).toEqual('condition' in looking ? [4, 5, 6] : [2, 4, 6]);
    expect(drawn).toBe(6);
    // Where nobody looks at them no number is drawn: the run of a simulation stays the same.
    await hal.apply([{ operation: 'remove', id: id! }, add(entryOf(0x1111))]);
    inject(VF_PORT, frames());
    expect(drawn).toBe(6);
  }
});

test('of two entries that look at the random number one may go, and the other looks still', async () => {
  const random = { ...seededRandom(1), uint32: () => 3 };
  const { hal, inject, settle, takeRss } = await openSimHarness({ random });
  await hal.build(program());
  const looking: ControlEntry = { priority: 0, match: { 'parser_meta.random': { value: 3 } }, forward: RSS };
  const [id] = (await hal.apply([add({ ...looking, forward: DROP }), add(looking)])).map(idOf);
  await hal.apply([{ operation: 'remove', id: id! }]);
  inject(VF_PORT, [frame(0x1111)]);
  await settle();
  expect(takeRss().length).toBe(1);
});

test('an entry acts before it copies, and copies before the packet goes on', async () => {
  const { hal, inject, settle, takeRss } = await openSimHarness();
  await hal.build(
    program({
      pipes: [
        {
          ...ROOT,
          entries: [
            entryOf(0x1111, {
              actions: { set: { 'meta.pkt_meta': { value: 9 } } },
              monitor: { mirror: 'COPY' },
              forward: RSS,
            }),
            entryOf(0x2222, { forward: RSS }),
          ],
        },
      ],
      mirrors: [{ name: 'COPY', targets: [RSS] }],
    }),
  );
  inject(VF_PORT, [frame(0x1111), frame(0x2222)]);
  await settle();
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual([9, 9, 0]);
  expect(hal.fates()).toMatchObject({ in: 2, copies: 1, rss: 3 });
});

test('an entry sends its packets on to wherever it says', async () => {
  const { hal, inject, takeSent } = await openSimHarness();
  const toNext = entryOf(0x6666, { forward: { to: 'pipe', pipe: 'NEXT' } });
  const next: ControlPipe = { ...ROOT, name: 'NEXT', isRoot: false };
  await hal.build(program({ pipes: [{ ...ROOT, entries: [toNext] }, next] }));
  await hal.apply([
    add(entryOf(0x1111)),
    add(entryOf(0x2222, { forward: RSS })),
    add(entryOf(0x3333, { forward: { to: 'kernel' } })),
    add(entryOf(0x4444, { forward: { to: 'port', port: UPLINK_PORT } })),
    add(entryOf(0x5555, { forward: { to: 'port', port: VF_PORT } })),
  ]);
  const types = [0x1111, 0x2222, 0x2222, 0x3333, 0x4444, 0x5555, 0x5555, 0x6666];
  inject(
    VF_PORT,
    types.map((type) => frame(type)),
  );
  expect(hal.fates()).toMatchObject({ in: 8, drop: 2, rss: 2, kernel: 1, uplink: 1, vf: 2 });
  expect(await hal.counters([{ pipe: 'NEXT', miss: true }])).toEqual([{ packets: 1n, octets: 60n }]);
  expect([takeSent(UPLINK_PORT).length, takeSent(VF_PORT).length]).toEqual([1, 2]);
});

test('a packet that an action cannot process is counted once and goes nowhere', async () => {
  const { hal, inject } = await openSimHarness();
  const entry = entryOf(0x1111, {
    actions: { encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } },
    values: { encapHeader: new Uint8Array(58) },
    forward: { to: 'pipe', pipe: 'NEXT' },
    monitor: { counter: true },
  });
  await hal.build({
    name: 'control',
    pipes: [
      { ...ROOT, miss: { to: 'pipe', pipe: 'OUT' } },
      { ...ROOT, name: 'OUT', domain: 'egress', missCounter: false, entries: [entry] },
      { ...ROOT, name: 'NEXT', domain: 'egress', isRoot: false },
    ],
  });
  // No IP packet.
  inject(VF_PORT, [frame(0x1111)]);
  expect(
    await hal.counters([
      { pipe: 'OUT', total: true },
      { pipe: 'NEXT', miss: true },
    ]),
  ).toEqual([
    { packets: 1n, octets: 60n },
    { packets: 0n, octets: 0n },
  ]);
  expect(hal.fates()).toMatchObject({ in: 1, lost: 1, drop: 0 });
});
