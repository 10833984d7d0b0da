/** Whether a gateway can carry packets: what /readyz answers. */
import type { GatewaySummary } from '../gateway/view.js';

/** Why it cannot, in words; none: it is ready. Peers and their tunnels are no part of it: those come and go. */
export function notReadyReasons(
  { startedAtMs, ports, drain }: GatewaySummary,
  isStopping: boolean,
): string[] {
  return [
    ...(startedAtMs === undefined ? ['the gateway is starting'] : []),
    ...(drain === undefined ? [] : ['the gateway drains: it makes no new tunnels']),
    ...(isStopping ? ['the gateway is stopping'] : []),
    ...ports.flatMap(({ name, state }) =>
      state === 'gone' || state === 'waited-for' ? [`port ${name} is ${state}`] : [],
    ),
  ];
}
