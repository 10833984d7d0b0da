/** Estimates the size of a run's captures: a frame is recorded on each link that it crosses, and on both VFs. */
import { gatewaysOf, type Topology, type TrafficPlan } from './model.js';
import { TRAFFIC } from './traffic/registry.js';
import type { Replay } from './traffic/replay-frames.js';

/** A packet block of pcapng without its frame. */
const BLOCK_OCTETS = 32;
/** Ethernet, IP and UDP or ICMP of a workload's packet. */
const CLEAR_HEADERS_OCTETS = 50;
/** Outer Ethernet, IPv6, UDP and PSP headers and ICV. */
const TUNNEL_OCTETS = 96;
/** Octets of a packet that ends at its sender's gateway. */
const DROPPED_OCTETS = 180;

/** Octets of all captures together, about: what is lost, repeated and added on the way is not counted. */
export function estimatedCaptureOctets(
  topology: Topology,
  replays: ReadonlyMap<string, Replay>,
  snapOctets = 0,
): number {
  const homeOf = new Map(
    gatewaysOf(topology).flatMap(({ name, workloads }) => workloads.map((w) => [w.name, name] as const)),
  );
  const linksBetween = linkCounts(topology);
  const recorded = (octets: number) =>
    BLOCK_OCTETS + (snapOctets === 0 ? octets : Math.min(octets, snapOctets));
  let total = 0;
  for (const plan of topology.scenario.traffic) {
    const links = 'to' in plan ? linksBetween(homeOf.get(plan.from)!, homeOf.get(plan.to)!) : undefined;
    const kind = TRAFFIC[plan.type];
    for (const { count, octets } of kind.packets(plan, replays.get(plan.name))) {
      const sent = count * shareInTime(plan, topology.scenario.durationMs);
      const clear = octets + CLEAR_HEADERS_OCTETS;
      // A replay goes to whomever the capture names; most networks have two links at least between two gateways.
      total +=
        kind.endsAtGateway === true
          ? sent * recorded(DROPPED_OCTETS)
          : sent * (2 * recorded(clear) + (links ?? 2) * recorded(clear + TUNNEL_OCTETS));
    }
  }
  return total;
}

/** The share of a flow that is sent before the run ends. */
function shareInTime(plan: TrafficPlan, runMs = Number.POSITIVE_INFINITY): number {
  const takesMs = TRAFFIC[plan.type].durationMs(plan);
  const leftMs = Math.max(0, runMs - plan.startMs);
  return takesMs <= leftMs ? 1 : leftMs / takesMs;
}

/** Links on a shortest way between two nodes; what is found from one node is kept. */
function linkCounts({ nodes, links }: Topology): (from: string, to: string) => number {
  const neighbors = new Map(nodes.map(({ name }) => [name, [] as string[]]));
  for (const { endpoints } of links) {
    const [a, b] = endpoints;
    if (!neighbors.has(a.node) || !neighbors.has(b.node)) continue;
    neighbors.get(a.node)!.push(b.node);
    neighbors.get(b.node)!.push(a.node);
  }
  const known = new Map<string, ReadonlyMap<string, number>>();
  const reach = (from: string): ReadonlyMap<string, number> => {
    const counts = new Map([[from, 0]]);
    // A Map gives what is added while it is walked.
    for (const [name, count] of counts) {
      for (const next of neighbors.get(name)!) if (!counts.has(next)) counts.set(next, count + 1);
    }
    return counts;
  };
  return (from, to) => {
    let counts = known.get(from);
    if (counts === undefined) {
      counts = reach(from);
      known.set(from, counts);
    }
    return counts.get(to) ?? 0;
  };
}
