/**
 * Draws what a scenario's network is like: insiders and dead peers among the gateways' peers, small tables, short times,
 * and crash loops. From sources of its own, so that it changes nothing else that a seed draws.
 */
import type { GatewayOptions } from '../../gateway/options.js';
import { UNCONFIRMED_HOLD_MS } from '../../gateway/underlay/underlay-addresses.js';
import { type IpAddress, type MacAddress, parseIp, parseMac } from '../../packet/address.js';
import {
  type EventPlan,
  type GatewayPlan,
  gatewaysOf,
  type InsiderPlan,
  type LinkPlan,
  type Topology,
  type TrafficPlan,
} from '../model.js';
import { randomOf } from '../seeds.js';
import { CLOCK_ENDS } from './clock-ends.js';
import { drawHostileEvents } from './draw-events.js';
import { drawHostileTraffic } from './draw-traffic.js';
import { Rng } from './rng.js';
import type { Scene } from './scene.js';

export interface World {
  readonly base: Topology;
  readonly options: readonly string[];
  /**
   * A rule of the expectations: what peers may lose because others claim their addresses before they do. Such a claim, which nothing
   * proves, holds for so long (underlay-addresses.ts).
   */
  readonly heldMs: number;
  /** Actions of insiders while faults last, and crash loops. */
  eventsOf(faultsMs: number, options: string[]): EventPlan[];
  /** Additional traffic of workloads while faults last. */
  trafficOf(faultsMs: number, options: string[]): TrafficPlan[];
  /** Possibly reverses a drawn flow, so that the workload behind the second gateway does not speak first. */
  oriented<T extends TrafficPlan>(flow: T): T;
  /** The network, with tables that have just the room that these flows need. */
  withTables(calm: readonly TrafficPlan[]): Topology;
}

const SPOOFS_RATIO = 0.5;
const INSIDERS_RATIO = 0.5;
const INSIDERS_MAX = 2;
const INSIDER_ADDRESSES_MAX = 4;
const DEAD_RATIO = 0.3;
const DEAD_MAX = 12;
const DEAD_ADDRESSES_MAX = 8;
const SMALL_TABLES_RATIO = 0.35;
const SHORT_TIMES_RATIO = 0.6;
const ONE_WAY_RATIO = 0.4;
const LONG_CLOCK_RATIO = 0.25;
/** The end comes while faults last, or soon after. */
const CLOCK_BEFORE_END_MAX_MS = 20_000;
/** Sessions that a table has room for beyond those in use in the calm: a small one, and one whose peers' shares are small. */
const SPARE_SESSIONS = 4;
const SPARE_FOR_SHARES = 20;

/** The network as its file has it. */
export function peacefulWorld(base: Topology): World {
  return {
    base,
    options: [],
    heldMs: 0,
    eventsOf: () => [],
    trafficOf: () => [],
    oriented: (flow) => flow,
    withTables: () => base,
  };
}

export function drawWorld(given: Topology, seed: number): World {
  const rng = new Rng(randomOf(seed, 'world'));
  const options: string[] = [];
  const file = { ...given, ...drawEpoch(new Rng(randomOf(seed, 'epoch')), options) };
  const peers = drawPeers(rng, file, options);
  const smallTables = rng.chance(SMALL_TABLES_RATIO);
  const times = drawTimes(rng, smallTables, options);
  if (smallTables) options.push('small tables');
  const oneWay = rng.chance(ONE_WAY_RATIO);
  if (oneWay) options.push('one way');
  // A peer may have twice as many keys at once as there are sessions.
  const smallShares = times.some(({ flag }) => flag === 'tunnels-per-second');
  const base = withFlags(withPeers(file, peers), () => times);
  const sceneOf = (faultsMs: number, said: string[]): Scene => ({
    base,
    gateways: gatewaysOf(base),
    insiders: peers,
    faultsMs,
    say: (text) => said.push(text),
  });
  return {
    base,
    options,
    heldMs: peers.some(({ silent, spoofs }) => !silent && !spoofs) ? UNCONFIRMED_HOLD_MS : 0,
    eventsOf: (faultsMs, said) => drawHostileEvents(rng, sceneOf(faultsMs, said)),
    trafficOf: (faultsMs, said) => drawHostileTraffic(rng, sceneOf(faultsMs, said)),
    oriented: (flow) => (oneWay ? fromFirst(flow, file) : flow),
    withTables: (calm) =>
      smallTables || smallShares
        ? withFlags(base, (gateway) => [
            {
              flag: 'max-tunnels',
              value: sessionsOf(gateway, base, calm) + (smallTables ? SPARE_SESSIONS : SPARE_FOR_SHARES),
            },
          ])
        : base,
  };
}

/** Now and then a run begins shortly before its clocks pass the end of a number. */
function drawEpoch(rng: Rng, options: string[]): Pick<Topology, 'epochMs'> {
  if (!rng.chance(LONG_CLOCK_RATIO)) return {};
  const [text, endMs] = rng.pick(CLOCK_ENDS);
  options.push(`clocks pass ${text}`);
  return { epochMs: Math.floor(endMs - rng.upTo(CLOCK_BEFORE_END_MAX_MS)) };
}

/** At the first switch or router, where there is one. */
function drawPeers(rng: Rng, file: Topology, options: string[]): InsiderPlan[] {
  if (!file.nodes.some(({ kind }) => kind === 'switch' || kind === 'router')) return [];
  const insiders = rng.chance(INSIDERS_RATIO) ? 1 + rng.below(INSIDERS_MAX) : 0;
  const dead = rng.chance(DEAD_RATIO) ? 1 + rng.below(DEAD_MAX) : 0;
  if (dead > 0) options.push(`${dead} dead peers`);
  return [
    ...Array.from({ length: insiders }, (_, i) =>
      insiderPlan(
        `insider-${i + 1}`,
        i + 1,
        1 + rng.below(INSIDER_ADDRESSES_MAX),
        false,
        rng.chance(SPOOFS_RATIO),
      ),
    ),
    ...Array.from({ length: dead }, (_, i) =>
      insiderPlan(`dead-${i + 1}`, 100 + i, 1 + rng.below(DEAD_ADDRESSES_MAX), true, false),
    ),
  ];
}

/** Number n of those that are drawn, with addresses that no file is made with. */
function insiderPlan(
  name: string,
  n: number,
  addresses: number,
  silent: boolean,
  spoofs: boolean,
): InsiderPlan {
  const hex = n.toString(16);
  return {
    kind: 'insider',
    name,
    serviceAddress: { host: parseIp(`10.66.0.${n}`), port: 3000 },
    uplinkMac: parseMac(`02:66:00:00:00:${hex.padStart(2, '0')}`) as MacAddress,
    underlay: { ipv4: parseIp(`172.30.0.${n}`), ipv6: parseIp(`2001:db8:66::${hex}`) },
    addresses: Array.from({ length: addresses }, (_, i): IpAddress[] => [
      parseIp(`192.168.${100 + i}.${n}`),
      parseIp(`fd00:66:${i}::${hex}`),
    ]).flat(),
    silent,
    spoofs,
  };
}

function withPeers(file: Topology, peers: readonly InsiderPlan[]): Topology {
  if (peers.length === 0) return file;
  const at = file.nodes.find(({ kind }) => kind === 'switch' || kind === 'router')!;
  const links = peers.map(({ name }, i): LinkPlan => {
    const endpoints = [
      { node: name, port: 'p0' },
      { node: at.name, port: `drawn${i + 1}` },
    ] as const;
    return { ...file.links[0]!, name: `${name}:p0 ${at.name}:drawn${i + 1}`, endpoints };
  });
  const known = peers.map(({ serviceAddress, addresses }) => ({ serviceAddress, virtualIps: addresses }));
  return {
    ...file,
    nodes: [
      ...file.nodes.map((node) =>
        node.kind === 'gateway'
          ? { ...node, options: { ...node.options, peers: [...node.options.peers, ...known] } }
          : node,
      ),
      ...peers,
    ],
    links: [...file.links, ...links],
  };
}

interface FlagChange {
  readonly flag:
    | 'max-tunnels'
    | 'rekey-grace'
    | 'idle-timeout'
    | 'tunnels-per-second'
    | 'rotation-request-interval';
  readonly value: number;
}

function drawTimes(rng: Rng, smallTables: boolean, options: string[]): FlagChange[] {
  const changes: FlagChange[] = [];
  const draw = (flag: FlagChange['flag'], min: number, max: number) => {
    const value = min + rng.below(max - min);
    // In a small table places come free in time only when idle sessions go.
    const needed = smallTables && flag === 'idle-timeout';
    if (!rng.chance(SHORT_TIMES_RATIO) && !needed) return;
    changes.push({ flag, value });
    options.push(`${flag} ${value}`);
  };
  draw('rekey-grace', 200, 1500);
  draw('idle-timeout', 5, 12);
  draw('tunnels-per-second', 8, 20);
  draw('rotation-request-interval', 200, 1500);
  return changes;
}

/** Flags and the options that they are read to. */
function withFlags(file: Topology, changesOf: (gateway: GatewayPlan) => readonly FlagChange[]): Topology {
  return {
    ...file,
    nodes: file.nodes.map((node) => {
      if (node.kind !== 'gateway') return node;
      const changes = changesOf(node);
      return {
        ...node,
        flags: {
          ...node.flags,
          ...Object.fromEntries(changes.map(({ flag, value }) => [flag, String(value)])),
        },
        options: changes.reduce(changed, node.options),
      };
    }),
  };
}

function changed(options: GatewayOptions, { flag, value }: FlagChange): GatewayOptions {
  const limits = (change: Partial<GatewayOptions['limits']>) => ({
    ...options,
    limits: { ...options.limits, ...change },
  });
  switch (flag) {
    case 'max-tunnels':
      return { ...options, maxTunnels: value };
    case 'rekey-grace':
      return limits({ rekeyGraceMs: value });
    case 'idle-timeout':
      return limits({ sessionIdleS: value });
    case 'rotation-request-interval':
      return limits({ rotationRequestIntervalMs: value });
    case 'tunnels-per-second':
      return limits({ tunnelsPerPeerPerSecond: value });
  }
}

/** The flow from the workload whose gateway comes first in the file to the other one. */
function fromFirst<T extends TrafficPlan>(flow: T, file: Topology): T {
  if (!('to' in flow)) return flow;
  const order = gatewaysOf(file).flatMap(({ workloads }) => workloads.map(({ name }) => name));
  const [from, to] = [flow.from, flow.to].sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return { ...flow, from, to } as T;
}

/** Sessions that flows need at a gateway, and its static tunnels. */
function sessionsOf(gateway: GatewayPlan, file: Topology, flows: readonly TrafficPlan[]): number {
  const own = new Set(gateway.workloads.map(({ name }) => name));
  const addressOf = new Map(
    gatewaysOf(file).flatMap(({ workloads }) =>
      workloads.map(({ name, addresses }) => [name, addresses] as const),
    ),
  );
  const pairs = new Set<string>();
  for (const flow of flows) {
    if (!('to' in flow)) continue;
    if (!own.has(flow.from) && !own.has(flow.to)) continue;
    const [local, remote] = own.has(flow.from) ? [flow.from, flow.to] : [flow.to, flow.from];
    pairs.add(`${local} ${remote} ${flow.family} ${addressOf.get(local)!.length}`);
  }
  // All that static tunnels need, or the file would be refused.
  const all = gateway.options.peers.flatMap(({ virtualIps }) => virtualIps).length;
  return gateway.options.staticTunnels === undefined ? Math.max(1, pairs.size) : Math.max(pairs.size, all);
}
