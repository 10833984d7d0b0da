/** What commands in documents name, checked without running them: sub-commands, flags and their values, scripts, files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommanderError } from 'commander';
import { COMMANDS } from '../../src/cli/commands.js';
import { flagProblemsOf } from '../../src/cli/flag-problems.js';
import { QUESTION_FLAGS } from '../../src/gateway/config/flags.js';
import { ConfigError } from '../../src/gateway/config/problems.js';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import { ROOT } from './root.js';

/** Those whose flags, or all but a few of them, are the gateway's. */
const OF_GATEWAY: readonly (string | undefined)[] = ['run', 'config'];
const SCRIPTS = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;

/** The simple commands of a shell text, as words: comments, assignments and namespaces left out. */
export function commandsIn(text: string): string[][] {
  const lines = text
    .replace(/\\\n/g, ' ')
    .replace(/<<(\w+)\n[\s\S]*?\n\1\n/g, '\n')
    .split('\n');
  return lines
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/&&|\|\|?|;/))
    .map((command) =>
      [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replace(/['"]/g, '')),
    )
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
    .map((words) => (words.slice(0, 3).join(' ') === 'ip netns exec' ? words.slice(4) : words))
    .filter(({ length }) => length > 0);
}

/** What is wrong with a command; empty for programs that are not ours. */
export async function problemsOf(words: readonly string[]): Promise<string[]> {
  const [program, ...args] = words;
  if (program === 'psp-gateway') return await ofOurProgram(args);
  if (program === 'node' && args[0] === 'dist/cli/main.js') return await ofOurProgram(args.slice(1));
  if (program === 'npm') return ofNpm(args);
  if (program === 'npx' && args[0] === 'vitest')
    return args.slice(2).flatMap((path) => (existsSync(join(ROOT, path)) ? [] : [`there is no ${path}`]));
  if (program?.startsWith('packaging/')) return ofScript(program, args);
  return [];
}

/** A script in the checkout. */
function ofScript(path: string, args: readonly string[]): string[] {
  if (!existsSync(join(ROOT, path))) return [`there is no ${path}`];
  const known = readFileSync(join(ROOT, path), 'utf8');
  return args
    .filter((arg) => /^--./.test(arg) && !known.includes(arg))
    .map((arg) => `${path} knows no ${arg}`);
}

/** npm's own, which are no scripts. */
const NPM_COMMANDS = ['install', 'pack'];

function ofNpm([verb, ...rest]: readonly string[]): string[] {
  if (NPM_COMMANDS.includes(verb!)) return [];
  const [script, ...args] = verb === 'run' ? rest : [verb!, ...rest];
  const runs = SCRIPTS[script!];
  if (runs === undefined) return [`package.json has no script ${script}`];
  if (script === 'test:one') return ofTestFiles(args.slice(1));
  const source = /(scripts\/[\w-]+\.mjs|bench\/[\w-]+)(?:\.js)?$/.exec(runs)?.[1] ?? 'package.json';
  const path = source.startsWith('bench/') ? `${source}.ts` : source;
  return ofScript(path, args);
}

/** Parts of paths of test files; from the first option on vitest's. */
function ofTestFiles(args: readonly string[]): string[] {
  const firstOption = args.findIndex((arg) => arg.startsWith('-'));
  const patterns = firstOption < 0 ? args : args.slice(0, firstOption);
  const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .map((path) => join('test', path))
    .filter((path) => path.endsWith('.test.ts'));
  return patterns
    .filter((pattern) => pattern !== 'PATTERN' && !files.some((path) => path.includes(pattern)))
    .map((pattern) => `no test file has ${pattern} in its path`);
}

async function ofOurProgram(args: readonly string[]): Promise<string[]> {
  const [name = ''] = args;
  if (!Object.hasOwn(COMMANDS, name) || OF_GATEWAY.includes(name))
    return ofGateway(name === 'run' ? args.slice(1) : args);
  const command = await COMMANDS[name]!.load(args.slice(1));
  for (const one of [command, ...command.commands]) {
    one.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    if (one.commands.length === 0) one.action(() => {});
  }
  try {
    await command.parseAsync(args.slice(1), { from: 'user' });
  } catch (error) {
    if ((error as CommanderError).code === 'commander.helpDisplayed') return [];
    return [(error as Error).message];
  }
  // Commands note what is wrong with flags, and tell it when they run.
  const problems = flagProblemsOf(command.commands.find((one) => one.name() === args[1]) ?? command);
  // The other flags of pipes are a gateway's.
  return args[0] === 'pipes' ? [...problems, ...ofGateway([...command.args, '--insecure'])] : [...problems];
}

/** By the gateway's own reading of its flags; files that they name are not there. */
function ofGateway(args: readonly string[]): string[] {
  // Answered before any flag is read.
  if (QUESTION_FLAGS.some(({ name }) => args.includes(`--${name}`))) return [];
  try {
    readGatewayOptions(args, () => '');
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}
