/** The gateway's flags for `--help` and for the README, from the one table. */
import { FLAGS, type Flag, JSON_FLAG, QUESTION_FLAGS } from '../gateway/config/flags.js';

function written(flag: Flag): string {
  const value = flag.kind === 'boolean' ? '' : ` ${flag.placeholder ?? flag.choices?.join('|') ?? 'VALUE'}`;
  return `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${flag.name}${value}`;
}

/** Grouped, one flag per entry, wrapped for a terminal. Commander adds what a command answers itself. */
export function flagHelp(): string {
  const flags = [...FLAGS, JSON_FLAG];
  const groups = [...new Set(flags.map((flag) => flag.group))];
  return groups
    .map((group) => {
      const lines = flags
        .filter((flag) => flag.group === group)
        .map((flag) => {
          const aliases = (flag.aliases ?? []).map((alias) => `--${alias}`);
          const also = aliases.length === 0 ? '' : ` (also ${aliases.join(', ')})`;
          const fallback = flag.default === undefined ? '' : ` [${flag.default}]`;
          const head = `  ${written(flag)}`;
          const text = `${flag.meaning}${also}${fallback}`;
          return head.length < 32 ? `${head.padEnd(32)}${text}` : `${head}\n${' '.repeat(32)}${text}`;
        });
      return `${group}:\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

/** The README's table. */
export function flagTable(): string {
  const rows = [JSON_FLAG, ...FLAGS, ...QUESTION_FLAGS].map((flag) => {
    const names = [`--${flag.name}`, ...(flag.aliases ?? []).map((alias) => `--${alias}`)].map(
      (name) => `\`${name}\``,
    );
    const short = flag.short === undefined ? '' : `\`-${flag.short}\``;
    const off = flag.kind === 'boolean' && !QUESTION_FLAGS.includes(flag);
    const fallback = flag.default ?? (off ? 'off' : '');
    return `| ${names.join(', ')} | ${short} | ${flag.meaning.replaceAll('|', '\\|')} | ${fallback} |`;
  });
  return `| flag | short | meaning | default |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}
