/** `psp-gateway peers`: the peers of a running gateway. */
import { Argument, Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

interface Flags extends AdminFlags {
  readonly peer?: string;
}

type Action = 'list' | 'disconnect';

const EXAMPLES = `Under "reach": answers; drains (it has told that it makes no new tunnels); silent (nothing comes from it); refuses (it answers, but our last
exchange failed); not-asked.

disconnect ends all connections with the peer and removes the tunnels with it, SPIs and keys of both directions: what it sends under them is
not let in any more. Nothing keeps it away: the next packet of our workload, and the next request of the peer, have tunnels made anew. Who is to stay away is taken out of the
configuration: psp-gateway reload then ends what there was with it.

  psp-gateway peers
  psp-gateway peers --peer 10.0.0.2
  psp-gateway peers disconnect 10.0.0.2
  psp-gateway peers --json | jq '.peers[] | [.summary.name, .failure]'`;

export function peersCommand(): Command {
  const command = withAdminFlags(
    new Command('peers')
      .description('list the peers of a running gateway, or disconnect one')
      .addArgument(
        new Argument('[action]', 'what becomes of them').choices(['list', 'disconnect']).default('list'),
      )
      .argument('[peer]', 'only this one: its service address, with or without the port')
      .option('--peer <name>', 'likewise'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((action: Action, named: string | undefined, flags: Flags) =>
    withGateway(command, flags, async (client) => {
      if (named !== undefined && flags.peer !== undefined)
        throw new RpcError('INVALID_ARGUMENT', 'the peer is said twice: behind the action, and with --peer');
      const peer = named ?? flags.peer ?? '';
      if (action === 'disconnect') await disconnect(client, flags, peer);
      else await list(client, flags, peer);
    }),
  );
}

async function list(client: AdminClient, flags: Flags, peer: string): Promise<void> {
  const answer = await client.call('ListPeers', { peer });
  const { peerBlocks } = await import('../admin/tables.js');
  printAnswer(flags, answer, () => peerBlocks(answer));
}

async function disconnect(client: AdminClient, flags: Flags, peer: string): Promise<void> {
  const answer = await client.call('DisconnectPeer', { peer });
  printAnswer(flags, answer, () => [
    `connections of the peer ended: ${answer.connections}; tunnels removed: ${answer.sessions}`,
  ]);
}
