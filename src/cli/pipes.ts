/** `psp-gateway pipes`: draws the program that gateway flags would build. */
import { Command, Option } from 'commander';
import { renderDot, renderJson, renderMermaid } from '../draw/render.js';
import { renderSvg } from '../draw/render-svg.js';
import { replaceFile } from '../files/replace-file.js';
import { ConfigError } from '../gateway/config/problems.js';
import type { GatewayOptions } from '../gateway/options.js';
import { buildPipeline } from '../gateway/pipeline/pipeline.js';
import type { PipelineOptions } from '../gateway/pipeline/pipeline-options.js';
import type { PipeProgram } from '../hal/program.js';
import { macToOctets } from '../packet/address.js';
import { failAtFile } from './failure.js';
import { flagHelp } from './flag-help.js';
import { FlagProblems } from './flag-problems.js';
import { withGatewayFlags } from './gateway-flags.js';
import { complain, EXIT_USAGE } from './output.js';
import { readOptions } from './read-options.js';
import { outputProblem } from './replaceable.js';

const FORMATS: Readonly<Record<string, (program: PipeProgram) => string | Promise<string>>> = {
  mermaid: renderMermaid,
  dot: renderDot,
  svg: renderSvg,
  json: renderJson,
};
/** Values that a device would give; a drawing does not depend on them. */
const UNDERLAY_MTU_OCTETS = 1500;
const UNKNOWN_MACS = new Uint8Array(12);

interface Flags {
  readonly format: string;
  readonly output?: string;
}

export function pipesCommand(): Command {
  const command = withGatewayFlags(new Command('pipes'))
    .description('draw the pipe program that gateway flags would build')
    .addOption(
      new Option('--format <format>', 'of the drawing').choices(Object.keys(FORMATS)).default('mermaid'),
    )
    .option(
      '--live',
      "a running gateway's instead, with counters and rates; see psp-gateway pipes --live --help",
    )
    .option('-O, --output <file>', 'write to a file instead of standard output')
    .addHelpText('after', () => `\nThe gateway's flags, which draw another program:\n\n${flagHelp()}`);
  // Flags that are not its own are the gateway's.
  const wrong = new FlagProblems(command, 'left');
  return command.action((flags: Flags) => draw(flags, command.args, wrong));
}

async function draw(
  { format, output }: Flags,
  gatewayFlags: readonly string[],
  wrong: FlagProblems,
): Promise<void> {
  try {
    const unfit = output === undefined ? undefined : await outputProblem(output, 'drawing');
    const ofOwnFlags = [...wrong.list, ...(unfit === undefined ? [] : [unfit])];
    const options = await gatewayOptions(gatewayFlags, ofOwnFlags);
    const macs = UNKNOWN_MACS.slice();
    if (options.decapDmac !== undefined) macs.set(macToOctets(options.decapDmac));
    const pipeline: PipelineOptions = {
      ...options,
      underlayMtuOctets: UNDERLAY_MTU_OCTETS,
      decapMacs: macs,
    };
    const text = await FORMATS[format]!(buildPipeline(pipeline));
    if (output === undefined) process.stdout.write(text);
    else await replaceFile(output, text, { readers: 'public' });
  } catch (error) {
    if (!(error instanceof ConfigError)) return failAtFile(error);
    for (const problem of error.problems) complain(problem);
    process.exitCode = EXIT_USAGE;
  }
}

/** Throws ConfigError with all that is wrong, that of the command's own flags first. */
async function gatewayOptions(
  flags: readonly string[],
  ofOwnFlags: readonly string[],
): Promise<GatewayOptions> {
  // A drawing opens no connection, so it needs no certificates.
  const argv = flags.includes('--tls-ca') ? flags : [...flags, '--insecure'];
  let options: GatewayOptions | undefined;
  const problems = [...ofOwnFlags];
  try {
    ({ options } = await readOptions(argv));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  if (options === undefined || problems.length > 0) throw new ConfigError(problems);
  return options;
}
