/** Defects of what a gateway knows of its sessions and peers: at the device's counters and the calls. */

import { type ControlTransport, RpcError } from '../../../gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../../gateway/rpc/tunnel-messages.js';
import { delegateHal } from '../../../hal/delegate.js';
import { HalError } from '../../../hal/errors.js';
import type { Counter, EntryId, EntryOperation, PipeHal } from '../../../hal/hal.js';
import { ipFamily } from '../../../packet/address.js';
import type { GatewayNode } from '../../nodes/gateway-node.js';
import { type Defects, UNBOUNDED, withLimits } from './defect.js';

const NOTHING: Counter = { packets: 0n, octets: 0n };

const isOfFailures = (pipe: string) => pipe === 'SYNDROME_STATS' || pipe.startsWith('FAILED_SOURCE');

/** `apply` that notes the entries of some pipes. */
function noting(hal: PipeHal, entries: Set<EntryId>, isOne: (pipe: string) => boolean): PipeHal['apply'] {
  return async (operations) => {
    const results = await hal.apply(operations);
    for (const [i, operation] of operations.entries()) {
      const result = results[i]!;
      if (operation.operation === 'add' && isOne(operation.pipe) && 'id' in result) entries.add(result.id);
    }
    return results;
  };
}

/** The transport of each gateway's current incarnation. */
const transports = new WeakMap<GatewayNode, ControlTransport>();

/** A request for a tunnel to each address of each peer. */
function askEverybody(node: GatewayNode): void {
  const { peers, localVirtualIps, limits } = node.plan.options;
  for (const { serviceAddress, virtualIps } of peers) {
    for (const virtDestination of virtualIps) {
      const virtSource = localVirtualIps.find((ip) => ipFamily(ip) === ipFamily(virtDestination));
      if (virtSource === undefined) continue;
      const request = encodeMultiTunnelRequest('3.x', {
        requestId: 1n,
        versionsAccepted: [0],
        tunnels: [{ virtSource, virtDestination, reverse: undefined }],
      });
      transports
        .get(node)!
        .call(serviceAddress, 'RequestMultipleTunnelParams', request, { deadlineMs: limits.rpcDeadlineMs })
        .catch(() => undefined);
    }
  }
}

export const TABLE_DEFECTS: Defects = {
  'blind-after-restart': {
    text: 'a gateway does not see that packets fail to authenticate, and stays black after a restart',
    point: 5,
    foundAs: 'recovered',
    hal: (_node, hal) => {
      const entries = new Set<EntryId>();
      return delegateHal(hal, {
        apply: noting(hal, entries, isOfFailures),
        counters: async (selectors) => {
          const counters = await hal.counters(selectors);
          return counters.map((counter, i) => {
            const selector = selectors[i]!;
            const hidden = 'id' in selector ? entries.has(selector.id) : isOfFailures(selector.pipe);
            return hidden ? NOTHING : counter;
          });
        },
      });
    },
    // Nor is anybody told of the restart.
    transport: (_node, inner) => ({
      ...inner,
      call: (peer, method, request, options) =>
        method === 'Announce'
          ? Promise.reject(new RpcError('UNIMPLEMENTED', 'no such method'))
          : inner.call(peer, method, request, options),
    }),
  },
  'asks-for-rubbish': {
    text: 'packets that fail to authenticate make a gateway ask its peers, for each of their addresses, each time it looks',
    point: 6,
    foundAs: 'restless',
    transport: (node, inner) => {
      transports.set(node, inner);
      return inner;
    },
    hal: (node, hal) => {
      let seen = 0n;
      return delegateHal(hal, {
        counters: async (selectors) => {
          const counters = await hal.counters(selectors);
          const failed = counters.reduce((sum, { packets }, i) => {
            const selector = selectors[i]!;
            return 'pipe' in selector && isOfFailures(selector.pipe) ? sum + packets : sum;
          }, 0n);
          if (failed > seen) {
            seen = failed;
            askEverybody(node);
          }
          return counters;
        },
      });
    },
  },
  'sessions-never-age': {
    text: 'sessions keep their places for ever, and nobody gets one of them',
    point: 7,
    foundAs: 'recovered',
    options: withLimits({ sessionIdleS: UNBOUNDED, sessionReplacementsPerSecond: 0 }),
    hal: (_node, hal) => {
      const ways = new Set<EntryId>();
      const apply = noting(hal, ways, (pipe) => pipe.startsWith('EGR_ACL'));
      const stays = (operation: EntryOperation) => operation.operation === 'remove' && ways.has(operation.id);
      return delegateHal(hal, {
        apply: async (operations) => {
          const results = await apply(operations.filter((operation) => !stays(operation)));
          const rest = results.values();
          return operations.map((operation) =>
            stays(operation) ? { error: new HalError('BAD_STATE', 'it stays') } : rest.next().value!,
          );
        },
      });
    },
  },
};
