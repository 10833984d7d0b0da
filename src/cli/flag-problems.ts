/** Flags whose values are wrong: noted, where commander would end with the first one, so that all mistakes are told together. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { shortened } from '../gateway/config/problems.js';

export class FlagProblems {
  readonly #found = new Map<string, string[]>();

  /** Notes wrong values of the command's options from now on. */
  constructor(command: Command) {
    for (const option of command.options) {
      const parse = option.parseArg;
      if (parse !== undefined)
        option.argParser((text: string, before: unknown) => this.#parsed(option, text, before, parse));
    }
  }

  /** A line for each, in the order of the command line. */
  get list(): readonly string[] {
    return [...this.#found.values()].flat();
  }

  /** Whether a value of the flag, `--name`, was wrong: then nobody knows what was meant by it. */
  has(flag: string): boolean {
    return this.#found.has(flag);
  }

  #parsed(option: Option, text: string, before: unknown, parse: NonNullable<Option['parseArg']>): unknown {
    try {
      return parse(text, before);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const flag = option.long!;
      const found = this.#found.get(flag) ?? [];
      this.#found.set(flag, [...found, shortened(`${flag}: ${reasonOf(error, text)}`)]);
      return before;
    }
  }
}

/** Commander's errors are sentences, and those of ours do not all name what was written. */
function reasonOf({ message }: InvalidArgumentError, text: string): string {
  const reason = message.replace(/\.$/, '').replace(/^Allowed/, 'allowed');
  return reason.startsWith('"') ? reason : `${reason}, not "${text}"`;
}
