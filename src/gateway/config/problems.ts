/** Everything that is wrong with flags and files, so that the user sees all of it at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

export class Problems {
  readonly list: string[] = [];

  /** @param where a flag, or file:line:column */
  add(where: string, reason: string): void {
    const problem = `${where}: ${reason}`;
    if (!this.list.includes(problem)) this.list.push(problem);
  }
}

/** A code of jsonc-parser's, such as CommaExpected, in words. */
export function jsonProblem(code: string): string {
  return `is not JSON: ${code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()}`;
}

/** Reads a file's text; throws as node:fs does. */
export type FileReader = (path: string) => string;

/** A file's text, or undefined with the problem noted. */
export function readText(
  path: string,
  where: string,
  read: FileReader,
  problems: Problems,
): string | undefined {
  try {
    return read(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    problems.add(
      where,
      code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${code ?? error}`,
    );
    return undefined;
  }
}
