/** Makes a failing topology smaller while it fails in the same way: fewer events, flows and gateways, weaker faults. */
import { EVENTS } from '../events/registry.js';
import { type EventPlan, type GatewayPlan, gatewaysOf, type Scenario, type Topology } from '../model.js';
import { TRAFFIC } from '../traffic/registry.js';

/** Whether a smaller topology still fails in the same way. */
export type StillFails = (topology: Topology) => Promise<boolean>;

/** @param runsMax tries; each costs a run */
export async function shrink(
  topology: Topology,
  stillFails: StillFails,
  runsMax: number,
): Promise<{ readonly topology: Topology; readonly runs: number }> {
  let best = topology;
  let runs = 0;
  for (let progress = true; progress; ) {
    progress = false;
    for (const step of STEPS) {
      // Candidates are made anew from every success; `skip` are those that were tried in vain.
      for (let skip = 0; runs < runsMax; ) {
        const candidate = nth(step(best), skip);
        if (candidate === undefined) break;
        runs++;
        if (await stillFails(candidate)) {
          best = candidate;
          progress = true;
        } else skip++;
      }
    }
  }
  return { topology: best, runs };
}

type Step = (topology: Topology) => Iterable<Topology>;

const STEPS: readonly Step[] = [fewerEvents, fewerFlows, fewerGateways, shorterFlows, weakerEvents];

function nth<T>(values: Iterable<T>, n: number): T | undefined {
  let i = 0;
  for (const value of values) if (i++ === n) return value;
  return undefined;
}

function withScenario(topology: Topology, change: Partial<Scenario>): Topology {
  return { ...topology, scenario: { ...topology.scenario, ...change } };
}

/** The list without one half of it, then without a quarter, and so on down to one element. */
function* without<T>(all: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < all.length; at += size) yield [...all.slice(0, at), ...all.slice(at + size)];
  }
}

function* fewerEvents(topology: Topology): Generator<Topology> {
  const { events } = topology.scenario;
  const isFault = ({ type }: EventPlan) => EVENTS[type].endsFaults !== true;
  for (const rest of without(events.filter(isFault)))
    yield withScenario(topology, {
      events: events.filter((event) => !isFault(event) || rest.includes(event)),
    });
}

function* fewerFlows(topology: Topology): Generator<Topology> {
  const { traffic, expectations } = topology.scenario;
  for (const rest of without(traffic)) {
    const names = new Set(rest.map(({ name }) => name));
    const still = expectations.filter(
      (one) => !('flows' in one) || one.flows.every((flow) => names.has(flow)),
    );
    yield withScenario(topology, { traffic: rest, expectations: still });
  }
}

/** The topology without gateways that no flow and no event needs. */
function* fewerGateways(topology: Topology): Generator<Topology> {
  const { traffic, events } = topology.scenario;
  const workloads = new Set(traffic.flatMap((flow) => ('to' in flow ? [flow.from, flow.to] : [flow.from])));
  const named = new Set(events.flatMap((event) => EVENTS[event.type].needs(event).nodes ?? []));
  const isNeeded = (plan: GatewayPlan) =>
    named.has(plan.name) || plan.workloads.some(({ name }) => workloads.has(name));
  const spare = gatewaysOf(topology).filter((gateway) => !isNeeded(gateway));
  for (const rest of without(spare)) {
    const gone = new Set(spare.filter((node) => !rest.includes(node)).map(({ name }) => name));
    const services = new Set(
      spare.filter(({ name }) => gone.has(name)).map(({ serviceAddress }) => serviceAddress.host),
    );
    const links = topology.links.filter(({ endpoints }) => !endpoints.some(({ node }) => gone.has(node)));
    const left = new Set(links.map(({ name }) => name));
    yield {
      ...topology,
      nodes: topology.nodes
        .filter(({ name }) => !gone.has(name))
        .map((node) =>
          node.kind === 'gateway'
            ? {
                ...node,
                options: {
                  ...node.options,
                  peers: node.options.peers.filter(
                    ({ serviceAddress }) => !services.has(serviceAddress.host),
                  ),
                },
              }
            : node,
        ),
      links,
      scenario: {
        ...topology.scenario,
        events: events.filter((event) =>
          (EVENTS[event.type].needs(event).links ?? []).every((link) => left.has(link)),
        ),
      },
    };
  }
}

function* shorterFlows(topology: Topology): Generator<Topology> {
  const { traffic } = topology.scenario;
  for (const [i, flow] of traffic.entries()) {
    const shorter = TRAFFIC[flow.type].shorter?.(flow);
    if (shorter !== undefined) yield withScenario(topology, { traffic: traffic.with(i, shorter) });
  }
}

function* weakerEvents(topology: Topology): Generator<Topology> {
  const { events } = topology.scenario;
  for (const [i, event] of events.entries()) {
    for (const weaker of EVENTS[event.type].weaker?.(event) ?? [])
      yield withScenario(topology, { events: events.with(i, weaker) });
  }
}
