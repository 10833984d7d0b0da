/** `psp-gateway topology graph`: draws a topology. */
import { type Command, Option } from 'commander';
import { printableLines } from '../base/printable.js';
import { replaceFile } from '../files/replace-file.js';
import {
  ALIKE_DRAWN_MAX,
  type GraphOptions,
  topologyDot,
  topologyMermaid,
  topologySvg,
} from '../topology/graph.js';
import type { Topology } from '../topology/model.js';
import { FlagProblems } from './flag-problems.js';
import { outputProblem } from './replaceable.js';
import { loadBeside, withTopology } from './topology-file.js';

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

Exit status: 0 drawn, 1 the drawing cannot be written, 2 wrong usage, or a file or path that is wrong.`;

export function setUpGraph(command: Command): void {
  command
    .addOption(
      new Option('--format <format>', 'of the drawing').choices(Object.keys(FORMATS)).default('mermaid'),
    )
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option(
      '--all',
      `draw every node: not one box for more than ${ALIKE_DRAWN_MAX} gateways that are alike, nor for a rank`,
    )
    .addHelpText('after', HELP);
  const wrong = new FlagProblems(command);
  command.action((file: string, flags: { format: string; output?: string; all?: true }) =>
    withTopology(async () => {
      const { output } = flags;
      const unfit = output === undefined ? undefined : await outputProblem(output, 'drawing');
      const text = await FORMATS[flags.format]!(loadBeside(wrong, file, [unfit]), flags);
      if (output === undefined) process.stdout.write(printableLines(text));
      else await replaceFile(output, text, { readers: 'public' });
    }),
  );
}
