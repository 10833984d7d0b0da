/**
 * A gateway of a topology: its places on the underlay and at the VF, the host with its workloads' addresses, and one
 * incarnation after the other. It can be stopped, crash and start again; what belongs to one incarnation is made anew.
 */

import { type Clock, sleep } from '../../base/clock.js';
import type { GatewayEvent } from '../../gateway/events.js';
import type { LogFields, LogLevel } from '../../gateway/log.js';
import type { SimPort } from '../../hal-sim/port.js';
import { createVirtualHost, type VirtualHost } from '../../hal-sim/ports/host.js';
import { observePort } from '../../hal-sim/ports/observe.js';
import { type IpAddress, ipFamily, macToOctets } from '../../packet/address.js';
import { type GatewayPlan, type GatewayPort, underlayAddresses } from '../model.js';
import type { Incarnation } from './incarnation.js';
import { NodeClock } from './node-clock.js';
import { PortSlot } from './port-slot.js';

/** Observes the frames that go through a gateway. Frames are lent: neither to be kept nor to be changed. */
export interface GatewayNodeObserver {
  /** A frame leaves for the underlay, or comes from there. */
  onUplink(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void;
  /** A frame of the workloads, `in`, or for them, `out`. */
  onVf(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void;
  onEvent(node: GatewayNode, event: GatewayEvent): void;
  /** Absent when nobody reads the log: then gateways make no lines. */
  onLog?(node: GatewayNode, level: LogLevel, message: string, fields: LogFields | undefined): void;
}

/** The ports of a new incarnation. */
export interface IncarnationPorts {
  readonly uplink: SimPort;
  readonly vf: SimPort;
}

export interface GatewayNodeDeps {
  readonly plan: GatewayPlan;
  readonly clock: Clock;
  /** The end of the link at p0. */
  readonly uplink: SimPort;
  /** The VF's other end, where a real host is; absent: simulated workloads. */
  readonly vf?: SimPort;
  readonly observer: GatewayNodeObserver;
  /** Starts an incarnation; `started` is to be called before its first frame. */
  readonly open: (
    node: GatewayNode,
    ports: IncarnationPorts,
    started: (incarnation: Incarnation) => void,
  ) => Promise<void>;
}

const VF_MTU_OCTETS = 9000;

export class GatewayNode {
  readonly name: string;
  readonly clock: NodeClock;
  readonly host: VirtualHost;
  /** Names of the simulated workloads that are there. */
  readonly #present = new Set<string>();
  readonly #uplink: PortSlot;
  readonly #vf: PortSlot;
  #underlay: GatewayPlan['underlay'];
  #entriesDelayMs = 0;
  #incarnation: Incarnation | undefined;
  #incarnations = 0;

  constructor(private readonly deps: GatewayNodeDeps) {
    const { plan, clock, uplink } = deps;
    this.name = plan.name;
    this.clock = new NodeClock(clock);
    this.#underlay = plan.underlay;
    for (const { name, present, host } of plan.workloads)
      if (present && host === undefined) this.#present.add(name);
    this.host = createVirtualHost({
      clock,
      mac: plan.workloadMac,
      addresses: this.addresses,
      mtuOctets: VF_MTU_OCTETS,
    });
    // In transport mode frames keep the workloads' own Ethernet headers.
    const macs = [plan.uplinkMac, ...(plan.options.mode === 'transport' ? [plan.workloadMac] : [])];
    this.#uplink = new PortSlot(uplink, macs.map(macToOctets));
    this.#vf = new PortSlot(deps.vf ?? this.host.port);
  }

  get plan(): GatewayPlan {
    return this.deps.plan;
  }

  /** The one it has now; undefined while it is down. */
  get incarnation(): Incarnation | undefined {
    return this.#incarnation;
  }

  /** Number of starts. */
  get incarnations(): number {
    return this.#incarnations;
  }

  get underlay(): GatewayPlan['underlay'] {
    return this.#underlay;
  }

  /** The addresses under which PSP packets find it: its own, in transport mode those of its workloads too. */
  get receivingAddresses(): IpAddress[] {
    const { options, workloads } = this.deps.plan;
    const own = underlayAddresses(this.#underlay);
    return options.mode === 'tunnel' ? own : [...own, ...workloads.flatMap(({ addresses }) => addresses)];
  }

  /** Addresses of the simulated workloads that are there. */
  get addresses(): IpAddress[] {
    return this.deps.plan.workloads
      .filter(({ name }) => this.#present.has(name))
      .flatMap(({ addresses }) => addresses);
  }

  /** Frames that came for it while it was down, from the underlay and from its workloads. */
  get vacant(): { readonly uplink: number; readonly vf: number } {
    return { uplink: this.#uplink.vacant, vf: this.#vf.vacant };
  }

  async start(): Promise<void> {
    const { observer, open } = this.deps;
    const uplink = observePort(this.#uplink.take(), (direction, frame) =>
      observer.onUplink(this, direction, frame),
    );
    const vf = observePort(this.#vf.take(), (direction, frame) => observer.onVf(this, direction, frame));
    this.#incarnations++;
    let started: Incarnation | undefined;
    try {
      await open(this, { uplink, vf }, (incarnation) => {
        started = incarnation;
        this.#incarnation = incarnation;
      });
    } catch (error) {
      // A crash or a stop in the middle of a start ends it: that is no failure of the gateway's.
      if (started === undefined || this.#incarnation === started) throw error;
    }
  }

  /** Rotates the master key and re-keys all sessions. */
  async rotate(): Promise<void> {
    const incarnation = this.#incarnation;
    try {
      await incarnation?.rotate();
    } catch (error) {
      // As in start: an incarnation that has ended meanwhile rotates nothing.
      if (this.#incarnation === incarnation) throw error;
    }
  }

  /** Stops the gateway in order. Nobody is told: PSP gateways have no farewell. */
  async stop(): Promise<void> {
    const incarnation = this.#incarnation;
    this.#incarnation = undefined;
    await incarnation?.stop();
  }

  /** Everything is gone at once, whatever the gateway was about. */
  async crash(): Promise<void> {
    const incarnation = this.#incarnation;
    this.#incarnation = undefined;
    await incarnation?.crash();
  }

  addWorkload(name: string): void {
    this.#present.add(name);
    this.host.setAddresses(this.addresses);
  }

  removeWorkload(name: string): void {
    this.#present.delete(name);
    this.host.setAddresses(this.addresses);
  }

  /** The address under which it is reached on the underlay from its next start on. */
  setUnderlay(ip: IpAddress): void {
    this.#underlay = { ...this.#underlay, ...(ipFamily(ip) === 4 ? { ipv4: ip } : { ipv6: ip }) };
  }

  /** A port is away for a time. */
  async losePort(port: GatewayPort, durationMs: number): Promise<void> {
    const slot = port === 'uplink' ? this.#uplink : this.#vf;
    slot.losses++;
    await sleep(this.deps.clock, durationMs);
    slot.losses--;
  }

  /** Time that entries take to install. */
  get entriesDelayMs(): number {
    return this.#entriesDelayMs;
  }

  setEntriesDelay(delayMs: number): void {
    this.#entriesDelayMs = delayMs;
    this.#incarnation?.adjusted?.();
  }

  /** Its clocks go ahead. */
  jumpClock(jumpMs: number): void {
    this.clock.jump(jumpMs);
    this.#incarnation?.adjusted?.();
  }
}
