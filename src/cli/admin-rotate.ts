/** `psp-gateway rotate`: a new master key for a running gateway, and new keys for all its tunnels. */
import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED, progressLine } from './output.js';

interface Flags extends AdminFlags {
  readonly wait: boolean;
}

const LOOK_MS = 500;

const EXAMPLES = `A rotation waits until every tunnel has a key that survives it, so that no packet is lost; --rotation-deadline of the gateway bounds that.

  psp-gateway rotate
  psp-gateway rotate --no-wait`;

export function rotateCommand(): Command {
  const command = withAdminFlags(
    new Command('rotate')
      .description("rotate a running gateway's master key, and re-key its tunnels")
      .option('--no-wait', 'end when it has begun'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) =>
    withGateway(command, flags, async (client) => {
      const { rotations: before } = await client.call('Rotate', {});
      if (!flags.wait) {
        printAnswer(flags, { rotations: before, done: false }, () => ['begun']);
        return;
      }
      const progress = progressLine(process.stderr);
      for (;;) {
        const { rotations, problems } = await client.call('Status', { unchecked: true });
        if (rotations > before) {
          progress.clear();
          printAnswer(flags, { rotations, done: true }, () => [
            `rotated; ${rotations} rotations since the start`,
          ]);
          return;
        }
        const failed = problems.find(({ cause }) => cause === 'rotation-fails');
        if (failed !== undefined) {
          progress.clear();
          complain(`psp-gateway: ${failed.text}`);
          process.exitCode = EXIT_FAILED;
          return;
        }
        const waiting = problems.filter(({ cause }) => cause === 'rotation-waits');
        progress.update(waiting[0]?.text ?? 'waiting for the grace of old keys to end');
        await wait(LOOK_MS);
      }
    }),
  );
}
