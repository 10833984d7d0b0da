/** From the command line and the JSON flags file to a text per flag; the command line wins. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { FLAGS, type Flag, flagNamed, flagWithShort, JSON_FLAG, suggestion } from './flags.js';
import { type FileReader, jsonProblem, type Problems, readText } from './problems.js';

/** A flag's value as text, and where it was given. */
export interface FlagValue {
  readonly text: string;
  /** --name, or file:line:column. */
  readonly where: string;
}

export type FlagValues = ReadonlyMap<string, readonly FlagValue[]>;

const SECTIONS = ['doca_general_flags', 'doca_program_flags'];

/** All values that were given. Notes everything that is wrong. */
export function readFlagValues(argv: readonly string[], read: FileReader, problems: Problems): FlagValues {
  const given = new Map<string, FlagValue[]>();
  let jsonPath: FlagValue | undefined;
  const add = (flag: Flag, value: FlagValue) => {
    const list = given.get(flag.name);
    if (list === undefined) given.set(flag.name, [value]);
    else if (flag.kind === 'list') list.push(value);
    else if (flag.kind !== 'boolean') problems.add(value.where, 'is given twice');
  };
  parseArguments(argv, problems, (name, flag, text) => {
    const where = `--${name}`;
    if (flag === undefined) {
      if (jsonPath !== undefined) problems.add(where, 'is given twice');
      jsonPath = { text, where };
    } else add(flag, { text, where });
  });
  if (jsonPath === undefined) return given;
  const fromFile = readJsonFlags(jsonPath, read, problems);
  return new Map([...fromFile, ...given]);
}

type OnFlag = (name: string, flag: Flag | undefined, text: string) => void;

function parseArguments(argv: readonly string[], problems: Problems, onFlag: OnFlag): void {
  const rest = [...argv];
  const flagValue = (name: string, attached: string | undefined): string | undefined => {
    if (attached !== undefined) return attached;
    const next = rest[0];
    if (next === undefined || (next.startsWith('-') && next.length > 1 && !/^-\d/.test(next))) {
      problems.add(name, 'needs a value');
      return undefined;
    }
    return rest.shift();
  };
  const take = (written: string, name: string, flag: Flag | undefined, attached: string | undefined) => {
    if (flag?.kind === 'boolean') {
      if (attached !== undefined && attached !== 'true' && attached !== 'false') {
        problems.add(written, `takes no value, got "${attached}"`);
      } else onFlag(name, flag, attached ?? 'true');
      return;
    }
    const text = flagValue(written, attached);
    if (text !== undefined) onFlag(name, flag, text);
  };
  while (rest.length > 0) {
    const argument = rest.shift()!;
    if (argument.startsWith('--')) {
      const equals = argument.indexOf('=');
      const name = argument.slice(2, equals === -1 ? undefined : equals);
      const attached = equals === -1 ? undefined : argument.slice(equals + 1);
      const flag = flagNamed(name);
      if (flag !== undefined || name === JSON_FLAG.name) take(`--${name}`, name, flag, attached);
      else {
        const near = suggestion(name);
        problems.add(
          `--${name}`,
          `there is no such flag${near === undefined ? '' : `; did you mean --${near}?`}`,
        );
        // Its value, if it had one, is not a problem of its own.
        if (attached === undefined && rest[0] !== undefined && !rest[0].startsWith('-')) rest.shift();
      }
    } else if (argument.startsWith('-') && argument.length > 1) {
      parseShort(argument, problems, take);
    } else problems.add(argument, 'is no flag; see --help');
  }
}

type Take = (written: string, name: string, flag: Flag | undefined, attached: string | undefined) => void;

/** -ck, -x100, -x=100, -x 100 */
function parseShort(argument: string, problems: Problems, take: Take): void {
  for (let at = 1; at < argument.length; at++) {
    const letter = argument[at]!;
    const flag = flagWithShort(letter);
    if (flag === undefined && letter !== JSON_FLAG.short) {
      problems.add(`-${letter}`, 'there is no such flag; see --help');
      return;
    }
    const tail = argument.slice(at + 1);
    if (flag?.kind === 'boolean') take(`-${letter}`, flag.name, flag, undefined);
    else {
      const attached = tail === '' ? undefined : tail.replace(/^=/, '');
      take(`-${letter}`, flag?.name ?? JSON_FLAG.name, flag, attached);
      return;
    }
  }
}

function readJsonFlags(path: FlagValue, read: FileReader, problems: Problems): Map<string, FlagValue[]> {
  const values = new Map<string, FlagValue[]>();
  const text = readText(path.text, path.where, read, problems);
  if (text === undefined) return values;
  const at = (offset: number) => {
    const before = text.slice(0, offset).split('\n');
    return `${path.text}:${before.length}:${before.at(-1)!.length + 1}`;
  };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  for (const error of errors) problems.add(at(error.offset), jsonProblem(printParseErrorCode(error.error)));
  if (root === undefined || errors.length > 0) return values;
  if (root.type !== 'object') {
    problems.add(at(root.offset), 'the file is not an object of flags');
    return values;
  }
  const readMembers = (object: Node, inSection: boolean) => {
    for (const property of object.children ?? []) {
      const [key, value] = property.children as [Node, Node];
      const name = key.value as string;
      if (!inSection && SECTIONS.includes(name)) {
        if (value.type === 'object') readMembers(value, true);
        else problems.add(at(value.offset), `${name} is not an object of flags`);
        continue;
      }
      const flag = flagNamed(name);
      if (flag === undefined) {
        const near = suggestion(name);
        problems.add(
          at(key.offset),
          `there is no flag "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
        );
      } else if (values.has(flag.name)) problems.add(at(key.offset), `"${name}" is given twice`);
      else values.set(flag.name, jsonValues(flag, value, at, problems));
    }
  };
  readMembers(root, false);
  return values;
}

/** A flag's JSON value as the texts that the command line would have had. */
function jsonValues(flag: Flag, node: Node, at: (offset: number) => string, problems: Problems): FlagValue[] {
  const where = at(node.offset);
  const one = (value: Node): FlagValue[] => {
    const typeOk =
      flag.kind === 'boolean'
        ? value.type === 'boolean'
        : flag.kind === 'number'
          ? value.type === 'number'
          : value.type === 'string' || value.type === 'number';
    if (typeOk) return [{ text: String(value.value), where: at(value.offset) }];
    const expected = flag.kind === 'list' ? 'a text or a list of texts' : `a ${flag.kind}`;
    problems.add(where, `"${flag.name}" is not ${expected}`);
    return [];
  };
  if (flag.kind === 'list' && node.type === 'array') return (node.children ?? []).flatMap(one);
  return one(node);
}

/** The value of a flag that is not a list, or its default. */
export function flagValue(values: FlagValues, name: string): FlagValue | undefined {
  const given = values.get(name)?.[0];
  if (given !== undefined) return given;
  const text = FLAGS.find((flag) => flag.name === name)?.default;
  return text === undefined ? undefined : { text, where: `--${name}` };
}
