/** `psp-gateway top`: tunnels of a running gateway by what they carry, again and again. */
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import type { TopLook, TopOrder } from '../admin/top-table.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { type LiveFlags, live, withLiveFlags } from './live.js';

interface Flags extends LiveFlags {
  readonly sort: TopOrder;
  readonly rows?: number;
}

/** Tunnels that are looked at: those that were used last. */
const TUNNELS_MAX = 1000;
/** Lines where there is no terminal. */
const ROWS_DEFAULT = 24;

/** The order that a key stands for. */
const KEYS: Readonly<Record<string, TopOrder>> = {
  r: 'rate',
  i: 'in',
  o: 'out',
  p: 'packets',
  a: 'age',
  e: 'peer',
  t: 'tunnel',
};

const EXAMPLES = `Keys: r rate, i in, o out, p packets, a age, e peer, t tunnel: what comes first, and has a * in its title; q ends it. Rates are octets of whole frames per
second since the look before; those of the first line are of all tunnels, in octets as the PSP specification counts them. Looked at are the ${TUNNELS_MAX} tunnels that were used last.

  psp-gateway top
  psp-gateway top --sort in --interval 5
  psp-gateway top --once --json | jq '.tunnels[0]'`;

export function topCommand(): Command {
  const command = withAdminFlags(
    withLiveFlags(
      new Command('top')
        .description("show a running gateway's tunnels by what they carry, until Ctrl-C")
        .addOption(
          new Option('--sort <column>', 'what comes first').choices(Object.values(KEYS)).default('rate'),
        )
        .addOption(
          new Option('--rows <n>', 'lines at the most; default: those of the terminal, or 24').argParser(
            rowsOf,
          ),
        ),
    ),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) => withGateway(command, flags, (client) => top(client, flags)));
}

function rowsOf(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('expected a number of lines from 1 to 9999');
}

async function top(client: AdminClient, flags: Flags): Promise<void> {
  const { topBlocks, topOf } = await import('../admin/top-table.js');
  let order = flags.sort;
  await live<TopLook>(flags, {
    look: async () => {
      const [status, tunnels, pipes] = await Promise.all([
        client.call('Status', { unchecked: true }),
        client.call('ListTunnels', { selection: undefined, most: TUNNELS_MAX }),
        client.call('Pipes', { withProgram: false }).catch(whenNotCounted),
      ]);
      return { status, tunnels, pipes };
    },
    view: (now, before, passedMs) => ({
      object: objectOf(now, topOf(now, before, passedMs, order)),
      blocks: (lines) =>
        topBlocks(topOf(now, before, passedMs, order), now, order, flags.rows ?? lines ?? ROWS_DEFAULT),
    }),
    onKey: (key) => {
      const chosen = KEYS[key];
      if (chosen === undefined) return false;
      order = chosen;
      return true;
    },
  });
}

/** A gateway that is starting has counted nothing yet. */
function whenNotCounted(error: unknown): undefined {
  if (!(error instanceof RpcError && error.code === 'UNAVAILABLE')) throw error;
}

function objectOf(
  { status, tunnels }: TopLook,
  top: ReturnType<typeof import('../admin/top-table.js').topOf>,
): object {
  return {
    in: top.in,
    out: top.out,
    sessions: status.sessions,
    problems: status.problems,
    tunnels: top.rows.map(({ tunnel, in: received, out }) => ({ ...tunnel, inRate: received, outRate: out })),
    leftOut: tunnels.leftOut,
  };
}
