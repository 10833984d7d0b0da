/** `psp-gateway config`: what flags and files say of a gateway, before it is started with them. */

import { Command } from 'commander';
import { printable, printableLines } from '../base/printable.js';
import { ConfigError } from '../gateway/config/problems.js';
import { failAtFile } from './failure.js';
import { withGatewayFlags } from './gateway-flags.js';
import { complain, EXIT_USAGE } from './output.js';
import { readOptions } from './read-options.js';
import { readRunOptions } from './read-run-options.js';

const EXAMPLE = `
  psp-gateway config check gateway.yaml             is the file right, and does this machine have what it names?
  psp-gateway config show --config gateway.yaml     with all defaults, and all peers
  psp-gateway config show -j flags.json > new.yaml  DOCA's flags as a file of ours

Further flags win over those of the file, as when the gateway is started.
Exit status: 0 right; 2 wrong: each problem is a line with its file, line and field.
`;

export function configCommand(): Command {
  const command = new Command('config').description('check and show what flags and files say of a gateway');
  withGatewayFlags(command.command('check'))
    .description('read a file as a gateway would that is started with it, and tell all that is wrong')
    .argument('<file>', 'FILE.yaml as for --config, or the session file in JSON')
    .action((file: string, _flags: unknown, { args }: Command) =>
      check(['--config', file, ...args.slice(1)]),
    );
  withGatewayFlags(command.command('show'))
    .description('print the effective configuration as YAML, which --config FILE.yaml reads')
    .action((_flags: unknown, { args }: Command) => show(args));
  return command.addHelpText('after', EXAMPLE);
}

async function check(argv: readonly string[]): Promise<void> {
  try {
    await readRunOptions(argv);
    process.stdout.write(`${printable(argv[1] ?? '')}: right\n`);
  } catch (error) {
    fail(error);
  }
}

async function show(argv: readonly string[]): Promise<void> {
  try {
    const read = await readOptions(argv);
    const { configText } = await import('../gateway/config/config-text.js');
    const text = configText(read);
    // A file that is made of it has what was read, whatever it is.
    process.stdout.write(process.stdout.isTTY === true ? printableLines(text) : text);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  if (!(error instanceof ConfigError)) {
    failAtFile(error);
    return;
  }
  for (const problem of error.problems) complain(problem);
  process.exitCode = EXIT_USAGE;
}
