/** Completion and manual pages, against what the commands themselves say in their help. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import {
  type CommandOutline,
  commandNames,
  commandOutline,
  gatewayOptions,
} from '../../../src/cli/command-outline.js';
import { valueWords } from '../../../src/cli/command-values.js';
import { COMMANDS, loadCommand } from '../../../src/cli/commands.js';
import { complete } from '../../../src/cli/completion-candidates.js';
import { manPages } from '../../../src/cli/man-pages.js';
import { FLAGS, JSON_FLAG } from '../../../src/gateway/config/flags.js';
import { ROOT } from '../../support/root.js';

/** Flags at the begin of an entry; what stands further right is text that is wrapped. */
const LONG_FLAGS = /^ {2}(?:-\w, )?(--[a-z][a-z-]*)/gm;
const GATEWAY_FLAGS = [...FLAGS, JSON_FLAG].flatMap(({ name, aliases = [] }) =>
  [name, ...aliases].map((one) => `--${one}`),
);

interface Told {
  /** Words by which it is called. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
  readonly subCommands: readonly string[];
}

/** Each command and sub-command, by commander's own help. */
async function told(): Promise<Told[]> {
  const all: Told[] = [];
  for (const name of Object.keys(COMMANDS)) {
    const command = await loadCommand(name, []);
    const subCommands = command.commands.map((one) => one.name());
    all.push({ words: [name], flags: flagsOf(command), subCommands });
    for (const sub of subCommands) {
      const whole = (await loadCommand(name, [sub])).commands.find((one) => one.name() === sub)!;
      all.push({ words: [name, sub], flags: flagsOf(whole), subCommands: [] });
    }
  }
  return all;
}

const flagsOf = (command: Command) =>
  [...command.helpInformation().matchAll(LONG_FLAGS)].map(([, flag]) => flag!);

const words = async (...line: string[]) => (await complete(line)).candidates.map(({ word }) => word);

describe('completion', () => {
  test('has every command, and every flag that a command’s help has', async () => {
    expect(await words('')).toEqual([...Object.keys(COMMANDS), 'help']);
    const commands = await told();
    expect(commands.length).toBeGreaterThan(25);
    for (const one of commands) {
      const label = one.words.join(' ');
      expect(await words(...one.words, '-'), label).toEqual(expect.arrayContaining([...one.flags]));
      if (one.subCommands.length > 0) expect(await words(...one.words, ''), label).toEqual(one.subCommands);
    }
    for (const line of [['-'], ['run', '-'], ['pipes', '-'], ['config', 'check', '-']])
      expect(await words(...line)).toEqual(expect.arrayContaining(GATEWAY_FLAGS));
  });

  test('knows values, files and folders, wherever the value stands', async () => {
    expect(await complete(['--hal', ''])).toMatchObject({
      files: 'none',
      prefix: '',
      candidates: [{ word: 'sim' }, { word: 'doca' }],
    });
    expect(await complete(['run', '--hal=d'])).toMatchObject({ prefix: '--hal=', files: 'none' });
    expect(await words('run', '--hal=d')).toEqual(['sim', 'doca']);
    expect(await words('--perf-print', '')).toEqual(['key-gen', 'insertion', 'all']);
    expect(await complete(['--admin', ''])).toMatchObject({ files: 'files', candidates: [{ word: 'off' }] });
    expect(await complete(['--tls-ca='])).toMatchObject({ files: 'files', prefix: '--tls-ca=' });
    expect(await complete(['explain', 'a', 'b', '--proto', ''])).toMatchObject({ files: 'none' });
    expect(await words('explain', 'a', 'b', '--proto', '')).toEqual(['icmp', 'udp', 'tcp']);
    expect((await complete(['certs', 'init', ''])).files).toBe('folders');
    // A value is no argument, and an argument that is there is not asked for again.
    expect((await complete(['certs', 'init', '--name', 'x', ''])).files).toBe('folders');
    expect((await complete(['certs', 'init', '--name=x', ''])).files).toBe('folders');
    expect((await complete(['certs', 'init', 'pki', ''])).files).toBe('none');
    expect((await complete(['certs', 'show', 'a.pem', 'b.pem', ''])).files).toBe('files');
    expect(await words('tunnels', '--peer', 'p', '')).toEqual(['list', 'remove', 'rekey']);
    expect(await words('tunnels', 'remove', '')).toEqual([]);
    expect(await words('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    // Its value may be left out, and is then no word of its own.
    expect(await words('--static-tunnels', '--hal', '')).toEqual(['sim', 'doca']);
  });

  test('says nothing where nothing is known', async () => {
    for (const line of [['no-such', ''], ['certs', 'no-such', '-'], ['help', 'run', ''], ['--no-such=']])
      expect(await complete(line)).toMatchObject({ files: 'none', candidates: [] });
    expect(await complete(['--', '-'])).toMatchObject({ candidates: [] });
    expect(await words('help', '')).toEqual(Object.keys(COMMANDS));
    // Names of what every object has are no commands.
    expect(await words('constructor', '-')).toEqual([]);
  });

  test('has been told of every name of a value whether it is a path', async () => {
    /** Those that are none. */
    const others =
      /^(?:address|addresses|ip|level|ms|n|s|name|peer|name=host|number|octets|dst|src|host|shell|text|way|part|range|mask|representor|interface)$/;
    const ofGateway = /^(?:N|MS|IP|MAC|MASK|LIST|NETDEV|OCTETS|SECONDS|VALUE)$|[|[:]/;
    const isKnown = (name: string) => valueWords(name).files !== 'none' || others.test(name);
    for (const { name, outlines } of await allOutlines()) {
      for (const outline of outlines) {
        const values = outline.options.filter(({ group }) => group === undefined);
        for (const { value, words: known } of values)
          expect(value === undefined || known.choices.length > 0 || isKnown(value), `${name}: ${value}`).toBe(
            true,
          );
        for (const { name: argument, words: known } of outline.arguments)
          expect(known.choices.length > 0 || isKnown(argument), `${name}: ${argument}`).toBe(true);
      }
    }
    for (const { value, words: known } of gatewayOptions())
      if (value !== undefined && known.choices.length === 0)
        expect(ofGateway.test(value) || valueWords(value).files !== 'none', value).toBe(true);
  });
});

async function allOutlines(): Promise<{ name: string; outlines: CommandOutline[] }[]> {
  return Promise.all(
    commandNames().map(async (name) => {
      const outline = await commandOutline(name);
      return { name, outlines: [outline, ...outline.subCommands] };
    }),
  );
}

describe('manual pages', () => {
  /** As it is read. */
  const plain = (roff: string) =>
    roff
      .replace(/\\f[BIR]|\\&/g, '')
      .replaceAll('\\-', '-')
      .replaceAll('\\e', '\\');

  test('are one for the program and one for each command, and the package names them all (npm run docs writes them)', async () => {
    const names = (await manPages()).map(([name]) => name);
    expect(names).toEqual(['psp-gateway.1', ...Object.keys(COMMANDS).map((name) => `psp-gateway-${name}.1`)]);
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { man: string[] };
    expect(manifest.man.toSorted()).toEqual(names.map((name) => `man/${name}`).sort());
  });

  test('have every command, and every flag that its help has, with its meaning', async () => {
    const pages = new Map((await manPages()).map(([name, text]) => [name, plain(text)]));
    const overview = pages.get('psp-gateway.1')!;
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      expect(overview).toContain(`psp-gateway-${name}(1)\n${summary}\n`);
    }
    for (const { words: called, flags } of await told()) {
      const page = pages.get(`psp-gateway-${called[0]}.1`)!;
      const from = called.length === 1 ? 0 : page.indexOf(`\n.SS ${called[1]}\n`);
      expect(from, called.join(' ')).toBeGreaterThanOrEqual(0);
      const end = page.indexOf('\n.SS ', from + 1);
      const section = page.slice(from, end < 0 ? undefined : end);
      for (const flag of flags)
        expect(section, called.join(' ')).toMatch(new RegExp(`(?:^|, )${flag}(?: |,|$)`, 'm'));
    }
    const run = pages.get('psp-gateway-run.1')!;
    for (const { name, meaning } of [...FLAGS, JSON_FLAG]) {
      expect(run).toMatch(new RegExp(`(?:^|, )--${name}(?: |,|$)`, 'm'));
      expect(run).toContain(`\n${meaning}`);
    }
  });

  test('have no line that roff would take for a request but those that are meant', async () => {
    const known = /^\.(?:TH|SH|SS|TP|PP|nf|fi|ad l|nh)\b/;
    for (const [name, text] of await manPages()) {
      for (const line of text.split('\n')) {
        if (/^[.']/.test(line)) expect(line, name).toMatch(known);
        expect(line.replace(/\\(?:f[BIR]|-|&|e)/g, ''), name).not.toContain('\\');
      }
    }
  });
});
