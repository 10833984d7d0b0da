/** `psp-gateway peers`: the peers of a running gateway. */
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

interface Flags extends AdminFlags {
  readonly peer?: string;
}

const EXAMPLES = `Under "reach": answers; silent (nothing comes from it); refuses (it answers, but our last exchange failed); not-asked.

  psp-gateway peers
  psp-gateway peers --peer 10.0.0.2
  psp-gateway peers --json | jq '.peers[] | [.summary.name, .failure]'`;

export function peersCommand(): Command {
  const command = withAdminFlags(
    new Command('peers')
      .description('list the peers of a running gateway')
      .option('--peer <name>', 'only this one: its service address, with or without the port'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) =>
    withGateway(command, flags, async (client) => {
      const answer = await client.call('ListPeers', { peer: flags.peer ?? '' });
      const { peerBlocks } = await import('../admin/tables.js');
      printAnswer(flags, answer, () => peerBlocks(answer));
    }),
  );
}
