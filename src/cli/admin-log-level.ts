/** `psp-gateway log-level`: how much a running gateway logs, told or changed. */
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_USAGE } from './output.js';

const EXAMPLES = `10 DISABLE, 20 CRITICAL, 30 ERROR, 40 WARNING, 50 INFO, 60 DEBUG, 70 TRACE; until the gateway ends.

  psp-gateway log-level
  psp-gateway log-level 60`;

export function logLevelCommand(): Command {
  const command = withAdminFlags(
    new Command('log-level')
      .description('tell how much a running gateway logs, or change it')
      .argument('[level]', 'as --log-level of the gateway has it'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action(async (text: string | undefined, flags: AdminFlags) => {
    if (text !== undefined && !/^\d{1,9}$/.test(text)) {
      complain(`psp-gateway: "${text}" is no level; say 10, 20, 30, 40, 50, 60 or 70`);
      process.exitCode = EXIT_USAGE;
      return;
    }
    await withGateway(command, flags, async (client) => {
      const answer = await client.call('SetLogLevel', {
        level: text === undefined ? undefined : Number(text),
      });
      printAnswer(flags, answer, () => [String(answer.level)]);
    });
  });
}
