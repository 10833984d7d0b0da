/** `psp-gateway drain`: a running gateway makes no new tunnels, and stops when nothing passes any more. */
import { setTimeout as wait } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import type { AdminClient } from '../admin/admin-client.js';
import { RpcError } from '../gateway/rpc/transport.js';
import { type AdminFlags, printAnswer, withAdminFlags, withGateway } from './admin-call.js';
import { FlagProblems } from './flag-problems.js';
import { progressLine } from './output.js';

interface Flags extends AdminFlags {
  readonly timeout?: number;
  readonly stop: boolean;
  readonly wait: boolean;
  readonly cancel?: true;
}

const LOOK_MS = 500;
const TIMEOUT_MAX_S = 604_800;

const EXAMPLES = `From then on no new tunnels are made, in either direction. Those that there are go on and are re-keyed. Peers that are gateways of
this program are told, and ask no more; their status and explain say that this gateway drains. Others are refused (FAILED_PRECONDITION).

It is over when no packet of a tunnel has passed for 10 s, or when its time is. Then the gateway stops, with exit status 0; with
--no-stop it stays, drained, until drain --cancel or until it is stopped. The command waits for that; when it is interrupted, the drain
goes on. SIGTERM and SIGINT stop the gateway at once, as always. /readyz says not ready meanwhile. Said again it gets another time.

  psp-gateway drain
  psp-gateway drain --timeout 3600 --no-wait
  psp-gateway drain --no-stop          # before maintenance of the network
  psp-gateway drain --cancel`;

export function drainCommand(): Command {
  const command = withAdminFlags(
    new Command('drain')
      .description('have a running gateway make no new tunnels, and stop when nothing passes any more')
      .option(
        '--timeout <s>',
        'seconds after which it is over although packets pass; default: 300',
        secondsOf,
      )
      .option('--no-stop', 'the gateway does not stop then, and stays drained')
      .option('--no-wait', 'end when it has begun')
      .option('--cancel', 'new tunnels are made again'),
    EXAMPLES,
  );
  new FlagProblems(command);
  return command.action((flags: Flags) =>
    withGateway(command, flags, async (client) => {
      if (flags.cancel === true) {
        const answer = await client.call('CancelDrain', {});
        printAnswer(flags, answer, () => [
          answer.cancelled ? 'cancelled: new tunnels are made again' : 'it does not drain: nothing to cancel',
        ]);
        return;
      }
      const timeoutMs = BigInt(1000 * (flags.timeout ?? 0));
      const { drain } = await client.call('Drain', { timeoutMs, noStop: !flags.stop });
      if (!flags.wait) {
        printAnswer(flags, { drain, done: false }, () => ['begun']);
        return;
      }
      const end = await whenOver(client);
      printAnswer(flags, { done: end !== 'cancelled', end }, () => [ENDS[end]]);
      if (end === 'cancelled') process.exitCode = 1;
    }),
  );
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= TIMEOUT_MAX_S) return seconds;
  throw new InvalidArgumentError(`a number of seconds from 1 to ${TIMEOUT_MAX_S}`);
}

const ENDS = {
  stopped: 'drained; the gateway stops',
  drained: 'drained; the gateway stays drained until psp-gateway drain --cancel',
  cancelled: 'somebody has cancelled it',
} as const;

/** Where the gateway does not answer any more it has stopped. */
async function whenOver(client: AdminClient): Promise<keyof typeof ENDS> {
  const { drainText } = await import('../admin/tables.js');
  const progress = progressLine(process.stderr);
  try {
    for (;;) {
      const { drain } = await client.call('Status', { unchecked: true });
      if (drain === undefined) return 'cancelled';
      if (drain.endsInMs === undefined) return drain.stops ? 'stopped' : 'drained';
      progress.update(drainText(drain));
      await wait(LOOK_MS);
    }
  } catch (error) {
    if (error instanceof RpcError && ['UNAVAILABLE', 'CANCELLED'].includes(error.code)) return 'stopped';
    if (error instanceof Error && error.name === 'NoGatewayError') return 'stopped';
    throw error;
  } finally {
    progress.clear();
  }
}
