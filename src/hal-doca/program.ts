/** Translates a PipeProgram for the addon: names become numbers, values octets in network order. */
import { encapHeaderLengthOctets } from '../hal/check-entry.js';
import { FIELDS, type FieldName, type FieldValue } from '../hal/fields.js';
import type {
  ActionTemplate,
  ControlEntry,
  FieldMatch,
  Forward,
  MatchTemplate,
  Pipe,
  PipeProgram,
} from '../hal/program.js';
import {
  DOMAINS,
  FORWARD_KINDS,
  type NativeActions,
  type NativeControlEntry,
  type NativeField,
  type NativeForward,
  type NativePipe,
  type NativeProgram,
  NET_TYPES,
} from './native.js';

/** PipeIndex of a program's pipes and mirrors. */
export interface PipeIndex {
  readonly pipes: ReadonlyMap<string, number>;
  readonly mirrors: ReadonlyMap<string, number>;
}

export function pipeIndexOf(program: PipeProgram): PipeIndex {
  return {
    pipes: new Map(program.pipes.map((pipe, i) => [pipe.name, i])),
    mirrors: new Map((program.mirrors ?? []).map((mirror, i) => [mirror.name, i])),
  };
}

const FIELD_OCTETS = Object.fromEntries(
  Object.entries(FIELDS).map(([name, { widthBits }]) => [name, Math.ceil(widthBits / 8)]),
) as Record<FieldName, number>;

/** Octets of a field's value. */
export function fieldOctets(field: FieldName): number {
  return FIELD_OCTETS[field];
}

/** Writes a checked value to `out` at `at`. */
export function writeValue(field: FieldName, value: FieldValue, out: Uint8Array, at: number): void {
  if (typeof value !== 'number') {
    out.set(value, at);
    return;
  }
  let rest = value;
  for (let i = fieldOctets(field) - 1; i >= 0; i--) {
    out[at + i] = rest & 0xff;
    rest >>>= 8;
  }
}

/** The value that stands in `octets` at `at`. */
export function readValue(field: FieldName, octets: Uint8Array, at: number): FieldValue {
  const end = at + fieldOctets(field);
  if (FIELDS[field].widthBits > 32) return octets.slice(at, end);
  let value = 0;
  for (let i = at; i < end; i++) value = (value << 8) | octets[i]!;
  return value >>> 0;
}

function valueOctets(field: FieldName, value: FieldValue): Uint8Array {
  const octets = new Uint8Array(fieldOctets(field));
  writeValue(field, value, octets, 0);
  return octets;
}

/** Fields whose values the entries give, in the order in which the addon expects them. */
export function entryFields<Name extends FieldName>(
  template: Readonly<Partial<Record<Name, FieldMatch>>>,
): Name[] {
  return (Object.keys(template) as Name[]).filter((field) => template[field]!.value === 'entry');
}

function nativeFields(template: MatchTemplate): NativeField[] {
  return (Object.entries(template) as [FieldName, FieldMatch][]).map(([name, { value, mask }]) => ({
    name,
    ofEntry: value === 'entry',
    ...(value === 'entry' ? {} : { value: valueOctets(name, value) }),
    ...(mask === undefined ? {} : { mask: valueOctets(name, mask) }),
  }));
}

export function nativeForward(forward: Forward | 'entry', { pipes }: PipeIndex): NativeForward {
  if (forward === 'entry') return { kind: FORWARD_KINDS.entry, target: 0 };
  if (forward.to === 'pipe') return { kind: FORWARD_KINDS.pipe, target: pipes.get(forward.pipe)! };
  return { kind: FORWARD_KINDS[forward.to], target: forward.to === 'port' ? forward.port : 0 };
}

/** A packed forward: its kind (1), its target (4, little-endian). */
export const FORWARD_OCTETS = 5;

/** The forward that stands packed in `octets` at `at`. */
export function readForward(octets: Uint8Array, at: number, { pipes }: PipeIndex): Forward {
  const target = new DataView(octets.buffer, octets.byteOffset).getUint32(at + 1, true);
  switch (octets[at]) {
    case FORWARD_KINDS.pipe:
      return { to: 'pipe', pipe: [...pipes.keys()][target]! };
    case FORWARD_KINDS.port:
      return { to: 'port', port: target };
    case FORWARD_KINDS.rss:
      return { to: 'rss' };
    case FORWARD_KINDS.kernel:
      return { to: 'kernel' };
    default:
      return { to: 'drop' };
  }
}

function nativeActions(template: ActionTemplate): NativeActions {
  const { decap, encap, encrypt } = template;
  const header = decap?.ethernetHeader;
  return {
    decrypt: template.decrypt === true,
    decap: decap !== undefined,
    decapNetType: decap === undefined ? 0 : NET_TYPES[decap.netType],
    ...(header instanceof Uint8Array ? { ethernetHeader: header } : {}),
    set: nativeFields(template.set ?? {}),
    encap: encap !== undefined,
    encapNetType: encap === undefined ? 0 : NET_TYPES[encap.netType],
    encapOctets: encap === undefined ? 0 : encapHeaderLengthOctets(encap),
    encrypt: encrypt !== undefined,
    cryptoId: encrypt === undefined || encrypt.cryptoId === 'entry' ? 0 : encrypt.cryptoId,
  };
}

export function nativeControlEntry(entry: ControlEntry, numbers: PipeIndex): NativeControlEntry {
  const { condition, values, monitor } = entry;
  return {
    priority: entry.priority,
    match: nativeFields(entry.match),
    ...(condition === undefined
      ? {}
      : {
          condition: {
            field: condition.field,
            operation: condition.operation,
            value: valueOctets(condition.field, condition.value),
          },
        }),
    actions: nativeActions(entry.actions ?? {}),
    ...(values?.encapHeader === undefined ? {} : { encapHeader: values.encapHeader }),
    forward: nativeForward(entry.forward, numbers),
    counter: monitor?.counter === true,
    mirror: monitor?.mirror === undefined ? -1 : numbers.mirrors.get(monitor.mirror)!,
  };
}

function nativePipe(pipe: Pipe, numbers: PipeIndex): NativePipe {
  const basic = pipe.type === 'basic' ? pipe : undefined;
  const mirror = basic?.monitor?.mirror;
  return {
    name: pipe.name,
    control: basic === undefined,
    domain: DOMAINS[pipe.domain],
    isRoot: pipe.isRoot === true,
    sizeEntries: pipe.sizeEntries,
    missCounter: pipe.missCounter === true,
    counter: basic?.monitor?.counter === true,
    mirror: mirror === undefined ? -1 : numbers.mirrors.get(mirror)!,
    match: nativeFields(basic?.match ?? {}),
    actions: (basic?.actions ?? []).map(nativeActions),
    forward: nativeForward(basic?.forward ?? { to: 'drop' }, numbers),
    miss: nativeForward(pipe.miss, numbers),
  };
}

/** The program without its entries. */
export function nativeProgram(program: PipeProgram, numbers: PipeIndex): NativeProgram {
  return {
    pipes: program.pipes.map((pipe) => nativePipe(pipe, numbers)),
    mirrors: (program.mirrors ?? []).map(({ targets }) =>
      targets.map((target) => nativeForward(target, numbers)),
    ),
  };
}
