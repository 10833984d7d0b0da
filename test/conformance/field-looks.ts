/**
 * Programs that look at one field and nothing else, in each of the ways in which one can look, and how many of a case's packets
 * have to hit.
 */

import type { Choose } from '../../src/base/choose.js';
import { type FieldName, type FieldValue, L3_IPV4, L3_NONE } from '../../src/hal/fields.js';
import type { Counter, CounterSelector } from '../../src/hal/hal.js';
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
import { masked, NO_CONDITION, someBits } from '../../src/verify/random/random-fields.js';
import type { FieldCase, FieldPacket } from './field-packets.js';

const OPERATIONS = ['lt', 'le', 'gt', 'ge', 'ne'] as const;
const HIT = 'hit';

/** One way to look at the field: a pipe, and which values hit it. */
export interface Look {
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

/** What a look has counted. */
export async function countsOf(
  { name }: Look,
  counters: (selectors: readonly CounterSelector[]) => Promise<Counter[]>,
): Promise<{ hits: number; misses: number }> {
  const [hits, misses] = await counters([
    { pipe: name, label: HIT },
    { pipe: name, miss: true },
  ]);
  return { hits: Number(hits!.packets), misses: Number(misses!.packets) };
}

/** undefined where only the devices know. */
export function expectedHits(packets: readonly FieldPacket[], { hits }: Look): number | undefined {
  if (packets.some(({ value }) => value === 'drawn')) return undefined;
  return packets.filter(({ value }) => value !== undefined && hits(value as FieldValue)).length;
}

/** Every way there is to look for `target`. */
export function looksAt(choose: Choose, field: FieldName, target: FieldValue): Look[] {
  const mask = someBits(choose, field);
  const looks = lookFor('WHOLE', field, target, undefined);
  if (mask !== undefined) looks.push(...lookFor('MASKED', field, masked(target, mask), mask));
  if (typeof target !== 'number' || NO_CONDITION.test(field)) return looks;
  return [...looks, ...OPERATIONS.map((operation) => compared({ field, operation, value: target }))];
}

export function lookFor(
  name: string,
  field: FieldName,
  value: FieldValue,
  mask: FieldValue | undefined,
): Look[] {
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
export function programOf(
  field: FieldName,
  { decrypt, packets }: FieldCase,
  looks: readonly Look[],
): PipeProgram {
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

/** What a packet has inside once it is decrypted, and once it was taken out of its tunnel as well; its copies have the same. */
export const INSIDE = [
  { decap: false, innerL3Type: L3_IPV4 },
  { decap: true, innerL3Type: L3_NONE },
] as const;

/** A look at what a packet has inside. */
export const lookInside = (innerL3Type: number): Look =>
  lookFor('INSIDE', 'parser_meta.inner_l3_type', innerL3Type, undefined)[0]!;

/** A look at the SPI of the PSP header that a packet has come in. */
export const lookAtSpi = (spi: number): Look => lookFor('PSP', 'tun.psp.spi', spi, undefined)[0]!;

/** Opens packets, and takes them out of their tunnels if `decap` says so; the packet and a copy of it are looked at then. */
export function copyingProgram(look: Look, decap: boolean): PipeProgram {
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
        actions: [{ decrypt: true, ...(decap ? { decap: { netType: 'psp-tunnel', ethernetHeader } } : {}) }],
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
