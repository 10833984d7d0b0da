/** `psp-gateway pipes --live`: the pipes of a running gateway with their counters, and rates. */
import { Command, Option } from 'commander';
import type { PipesResponse } from '../admin/admin-api.js';
import type { CountedRow } from '../admin/rates.js';
import type { ProgramCounters } from '../draw/render.js';
import type { Counter } from '../hal/hal.js';
import { withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { type LiveFlags, live, withLiveFlags } from './live.js';

interface Flags extends LiveFlags {
  readonly format: string;
}

const FORMATS = ['table', 'mermaid', 'dot'];

const EXAMPLES = `Under each pipe stand the entries that it always has. What the device does not count is "-". Over --hal=doca counters may be a second old.

  psp-gateway pipes --live
  psp-gateway pipes --live --once --format dot | dot -Tsvg > pipes.svg
  psp-gateway pipes --live --json | jq -c '.pipes[] | select(.name == "SYNDROME_STATS") | .hitRate'`;

export function livePipesCommand(): Command {
  const command = withAdminFlags(
    withLiveFlags(
      new Command('pipes')
        .description("show a running gateway's pipes with their counters and rates, until Ctrl-C")
        .option('--live', 'of a running gateway, in place of the one that flags would build')
        .addOption(new Option('--format <format>', 'what is shown').choices(FORMATS).default('table')),
    ),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) =>
    withGateway(command, flags, async (client) => {
      const draw = flags.format === 'table' ? undefined : await drawing(flags.format);
      const { countedPipes, pipesBlocks } = await import('../admin/rates.js');
      await live<PipesResponse>(flags, {
        look: () => client.call('Pipes', { withProgram: draw !== undefined && flags.json !== true }),
        view: (now, before, passedMs) => {
          const pipes = countedPipes(now, before, passedMs);
          return {
            object: { pipes: pipes.map(plain) },
            blocks: () => (draw === undefined ? pipesBlocks(pipes) : [draw(now)]),
          };
        },
      });
    }),
  );
}

async function drawing(format: string): Promise<(now: PipesResponse) => string> {
  const { renderDot, renderMermaid } = await import('../draw/render.js');
  const { programOf } = await import('../admin/program-text.js');
  const render = format === 'dot' ? renderDot : renderMermaid;
  return (now) => render(programOf(now.program), countersOf(now)).trimEnd();
}

/** Under the names that drawings have for counters. */
function countersOf({ pipes }: PipesResponse): ProgramCounters {
  const counters = new Map<string, Counter>();
  for (const { pipe, hits, misses, entries } of pipes) {
    if (hits !== undefined) counters.set(`${pipe}/total`, hits);
    if (misses !== undefined) counters.set(`${pipe}/miss`, misses);
    for (const entry of entries)
      if (entry.hits !== undefined) counters.set(`${pipe}/${entry.label}`, entry.hits);
  }
  return counters;
}

/** With null for what is not known, which jsonText has only where there is a key. */
function plain({ name, hits, misses, hitRate, missRate, entries }: CountedRow): object {
  return { name, hits, misses, hitRate, missRate, entries: entries.map(plain) };
}
