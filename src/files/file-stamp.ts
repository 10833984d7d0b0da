/** Whether files have changed since they were last looked at, without reading them. */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Some files at one moment. */
export interface FileStamps {
  /** The same text as long as no file was written, replaced, moved, removed or reached over another link. */
  readonly text: string;
  /** The first of the files that is there and is no regular one, such as a pipe. */
  readonly special: string | undefined;
}

/** Looks at files, through all links that lead to them; what cannot be looked at has its error as stamp. Never rejects. */
export async function stampsOf(paths: readonly string[]): Promise<FileStamps> {
  const all = await Promise.all(paths.map(stampOf));
  return {
    text: JSON.stringify(all.map(({ text }) => text)),
    special: paths.find((_, i) => all[i]!.isSpecial),
  };
}

async function stampOf(path: string): Promise<{ text: string; isSpecial: boolean }> {
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (error) {
    return { text: (error as NodeJS.ErrnoException).code ?? 'unknown', isSpecial: false };
  }
  // The time of the last change of status is nobody's to choose, as that of the last writing is (utimes, cp -p).
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(' '), isSpecial: !stats.isFile() };
}
