/** Reads the command line and the JSON flags file into a text for each flag. The command line wins. */
import type { Node } from 'jsonc-parser';
import { parseBoundedJson } from './bounded-json.js';
import { DPDK_SECTION, maskOfNumber, readDpdkFlags } from './dpdk-flags.js';
import {
  type Flag,
  flagNamed,
  flagNames,
  flagOfLater,
  flagWithShort,
  JSON_FLAG,
  remarkOnName,
} from './flags.js';
import { FLAG_CHARACTERS_MAX, FLAGS_FILE_OCTETS_MAX } from './limits.js';
import { type FileReader, type Problems, quoted, readText, shortened } from './problems.js';
import { Suggestions } from './suggestions.js';

/** A flag's value as text, and where it was given. */
export interface FlagValue {
  readonly text: string;
  /** --name, or file:line:column. */
  readonly where: string;
}

export type FlagValues = ReadonlyMap<string, readonly FlagValue[]>;

/** Limit on an unknown name that is quoted. */
const NAME_CHARACTERS_SHOWN = 100;
const SECTIONS = ['doca_general_flags', 'doca_program_flags', DPDK_SECTION];

/** All values that were given. Notes everything that is wrong. */
export function readFlagValues(argv: readonly string[], read: FileReader, problems: Problems): FlagValues {
  const given = new Map<string, FlagValue[]>();
  let jsonPath: FlagValue | undefined;
  const suggestions = new Suggestions();
  const add = (flag: Flag, value: FlagValue) => {
    if (!isFit(value, problems)) return;
    const list = given.get(flag.name);
    if (list === undefined) given.set(flag.name, [value]);
    else if (mayRepeat(flag)) list.push(value);
    else if (flag.kind !== 'boolean') problems.add(value.where, 'is given twice');
  };
  parseArguments(argv, problems, suggestions, (name, flag, text) => {
    const where = `--${name}`;
    if (flag === undefined) {
      if (!isFit({ text, where }, problems)) return;
      if (jsonPath !== undefined) problems.add(where, 'is given twice');
      jsonPath = { text, where };
    } else {
      remarkOn(flag, name, where, problems);
      add(flag, { text, where });
    }
  });
  if (jsonPath === undefined) return given;
  const fromFile = readJsonFlags(jsonPath, read, problems, suggestions);
  return new Map([...fromFile, ...given]);
}

function remarkOn(flag: Flag, name: string, where: string, problems: Problems): void {
  const remark = remarkOnName(flag, name);
  if (remark !== undefined) problems.remark(where, remark);
}

function mayRepeat({ kind, repeatable }: Flag): boolean {
  return kind === 'list' || repeatable === true;
}

type OnFlag = (name: string, flag: Flag | undefined, text: string) => void;

function isFit({ text, where }: FlagValue, problems: Problems): boolean {
  if (text === '') {
    problems.add(where, 'is empty; give it a value, or leave it out');
    return false;
  }
  if (text.length <= FLAG_CHARACTERS_MAX) return true;
  problems.add(where, `has ${text.length} characters, ${FLAG_CHARACTERS_MAX} are allowed; use a file`);
  return false;
}

function parseArguments(
  argv: readonly string[],
  problems: Problems,
  suggestions: Suggestions,
  onFlag: OnFlag,
): void {
  let at = 0;
  const flagValue = (name: string, attached: string | undefined): string | undefined => {
    if (attached !== undefined) return attached;
    const next = argv[at];
    if (next === undefined || (next.startsWith('-') && next.length > 1 && !/^-\d/.test(next))) {
      problems.add(name, 'needs a value');
      return undefined;
    }
    at++;
    return next;
  };
  const take = (written: string, name: string, flag: Flag | undefined, attached: string | undefined) => {
    if (flag?.kind === 'boolean') {
      if (attached !== undefined && attached !== 'true' && attached !== 'false') {
        problems.add(written, `takes no value, got ${quoted(attached)}`);
      } else onFlag(name, flag, attached ?? 'true');
      return;
    }
    // No argument of ours stands by itself: what does not begin with a dash can only be the value.
    if (flag?.valueIfAbsent !== undefined && attached === undefined && argv[at]?.startsWith('-') !== false) {
      onFlag(name, flag, flag.valueIfAbsent);
      return;
    }
    const text = flagValue(written, attached);
    if (text !== undefined) onFlag(name, flag, text);
  };
  while (at < argv.length) {
    const argument = argv[at++]!;
    if (argument.startsWith('--')) {
      const equals = argument.indexOf('=');
      const name = argument.slice(2, equals === -1 ? undefined : equals);
      const attached = equals === -1 ? undefined : argument.slice(equals + 1);
      const flag = flagNamed(name);
      if (flag !== undefined || name === JSON_FLAG.name) take(`--${name}`, name, flag, attached);
      else {
        const near = suggestions.near(name, flagNames());
        problems.add(
          `--${shortened(name, NAME_CHARACTERS_SHOWN)}`,
          `there is no such flag${near === undefined ? '' : `; did you mean --${near}?`}`,
        );
        // Its value, if it had one, is not a problem of its own.
        if (attached === undefined && argv[at]?.startsWith('-') === false) at++;
      }
    } else if (argument.startsWith('-') && argument.length > 1) {
      parseShort(argument, argv[at], problems, take);
    } else problems.add(argument, 'is no flag; see --help');
  }
}

type Take = (written: string, name: string, flag: Flag | undefined, attached: string | undefined) => void;

/** -ck, -x100, -x=100, -x 100; `next` is the argument behind it. */
function parseShort(argument: string, next: string | undefined, problems: Problems, take: Take): void {
  const value = next?.startsWith('-') === true ? undefined : next;
  for (let at = 1; at < argument.length; at++) {
    const letter = argument[at]!;
    const tail = argument.slice(at + 1);
    const attached = tail === '' ? undefined : tail.replace(/^=/, '');
    const flag =
      flagOfLater(letter, attached === undefined ? value : valueOfLater(tail)) ?? flagWithShort(letter);
    if (flag === undefined && letter !== JSON_FLAG.short) {
      problems.add(`-${letter}`, 'there is no such flag; see --help');
      return;
    }
    if (flag?.kind === 'boolean') take(`-${letter}`, flag.name, flag, undefined);
    // An address is attached, or more letters are.
    else if (flag?.valueIfAbsent !== undefined && tail !== '' && !/^=|[.:]/.test(tail))
      take(`-${letter}`, flag.name, flag, flag.valueIfAbsent);
    else {
      take(`-${letter}`, flag?.name ?? JSON_FLAG.name, flag, attached);
      return;
    }
  }
}

/** The rest of an argument behind a letter, if it could be a value and not more letters. */
function valueOfLater(tail: string): string | undefined {
  return /^=|[./:]/.test(tail) ? tail.replace(/^=/, '') : undefined;
}

function readJsonFlags(
  path: FlagValue,
  read: FileReader,
  problems: Problems,
  suggestions: Suggestions,
): Map<string, FlagValue[]> {
  const values = new Map<string, FlagValue[]>();
  const text = readText(path.text, path.where, FLAGS_FILE_OCTETS_MAX, read, problems);
  const source = text === undefined ? undefined : parseBoundedJson(text, path.text, problems);
  if (source === undefined) return values;
  const { root, at } = source;
  if (root.type !== 'object') {
    problems.add(at(root.offset), 'the file is not an object of flags');
    return values;
  }
  const readMembers = (object: Node, inSection: boolean) => {
    for (const property of object.children ?? []) {
      const [key, value] = property.children as [Node, Node];
      const name = key.value as string;
      if (!inSection && SECTIONS.includes(name)) {
        if (value.type !== 'object') problems.add(at(value.offset), `${name} is not an object of flags`);
        else if (name === DPDK_SECTION) readDpdkFlags(value, at, problems, addOnce);
        else readMembers(value, true);
        continue;
      }
      const flag = flagOfKey(name, value);
      if (flag === undefined) {
        const near = suggestions.near(name, flagNames());
        problems.add(
          at(key.offset),
          `there is no flag "${shortened(name, NAME_CHARACTERS_SHOWN)}"${near === undefined ? '' : `; did you mean "${near}"?`}`,
        );
      } else if (values.has(flag.name)) {
        problems.add(
          at(key.offset),
          `"${name}" is given twice${flag.name === name ? '' : `, also as "${flag.name}"`}`,
        );
      } else {
        remarkOn(flag, name, at(key.offset), problems);
        values.set(flag.name, jsonValues(flag, value, at, problems));
      }
    }
  };
  const addOnce = (name: string, value: FlagValue) => {
    if (values.has(name)) problems.add(value.where, `"${name}" is given twice`);
    else values.set(name, [value]);
  };
  readMembers(root, false);
  return values;
}

/** Keys are long names, or the short ones as on the command line. */
function flagOfKey(name: string, { type, value }: Node): Flag | undefined {
  if (name.length !== 1) return flagNamed(name);
  return flagOfLater(name, type === 'string' ? value : undefined) ?? flagWithShort(name);
}

/** A flag's JSON value as the texts that the command line would have had. */
function jsonValues(flag: Flag, node: Node, at: (offset: number) => string, problems: Problems): FlagValue[] {
  const where = at(node.offset);
  const one = (value: Node): FlagValue[] => {
    if (typesOf(flag).includes(value.type)) {
      const given = { text: textOf(flag, value.value), where: at(value.offset) };
      return isFit(given, problems) ? [given] : [];
    }
    problems.add(where, `"${flag.name}" is not ${expectedOf(flag)}`);
    return [];
  };
  if (mayRepeat(flag) && node.type === 'array') return (node.children ?? []).flatMap(one);
  return one(node);
}

function typesOf({ kind, valueIfAbsent }: Flag): readonly string[] {
  if (kind === 'boolean' || kind === 'number') return [kind];
  return ['string', 'number', ...(valueIfAbsent === undefined ? [] : ['boolean'])];
}

function expectedOf(flag: Flag): string {
  if (mayRepeat(flag)) return 'a text or a list of texts';
  return flag.valueIfAbsent === undefined ? `a ${flag.kind}` : 'true, false or a text';
}

function textOf({ name }: Flag, value: unknown): string {
  const mask = name === 'core-mask' && typeof value === 'number' ? maskOfNumber(value) : undefined;
  return mask ?? String(value);
}

/** The value of a flag that is not a list, or its default. */
export function flagValue(values: FlagValues, name: string): FlagValue | undefined {
  const given = values.get(name)?.[0];
  if (given !== undefined) return given;
  const text = flagNamed(name)?.default;
  return text === undefined ? undefined : { text, where: `--${name}` };
}
