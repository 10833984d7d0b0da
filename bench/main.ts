/**
 * `npm run bench`: everything that has a target, measured against the raw speed of the same AEAD engine in the same
 * run. Prints a table, writes out/bench.json, and says which targets were missed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { table } from '../src/cli/output.js';
import { benchDatapath, benchKeyGeneration } from './datapath.js';
import { benchRecorded } from './recorded.js';
import { benchScraped } from './scraped.js';
import { benchTunnels } from './tunnels.js';

interface Target {
  readonly what: string;
  readonly measured: number;
  readonly target: number;
  /** Whether more is better. */
  readonly atLeast: boolean;
}

const SIZES_OCTETS = [64, 512, 1400];
const SESSIONS = [1, 1000, 100_000];
const round = (value: number) =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2);

const log = (text: string) => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);

progress('datapath: raw engine, encapsulation, decapsulation');
const datapath = await benchDatapath(SIZES_OCTETS, SESSIONS);
progress('bulk key generation');
const keysPerSecond = await benchKeyGeneration(100_000);
progress('tunnel set-up over real gRPC');
const tunnels = await benchTunnels(20_000, 100_000);
progress('datapath of gateways whose metrics are scraped each second');
const scraped = await benchScraped();
progress('gateways that are recorded');
const recorded = await benchRecorded();

const row = (octets: number, sessions: number) =>
  datapath.rows.find((candidate) => candidate.octets === octets && candidate.sessions === sessions)!;
const one = row(1400, 1);
const many = row(1400, 100_000);

log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}\n`);
log(
  table([
    ['octets', 'sessions', 'raw seal/s', 'encapsulate/s', 'ratio', 'raw open/s', 'decapsulate/s', 'ratio'],
    ...datapath.rows.map((r) => [
      r.octets,
      r.sessions,
      round(r.rawSeal),
      round(r.encapsulate),
      (r.encapsulate / r.rawSeal).toFixed(2),
      round(r.rawOpen),
      round(r.decapsulate),
      (r.decapsulate / r.rawOpen).toFixed(2),
    ]),
  ]),
);

log(
  `\nGateways of ${round(scraped.sessions)} sessions, packets of ${scraped.octets} octets from workload to workload, per second of processor time: ` +
    `${round(scraped.plain)} without metrics, ${round(scraped.scraped)} with ${scraped.scrapes} scrapes, one a second; ` +
    `turns without metrics differ by ${scraped.noise.toFixed(2)}`,
);

log(
  `\nRecorded: ${round(recorded.recorded)} packets per second of processor time, ${round(recorded.plain)} without; ` +
    `${round(recorded.tunnelsRecorded)} tunnels per second of processor time, both gateways recorded, ${round(recorded.tunnelsPlain)} without`,
);

const targets: Target[] = [
  {
    what: 'encapsulate / raw, 1400 octets',
    measured: one.encapsulate / one.rawSeal,
    target: 0.7,
    atLeast: true,
  },
  {
    what: 'decapsulate / raw, 1400 octets',
    measured: one.decapsulate / one.rawOpen,
    target: 0.7,
    atLeast: true,
  },
  {
    what: 'encapsulate, 1 to 100,000 sessions, times slower',
    measured: one.encapsulate / many.encapsulate,
    target: 1.3,
    atLeast: false,
  },
  {
    what: 'decapsulate, 1 to 100,000 sessions, times slower',
    measured: one.decapsulate / many.decapsulate,
    target: 1.3,
    atLeast: false,
  },
  {
    what: 'gateways with metrics scraped each second / without metrics',
    measured: scraped.scraped / scraped.plain,
    target: 0.9,
    atLeast: true,
  },
  {
    what: 'packets of a gateway that is recorded / of one that is not',
    measured: recorded.recorded / recorded.plain,
    target: 0.95,
    atLeast: true,
  },
  { what: 'AES-256 SPI/key pairs per second', measured: keysPerSecond, target: 1_000_000, atLeast: true },
  {
    what: 'tunnels per second, one per RPC',
    measured: tunnels.onePerRpcPerSecond,
    target: 2_500,
    atLeast: true,
  },
  {
    what: 'tunnels per second, 1,000 per RPC',
    measured: tunnels.batchedPerSecond,
    target: 40_000,
    atLeast: true,
  },
  {
    what: 'tunnels per second, 1,000 per RPC (to aim at)',
    measured: tunnels.batchedPerSecond,
    target: 100_000,
    atLeast: true,
  },
  { what: 'octets of memory per session', measured: tunnels.octetsPerSession, target: 1024, atLeast: false },
];
const reached = ({ measured, target, atLeast }: Target) =>
  atLeast ? measured >= target : measured <= target;

log('');
log(
  table([
    ['what', 'measured', 'target', ''],
    ...targets.map((t) => [
      t.what,
      round(t.measured),
      `${t.atLeast ? 'at least' : 'at most'} ${round(t.target)}`,
      reached(t) ? 'reached' : 'MISSED',
    ]),
  ]),
);
const missed = targets.filter((target) => !reached(target));
log(
  `\n${missed.length === 0 ? 'All targets reached.' : `Missed: ${missed.map(({ what }) => what).join('; ')}.`}`,
);

mkdirSync('out', { recursive: true });
writeFileSync(
  'out/bench.json',
  `${JSON.stringify({ processor: cpus()[0]?.model, cores: cpus().length, node: process.version, datapath, scraped, recorded, keysPerSecond, tunnels, targets }, null, 2)}\n`,
);
log('Written to out/bench.json');
