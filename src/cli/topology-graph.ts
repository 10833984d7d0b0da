/** `psp-gateway topology graph`: draws a topology. */
import { type Command, Option } from 'commander';
import {
  ALIKE_DRAWN_MAX,
  type GraphOptions,
  topologyDot,
  topologyMermaid,
  topologySvg,
} from '../topology/graph.js';
import type { Topology } from '../topology/model.js';
import { writeText } from './output.js';
import { loadTopology, withTopology } from './topology-file.js';

const FORMATS: Readonly<
  Record<string, (topology: Topology, options: GraphOptions) => string | Promise<string>>
> = {
  mermaid: topologyMermaid,
  dot: topologyDot,
  svg: topologySvg,
};

const HELP = `
Example:
  psp-gateway topology graph examples/two-hosts.yaml --format svg -o two-hosts.svg

Exit status: 0 drawn, 1 the drawing cannot be written, 2 wrong usage or a wrong file.`;

export function addGraph(topology: Command): void {
  topology
    .command('graph')
    .description('draw a topology: nodes, workloads, links and their impairments')
    .argument('<file>', 'topology, YAML')
    .addOption(
      new Option('--format <format>', 'of the drawing').choices(Object.keys(FORMATS)).default('mermaid'),
    )
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option('--all', `draw every gateway, not one box for more than ${ALIKE_DRAWN_MAX} that are alike`)
    .addHelpText('after', HELP)
    .action((file: string, flags: { format: string; output?: string; all?: true }) =>
      withTopology(async () => {
        const text = await FORMATS[flags.format]!(loadTopology(file), flags);
        if (flags.output === undefined) process.stdout.write(text);
        else writeText(flags.output, text);
      }),
    );
}
