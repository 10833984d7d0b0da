/** A trace as text for people. */
import { printable } from '../base/printable.js';
import type { CallLine, CountersLine, EntryLine, PacketLine, PipeLine, TraceLine } from './lines.js';
import { flat, single, targetText } from './values.js';

/** Under a time of the form "  12.345678  ". */
const INDENT = ' '.repeat(14);
const TIME_WIDTH = 12;

/** The lines of text of a line of the trace. */
export function textOf(line: TraceLine): string[] {
  if (line.type === 'start') {
    const { program, release, process, time, packets } = line;
    const told = packets === 0 ? 'no packets' : packets === 1 ? 'all packets' : `1 of ${packets} packets`;
    return [
      `${printable(program)}, DOCA ${printable(release)}, process ${process}, ${printable(time)}; ${told}`,
    ];
  }
  const [first, ...rest] = linesOf(line);
  return [`${line.t.toFixed(6).padStart(TIME_WIDTH)}  ${first}`, ...rest.map((text) => `${INDENT}${text}`)];
}

function linesOf(line: Exclude<TraceLine, { type: 'start' }>): string[] {
  switch (line.type) {
    case 'call':
      return callLines(line);
    case 'pipe':
      return pipeLines(line);
    case 'entry':
      return entryLines(line);
    case 'packet':
      return packetLines(line);
    case 'counters':
      return countersLines(line);
    case 'left_out':
      return [`left out by the limit of lines: ${leftOut(line)}`];
    case 'too_long':
      return [`a line of ${line.octets} octets is too long: ${printable(line.begins)}`];
    case 'end':
      return [`end (${printable(line.reason)}); left out: ${leftOut(line.left_out)}`];
  }
}

const leftOut = ({ calls, entries, packets }: { calls: number; entries: number; packets: number }) =>
  `${calls} calls, ${entries} on entries, ${packets} packets`;

const members = (value: Parameters<typeof flat>[0]) =>
  [...flat(value)].map(([path, text]) => (path === '' ? text : `${path}: ${text}`));

function callLines({ call, arguments: given, result, passed_over: passedOver }: CallLine): string[] {
  const returned = result === undefined ? '' : ` = ${single(result)}`;
  const others = passedOver === undefined ? '' : ` (and ${passedOver} more since the last one)`;
  return [`${printable(call)}(${members(given).join(', ')})${returned}${others}`];
}

function pipeLines({ pipe, name, change, settings, forwards }: PipeLine): string[] {
  const words = { made: 'is made', miss: 'has another miss', destroyed: 'is destroyed' };
  return [`pipe ${pipe} ${printable(name)} ${words[change]}`, ...members(settings), ...members(forwards)];
}

function entryLines({ pipe, name, entry, change, what, arguments: given, result }: EntryLine): string[] {
  const which = `${entry === undefined ? 'an entry' : `entry ${entry}`} of pipe ${pipe} ${printable(name)}`;
  const operation = what === undefined ? '' : `: ${printable(what)}`;
  const returned = result === undefined || result === 'DOCA_SUCCESS' ? '' : ` = ${single(result)}`;
  // Pipe and entry stand in the first line already.
  const others = Object.entries(given ?? {}).filter(([key]) => key !== 'pipe' && key !== 'entry');
  return [`${which} is ${change}${operation}${returned}`, ...members(Object.fromEntries(others))];
}

function packetLines(line: PacketLine): string[] {
  const { packet, copy, port, length, frame, fields, way, end, encrypted, lost } = line;
  const steps = way.flatMap(({ pipe, name, entry, changed, next }) => [
    `pipe ${pipe} ${printable(name)}: ${typeof entry === 'number' ? `entry ${entry}` : printable(entry)}, then ${targetText(next)}`,
    ...Object.entries(changed).map(
      ([field, [before, after]]) => `    ${printable(field)}: ${absent(before)} becomes ${absent(after)}`,
    ),
  ]);
  const how = `${encrypted ? ', encrypted' : ''}${lost === undefined ? '' : `, but lost (${printable(lost)})`}`;
  return [
    `packet ${packet}${copy === true ? ', a copy' : ''}, ${length} octets from port ${port}: ${members(fields).join(', ')}`,
    ...(frame === undefined ? [] : [`frame ${printable(frame)}`]),
    ...steps,
    `ends: ${targetText(end)}${how}`,
  ];
}

const absent = (value: Parameters<typeof single>[0]) => (value === null ? 'absent' : single(value));

function countersLines({ pipe, name, hits, misses, next }: CountersLine): string[] {
  return [
    `pipe ${pipe} ${printable(name)}: ${hits} hits, ${misses} misses`,
    ...next.map(
      (one) => `${one.packets} packets${one.miss ? ' that missed' : ''} to ${targetText(one.next)}`,
    ),
  ];
}
