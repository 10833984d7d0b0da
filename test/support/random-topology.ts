/** Topologies at random, as the reader of files would resolve them, made without it. */
import fc from 'fast-check';
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import type { GatewayOptions } from '../../src/gateway/options.js';
import type { Impairments } from '../../src/hal-sim/ports/link.js';
import { type IpAddress, type IpFamily, ipFamily, parseIp, parseMac } from '../../src/packet/address.js';
import { isHostAddress } from '../../src/packet/address-kind.js';
import type { ArbitraryValues } from '../../src/topology/events/kind.js';
import { EVENT_TYPES, EVENTS } from '../../src/topology/events/registry.js';
import type { ArbitraryExpectationValues } from '../../src/topology/expectations/kind.js';
import { EXPECTATION_TYPES, EXPECTATIONS } from '../../src/topology/expectations/registry.js';
import type {
  EventPlan,
  Expectation,
  GatewayPlan,
  InsiderPlan,
  LinkPlan,
  NodePlan,
  Topology,
  TrafficPlan,
  WorkloadPlan,
} from '../../src/topology/model.js';
import type { ArbitraryFlowValues } from '../../src/topology/traffic/kind.js';
import { TRAFFIC, TRAFFIC_TYPES } from '../../src/topology/traffic/registry.js';

type Gen = fc.GeneratorValue;

const WEEK_MS = 7 * 24 * 3600_000;
const name = () => fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);
const flowName = () => fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,9}(\/[A-Za-z0-9_>-]{1,20})?$/);
const names = (length: number) => fc.uniqueArray(name(), { minLength: length, maxLength: length });
// An IPv4 address that is written as IPv6 is read as IPv4 where services are. What nobody can have is refused in places.
const ip = (family: IpFamily) =>
  (family === 4 ? fc.ipV4() : fc.ipV6())
    .map(parseIp)
    .filter((one) => !one.startsWith('::ffff:') && isHostAddress(one));
const ips = (family: IpFamily, length: number) =>
  fc.uniqueArray(ip(family), { minLength: length, maxLength: length });
const mac = () =>
  fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .filter((octets) => new Set(octets).size > 1)
    .map((octets) => parseMac(Buffer.from(octets).toString('hex').match(/../g)!.join(':')));
const positive = (max: number) => () =>
  fc.oneof(
    fc.integer({ min: 1, max }),
    fc.double({ min: 0, minExcluded: true, max, noNaN: true }),
    fc.constantFrom(0.01, 0.5, 1000, 60_000).filter((value) => value <= max),
  );
const positiveMs = positive(WEEK_MS);
const perSecond = positive(10_000_000);
const orZero = (some: () => fc.Arbitrary<number>) => () => fc.oneof(fc.constant(0), some());
const ms = orZero(positiveMs);
const ratio = orZero(positive(1));
const bitsPerSecond = orZero(positive(1e12));

// Objects as the reader makes them, for tests of strict equality.
const PLAIN = { noNullPrototype: true } as const;
const impairments: fc.Arbitrary<Impairments> = fc.record(
  {
    delayMs: ms(),
    jitterMs: ms(),
    lossRatio: ratio(),
    duplicateRatio: ratio(),
    reorderRatio: ratio(),
    corruptRatio: ratio(),
    rateBitsPerSecond: bitsPerSecond(),
  },
  PLAIN,
);
const someImpairments = impairments.chain((all) =>
  fc
    .subarray(Object.entries(all), { minLength: 1 })
    .map((entries) => Object.fromEntries(entries) as Partial<Impairments>),
);
const oob = fc.record({ delayMs: ms(), jitterMs: ms(), lossRatio: ratio() }, PLAIN);

/** Flags that do not depend on addresses, and texts for them. */
const FLAGS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  inner: fc.constantFrom('ipv4', 'ipv6', 'both'),
  'outer-ip-type': fc.constantFrom('ipv4', 'ipv6'),
  cookie: fc.boolean().map(String),
  'disable-ingress-acl': fc.boolean().map(String),
  'psp-version': fc.constantFrom('0', '1'),
  mode: fc.constantFrom('tunnel', 'transport'),
  'sample-rate': fc.integer({ min: 0, max: 16 }).map(String),
  'max-tunnels': fc.integer({ min: 1000, max: 250_000 }).map(String),
  'crypt-offset': fc.integer({ min: 0, max: 63 }).map(String),
  'rekey-grace': fc.integer({ min: 100, max: 30_000 }).map(String),
  // At least twice any of these graces.
  'rotation-period': fc.oneof(fc.constant(0), fc.integer({ min: 60_000, max: WEEK_MS })).map(String),
  'log-level': fc.constantFrom('10', '50', '70'),
  'decap-dmac': mac(),
  tunnel: fc.constantFrom('192.0.2.1:198.51.100.1', '192.0.2.1:198.51.100.1 [2001:db8::f]:9:fd00::5,fd00::6'),
};

function pick<T>(g: Gen, items: readonly T[]): T {
  return items[g(fc.nat, { max: items.length - 1 })]!;
}

type Draft = Omit<GatewayPlan, 'options'>;

function ends(
  g: Gen,
  gatewayNames: readonly string[],
  insiderNames: readonly string[],
): { all: GatewayPlan[]; insiders: InsiderPlan[] } {
  const count = gatewayNames.length + insiderNames.length;
  const pools = { 4: g(() => ips(4, 9 * count)), 6: g(() => ips(6, 9 * count)) };
  const underlays = { 4: g(() => ips(4, count)), 6: g(() => ips(6, count)) };
  const hosts = g(() => fc.uniqueArray(fc.oneof(ip(4), ip(6)), { minLength: count, maxLength: count }));
  const macs = g(() => fc.uniqueArray(mac(), { minLength: 2 * count, maxLength: 2 * count }));
  const workloadNames = g(() => names(3 * count));
  const drafts = gatewayNames.map((gatewayName, i): Draft => {
    const given = g(() => fc.subarray(Object.keys(FLAGS)));
    const flags = Object.fromEntries(given.map((flag) => [flag, g(() => FLAGS[flag]!)]));
    const outer = flags['outer-ip-type'] === 'ipv4' ? 4 : 6;
    const both = g(fc.boolean);
    const families = familiesOf(flags);
    const workloads = Array.from({ length: g(fc.nat, { max: 3 }) }, (): WorkloadPlan => {
      const addresses = Array.from(
        { length: g(fc.integer, { min: 1, max: 3 }) },
        () => pools[pick(g, families)].pop()!,
      );
      return { name: workloadNames.pop()!, addresses, present: g(fc.boolean) };
    });
    const own = workloads.flatMap(({ addresses }) => addresses);
    if (own.length > 0 && g(fc.boolean)) flags['static-tunnels'] = pick(g, own);
    return {
      kind: 'gateway',
      name: gatewayName,
      flags,
      serviceAddress: { host: hosts[i]!, port: g(() => fc.integer({ min: 1, max: 65_535 })) },
      uplinkMac: macs[2 * i]!,
      workloadMac: macs[2 * i + 1]!,
      underlay: {
        ...(both || outer === 4 ? { ipv4: underlays[4][i]! } : {}),
        ...(both || outer === 6 ? { ipv6: underlays[6][i]! } : {}),
      },
      workloads,
    };
  });
  const insiders = insiderNames.map((insider, n): InsiderPlan => {
    const i = gatewayNames.length + n;
    return {
      kind: 'insider',
      name: insider,
      serviceAddress: { host: hosts[i]!, port: g(() => fc.integer({ min: 1, max: 65_535 })) },
      uplinkMac: macs[2 * i]!,
      underlay: { ipv6: underlays[6][i]!, ...(g(fc.boolean) ? { ipv4: underlays[4][i]! } : {}) },
      addresses: [pools[4].pop()!, pools[6].pop()!],
      silent: g(fc.boolean),
      spoofs: g(fc.boolean),
    };
  });
  const all = drafts.map((draft) => ({ ...draft, options: optionsOf(draft, drafts, insiders) }));
  return { all, insiders };
}

const familiesOf = ({ inner }: Readonly<Record<string, string>>): readonly IpFamily[] =>
  inner === 'both' ? [4, 6] : inner === 'ipv6' ? [6] : [4];

/** What such a gateway runs with, said once more and in another way than in src. */
function optionsOf(draft: Draft, all: readonly Draft[], insiders: readonly InsiderPlan[]): GatewayOptions {
  const { flags } = draft;
  const argv = Object.entries(flags).flatMap(([flag, text]) =>
    (flag === 'tunnel' ? text.split(' ') : [text]).map((value) => `--${flag}=${value}`),
  );
  const { options } = readGatewayOptions([...argv, '--insecure'], () => '');
  const addresses = ({ workloads }: Draft) => workloads.flatMap((workload) => workload.addresses);
  const peers = [
    ...all
      .filter((other) => other !== draft)
      .map((other) => ({ serviceAddress: other.serviceAddress, virtualIps: addresses(other) })),
    ...insiders.map((insider) => ({ serviceAddress: insider.serviceAddress, virtualIps: insider.addresses })),
  ];
  const pairs = addresses(draft).flatMap((local) =>
    peers.flatMap(({ virtualIps }) => virtualIps.filter((remote) => ipFamily(remote) === ipFamily(local))),
  );
  return {
    ...options,
    serviceAddress: draft.serviceAddress,
    insecure: false,
    localVirtualIps: addresses(draft),
    ...(flags.tunnel === undefined ? { peers } : {}),
    ...(flags['max-tunnels'] === undefined ? { maxTunnels: Math.max(256, pairs.length) } : {}),
  };
}

const isEnd = ({ kind }: Pick<NodePlan, 'kind'>) => kind === 'gateway' || kind === 'insider';

/** A tree of forwarders, more links where routers are, and a link for each gateway. */
function links(g: Gen, nodes: readonly NodePlan[]): LinkPlan[] {
  const forwarders = nodes.filter((node) => !isEnd(node));
  const pairs: [NodePlan, NodePlan][] = forwarders
    .slice(1)
    .map((node, i) => [node, forwarders[g(fc.nat, { max: i })]!]);
  for (const router of forwarders.filter(({ kind }) => kind === 'router')) {
    const other = pick(g, forwarders);
    if (other !== router) pairs.push([router, other]);
  }
  for (const node of nodes) if (isEnd(node)) pairs.push([node, pick(g, forwarders)]);
  const ports = new Map<string, number>();
  const endpoint = ({ kind, name: node }: NodePlan) => {
    const number = ports.get(node) ?? 0;
    ports.set(node, number + 1);
    return { node, port: isEnd({ kind }) ? 'p0' : `eth${number}` };
  };
  return pairs.map((pair): LinkPlan => {
    const [a, b] = g(fc.boolean) ? pair : [pair[1], pair[0]];
    const endpoints = [endpoint(a), endpoint(b)] as const;
    return {
      name: endpoints.map(({ node, port }) => `${node}:${port}`).join(' '),
      endpoints,
      // What IPv6 needs, with the longest headers of a tunnel.
      mtuOctets: g(() => fc.integer({ min: 1368, max: 9216 })),
      impairments: g(() => impairments),
    };
  });
}

interface Talker {
  readonly name: string;
  readonly gateway: string;
  readonly families: readonly IpFamily[];
  /** In tunnel mode; whom another mode reaches depends on the links. */
  readonly tunnels: boolean;
}

function talkersOf(all: readonly GatewayPlan[]): Talker[] {
  return all.flatMap(({ name: gateway, workloads, options }) =>
    workloads.map((workload) => ({
      name: workload.name,
      gateway,
      families: [...new Set(workload.addresses.map(ipFamily))],
      tunnels: options.mode === 'tunnel',
    })),
  );
}

function traffic(g: Gen, talkers: readonly Talker[]): TrafficPlan[] {
  const pairs = talkers.flatMap((from) =>
    talkers.flatMap((to) =>
      from.gateway === to.gateway || !from.tunnels || !to.tunnels
        ? []
        : from.families
            .filter((family) => to.families.includes(family))
            .map((family) => ({ from, to, family })),
    ),
  );
  if (talkers.length === 0) return [];
  const flowNames = g(() => fc.uniqueArray(flowName(), { maxLength: 5 }));
  const values: ArbitraryFlowValues = {
    from: () => pick(g, talkers).name,
    between: () => {
      if (pairs.length === 0) return undefined;
      const { from, to, family } = pick(g, pairs);
      return { from: from.name, to: to.name, family };
    },
    integer: (min, max) => g(() => fc.integer({ min, max })),
    ms: () => g(ms),
    positiveMs: () => g(positiveMs),
    positivePerSecond: () => g(perSecond),
    text: () => g(() => fc.string({ minLength: 1 })),
  };
  return flowNames.flatMap((flow): TrafficPlan[] => {
    const made = TRAFFIC[pick(g, TRAFFIC_TYPES)].arbitrary(values);
    return made === undefined ? [] : [{ name: flow, startMs: g(ms), ...made } as TrafficPlan];
  });
}

function events(
  g: Gen,
  all: readonly GatewayPlan[],
  linkPlans: readonly LinkPlan[],
  talkers: readonly Talker[],
  insiders: readonly InsiderPlan[],
): EventPlan[] {
  const times = g(() => fc.array(ms(), { maxLength: 8 })).sort((a, b) => a - b);
  const taken = all.flatMap(({ underlay }): (IpAddress | undefined)[] => Object.values(underlay));
  const fresh = { 4: g(() => ips(4, times.length)), 6: g(() => ips(6, times.length)) };
  const values: ArbitraryValues = {
    gateways: all,
    insiders,
    workloads: talkers,
    pick: (items) => pick(g, items),
    some: (items, atLeast = 1) => g(() => fc.shuffledSubarray([...items], { minLength: atLeast })),
    link: () => pick(g, linkPlans).name,
    ms: () => g(ms),
    positiveMs: () => g(positiveMs),
    ratio: () => g(ratio),
    positivePerSecond: () => g(perSecond),
    someImpairments: () => g(() => someImpairments),
    oob: () => g(() => oob),
    freshIp: (family) => [fresh[family].pop()].find((next) => !taken.includes(next)),
  };
  return times.flatMap((atMs): EventPlan[] => {
    const event = EVENTS[pick(g, EVENT_TYPES)].arbitrary(values);
    return event === undefined ? [] : [{ atMs, ...event } as EventPlan];
  });
}

function expectations(g: Gen, flowNames: readonly string[]): Expectation[] {
  const ofFlows = flowNames.flatMap((flow) => [`flows.${flow}.sent`, `flows.${flow}.latencyMs.p99`]);
  const values: ArbitraryExpectationValues = {
    flows: () =>
      flowNames.length === 0 ? undefined : g(() => fc.shuffledSubarray([...flowNames], { minLength: 1 })),
    path: () => pick(g, ['tunnels', 'oob.calls', 'oob.partitioned', ...ofFlows]),
    number: () => g(() => fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
    count: () => g(fc.nat),
    ratio: () => g(ratio),
    ms: () => g(ms),
    chance: () => g(fc.boolean),
  };
  return Array.from(
    { length: g(fc.nat, { max: 4 }) },
    () => EXPECTATIONS[pick(g, EXPECTATION_TYPES)].arbitrary(values) ?? [],
  ).flat();
}

export function randomTopology(g: Gen): Topology {
  const [title, ...nodeNames] = g(() => names(9)) as [string, ...string[]];
  const { all, insiders } = ends(
    g,
    nodeNames.slice(
      0,
      g(() => fc.integer({ min: 1, max: 4 })),
    ),
    nodeNames.slice(4, 4 + g(() => fc.integer({ min: 0, max: 1 }))),
  );
  const forwarders = nodeNames
    .slice(5, 5 + g(() => fc.integer({ min: 1, max: 3 })))
    .map((node): NodePlan => ({ kind: pick(g, ['switch', 'router'] as const), name: node }));
  const nodes: NodePlan[] = [...all, ...insiders, ...forwarders];
  const linkPlans = links(g, nodes);
  const talkers = talkersOf(all);
  const flows = traffic(g, talkers);
  const planned = events(g, all, linkPlans, talkers, insiders);
  const lastMs = Math.max(0, ...flows.map(({ startMs }) => startMs), ...planned.map(({ atMs }) => atMs));
  const durationMs = [g(positiveMs), WEEK_MS].find((duration) => duration > lastMs);
  return {
    name: title,
    seed: g(fc.nat, { max: 0xffff_ffff }),
    ...(g(fc.boolean) ? { epochMs: g(() => fc.integer({ min: 0, max: 8.64e15 })) } : {}),
    nodes: g(fc.boolean) ? nodes : [...forwarders, ...all, ...insiders],
    links: linkPlans,
    oob: g(() => oob),
    scenario: {
      ...(g(fc.boolean) && durationMs !== undefined ? { durationMs } : {}),
      traffic: flows,
      events: planned,
      expectations: expectations(
        g,
        flows.map((flow) => flow.name),
      ),
    },
  };
}
