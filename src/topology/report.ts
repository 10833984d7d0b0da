/** The results of a run as one value: JSON for programs, and for people through report-markdown.ts. */

import type { CountedByIncarnations, NODE } from './counter-groups.js';
import type { Verdict } from './expectations/kind.js';
import type { Violation } from './invariant-checker.js';
import type { NodeLedger } from './ledger.js';
import type { Network } from './network.js';
import type { Counts, IncarnationSnapshot } from './nodes/incarnation.js';
import type { Flow, Percentiles } from './traffic/flow.js';
import { percentiles } from './traffic/flow.js';

/** What became of one flow. */
export interface FlowReport {
  readonly type: string;
  readonly from: string;
  readonly to?: string;
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly reordered: number;
  /** One way; of pings there and back. */
  readonly latencyMs?: Percentiles;
  readonly transfer?: { readonly octets: number; readonly intact: boolean; readonly retransmissions: number };
  /** Frames of a replayed capture that were not sent, by reason. */
  readonly leftOut?: Counts;
  /** Those of them that the workload sent, or may have sent, in the capture. */
  readonly unplayable?: number;
  /** It does not meet an expectation; absent: it meets all that name it. */
  readonly failed?: true;
}

/** What one gateway did, over all its incarnations. */
export interface NodeReport
  extends Readonly<Record<keyof typeof NODE, number>>,
    Readonly<Record<CountedByIncarnations, Counts>> {
  readonly rpcs: Counts;
  readonly tunnelSetUpMs?: Percentiles;
  /** By pipe: packets that met an entry, and packets that met none. */
  readonly pipes: Readonly<Record<string, Readonly<Record<'packets' | 'misses', number>>>>;
  /** Frames that came while the gateway was down. */
  readonly vacant: Readonly<Record<'uplink' | 'vf', number>>;
}

/** What a run has shown. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  readonly ok: boolean;
  /** Duration of the run, on its clock. */
  readonly durationMs: number;
  readonly gateways: number;
  readonly tunnels: number;
  /** The flows, failed ones first (report-order.ts). */
  readonly flows: Readonly<Record<string, FlowReport>>;
  readonly nodes: Readonly<Record<string, NodeReport>>;
  /** Counts of the insiders' actions. */
  readonly insiders?: Readonly<Record<string, Counts>>;
  readonly switches: Readonly<Record<string, Counts>>;
  readonly routers: Readonly<Record<string, { readonly counters: Counts; readonly sent: Counts }>>;
  readonly links: Readonly<Record<string, Readonly<Record<string, Counts>>>>;
  /** What went through interfaces of this machine. */
  readonly outside?: Readonly<Record<string, Counts>>;
  readonly oob: Counts;
  readonly injected: number;
  /** The expectations, in the order of the scenario. */
  readonly expectations: readonly Verdict[];
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  readonly errors: readonly string[];
  /** What could not be checked of nodes that the run does not have in its own hands, a sentence each; absent: nothing. */
  readonly notChecked?: readonly string[];
}

export function flowReport(flow: Flow): FlowReport {
  const { plan, sent, delivered, duplicates, reordered, latencyMs, transfer, replay } = flow;
  return {
    type: plan.type,
    from: plan.from,
    ...('to' in plan ? { to: plan.to } : {}),
    sent,
    delivered,
    lost: sent - delivered,
    duplicates,
    reordered,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(transfer === undefined ? {} : { transfer }),
    ...(replay === undefined ? {} : { leftOut: replay.leftOut, unplayable: replay.unplayable }),
  };
}

/** The parts of a report that describe nodes and links; ledgers are closed. */
export function networkReport(
  network: Network,
  ledgers: ReadonlyMap<string, NodeLedger>,
  /** Snapshots of the gateways that run. */
  snapshots: ReadonlyMap<string, IncarnationSnapshot>,
): Pick<Report, 'nodes' | 'insiders' | 'switches' | 'routers' | 'links' | 'outside' | 'oob' | 'tunnels'> {
  let tunnels = 0;
  const nodes: Record<string, NodeReport> = {};
  for (const [name, node] of network.gateways) {
    const ledger = ledgers.get(name)!;
    const held = snapshots.get(name)?.held ?? { sessions: 0, keySlotsUsed: 0 };
    tunnels += held.sessions;
    const setUpMs = percentiles(ledger.setUpMs);
    nodes[name] = {
      starts: node.incarnations,
      ...held,
      ...ledger.events,
      rpcs: { ...ledger.rpcs },
      ...(setUpMs === undefined ? {} : { tunnelSetUpMs: setUpMs }),
      ...ledger.counts,
      pipes: pipesOf(ledger),
      vacant: node.vacant,
    };
  }
  const links: Record<string, Record<string, Counts>> = {};
  for (const [name, { plan, link }] of network.links) {
    links[name] = Object.fromEntries(
      plan.endpoints.map(({ node, port }, i) => [`${node}:${port}`, { ...link.counters[i as 0 | 1] }]),
    );
  }
  return {
    nodes,
    ...(network.insiders.size === 0
      ? {}
      : {
          insiders: Object.fromEntries(
            [...network.insiders].map(([name, { counters }]) => [name, { ...counters }]),
          ),
        }),
    switches: Object.fromEntries(
      [...network.switches].map(([name, { counters }]) => [name, { ...counters }]),
    ),
    routers: Object.fromEntries(
      [...network.routers].map(([name, { counters, sent }]) => [name, { counters: { ...counters }, sent }]),
    ),
    links,
    ...(network.outside.size === 0
      ? {}
      : {
          outside: Object.fromEntries(
            [...network.outside].map(([name, { counters }]) => [name, { ...counters }]),
          ),
        }),
    oob: { ...network.oob.counters },
    tunnels,
  };
}

function pipesOf({ program, pipeCounters }: NodeLedger): NodeReport['pipes'] {
  const packets = (key: string) => Number(pipeCounters.get(key)?.packets ?? 0);
  return Object.fromEntries(
    (program?.pipes ?? []).map(({ name }) => [
      name,
      { packets: packets(`${name}/total`), misses: packets(`${name}/miss`) },
    ]),
  );
}
