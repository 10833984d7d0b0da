/**
 * Every field by itself: pipes that look at nothing else, in each of the ways in which one can look, and packets of which the
 * field alone decides whether they hit. The simulator and hal-doca must both count what the packets were made for.
 */
import { expect, test } from 'vitest';
import { FIELDS, type FieldName, type FieldValue, L3_NONE } from '../../src/hal/fields.js';
import type { CounterSelector } from '../../src/hal/hal.js';
import type {
  BasicEntry,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  Domain,
  MatchCondition,
  Pipe,
  PipeProgram,
} from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { Choose } from '../support/choose.js';
import type { DocaRelease } from '../support/doca-harness.js';
import { describeOnDoca } from '../support/on-doca.js';
import { FIELD_CASES, type FieldCase, type FieldPacket } from './field-packets.js';
import { openPair } from './open-pair.js';
import { Pair } from './pair.js';
import { masked, NO_CONDITION, someBits } from './random-fields.js';

const NAMES = Object.keys(FIELDS) as FieldName[];
const OPERATIONS = ['lt', 'le', 'gt', 'ge', 'ne'] as const;
const HIT = 'hit';

/** One way to look at the field: a pipe, and which values hit it. */
interface Look {
  readonly name: string;
  readonly pipe: (common: LookCommon) => Pipe;
  readonly hits: (value: FieldValue) => boolean;
}

interface LookCommon {
  readonly name: string;
  readonly domain: Domain;
  readonly sizeEntries: number;
  readonly missCounter: true;
  readonly miss: { readonly to: 'pipe'; readonly pipe: string };
}

export function describeFields(release: DocaRelease): void {
  describeOnDoca(release, () => {
    test.each(NAMES)('%s alone decides what hits and what misses', async (field) => {
      const choose = new Choose(NAMES.indexOf(field) + 1);
      const cases = FIELD_CASES[field]?.(choose) ?? [];
      const counted = { hits: 0, misses: 0 };
      for (const one of cases) {
        const { hits, misses } = await runCase(release, choose, field, one);
        counted.hits += hits;
        counted.misses += misses;
      }
      // A field without packets of its own fails here.
      expect(counted.hits).toBeGreaterThan(0);
      expect(counted.misses).toBeGreaterThan(0);
    });

    test('the copy of a packet that was decapsulated has nothing inside any more, as the packet itself', async () => {
      await withPair(release, 1, async (pair) => {
        const look = lookFor('NONE', 'parser_meta.inner_l3_type', L3_NONE, undefined)[0]!;
        await pair.both(({ hal }) => hal.build(copyingProgram(look)));
        const packets = FIELD_CASES['inner.ip4.src_ip'](new Choose(1))[0]!.packets;
        const { frame } = packets[0]!;
        for (const harness of [pair.sim, pair.doca]) harness.inject(UPLINK_PORT, [frame.slice()]);
        await pair.compareTraffic();
        expect(await countsOf(pair, look)).toEqual({ hits: 2, misses: 0 });
      });
    });
  });
}

/** Opens packets and takes them out of their tunnels; the packet and a copy of it are looked at then. */
function copyingProgram(look: Look): PipeProgram {
  const one = { sizeEntries: 1, miss: { to: 'drop' } } as const;
  const ethernetHeader = Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00]);
  const to = (pipe: string) => ({ to: 'pipe', pipe }) as const;
  const common = { ...one, domain: 'secure-ingress', match: {}, entries: [{}], type: 'basic' } as const;
  return {
    name: 'copies',
    mirrors: [{ name: 'COPY', targets: [to(look.name)] }],
    pipes: [
      {
        ...one,
        name: 'ROOT',
        type: 'control',
        domain: 'default',
        isRoot: true,
        entries: [{ priority: 0, match: {}, forward: to('OPEN') }],
      },
      {
        ...common,
        name: 'OPEN',
        actions: [{ decrypt: true, decap: { netType: 'psp-tunnel', ethernetHeader } }],
        forward: to(look.name),
        monitor: { mirror: 'COPY' },
      },
      look.pipe({
        name: look.name,
        domain: 'secure-ingress',
        sizeEntries: 1,
        missCounter: true,
        miss: to('END'),
      }),
      { ...common, name: 'END', forward: { to: 'rss' } },
    ],
  };
}

async function withPair<Result>(
  release: DocaRelease,
  randomSeed: number,
  run: (pair: Pair) => Promise<Result>,
): Promise<Result> {
  const { sim, doca } = await openPair(release, {
    randomSeed,
    firstSpi: 1,
    uplinkMtuOctets: 1500,
    vfMtuOctets: 1500,
    keySlots: 1,
    burst: 1,
    rssQueues: 1,
  });
  try {
    return await run(new Pair(sim, doca, 1));
  } finally {
    await sim.hal.close();
    await doca.hal.close();
  }
}

function runCase(release: DocaRelease, choose: Choose, field: FieldName, one: FieldCase) {
  return withPair(release, choose.uint32(), async (pair) => {
    const looks = looksAt(choose, field, one.target);
    await pair.both(({ hal }) => hal.build(programOf(field, one, looks)));
    for (const port of [UPLINK_PORT, VF_PORT]) {
      const frames = one.packets.filter((packet) => packet.port === port).map(({ frame }) => frame);
      for (const harness of [pair.sim, pair.doca]) {
        harness.inject(
          port,
          frames.map((frame) => frame.slice()),
        );
      }
      await pair.compareTraffic();
    }
    // Each of them has been looked at to the end.
    expect(pair.outputs).toBe(one.packets.length);
    const counted = { hits: 0, misses: 0 };
    for (const look of looks) {
      const { hits, misses } = await countsOf(pair, look);
      const expected = expectedHits(one.packets, look);
      if (expected !== undefined) expect(hits, `${look.name} of ${field}`).toBe(expected);
      expect(hits + misses, `${look.name} of ${field}`).toBe(one.packets.length);
      counted.hits += hits;
      counted.misses += misses;
    }
    return counted;
  });
}

async function countsOf(pair: Pair, { name }: Look): Promise<{ hits: number; misses: number }> {
  const selectors: CounterSelector[] = [
    { pipe: name, label: HIT },
    { pipe: name, miss: true },
  ];
  const [hits, misses] = await pair.both(({ hal }) => hal.counters(selectors));
  return { hits: Number(hits!.packets), misses: Number(misses!.packets) };
}

/** undefined where only the devices know. */
function expectedHits(packets: readonly FieldPacket[], { hits }: Look): number | undefined {
  if (packets.some(({ value }) => value === 'drawn')) return undefined;
  return packets.filter(({ value }) => value !== undefined && hits(value as FieldValue)).length;
}

/** Every way there is to look for `target`. */
function looksAt(choose: Choose, field: FieldName, target: FieldValue): Look[] {
  const mask = someBits(choose, field);
  const looks = lookFor('WHOLE', field, target, undefined);
  if (mask !== undefined) looks.push(...lookFor('MASKED', field, masked(target, mask), mask));
  if (typeof target !== 'number' || NO_CONDITION.test(field)) return looks;
  return [...looks, ...OPERATIONS.map((operation) => compared({ field, operation, value: target }))];
}

function lookFor(name: string, field: FieldName, value: FieldValue, mask: FieldValue | undefined): Look[] {
  const hits = (one: FieldValue) => equal(masked(one, mask), value);
  const match = (what: FieldValue | 'entry') => ({
    [field]: { value: what, ...(mask === undefined ? {} : { mask }) },
  });
  const entries = [{ label: HIT, match: { [field]: value } }];
  return [
    { name: `${name}_OF_ENTRY`, hits, pipe: (common) => basic(common, { match: match('entry'), entries }) },
    {
      name: `${name}_OF_PIPE`,
      hits,
      pipe: (common) => basic(common, { match: match(value), entries: [{ label: HIT }] }),
    },
    { name: `${name}_OF_CONTROL`, hits, pipe: (common) => control(common, { match: match(value) }) },
  ];
}

function compared(condition: MatchCondition): Look {
  const { operation, value } = condition;
  const hits = (one: FieldValue) =>
    ({
      lt: (one as number) < value,
      le: (one as number) <= value,
      gt: (one as number) > value,
      ge: (one as number) >= value,
      ne: one !== value,
    })[operation];
  return { name: operation.toUpperCase(), hits, pipe: (common) => control(common, { match: {}, condition }) };
}

function basic(common: LookCommon, more: Pick<BasicPipe, 'match' | 'entries'>): BasicPipe {
  return { ...common, ...more, type: 'basic', forward: common.miss, monitor: { counter: true } };
}

function control(common: LookCommon, more: Pick<ControlEntry, 'match' | 'condition'>): ControlPipe {
  const entry = { ...more, label: HIT, priority: 0, forward: common.miss, monitor: { counter: true } };
  return { ...common, type: 'control', entries: [entry] };
}

/** One look after the other at every packet, which then goes to RSS. */
function programOf(field: FieldName, { decrypt, packets }: FieldCase, looks: readonly Look[]): PipeProgram {
  const domain: Domain = decrypt === true ? 'secure-ingress' : 'default';
  const writes = writesOf(field, packets);
  const names = [...(decrypt ? ['DECRYPT'] : []), ...(writes.length > 0 ? ['WRITE'] : [])];
  const order = [...names, ...looks.map(({ name }) => name), 'END'];
  const to = (pipe: string) => ({ to: 'pipe', pipe }) as const;
  const after = (name: string) => to(order[order.indexOf(name) + 1]!);
  const all = { match: {}, entries: [{ label: 'all' }], miss: { to: 'drop' }, sizeEntries: 1 } as const;
  const rootEntry: ControlEntry = { priority: 0, match: {}, forward: to(order[0]!) };
  const steps: Record<string, Pipe> = {
    DECRYPT: {
      ...all,
      name: 'DECRYPT',
      type: 'basic',
      domain,
      actions: [{ decrypt: true }],
      forward: after('DECRYPT'),
    },
    WRITE: {
      name: 'WRITE',
      type: 'basic',
      domain,
      sizeEntries: Math.max(1, writes.length),
      match: { 'outer.udp.src_port': { value: 'entry' } },
      actions: [{ set: { [field]: { value: 'entry' } } }],
      forward: after('WRITE'),
      miss: after('WRITE'),
      entries: writes,
    },
  };
  return {
    name: 'fields',
    pipes: [
      { ...all, name: 'ROOT', type: 'control', domain: 'default', isRoot: true, entries: [rootEntry] },
      ...names.map((name) => steps[name]!),
      ...looks.map(({ name, pipe }) =>
        pipe({ name, domain, sizeEntries: 1, missCounter: true, miss: after(name) }),
      ),
      { ...all, name: 'END', type: 'basic', domain, forward: { to: 'rss' } },
    ],
  };
}

/** By the packets' UDP source ports, 1 and on. */
function writesOf(field: FieldName, packets: readonly FieldPacket[]): BasicEntry[] {
  return packets.flatMap(({ written }, i) =>
    written === undefined
      ? []
      : [{ match: { 'outer.udp.src_port': i + 1 }, values: { set: { [field]: written } } }],
  );
}

function equal(one: FieldValue, other: FieldValue): boolean {
  if (typeof one === 'number') return one === other;
  return Buffer.compare(one, other as Uint8Array) === 0;
}
