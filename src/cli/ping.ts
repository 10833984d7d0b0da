/** `--ping`: pings from the simulated workload and prints as ping(8) does, without waiting for whoever reads it. */

import type { VirtualHost } from '../hal-sim/ports/host.js';
import type { IpAddress } from '../packet/address.js';
import { outputFailed } from './failure.js';
import { LineWriter, writeSomeTo } from './line-writer.js';

const INTERVAL_MS = 1000;
const TIMEOUT_MS = 5000;
const SIZE_OCTETS = 56;

export interface PingPlan {
  readonly ip: IpAddress;
  readonly count: number;
  /** Told of lines that nobody has read, as soon as they are lost. */
  readonly onLost: (lines: number) => void;
}

/** True when every request was answered; an interrupt ends it at once, and it says what came until then. */
export async function ping(
  host: VirtualHost,
  { ip: destination, count, onLost }: PingPlan,
  interrupt: AbortSignal,
): Promise<boolean> {
  const out = new LineWriter({
    write: writeSomeTo(process.stdout),
    lostLine: (lines) => `${lines} lines were not read, and are lost\n`,
    onLost,
    onError: outputFailed,
  });
  const say = (text: string) => out.write(`${text}\n`);
  try {
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
      const [min, max] = [Math.min(...rttMs), Math.max(...rttMs)];
      say(`rtt min/avg/max ${[min, mean, max].map((rtt) => rtt.toFixed(2)).join('/')} ms`);
    }
    return received === count;
  } finally {
    out.close();
  }
}
