/** Manual pages, a page for the program and one for each command, made of the commands themselves (scripts/man-pages.mjs). */
import { type CommandOutline, commandNames, commandOutline, type OptionOutline } from './command-outline.js';
import { COMMANDS } from './commands.js';
import { VERSION } from './version.js';

const SECTION = 1;

/** Names of files, and their contents in roff's man macros. */
export async function manPages(): Promise<[name: string, text: string][]> {
  const pages: [string, string][] = [[fileOf('psp-gateway'), overview()]];
  for (const name of commandNames()) {
    const outline = await commandOutline(name);
    pages.push([fileOf(`psp-gateway-${name}`), pageOf(outline, COMMANDS[name]!.summary)]);
  }
  return pages;
}

const fileOf = (name: string) => `${name}.${SECTION}`;

function overview(): string {
  const commands = commandNames().map((name) =>
    item(reference(`psp-gateway-${name}`), COMMANDS[name]!.summary),
  );
  return page('psp-gateway', 'gateway for the PSP security protocol', [
    ...['.SH SYNOPSIS', `${bold('psp-gateway')} [${italic('COMMAND')}] [${italic('FLAGS')}]`],
    ...[
      '.SH DESCRIPTION',
      escaped('A gateway for the PSP security protocol, on BlueField-3 or on a simulator.'),
    ],
    escaped('Without a command it is a gateway that runs, as with the command run.'),
    ...['.SH COMMANDS', ...commands],
    ...[
      '.SH FLAGS',
      item(bold('-h, --help'), 'print the commands'),
      item(bold('-v, --version'), 'print the version'),
    ],
  ]);
}

function pageOf(outline: CommandOutline, summary: string): string {
  const subs = outline.subCommands.flatMap((sub) => [
    `.SS ${escaped(sub.name.split(' ').at(-1)!)}`,
    synopsis(sub),
    '.PP',
    sentence(sub.description),
    ...entries(sub),
    '.PP',
    ...notes(sub.notes),
  ]);
  return page(outline.name.replaceAll(' ', '-'), summary, [
    '.SH SYNOPSIS',
    synopsis(outline),
    '.SH DESCRIPTION',
    sentence(outline.description),
    outline.arguments.length === 0 ? '.SH FLAGS' : '.SH ARGUMENTS AND FLAGS',
    ...entries(outline),
    ...(subs.length === 0 ? [] : ['.SH COMMANDS', ...subs]),
    ...(outline.notes === '' ? [] : ['.SH NOTES', ...notes(outline.notes)]),
    ...['.SH SEE ALSO', reference('psp-gateway')],
  ]);
}

function page(name: string, summary: string, body: readonly string[]): string {
  return `${[
    `.TH ${escaped(name.toUpperCase())} ${SECTION} "" "psp-gateway ${VERSION}" "psp-gateway"`,
    // Lines are short on terminals: words are neither spread over them nor broken.
    ...['.ad l', '.nh'],
    ...['.SH NAME', `${escaped(name)} \\- ${escaped(summary)}`],
    ...body,
  ].join('\n')}\n`;
}

const synopsis = ({ name, usage }: CommandOutline) => `${bold(name)} ${escaped(usage)}`.trimEnd();

/** Arguments, then flags by their groups. */
function entries({ arguments: args, options, takesGatewayFlags }: CommandOutline): string[] {
  const lines = args.map(({ name, meaning }) => item(italic(name), meaning));
  let group: string | undefined;
  for (const option of options) {
    if (option.group !== group) lines.push('.PP', bold(option.group!));
    group = option.group;
    lines.push(item(flagHead(option), flagText(option)));
  }
  if (takesGatewayFlags && group === undefined)
    lines.push('.PP', `The flags of ${reference('psp-gateway-run')} are taken too.`);
  return lines;
}

function flagHead({ names, value }: OptionOutline): string {
  const head = names.map((name) => bold(name)).join(', ');
  return value === undefined ? head : `${head} ${italic(value)}`;
}

function flagText({ value, meaning, words, fallback }: OptionOutline): string {
  const isTold = words.choices.length === 0 || words.choices.join('|') === value;
  const choices = isTold ? '' : `; one of ${words.choices.join(', ')}`;
  return `${meaning}${choices}${fallback === undefined ? '' : ` [${fallback}]`}`;
}

/** A text of help: what is indented stands as it is, the rest is filled. */
function notes(text: string): string[] {
  const paragraphs = text.split(/\n\n+/).filter((paragraph) => paragraph !== '');
  return paragraphs.flatMap((paragraph, i) => [
    ...(i === 0 ? [] : ['.PP']),
    ...blocksOf(paragraph.split('\n')),
  ]);
}

/** Lines of a paragraph, those that are indented between requests that keep them as they are. */
function blocksOf(lines: readonly string[]): string[] {
  const isExample = (line: string | undefined) => line?.startsWith(' ') === true;
  return lines.flatMap((line, i) => [
    ...(isExample(line) && !isExample(lines[i - 1]) ? ['.nf'] : []),
    escaped(line),
    ...(isExample(line) && !isExample(lines[i + 1]) ? ['.fi'] : []),
  ]);
}

/** A description, which has neither a capital letter nor a full stop. */
const sentence = (text: string) => escaped(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
const item = (head: string, text: string) => `.TP\n${head}\n${escaped(text)}`;
const bold = (text: string) => `\\fB${escaped(text)}\\fR`;
const italic = (text: string) => `\\fI${escaped(text)}\\fR`;
const reference = (name: string) => `${bold(name)}(${SECTION})`;

/** Text for roff: no escapes, no requests, and hyphens that can be copied into a shell. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}
