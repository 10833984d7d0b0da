/** `psp-gateway tunnels`: the sessions of a running gateway. */
import { Argument, Command } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

interface Flags extends AdminFlags {
  readonly peer?: string;
  readonly vip?: string;
  readonly all?: true;
}

type Action = 'list' | 'remove' | 'rekey';

const EXAMPLES = `"last packet in" is when packets of the peer were last seen to have passed authentication; a re-key begins some counters anew.

  psp-gateway tunnels
  psp-gateway tunnels --peer 10.0.0.2 --vip 192.168.1.55
  psp-gateway tunnels rekey --peer 10.0.0.2
  psp-gateway tunnels remove --vip 192.168.1.55    # its next packet makes it anew
  psp-gateway tunnels --json | jq '.tunnels[] | select(.state != "established")'`;

export function tunnelsCommand(): Command {
  const command = withAdminFlags(
    new Command('tunnels')
      .description(
        'list the tunnels of a running gateway, those that were used last first; or remove or re-key some',
      )
      .addArgument(
        new Argument('[action]', 'what becomes of them').choices(['list', 'remove', 'rekey']).default('list'),
      )
      .option('--peer <name>', 'only those of this peer: its service address, with or without the port')
      .option('--vip <ip>', 'only those with this virtual address, ours or that of the peer')
      .option('--all', 'with remove or rekey: all tunnels are meant'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((action: Action, flags: Flags) =>
    withGateway(command, flags, (client) =>
      action === 'list' ? list(client, flags) : change(client, action, flags),
    ),
  );
}

async function list(client: AdminClient, flags: Flags): Promise<void> {
  const { peer = '', vip = '' } = flags;
  const answer = await client.call('ListTunnels', { selection: { peer, vip }, most: 0 });
  const { tunnelBlocks } = await import('../admin/tables.js');
  printAnswer(flags, answer, () => tunnelBlocks(answer));
}

async function change(client: AdminClient, action: Exclude<Action, 'list'>, flags: Flags): Promise<void> {
  const { peer = '', vip = '', all = false } = flags;
  const method = action === 'remove' ? 'RemoveTunnels' : 'RekeyTunnels';
  const answer = await client.call(method, { selection: { peer, vip }, all });
  const words =
    action === 'remove'
      ? 'removed'
      : answer.done
        ? 're-keyed'
        : 'being re-keyed: not all peers have answered yet';
  printAnswer(flags, answer, () => [`${answer.tunnels} tunnels ${words}`]);
}
