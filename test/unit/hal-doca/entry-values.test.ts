/** What is lent of entries' values, while the addon fails some operations, and several batches are under way. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CheckedHal } from '../../../src/hal/checked-hal.js';
import type { EntryId, EntryOperation } from '../../../src/hal/hal.js';
import type { EntryIndex } from '../../../src/hal/pipe-device.js';
import type { BasicPipe, PipeProgram } from '../../../src/hal/program.js';
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
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly fails: () => boolean) {}

  build(): Promise<void> {
    return Promise.resolve();
  }

  apply(batch: Uint8Array): Promise<(NativeFailure & { readonly index: number })[]> {
    const octets = batch.slice();
    const result = this.last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return this.run(octets);
    });
    this.last = result;
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
      const options = {
        ...{ pciAddress: '0000:03:00.0', representor: 'vf0', rssQueues: 1, keySlots: 1, counters: 1 },
      };
      const native = addon as Partial<NativeDevice> as NativeDevice;
      const device = new LendingDevice(native, [port('p0'), port('vf0')], '3.3', options);
      const hal = new CheckedHal(device);
      await hal.build(PROGRAM);
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
