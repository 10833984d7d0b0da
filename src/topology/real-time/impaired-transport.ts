/** A real transport with the OOB network's delays, losses and partitions in front of it. */
import { type ControlTransport, RpcError } from '../../gateway/transport.js';
import { type Clock, sleep } from '../../hal/clock.js';
import type { GatewayPlan } from '../model.js';
import type { Oob } from '../oob.js';

export function impairedTransport(
  transport: ControlTransport,
  plan: GatewayPlan,
  oob: Oob,
  clock: Clock,
): ControlTransport {
  oob.register(plan);
  return {
    listen: (address, handler) => transport.listen(address, handler),
    close: () => transport.close(),
    async call(peer, method, request, options) {
      const { deadlineMs, signal } = options;
      const startMs = clock.nowMs();
      const { delayMs, lost } = oob.fate(plan.serviceAddress, peer);
      const noAnswer = async (): Promise<never> => {
        await sleep(clock, startMs + deadlineMs - clock.nowMs(), signal).catch(() => {
          throw new RpcError('CANCELLED', 'the call was cancelled');
        });
        throw new RpcError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`);
      };
      if (lost === 'request') return noAnswer();
      if (delayMs > 0) await sleep(clock, delayMs);
      const answer = await transport.call(peer, method, request, options);
      if (lost === 'response') return noAnswer();
      if (delayMs > 0) await sleep(clock, delayMs);
      return answer;
    },
  };
}
