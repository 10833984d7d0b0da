/** Checks a file's shape against its schema, and says in plain sentences what is wrong with it. */

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Suggestions } from '../../gateway/config/suggestions.js';
import type { Path } from '../../gateway/config/yaml-source.js';
import { explain, hasProperty, pathOf, type ShapeProblem } from './explain.js';
import { VALUES_CHECKED_WHOLE_MAX } from './limits.js';
import { ANNOTATIONS, type Schema } from './schema-values.js';
import type { Source } from './source.js';

const ROUNDS_MAX = 20;
/** In the schema path of an error that says why one of several alternatives does not fit; that none fits is an error of its own. */
const WITHIN_ANY_OF = '/anyOf/';

/** The indexes that items of a list had in the file, for lists that lost some. */
const originalIndexes = new WeakMap<object, number[]>();

/** The list's items have these indexes in the file, of which it is made. */
export function keepIndexes(list: object, indexes: number[]): void {
  originalIndexes.set(list, indexes);
}

/** The items of a list with their indexes in the file. */
export function itemsOf<T>(list: readonly T[] | undefined): [index: number, item: T][] {
  const indexes = list && originalIndexes.get(list);
  return (list ?? []).map((item, i) => [indexes?.[i] ?? i, item]);
}

/** `allErrors`: all that is wrong, not only the first. */
function newAjv(allErrors: boolean): Ajv {
  const ajv = new Ajv({
    allErrors,
    verbose: true,
    discriminator: true,
    allowUnionTypes: true,
    // A third of the time: to compile takes longer than to validate what people write.
    inlineRefs: false,
    code: { optimize: false },
    // Likewise: the schemas are ours, and a test holds that they are valid.
    meta: false,
    validateSchema: false,
  });
  return ajv.addVocabulary([...ANNOTATIONS]);
}

/** Compiles the schema when it is first needed, which takes a while; made to be kept. */
export class ShapeChecker {
  readonly #all = new Validators(true);
  readonly #first = new Validators(false);
  #isFirstFile = true;

  constructor(private readonly schema: Schema) {}

  /**
   * Notes what is wrong with the file and takes it out of the value, so that the rest can be read; what is required
   * at the top may be missing then. False: nothing is left.
   */
  check(source: Source): boolean {
    if (this.#isFirstFile) {
      this.#isFirstFile = false;
      if (fits(source.value, this.schema)) return true;
    }
    const suggestions = new Suggestions();
    if (source.values > VALUES_CHECKED_WHOLE_MAX) {
      const [first] = this.#validate(this.schema, source.value, this.#first, suggestions);
      if (first === undefined) return true;
      source.problem(inFile(source.value, first.path), first.reason);
      source.problem(
        [],
        `so large a file (${source.values} values) is read no further than to what is wrong first`,
      );
      return false;
    }
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const problems = this.#validate(this.schema, source.value, this.#all, suggestions);
      if (problems.length === 0) return true;
      if (round === 0) {
        for (const { path, reason } of problems) source.problem(inFile(source.value, path), reason);
      }
      const removals = problems.flatMap(({ remove }) => (remove === undefined ? [] : [remove]));
      if (removals.length === 0) return true;
      if (removals.some((path) => path.length === 0)) return false;
      source.removed.push(...removals.map((path) => inFile(source.value, path)));
      removeAll(source.value, removals);
    }
    return false;
  }

  #validate(
    schema: Schema,
    value: unknown,
    validators: Validators,
    suggestions: Suggestions,
  ): ShapeProblem[] {
    const validate = validators.of(schema, this.schema);
    if (validate(value)) return [];
    const errors = validate.errors!;
    const unions = new Map(
      errors.filter(({ keyword }) => keyword === 'oneOf').map((error) => [error.instancePath, error]),
    );
    for (const path of unions.keys()) if (isInside(path, unions)) unions.delete(path);
    const plain = errors.filter(
      ({ instancePath, schemaPath }) =>
        !unions.has(instancePath) && !isInside(instancePath, unions) && !schemaPath.includes(WITHIN_ANY_OF),
    );
    return [
      ...plain.flatMap((error) => explain(error, suggestions)),
      ...[...unions.values()].flatMap((union) => this.#explainUnion(union, validators, suggestions)),
    ];
  }

  /** Explains a value that should have one of several shapes by the problems of the one that it seems to have. */
  #explainUnion(error: ErrorObject, validators: Validators, suggestions: Suggestions): ShapeProblem[] {
    const path = pathOf(error.instancePath);
    const branches = error.schema as readonly Schema[];
    const choice = chooseBranch(branches, error.data, suggestions);
    if ('reason' in choice) return [{ path, reason: choice.reason, remove: path }];
    return this.#validate(choice.branch, error.data, validators, suggestions).map((problem) => ({
      path: [...path, ...problem.path],
      reason: problem.reason,
      remove: [...path, ...(problem.remove ?? [])],
    }));
  }
}

/**
 * Whether a value fits, and not why it does not. Most processes read one file, and a right one: to compile what says of it, and of
 * nothing that it does not have, takes a tenth of the time of the whole schema.
 */
export function fits(value: unknown, schema: Schema): boolean {
  return newAjv(false).validate(used(schema, value), value);
}

/** A schema without the properties that a value does not have: the value fits the one exactly when it fits the other. */
function used(schema: Schema, value: unknown): Schema {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return schema;
  const { properties, oneOf, discriminator } = schema as Readonly<Record<string, unknown>>;
  if (properties !== undefined) {
    const kept = Object.entries(properties as Record<string, Schema>)
      .filter(([name]) => Object.hasOwn(value, name))
      .map(([name, property]) => [name, used(property, (value as Record<string, unknown>)[name])]);
    return { ...schema, properties: Object.fromEntries(kept) };
  }
  // A discriminator needs its property in every branch.
  if (oneOf === undefined || discriminator !== undefined) return schema;
  return { ...schema, oneOf: (oneOf as readonly Schema[]).map((branch) => used(branch, value)) };
}

/** Compiled schemas. */
class Validators {
  #ajv: Ajv | undefined;
  readonly #validators = new WeakMap<object, ValidateFunction>();

  constructor(private readonly allErrors: boolean) {}

  /** Validator of a part of `whole`, or of all of it. */
  of(schema: Schema, { definitions }: Schema): ValidateFunction {
    let validator = this.#validators.get(schema);
    if (validator === undefined) {
      this.#ajv ??= newAjv(this.allErrors);
      validator = this.#ajv.compile(definitions === undefined ? schema : { ...schema, definitions });
      this.#validators.set(schema, validator);
    }
    return validator;
  }
}

/** Whether a path leads into one of the values at `outer`. */
function isInside(path: string, outer: ReadonlyMap<string, unknown>): boolean {
  for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
    if (outer.has(path.slice(0, end))) return true;
    if (end === 0) break;
  }
  return false;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

/** The shape that a value seems to be meant as: by its type, or by the key that names it. */
function chooseBranch(
  branches: readonly Schema[],
  value: unknown,
  suggestions: Suggestions,
): { branch: Schema } | { reason: string } {
  const type = typeOf(value);
  const fitting = branches.filter((branch) => {
    const types = [branch.type].flat();
    return types.includes(type) || (type === 'number' && types.includes('integer'));
  });
  const titles = branches.map(({ title }) => String(title));
  // Old names are read, and not told to anybody.
  const told = branches.filter(({ deprecated }) => deprecated !== true).map(({ title }) => String(title));
  if (fitting.length === 1) return { branch: fitting[0]! };
  if (type !== 'object' || fitting.length === 0) {
    const named = fitting.length > 0 || branches.every((branch) => branch.type === 'object');
    return {
      reason: named ? `write a map with one of ${told.join(', ')}` : `write ${told.join(' or ')}`,
    };
  }
  const keys = Object.keys(value as object);
  const marks = titles.filter((title) => keys.includes(title));
  if (marks.length === 1) return { branch: branches[titles.indexOf(marks[0]!)]! };
  if (marks.length > 1) return { reason: `${marks.join(' and ')} do not go together; write one for each` };
  const near = keys
    .map((key) => [key, suggestions.near(key, told)])
    .find(([key, title]) => title !== undefined && !branches.some((branch) => hasProperty(branch, key!)));
  return {
    reason:
      near === undefined
        ? `one of these is needed: ${told.join(', ')}`
        : `there is no key "${near[0]}" here; did you mean "${near[1]}"?`,
  };
}

/** The path with the indexes that its lists' items had in the file, and numbers for them. */
function inFile(root: unknown, path: Path): Path {
  let value = root;
  return path.map((key) => {
    const list = value;
    value = (value as Record<string, unknown> | undefined)?.[key];
    if (!Array.isArray(list)) return key;
    return originalIndexes.get(list)?.[Number(key)] ?? Number(key);
  });
}

/** Takes out what is at the paths; later items of a list first, so that the others stay where they are. */
function removeAll(root: unknown, paths: readonly Path[]): void {
  const removals = new Map<object, Set<string | number>>();
  for (const path of paths) {
    let holder = root;
    for (const key of path.slice(0, -1)) holder = (holder as Record<string, unknown> | undefined)?.[key];
    if (holder === null || typeof holder !== 'object') continue;
    const keys = removals.get(holder) ?? new Set();
    removals.set(holder, keys.add(path.at(-1)!));
  }
  for (const [holder, keys] of removals) {
    if (Array.isArray(holder)) {
      const indexes = originalIndexes.get(holder) ?? holder.map((_, i) => i);
      const kept = indexes.filter((_, i) => !keys.has(String(i)));
      const items = holder.filter((_, i) => !keys.has(String(i)));
      holder.splice(0, holder.length, ...items);
      originalIndexes.set(holder, kept);
    } else for (const key of keys) delete (holder as Record<string, unknown>)[key];
  }
}
