/**
 * Draws a scenario from a seed: a phase under faults, then calm, in which everything must flow again. What is drawn
 * is said in `options`, so that a reader sees what a run was about.
 */

import { seededRandom } from '../../base/random.js';
import { RETIREMENT_PERIODS_MAX } from '../../gateway/sessions/retirement.js';
import { type IpFamily, ipFamily } from '../../packet/address.js';
import { DHCP_SERVER_PORT } from '../../packet/dhcp.js';
import {
  type EventPlan,
  type Expectation,
  type GatewayPlan,
  gatewaysOf,
  type Topology,
  type TrafficPlan,
  type WorkloadPlan,
} from '../model.js';
import { randomOf } from '../seeds.js';
import { drawBackground, drawFault } from './draw-events.js';
import { drawFlowBetween } from './draw-traffic.js';
import { Rng } from './rng.js';
import type { Scene } from './scene.js';
import { drawWorld, peacefulWorld } from './world.js';

export interface Drawn {
  readonly topology: Topology;
  /** For people, such as `loss 12 %`. */
  readonly options: readonly string[];
}

/** Upper ends of what is drawn. */
const FAULTS_MS = { min: 3_000, max: 15_000 };
const FLOWS_MAX = 6;
const FAULTS_COUNT_MAX = 6;
const CALM_FLOWS_MAX = 12;
/** Pings of a flow in the calm: until it must flow again, and so many more, which must all come. */
const CALM_PING_INTERVAL_MS = 1000;
const CALM_PINGS_AFTER = 5;
const STEADY_RATIO = 0.6;
const STEADY_CRASH_RATIO = 0.7;
const STEADY_PER_SECOND = 10;
const STEADY_DOWN_MAX_MS = 1000;
/** What a gateway may hold on to after everything flows again: see quietMs. */
const QUIET_GRACES = RETIREMENT_PERIODS_MAX + 1;
const QUIET_LOOKS_MS = 90_000;
const QUIET_SPARE_MS = 1000;

/**
 * After the calm's traffic, until nothing may be left over. A rotation that the faults put off waits for the SPIs that it would
 * end, which retirement.ts looks at twice, a grace apart; the SPIs of the key that it replaces then wait just as long, four graces in
 * all. An SPI that the peer may go by, of a session that has become dormant and is asked for by nobody, stays for
 * RETIREMENT_PERIODS_MAX of them. And a session whose last exchange failed asks again at the second look without traffic (session-expiry.ts), the third after it
 * at the latest, half a minute apart; its SPIs then wait.
 */
export function quietMs(base: Topology): number {
  const graceMs = Math.max(...gatewaysOf(base).map(({ options: { limits } }) => limits.rekeyGraceMs));
  return QUIET_LOOKS_MS + QUIET_GRACES * graceMs + QUIET_SPARE_MS;
}

/**
 * @param recoverInMs what reachable flows have to flow again in once the faults are over; longer where peers' addresses may be
 *   claimed by others: see World.heldMs
 * @param hostile with insiders, dead peers, small tables, crash loops and the like: see world.ts
 */
export function drawScenario(file: Topology, seed: number, recoverInMs: number, hostile = false): Drawn {
  const world = hostile ? drawWorld(sound(file), seed) : peacefulWorld(sound(file));
  const { base } = world;
  const recoverMs = recoverInMs + world.heldMs;
  const rng = new Rng(seededRandom(seed));
  const options: string[] = [...world.options];
  const gateways = gatewaysOf(base);
  const faultsMs = Math.round(FAULTS_MS.min + rng.upTo(FAULTS_MS.max - FAULTS_MS.min));
  const scene: Scene = { base, gateways, insiders: [], faultsMs, say: (text) => options.push(text) };
  const events = drawBackground(rng, scene);
  for (let i = rng.below(FAULTS_COUNT_MAX + 1); i > 0; i--) events.push(...drawFault(rng, scene));
  events.push(...world.eventsOf(faultsMs, options));
  const during = Array.from({ length: 1 + rng.below(FLOWS_MAX) }, (_, i) =>
    drawFlow(rng, gateways, `fault-${i + 1}`, rng.below(faultsMs)),
  ).flatMap((flow) => (flow === undefined ? [] : world.oriented(flow)));
  const calm = Array.from({ length: CALM_FLOWS_MAX }, (_, i) =>
    drawCalmPing(rng, gateways, i, faultsMs, recoverMs),
  ).flatMap((flow) => (flow === undefined ? [] : world.oriented(flow)));
  const steady = hostile
    ? drawSteady(new Rng(randomOf(seed, 'steady')), gateways, faultsMs, recoverMs, options)
    : { traffic: [], events: [] };
  calm.push(...steady.traffic);
  events.push(...steady.events);
  during.push(...world.trafficOf(faultsMs, options));
  const expectations: Expectation[] = [
    ...calm.map(({ name }): Expectation => ({ type: 'recovered', flows: [name], withinMs: recoverMs })),
    { type: 'no-leaks' },
  ];
  return {
    topology: {
      ...world.withTables(calm),
      seed,
      scenario: {
        durationMs: faultsMs + recoverMs + CALM_PINGS_AFTER * CALM_PING_INTERVAL_MS + quietMs(base),
        traffic: [...during, ...calm],
        events: byTime([...events, { atMs: faultsMs, type: 'reset-faults' }]),
        expectations,
      },
    },
    options: [`faults for ${faultsMs} ms`, ...options],
  };
}

/** The topology without what it loses by itself: in the calm everything must arrive. */
function sound(file: Topology): Topology {
  const nothingLost = { lossRatio: 0, duplicateRatio: 0, reorderRatio: 0, corruptRatio: 0 };
  return {
    ...file,
    oob: { ...file.oob, lossRatio: 0 },
    links: file.links.map((link) => ({ ...link, impairments: { ...link.impairments, ...nothingLost } })),
  };
}

function byTime(events: readonly EventPlan[]): EventPlan[] {
  return events.toSorted((a, b) => a.atMs - b.atMs);
}

interface Ends {
  readonly from: WorkloadPlan;
  readonly to: WorkloadPlan;
  readonly family: IpFamily;
}

/** Two workloads of different gateways that have a family in common, which their gateways carry. */
function drawEnds(rng: Rng, gateways: readonly GatewayPlan[]): Ends | undefined {
  if (gateways.length < 2) return undefined;
  const a = rng.below(gateways.length);
  const b = (a + 1 + rng.below(gateways.length - 1)) % gateways.length;
  const [first, second] = [gateways[a]!, gateways[b]!];
  if (first.workloads.length === 0 || second.workloads.length === 0) return undefined;
  const from = rng.pick(first.workloads);
  const to = rng.pick(second.workloads);
  if (!from.present || !to.present) return undefined;
  const carried = ([4, 6] as const).filter(
    (family) =>
      [first, second].every(({ options }) => options.innerFamilies.includes(family)) &&
      [from, to].every(({ addresses }) => addresses.some((ip) => ipFamily(ip) === family)),
  );
  return carried.length === 0 ? undefined : { from, to, family: rng.pick(carried) };
}

function drawFlow(
  rng: Rng,
  gateways: readonly GatewayPlan[],
  name: string,
  startMs: number,
): TrafficPlan | undefined {
  const ends = drawEnds(rng, gateways);
  if (ends === undefined) return undefined;
  return drawFlowBetween(rng, {
    name,
    startMs,
    from: ends.from.name,
    to: ends.to.name,
    family: ends.family,
  });
}

function drawCalmPing(
  rng: Rng,
  gateways: readonly GatewayPlan[],
  index: number,
  startMs: number,
  recoverMs: number,
): TrafficPlan | undefined {
  const ends = drawEnds(rng, gateways);
  if (ends === undefined) return undefined;
  return {
    type: 'ping',
    name: `calm-${index + 1}`,
    startMs,
    from: ends.from.name,
    to: ends.to.name,
    family: ends.family,
    count: Math.ceil(recoverMs / CALM_PING_INTERVAL_MS) + CALM_PINGS_AFTER,
    intervalMs: CALM_PING_INTERVAL_MS,
    sizeOctets: 56,
    timeoutMs: 2000,
  };
}

interface Steady {
  readonly traffic: readonly TrafficPlan[];
  readonly events: readonly EventPlan[];
}

/**
 * One way, from the start to the end: what is behind the second gateway has nothing to say, also when that gateway has lost
 * everything. Some of it is what a relay of DHCP sends to its server (RFC 2131, section 4.1).
 */
function drawSteady(
  rng: Rng,
  gateways: readonly GatewayPlan[],
  faultsMs: number,
  recoverMs: number,
  options: string[],
): Steady {
  const ends = drawEnds(rng, gateways);
  if (ends === undefined || !rng.chance(STEADY_RATIO)) return { traffic: [], events: [] };
  const isRelay = ends.family === 4 && rng.chance(0.6);
  const [from, to] = [ends.from.name, ends.to.name];
  options.push(`${isRelay ? 'DHCP' : 'one way'} from ${from} to ${to} to the end`);
  const receiver = gateways.find(({ workloads }) => workloads.includes(ends.to))!.name;
  const crashes = rng.chance(STEADY_CRASH_RATIO);
  // Late: whatever else happens to the pair would make it known to the receiver again.
  const atMs = faultsMs - 1 - rng.below(Math.ceil(faultsMs / 4));
  if (crashes) options.push(`crash ${receiver} at ${atMs} ms`);
  return {
    traffic: [
      {
        type: 'udp',
        name: 'steady',
        startMs: 0,
        from,
        to,
        family: ends.family,
        ...(isRelay ? { port: DHCP_SERVER_PORT } : {}),
        packetsPerSecond: STEADY_PER_SECOND,
        sizeOctets: 300,
        durationMs: faultsMs + recoverMs + CALM_PINGS_AFTER * CALM_PING_INTERVAL_MS,
      },
    ],
    events: crashes
      ? [{ atMs, type: 'crash', nodes: [receiver], downMs: rng.below(STEADY_DOWN_MAX_MS) }]
      : [],
  };
}
