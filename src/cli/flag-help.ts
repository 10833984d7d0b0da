/** The gateway's flags for `--help` and for docs/flags.md, from the one table. */
import { FLAGS, type Flag, JSON_FLAG, QUESTION_FLAGS } from '../gateway/config/flags.js';

/** A value as help names it. */
export const valueText = ({ placeholder, choices }: Flag) => placeholder ?? choices?.join('|') ?? 'VALUE';

function written(flag: Flag): string {
  const value = flag.kind === 'boolean' ? '' : ` ${valueText(flag)}`;
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
          const former = (flag.formerNames ?? []).map((name) => `old name --${name}`);
          const others = [...aliases.map((alias) => `also ${alias}`), ...former];
          const also = others.length === 0 ? '' : ` (${others.join(', ')})`;
          const fallback = flag.default === undefined ? '' : ` [${flag.default}]`;
          const head = `  ${written(flag)}`;
          const text = `${flag.meaning}${also}${fallback}`;
          return head.length < 32 ? `${head.padEnd(32)}${text}` : `${head}\n${' '.repeat(32)}${text}`;
        });
      return `${group}:\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

/** The tables of docs/flags.md, one for each group. */
export function flagTables(): string {
  const flags = [...FLAGS, JSON_FLAG, ...QUESTION_FLAGS];
  const groups = [...new Set(flags.map((flag) => flag.group))];
  return groups
    .map((group) => `## ${group}\n\n${flagTable(flags.filter((flag) => flag.group === group))}`)
    .join('\n\n');
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map((flag) => {
    const names = [flag.name, ...(flag.aliases ?? [])].map((name) => `\`--${name}\``).join(', ');
    const short = flag.short === undefined ? '' : `\`-${flag.short}\``;
    const value = flag.kind === 'boolean' ? '' : `\`${inCell(valueText(flag))}\``;
    const former = (flag.formerNames ?? []).map((name) => ` (old name: \`--${name}\`)`).join('');
    const isOff = flag.kind === 'boolean' && !QUESTION_FLAGS.includes(flag);
    const fallback = flag.default ?? (isOff ? 'off' : '');
    return `| ${names} | ${short} | ${value} | ${inCell(flag.meaning)}${former} | ${fallback} |`;
  });
  return `| flag | short | value | meaning | default |\n|---|---|---|---|---|\n${rows.join('\n')}`;
}

const inCell = (text: string) => text.replaceAll('|', '\\|');
