/**
 * Commands as data: their flags, arguments and notes, from what commander has of them and from the table of the gateway's flags.
 * Completion and manual pages are made of it, so that neither can tell of what is not there.
 */
import type { Argument, Command, Option } from 'commander';
import { FLAGS, type Flag, JSON_FLAG, QUESTION_FLAGS } from '../gateway/config/flags.js';
import { type ValueWords, valueWords } from './command-values.js';
import { COMMANDS, loadCommand } from './commands.js';
import { flagHelp, valueText } from './flag-help.js';
import { takesGatewayFlags } from './gateway-flags.js';

export interface OptionOutline {
  /** With dashes, short ones first. */
  readonly names: readonly string[];
  /** The value's name, without brackets; absent: the flag takes none. */
  readonly value?: string;
  /** Where the value is left out, another one stands for it: what follows the flag is not its value. */
  readonly isValueOptional: boolean;
  /** It may take several values after each other. */
  readonly isVariadic: boolean;
  readonly words: ValueWords;
  readonly meaning: string;
  readonly fallback?: string;
  /** Group of the gateway's flags. */
  readonly group?: string;
}

export interface ArgumentOutline {
  readonly name: string;
  readonly isVariadic: boolean;
  readonly words: ValueWords;
  readonly meaning: string;
}

export interface CommandOutline {
  /** As it is called: `psp-gateway topology run`. */
  readonly name: string;
  /** What follows the name in its synopsis. */
  readonly usage: string;
  readonly description: string;
  /** Its own; those of a gateway too only with `isOfGateway`. */
  readonly options: readonly OptionOutline[];
  readonly arguments: readonly ArgumentOutline[];
  readonly subCommands: readonly CommandOutline[];
  readonly takesGatewayFlags: boolean;
  /** What help says after the flags, without the gateway's flags. */
  readonly notes: string;
}

const NO_WORDS: ValueWords = { choices: [], files: 'none' };

/** The gateway's flags, as `psp-gateway run` takes them. */
export function gatewayOptions(): OptionOutline[] {
  return [...FLAGS, JSON_FLAG, ...QUESTION_FLAGS].map(ofFlag);
}

/**
 * A command of the program with its sub-commands.
 * @param only the sub-command that is wanted whole; of the others there is what help lists. All, when left out
 */
export async function commandOutline(name: string, only?: string): Promise<CommandOutline> {
  const command = await loadCommand(name, []);
  const subCommands: CommandOutline[] = [];
  for (const subName of command.commands.map((one) => one.name())) {
    const isWhole = only === undefined || only === subName;
    const whole = (await loadCommand(name, isWhole ? [subName] : [])).commands.find(
      (one) => one.name() === subName,
    )!;
    subCommands.push(ofCommand(whole, `psp-gateway ${name} ${subName}`, []));
  }
  return ofCommand(command, `psp-gateway ${name}`, subCommands);
}

/** Names of the commands, in the order of help. */
export function commandNames(): readonly string[] {
  return Object.keys(COMMANDS);
}

function ofCommand(command: Command, name: string, subCommands: readonly CommandOutline[]): CommandOutline {
  const isRun = name === 'psp-gateway run';
  const help = command.createHelp();
  return {
    name,
    usage: isRun ? '[FLAGS]' : command.usage(),
    description: command.description(),
    options: isRun ? gatewayOptions() : help.visibleOptions(command).map(ofOption),
    arguments: command.registeredArguments.map(ofArgument),
    subCommands,
    takesGatewayFlags: takesGatewayFlags(command),
    notes: notesOf(command),
  };
}

function notesOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (some) => (text += some) }).outputHelp();
  return text.slice(command.helpInformation().length).replace(flagHelp(), '').trim();
}

function ofOption(option: Option): OptionOutline {
  const value = /[<[]([^>\].]+)/.exec(option.flags)?.[1];
  const fallback: unknown = option.defaultValue;
  return {
    names: [option.short, option.long].flatMap((one) => one ?? []),
    ...(value === undefined ? {} : { value }),
    isValueOptional: option.optional,
    isVariadic: option.variadic,
    words: value === undefined ? NO_WORDS : wordsOf(value, option.argChoices),
    meaning: option.description,
    ...(typeof fallback === 'string' || typeof fallback === 'number' ? { fallback: String(fallback) } : {}),
  };
}

function ofArgument(argument: Argument): ArgumentOutline {
  return {
    name: argument.name(),
    isVariadic: argument.variadic,
    words: wordsOf(argument.name(), argument.argChoices),
    meaning: argument.description,
  };
}

function ofFlag(flag: Flag): OptionOutline {
  const names = [flag.name, ...(flag.aliases ?? [])].map((name) => `--${name}`);
  const value = flag.kind === 'boolean' ? undefined : valueText(flag);
  return {
    names: [...(flag.short === undefined ? [] : [`-${flag.short}`]), ...names],
    ...(value === undefined ? {} : { value }),
    isValueOptional: flag.valueIfAbsent !== undefined,
    isVariadic: false,
    words: value === undefined ? NO_WORDS : wordsOf(value, flag.choices),
    meaning: flag.meaning,
    ...(flag.default === undefined ? {} : { fallback: flag.default }),
    group: flag.group,
  };
}

const wordsOf = (name: string, choices: readonly string[] | undefined): ValueWords =>
  choices === undefined ? valueWords(name) : { choices, files: 'none' };
