/** Limits: what a device builds and has room for, and the words with which it refuses more. */
import { HalError, reasonOf } from '../../hal/errors.js';
import { FIELDS, type FieldName, isPspWord } from '../../hal/fields.js';
import type { EntryOperation } from '../../hal/hal.js';
import type { BasicPipe, ControlEntry, ControlPipe, MatchCondition, PipeProgram } from '../../hal/program.js';
import { VF_PORT } from '../../hal/program.js';
import type { Measure, Measured } from '../property.js';
import type { World } from '../world.js';

const DROP = { to: 'drop' } as const;

/** A root that sends everything to the first of the pipes. */
function programOf(pipes: readonly (BasicPipe | ControlPipe)[]): PipeProgram {
  return {
    name: 'verify-limits',
    pipes: [
      {
        type: 'control',
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: 4,
        miss: DROP,
        entries: [{ label: 'all', priority: 0, match: {}, forward: { to: 'pipe', pipe: pipes[0]!.name } }],
      },
      ...pipes,
    ],
  };
}

function basicPipe(over: Partial<BasicPipe> = {}): BasicPipe {
  return {
    type: 'basic',
    name: 'P0',
    domain: 'secure-ingress',
    sizeEntries: 8,
    match: {},
    forward: { to: 'port', port: VF_PORT },
    miss: DROP,
    monitor: { counter: true },
    ...over,
  };
}

function controlPipe(entry: ControlEntry): ControlPipe {
  return {
    type: 'control',
    name: 'P0',
    domain: 'secure-ingress',
    sizeEntries: 4,
    miss: DROP,
    entries: [entry],
  };
}

/** Builds a program on a device of its own. Returns the device's words where it does not; undefined: it does. */
async function refusal(world: World, program: PipeProgram): Promise<string | undefined> {
  const { hal } = await world.open();
  await using _closed = { [Symbol.asyncDispose]: () => hal.close() };
  try {
    await hal.build(program);
    return undefined;
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    return reasonOf(error).replaceAll('\n', ' ');
  }
}

const FIELD_NAMES = (Object.keys(FIELDS) as FieldName[]).filter((name) => !isPspWord(name));
const anyValue = (name: FieldName) =>
  FIELDS[name].widthBits > 32 ? new Uint8Array(FIELDS[name].widthBits / 8).fill(1) : 1;

/** Fields that cannot stand together, since a packet has one of the headers. */
const EXCLUSIVE = [/\.ip4\./, /\.ip6\./, /\.icmp\./, /\.udp\./, /tun\.psp/, /inner/];

async function matches(world: World): Promise<Measured[]> {
  // All at once where they go together, one by one where that is refused.
  const groups = [
    FIELD_NAMES.filter((name) => !EXCLUSIVE.some((pattern) => pattern.test(name))),
    ...EXCLUSIVE.map((pattern) => FIELD_NAMES.filter((name) => pattern.test(name))),
  ];
  const refused = new Map<string, string>();
  const tried = new Set<FieldName>();
  const build = (names: readonly FieldName[]) => {
    const match = Object.fromEntries(names.map((name) => [name, { value: anyValue(name) }]));
    const entry: ControlEntry = { label: 'e', priority: 1, match, forward: { to: 'port', port: VF_PORT } };
    return refusal(world, programOf([controlPipe(entry)]));
  };
  for (const group of groups) {
    const names = group.filter((name) => !tried.has(name));
    for (const name of names) tried.add(name);
    for (const some of halves(names)) {
      if ((await build(some)) === undefined) continue;
      for (const name of some) {
        const words = await build([name]);
        if (words !== undefined) refused.set(name, words);
      }
    }
  }
  return [
    { what: 'fields that entries can look at', value: `${tried.size - refused.size} of ${tried.size}` },
    ...[...refused].map(([name, words]) => ({ what: `a match on ${name}`, value: words })),
  ];
}

function halves<Item>(items: readonly Item[]): (readonly Item[])[] {
  const half = Math.ceil(items.length / 2);
  return [items.slice(0, half), items.slice(half)].filter((some) => some.length > 0);
}

const CONDITIONS: readonly MatchCondition['operation'][] = ['lt', 'le', 'gt', 'ge', 'ne'];
const LENGTHS: readonly FieldName[] = ['outer.ip4.total_len', 'outer.ip6.payload_len'];

async function conditions(world: World): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const field of LENGTHS) {
    const can: string[] = [];
    const words = new Map<string, string[]>();
    for (const operation of CONDITIONS) {
      const l3 = field.includes('ip4') ? 1 : 2;
      const entry: ControlEntry = {
        label: 'e',
        priority: 1,
        match: { 'parser_meta.outer_l3_type': { value: l3 } },
        condition: { field, operation, value: 100 },
        forward: { to: 'port', port: VF_PORT },
      };
      const reason = await refusal(world, programOf([controlPipe(entry)]));
      if (reason === undefined) can.push(operation);
      else words.set(reason, [...(words.get(reason) ?? []), operation]);
    }
    rows.push({ what: `conditions on ${field}`, value: can.length === 0 ? 'none' : can.join(', ') });
    for (const [reason, operations] of words)
      rows.push({ what: `${operations.join(', ')} on ${field}`, value: reason });
  }
  return rows;
}

const WIDE_FIELDS: readonly FieldName[] = [
  'outer.ip6.src_ip',
  'outer.ip6.dst_ip',
  'meta.u32.0',
  'meta.u32.1',
  'tun.psp.spi',
  'inner.ip6.src_ip',
];

async function widths(world: World): Promise<Measured[]> {
  let widest = 0;
  for (let count = 1; count <= WIDE_FIELDS.length; count++) {
    const names = WIDE_FIELDS.slice(0, count);
    const match = Object.fromEntries(names.map((name) => [name, { value: 'entry' as const }]));
    const words = await refusal(world, programOf([basicPipe({ match })]));
    if (words !== undefined) {
      return [
        { what: 'widest match of a basic pipe', value: `${widest} octets` },
        { what: `with ${names.at(-1)} besides`, value: words },
      ];
    }
    widest = names.reduce((sum, name) => sum + FIELDS[name].widthBits / 8, 0);
  }
  return [{ what: 'widest match of a basic pipe that was tried', value: `${widest} octets` }];
}

const PIPES_TRIED = [16, 64, 250];

async function pipes(world: World): Promise<Measured[]> {
  let most = 1;
  for (const count of PIPES_TRIED) {
    const chain = Array.from({ length: count }, (_, i) =>
      basicPipe({
        name: `P${i}`,
        match: { 'meta.u32.0': { value: 'entry' } },
        ...(i + 1 < count
          ? { forward: { to: 'pipe', pipe: `P${i + 1}` }, miss: { to: 'pipe', pipe: `P${i + 1}` } }
          : {}),
      }),
    );
    const words = await refusal(world, programOf(chain));
    if (words !== undefined)
      return [
        { what: 'pipes behind each other', value: `${most}` },
        { what: `${count} pipes`, value: words },
      ];
    most = count;
  }
  return [{ what: 'pipes behind each other that were tried', value: `${most}` }];
}

const ENTRIES_PER_BATCH = 1024;
const ENTRIES_TRIED = 4096;

async function entries(world: World): Promise<Measured[]> {
  const { hal } = await world.open();
  await using _closed = { [Symbol.asyncDispose]: () => hal.close() };
  const sizeEntries = Math.min(ENTRIES_TRIED, hal.device.limits.entriesPerPipe);
  await hal.build(programOf([basicPipe({ sizeEntries, match: { 'meta.u32.0': { value: 'entry' } } })]));
  let added = 0;
  let words: string | undefined;
  while (added < sizeEntries && words === undefined) {
    const operations = Array.from(
      { length: Math.min(ENTRIES_PER_BATCH, sizeEntries - added) },
      (_, i): EntryOperation => ({
        operation: 'add',
        pipe: 'P0',
        entry: { match: { 'meta.u32.0': added + i } },
      }),
    );
    for (const result of await hal.apply(operations)) {
      if ('error' in result) words ??= result.error.message;
      else added++;
    }
  }
  return [
    { what: `entries of a basic pipe for ${sizeEntries}`, value: `${added}` },
    ...(words === undefined ? [] : [{ what: 'one more', value: words }]),
  ];
}

async function slots(world: World): Promise<Measured[]> {
  const { hal } = await world.open();
  await using _closed = { [Symbol.asyncDispose]: () => hal.close() };
  const { keySlots } = hal.device.limits;
  const key = new Uint8Array(32).fill(0x5a);
  const [last, beyond] = await hal.setKeys([
    { cryptoId: keySlots, key },
    { cryptoId: keySlots + 1, key },
  ]);
  return [
    { what: 'key slots that were asked for', value: `${keySlots}` },
    { what: 'the highest of them', value: last?.message ?? 'is set' },
    { what: 'one beyond', value: beyond?.message ?? 'is set as well' },
  ];
}

const PRIORITIES = [0, 1, 2, 3, 4, 5, 6];

async function priorities(world: World): Promise<Measured[]> {
  const can: number[] = [];
  const rows: Measured[] = [];
  for (const priority of PRIORITIES) {
    const entry: ControlEntry = { label: 'e', priority, match: {}, forward: { to: 'port', port: VF_PORT } };
    const words = await refusal(world, programOf([controlPipe(entry)]));
    if (words === undefined) can.push(priority);
    else rows.push({ what: `priority ${priority}`, value: words });
  }
  return [{ what: 'priorities of control entries', value: can.join(', ') || 'none' }, ...rows];
}

const limit = (name: string, title: string, measure: Measure['measure']): Measure => ({
  kind: 'measure',
  name,
  group: 'limits',
  title,
  measure,
});

export const LIMITS: readonly Measure[] = [
  limit('match-fields', 'Fields that entries of control pipes can look at', matches),
  limit('conditions', 'Conditions on lengths', conditions),
  limit('priorities', 'Priorities of entries of control pipes', priorities),
  limit('match-width', 'How wide the match of a basic pipe may be', widths),
  limit('pipes', 'How many pipes a program may have', pipes),
  limit('entries', 'Entries of a pipe', entries),
  limit('key-slots', 'Key slots', slots),
];
