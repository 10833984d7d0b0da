/** Reads programs and entries of control pipes from values that may be anything: copies of them that nobody else can change. */
import { type HalError, type HalErrorPlace, reporter } from './errors.js';
import type {
  ActionTemplate,
  ActionValues,
  BasicEntry,
  BasicPipe,
  ControlEntry,
  ControlPipe,
  FieldMatch,
  Forward,
  MatchCondition,
  Mirror,
  MissForward,
  Monitor,
  Pipe,
  PipeCommon,
  PipeProgram,
} from './program.js';
import {
  describeValue,
  either,
  flag,
  isObject,
  list,
  map,
  number,
  octets,
  oneOf,
  record,
  type Shape,
  text,
} from './shapes.js';

const entrys = oneOf('entry');
const fieldValue = either('a number or octets', number, octets);
const fieldMatch = record<FieldMatch>(
  { value: either("a number, octets or 'entry'", fieldValue, entrys) },
  { mask: fieldValue },
);
// Names of fields are looked at where their values are.
const matchTemplate = map(fieldMatch);
const fieldValues = map(fieldValue);

const FORWARDS: { readonly [To in Forward['to']]: Shape<Extract<Forward, { to: To }>> } = {
  pipe: record<Extract<Forward, { to: 'pipe' }>>({ to: oneOf('pipe'), pipe: text }, {}),
  port: record<Extract<Forward, { to: 'port' }>>({ to: oneOf('port'), port: number }, {}),
  rss: record<{ to: 'rss' }>({ to: oneOf('rss') }, {}),
  drop: record<{ to: 'drop' }>({ to: oneOf('drop') }, {}),
  kernel: record<{ to: 'kernel' }>({ to: oneOf('kernel') }, {}),
};

/** Reads what one of some kinds is: which, says its member `tag`. */
function tagged<Whole>(tag: string, kinds: Readonly<Record<string, Shape<Whole>>>): Shape<Whole> {
  return (value, field, report) => {
    if (!isObject(value)) {
      report(`expected an object, got ${describeValue(value)}`, field);
      return value as Whole;
    }
    const kind = (value as Record<string, unknown>)[tag];
    if (typeof kind === 'string' && Object.hasOwn(kinds, kind)) return kinds[kind]!(value, field, report);
    const expected = Object.keys(kinds)
      .map((name) => describeValue(name))
      .join(', ');
    report(`expected one of ${expected}, got ${describeValue(kind)}`, `${field}.${tag}`);
    return value as Whole;
  };
}

export const forwardShape = tagged<Forward>('to', FORWARDS);

const netType = oneOf('psp-tunnel', 'psp-over-ipv4', 'psp-over-ipv6');
const actionTemplate = record<ActionTemplate>(
  {},
  {
    decrypt: oneOf(true),
    decap: record<NonNullable<ActionTemplate['decap']>>(
      { netType },
      { ethernetHeader: either("octets or 'entry'", octets, entrys) },
    ),
    set: matchTemplate,
    encap: record<NonNullable<ActionTemplate['encap']>>(
      { netType, outer: oneOf('ipv4', 'ipv6'), cookie: flag },
      { extensionOctets: number },
    ),
    encrypt: record<NonNullable<ActionTemplate['encrypt']>>(
      { cryptoId: either("a number or 'entry'", number, entrys) },
      {},
    ),
  },
);

export const valuesShape = record<ActionValues>(
  {},
  { ethernetHeader: octets, set: fieldValues, encapHeader: octets, cryptoId: number },
);

const monitor = record<Monitor>({}, { counter: flag, mirror: text });

const basicEntry = record<BasicEntry>(
  {},
  { label: text, match: fieldValues, actionIndex: number, values: valuesShape, forward: forwardShape },
);

const controlEntry = record<ControlEntry>(
  { priority: number, match: matchTemplate, forward: forwardShape },
  {
    label: text,
    condition: record<MatchCondition>(
      // The name of the field is looked at where its value is.
      { field: text as Shape<never>, operation: oneOf('lt', 'le', 'gt', 'ge', 'ne'), value: number },
      {},
    ),
    actions: actionTemplate,
    values: valuesShape,
    monitor,
  },
);

const domain = oneOf('default', 'secure-ingress', 'egress', 'secure-egress');
const common = {
  required: { name: text, domain, sizeEntries: number },
  optional: { isRoot: flag, missCounter: flag, description: text },
} satisfies Record<string, Partial<Record<keyof PipeCommon, unknown>>>;
// A miss to a port or to RSS is refused where forwards are looked at.
const miss = forwardShape as Shape<MissForward>;

const basicPipe = record<BasicPipe>(
  {
    ...common.required,
    type: oneOf('basic'),
    match: matchTemplate,
    forward: (value, field, report) => (value === 'entry' ? value : forwardShape(value, field, report)),
    miss,
  },
  { ...common.optional, actions: list(actionTemplate), monitor, entries: list(basicEntry) },
);
const controlPipe = record<ControlPipe>(
  { ...common.required, type: oneOf('control'), miss },
  { ...common.optional, entries: list(controlEntry) },
);
const program = record<PipeProgram>(
  { name: text, pipes: list(tagged<Pipe>('type', { basic: basicPipe, control: controlPipe })) },
  { mirrors: list(record<Mirror>({ name: text, targets: list(forwardShape) }, {})) },
);

/** A copy of a program; null, with the problems added, when the value is none. */
export function copyProgram(value: unknown, problems: HalError[]): PipeProgram | null {
  return copyOf(program, value, problems, {});
}

/** A copy of a control pipe's entry; null, with the problems added, when the value is none. */
export function copyControlEntry(
  value: unknown,
  problems: HalError[],
  place: HalErrorPlace,
): ControlEntry | null {
  return copyOf(controlEntry, value, problems, place);
}

function copyOf<Whole>(
  shape: Shape<Whole>,
  value: unknown,
  problems: HalError[],
  place: HalErrorPlace,
): Whole | null {
  const before = problems.length;
  const copy = shape(value, '', reporter(problems, place));
  return problems.length === before ? copy : null;
}
