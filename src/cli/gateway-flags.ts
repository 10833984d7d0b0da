/** Commands that take the gateway's flags beside flags of their own. */
import type { Command } from 'commander';

const TAKING = new WeakSet<Command>();

/** Lets the command have the gateway's flags among its arguments, for the gateway's own reader. */
export function withGatewayFlags(command: Command): Command {
  TAKING.add(command);
  return command.allowUnknownOption().allowExcessArguments();
}

export function takesGatewayFlags(command: Command): boolean {
  return TAKING.has(command);
}
