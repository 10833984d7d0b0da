/** `psp-gateway topology`: networks of gateways from a file. One module per sub-command. */
import { Command } from 'commander';
import { addCounters } from './topology-counters.js';
import { addFuzz } from './topology-fuzz.js';
import { addGraph } from './topology-graph.js';
import { addNode } from './topology-node.js';
import { addRun } from './topology-run.js';
import { addValidate } from './topology-validate.js';

export function topologyCommand(): Command {
  const command = new Command('topology').description('networks of gateways, from a file (docs/topology.md)');
  addRun(command);
  addFuzz(command);
  addNode(command);
  addValidate(command);
  addGraph(command);
  addCounters(command);
  return command;
}
