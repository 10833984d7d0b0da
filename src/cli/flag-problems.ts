/**
 * What is wrong with a command's flags: unknown ones, missing values, values that are not understood. All of it is noted, where
 * commander would end with the first, so that it is told together with what is wrong with files.
 */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { printable } from '../base/printable.js';
import { quoted, shortened } from '../gateway/config/problems.js';
import { Suggestions } from '../gateway/config/suggestions.js';

const HELP: readonly string[] = ['-h', '--help'];
const NAME_CHARACTERS_SHOWN = 100;

const PROBLEMS = new WeakMap<Command, FlagProblems>();

/** Problems of the flags of a command that was parsed. */
export function flagProblemsOf(command: Command): readonly string[] {
  return PROBLEMS.get(command)?.list ?? [];
}

export class FlagProblems {
  readonly #found = new Map<string, string[]>();
  readonly #options: readonly Option[];
  readonly #suggestions = new Suggestions();

  /**
   * Notes what is wrong with flags of the command, which has all of its options, from now on.
   * @param others what becomes of flags that are not the command's: wrong, or left to it as arguments
   */
  constructor(
    command: Command,
    private readonly others: 'wrong' | 'left' = 'wrong',
  ) {
    PROBLEMS.set(command, this);
    this.#options = command.options;
    for (const option of command.options) {
      const parse = option.parseArg;
      if (parse !== undefined)
        option.argParser((text: string, before: unknown) => this.#parsed(option, text, before, parse));
    }
    const parseOptions = command.parseOptions.bind(command);
    command.parseOptions = (argv) => parseOptions(this.#withoutWrong(argv));
    if (others === 'wrong') command.allowExcessArguments().hook('preAction', () => this.#noteExcess(command));
    // Errors with which commander ends by itself, such as a missing argument, follow the problems found until then.
    command.configureOutput({
      outputError: (text, write) => {
        for (const line of [...this.list, ...text.trimEnd().split('\n')]) write(`${printable(line)}\n`);
      },
    });
  }

  /** A line for each: of those that commander does not know first, then by flag. */
  get list(): readonly string[] {
    return [...this.#found.values()].flat();
  }

  /** Whether a value of the flag, `--name`, was wrong: then nobody knows what was meant by it. */
  has(flag: string): boolean {
    return this.#found.has(flag);
  }

  /** The arguments that commander can take. */
  #withoutWrong(argv: readonly string[]): string[] {
    const taken: string[] = [];
    for (let at = 0; at < argv.length; at++) {
      const argument = argv[at]!;
      if (argument === '--') return [...taken, ...argv.slice(at)];
      if (!/^-./.test(argument) || /^-\d/.test(argument) || HELP.includes(argument)) {
        taken.push(argument);
        continue;
      }
      const { option, attached } = this.#read(argument);
      const next = argv[at + 1];
      if (option === undefined) {
        if (this.others === 'left') taken.push(argument);
        else at += this.#noteUnknown(argument, next);
      } else if (!option.required) {
        if (attached) this.#note(option.long!, 'takes no value');
        else taken.push(argument);
      } else if (argument === `${option.long}=`) this.#note(option.long!, 'needs a value');
      else if (attached) taken.push(argument);
      else if (next === undefined || next === '' || next.startsWith('--') || this.#find(next) !== undefined) {
        this.#note(option.long!, 'needs a value');
        if (next === '') at++;
      } else {
        taken.push(argument, next);
        at++;
      }
    }
    return taken;
  }

  /** In commander's own words, which would end with them. */
  #noteExcess(command: Command): void {
    const { args, parent, registeredArguments } = command;
    const expected = registeredArguments.length;
    if (args.length <= expected || registeredArguments.at(-1)?.variadic === true) return;
    const of = parent === null ? '' : ` for '${command.name()}'`;
    const count = `${expected} argument${expected === 1 ? '' : 's'}`;
    this.#found.set('', [`error: too many arguments${of}. Expected ${count} but got ${args.length}.`]);
  }

  /** The flag that decides about an argument such as --name, --name=value, -n, -nvalue or -abn; undefined: one is unknown. */
  #read(argument: string): { readonly option?: Option | undefined; readonly attached: boolean } {
    if (argument.startsWith('--')) {
      const [name] = argument.split('=', 1);
      return { option: this.#find(name!), attached: argument.includes('=') };
    }
    for (let at = 1; ; at++) {
      const option = this.#find(`-${argument[at]}`);
      const isLast = at === argument.length - 1;
      if (isLast || option === undefined || option.required)
        return { option, attached: option?.required === true && !isLast };
    }
  }

  #find(argument: string): Option | undefined {
    return this.#options.find(({ long, short }) => argument === long || argument === short);
  }

  /** Number of following arguments that belong to it: its value, if it is a misprint of a flag that has one. */
  #noteUnknown(argument: string, next: string | undefined): number {
    const [name] = argument.split('=', 1);
    const isLong = argument.startsWith('--');
    const known = this.#options.map(({ long }) => long!.slice(2));
    const near = isLong ? this.#suggestions.near(name!.slice(2), known) : undefined;
    const meant = near === undefined ? 'see --help' : `did you mean --${near}?`;
    this.#note(shortened(name!, NAME_CHARACTERS_SHOWN), `there is no such flag; ${meant}`);
    const hasValue = near !== undefined && this.#find(`--${near}`)?.required === true;
    return hasValue && name === argument && next?.startsWith('-') === false ? 1 : 0;
  }

  #note(flag: string, reason: string): void {
    const found = this.#found.get(flag) ?? [];
    this.#found.set(flag, [...found, shortened(`${flag}: ${reason}`)]);
  }

  #parsed(option: Option, text: string, before: unknown, parse: NonNullable<Option['parseArg']>): unknown {
    try {
      return parse(text, before);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      this.#note(option.long!, reasonOf(error, text));
      return before;
    }
  }
}

/** Commander's errors are sentences, and those of ours do not all name what was written. */
function reasonOf({ message }: InvalidArgumentError, text: string): string {
  const reason = message.replace(/\.$/, '').replace(/^Allowed/, 'allowed');
  return reason.startsWith('"') ? reason : `${reason}, not ${quoted(text)}`;
}
