/** What an error of the schema's check means, in a plain sentence, and which part of the file has to go because of it. */

import type { ErrorObject } from 'ajv';
import type { Suggestions } from '../../gateway/config/suggestions.js';
import type { Path } from '../../gateway/config/yaml-source.js';
import type { Schema } from './schema-values.js';

export interface ShapeProblem {
  readonly path: Path;
  readonly reason: string;
  /** Part that has to go so that the rest can be checked; absent: nothing. */
  readonly remove?: Path;
}

/** Keys that a problem lists. */
const LISTED_MAX = 16;

/** An error with what all explanations need of it. */
interface Failure {
  /** Of the value that is wrong. */
  readonly path: Path;
  readonly value: unknown;
  /** Schema with the keyword that failed. */
  readonly schema: Schema;
  readonly params: Readonly<Record<string, unknown>>;
  /** The key that is wrong, where its name is. */
  readonly propertyName: string | undefined;
  readonly suggestions: Suggestions;
}

type Explanation = (failure: Failure) => ShapeProblem[];

/** A problem of the part at a path, which has to go. */
const at = (path: Path, reason: string, remove: Path = path): ShapeProblem[] => [{ path, reason, remove }];

const tooMany: Explanation = ({ path, params }) => at(path, `${params.limit} are allowed at most`);

/** By keyword. Every keyword of our schemas that can fail has one: test/unit/topology/file/explain.test.ts. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  additionalProperties: ({ path, params, schema, suggestions }) =>
    unknownKey(path, String(params.additionalProperty), schema, suggestions),
  required({ path, params }) {
    const reason = `"${params.missingProperty}" is missing`;
    return path.length === 0 ? [{ path, reason }] : at(path, reason);
  },
  /** One of several keys is needed. A key that is not known was probably meant to be one of them, and is told instead. */
  anyOf({ path, value, schema, suggestions }) {
    const unknown = Object.keys(value as object).find((key) => !hasProperty(schema, key));
    if (unknown !== undefined) return unknownKey(path, unknown, schema, suggestions);
    return at(path, String(schema.anyOfErrorMessage));
  },
  not: ({ path, schema }) => at(path, String(schema.notErrorMessage ?? schema.description)),
  // The reason comes with the pattern's own error.
  propertyNames: () => [],
  discriminator({ path, params, schema }) {
    const tag = String(params.tag);
    const allowed = (schema.oneOf as Schema[])
      .map(({ properties }) => (properties as Record<string, Schema>)[tag]!.const)
      .join(', ');
    if (params.tagValue === undefined) return at(path, `"${tag}" is missing; write one of ${allowed}`);
    return at([...path, tag], `${quoted(params.tagValue)} is not one of ${allowed}`, path);
  },
  enum({ path, value, params }) {
    const allowed = new Set((params.allowedValues as unknown[]).map(String));
    return at(path, `${quoted(value)} is not one of ${[...allowed].join(', ')}`);
  },
  const: ({ path, value, params }) => at(path, `${quoted(value)}: write ${params.allowedValue}`),
  minItems: ({ path, params }) => at(path, `write ${params.limit} or more`),
  maxItems: tooMany,
  maxProperties: tooMany,
  uniqueItems({ path, value }) {
    const seen = new Set<string>();
    return (value as readonly unknown[]).flatMap((item, i) => {
      const text = JSON.stringify(item);
      if (seen.has(text)) return at([...path, String(i)], `${quoted(item)} is there twice`);
      seen.add(text);
      return [];
    });
  },
  minLength: ({ path }) => at(path, 'the text is empty'),
  maxLength: ({ path, params }) => at(path, `the text is longer than ${params.limit} characters`),
  pattern: hinted,
  minimum: (failure) => outOfRange(failure, failure.schema.minimumErrorMessage),
  maximum: (failure) => outOfRange(failure, failure.schema.maximumErrorMessage),
  type(failure) {
    const { path, value, params, schema } = failure;
    if (schema.patternErrorMessage !== undefined) return hinted(failure);
    const types = [params.type as string | string[]].flat();
    const expected = types.map((type) => TYPES[type]).join(' or ');
    return at(path, value === null ? `is empty; write ${expected}` : `${quoted(value)} is not ${expected}`);
  },
};

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
};

/** Keywords that have an explanation. */
export const EXPLAINED: readonly string[] = Object.keys(EXPLANATIONS);

/** The hint that goes with a pattern says what to write, whatever of the value is wrong. */
function hinted({ path, value, schema, propertyName }: Failure): ShapeProblem[] {
  const hint = String(schema.patternErrorMessage);
  if (propertyName !== undefined) return at([...path, propertyName], `"${propertyName}": ${hint}`);
  return at(path, `${quoted(value)}: ${hint}`);
}

/** @param reason what is wrong with a number that is too small, or too large, where the schema says it */
function outOfRange(failure: Failure, reason: unknown): ShapeProblem[] {
  const { path, value, schema } = failure;
  if (reason !== undefined) return at(path, `${quoted(value)} ${reason}`);
  if (schema.patternErrorMessage !== undefined) return hinted(failure);
  return at(path, `${quoted(value)} is not from ${schema.minimum} to ${schema.maximum}`);
}

/** The explanation for an error of ajv. */
export function explain(error: ErrorObject, suggestions: Suggestions): ShapeProblem[] {
  const failure: Failure = {
    path: pathOf(error.instancePath),
    value: error.data,
    schema: (error.parentSchema ?? {}) as Schema,
    params: error.params,
    propertyName: error.propertyName,
    suggestions,
  };
  const explanation = EXPLANATIONS[error.keyword];
  return explanation === undefined ? at(failure.path, error.message ?? error.keyword) : explanation(failure);
}

function unknownKey(path: Path, key: string, schema: Schema, suggestions: Suggestions): ShapeProblem[] {
  const known = Object.keys((schema.properties ?? {}) as object);
  const near = suggestions.near(key, known);
  const listed = known.length > LISTED_MAX ? '' : `; known are ${known.join(', ')}`;
  const help = near === undefined ? listed : `; did you mean "${near}"?`;
  return at([...path, key], `there is no such key here${help}`);
}

export function hasProperty(schema: Schema, key: string): boolean {
  return Object.hasOwn((schema.properties ?? {}) as object, key);
}

/** The path that a JSON pointer means. */
export function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A value for a sentence, short. */
function quoted(value: unknown): string {
  if (value !== null && typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a map';
  const text = String(value);
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return typeof value === 'string' ? `"${short}"` : value === null ? 'nothing' : short;
}
