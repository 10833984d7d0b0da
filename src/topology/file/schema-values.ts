/**
 * The parts that the JSON schemas of topology and scenario are made of. Each is JSON schema, for ajv and for editors, and a type
 * of TypeBox: what TypeScript knows of a file follows from the schema that the file is checked with. Of TypeBox there are
 * the types only: to load its builders, some 370 modules, took every topology command longer than to read most files.
 */
import type { Static, TAddOptional, TObject, TProperties, TSchema, TUnsafe } from 'typebox';
import { flagSchema } from '../../gateway/config/config-schema.js';
import { FLAGS, namesOf } from '../../gateway/config/flags.js';
import { FLAGS_NOT_HERE } from './flags-not-here.js';
import { BITS_PER_SECOND_MAX, MTU_OCTETS, PACKETS_PER_SECOND_MAX } from './limits.js';
import { BIT_RATE, PACKET_RATE, type Quantity, type QuantityForm, RATIO, SIZE, TIME } from './quantities.js';

/** Any JSON schema, for those who look into it. */
export type Schema = Readonly<Record<string, unknown>>;

/** JSON schema of values of type `T`. */
export type SchemaOf<T> = TUnsafe<T>;

export const NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';
/** A flow's own name, or one that lists and "*" made of it. */
export const FLOW_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,62}(/[A-Za-z0-9_>-]{1,128})?$';
/**
 * Keywords of our own: sentences for what is wrong where the keyword before `ErrorMessage` fails, and what editors are not to
 * suggest. They check nothing.
 */
export const ANNOTATIONS = [
  'patternErrorMessage',
  'minimumErrorMessage',
  'maximumErrorMessage',
  'notErrorMessage',
  'anyOfErrorMessage',
  'doNotSuggest',
] as const;
const NAME_HINT =
  'write a name of letters, digits, "-" and "_" that begins with a letter, 63 characters at most';

/** The schema as it is written here. */
export const schemaOf = <T>(schema: Schema): SchemaOf<T> => schema as unknown as SchemaOf<T>;

/** Schemas of members that may be absent, which JSON schema says in the object's own schema. */
const OPTIONAL = new WeakSet<TSchema>();

/** A member of an object that may be absent. */
export function optional<S extends TSchema>(schema: S): TAddOptional<S> {
  const member = { ...schema };
  OPTIONAL.add(member);
  return member as TAddOptional<S>;
}

/** An object with these members and no others. */
export function object<P extends TProperties>(description: string, properties: P): TObject<P> {
  const required = Object.keys(properties).filter((key) => !OPTIONAL.has(properties[key]!));
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties,
    description,
    additionalProperties: false,
  } as unknown as TObject<P>;
}

/** The schema with keywords that say something of it and check nothing. */
export const annotated = <S extends TSchema>(
  schema: S,
  keywords: {
    readonly title?: string;
    readonly description?: string;
    readonly default?: unknown;
    readonly examples?: readonly unknown[];
    readonly deprecated?: true;
  },
): S => ({ ...schema, ...keywords });

/**
 * The schema of an object that means nothing without one of these keys. That it has one that is not known is told instead: it was
 * probably meant to be one of them.
 * @param without what an object without them is, such as "changes nothing"
 * @param options `exceptZero`: a key whose value is zero does not count; `orAll`: another word that the sentence ends with
 */
export function withAnyOf<S extends TSchema>(
  schema: S,
  keys: readonly string[],
  without: string,
  { exceptZero = false, orAll }: { readonly exceptZero?: boolean; readonly orAll?: string } = {},
): S {
  const words = orAll === undefined ? keys : [...keys, orAll];
  return {
    ...schema,
    anyOf: keys.map((key) => ({
      required: [key],
      ...(exceptZero ? { properties: { [key]: { not: zero(['string', 'number']) } } } : {}),
    })),
    anyOfErrorMessage: `${without}; write ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`,
  };
}

/** One of these; a value is told apart by its type, or by the key in it that is a title. */
export const oneOf = <S extends readonly TSchema[]>(
  keywords: Schema,
  ...branches: S
): SchemaOf<Static<S[number]>> => schemaOf({ ...keywords, oneOf: branches });

/** A map from names to values. */
export const map = <S extends TSchema>(
  description: string,
  values: S,
  pattern: string,
  maxProperties: number,
): SchemaOf<Readonly<Record<string, Static<S>>>> =>
  schemaOf({
    type: 'object',
    description,
    propertyNames: { pattern, patternErrorMessage: NAME_HINT },
    additionalProperties: values,
    maxProperties,
  });

export const list = <S extends TSchema>(
  description: string,
  items: S,
  maxItems: number,
  minItems = 0,
): SchemaOf<readonly Static<S>[]> => schemaOf({ type: 'array', description, items, minItems, maxItems });

export const text = (description: string): SchemaOf<string> =>
  schemaOf({ type: 'string', description, minLength: 1, maxLength: 4096 });

export const flagged = (description: string): SchemaOf<boolean> => schemaOf({ type: 'boolean', description });

export const affirmed = (description: string): SchemaOf<true> => schemaOf({ const: true, description });

/** Exactly this value. */
export const constant = <T extends string>(value: T, description: string): SchemaOf<T> =>
  schemaOf({ const: value, description });

/** One of these values. */
export const choice = <T extends string | number>(description: string, values: readonly T[]): SchemaOf<T> =>
  schemaOf({ enum: [...values], description });

export const number = (description: string): SchemaOf<number> => schemaOf({ type: 'number', description });

export const integer = (
  description: string,
  minimum: number,
  maximum: number,
  fallback?: number,
): SchemaOf<number> =>
  schemaOf({
    type: 'integer',
    description,
    minimum,
    maximum,
    ...(fallback === undefined ? {} : { default: fallback }),
  });

/** A text with its unit; 0 needs none. */
const withUnit =
  ({ pattern, hint }: QuantityForm) =>
  (description: string, fallback?: string): SchemaOf<Quantity> =>
    schemaOf({
      type: ['string', 'integer'],
      description,
      pattern,
      minimum: 0,
      maximum: 0,
      patternErrorMessage: hint,
      ...(fallback === undefined ? {} : { default: fallback }),
    });

/** A text with its unit, or a number whose unit is clear. */
const withUnitOrNumber =
  ({ pattern, hint }: QuantityForm, type: 'integer' | 'number', bounds: Schema) =>
  (description: string, fallback?: string | number): SchemaOf<Quantity> =>
    schemaOf({
      type: ['string', type],
      description,
      pattern,
      minimum: 0,
      ...bounds,
      patternErrorMessage: hint,
      ...(fallback === undefined ? {} : { default: fallback }),
    });

/** A zero of one of these types, with any unit. */
const zero = (type: unknown): Schema => ({ type, pattern: '^[0.]+\\D*$', minimum: 0, maximum: 0 });

/** The same without zero. */
const positive =
  <A extends readonly unknown[]>(make: (...args: A) => SchemaOf<Quantity>, notErrorMessage: string) =>
  (...args: A): SchemaOf<Quantity> => {
    const schema: Schema = { ...make(...args) };
    return schemaOf({ ...schema, not: zero(schema.type), notErrorMessage });
  };

export const time = withUnit(TIME);
export const positiveTime = positive(time, '0 is no time; write more');
export const ratio = withUnit(RATIO);
export const bitRate = withUnitOrNumber(BIT_RATE, 'number', {
  maximum: BITS_PER_SECOND_MAX,
  maximumErrorMessage: 'is more than 1000Gbps',
});
export const packetRate = withUnitOrNumber(PACKET_RATE, 'number', {
  maximum: PACKETS_PER_SECOND_MAX,
  maximumErrorMessage: `is more than ${PACKETS_PER_SECOND_MAX}/s`,
});
export const positivePacketRate = positive(packetRate, '0 packets per second are none; write more');

/** A number of octets from the lowest to the highest, or the same with a unit. */
export function size(
  description: string,
  lowest: number,
  highest: number,
  fallback?: number,
): SchemaOf<Quantity> {
  const reason = `is not from ${lowest} to ${highest} octets`;
  return withUnitOrNumber(SIZE, 'integer', {
    minimum: lowest,
    maximum: highest,
    minimumErrorMessage: reason,
    maximumErrorMessage: reason,
  })(description, fallback);
}

const matching = (description: string, pattern: string, hint: string): SchemaOf<string> =>
  schemaOf({ type: 'string', description, pattern, patternErrorMessage: hint });

export const name = (description: string): SchemaOf<string> => matching(description, NAME_PATTERN, NAME_HINT);

/** A time of ISO 8601 in UTC, including JavaScript's form of years beyond 9999. */
export const instant = (description: string): SchemaOf<string> =>
  matching(
    description,
    '^([0-9]{4}|\\+[0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?Z$',
    'write a time in UTC, such as 2038-01-19T03:14:00Z',
  );

const NODE_PORT = '(?!(host|tap):)[A-Za-z][A-Za-z0-9_-]{0,62}:[A-Za-z][A-Za-z0-9_-]{0,62}';
/** The kernel takes 15 octets at most (IFNAMSIZ). */
const INTERFACE = '(host|tap):[A-Za-z0-9][A-Za-z0-9_.+-]{0,14}';
const PORT = `(${NODE_PORT}|${INTERFACE})`;
/** One end of a link, or both. */
export const LINK_PATTERN: string = `^${PORT}( ${PORT})?$`;

export const endpoint = (description: string): SchemaOf<string> =>
  matching(
    description,
    `^${PORT}$`,
    'write NODE:PORT, such as h1:p0; or host:INTERFACE or tap:INTERFACE with a name of at most 15 characters',
  );

export const outsideEnd = (description: string): SchemaOf<string> =>
  matching(
    description,
    `^${INTERFACE}$`,
    'write host:INTERFACE or tap:INTERFACE, with a name of at most 15 characters',
  );

export const link = (description: string): SchemaOf<string> =>
  matching(
    description,
    LINK_PATTERN,
    'write one end of a link as NODE:PORT, such as h1:p0, or both with a space between',
  );

/** Addresses are read by the same code as on the command line, with its reasons; here they are texts. */
export const address = (description: string): SchemaOf<string> => text(description);

/** A name, several, or all of them: "*". */
export type Names = string | readonly string[];

/** A name, a list of names, or "*". */
export function names(description: string, maxItems: number, pattern = NAME_PATTERN): SchemaOf<Names> {
  const one = {
    type: 'string',
    pattern: pattern.replace(/^\^(.*)\$$/, '^($1|\\*)$'),
    patternErrorMessage: 'write a name, a list of names, or "*" for all',
  };
  return schemaOf({
    description,
    oneOf: [
      { title: 'a name', ...one },
      {
        title: 'a list of names',
        type: 'array',
        items: { type: 'string', pattern, patternErrorMessage: 'write a name' },
        minItems: 1,
        maxItems,
      },
    ],
  });
}

function withoutDefaults<P extends TProperties>(properties: P): P {
  const changes = Object.entries(properties).map(([key, schema]) => {
    const { default: _, ...rest } = schema as Schema;
    return [key, optional(schemaOf(rest))];
  });
  return Object.fromEntries(changes) as P;
}

/** netlab's names. */
export const IMPAIRMENTS = {
  delay: optional(time('time on the way', '0ms')),
  jitter: optional(time('added to delay: uniform from 0 to this', '0ms')),
  loss: optional(ratio('share of frames that are lost', '0%')),
  duplicate: optional(ratio('share of frames that arrive twice', '0%')),
  reorder: optional(ratio('share of frames that overtake those before them', '0%')),
  corrupt: optional(ratio('share of frames with one bit changed, behind the MAC addresses', '0%')),
  rate: optional(bitRate('bits per second in each direction; 0: no limit', 0)),
};
/** The same where absent ones stay as they are. */
export const IMPAIRMENT_CHANGES = withoutDefaults(IMPAIRMENTS);
export type ParsedImpairments = Static<TObject<typeof IMPAIRMENTS>>;

export const LINK_VALUES = {
  ...IMPAIRMENTS,
  mtu: optional(integer('largest IP packet in octets', ...MTU_OCTETS, 1500)),
};

export const OOB = {
  delay: optional(time('one way, each way', '500us')),
  jitter: optional(time('added to delay: uniform from 0 to this', '0ms')),
  loss: optional(ratio('share of requests that are lost, and of answers', '0%')),
};
/** The same where absent ones stay as they are. */
export const OOB_CHANGES = withoutDefaults(OOB);
export type ParsedOob = Static<TObject<typeof OOB>>;

export type FlagValue = string | number | boolean;
export type Flags = Readonly<Record<string, FlagValue | readonly FlagValue[]>>;

/** Flags of a gateway, by the names of the command line. */
export function flags(): SchemaOf<Flags> {
  const properties = FLAGS.flatMap((flag) => {
    const notHere = FLAGS_NOT_HERE[flag.name];
    const value =
      notHere === undefined ? flagSchema(flag) : { not: {}, doNotSuggest: true, description: notHere };
    return namesOf(flag).map((key) => [key, value] as const);
  });
  return schemaOf({
    type: 'object',
    description: "the gateway's flags, as on the command line without --",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  });
}
