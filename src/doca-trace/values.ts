/** Values of a trace as text. */
import { printable } from '../base/printable.js';
import type { Target, TraceObject, TraceValue } from './lines.js';

const isObject = (value: TraceValue): value is TraceObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Members by their paths: "outer.ip4.src_ip". */
export function* flat(value: TraceValue | undefined, path = ''): Generator<[path: string, text: string]> {
  if (value === undefined) return;
  if (isObject(value)) {
    const { pipe, name, entry } = value;
    // A pipe, or an entry of one.
    if (typeof pipe === 'number') {
      yield [
        path,
        `${entry === undefined ? '' : `entry ${single(entry)} of `}pipe ${pipe} ${single(name ?? '')}`,
      ];
      return;
    }
    for (const [key, member] of Object.entries(value))
      yield* flat(member, path === '' ? printable(key) : `${path}.${printable(key)}`);
  } else if (Array.isArray(value) && value.some((one) => typeof one === 'object' && one !== null)) {
    for (const [i, member] of value.entries()) yield* flat(member, `${path}[${i}]`);
  } else {
    yield [path, single(value)];
  }
}

/** A value that is told in one word, or in a list of such. */
export function single(value: TraceValue): string {
  if (typeof value === 'string') return printable(value);
  return Array.isArray(value) ? `[${value.map(single).join(', ')}]` : printable(JSON.stringify(value));
}

export function targetText({ to, pipe, name, port }: Target): string {
  if (to === 'pipe') return `pipe ${pipe ?? '?'} ${printable(name ?? '')}`;
  return to === 'port' ? `port ${port ?? '?'}` : to;
}
