/** Topologies made by hand, without src/topology/file. */
import { readGatewayOptions } from '../../src/gateway/config/read-options.js';
import type { PeerOptions } from '../../src/gateway/options.js';
import { NO_IMPAIRMENTS } from '../../src/hal-sim/ports/link.js';
import { parseIp, parseMac } from '../../src/packet/address.js';
import type {
  GatewayPlan,
  LinkPlan,
  NodePlan,
  OobPlan,
  Scenario,
  Topology,
} from '../../src/topology/model.js';
import type { PingPlan } from '../../src/topology/traffic/ping.js';
import type { UdpPlan } from '../../src/topology/traffic/udp.js';

const hex = (n: number) => n.toString(16).padStart(2, '0');
export const serviceOf = (n: number) => ({ host: parseIp(`10.0.0.${n}`), port: 3000 });

/** Gateway `h<n>` of `count` with workload `v<n>`: 192.168.1.n and fd00::n. */
export function gatewayPlan(n: number, count: number, flags: readonly string[] = []): GatewayPlan {
  const others = Array.from({ length: count }, (_, i) => i + 1).filter((i) => i !== n);
  const peers: PeerOptions[] = others.map((i) => ({
    serviceAddress: serviceOf(i),
    virtualIps: [parseIp(`192.168.1.${i}`), parseIp(`fd00::${i}`)],
  }));
  const argv = ['--inner=both', '--insecure', ...flags];
  const { options } = readGatewayOptions(argv, () => '');
  const addresses = [parseIp(`192.168.1.${n}`), parseIp(`fd00::${n}`)];
  return {
    kind: 'gateway',
    name: `h${n}`,
    flags: {},
    options: { ...options, insecure: false, peers, serviceAddress: serviceOf(n), localVirtualIps: addresses },
    serviceAddress: serviceOf(n),
    uplinkMac: parseMac(`02:00:00:00:00:${hex(n)}`),
    underlay: { ipv4: parseIp(`203.0.113.${n}`), ipv6: parseIp(`2001:db8::${n}`) },
    workloadMac: parseMac(`02:00:00:00:01:${hex(n)}`),
    workloads: [{ name: `v${n}`, addresses, present: true }],
  };
}

export function linkPlan(a: string, b: string, change: Partial<LinkPlan> = {}): LinkPlan {
  const end = (text: string) => {
    const [node, port] = text.split(':') as [string, string];
    return { node, port };
  };
  return {
    name: `${a} ${b}`,
    endpoints: [end(a), end(b)],
    mtuOctets: 9000,
    impairments: { ...NO_IMPAIRMENTS, delayMs: 0.01 },
    ...change,
  };
}

const OOB: OobPlan = { delayMs: 0.5, jitterMs: 0, lossRatio: 0 };
export const NO_SCENARIO: Scenario = { traffic: [], events: [], expectations: [] };

/** `count` gateways at one switch. */
export function mesh(
  count: number,
  scenario: Partial<Scenario> = {},
  flags: readonly string[] = [],
  seed = 1,
): Topology {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const nodes: NodePlan[] = [
    ...numbers.map((n) => gatewayPlan(n, count, flags)),
    { kind: 'switch', name: 's1' },
  ];
  return {
    name: 'mesh',
    seed,
    nodes,
    links: numbers.map((n) => linkPlan(`h${n}:p0`, `s1:e${n}`)),
    oob: OOB,
    scenario: { ...NO_SCENARIO, ...scenario },
  };
}

export const ping = (from: number, to: number, change: Partial<PingPlan> = {}): PingPlan => ({
  type: 'ping',
  name: `ping ${from} ${to}`,
  startMs: 0,
  from: `v${from}`,
  to: `v${to}`,
  family: 4,
  count: 10,
  intervalMs: 100,
  sizeOctets: 56,
  timeoutMs: 1000,
  ...change,
});

export const udp = (from: number, to: number, change: Partial<UdpPlan> = {}): UdpPlan => ({
  type: 'udp',
  name: `udp ${from} ${to}`,
  startMs: 0,
  from: `v${from}`,
  to: `v${to}`,
  family: 6,
  packetsPerSecond: 100,
  sizeOctets: 200,
  durationMs: 2000,
  ...change,
});
