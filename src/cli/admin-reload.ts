/** `psp-gateway reload`: has a running gateway read its files again. */
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED } from './output.js';

const EXAMPLES = `The files that its command line names: peers, limits and the log's level may change. All or nothing: where anything is wrong, or needs a restart,
nothing changes, all reasons are told, and the exit status is 1. SIGHUP does the same; its reasons are in the gateway's log.

  psp-gateway reload`;

export function reloadCommand(): Command {
  const command = withAdminFlags(
    new Command('reload').description('have a running gateway read its files again'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: AdminFlags) =>
    withGateway(command, flags, async (client) => {
      const answer = await client.call('Reload', {});
      const { problems, peersAdded, peersRemoved, peersChanged, sessionsEnded } = answer;
      if (problems.length > 0) process.exitCode = EXIT_FAILED;
      if (problems.length > 0 && flags.json !== true) {
        for (const problem of problems) complain(problem);
        complain('psp-gateway: refused: nothing has changed');
        return;
      }
      printAnswer(flags, answer, () => [
        `peers: ${peersAdded} added, ${peersRemoved} removed, ${peersChanged} changed; sessions ended: ${sessionsEnded}`,
      ]);
    }),
  );
}
