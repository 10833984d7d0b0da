/** The sub-commands, each from a module of its own that is loaded when it is called. */
import type { Command } from 'commander';

interface CommandEntry {
  readonly summary: string;
  /** The command for these arguments: of its own sub-commands only the one that they name has to be whole. */
  readonly load: (argv: readonly string[]) => Promise<Command>;
}

/** By name, in the order of help. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
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
  capture: {
    summary: 'packets of a running gateway as pcapng, with reasons for those that did not get through',
    load: async () => (await import('./admin-capture.js')).captureCommand(),
  },
  top: {
    summary: 'tunnels of a running gateway by what they carry, on the terminal',
    load: async () => (await import('./admin-top.js')).topCommand(),
  },
  rotate: {
    summary: "rotate a running gateway's master key",
    load: async () => (await import('./admin-rotate.js')).rotateCommand(),
  },
  drain: {
    summary: 'have a running gateway make no new tunnels, and stop when it is idle',
    load: async () => (await import('./admin-drain.js')).drainCommand(),
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
    summary:
      'draw the pipe program that gateway flags would build; --live: of a running gateway, with counters',
    load: async (argv) =>
      argv.includes('--live')
        ? (await import('./admin-pipes.js')).livePipesCommand()
        : (await import('./pipes.js')).pipesCommand(),
  },
  'doca-trace': {
    summary: 'what a program on the software DOCA does: calls, pipes, entries and packets, as text or drawn',
    load: async () => (await import('./doca-trace.js')).docaTraceCommand(),
  },
  report: {
    summary: 'what is known of a gateway, in one archive without secrets, for who is to find a fault',
    load: async () => (await import('./report.js')).reportCommand(),
  },
  replay: {
    summary: 'do again what a gateway recorded with --record did: on another device, or by its own code',
    load: async () => (await import('./replay.js')).replayCommand(),
  },
  verify: {
    summary: 'find out what a device does: properties, limits and what only hardware decides, in a report',
    load: async () => (await import('./verify.js')).verifyCommand(),
  },
  examples: {
    summary: 'the example topologies and library programs: where they are, or a copy of them',
    load: async () => (await import('./examples.js')).examplesCommand(),
  },
  config: {
    summary: 'check and show what flags and files say of a gateway',
    load: async () => (await import('./config.js')).configCommand(),
  },
  completion: {
    summary: 'completion of commands and flags for bash, zsh and fish',
    load: async (argv) => (await import('./completion.js')).completionCommand(argv),
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

/** A command under the name by which users call it. */
export async function loadCommand(name: string, argv: readonly string[]): Promise<Command> {
  return (await COMMANDS[name]!.load(argv)).name(`psp-gateway ${name}`);
}
