/** What values of flags and arguments are, by the names that they have in help: what a shell may complete them with. */

export interface ValueWords {
  /** Words that are a value, or begin one. */
  readonly choices: readonly string[];
  readonly files: 'files' | 'folders' | 'none';
}

/** Names of values that are paths. */
const PATHS: Readonly<Record<string, ValueWords['files']>> = {
  FILE: 'files',
  PATH: 'files',
  file: 'files',
  path: 'files',
  input: 'files',
  output: 'files',
  scenario: 'files',
  dir: 'folders',
  folder: 'folders',
};

/** Words before what may be left out, or alone: `off` of `PATH|off`, `host` of `host[:IP]`. */
const LITERAL = /^([a-z0-9][a-z0-9.-]*)(?=\[|$)/;

/** @param name as in help, without brackets: of the gateway's flags with literal words, as `PATH|off` */
export function valueWords(name: string): ValueWords {
  const files = name.split('|').find((one) => Object.hasOwn(PATHS, one));
  const isChoice = name.includes('|') && !/^[A-Z]+=/.test(name);
  const choices = isChoice ? name.split('|').flatMap((one) => LITERAL.exec(one)?.[1] ?? []) : [];
  return { choices, files: files === undefined ? 'none' : PATHS[files]! };
}
