/** The parts that the JSON schemas of topology and scenario are made of. */
import { FLAGS, type Flag } from '../../gateway/config/flags.js';
import { FLAGS_NOT_HERE } from './flags-not-here.js';
import { MTU_OCTETS } from './limits.js';
import { BIT_RATE, PACKET_RATE, type QuantityForm, RATIO, SIZE, TIME } from './quantities.js';

export type Schema = Readonly<Record<string, unknown>>;

export const NAME_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,62}$';
/** A flow's own name, or one that lists and "*" made of it. */
export const FLOW_PATTERN = '^[A-Za-z][A-Za-z0-9_-]{0,62}(/[A-Za-z0-9_>-]{1,128})?$';

/** An object with these members and no others. */
export function object(
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return {
    type: 'object',
    description,
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** A map from names to values. */
export function map(description: string, values: Schema, pattern: string, maxProperties: number): Schema {
  const hint =
    'write a name of letters, digits, "-" and "_" that begins with a letter, 63 characters at most';
  return {
    type: 'object',
    description,
    propertyNames: { pattern, patternErrorMessage: hint },
    additionalProperties: values,
    maxProperties,
  };
}

export function list(description: string, items: Schema, maxItems: number, minItems = 0): Schema {
  return { type: 'array', description, items, minItems, maxItems };
}

export const text = (description: string): Schema => ({
  type: 'string',
  description,
  minLength: 1,
  maxLength: 4096,
});
export const flagged = (description: string): Schema => ({ type: 'boolean', description });
export const affirmed = (description: string): Schema => ({ const: true, description });

export const integer = (
  description: string,
  minimum: number,
  maximum: number,
  fallback?: number,
): Schema => ({
  type: 'integer',
  description,
  minimum,
  maximum,
  ...(fallback === undefined ? {} : { default: fallback }),
});

/** A text with its unit; 0 needs none. */
const withUnit =
  ({ pattern, hint }: QuantityForm) =>
  (description: string, fallback?: string): Schema => ({
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
  ({ pattern, hint }: QuantityForm, type: 'integer' | 'number') =>
  (description: string, fallback?: string | number): Schema => ({
    type: ['string', type],
    description,
    pattern,
    minimum: 0,
    patternErrorMessage: hint,
    ...(fallback === undefined ? {} : { default: fallback }),
  });

export const time = withUnit(TIME);
export const ratio = withUnit(RATIO);
export const bitRate = withUnitOrNumber(BIT_RATE, 'number');
export const packetRate = withUnitOrNumber(PACKET_RATE, 'number');
export const size = withUnitOrNumber(SIZE, 'integer');

const matching = (description: string, pattern: string, hint: string): Schema => ({
  type: 'string',
  description,
  pattern,
  patternErrorMessage: hint,
});

export const name = (description: string): Schema =>
  matching(
    description,
    NAME_PATTERN,
    'write a name of letters, digits, "-" and "_" that begins with a letter, 63 characters at most',
  );

/** A time of ISO 8601 in UTC, including JavaScript's form of years beyond 9999. */
export const instant = (description: string): Schema =>
  matching(
    description,
    '^([0-9]{4}|\\+[0-9]{6})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?Z$',
    'write a time in UTC, such as 2038-01-19T03:14:00Z',
  );

const PORT = '[A-Za-z][A-Za-z0-9_-]{0,62}:[A-Za-z][A-Za-z0-9_-]{0,62}';

export const endpoint = (description: string): Schema =>
  matching(description, `^${PORT}$`, 'write NODE:PORT, such as h1:p0');

export const link = (description: string): Schema =>
  matching(
    description,
    `^${PORT}( ${PORT})?$`,
    'write one end of a link as NODE:PORT, such as h1:p0, or both with a space between',
  );

/** Addresses are read by the same code as on the command line, with its reasons; here they are texts. */
export const address = (description: string): Schema => text(description);

/** A name, a list of names, or "*". */
export function names(description: string, maxItems: number, pattern = NAME_PATTERN): Schema {
  const one = {
    type: 'string',
    pattern: pattern.replace(/^\^(.*)\$$/, '^($1|\\*)$'),
    patternErrorMessage: 'write a name, a list of names, or "*" for all',
  };
  return {
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
  };
}

/** netlab's names. */
export const IMPAIRMENTS: Readonly<Record<string, Schema>> = {
  delay: time('time on the way', '0ms'),
  jitter: time('added to delay: uniform from 0 to this', '0ms'),
  loss: ratio('share of frames that are lost', '0%'),
  duplicate: ratio('share of frames that arrive twice', '0%'),
  reorder: ratio('share of frames that overtake those before them', '0%'),
  corrupt: ratio('share of frames with one bit changed, behind the MAC addresses', '0%'),
  rate: bitRate('bits per second in each direction; 0: no limit', 0),
};

export const LINK_VALUES: Readonly<Record<string, Schema>> = {
  ...IMPAIRMENTS,
  mtu: integer('largest IP packet in octets', ...MTU_OCTETS, 1500),
};

export const OOB: Readonly<Record<string, Schema>> = {
  delay: time('one way, each way', '500us'),
  jitter: time('added to delay: uniform from 0 to this', '0ms'),
  loss: ratio('share of requests that are lost, and of answers', '0%'),
};

function flagValue(flag: Flag): Schema {
  const { meaning: description } = flag;
  const fallback = flag.default === undefined ? {} : { default: flag.default };
  if (flag.kind === 'boolean') return { type: 'boolean', description, default: false };
  if (flag.kind === 'number') {
    const [minimum, maximum] = flag.range!;
    return {
      type: 'integer',
      description,
      minimum,
      maximum,
      ...(flag.default === undefined ? {} : { default: Number(flag.default) }),
    };
  }
  if (flag.choices !== undefined) {
    const numbers = flag.choices.filter((choice) => /^\d+$/.test(choice)).map(Number);
    return { enum: [...flag.choices, ...numbers], description, ...fallback };
  }
  if (flag.valueIfAbsent !== undefined) return { type: ['boolean', 'string', 'number'], description };
  const one: Schema = { type: ['string', 'number'] };
  if (flag.kind === 'text') return { ...one, description, ...fallback };
  return {
    description,
    oneOf: [
      { title: 'a text', ...one },
      { title: 'a list of texts', type: 'array', items: one },
    ],
  };
}

/** Flags of a gateway, by the names of the command line. */
export function flags(): Schema {
  const properties = FLAGS.flatMap((flag) => {
    const notHere = FLAGS_NOT_HERE[flag.name];
    const value =
      notHere === undefined ? flagValue(flag) : { not: {}, doNotSuggest: true, description: notHere };
    return [flag.name, ...(flag.aliases ?? [])].map((key) => [key, value] as const);
  });
  return object("the gateway's flags, as on the command line without --", Object.fromEntries(properties));
}
