/** What may stand at the end of a command line that has been begun. */
import {
  type ArgumentOutline,
  type CommandOutline,
  commandNames,
  commandOutline,
  gatewayOptions,
  type OptionOutline,
} from './command-outline.js';
import type { ValueWords } from './command-values.js';
import { COMMANDS } from './commands.js';

export interface Candidate {
  readonly word: string;
  /** For shells that show it. */
  readonly meaning: string;
}

export interface Completion {
  /** What of files may stand there as well. */
  readonly files: ValueWords['files'];
  /** The begin of the last word that is none of the candidates': `--hal=`. */
  readonly prefix: string;
  readonly candidates: readonly Candidate[];
}

/** What flags and arguments are completed by. */
type Completable = Pick<CommandOutline, 'options' | 'arguments' | 'takesGatewayFlags'>;

const RUN: Completable = { options: gatewayOptions(), arguments: [], takesGatewayFlags: false };

const NOTHING: Completion = { files: 'none', prefix: '', candidates: [] };

/**
 * @param words those after the program's name; the last one is what has been begun, and may be empty
 * @returns all that may stand there, whatever the last word begins with; flags only where it begins with a dash
 */
export async function complete(words: readonly string[]): Promise<Completion> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  const [first] = before;
  if (first === undefined && !current.startsWith('-')) {
    return ofWords([...commandCandidates(), { word: 'help', meaning: 'help, also of a command' }]);
  }
  if (first === 'help') return before.length === 1 ? ofWords(commandCandidates()) : NOTHING;
  // What is no command is `run`. It is not loaded for its flags: a shell waits for this.
  if (first === undefined || first.startsWith('-')) return ofCommand(RUN, before, current);
  const rest = before.slice(1);
  if (first === 'run') return ofCommand(RUN, rest, current);
  if (!Object.hasOwn(COMMANDS, first)) return NOTHING;
  const outline = await commandOutline(first, rest.find((word) => !word.startsWith('-')) ?? '');
  if (outline.subCommands.length === 0) return ofCommand(outline, rest, current);
  const place = rest.findIndex((word) => !word.startsWith('-'));
  if (place < 0) {
    if (current.startsWith('-')) return ofCommand(outline, rest, current);
    return ofWords(
      outline.subCommands.map(({ name, description }) => ({
        word: name.split(' ').at(-1)!,
        meaning: description,
      })),
    );
  }
  const sub = outline.subCommands.find(({ name }) => name.endsWith(` ${rest[place]}`));
  return sub === undefined ? NOTHING : ofCommand(sub, rest.slice(place + 1), current);
}

function commandCandidates(): Candidate[] {
  return commandNames().map((word) => ({ word, meaning: COMMANDS[word]!.summary }));
}

const ofWords = (candidates: readonly Candidate[]): Completion => ({ ...NOTHING, candidates });

function ofCommand(outline: Completable, before: readonly string[], current: string): Completion {
  const options = outline.takesGatewayFlags ? [...outline.options, ...gatewayOptions()] : outline.options;
  const optionOf = (name: string) => options.find(({ names }) => names.includes(name));
  const given = readWords(before, optionOf);
  if (given.waiting !== undefined) return ofValue(given.waiting.words, '');
  if (given.areFlagsOver) return ofArgument(outline.arguments, given.positionals);
  const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  if (value !== undefined) return ofValue(optionOf(name!)?.words, `${name}=`);
  if (current.startsWith('-')) return ofWords(options.flatMap(flagCandidates));
  return ofArgument(outline.arguments, given.positionals);
}

/** What has been given before the last word. */
interface Given {
  readonly positionals: number;
  /** The flag whose value the last word is. */
  readonly waiting: OptionOutline | undefined;
  /** After `--`. */
  readonly areFlagsOver: boolean;
}

function readWords(words: readonly string[], optionOf: (name: string) => OptionOutline | undefined): Given {
  let positionals = 0;
  let waiting: OptionOutline | undefined;
  for (const [i, word] of words.entries()) {
    if (waiting !== undefined) {
      waiting = undefined;
    } else if (word === '--') {
      return { positionals: positionals + words.length - i - 1, waiting: undefined, areFlagsOver: true };
    } else if (word.startsWith('-') && word !== '-') {
      const option = optionOf(word);
      if (option?.value !== undefined && !option.isValueOptional) waiting = option;
    } else {
      positionals++;
    }
  }
  return { positionals, waiting, areFlagsOver: false };
}

function ofValue(words: ValueWords | undefined, prefix: string): Completion {
  if (words === undefined) return NOTHING;
  return { files: words.files, prefix, candidates: words.choices.map((word) => ({ word, meaning: '' })) };
}

function ofArgument(all: readonly ArgumentOutline[], positionals: number): Completion {
  const last = all.at(-1);
  return ofValue((all[positionals] ?? (last?.isVariadic ? last : undefined))?.words, '');
}

function flagCandidates({ names, meaning }: OptionOutline): Candidate[] {
  return names.filter((name) => name.startsWith('--')).map((word) => ({ word, meaning }));
}
