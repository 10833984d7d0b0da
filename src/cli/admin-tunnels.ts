/** `psp-gateway tunnels`: the sessions of a running gateway. */
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

interface Flags extends AdminFlags {
  readonly peer?: string;
  readonly vip?: string;
}

const EXAMPLES = `"last packet in" is when packets of the peer were last seen to have passed authentication; a re-key begins some counters anew.

  psp-gateway tunnels
  psp-gateway tunnels --peer 10.0.0.2 --vip 192.168.1.55
  psp-gateway tunnels --json | jq '.tunnels[] | select(.state != "established")'`;

export function tunnelsCommand(): Command {
  const command = withAdminFlags(
    new Command('tunnels')
      .description('list the tunnels of a running gateway, those that were used last first')
      .option('--peer <name>', 'only those of this peer: its service address, with or without the port')
      .option('--vip <ip>', 'only those with this virtual address, ours or the peer’s'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) =>
    withGateway(command, flags, async (client) => {
      const { peer = '', vip = '' } = flags;
      const answer = await client.call('ListTunnels', { selection: { peer, vip }, most: 0 });
      const { tunnelBlocks } = await import('../admin/tables.js');
      printAnswer(flags, answer, () => tunnelBlocks(answer));
    }),
  );
}
