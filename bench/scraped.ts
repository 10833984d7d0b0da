/**
 * What metrics cost the data path: two pairs of whole gateways over simulated devices in this process, one of which serves its metrics and
 * is scraped once a second by a process of its own. They carry the same packets by turns, so that whatever else the machine does
 * meets both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as afterEvents } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.js';
import { systemRandom } from '../src/base/random.js';
import { readGatewayOptions } from '../src/gateway/config/read-options.js';
import { Gateway } from '../src/gateway/gateway.js';
import { MemoryNetwork } from '../src/gateway/rpc/memory-transport.js';
import type { ServiceAddress } from '../src/gateway/rpc/transport.js';
import type { GatewayDeps } from '../src/gateway/surroundings.js';
import { openSimHal } from '../src/hal-sim/device.js';
import { GatewayMetrics } from '../src/metrics/gateway-metrics.js';
import type { ProgramSample } from '../src/metrics/metric.js';
import { parseIp } from '../src/packet/address.js';
import { address, BURST_PACKETS, BurstPort, innerFrames, LOCAL_VIP, remoteVip } from './datapath.js';

export interface ScrapedResult {
  readonly octets: number;
  readonly sessions: number;
  readonly scrapes: number;
  /** Packets from workload to workload per second of this process's time, the median of the turns. */
  readonly plain: number;
  readonly scraped: number;
  /** The same of the odd turns without metrics, divided by that of the even ones: what turns differ by anyway. */
  readonly noise: number;
}

const OCTETS = 1400;
const SESSIONS = 1000;
const MTU_OCTETS = 1500;
/** Three scrapes, where there are any. */
const TURN_MS = 3000;
const TURNS = 8;
const SCRAPE_INTERVAL_MS = 1000;
const BURSTS_BETWEEN_EVENTS = 4;

/** Scrapes at once and each second from one message to the next, and says then how many were answered. */
const SCRAPER = `
let timer, underWay = Promise.resolve(), answered = 0;
const scrape = () => {
  underWay = fetch(process.argv[1])
    .then((answer) => answer.text())
    .then((text) => (answered += text.includes('psp_gateway_') ? 1 : 0));
};
process.on('message', async (goesOn) => {
  clearInterval(timer);
  if (goesOn) timer = setInterval(scrape, ${SCRAPE_INTERVAL_MS}, scrape());
  else process.send(await underWay.then(() => answered));
});
`;

export interface Pair extends AsyncDisposable {
  /** Where the first gateway serves its metrics; undefined: it has none. */
  readonly metricsAt: ServiceAddress | undefined;
  /** Carries packets from the workload of the one gateway to that of the other. */
  carry(burst: readonly Uint8Array[]): void;
}

export async function benchScraped(): Promise<ScrapedResult> {
  await using plain = await openPair({ hasMetrics: false });
  await using scraped = await openPair({ hasMetrics: true });
  const rates: { plain: number[]; scraped: number[] } = { plain: [], scraped: [] };
  const scraper = startScraper(scraped.metricsAt!);
  let scrapes = 0;
  try {
    // The first turn of each is for the compiler.
    for (let turn = -1; turn < TURNS; turn++) {
      const without = await carryForATurn(plain);
      scraper.send(true);
      const withScrapes = await carryForATurn(scraped);
      scraper.send(false);
      [scrapes] = (await once(scraper, 'message')) as [number];
      if (turn < 0) continue;
      rates.plain.push(without);
      rates.scraped.push(withScrapes);
    }
  } finally {
    scraper.kill();
  }
  const every = (parity: number) => median(rates.plain.filter((_, turn) => turn % 2 === parity));
  return {
    octets: OCTETS,
    sessions: SESSIONS,
    scrapes,
    plain: median(rates.plain),
    scraped: median(rates.scraped),
    noise: every(1) / every(0),
  };
}

function startScraper({ host, port }: ServiceAddress): ChildProcess {
  const argv = ['-e', SCRAPER, `http://${host}:${port}/metrics`];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** Packets per second of this process's time, scrapes and all. */
export async function carryForATurn(pair: Pair): Promise<number> {
  const burst = innerFrames(OCTETS);
  const startMs = performance.now();
  const before = process.cpuUsage();
  let bursts = 0;
  while (performance.now() - startMs < TURN_MS) {
    address(burst, SESSIONS, bursts);
    pair.carry(burst);
    if (++bursts % BURSTS_BETWEEN_EVENTS === 0) await afterEvents();
  }
  const { user, system } = process.cpuUsage(before);
  return (bursts * BURST_PACKETS * 1e6) / (user + system);
}

interface PairOptions {
  readonly hasMetrics: boolean;
  /** Makes the gateway that sends. */
  readonly makeSender?: (deps: GatewayDeps) => Promise<Gateway>;
}

export async function openPair({ hasMetrics, makeSender }: PairOptions): Promise<Pair> {
  const network = new MemoryNetwork({ clock: systemClock });
  const remotes = Array.from({ length: SESSIONS }, (_, i) => remoteVip(i));
  const ends = [
    { service: { host: parseIp('192.0.2.1'), port: 3000 }, vips: [LOCAL_VIP] },
    { service: { host: parseIp('192.0.2.2'), port: 3000 }, vips: remotes },
  ] as const;
  const open = async (index: 0 | 1, metrics?: GatewayMetrics) => {
    const [uplink, vf] = [new BurstPort(MTU_OCTETS), new BurstPort(MTU_OCTETS)];
    const { service, vips } = ends[index];
    const peer = ends[1 - index]!;
    const hal = await openSimHal({
      clock: systemClock,
      random: systemRandom(),
      uplink: { port: uplink, mac: `02:00:00:00:00:0${index}`, ipv6: `2001:db8::${index + 1}` },
      vf: {
        port: vf,
        mac: '02:00:00:00:01:00',
        workload: { mac: '02:00:00:00:02:00', addresses: [...vips] },
      },
    });
    const { options } = readGatewayOptions(
      ['--insecure', `--max-tunnels=${2 * SESSIONS}`, '--log-level=10'],
      () => '',
    );
    const transport = network.transport(service);
    const deps: GatewayDeps = {
      hal,
      transport: metrics?.observed(transport) ?? transport,
      clock: systemClock,
      random: systemRandom(),
      logger: { log: () => {}, enabled: () => false },
      options: {
        ...options,
        serviceAddress: service,
        peers: [{ serviceAddress: peer.service, virtualIps: [...peer.vips] }],
        limits: { ...options.limits, tunnelsPerPeerPerSecond: 1e8 },
      },
    };
    const gateway = (index === 0 ? await makeSender?.(deps) : undefined) ?? new Gateway(deps);
    const metricsAt = await metrics?.serve(gateway, { host: parseIp('127.0.0.1'), port: 0 });
    await gateway.start();
    return { gateway, uplink, vf, metricsAt };
  };
  const metrics = hasMetrics
    ? new GatewayMetrics({ clock: systemClock, program: sampleProgram, perPeer: true })
    : undefined;
  const receiver = await open(1);
  const sender = await open(0, metrics);
  await sender.gateway.connectNow(remotes.map((vip) => ({ localVip: LOCAL_VIP, remoteVip: vip })));
  return {
    metricsAt: sender.metricsAt,
    carry(burst) {
      sender.vf.receive(burst);
      receiver.uplink.receive(sender.uplink.burst);
      if (receiver.vf.burst.length !== BURST_PACKETS) throw new Error('the benchmark lost packets');
      receiver.vf.burst = [];
    },
    async [Symbol.asyncDispose]() {
      await metrics?.close();
      await sender.gateway.stop();
      await receiver.gateway.stop();
    },
  };
}

function sampleProgram(): ProgramSample {
  return {
    version: 'bench',
    startedAtS: performance.timeOrigin / 1000,
    cpuS: process.cpuUsage().user / 1e6,
    residentOctets: process.memoryUsage.rss(),
    loopIterations: undefined,
    logLinesLost: 0,
    captures: undefined,
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
