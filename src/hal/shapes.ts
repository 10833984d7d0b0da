/**
 * Readers of values that may be anything, as callers without TypeScript may give them. Each returns a copy that is of its type and
 * shares nothing with what it was given, or reports what is wrong, and where; then what it returns is not to be used.
 */
import type { Report } from './errors.js';

/** Reads a value; `field` is its place in what is read as a whole. */
export type Shape<Value> = (value: unknown, field: string, report: Report) => Value;

const TEXT_SHOWN_MAX = 40;

/** A value in an error: short, whatever it is. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, TEXT_SHOWN_MAX));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Uint8Array) return `${value.length} octets`;
  return Array.isArray(value) ? 'a list' : 'an object';
}

/** Whether a value has members. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value for which `is` holds, as it is. */
function plain<Value>(expected: string, is: (value: unknown) => value is Value): Shape<Value> {
  return (value, field, report) => {
    if (!is(value)) report(`expected ${expected}, got ${describeValue(value)}`, field);
    return value as Value;
  };
}

export const text = plain('a text', (value) => typeof value === 'string');
export const number = plain('a number', (value) => typeof value === 'number');
export const flag = plain('true or false', (value) => typeof value === 'boolean');

/** One of some values. */
export function oneOf<const Value extends string | boolean>(...values: readonly Value[]): Shape<Value> {
  return plain(values.map((value) => describeValue(value)).join(' or '), (value): value is Value =>
    values.includes(value as Value),
  );
}

export const octets: Shape<Uint8Array> = (value, field, report) => {
  // Not `slice`, by which a Buffer shares its octets.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  report(`expected octets, got ${describeValue(value)}`, field);
  return value as Uint8Array;
};

/** A value of one of two shapes, of which the second is asked for what the first one would report. */
export function either<First, Second>(
  expected: string,
  first: Shape<First>,
  second: Shape<Second>,
): Shape<First | Second> {
  return (value, field, report) => {
    let fits = true;
    const misfit = () => {
      fits = false;
    };
    const one = first(value, field, misfit);
    if (fits) return one;
    fits = true;
    const other = second(value, field, misfit);
    if (!fits) report(`expected ${expected}, got ${describeValue(value)}`, field);
    return other;
  };
}

export function list<Item>(item: Shape<Item>): Shape<Item[]> {
  return (value, field, report) => {
    if (!Array.isArray(value)) {
      report(`expected a list, got ${describeValue(value)}`, field);
      return [];
    }
    // Holes of a sparse array count as well.
    return Array.from(value, (one, i) => item(one, `${field}[${i}]`, report));
  };
}

/** An object whose members have names of any kind. */
export function map<Value>(member: Shape<Value>): Shape<Record<string, Value>> {
  return (value, field, report) => {
    if (!isObject(value)) {
      report(`expected an object, got ${describeValue(value)}`, field);
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, member(one, `${field}.${name}`, report)]),
    );
  };
}

type OptionalNames<Whole> = {
  [Name in keyof Whole]-?: object extends Pick<Whole, Name> ? Name : never;
}[keyof Whole];
type Required<Whole> = { readonly [Name in Exclude<keyof Whole, OptionalNames<Whole>>]: Shape<Whole[Name]> };
type Optional<Whole> = {
  readonly [Name in OptionalNames<Whole>]-?: Shape<Exclude<Whole[Name], undefined>>;
};

/** An object with these members. Others are left out; so are optional ones that are undefined. */
export function record<Whole>(required: Required<Whole>, optional: Optional<Whole>): Shape<Whole> {
  // Once for all values: a program has thousands of members.
  const members = [
    ...Object.entries<Shape<unknown>>(required).map(([name, shape]) => ({ name, shape, isOptional: false })),
    ...Object.entries<Shape<unknown>>(optional).map(([name, shape]) => ({ name, shape, isOptional: true })),
  ];
  return (value, field, report) => {
    if (!isObject(value)) {
      report(`expected an object, got ${describeValue(value)}`, field);
      return value as Whole;
    }
    const given = value as Record<string, unknown>;
    const taken: Record<string, unknown> = {};
    const prefix = field === '' ? '' : `${field}.`;
    for (const { name, shape, isOptional } of members) {
      const member = given[name];
      if (member !== undefined || !isOptional) taken[name] = shape(member, prefix + name, report);
    }
    return taken as Whole;
  };
}
