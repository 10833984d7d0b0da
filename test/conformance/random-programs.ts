/** Random programs that are valid and that every device can build, and entries for them. */
import { encapHeaderLengthOctets } from '../../src/hal/check-entry.js';
import { FIELDS, type FieldName, type FieldValue, type WritableFieldName } from '../../src/hal/fields.js';
import type {
  ActionTemplate,
  ActionValues,
  BasicEntry,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  Domain,
  FieldMatch,
  Forward,
  MatchTemplate,
  Mirror,
  MissForward,
  Pipe,
  PipeProgram,
} from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { validateProgram } from '../../src/hal/validate.js';
import type { Choose } from '../support/choose.js';
import { IPV4_POOL, IPV6_POOL, ipv4Octets, MAC_POOL, PORT_POOL, SPI_POOL } from './random-packets.js';

export const KEY_SLOTS = 8;
const SIZE_ENTRIES = 12;
/** All fields; some more often, since what they say is hard to get right. */
const FIELD_NAMES: readonly FieldName[] = [
  ...(Object.keys(FIELDS) as FieldName[]),
  ...Array.from(
    { length: 3 },
    () => ['parser_meta.outer_l4_type', 'tun.psp.vc', 'parser_meta.psp_syndrome'] as const,
  ).flat(),
];
const WRITABLE = [...new Set(FIELD_NAMES)].filter((name) => FIELDS[name].writable) as WritableFieldName[];
/** What a packet's copy knows that its frame does not say. */
const COPIED_FIELDS = FIELD_NAMES.filter((name) => /^meta\.|psp_syndrome$/.test(name));
/** Fields without a name in DOCA's conditions. */
const NO_CONDITION = /^meta\.u32|_mac$|port_id|ip6\.(src|dst)_ip|\.vc$/;

/** A value that packets are likely to have. */
function likelyValue(choose: Choose, field: FieldName): FieldValue {
  const small: Partial<Record<FieldName, readonly FieldValue[]>> = {
    'parser_meta.port_id': [0, 0, 1, 1, 2],
    'parser_meta.outer_l3_type': [0, 1, 2],
    'parser_meta.outer_l4_type': [0, 1, 2, 3],
    'parser_meta.inner_l3_type': [0, 1, 2],
    'parser_meta.inner_l4_type': [0, 1, 2, 3],
    'parser_meta.psp_syndrome': [0, 0, 1, 2],
    'outer.eth.type': [0x0800, 0x86dd, 0x0806],
    'outer.ip4.next_proto': [1, 6, 17],
    'outer.ip6.next_proto': [58, 6, 17, 44],
    'outer.ip4.flags_fragment_offset': [0, 0x4000],
    'tun.psp.nexthdr': [4, 41, 17, 6],
    'tun.psp.hdrextlen': [1, 2, 3],
    'tun.psp.res_cryptofst': [0, 1, 4],
    'tun.psp.s_d_ver_v': [0x01, 0x05, 0x07, 0x03, 0x81],
    'tun.psp.spi': SPI_POOL,
    'tun.psp.vc': [0, 1, 2].map((last) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, last])),
    'outer.udp.src_port': PORT_POOL,
    'outer.udp.dst_port': PORT_POOL,
  };
  const given = small[field];
  if (given !== undefined) return choose.pick(given);
  if (field.endsWith('_mac')) return choose.pick(MAC_POOL);
  if (/ip4\.(src|dst)_ip$/.test(field)) return choose.pick(IPV4_POOL);
  if (/ip6\.(src|dst)_ip$/.test(field)) return choose.pick(IPV6_POOL);
  if (field.startsWith('meta.')) return choose.below(3);
  const { widthBits } = FIELDS[field];
  return choose.below(2 ** Math.min(widthBits, 16));
}

function masked(value: FieldValue, mask: FieldValue | undefined): FieldValue {
  if (mask === undefined) return value;
  if (typeof value === 'number') return (value & (mask as number)) >>> 0;
  return value.map((octet, i) => octet & (mask as Uint8Array)[i]!);
}

function randomMask(choose: Choose, field: FieldName): FieldValue | undefined {
  if (field === 'parser_meta.port_id' || !choose.once(5)) return undefined;
  const { widthBits } = FIELDS[field];
  if (widthBits > 32) {
    const mask = choose.octets(widthBits / 8);
    mask[0]! |= 1;
    return mask;
  }
  return (((choose.uint32() & (2 ** widthBits - 1)) | 1) >>> 0) as number;
}

/** Up to `count` fields that a packet can have together. */
function randomMatch(
  choose: Choose,
  count: number,
  allowEntry: boolean,
  fields: readonly FieldName[] = FIELD_NAMES,
): MatchTemplate {
  const match: Record<string, FieldMatch> = {};
  for (let i = 0; i < count; i++) {
    const field = choose.pick(fields);
    if (!compatible(field, match as MatchTemplate)) continue;
    const mask = randomMask(choose, field);
    const value = allowEntry && choose.once(2) ? 'entry' : masked(likelyValue(choose, field), mask);
    match[field] = mask === undefined ? { value } : { value, mask };
  }
  return match as MatchTemplate;
}

function randomActions(choose: Choose, domain: Domain, allowEntry: boolean): ActionTemplate {
  const action: { -readonly [Key in keyof ActionTemplate]: ActionTemplate[Key] } = {};
  const egress = domain.includes('egress');
  if (domain === 'secure-ingress' && choose.once(2)) action.decrypt = true;
  if (!egress && choose.once(3)) {
    const netType = choose.pick(['psp-tunnel', 'psp-tunnel', 'psp-over-ipv4', 'psp-over-ipv6'] as const);
    const header = allowEntry && choose.once(2) ? 'entry' : ethernetHeader(choose);
    action.decap = netType === 'psp-tunnel' ? { netType, ethernetHeader: header } : { netType };
  }
  if (choose.once(3)) {
    const set: Record<string, FieldMatch> = {};
    for (let i = choose.between(1, 2); i > 0; i--) {
      const field = choose.pick(WRITABLE);
      const mask = randomMask(choose, field);
      const value = allowEntry && choose.once(2) ? 'entry' : masked(likelyValue(choose, field), mask);
      set[field] = mask === undefined ? { value } : { value, mask };
    }
    action.set = set as NonNullable<ActionTemplate['set']>;
  }
  if (egress && choose.once(2)) {
    const netType = choose.pick(['psp-tunnel', 'psp-tunnel', 'psp-over-ipv4', 'psp-over-ipv6'] as const);
    const outer =
      netType === 'psp-tunnel'
        ? choose.pick(['ipv4', 'ipv6'] as const)
        : netType === 'psp-over-ipv4'
          ? 'ipv4'
          : 'ipv6';
    action.encap = { netType, outer, cookie: choose.once(3) };
  }
  if (domain === 'secure-egress' && choose.once(2)) {
    action.encrypt = { cryptoId: allowEntry && !choose.once(3) ? 'entry' : choose.between(1, KEY_SLOTS) };
  }
  return action;
}

function ethernetHeader(choose: Choose): Uint8Array {
  return Uint8Array.from([...choose.pick(MAC_POOL), ...choose.pick(MAC_POOL), 0x08, choose.below(2)]);
}

/** Where packets may go from pipe number `from`: only to later pipes, so that there is no circle. */
function randomForward(choose: Choose, pipes: readonly Plan[], from: number): Forward {
  const own = pipes[from]!;
  const later = pipes.slice(from + 1).filter(({ domain, isRoot }) => mayFollow(own, domain, isRoot));
  if (later.length > 0 && !choose.once(3)) return { to: 'pipe', pipe: choose.pick(later).name };
  const kind = choose.below(own.isRoot && own.domain === 'default' ? 5 : 4);
  if (kind === 0) return { to: 'drop' };
  if (kind === 1) return { to: 'rss' };
  if (kind === 4) return { to: 'kernel' };
  return { to: 'port', port: choose.pick([UPLINK_PORT, VF_PORT]) };
}

function randomMiss(choose: Choose, pipes: readonly Plan[], from: number): MissForward {
  const forward = randomForward(choose, pipes, from);
  return forward.to === 'pipe' || forward.to === 'drop' || forward.to === 'kernel' ? forward : { to: 'drop' };
}

interface Plan {
  readonly name: string;
  readonly domain: Domain;
  readonly isRoot: boolean;
}

const NEXT: Readonly<Record<Domain, readonly Domain[]>> = {
  default: ['default', 'secure-ingress', 'egress'],
  'secure-ingress': ['secure-ingress', 'default'],
  egress: ['egress', 'secure-egress'],
  'secure-egress': ['secure-egress', 'egress'],
};

function mayFollow(from: Plan, domain: Domain, isRoot: boolean): boolean {
  if (!NEXT[from.domain].includes(domain)) return false;
  return !isRoot || (domain === 'egress' && !from.domain.includes('egress'));
}

/** A value for every place that a template leaves to entries. */
function randomValues(choose: Choose, template: ActionTemplate): ActionValues | undefined {
  const values: { -readonly [Key in keyof ActionValues]: ActionValues[Key] } = {};
  const set: Record<string, FieldValue> = {};
  for (const [field, { value, mask }] of Object.entries(template.set ?? {}) as [
    WritableFieldName,
    FieldMatch,
  ][]) {
    if (value === 'entry') set[field] = masked(likelyValue(choose, field), mask);
  }
  if (Object.keys(set).length > 0) values.set = set as NonNullable<ActionValues['set']>;
  if (template.decap?.ethernetHeader === 'entry') values.ethernetHeader = ethernetHeader(choose);
  if (template.encap !== undefined) values.encapHeader = encapHeader(choose, template.encap);
  if (template.encrypt?.cryptoId === 'entry') values.cryptoId = choose.between(1, KEY_SLOTS);
  return Object.keys(values).length > 0 ? values : undefined;
}

function encapHeader(choose: Choose, encap: NonNullable<ActionTemplate['encap']>): Uint8Array {
  const header = new Uint8Array(encapHeaderLengthOctets(encap));
  let at = 0;
  if (encap.netType === 'psp-tunnel') {
    header.set([...choose.pick(MAC_POOL), ...choose.pick(MAC_POOL)]);
    if (encap.outer === 'ipv4') {
      header.set([8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0], 12);
      header.set([...ipv4Octets(choose.pick(IPV4_POOL)), ...ipv4Octets(choose.pick(IPV4_POOL))], 26);
      at = 34;
    } else {
      header.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 50], 12);
      header.set([...choose.pick(IPV6_POOL), ...choose.pick(IPV6_POOL)], 22);
      at = 54;
    }
  }
  header.set([0, 0, 1000 >> 8, 1000 & 255], at);
  const version = choose.once(15) ? choose.below(16) : choose.below(4);
  const cookie = encap.cookie !== choose.once(12);
  header[at + 8] = choose.pick([4, 41]);
  header[at + 9] = encap.cookie ? 2 : 1;
  header[at + 10] = choose.pick([0, 0, 1, 4, 9, 63]);
  header[at + 11] = (version << 2) | (cookie ? 2 : 0) | 1;
  new DataView(header.buffer).setUint32(at + 12, choose.pick(SPI_POOL));
  if (encap.cookie) header.set(choose.octets(8), at + 24);
  return header;
}

/** `label`: absent for most. */
export function randomBasicEntry(
  choose: Choose,
  program: PipeProgram,
  pipe: BasicPipe,
  label?: string,
): BasicEntry {
  const match: Record<string, FieldValue> = {};
  for (const [field, { value, mask }] of Object.entries(pipe.match) as [FieldName, FieldMatch][]) {
    if (value === 'entry') match[field] = masked(likelyValue(choose, field), mask);
  }
  const actionIndex = pipe.actions === undefined ? 0 : choose.below(pipe.actions.length);
  const values = randomValues(choose, pipe.actions?.[actionIndex] ?? {});
  return {
    ...(label === undefined ? {} : { label }),
    ...(Object.keys(match).length === 0 ? {} : { match: match as NonNullable<BasicEntry['match']> }),
    ...(actionIndex === 0 ? {} : { actionIndex }),
    ...(values === undefined ? {} : { values }),
    ...(pipe.forward === 'entry' ? { forward: entryForward(choose, program, pipe) } : {}),
  };
}

/** A forward for an entry of a program that is there. */
export function entryForward(choose: Choose, program: PipeProgram, pipe: Pipe): Forward {
  const plans = program.pipes.map(({ name, domain, isRoot }) => ({ name, domain, isRoot: isRoot === true }));
  return randomForward(choose, plans, program.pipes.indexOf(pipe));
}

export function randomControlEntry(
  choose: Choose,
  program: PipeProgram,
  pipe: ControlPipe,
  label?: string,
): ControlEntry {
  const match = randomMatch(choose, choose.below(4), false);
  const actions = choose.once(2) ? randomActions(choose, pipe.domain, false) : undefined;
  const values = actions === undefined ? undefined : randomValues(choose, actions);
  const field = choose.pick(FIELD_NAMES);
  const condition =
    choose.once(4) && FIELDS[field].widthBits <= 32 && !NO_CONDITION.test(field) && !(field in match)
      ? compatible(field, match)
        ? {
            field,
            operation: choose.pick(['lt', 'le', 'gt', 'ge', 'ne'] as const),
            value: likelyValue(choose, field) as number,
          }
        : undefined
      : undefined;
  const mirrors = mirrorsFor(program.mirrors ?? [], program.pipes, program.pipes.indexOf(pipe));
  const mirror = mirrors.length > 0 && choose.once(3) ? choose.pick(mirrors).name : undefined;
  const counter = !choose.once(4);
  return {
    ...(label === undefined ? {} : { label }),
    priority: choose.between(0, 6),
    match,
    ...(condition === undefined ? {} : { condition }),
    ...(actions === undefined ? {} : { actions }),
    ...(values === undefined ? {} : { values }),
    forward: entryForward(choose, program, pipe),
    ...(counter || mirror !== undefined
      ? { monitor: { counter, ...(mirror === undefined ? {} : { mirror }) } }
      : {}),
  };
}

/** Whether a field and those of a match can be of one packet. */
function compatible(field: FieldName, match: MatchTemplate): boolean {
  const has = (prefix: string) => Object.keys(match).some((name) => name.startsWith(prefix));
  for (const [one, other] of [
    ['outer.udp', 'outer.icmp'],
    ['outer.ip4', 'outer.ip6'],
    ['inner.ip4', 'inner.ip6'],
  ] as const) {
    if (field.startsWith(one) && has(other)) return false;
    if (field.startsWith(other) && has(one)) return false;
  }
  return true;
}

/** A program without what one device or the other leaves open; see `buildable`. */
export function randomProgram(choose: Choose): PipeProgram {
  for (;;) {
    const program = pruned(draft(choose));
    if (validateProgram(program).length === 0 && buildable(program)) return program;
  }
}

function draft(choose: Choose): PipeProgram {
  const ingress = choose.between(1, 4);
  const egress = choose.between(0, 4);
  const plans: Plan[] = [{ name: 'ROOT', domain: 'default', isRoot: true }];
  for (let i = 0; i < ingress; i++) {
    plans.push({
      name: `IN${i}`,
      domain: choose.pick(['default', 'secure-ingress', 'secure-ingress']),
      isRoot: false,
    });
  }
  plans.push({ name: 'EGRESS', domain: 'egress', isRoot: true });
  for (let i = 0; i < egress; i++) {
    plans.push({
      name: `OUT${i}`,
      domain: choose.pick(['egress', 'secure-egress', 'secure-egress']),
      isRoot: false,
    });
  }
  const mirrors: Mirror[] = choose.once(3)
    ? [{ name: 'MIRROR', targets: choose.times(choose.between(1, 2), () => mirrorTarget(choose, plans)) }]
    : [];
  const skeleton: PipeProgram = {
    name: 'random',
    mirrors,
    pipes: plans.map(
      (plan): Pipe => ({ ...plan, type: 'control', sizeEntries: SIZE_ENTRIES, miss: { to: 'drop' } }),
    ),
  };
  const pipes = plans.map(({ name, domain, isRoot }, number): Pipe => {
    const common = {
      name,
      domain,
      ...(isRoot ? { isRoot } : {}),
      sizeEntries: choose.once(4) ? 3 : SIZE_ENTRIES,
      missCounter: !choose.once(4),
      miss: randomMiss(choose, plans, number),
    };
    if (choose.once(3)) return { ...common, type: 'control' };
    const mirror = mirrorsFor(mirrors, plans, number).length > 0 && choose.once(4) ? 'MIRROR' : undefined;
    const actions = choose.once(4)
      ? undefined
      : choose.times(choose.between(1, 2), () => randomActions(choose, domain, true));
    return {
      ...common,
      type: 'basic',
      match: takesCopies(mirrors, name)
        ? randomMatch(choose, choose.between(1, 2), true, COPIED_FIELDS)
        : randomMatch(choose, choose.below(4), true),
      ...(actions === undefined ? {} : { actions }),
      forward: mirror === undefined && choose.once(4) ? 'entry' : randomForward(choose, plans, number),
      ...(choose.once(3) && mirror === undefined
        ? {}
        : { monitor: { counter: !choose.once(4), ...(mirror === undefined ? {} : { mirror }) } }),
    };
  });
  return { ...skeleton, pipes: pipes.map((pipe) => withEntries(choose, { ...skeleton, pipes }, pipe)) };
}

const MIRROR_TARGETS: readonly Forward[] = [
  { to: 'rss' },
  { to: 'drop' },
  { to: 'port', port: UPLINK_PORT },
  { to: 'port', port: VF_PORT },
];

function mirrorTarget(choose: Choose, plans: readonly Plan[]): Forward {
  const pipes = plans.filter(({ isRoot }) => !isRoot);
  return choose.once(2) ? { to: 'pipe', pipe: choose.pick(pipes).name } : choose.pick(MIRROR_TARGETS);
}

function takesCopies(mirrors: readonly Mirror[], pipe: string): boolean {
  return mirrors.some(({ targets }) =>
    targets.some((target) => target.to === 'pipe' && target.pipe === pipe),
  );
}

/** Those whose copies stay on the side of pipe number `from`, and go to later pipes only, so that there is no circle. */
function mirrorsFor(
  mirrors: readonly Mirror[],
  pipes: readonly Pick<Pipe, 'name' | 'domain'>[],
  from: number,
): readonly Mirror[] {
  const isEgress = ({ domain }: { domain: Domain }) => domain.includes('egress');
  const later = pipes.slice(from + 1).filter((pipe) => isEgress(pipe) === isEgress(pipes[from]!));
  return mirrors.filter(({ targets }) =>
    targets.every((target) => target.to !== 'pipe' || later.some(({ name }) => name === target.pipe)),
  );
}

function withEntries(choose: Choose, program: PipeProgram, pipe: Pipe): Pipe {
  const count = choose.below(3);
  if (count === 0) return pipe;
  if (pipe.type === 'control') {
    return {
      ...pipe,
      entries: choose.times(count, (i) => randomControlEntry(choose, program, pipe, `s${i}`)),
    };
  }
  return { ...pipe, entries: [randomBasicEntry(choose, program, pipe, 's0')] };
}

/** Without pipes that nothing forwards to, and mirrors that nothing uses. */
function pruned(program: PipeProgram): PipeProgram {
  const reached = new Set<string>(
    program.pipes.filter((pipe) => pipe.isRoot === true).map(({ name }) => name),
  );
  const openForward = program.pipes.some((pipe) => pipe.type === 'basic' && pipe.forward === 'entry');
  for (let size = 0; size !== reached.size; ) {
    size = reached.size;
    for (const pipe of program.pipes) {
      if (!reached.has(pipe.name)) continue;
      const forwards: (Forward | 'entry' | undefined)[] = [
        pipe.miss,
        ...(pipe.type === 'basic' ? [pipe.forward] : []),
        ...(pipe.entries ?? []).map((entry) => entry.forward),
        ...(mirrorsOf(pipe).length > 0 ? (program.mirrors ?? []).flatMap(({ targets }) => targets) : []),
      ];
      for (const forward of forwards) {
        if (forward !== undefined && forward !== 'entry' && forward.to === 'pipe') reached.add(forward.pipe);
      }
    }
  }
  const pipes = openForward ? program.pipes : program.pipes.filter(({ name }) => reached.has(name));
  const used = pipes.some((pipe) => mirrorsOf(pipe).length > 0);
  const { mirrors, ...rest } = program;
  return { ...rest, pipes, ...(used && mirrors !== undefined ? { mirrors } : {}) };
}

function mirrorsOf(pipe: Pipe): string[] {
  const monitors =
    pipe.type === 'basic' ? [pipe.monitor] : (pipe.entries ?? []).map(({ monitor }) => monitor);
  return monitors.flatMap((monitor) => monitor?.mirror ?? []);
}

/** DOCA has one crypto action and one change of headers per action template. */
function buildable(program: PipeProgram): boolean {
  return program.pipes.every((pipe) => {
    const templates =
      pipe.type === 'basic' ? (pipe.actions ?? []) : (pipe.entries ?? []).map(({ actions }) => actions ?? {});
    return templates.every(
      ({ decap, encap, decrypt, encrypt }) =>
        !(decap !== undefined && encap !== undefined) && !(decrypt === true && encrypt !== undefined),
    );
  });
}
