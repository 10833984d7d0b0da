/** Whose packets are not let in, as a gateway learns it from its device: when it looks, what it has counted, what it tells. */
import { describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { FAILED_SOURCES_MAX } from '../../../../src/gateway/pipeline/ingress-pipes.js';
import { type FailedPackets, FailingSources } from '../../../../src/gateway/recovery/failing-sources.js';
import type { CounterSelector, EntryOperation } from '../../../../src/hal/hal.js';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';

const [OFTEN_MS, SELDOM_MS, OFTEN_AFTER_START_MS, SETTLE_MS] = [250, 1_000, 10_000, 2_000];
const ip = (text: string): IpAddress => parseIp(text);
const peer = (name: string, virtualIps: string[] = [], prefixes: string[] = []): Peer =>
  ({ name, virtualIps: virtualIps.map(ip), virtualPrefixes: prefixes.map(parsePrefix) }) as unknown as Peer;

const [A, B] = [peer('a'), peer('b')];

interface Options {
  readonly mode?: 'tunnel' | 'transport';
  readonly outerFamily?: 4 | 6;
  readonly innerFamilies?: (4 | 6)[];
  readonly peers?: Peer[];
}

/** A device that counts packets by the last octet of their source, as far as it has an entry for it. */
function open({ mode = 'tunnel', outerFamily = 4, innerFamilies = [4, 6], peers = [A, B] }: Options = {}) {
  const clock = createVirtualClock(1_000_000);
  const startMs = clock.nowMs();
  const known: { address: IpAddress; peer: Peer }[] = [];
  const addresses = { version: 0, [Symbol.iterator]: () => known.values() };
  const entries = new Map<number, { readonly source: string; packets: bigint }>();
  const [looks, told, events]: [number[], FailedPackets[], unknown[]] = [[], [], []];
  const device = {
    syndromes: { 'icv-fail': 0n, 'bad-trailer': 0n, miss: 0n },
    /** Packets that missed the last pipe of sources. */
    unknown: 0n,
    /** Which operations it refuses. */
    refuses: (_: EntryOperation): boolean => false,
    fails: false,
    /** What goes on while it is asked for counters. */
    meanwhile: () => {},
  };
  const read = (selector: CounterSelector & { id?: number; label?: string; pipe?: string }) => {
    if (selector.id !== undefined) return entries.get(selector.id)!.packets;
    if (selector.pipe === 'SYNDROME_STATS')
      return device.syndromes[(selector.label ?? 'miss') as keyof typeof device.syndromes];
    return selector.pipe === lastPipe ? device.unknown : -1n;
  };
  const lastPipe = `FAILED_SOURCE_IPV${mode === 'tunnel' ? outerFamily : innerFamilies.at(-1)}`;
  let id = 0;
  const sources = new FailingSources({
    hal: {
      apply: async (operations: EntryOperation[]) =>
        operations.map((operation) => {
          if (device.refuses(operation)) return { error: new Error('table full') };
          if (operation.operation === 'remove') {
            entries.delete(operation.id as number);
            return { id: operation.id };
          }
          if (operation.operation !== 'add') throw new Error('unexpected');
          const [[field, value]] = Object.entries(operation.entry.match ?? {}) as [
            [string, number | Uint8Array],
          ];
          const octets =
            typeof value === 'number' ? [24, 16, 8, 0].map((by) => (value >>> by) & 255) : [...value];
          entries.set(++id, { source: `${operation.pipe} ${field} ${octets.join('.')}`, packets: 0n });
          return { id };
        }),
      counters: async (selectors: CounterSelector[]) => {
        if (device.fails) throw new Error('device gone');
        if (selectors.length === 3) looks.push(clock.nowMs() - startMs);
        const counters = selectors.map((selector) => ({ packets: read(selector as never) }));
        device.meanwhile();
        return counters;
      },
    } as never,
    clock,
    observe: (event) => events.push(event),
    pipeline: { mode, outerFamily, innerFamilies },
    addresses: addresses as never,
    peers,
    onFailed: (failed) => told.push(failed),
  });
  const know = (of: Peer, ...texts: string[]) => {
    known.push(...texts.map((text) => ({ address: ip(text), peer: of })));
    addresses.version++;
  };
  const forget = (...texts: string[]) => {
    for (const text of texts)
      known.splice(
        known.findIndex(({ address }) => address === text),
        1,
      );
    addresses.version++;
  };
  /** So many packets that were not let in, from an address of a peer's, or nobody's. */
  const fail = (count: bigint, source?: string, why: keyof typeof device.syndromes = 'miss') => {
    device.syndromes[why] += count;
    const entry = [...entries.values()].find((one) => one.source.endsWith(` ${source}`));
    if (entry === undefined) device.unknown += count;
    else entry.packets += count;
  };
  const watched = () => [...entries.values()].map(({ source }) => source).sort();
  const toldOf = () =>
    told
      .splice(0)
      .map(({ byPeer, unknown }) => [
        ...[...byPeer].map(([{ name }, packets]) => `${name} ${packets}`),
        ...(unknown > 0n ? [`unknown ${unknown}`] : []),
      ]);
  return { clock, sources, device, looks, events, know, forget, fail, watched, toldOf, entries };
}

describe('the device is looked at', () => {
  test('often after the start, and seldom later', async () => {
    const { clock, sources, looks } = open();
    await sources.start();
    await clock.advance(OFTEN_AFTER_START_MS + 3 * SELDOM_MS);
    const often = OFTEN_AFTER_START_MS / OFTEN_MS;
    expect(looks).toEqual([
      ...Array.from({ length: often }, (_, i) => (i + 1) * OFTEN_MS),
      ...[1, 2, 3].map((i) => OFTEN_AFTER_START_MS + i * SELDOM_MS),
    ]);
  });

  test.each(['icv-fail', 'bad-trailer', 'miss'] as const)(
    'often again while packets fail and two seconds more: %s',
    async (why) => {
      const { clock, sources, looks, fail } = open();
      await sources.start();
      await clock.advance(OFTEN_AFTER_START_MS + 500);
      looks.splice(0);
      fail(1n, undefined, why);
      await clock.advance(500 + SETTLE_MS + 2 * SELDOM_MS);
      const from = OFTEN_AFTER_START_MS + SELDOM_MS;
      expect(looks).toEqual([
        ...Array.from({ length: 1 + SETTLE_MS / OFTEN_MS }, (_, i) => from + i * OFTEN_MS),
        from + SETTLE_MS + SELDOM_MS,
        from + SETTLE_MS + 2 * SELDOM_MS,
      ]);
    },
  );

  test('no more after the stop, whatever was under way', async () => {
    const { clock, sources, looks, device, events, fail, toldOf } = open();
    await sources.start();
    fail(1n);
    device.meanwhile = () => sources.stop();
    await clock.advance(60_000);
    expect([looks.length, toldOf(), clock.pending]).toEqual([1, [], 0]);
    const other = open();
    await other.sources.start();
    other.sources.stop();
    await other.clock.advance(60_000);
    expect(other.looks).toEqual([]);
    expect(events).toEqual([]);
    // Stopped while it reads whose they are.
    const third = open();
    await third.sources.start();
    third.fail(1n);
    let reads = 0;
    third.device.meanwhile = () => {
      if (++reads === 2) third.sources.stop();
    };
    await third.clock.advance(60_000);
    expect([reads, third.toldOf()]).toEqual([2, []]);
  });

  test('again after it has failed, which the log says', async () => {
    const { clock, sources, device, events, looks } = open();
    await sources.start();
    device.fails = true;
    await clock.advance(OFTEN_MS);
    expect(events).toEqual([{ type: 'work-failed', work: 'recovery', reason: 'device gone' }]);
    device.fails = false;
    await clock.advance(OFTEN_MS);
    expect(looks).toHaveLength(1);
    // Not where it fails because the gateway ends.
    device.meanwhile = () => {
      sources.stop();
      throw new Error('device gone');
    };
    await clock.advance(60_000);
    expect([looks.length, events.length]).toEqual([2, 1]);
  });
});

describe('packets that were not let in', () => {
  test('are told by peer, and together for everybody else, each once', async () => {
    const { clock, sources, know, fail, toldOf } = open();
    know(A, '192.0.2.1', '192.0.2.2');
    know(B, '192.0.2.3');
    await sources.start();
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([]);
    fail(2n, '192.0.2.1');
    fail(3n, '192.0.2.2', 'icv-fail');
    fail(4n, '192.0.2.3', 'bad-trailer');
    fail(5n);
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['a 5', 'b 4', 'unknown 5']]);
    expect(sources.unknownPackets).toBe(5n);
    await clock.advance(1_000);
    expect(toldOf()).toEqual([]);
    fail(1n, '192.0.2.3');
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['b 1']]);
    fail(7n);
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['unknown 7']]);
    expect(sources.unknownPackets).toBe(12n);
  });

  test('are told although the counters of their sources come up to two seconds later than that they failed', async () => {
    const { clock, sources, know, device, entries, toldOf } = open();
    know(A, '192.0.2.1');
    await sources.start();
    await clock.advance(OFTEN_AFTER_START_MS);
    device.syndromes.miss = 1n;
    await clock.advance(SELDOM_MS + SETTLE_MS - OFTEN_MS - 1);
    expect(toldOf()).toEqual([]);
    const [counter] = entries.values();
    counter!.packets = 1n;
    await clock.advance(1);
    expect(toldOf()).toEqual([['a 1']]);
    // Once two seconds are over not before others fail.
    counter!.packets = 3n;
    await clock.advance(OFTEN_MS + SELDOM_MS);
    expect(toldOf()).toEqual([]);
    device.syndromes.miss = 2n;
    await clock.advance(SELDOM_MS);
    expect(toldOf()).toEqual([['a 2']]);
  });

  test('and a source that counts anew tells nothing', async () => {
    const { clock, sources, know, fail, entries, toldOf } = open();
    know(A, '192.0.2.1');
    await sources.start();
    fail(9n, '192.0.2.1');
    await clock.advance(OFTEN_MS);
    [...entries.values()][0]!.packets = 2n;
    await clock.advance(OFTEN_MS);
    fail(1n, '192.0.2.1');
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['a 9'], ['a 1']]);
  });
});

describe('the device counts for', () => {
  const four = (...octets: string[]) => octets.map((one) => `FAILED_SOURCE_IPV4 outer.ip4.src_ip ${one}`);

  test('the addresses that are known, and follows them', async () => {
    const { clock, sources, know, forget, fail, watched, toldOf } = open();
    know(A, '192.0.2.1', '2001:db8::1');
    know(B, '192.0.2.2');
    await sources.start();
    expect(watched()).toEqual(four('192.0.2.1', '192.0.2.2'));
    expect(sources.watched).toBe(2);
    forget('192.0.2.1');
    know(A, '192.0.2.3');
    await clock.advance(OFTEN_MS);
    expect(watched()).toEqual(four('192.0.2.2', '192.0.2.3'));
    // Another peer's now.
    forget('192.0.2.2');
    know(A, '192.0.2.2');
    await clock.advance(OFTEN_MS);
    fail(2n, '192.0.2.2');
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['a 2']]);
  });

  test('the first that are known, where there is not room for all', async () => {
    const { sources, know, watched } = open();
    know(A, ...Array.from({ length: FAILED_SOURCES_MAX }, (_, i) => `192.0.${i >> 8}.${i & 255}`));
    know(B, '10.0.0.1');
    await sources.start();
    expect(sources.watched).toBe(FAILED_SOURCES_MAX);
    expect(watched()).not.toContain(four('10.0.0.1')[0]);
  });

  test('what it would not take or give up is tried again with the next look, and the log says so', async () => {
    const { clock, sources, device, know, forget, events, watched } = open();
    know(A, '192.0.2.1');
    await sources.start();
    forget('192.0.2.1');
    know(A, '192.0.2.2', '192.0.2.3');
    device.refuses = ({ operation }) => operation === 'remove';
    await clock.advance(OFTEN_MS);
    expect(events).toEqual([{ type: 'work-failed', work: 'recovery', reason: 'table full' }]);
    expect(watched()).toEqual(four('192.0.2.1', '192.0.2.2', '192.0.2.3'));
    device.refuses = () => false;
    await clock.advance(OFTEN_MS);
    expect(watched()).toEqual(four('192.0.2.2', '192.0.2.3'));
    expect(events).toHaveLength(1);
    know(B, '192.0.2.4');
    device.refuses = ({ operation }) => operation === 'add';
    await clock.advance(OFTEN_MS);
    expect([sources.watched, events.length]).toEqual([2, 2]);
    device.refuses = () => false;
    await clock.advance(OFTEN_MS);
    expect(watched()).toEqual(four('192.0.2.2', '192.0.2.3', '192.0.2.4'));
  });

  test('in transport mode those of the workloads, and what its prefixes have room for, the longest first', async () => {
    const wide = peer('wide', ['10.0.0.1', 'fd00::1'], ['10.8.0.0/16', 'fd01::/64']);
    const narrow = peer('narrow', ['10.0.0.2'], ['10.8.0.4/31']);
    const { clock, sources, know, fail, watched, toldOf } = open({
      mode: 'transport',
      peers: [wide, narrow],
    });
    know(A, '10.0.0.9');
    await sources.start();
    expect(sources.watched).toBe(2 * FAILED_SOURCES_MAX);
    const all = watched();
    for (const address of ['10.0.0.1', '10.0.0.2', '10.0.0.9', '10.8.0.0', '10.8.0.4'])
      expect(all).toContain(four(address)[0]);
    expect(all.filter((one) => one.startsWith('FAILED_SOURCE_IPV6 outer.ip6.src_ip '))).toHaveLength(
      FAILED_SOURCES_MAX,
    );
    fail(1n, '10.0.0.1');
    fail(2n, '10.8.0.5');
    fail(4n, '10.8.0.6');
    fail(8n, '10.9.0.1');
    await clock.advance(OFTEN_MS);
    expect(toldOf()).toEqual([['wide 5', 'narrow 2', 'unknown 8']]);
  });

  test('in tunnel mode none of a workload', async () => {
    const { sources, watched } = open({ peers: [peer('a', ['10.0.0.1'], ['10.8.0.0/30'])] });
    await sources.start();
    expect(watched()).toEqual([]);
  });
});
