/**
 * What a recording costs: two pairs of whole gateways over simulated devices, of which one is recorded into a file, carry the same packets by
 * turns; and tunnels are set up between gateways that are recorded, both, and between others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.js';
import { systemRandom } from '../src/base/random.js';
import type { Gateway } from '../src/gateway/gateway.js';
import type { GatewayDeps } from '../src/gateway/surroundings.js';
import { startRecording } from '../src/recording/start-recording.js';
import { carryForATurn, median, openPair } from './scraped.js';
import { benchTunnels } from './tunnels.js';

export interface RecordedResult {
  /** Packets from workload to workload per second of this process's time, the median of the turns. */
  readonly plain: number;
  readonly recorded: number;
  /** Tunnels per second of this process's time, set-up of gateways and all; both gateways recorded, and neither. */
  readonly tunnelsPlain: number;
  readonly tunnelsRecorded: number;
}

const TURNS = 8;
const TUNNEL_TURNS = 3;
const SINGLE = 500;
const BATCHED = 20_000;
const RECORD_OCTETS = 64 * 1024 * 1024;

export async function benchRecorded(): Promise<RecordedResult> {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-bench-'));
  let files = 0;
  const open: AsyncDisposable[] = [];
  const recording = async (deps: GatewayDeps): Promise<Gateway> => {
    const path = join(folder, `${++files}.rec`);
    const made = await startRecording(deps, {
      path,
      withPayload: false,
      octetsMax: RECORD_OCTETS,
      program: 'bench',
      clock: systemClock,
      random: systemRandom(),
    });
    open.push(made);
    return made.gateway;
  };
  try {
    const packets = await comparePackets(recording);
    const tunnels = await compareTunnels(recording);
    return { ...packets, ...tunnels };
  } finally {
    for (const one of open) await one[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  }
}

type Make = (deps: GatewayDeps) => Promise<Gateway>;

async function comparePackets(makeSender: Make): Promise<Pick<RecordedResult, 'plain' | 'recorded'>> {
  await using plain = await openPair({ hasMetrics: false });
  await using recorded = await openPair({ hasMetrics: false, makeSender });
  const rates: { plain: number[]; recorded: number[] } = { plain: [], recorded: [] };
  // The first turn of each is for the compiler.
  for (let turn = -1; turn < TURNS; turn++) {
    const [without, withIt] = [await carryForATurn(plain), await carryForATurn(recorded)];
    if (turn < 0) continue;
    rates.plain.push(without);
    rates.recorded.push(withIt);
  }
  return { plain: median(rates.plain), recorded: median(rates.recorded) };
}

async function compareTunnels(make: Make): Promise<Pick<RecordedResult, 'tunnelsPlain' | 'tunnelsRecorded'>> {
  const plain: number[] = [];
  const recorded: number[] = [];
  for (let turn = 0; turn < TUNNEL_TURNS; turn++) {
    plain.push(await tunnelsPerSecond());
    recorded.push(await tunnelsPerSecond(make));
  }
  return { tunnelsPlain: median(plain), tunnelsRecorded: median(recorded) };
}

async function tunnelsPerSecond(make?: Make): Promise<number> {
  const before = process.cpuUsage();
  await benchTunnels(SINGLE, BATCHED, make);
  const { user, system } = process.cpuUsage(before);
  return ((SINGLE + BATCHED) * 1e6) / (user + system);
}
