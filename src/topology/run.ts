/**
 * Runs a topology: builds the network, starts the gateways, lets traffic and events happen, watches, and reports. On
 * a virtual clock (virtual-run.ts) or the machine's.
 */

import { type Clock, sleep } from '../base/clock.js';
import { printable } from '../base/printable.js';
import type { ProgramCounters } from '../draw/render.js';
import type { GatewayEvent } from '../gateway/events.js';
import type { LogFields, LogLevel } from '../gateway/log.js';
import type { GatewayOptions } from '../gateway/options.js';
import type { ControlTransport } from '../gateway/rpc/transport.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal, SpiKeyBatch } from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import type { SimPort } from '../hal-sim/port.js';
import type { Link } from '../hal-sim/ports/link.js';
import { Captures, type Sink } from './captures.js';
import { Events } from './events/events.js';
import { evaluate } from './expectations/evaluate.js';
import { ExternalsWatch } from './externals-watch.js';
import { watchTransport } from './given-keys.js';
import { InvariantChecker, type InvariantCheckerOptions } from './invariant-checker.js';
import { NodeLedger } from './ledger.js';
import {
  type EventPlan,
  externalsOf,
  type GatewayPlan,
  gatewaysOf,
  type InsiderPlan,
  insidersOf,
  type LinkPlan,
  type OutsidePlan,
  outsideName,
  type Topology,
  underlayAddresses,
} from './model.js';
import { type DeviceChange, type LinkChange, Network, type OpenIncarnation } from './network.js';
import type { GatewayNode } from './nodes/gateway-node.js';
import { IncarnationGoneError, type IncarnationSnapshot } from './nodes/incarnation.js';
import type { OpenOutside } from './nodes/outside-end.js';
import type { Oob } from './oob.js';
import { flowReport, networkReport, type Report } from './report.js';
import { flowsInOrder } from './report-order.js';
import { checkSeen } from './seen.js';
import { type SequenceStep, sequenceMermaid, stepOf } from './sequence.js';
import { sequenceSvg } from './sequence-svg.js';
import { strangersOf } from './strangers.js';
import type { Replay } from './traffic/replay-frames.js';
import { Traffic } from './traffic/traffic.js';

export interface RunOptions {
  readonly clock: Clock;
  /** Takes captures, log and sequence diagram; absent: none is made. */
  readonly sink?: Sink;
  /** Whether links and VFs are captured. */
  readonly captures?: boolean;
  /** Octets of each frame that captures have; absent, or 0: all. */
  readonly snapOctets?: number;
  /** The frames of `replay` flows, by flow: see replayOf. */
  readonly replays?: ReadonlyMap<string, Replay>;
  /** Transport of gateways' calls; in memory when absent. */
  readonly transport?: (plan: GatewayPlan | InsiderPlan, oob: Oob) => ControlTransport;
  /** Opens gateways; undefined, or absent: in this process. */
  readonly open?: (plan: GatewayPlan) => OpenIncarnation | undefined;
  /** Interfaces of this machine, by the names of their links. */
  readonly outside?: ReadonlyMap<string, OpenOutside>;
  readonly onKeys?: (node: GatewayNode, batch: SpiKeyBatch) => void;
  readonly onProgress?: (progress: Progress) => void;
  /** The ports of real hosts, by the gateways that they are behind. */
  readonly hosts?: ReadonlyMap<string, SimPort>;
  /** Gateways that run in other processes. */
  readonly remote?: (node: string) => boolean;
  /** Begins to follow the keys of gateways that somebody else runs; what it gives is called at the end, and says what was wrong. */
  readonly followKeys?: (tell: (external: string, key: Uint8Array) => void) => () => readonly string[];
  /** What cannot be watched of the topology's nodes, a sentence each, for the report. */
  readonly notChecked?: readonly string[];
  /** Breaks something on purpose, to see that it is found. */
  readonly sabotage?: Sabotage;
}

/**
 * A defect that is put in around gateways: between one and what watches its device, its calls and its options; nothing of the
 * gateway itself knows.
 */
export interface Sabotage {
  readonly hal?: (node: GatewayNode, hal: PipeHal) => PipeHal;
  readonly transport?: (node: GatewayNode, transport: ControlTransport) => ControlTransport;
  readonly options?: (options: GatewayOptions) => GatewayOptions;
  /** Changes to the simulated device's options. */
  readonly device?: DeviceChange;
  /** Changes to the options of links, which belong to the harness. */
  readonly link?: LinkChange;
}

export interface Progress {
  readonly atMs: number;
  readonly phase: 'starting' | 'running' | 'settling';
  readonly gateways: number;
  /** Gateways whose static tunnels are all up. */
  readonly staticUp: number;
  readonly flows: number;
  readonly flowsEnded: number;
}

/** Longest wait for static tunnels. The run goes on without them afterwards. */
const STATIC_TUNNELS_MAX_MS = 600_000;
const STATIC_POLL_MS = 10;
/** After traffic and events: what is on its way arrives. */
const SETTLE_MS = 500;
const SEQUENCE_STEPS_MAX = 200;
/** On the clock of the run. */
const PROGRESS_INTERVAL_MS = 50;
const LOG_FILE = 'run.log';
const SEQUENCE_FILES = [
  ['sequence.mmd', sequenceMermaid],
  ['sequence.svg', sequenceSvg],
] as const;

/** A run that is over. */
export interface RunResult {
  readonly report: Report;
  /** Pipe programs of the gateways with their counters, for drawings. */
  readonly programs: ReadonlyMap<
    string,
    { readonly program: PipeProgram; readonly counters: ProgramCounters }
  >;
}

/** Everything that the run needs is in `topology` and `options`; the same gives the same. */
export async function runTopology(topology: Topology, options: RunOptions): Promise<RunResult> {
  return await new Run(topology, options).run();
}

class Run {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #invariants: InvariantChecker;
  readonly #captures: Captures | undefined;
  readonly #network: Network;
  readonly #traffic: Traffic;
  readonly #events: Events;
  readonly #ledgers: ReadonlyMap<string, NodeLedger>;
  readonly #closing: Promise<void>[] = [];
  /** At the end, of the gateways that live. */
  readonly #snapshots = new Map<string, IncarnationSnapshot>();
  readonly #errors: string[] = [];
  readonly #externals: ExternalsWatch;
  #endKeys: () => readonly string[] = () => [];
  readonly #steps: SequenceStep[] = [];
  #stepsLeft = 0;
  #lastEventMs = 0;
  #phase: Progress['phase'] = 'starting';
  readonly #names: { peer: (peer: string) => string; workload: (ip: string) => string };

  constructor(
    private readonly topology: Topology,
    private readonly options: RunOptions,
  ) {
    const { clock, sink, sabotage, transport, open, outside, hosts } = options;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    const insiders = insidersOf(topology);
    const externals = externalsOf(topology);
    const strangerOf = strangersOf(topology);
    const ownerOf = new Map(
      [
        ...gatewaysOf(topology).map(({ name, workloads }) => ({
          name,
          addresses: workloads.flatMap(({ addresses }) => addresses),
        })),
        ...insiders,
        ...externals.map(({ name, workloads }) => ({
          name,
          addresses: workloads.flatMap(({ addresses }) => addresses),
        })),
      ].flatMap(({ name, addresses }) => addresses.map((ip) => [ip, name] as const)),
    );
    this.#invariants = new InvariantChecker(() => this.#nowMs(), {
      ...options,
      ownerOf: (ip) => ownerOf.get(ip),
      insiders: new Set(insiders.map(({ name }) => name)),
      strangers: new Set(externals.map(({ name }) => name)),
      ...(insiders.length === 0 ? {} : { restraint: restraintOf(topology) }),
    });
    this.#externals = new ExternalsWatch(externals, this.#invariants, (name, reason) =>
      this.#fail(name, reason),
    );
    if (sink !== undefined && options.captures === true)
      this.#captures = new Captures(sink, () => clock.nowMs(), options.snapOctets);
    const captures = this.#captures;
    this.#network = new Network({
      topology,
      clock,
      observer: {
        onUplink: (node, direction, frame) => this.#invariants.onUplink(node, direction, frame),
        onVf: (node, direction, frame) => {
          this.#invariants.onVf(node, direction, frame);
          captures?.onVf(node.name, direction, frame);
        },
        onEvent: (node, event) => this.#onEvent(node, event),
        ...(sink === undefined
          ? {}
          : { onLog: (node, level, message, fields) => this.#log(node.name, level, message, fields) }),
      },
      onLink: (plan, from, frame, fate) => {
        captures?.onLink(plan, from, frame, fate);
        if (fate === 'carried') this.#events.attackerOf(plan.name)?.see(from, frame);
      },
      // Sabotage is below the watch: it must be found.
      wrapHal: (node, hal) => this.#invariants.wrapHal(node, sabotage?.hal?.(node, hal) ?? hal),
      ...(sabotage?.options === undefined ? {} : { changeOptions: sabotage.options }),
      ...(sabotage?.device === undefined ? {} : { device: sabotage.device }),
      ...(sabotage?.link === undefined ? {} : { link: sabotage.link }),
      wrapTransport: (node, inner) => {
        const watched = watchTransport(node, inner, {
          nameOf: (address) => this.#network.oob.nodeAt(address),
          strangerOf,
          onGiven: (given) => this.#externals.onGiven(given),
          onRequest: (...args) => this.#invariants.onRequest(...args),
          onGranted: (...args) => this.#invariants.onGranted(...args),
        });
        if (insiders.some(({ name }) => name === node)) return watched;
        return sabotage?.transport?.(this.#network.gateways.get(node)!, watched) ?? watched;
      },
      ...(transport === undefined ? {} : { transport }),
      ...(open === undefined ? {} : { open }),
      ...(hosts === undefined ? {} : { hosts }),
      onSeen: (node, seen) => {
        if (seen.what === 'given') this.#externals.onGiven(seen.given);
        else checkSeen(this.#invariants, node, seen);
      },
      onExternal: (plan, frame) => this.#invariants.onExternal(plan, frame),
      ...(outside === undefined ? {} : { outside }),
      onOutside: (name, trouble) =>
        this.#log(name, trouble === undefined ? 'info' : 'warning', trouble ?? 'it is there again'),
    });
    this.#ledgers = new Map([...this.#network.gateways.keys()].map((name) => [name, new NodeLedger()]));
    const owners = new Map<string, string>();
    const peers = new Map<string, string>();
    for (const node of this.#network.gateways.values()) {
      const { host, port } = node.plan.serviceAddress;
      for (const text of [`${host}:${port}`, `[${host}]:${port}`]) peers.set(text, node.name);
    }
    for (const { plan } of this.#network.workloads.values())
      for (const ip of plan.addresses) owners.set(ip, plan.name);
    this.#names = { peer: (text) => peers.get(text) ?? text, workload: (ip) => owners.get(ip) ?? ip };
    const foreign = new Map(
      externals.flatMap(({ workloads }) => workloads.map((plan) => [plan.name, plan] as const)),
    );
    for (const plan of foreign.values()) for (const ip of plan.addresses) owners.set(ip, plan.name);
    this.#traffic = new Traffic(topology.scenario.traffic, {
      clock,
      workload: (name) => this.#network.workloads.get(name)!,
      planOf: (name) => this.#network.workloads.get(name)?.plan ?? foreign.get(name)!,
      replays: options.replays ?? new Map(),
    });
    for (const node of this.#network.gateways.values()) this.#traffic.attach(node);
    this.#events = new Events({
      topology,
      clock,
      network: this.#network,
      onEvent: (event) => this.#log('scenario', 'info', eventText(event)),
      onStop: (node) => this.#close(node),
      onError: (event, reason) => this.#fail(`event "${eventText(event)}"`, reason),
    });
  }

  async run(): Promise<RunResult> {
    const { topology } = this;
    const progress = this.#reportProgress();
    this.#endKeys = this.options.followKeys?.((...told) => this.#externals.keyTold(...told)) ?? this.#endKeys;
    const gateways = [...this.#network.gateways.values()];
    const insiders = [...this.#network.insiders.values()];
    const outside = [...this.#network.outside.values()];
    try {
      await Promise.all([...outside, ...gateways, ...insiders].map((node) => node.start()));
      this.#phase = 'running';
      const over = this.#scenario().catch((error: unknown) => this.#fail('scenario', error));
      const { durationMs } = topology.scenario;
      if (durationMs === undefined) {
        await over;
        this.#phase = 'settling';
        await sleep(this.#clock, SETTLE_MS);
      } else await sleep(this.#clock, this.#startMs + durationMs - this.#clock.nowMs());
      const report = await this.#report();
      const programs = new Map(
        [...this.#ledgers].flatMap(([name, { program, pipeCounters: counters }]) =>
          program === undefined ? [] : [[name, { program, counters }] as const],
        ),
      );
      return { report, programs };
    } finally {
      progress.stop();
      await Promise.all([...outside, ...gateways, ...insiders].map((node) => node.stop()));
    }
  }

  async #scenario(): Promise<void> {
    await Promise.all([
      this.#traffic.run(),
      this.#events.run().then(() => {
        this.#lastEventMs = this.topology.scenario.events.length === 0 ? 0 : this.#nowMs();
      }),
      this.#staticTunnels(),
    ]);
  }

  async #staticTunnels(): Promise<void> {
    const waiting = [...this.#network.gateways.values()].filter(
      ({ plan }) => plan.options.staticTunnels !== undefined,
    );
    for (const node of waiting) {
      while (this.#ledgers.get(node.name)!.staticTunnelsUp === 0 && this.#nowMs() < STATIC_TUNNELS_MAX_MS)
        await sleep(this.#clock, STATIC_POLL_MS);
      if (this.#ledgers.get(node.name)!.staticTunnelsUp === 0)
        this.#fail(node.name, `its static tunnels were not all up within ${STATIC_TUNNELS_MAX_MS} ms`);
    }
  }

  #fail(who: string, reason: unknown): void {
    this.#errors.push(`${who}: ${reasonOf(reason)}`);
  }

  #nowMs(): number {
    return this.#clock.nowMs() - this.#startMs;
  }

  /** Takes down what an incarnation has counted, before it ends. */
  #close(node: GatewayNode): Promise<void> {
    const { incarnation } = node;
    if (incarnation === undefined) return Promise.resolve();
    const take = (snapshot: IncarnationSnapshot) => {
      this.#invariants.checkDevice(node.name, snapshot.counts.fates);
      this.#ledgers.get(node.name)!.close(snapshot);
      if (node.incarnation === incarnation) this.#snapshots.set(node.name, snapshot);
    };
    const closed = incarnation.snapshot().then(take, (error: unknown) => {
      // A process that crashes takes its counts with it.
      if (!(error instanceof IncarnationGoneError)) this.#fail(`counters of ${node.name}`, error);
    });
    this.#closing.push(closed);
    return closed;
  }

  #onEvent(node: GatewayNode, event: GatewayEvent): void {
    this.#ledgers.get(node.name)!.onEvent(event, this.#clock.nowMs());
    if (this.options.sink === undefined) return;
    const step = stepOf(node.name, event, this.#names);
    if (step === undefined) return;
    if (this.#steps.length < SEQUENCE_STEPS_MAX) this.#steps.push({ atMs: this.#nowMs(), ...step });
    else this.#stepsLeft++;
  }

  #log(who: string, level: LogLevel, message: string, fields: LogFields = {}): void {
    const { sink } = this.options;
    if (sink === undefined || level === 'debug' || level === 'trace') return;
    const rest = Object.entries(fields).flatMap(([key, value]) =>
      value === undefined || key === 'event' ? [] : [` ${key}=${value}`],
    );
    const line = printable(`${this.#nowMs().toFixed(3)} ${who} ${level}: ${message}${rest.join('')}`);
    sink.write(LOG_FILE, new TextEncoder().encode(`${line}\n`));
  }

  #reportProgress(): { stop: () => void } {
    const { onProgress } = this.options;
    if (onProgress === undefined) return { stop: () => {} };
    const { flows } = this.#traffic;
    const tick = () => {
      onProgress({
        atMs: this.#nowMs(),
        phase: this.#phase,
        gateways: this.#network.gateways.size,
        staticUp: [...this.#ledgers.values()].filter(({ staticTunnelsUp }) => staticTunnelsUp > 0).length,
        flows: flows.length,
        flowsEnded: flows.filter(({ ended }) => ended).length,
      });
      timer = this.#clock.setTimer(tick, PROGRESS_INTERVAL_MS);
    };
    let timer = this.#clock.setTimer(tick, 0);
    return { stop: () => timer.cancel() };
  }

  async #report(): Promise<Report> {
    const { topology } = this;
    const durationMs = this.#nowMs();
    for (const problem of this.#endKeys()) this.#errors.push(problem);
    for (const node of this.#network.gateways.values()) void this.#close(node);
    await Promise.all(this.#closing);
    this.#checkLinks();
    const parts = networkReport(this.#network, this.#ledgers, this.#snapshots);
    const flows = this.#traffic.flows.map((flow) => [flow.plan.name, flowReport(flow)] as const);
    const judged = evaluate(topology.scenario.expectations, {
      flows: this.#traffic.flows,
      report: { ...parts, flows: Object.fromEntries(flows) },
      lastEventMs: this.#lastEventMs,
      startMs: this.#startMs,
      leaks: topology.scenario.expectations.some(({ type }) => type === 'no-leaks') ? this.#leaks() : [],
    });
    const { violations, violationCount } = this.#invariants;
    const { sink, notChecked = [] } = this.options;
    if (sink !== undefined) {
      for (const [name, draw] of SEQUENCE_FILES)
        sink.write(name, new TextEncoder().encode(draw(this.#steps, this.#stepsLeft)));
    }
    return {
      name: topology.name,
      seed: topology.seed,
      ok: violationCount === 0 && this.#errors.length === 0 && judged.every(({ ok }) => ok),
      durationMs,
      gateways: this.#network.gateways.size,
      tunnels: parts.tunnels,
      flows: flowsInOrder(flows, judged),
      nodes: parts.nodes,
      ...(parts.insiders === undefined ? {} : { insiders: parts.insiders }),
      switches: parts.switches,
      routers: parts.routers,
      links: parts.links,
      ...(parts.outside === undefined ? {} : { outside: parts.outside }),
      oob: parts.oob,
      injected: this.#events.injected,
      expectations: judged.map(({ failing: _, ...verdict }) => verdict),
      violations,
      violationCount,
      errors: this.#errors,
      ...(notChecked.length === 0 ? {} : { notChecked }),
    };
  }

  #leaks(): string[] {
    return [...this.#snapshots].flatMap(([name, { leaks }]) => leaks.map((leak) => `${name}: ${leak}`));
  }

  /** Every frame that a link was given has one end, or is on its way. */
  #checkLinks(): void {
    for (const [name, { plan, link }] of this.#network.links) {
      let given = 0;
      let ended = link.onTheWay;
      for (const { sent, duplicated, delivered, lost, queueDropped, closed } of link.counters) {
        given += sent + duplicated;
        ended += delivered + lost + queueDropped + closed;
      }
      if (given !== ended)
        this.#invariants.violate('unaccounted', name, `${given} frames into the link, ${ended} ends`);
      if (plan.outside !== undefined) this.#checkOutside({ ...plan, outside: plan.outside }, link);
    }
  }

  /** Every frame that a link delivers to an interface has one end there. */
  #checkOutside(plan: LinkPlan & { readonly outside: OutsidePlan }, link: Link): void {
    const name = outsideName(plan);
    const { sent, queueFull, sendErrors } = this.#network.outside.get(name)!.counters;
    const ended = sent + queueFull + sendErrors;
    const { delivered } = link.counters[plan.outside.end === 0 ? 1 : 0];
    if (delivered !== ended)
      this.#invariants.violate('unaccounted', name, `${delivered} frames for the interface, ${ended} ends`);
  }
}

/** Whose underlay addresses are, or come to be by an event, and who is there. */
function restraintOf(topology: Topology): NonNullable<InvariantCheckerOptions['restraint']> {
  const nodes = [...gatewaysOf(topology), ...insidersOf(topology), ...externalsOf(topology)];
  const holders = new Map(
    nodes.flatMap(({ name, underlay }) => underlayAddresses(underlay).map((ip) => [ip, name] as const)),
  );
  for (const event of topology.scenario.events)
    if (event.type === 'readdress') holders.set(event.ip, event.node);
  return {
    gateways: new Map(gatewaysOf(topology).map((plan) => [plan.name, plan])),
    peers: nodes.filter((node) => node.kind !== 'insider' || !node.silent).length - 1,
    holderOf: (ip) => holders.get(ip),
  };
}

function eventText(event: EventPlan): string {
  const { atMs: _, type, ...rest } = event;
  return `${type} ${JSON.stringify(rest)}`;
}
