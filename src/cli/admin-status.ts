/** `psp-gateway status`: a running gateway on one screen. */
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';

const EXAMPLES = `What is wrong stands at the end, after "!", with what to do about it:

  psp-gateway status
  psp-gateway status --json | jq '.problems[] | [.cause, .about]'
  psp-gateway status --socket /run/psp-gateway/10.0.0.1-3000.sock`;

export function statusCommand(): Command {
  const command = withAdminFlags(
    new Command('status').description('ask a running gateway how it is, and what is wrong'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: AdminFlags) =>
    withGateway(command, flags, async (client) => {
      const answer = await client.call('Status', { unchecked: false });
      const { statusBlocks } = await import('../admin/tables.js');
      printAnswer(flags, answer, () => statusBlocks(answer));
    }),
  );
}
