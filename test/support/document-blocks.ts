/**
 * The blocks of our documents: commands, which tests run, and data. What a block is stands in the document, where its readers see it:
 *
 * - the language of its fence: `sh`, `console` (commands and what they print), or one of data;
 * - a first line that begins with one of MARKS: it is not run here, and only its flags and files are checked;
 * - a first line such as `# terminal 1`, `# on 192.0.2.1` or `# on 192.0.2.1, terminal 1`: where it runs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.js';

export const MARKS = ['# On hardware', '# Installs', '# Takes minutes'];
const COMMANDS = ['sh', 'console'];
const DATA = ['text', 'yaml', 'json', 'ini'];
/** Lines of data do not begin so. */
const COMMAND_LINE = /^\s*(?:\$ |(?:[A-Z_]+=\S+ )*(?:psp-gateway|node|npm|npx|ip|tshark|sudo|cmake)\s)/;

export interface Block {
  /** From the project's root. */
  readonly document: string;
  /** The nearest above it. */
  readonly heading: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export function documents(): string[] {
  const folder = (name: string) =>
    readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => join(name, path));
  const atRoot = readdirSync(ROOT).filter((path) => path.endsWith('.md'));
  return [...atRoot, ...folder('docs'), ...folder('examples')];
}

export const readDocument = (document: string) => readFileSync(join(ROOT, document), 'utf8');

/** All blocks, and what is wrong with them. */
export function blocksOf(document: string, markdown: string): { blocks: Block[]; problems: string[] } {
  const blocks: Block[] = [];
  const problems: string[] = [];
  const wrong = (line: number, reason: string) => problems.push(`${document}:${line}: ${reason}`);
  let heading = '';
  let open: { readonly line: number; readonly language: string; readonly lines: string[] } | undefined;
  let isAfterBlank = true;
  let isInList = false;
  for (const [index, text] of markdown.split('\n').entries()) {
    const line = index + 1;
    if (open !== undefined) {
      if (!text.startsWith('```')) open.lines.push(text);
      else {
        blocks.push({ document, heading, ...open, text: `${open.lines.join('\n')}\n` });
        open = undefined;
      }
      continue;
    }
    if (/^\s*(?:```|~~~)/.test(text)) {
      const language = /^```(\w+)$/.exec(text)?.[1];
      if (language === undefined || ![...COMMANDS, ...DATA].includes(language))
        wrong(line, `a block begins with its language: ${[...COMMANDS, ...DATA].join(', ')}`);
      open = { line, language: language ?? '', lines: [] };
    } else if (/^#+ /.test(text)) heading = text.replace(/^#+ /, '');
    else if (/^(?: {4}|\t)/.test(text) && isAfterBlank && !isInList)
      wrong(line, 'a block without a fence: fence it, with its language');
    if (text.trim() !== '' && !/^\s/.test(text)) isInList = /^(?:[-*]|\d+\.) /.test(text);
    isAfterBlank = text.trim() === '';
  }
  if (open !== undefined) wrong(open.line, 'the block does not end');
  for (const { line, language, text } of blocks) {
    if (!DATA.includes(language)) continue;
    const command = text.split('\n').find((one) => COMMAND_LINE.test(one));
    if (command !== undefined) wrong(line, `"${command}" is a command: the block is sh or console`);
  }
  return { blocks, problems };
}

export const isOfCommands = ({ language }: Block) => COMMANDS.includes(language);
export const isMarked = ({ text }: Block) => MARKS.some((mark) => text.startsWith(mark));
export const recipeOf = ({ document, heading }: Block) => `${document}: ${heading}`;

/** Where a block runs: the address of its machine, and whether in a terminal of its own, beside those that follow. */
export function placeOf({ text }: Block): { readonly machine?: string; readonly isBeside: boolean } {
  const [, machine, terminal] = /^# (?:on ([\d.]+))?(?:, )?(terminal \d+)?\n/.exec(text) ?? [];
  return { ...(machine === undefined ? {} : { machine }), isBeside: terminal !== undefined };
}

/** Commands of a `console` block with what they print; of any other the whole, which prints what it likes. */
export function stepsOf({
  language,
  text,
}: Block): { readonly command: string; readonly prints?: string[] }[] {
  if (language !== 'console') return [{ command: text }];
  const steps: { command: string; prints: string[] }[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), prints: [] });
    else steps.at(-1)?.prints.push(line);
  }
  return steps;
}

/** Whether a program printed what a document shows: `...` at a line's end stands for its rest, alone for lines. */
export function isAsShown(printed: string, shown: readonly string[]): boolean {
  const pattern = shown.map((line) => {
    if (line === '...') return '(?:.*\\n)*?';
    const words = line.trim().replace(/\s*\.\.\.$/, '');
    const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+');
    return `[ \\t]*${escaped}${line.endsWith('...') ? '.*' : '[ \\t]*'}\\n`;
  });
  return new RegExp(`^${pattern.join('')}$`).test(`${printed.trimEnd()}\n`);
}
