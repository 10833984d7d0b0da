#!/usr/bin/env node
/**
 * The command line. Sub-commands are loaded when they are called, so that `--help` is quick; what is no sub-command
 * is `run`.
 */
import type { Command, CommanderError } from 'commander';
import { endAtOnce, watchStandardStreams } from './failure.js';
import { complain, EXIT_USAGE } from './output.js';
import { VERSION } from './version.js';

/** Sub-commands, each from a module of its own. */
const COMMANDS: Readonly<
  Record<string, { summary: string; load: (argv: readonly string[]) => Promise<Command> }>
> = {
  run: {
    summary: 'run a gateway (the default)',
    load: async () => (await import('./run.js')).runCommand(),
  },
  status: {
    summary: 'ask a running gateway how it is, and what is wrong',
    load: async () => (await import('./admin-status.js')).statusCommand(),
  },
  tunnels: {
    summary: 'the tunnels of a running gateway; removes or re-keys some of them',
    load: async () => (await import('./admin-tunnels.js')).tunnelsCommand(),
  },
  peers: {
    summary: 'the peers of a running gateway',
    load: async () => (await import('./admin-peers.js')).peersCommand(),
  },
  events: {
    summary: 'what happens in a running gateway, as it happens',
    load: async () => (await import('./admin-events.js')).eventsCommand(),
  },
  explain: {
    summary: 'what a running gateway would do with a packet, and why',
    load: async () => (await import('./admin-explain.js')).explainCommand(),
  },
  rotate: {
    summary: "rotate a running gateway's master key",
    load: async () => (await import('./admin-rotate.js')).rotateCommand(),
  },
  reload: {
    summary: 'have a running gateway read its files again',
    load: async () => (await import('./admin-reload.js')).reloadCommand(),
  },
  'log-level': {
    summary: 'how much a running gateway logs',
    load: async () => (await import('./admin-log-level.js')).logLevelCommand(),
  },
  demo: {
    summary: 'two gateways, real gRPC, recorded traffic: see it work',
    load: async () => (await import('./demo.js')).demoCommand(),
  },
  topology: {
    summary: 'many gateways from a file, with traffic and faults',
    load: async (argv) => (await import('./topology.js')).topologyCommand(argv),
  },
  pcap: {
    summary: 'encrypt, decrypt and inspect capture files',
    load: async () => (await import('./pcap.js')).pcapCommand(),
  },
  pipes: {
    summary: 'draw the pipe program that gateway flags would build',
    load: async () => (await import('./pipes.js')).pipesCommand(),
  },
  examples: {
    summary: 'the example topologies and library programs: where they are, or a copy of them',
    load: async () => (await import('./examples.js')).examplesCommand(),
  },
  config: {
    summary: 'check and show what flags and files say of a gateway',
    load: async () => (await import('./config.js')).configCommand(),
  },
  'build-native': {
    summary: 'build what is native: TAP interfaces, and --hal=doca',
    load: async () => (await import('./build-native.js')).buildNativeCommand(),
  },
  certs: {
    summary: 'make an authority, certificates of it, and look at certificates',
    load: async () => (await import('./certs.js')).certsCommand(),
  },
  certificates: {
    summary: 'make throw-away certificates for trying gateways by hand (an old name; see certs)',
    load: async () => (await import('./certificates.js')).certificatesCommand(),
  },
};

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

/** A command under the name by which users call it. */
async function load(
  name: string,
  { load: loadCommand }: (typeof COMMANDS)[string],
  argv: readonly string[],
): Promise<Command> {
  return (await loadCommand(argv)).name(`psp-gateway ${name}`);
}

async function main(argv: readonly string[]): Promise<void> {
  const [first, ...rest] = argv;
  if (first === undefined || first === '-h' || first === '--help' || first === 'help') {
    const wanted = first === 'help' ? COMMANDS[rest[0] ?? ''] : undefined;
    if (wanted === undefined) process.stdout.write(help());
    else (await load(rest[0]!, wanted, [])).outputHelp();
    return;
  }
  if (first === '-v' || first === '--version') {
    process.stdout.write(`psp-gateway ${VERSION}\n`);
    return;
  }
  const known = COMMANDS[first];
  if (known === undefined && !first.startsWith('-')) {
    complain(`psp-gateway: there is no command "${first}"; see psp-gateway --help`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const command = await (known === undefined ? load('run', COMMANDS.run!, argv) : load(first, known, rest));
  // Thrown, not ended at once: standard output may still have to say that it takes nothing.
  for (const one of [command, ...command.commands]) one.exitOverride();
  // What a command has to say with it stays its own.
  const { outputError } = command.configureOutput();
  command.configureOutput({
    outputError: (text) => outputError?.(text, (lines) => lines.trimEnd().split('\n').forEach(complain)),
  });
  try {
    await command.parseAsync(known === undefined ? [...argv] : rest, { from: 'user' });
  } catch (error) {
    if (!(error instanceof Error && error.name === 'CommanderError')) throw error;
    // Commander ends with 1 on wrong usage; everywhere else here that is 2.
    if ((error as CommanderError).exitCode !== 0) process.exitCode = EXIT_USAGE;
  }
}

watchStandardStreams();
process.on('uncaughtException', endAtOnce);
await main(process.argv.slice(2)).catch(endAtOnce);
