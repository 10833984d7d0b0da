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
    this.list.push(`${where}: ${reason}`);
  }
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
