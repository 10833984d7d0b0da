/** `--ping`: pings from the simulated workload and prints as ping(8) does. */

import type { VirtualHost } from '../hal-sim/ports/host.js';
import type { IpAddress } from '../packet/address.js';

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;
const SIZE_OCTETS = 56;

/** True when every request was answered; an interrupt ends it at once, and it says what came until then. */
export async function ping(
  host: VirtualHost,
  destination: IpAddress,
  count: number,
  interrupt: AbortSignal,
): Promise<boolean> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`PING ${destination}: ${SIZE_OCTETS} data octets, through the tunnel`);
  const { sent, received, rttMs } = await host.ping(destination, {
    count,
    intervalMs: INTERVAL_MS,
    timeoutMs: TIMEOUT_MS,
    sizeOctets: SIZE_OCTETS,
    signal: interrupt,
    onReply: (sequence, rtt) => say(`reply from ${destination}: seq=${sequence} time=${rtt.toFixed(2)} ms`),
    onLost: (sequence) => say(`no answer: seq=${sequence}`),
  });
  const loss = Math.round(((sent - received) * 100) / Math.max(1, sent));
  say(`\n${sent} sent, ${received} received, ${loss} % lost`);
  if (received > 0) {
    const mean = rttMs.reduce((sum, rtt) => sum + rtt, 0) / received;
    say(
      `rtt min/avg/max ${Math.min(...rttMs).toFixed(2)}/${mean.toFixed(2)}/${Math.max(...rttMs).toFixed(2)} ms`,
    );
  }
  return received === count;
}
