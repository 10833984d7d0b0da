/**
 * The network of a topology, built: links, switches, routers and gateways, and the OOB network between the gateways.
 * Faults are methods; src/topology/events.ts calls them at their times.
 */

import type { Clock } from '../base/clock.js';
import type { GatewayOptions } from '../gateway/options.js';
import type { ControlTransport } from '../gateway/rpc/transport.js';
import type { PipeHal } from '../hal/hal.js';
import type { SimHalOptions } from '../hal-sim/device.js';
import type { SimPort } from '../hal-sim/port.js';
import {
  createLink,
  type Impairments,
  type Link,
  type LinkFate,
  type LinkOptions,
} from '../hal-sim/ports/link.js';
import { type IpAddress, type MacAddress, macFromOctets, macToOctets } from '../packet/address.js';
import {
  type ExternalPlan,
  externalsOf,
  type GatewayPlan,
  gatewaysOf,
  type InsiderPlan,
  type LinkPlan,
  type OutsidePlan,
  outsideName,
  type RouterPlan,
  type Topology,
  underlayAddresses,
  type WorkloadPlan,
} from './model.js';
import { GatewayNode, type GatewayNodeDeps, type GatewayNodeObserver } from './nodes/gateway-node.js';
import type { InsiderTarget } from './nodes/insider/context.js';
import { Insider } from './nodes/insider/insider.js';
import { openLocalIncarnation, openSimDevice } from './nodes/local-incarnation.js';
import { type OpenOutside, OutsideEnd } from './nodes/outside-end.js';
import { type NextHop, Router } from './nodes/router.js';
import { Switch } from './nodes/switch.js';
import { Oob } from './oob.js';
import { Routes } from './routes.js';
import { randomOf } from './seeds.js';
import type { Seen } from './seen.js';

export interface NetworkDeps {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly observer: GatewayNodeObserver;
  /** Sees what every link carries; `from` is the index of the endpoint that sends. */
  readonly onLink?: (link: LinkPlan, from: 0 | 1, frame: Uint8Array, fate: LinkFate) => void;
  /** Wraps the device of a gateway in this process. */
  readonly wrapHal?: (node: GatewayNode, hal: PipeHal) => PipeHal;
  readonly changeOptions?: (options: GatewayOptions) => GatewayOptions;
  /** Changes to the options of the simulated devices of gateways in this process. */
  readonly device?: DeviceChange;
  readonly link?: LinkChange;
  /** Wraps the transport of gateways. */
  readonly wrapTransport?: (node: string, transport: ControlTransport) => ControlTransport;
  /** Transport of gateways' calls; over `oob`, in memory, when absent. */
  readonly transport?: (plan: GatewayPlan | InsiderPlan, oob: Oob) => ControlTransport;
  /** Opens gateways; undefined, or absent: in this process. */
  readonly open?: (plan: GatewayPlan) => OpenIncarnation | undefined;
  /** The ports of real hosts, by the gateways that they are behind. */
  readonly hosts?: ReadonlyMap<string, SimPort>;
  /** A gateway that somebody else runs sends a frame. */
  readonly onExternal?: (plan: ExternalPlan, frame: Uint8Array) => void;
  /** Gets what is seen of the keys of gateways in other processes. */
  readonly onSeen?: (node: GatewayNode, seen: Seen) => void;
  /** Interfaces of this machine, by the names of their links. */
  readonly outside?: ReadonlyMap<string, OpenOutside>;
  /** Nothing goes through an interface any more, with the reason; undefined: it does again. */
  readonly onOutside?: (name: string, trouble: string | undefined) => void;
}

/** Options of a simulated device that may differ from the others'. */
export type DeviceChange = Pick<SimHalOptions, 'firstIv' | 'limits'>;

/** Options of links that may differ from the others'. */
export type LinkChange = Pick<LinkOptions, 'corruptibleFrom'>;

/** Starts an incarnation of a gateway of the network; see GatewayNodeDeps. */
export type OpenIncarnation = (
  network: Network,
  ...args: Parameters<GatewayNodeDeps['open']>
) => Promise<void>;

interface LinkState {
  readonly plan: LinkPlan;
  readonly link: Link;
  impairments: Impairments;
  cut: boolean;
}

export class Network {
  readonly gateways = new Map<string, GatewayNode>();
  readonly insiders = new Map<string, Insider>();
  /** The workloads, with the gateway that each is behind. */
  readonly workloads = new Map<string, { readonly node: GatewayNode; readonly plan: WorkloadPlan }>();
  readonly switches = new Map<string, Switch>();
  readonly routers = new Map<string, Router>();
  readonly links = new Map<string, LinkState>();
  /** By the names of the ends, as `host:ens2f0np0`. */
  readonly outside = new Map<string, OutsideEnd>();
  readonly oob: Oob;
  readonly #ends = new Map<string, SimPort>();
  /** MAC addresses of ports on layer 3, by `node:port`. */
  readonly #macs = new Map<string, MacAddress>();
  readonly #routerPorts = new Map<string, readonly string[]>();
  #nextHops: ReadonlyMap<string, MacAddress> = new Map();

  constructor(private readonly deps: NetworkDeps) {
    const { topology, clock, observer } = deps;
    const { seed, nodes } = topology;
    this.oob = new Oob(clock, randomOf(seed, 'oob'), topology.oob);
    for (const plan of topology.links) this.#addLink(plan);
    const portsOf = (node: string) =>
      topology.links.flatMap(({ endpoints }) => endpoints.filter((end) => end.node === node));
    for (const [index, plan] of nodes.entries()) {
      if (plan.kind === 'switch') {
        const ports = portsOf(plan.name).map(({ port }) => this.#end(plan.name, port));
        this.switches.set(plan.name, new Switch(ports));
      } else if (plan.kind === 'router')
        this.#addRouter(
          plan,
          index,
          portsOf(plan.name).map(({ port }) => port),
        );
      else if (plan.kind === 'insider') this.#addInsider(plan);
      else if (plan.kind === 'external') {
        this.oob.register(plan);
        this.#macs.set(`${plan.name}:${plan.at.slice(plan.at.indexOf(':') + 1)}`, plan.uplinkMac);
      } else {
        this.#macs.set(`${plan.name}:p0`, plan.uplinkMac);
        const elsewhere = deps.open?.(plan)?.bind(undefined, this);
        // In other processes they have transports of their own.
        if (elsewhere !== undefined) this.oob.register(plan);
        const vf = deps.hosts?.get(plan.name);
        const node = new GatewayNode({
          plan,
          clock,
          uplink: this.#end(plan.name, 'p0'),
          ...(vf === undefined ? {} : { vf }),
          observer,
          open: elsewhere ?? this.#localIncarnations(plan),
        });
        this.gateways.set(plan.name, node);
        for (const workload of plan.workloads) this.workloads.set(workload.name, { node, plan: workload });
      }
    }
    this.reroute();
  }

  /** The gateway that a workload is behind. Throws when there is no such workload. */
  ownerOf(workload: string): GatewayNode {
    const found = this.workloads.get(workload);
    if (found === undefined) throw new Error(`there is no workload ${workload}`);
    return found.node;
  }

  get observer(): GatewayNodeObserver {
    return this.deps.observer;
  }

  seen(node: GatewayNode, seen: Seen): void {
    this.deps.onSeen?.(node, seen);
  }

  cut(name: string): void {
    this.#change(name, (state) => {
      state.cut = true;
    });
  }

  restoreLink(name: string): void {
    this.#change(name, (state) => {
      state.cut = false;
    });
  }

  impair(name: string, impairments: Partial<Impairments>): void {
    this.#change(name, (state) => {
      state.impairments = { ...state.impairments, ...impairments };
    });
  }

  /** All links and the OOB network as the topology has them. */
  resetFaults(): void {
    const { topology } = this.deps;
    for (const [name, { plan }] of this.links) {
      this.#change(name, (state) => {
        state.impairments = plan.impairments;
        state.cut = false;
      });
    }
    this.oob.set(topology.oob);
    this.oob.heal();
  }

  /** Computes all routes anew, at once: a routing protocol's outcome, not its course. */
  reroute(): void {
    if (this.routers.size === 0) return;
    const { topology } = this.deps;
    const up = topology.links.filter(({ name }) => !this.links.get(name)!.cut);
    const routes = new Routes(topology.nodes, up);
    const tables = new Map(
      [...this.routers.keys()].map((name) => [name, new Map<IpAddress, readonly NextHop[]>()]),
    );
    const nextHops = new Map<string, MacAddress>();
    const destinations = [
      ...[...this.gateways].map(([name, gateway]) => [name, gateway.receivingAddresses] as const),
      ...[...this.insiders].map(([name, { plan }]) => [name, underlayAddresses(plan.underlay)] as const),
      ...externalsOf(topology).map(({ name, underlay }) => [name, underlayAddresses(underlay)] as const),
    ];
    for (const [destination, addresses] of destinations) {
      for (const [name, hops] of routes.towards(destination)) {
        const ways = hops.map((hop) => ({ hop, nextMac: this.#macs.get(`${hop.next}:${hop.nextPort}`)! }));
        const table = tables.get(name);
        if (table !== undefined) {
          const ports = this.#routerPorts.get(name)!;
          const entry = ways.map(({ hop, nextMac }) => ({
            port: ports.indexOf(hop.port),
            nextMac: macToOctets(nextMac),
          }));
          for (const address of addresses) table.set(address, entry);
        } else if (this.routers.has(ways[0]!.hop.next)) nextHops.set(name, ways[0]!.nextMac);
      }
    }
    for (const [name, router] of this.routers) router.setRoutes(tables.get(name)!);
    // A gateway's next hop is one of its flags: a link that is cut leaves it as it is.
    if (this.#nextHops.size === 0) this.#nextHops = nextHops;
  }

  #addLink(plan: LinkPlan): void {
    const { topology, clock, onLink, link: change = {} } = this.deps;
    const link = createLink({
      ...change,
      clock,
      random: randomOf(topology.seed, `link ${plan.name}`),
      name: plan.name,
      mtuOctets: plan.mtuOctets,
      impairments: plan.impairments,
      ...(onLink === undefined ? {} : { observe: (from, frame, fate) => onLink(plan, from, frame, fate) }),
    });
    this.links.set(plan.name, { plan, link, impairments: plan.impairments, cut: false });
    for (const [i, { node, port }] of plan.endpoints.entries())
      this.#ends.set(`${node}:${port}`, link.ports[i as 0 | 1]);
    if (plan.outside !== undefined) this.#addOutside({ ...plan, outside: plan.outside }, link);
  }

  #addOutside(plan: LinkPlan & { outside: OutsidePlan }, link: Link): void {
    const { outside, onOutside } = this.deps;
    const open = outside?.get(plan.name);
    if (open === undefined) throw new Error(`the interface of the link ${plan.name} is not open`);
    const name = outsideName(plan);
    const port = link.ports[plan.outside.end];
    const owner = externalsOf(this.deps.topology).find(({ at }) => at === name);
    const end = new OutsideEnd(owner === undefined ? port : this.#observed(port, owner), open, (trouble) =>
      onOutside?.(name, trouble),
    );
    this.outside.set(name, end);
  }

  /** The port into which what a foreign gateway sends goes. */
  #observed(port: SimPort, owner: ExternalPlan): SimPort {
    return {
      name: port.name,
      mtuOctets: port.mtuOctets,
      send: (frames) => {
        for (const frame of frames) this.deps.onExternal?.(owner, frame);
        port.send(frames);
      },
      start: (receive) => port.start(receive),
      close: () => port.close(),
    };
  }

  #addInsider(plan: InsiderPlan): void {
    const { topology, clock, wrapTransport, transport: transportOf } = this.deps;
    this.#macs.set(`${plan.name}:p0`, plan.uplinkMac);
    const transport = transportOf?.(plan, this.oob) ?? this.oob.transport(plan);
    const targets = gatewaysOf(topology).map(
      ({ name, serviceAddress, uplinkMac, workloadMac, underlay, options, workloads }): InsiderTarget => ({
        name,
        serviceAddress,
        mac: uplinkMac,
        workloadMac,
        underlay: underlayAddresses(underlay),
        outerFamily: options.outerFamily,
        mode: options.mode,
        virtualIps: workloads.flatMap(({ addresses }) => addresses),
      }),
    );
    this.insiders.set(
      plan.name,
      new Insider({
        plan,
        clock,
        random: randomOf(topology.seed, `insider ${plan.name}`),
        uplink: this.#end(plan.name, 'p0'),
        transport: wrapTransport?.(plan.name, transport) ?? transport,
        targets,
        nextHop: () => this.#nextHops.get(plan.name),
      }),
    );
  }

  #addRouter(plan: RouterPlan, index: number, names: readonly string[]): void {
    const { seed } = this.deps.topology;
    this.#routerPorts.set(plan.name, names);
    const ports = names.map((name, i) => {
      const mac = macFromOctets(Uint8Array.of(0x06, 0, index >>> 8, index, i >>> 8, i));
      this.#macs.set(`${plan.name}:${name}`, mac);
      return { name, mac, port: this.#end(plan.name, name) };
    });
    this.routers.set(plan.name, new Router(ports, randomOf(seed, `router ${plan.name}`).uint32()));
  }

  #end(node: string, port: string): SimPort {
    return this.#ends.get(`${node}:${port}`)!;
  }

  /** All incarnations of a gateway draw from one source: none repeats the keys of another. */
  #localIncarnations(plan: GatewayPlan): GatewayNodeDeps['open'] {
    const { topology, observer, wrapHal, wrapTransport, transport, device = {} } = this.deps;
    const random = randomOf(topology.seed, `gateway ${plan.name}`);
    const wrapped = (inner: ControlTransport) => wrapTransport?.(plan.name, inner) ?? inner;
    return (node, ports, started) => {
      const { clock, underlay } = node;
      const options = this.optionsOf(plan);
      const { aead } = options;
      return openLocalIncarnation({
        options,
        clock,
        random,
        openDevice: () => openSimDevice({ plan, underlay, aead, clock, random, ports, device }),
        transport: wrapped(transport?.(plan, this.oob) ?? this.oob.transport(plan)),
        entriesDelayMs: () => node.entriesDelayMs,
        wrapHal: (hal) => wrapHal?.(node, hal) ?? hal,
        onEvent: (event) => observer.onEvent(node, event),
        onLog: observer.onLog && ((...line) => observer.onLog!(node, ...line)),
        started,
      });
    };
  }

  /** Options of a gateway: the plan's, and its next hop where it has a router. */
  optionsOf(plan: GatewayPlan): GatewayOptions {
    const nexthopDmac = plan.options.nexthopDmac ?? this.#nextHops.get(plan.name);
    const options = nexthopDmac === undefined ? plan.options : { nexthopDmac, ...plan.options };
    return this.deps.changeOptions?.(options) ?? options;
  }

  #change(name: string, change: (state: LinkState) => void): void {
    const state = this.links.get(name)!;
    const wasCut = state.cut;
    change(state);
    state.link.setImpairments(state.cut ? { ...state.impairments, lossRatio: 1 } : state.impairments);
    if (state.cut === wasCut) return;
    for (const one of this.switches.values()) one.forget();
    this.reroute();
  }
}
