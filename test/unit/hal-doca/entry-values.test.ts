/** What is lent of entries' values, while the addon fails some operations, and several batches are under way. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import type { EntryId, EntryOperation } from '../../../src/hal/hal.js';
import type { EntryIndex } from '../../../src/hal/pipe-device.js';
import type { BasicEntry, BasicPipe, PipeProgram } from '../../../src/hal/program.js';
import { DocaDevice } from '../../../src/hal-doca/device.js';
import type { NativeDevice, NativeFailure, NativePort } from '../../../src/hal-doca/native.js';

const PIPE: BasicPipe = {
  type: 'basic',
  name: 'ROOT',
  domain: 'default',
  isRoot: true,
  sizeEntries: 3,
  match: { 'outer.ip4.dst_ip': { value: 'entry' } },
  actions: [{ set: { 'meta.pkt_meta': { value: 'entry' } } }],
  forward: 'entry',
  miss: { to: 'drop' },
};
const PROGRAM: PipeProgram = { name: 'one pipe', pipes: [PIPE] };
const FAILURE: NativeFailure = { code: 'DRIVER', reason: 'on purpose' };
const [WITH_VALUES, WITH_FORWARD] = [1, 2];
const OPERATION_HEADER_OCTETS = 8;
const WORD_OCTETS = 4;
const FORWARD_OCTETS = 5;

interface Given {
  key: number;
  mark: number;
  port: number;
}

/** An addon over nothing, that fails as it is told, and does what it was asked for in turns of its own. */
class FailingAddon {
  readonly entries = new Map<number, Given>();
  /** Whether batches get no answer from now on; what they ask for is done. */
  isSilent = false;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly fails: () => boolean) {}

  build(): Promise<void> {
    return Promise.resolve();
  }

  apply(batch: Uint8Array): Promise<(NativeFailure & { readonly index: number })[]> {
    const octets = batch.slice();
    const { isSilent } = this;
    const result = this.last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      const failures = this.run(octets);
      if (isSilent) throw Object.assign(new Error('waiting for entries'), { code: 'TIME_OUT' });
      return failures;
    });
    this.last = result.catch(() => undefined);
    return result;
  }

  private run(octets: Uint8Array): (NativeFailure & { readonly index: number })[] {
    const view = new DataView(octets.buffer);
    const failures: (NativeFailure & { readonly index: number })[] = [];
    for (let at = 0, index = 0; at < octets.length; index++) {
      const [operation, detail, slot] = [octets[at], octets[at + 1]!, view.getUint32(at + 4, true)];
      at += OPERATION_HEADER_OCTETS;
      const former = this.entries.get(slot);
      let fails = this.fails();
      let after: Given | undefined;
      if (operation === 0) {
        at++;
        after = { key: view.getUint32(at), mark: view.getUint32(at + WORD_OCTETS), port: octets[at + 9]! };
        at += 2 * WORD_OCTETS + FORWARD_OCTETS;
        const { key } = after;
        fails ||= former !== undefined || [...this.entries.values()].some((entry) => entry.key === key);
      } else if (operation === 1) {
        at++;
        fails ||= former === undefined;
        after = former === undefined ? undefined : { ...former };
        if ((detail & WITH_VALUES) !== 0) {
          if (after !== undefined) after.mark = view.getUint32(at);
          at += WORD_OCTETS;
        }
        if ((detail & WITH_FORWARD) !== 0) {
          if (after !== undefined) after.port = octets[at + 1]!;
          at += FORWARD_OCTETS;
        }
      } else fails ||= former === undefined;
      if (fails) failures.push({ ...FAILURE, index });
      else if (after === undefined) this.entries.delete(slot);
      else this.entries.set(slot, after);
    }
    return failures;
  }
}

class LendingDevice extends DocaDevice {
  index!: EntryIndex;

  override build(
    program: PipeProgram,
    install: (indexes: readonly (EntryIndex | null)[]) => Promise<void>,
  ): Promise<void> {
    return super.build(program, (indexes) => {
      this.index = indexes[0]!;
      return install(indexes);
    });
  }
}

async function openOver(addon: FailingAddon): Promise<{ hal: CheckedHal; device: LendingDevice }> {
  const options = {
    ...{ pciAddress: '0000:03:00.0', representor: 'vf0', rssQueues: 1, keySlots: 1, counters: 1 },
  };
  const native = addon as Partial<NativeDevice> as NativeDevice;
  const device = new LendingDevice(native, [port('p0'), port('vf0')], { release: '3.3' }, options);
  const hal = new CheckedHal(device);
  await hal.build(PROGRAM);
  return { hal, device };
}

const port = (name: string): NativePort => ({
  name,
  mac: new Uint8Array(6),
  ipv4: new Uint8Array(0),
  ipv6: new Uint8Array(0),
  mtuOctets: 1500,
  dpdkPort: 0,
});

test('what has failed has changed nothing of what is lent, in whatever order operations overlap', async () => {
  // Of one batch, of which several are under way at a time.
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('add', 'values', 'forward', 'both', 'remove'),
      which: fc.nat({ max: 1 }),
      value: fc.nat({ max: 1 << 20 }),
      awaited: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.nat({ max: 2 })), async (moves, numbers) => {
      let isFailing = false;
      const addon = new FailingAddon(() => isFailing && numbers.next().value === 0);
      const { hal, device } = await openOver(addon);
      const ids: EntryId[] = [];
      let batch: EntryOperation[] = [];
      const send = async () => {
        const sent = batch;
        batch = [];
        for (const result of await hal.apply(sent)) if ('id' in result) ids.push(result.id);
      };
      for (const key of [0, 1]) {
        const match = { 'outer.ip4.dst_ip': key };
        const values = { set: { 'meta.pkt_meta': 0 } };
        batch.push({
          operation: 'add',
          pipe: 'ROOT',
          entry: { match, values, forward: { to: 'port', port: 0 } },
        });
      }
      await send();
      isFailing = true;
      const pending: Promise<void>[] = [];
      for (const { kind, which, value, awaited } of moves) {
        const id = ids[ids.length - 1 - which];
        const values = { set: { 'meta.pkt_meta': value } };
        const forward = { to: 'port', port: value & 1 } as const;
        if (kind === 'add') {
          const match = { 'outer.ip4.dst_ip': value & 7 };
          batch.push({ operation: 'add', pipe: 'ROOT', entry: { match, values, forward } });
        } else if (id !== undefined) {
          if (kind === 'remove') batch.push({ operation: 'remove', id });
          else {
            const given = {
              ...(kind === 'forward' ? {} : { values }),
              ...(kind === 'values' ? {} : { forward }),
            };
            batch.push({ operation: 'update', id, ...given });
          }
        }
        if ((value & 2) === 0) pending.push(send());
        if (awaited) await Promise.all(pending.splice(0));
      }
      pending.push(send());
      await Promise.all(pending);
      for (const [slot, { key, mark, port: to }] of addon.entries) {
        expect(device.index.find({ match: { 'outer.ip4.dst_ip': key } })).toBe(slot);
        expect(device.index.entryAt(slot)).toEqual({
          match: { 'outer.ip4.dst_ip': key },
          actionIndex: 0,
          values: { set: { 'meta.pkt_meta': mark } },
          forward: { to: 'port', port: to },
        });
      }
      const found = Array.from({ length: 8 }, (_, key) =>
        device.index.find({ match: { 'outer.ip4.dst_ip': key } }),
      );
      expect(found.filter((slot) => slot >= 0)).toHaveLength(addon.entries.size);
    }),
    { numRuns: 300 },
  );
});

const entry = (key: number, mark: number, to: number): BasicEntry => ({
  match: { 'outer.ip4.dst_ip': key },
  values: { set: { 'meta.pkt_meta': mark } },
  forward: { to: 'port', port: to },
});
const add = (...given: Parameters<typeof entry>): EntryOperation => ({
  operation: 'add',
  pipe: 'ROOT',
  entry: entry(...given),
});
const mark = (id: EntryId, value: number): EntryOperation => ({
  operation: 'update',
  id,
  values: { set: { 'meta.pkt_meta': value } },
});

test('what is lent of operations that get no answer counts as done, but for what took the place of an entry that stays', async () => {
  const addon = new FailingAddon(() => false);
  const { hal, device } = await openOver(addon);
  const idsOf = async (operations: EntryOperation[]) =>
    (await hal.apply(operations)).map((result) => ('id' in result ? result.id : (0 as EntryId)));
  const [one, two] = await idsOf([add(1, 10, 0), add(2, 20, 0)]);
  const lent = () =>
    [1, 2, 3, 4].map((key) => {
      const slot = device.index.find({ match: { 'outer.ip4.dst_ip': key } });
      return slot < 0 ? undefined : device.index.entryAt(slot);
    });
  addon.isSilent = true;
  const moves = [mark(one!, 11), { operation: 'remove', id: one! } as const, add(4, 40, 1), mark(two!, 21)];
  const lost = hal.apply([...moves, add(3, 30, 1)]);
  const later = hal.apply([mark(two!, 22)]);
  await Promise.allSettled([lost, later]);
  const whole = (key: number, value: number, to: number) => ({ actionIndex: 0, ...entry(key, value, to) });
  expect(lent()).toEqual([whole(1, 11, 0), whole(2, 22, 0), whole(3, 30, 1), undefined]);
  addon.isSilent = false;
  // The place of the first one is used again, by an entry whose values count.
  const [, four] = await idsOf([{ operation: 'remove', id: one! }, add(4, 41, 1)]);
  await hal.apply([mark(four!, 42)]);
  expect(lent()).toEqual([undefined, whole(2, 22, 0), whole(3, 30, 1), whole(4, 42, 1)]);
});

test('what is lent while the addon is at work is as if all that was written were done', async () => {
  const addon = new FailingAddon(() => false);
  const { hal, device } = await openOver(addon);
  const [one] = (await hal.apply([add(1, 10, 0)])).map((result) => ('id' in result ? result.id : undefined));
  const batches = [
    hal.apply([mark(one!, 11), add(2, 20, 1)]),
    hal.apply([{ operation: 'update', id: one!, forward: { to: 'port', port: 1 } }]),
    hal.apply([mark(one!, 12)]),
  ];
  // All are written in this turn of the event loop, and none is done before the next one.
  for (let microtasks = 0; microtasks < 50; microtasks++) await Promise.resolve();
  const slots = [1, 2].map((key) => device.index.find({ match: { 'outer.ip4.dst_ip': key } }));
  const lent = () => slots.map((slot) => device.index.entryAt(slot));
  const expected = [
    { actionIndex: 0, ...entry(1, 12, 1) },
    { actionIndex: 0, ...entry(2, 20, 1) },
  ];
  for (let turns = 0; turns < 6; turns++) {
    expect(lent()).toEqual(expected);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(batches);
  expect(lent()).toEqual(expected);
});
