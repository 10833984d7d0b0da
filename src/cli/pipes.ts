/** `psp-gateway pipes`: draws the program that gateway flags would build. */
import { Command } from 'commander';
import { readTextFile } from '../files/read-file.js';
import { replaceFile } from '../files/replace-file.js';
import { ConfigError } from '../gateway/config/problems.js';
import { readGatewayOptions } from '../gateway/config/read-options.js';
import { buildPipeline, type PipelineOptions } from '../gateway/pipeline.js';
import type { PipeProgram } from '../hal/program.js';
import { renderDot, renderJson, renderMermaid } from '../hal/render.js';
import { renderSvg } from '../hal/render-svg.js';
import { macToOctets } from '../packet/address.js';
import { failAtFile } from './failure.js';
import { flagHelp } from './flag-help.js';
import { EXIT_USAGE } from './output.js';

const FORMATS: Readonly<Record<string, (program: PipeProgram) => string | Promise<string>>> = {
  mermaid: renderMermaid,
  dot: renderDot,
  svg: renderSvg,
  json: renderJson,
};
/** What a device would say; a drawing needs none. */
const UNDERLAY_MTU_OCTETS = 1500;
const UNKNOWN_MACS = new Uint8Array(12);

export function pipesCommand(): Command {
  return new Command('pipes')
    .description('draw the pipe program that gateway flags would build')
    .option('--format <format>', `one of ${Object.keys(FORMATS).join(', ')}`, 'mermaid')
    .option('-O, --output <file>', 'write to a file instead of standard output')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', () => `\nGateway flags:\n${flagHelp()}`)
    .action(async (flags: { format: string; output?: string }, command: Command) => {
      const render = FORMATS[flags.format];
      if (render === undefined) {
        console.error(`--format: "${flags.format}" is not one of ${Object.keys(FORMATS).join(', ')}`);
        process.exitCode = EXIT_USAGE;
        return;
      }
      try {
        // A drawing opens no connection, so it needs no certificates.
        const argv = command.args.includes('--tls-ca') ? command.args : [...command.args, '--insecure'];
        const { options } = readGatewayOptions(argv, readTextFile);
        const macs = UNKNOWN_MACS.slice();
        if (options.decapDmac !== undefined) macs.set(macToOctets(options.decapDmac));
        const pipeline: PipelineOptions = {
          ...options,
          underlayMtuOctets: UNDERLAY_MTU_OCTETS,
          decapMacs: macs,
        };
        const text = await render(buildPipeline(pipeline));
        if (flags.output === undefined) process.stdout.write(text);
        else await replaceFile(flags.output, text, { readers: 'public' });
      } catch (error) {
        if (!(error instanceof ConfigError)) return failAtFile(error);
        for (const problem of error.problems) console.error(problem);
        process.exitCode = EXIT_USAGE;
      }
    });
}
