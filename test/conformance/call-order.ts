/** Calls that do not wait for each other: what each of them sees of those before it, while a program is built, and when it is closed. */
import { describe, expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { HalError } from '../../src/hal/errors.js';
import type { CounterSelector, EntryId, EntryOperation, PipeHal } from '../../src/hal/hal.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { parseIp } from '../../src/packet/address.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { tunnelHeader } from '../support/psp-program.js';
import { workloadFrame } from './session-packets.js';

/** More than devices take in one slice of work. */
const MANY = 10_000;
const PACKETS = 3;

/** Counts by destination, 10.0.0.0 and those after it; all that it knows leaves encrypted by key slot 1. */
function program(entries: number): PipeProgram {
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 9 });
  const common = { type: 'basic', miss: { to: 'drop' } } as const;
  return {
    name: 'counting',
    pipes: [
      {
        ...common,
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: MANY + 1,
        match: { 'outer.ip4.dst_ip': { value: 'entry' } },
        forward: { to: 'pipe', pipe: 'OUT' },
        monitor: { counter: true },
        entries: Array.from({ length: entries }, (_, i) => entryOf(i)),
      },
      {
        ...common,
        name: 'OUT',
        domain: 'egress',
        isRoot: true,
        sizeEntries: 1,
        match: {},
        forward: { to: 'pipe', pipe: 'ENCRYPT' },
        entries: [{}],
      },
      {
        ...common,
        name: 'ENCRYPT',
        domain: 'secure-egress',
        sizeEntries: 1,
        match: {},
        actions: [
          { encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false }, encrypt: { cryptoId: 1 } },
        ],
        forward: { to: 'port', port: UPLINK_PORT },
        entries: [{ values: { encapHeader } }],
      },
    ],
  };
}

const entryOf = (host: number) => ({
  label: `host ${host}`,
  match: { 'outer.ip4.dst_ip': 0x0a000000 + host },
});
const add = (host: number): EntryOperation => ({ operation: 'add', pipe: 'ROOT', entry: entryOf(host) });
const remove = (id: EntryId): EntryOperation => ({ operation: 'remove', id });

/** Its packets, or the code of its error. */
async function packetsOf(hal: PipeHal, selector: CounterSelector): Promise<number | string> {
  return hal.counters([selector]).then(
    ([counter]) => Number(counter!.packets),
    (error: HalError) => error.code,
  );
}

async function carry({ inject, settle }: HalHarness, host: number): Promise<void> {
  const choose = new Choose(1);
  const [source, destination] = [parseIp('10.1.0.1'), parseIp(`10.0.0.${host}`)];
  inject(
    VF_PORT,
    Array.from({ length: PACKETS }, () => workloadFrame(choose, { source, destination })),
  );
  await settle();
}

/** What became of calls: done, or the code of their error. */
const outcomes = async (calls: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(calls)).map((result) =>
    result.status === 'fulfilled' ? 'done' : result.reason instanceof HalError ? result.reason.code : 'wrong',
  );

export function describeCallOrder(implementation: HalUnderTest): void {
  describe(`calls over ${implementation.name}`, () => {
    test.each([1, MANY])(
      'counters see what was asked for before them, and nothing later (%i operations)',
      async (operations) => {
        const harness = await implementation.open();
        await using hal = harness.hal;
        await hal.build(program(0));
        const [added] = await hal.apply([add(1)]);
        const { id } = added as { id: EntryId };
        await carry(harness, 1);
        // Another entry takes the place of the first one, in a batch that ends with it.
        const before: EntryOperation[] = Array.from({ length: operations }, () => ({
          operation: 'update',
          id,
        }));
        const seen = [packetsOf(hal, { id }), packetsOf(hal, { pipe: 'ROOT', label: 'host 1' })];
        const exchanged = hal.apply([...before, remove(id), add(2)]);
        seen.push(packetsOf(hal, { id }), packetsOf(hal, { pipe: 'ROOT', label: 'host 1' }));
        seen.push(
          packetsOf(hal, { pipe: 'ROOT', label: 'host 2' }),
          packetsOf(hal, { pipe: 'ROOT', label: 'host 3' }),
        );
        const exchangedAgain = hal.apply([add(3)]);
        expect(await Promise.all(seen)).toEqual([PACKETS, PACKETS, 'NOT_FOUND', 'NOT_FOUND', 0, 'NOT_FOUND']);
        expect((await exchanged).every((result) => 'id' in result)).toBe(true);
        expect((await exchangedAgain).every((result) => 'id' in result)).toBe(true);
        expect(await packetsOf(hal, { pipe: 'ROOT', total: true })).toBe(PACKETS);
      },
    );

    test('while a program is being built, keys may be made, set and cleared, and the rest is refused', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      const key = new Uint8Array(32).fill(7);
      const built = hal.build(program(MANY));
      const allowed = () =>
        outcomes([
          hal.setKeys([1, 2].map((cryptoId) => ({ cryptoId, key }))),
          hal.clearKeys([2]),
          hal.generateKeys(16, 3),
          hal.rotateMasterKey(),
          hal.statistics(),
        ]);
      const refused = outcomes([hal.apply([]), hal.counters([]), hal.build(program(0))]);
      expect(() => hal.transmit([])).toThrow('BAD_STATE');
      hal.onReceive(() => {});
      // At once, and again while the entries are put in.
      const atOnce = allowed();
      await new Promise((resolve) => setImmediate(resolve));
      for (const results of await Promise.all([atOnce, allowed()]))
        expect(results).toEqual(Array(5).fill('done'));
      expect(await refused).toEqual(Array(3).fill('BAD_STATE'));
      await built;
      expect((await hal.statistics()).keyRotations).toBe(2n);
      await carry(harness, 5);
      expect(harness.takeSent(UPLINK_PORT)).toHaveLength(PACKETS);
    });

    test.each([0, MANY])(
      'closed while a program with %i entries more is built, the build ends with SHUTDOWN',
      async (entries) => {
        const { hal } = await implementation.open();
        const calls = [hal.build(program(entries)), hal.generateKeys(32, 5), hal.rotateMasterKey()];
        const closed = hal.close();
        const [built, ...others] = await outcomes(calls);
        expect(built).toBe('SHUTDOWN');
        for (const outcome of others) expect(outcome).toMatch(/^(done|SHUTDOWN)$/);
        await closed;
        await expect(hal.build(program(0))).rejects.toMatchObject({ code: 'SHUTDOWN' });
      },
    );

    test('frames of any length are taken for the egress root, and those that fit leave', async () => {
      const harness = await implementation.open();
      await using hal = harness.hal;
      await hal.build(program(0));
      await hal.setKeys([{ cryptoId: 1, key: new Uint8Array(32).fill(7) }]);
      const fits = workloadFrame(new Choose(1), {
        source: parseIp('10.1.0.1'),
        destination: parseIp('10.0.0.1'),
      });
      const frames = [new Uint8Array(0), new Uint8Array(70_000), fits];
      expect(hal.transmit(frames.map((frame) => ({ frame })))).toBe(frames.length);
      await harness.settle();
      expect(harness.takeSent(UPLINK_PORT)).toHaveLength(1);
    });

    test('closed behind calls that nobody waited for, each of them ends', async () => {
      const { hal } = await implementation.open();
      await hal.build(program(0));
      const key = new Uint8Array(32);
      const calls: Promise<unknown>[] = [
        hal.apply(Array.from({ length: MANY }, (_, i) => add(i))),
        hal.counters([{ pipe: 'ROOT', total: true }]),
        hal.setKeys(Array.from({ length: MANY }, (_, i) => ({ cryptoId: i + 1, key }))),
        hal.clearKeys(Array.from({ length: MANY }, (_, i) => i + 1)),
        hal.generateKeys(32, MANY),
        hal.rotateMasterKey(),
        hal.apply([add(MANY)]),
      ];
      const closed = hal.close();
      for (const outcome of await outcomes(calls)) expect(outcome).toMatch(/^(done|SHUTDOWN)$/);
      await closed;
    });
  });
}
