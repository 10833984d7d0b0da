/** `psp-gateway topology`. */
import { Command } from 'commander';
import { topologyRunCommand } from './topology-run.js';

export function topologyCommand(): Command {
  return new Command('topology').description('many gateways').addCommand(topologyRunCommand());
}
