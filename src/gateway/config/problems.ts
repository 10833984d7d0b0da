/** Everything that is wrong with flags and files, so that the user sees all of it at once. */
import { readProblem } from '../../files/file-problem.js';
import { PROBLEM_CHARACTERS_MAX, PROBLEMS_MAX, QUOTED_CHARACTERS_MAX } from './limits.js';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

export class Problems {
  readonly #remarks = new Set<string>();
  /** Problems in the order in which they were found; a set, so that none is told twice. */
  readonly #found = new Set<string>();
  #more = 0;

  /** @param where a flag, or file:line:column */
  add(where: string, reason: string): void {
    const problem = shortened(`${where}: ${reason}`);
    if (this.#found.size < PROBLEMS_MAX) this.#found.add(problem);
    else if (!this.#found.has(problem)) this.#more++;
  }

  /** Notes a remark about something correct that is worth a line in the log. */
  remark(where: string, text: string): void {
    if (this.#remarks.size < PROBLEMS_MAX) this.#remarks.add(shortened(`${where}: ${text}`));
  }

  get remarks(): readonly string[] {
    return [...this.#remarks];
  }

  get isEmpty(): boolean {
    return this.#found.size === 0;
  }

  /** Up to PROBLEMS_MAX, and how many there are besides. */
  get list(): readonly string[] {
    return this.#more === 0 ? [...this.#found] : [...this.#found, `and ${this.#more} more problems`];
  }
}

/** Its begin and its end: a text that is quoted may be as long as its file. */
export function shortened(text: string, charactersMax = PROBLEM_CHARACTERS_MAX): string {
  if (text.length <= charactersMax) return text;
  const half = Math.floor((charactersMax - 5) / 2);
  return `${text.slice(0, half)} ... ${text.slice(-half)}`;
}

/** A written text, quoted for a sentence. */
export function quoted(text: string): string {
  return `"${shortened(text, QUOTED_CHARACTERS_MAX)}"`;
}

/**
 * Reads a file's text; throws InputFileError for one that is larger than `octetsMax` or no file, and else as node:fs
 * does.
 */
export type FileReader = (path: string, octetsMax: number) => string;

/** A file's text, or undefined with the problem noted. */
export function readText(
  path: string,
  where: string,
  octetsMax: number,
  read: FileReader,
  problems: Problems,
): string | undefined {
  try {
    return read(path, octetsMax);
  } catch (error) {
    problems.add(where, readProblem(path, error));
    return undefined;
  }
}
