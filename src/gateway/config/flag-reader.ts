/** The values of flags, each read as what its line in the table of flags says; what is wrong with it is noted. */
import { attempt } from './addresses.js';
import { type FlagValue, type FlagValues, flagValue } from './flag-values.js';
import { flagNamed } from './flags.js';
import { type Problems, quoted } from './problems.js';

/** Flags are never in capital letters. */
const ENVIRONMENT_VARIABLE = /^[A-Z_]+$/;

/** The place where a flag was given, or its name; of an environment variable its name. */
export function whereOf(values: FlagValues, name: string): string {
  if (ENVIRONMENT_VARIABLE.test(name)) return name;
  return values.get(name)?.[0]?.where ?? `--${name}`;
}

/** A member that is left out when there is no value. */
export function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** Names of flags are without the dashes. Where a value is wrong the default is given, or undefined where there is none. */
export class FlagReader {
  constructor(
    readonly values: FlagValues,
    readonly problems: Problems,
  ) {}

  given(name: string): boolean {
    return this.values.has(name);
  }

  whereOf(name: string): string {
    return whereOf(this.values, name);
  }

  /** Notes a problem where the flag was given. */
  problem(name: string, reason: string): void {
    this.problems.add(this.whereOf(name), reason);
  }

  /** The value as written, or the default. */
  text(name: string): FlagValue | undefined {
    return flagValue(this.values, name);
  }

  boolean(name: string): boolean {
    return this.text(name)?.text === 'true';
  }

  choice(name: string): string {
    return this.#optionalChoice(name) ?? flagNamed(name)!.default!;
  }

  #optionalChoice(name: string): string | undefined {
    const value = this.text(name);
    const choices = flagNamed(name)!.choices!;
    if (value === undefined || choices.includes(value.text)) return value?.text;
    this.problems.add(value.where, `${quoted(value.text)} is not one of ${choices.join(', ')}`);
    return undefined;
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? Number(flagNamed(name)!.default);
  }

  optionalNumber(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [lowest, highest] = flagNamed(name)!.range!;
    const number = /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : Number.NaN;
    if (number >= lowest && number <= highest) return number;
    this.problems.add(
      value.where,
      `${quoted(value.text)} is not a whole number from ${lowest} to ${highest}`,
    );
    return undefined;
  }

  matching(name: string, pattern: RegExp, expected: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || pattern.test(value.text)) return value?.text;
    this.problems.add(value.where, `${quoted(value.text)} is not ${expected}`);
    return undefined;
  }

  /** @param parse throws AddressError */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const result = attempt(() => parse(value.text));
    if ('value' in result) return result.value;
    this.problems.add(value.where, result.reason);
    return undefined;
  }
}
