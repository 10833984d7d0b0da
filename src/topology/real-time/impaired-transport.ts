/** A real transport with the OOB network's delays, losses and partitions in front of it. */

import { type Clock, sleep } from '../../base/clock.js';
import { type ControlTransport, RpcError } from '../../gateway/rpc/transport.js';
import type { GatewayPlan } from '../model.js';
import type { Oob } from '../oob.js';

export function impairedTransport(
  transport: ControlTransport,
  plan: Pick<GatewayPlan, 'name' | 'serviceAddress'>,
  oob: Oob,
  clock: Clock,
): ControlTransport {
  oob.register(plan);
  const closing = new AbortController();
  return {
    listen: (...args) => transport.listen(...args),
    doors: () => transport.doors?.(),
    forget: (peer) => transport.forget(peer),
    close: () => {
      closing.abort();
      return transport.close();
    },
    async call(peer, method, request, options) {
      const { deadlineMs } = options;
      const signal = AbortSignal.any([
        closing.signal,
        ...(options.signal === undefined ? [] : [options.signal]),
      ]);
      const endMs = clock.nowMs() + deadlineMs;
      const { delayMs, lost } = oob.fate(plan.serviceAddress, peer);
      /** Resolves after `waitMs`, unless the deadline or the caller's signal comes before. */
      const wait = async (waitMs: number): Promise<void> => {
        const leftMs = endMs - clock.nowMs();
        await sleep(clock, Math.min(waitMs, leftMs), signal).catch(() => {
          throw new RpcError('CANCELLED', 'the call was cancelled');
        });
        if (waitMs >= leftMs) throw new RpcError('DEADLINE_EXCEEDED', `no answer within ${deadlineMs} ms`);
      };
      if (lost === 'request') await wait(Number.POSITIVE_INFINITY);
      if (delayMs > 0) await wait(delayMs);
      const answer = await transport.call(peer, method, request, {
        ...options,
        deadlineMs: endMs - clock.nowMs(),
      });
      if (lost === 'response') await wait(Number.POSITIVE_INFINITY);
      if (delayMs > 0) await wait(delayMs);
      return answer;
    },
  };
}
