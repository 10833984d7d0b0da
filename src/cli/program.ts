/**
 * The command line. Sub-commands are loaded when they are called, so that `--help` is quick; what is no sub-command
 * is `run`.
 */
import type { CommanderError } from 'commander';
import { COMMANDS, loadCommand } from './commands.js';
import { complain, EXIT_USAGE } from './output.js';
import { VERSION } from './version.js';

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return `Usage: psp-gateway [COMMAND] [FLAGS]

A gateway for the PSP security protocol, on BlueField-3 or on a simulator.

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  .join('\n')}

  psp-gateway COMMAND --help   flags of a command, with examples
  psp-gateway --version        the version

Try first: psp-gateway demo
`;
}

/**
 * Does what the arguments say. It prints to the process's standard streams, and sets its exit status.
 * @param argv as after the program's name
 */
export async function runProgram(argv: readonly string[]): Promise<void> {
  const [first, ...rest] = argv;
  if (first === undefined || first === '-h' || first === '--help' || first === 'help') {
    const wanted = first === 'help' ? (rest[0] ?? '') : '';
    if (Object.hasOwn(COMMANDS, wanted)) (await loadCommand(wanted, [])).outputHelp();
    else process.stdout.write(help());
    return;
  }
  if (first === '-v' || first === '--version') {
    process.stdout.write(`psp-gateway ${VERSION}\n`);
    return;
  }
  const isCommand = Object.hasOwn(COMMANDS, first);
  if (!isCommand && !first.startsWith('-')) {
    complain(`psp-gateway: there is no command "${first}"; see psp-gateway --help`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const command = await (isCommand ? loadCommand(first, rest) : loadCommand('run', argv));
  // Thrown, not ended at once: standard output may still have to say that it takes nothing.
  for (const one of [command, ...command.commands]) one.exitOverride();
  // What a command has to say with it stays its own.
  const { outputError } = command.configureOutput();
  command.configureOutput({
    outputError: (text) => outputError?.(text, (lines) => lines.trimEnd().split('\n').forEach(complain)),
  });
  try {
    await command.parseAsync(isCommand ? rest : [...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'CommanderError')) throw error;
    // Commander ends with 1 on wrong usage; everywhere else here that is 2.
    if ((error as CommanderError).exitCode !== 0) process.exitCode = EXIT_USAGE;
  }
}
