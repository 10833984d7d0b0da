/**
 * A gateway of a topology: device, gateway and, behind the VF, one virtual host with all workloads' addresses. It can
 * be stopped, crash and start again; what belongs to one life of it, an incarnation, is made anew.
 */
import type { GatewayEvent } from '../../gateway/events.js';
import { Gateway } from '../../gateway/gateway.js';
import type { LogFields, LogLevel } from '../../gateway/log.js';
import type { GatewayOptions } from '../../gateway/options.js';
import type { ControlTransport } from '../../gateway/transport.js';
import type { Clock } from '../../hal/clock.js';
import type { PipeHal } from '../../hal/hal.js';
import type { Random } from '../../hal/random.js';
import { openSimHal, type SimHal } from '../../hal-sim/device.js';
import type { SimPort } from '../../hal-sim/port.js';
import { createVirtualHost, type VirtualHost } from '../../hal-sim/ports/host.js';
import { observePort } from '../../hal-sim/ports/observe.js';
import { type IpAddress, ipFamily, macToOctets } from '../../packet/address.js';
import type { GatewayPlan } from '../model.js';
import { NodeClock } from './node-clock.js';
import { Seat } from './seat.js';
import { slowEntries } from './slow-entries.js';

/** Who sees what goes through a gateway. Frames are lent: neither to be kept nor to be changed. */
export interface GatewayNodeObserver {
  /** A frame leaves for the underlay, or comes from there. */
  onUplink(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void;
  /** A frame of the workloads, `in`, or for them, `out`. */
  onVf(node: GatewayNode, direction: 'in' | 'out', frame: Uint8Array): void;
  onEvent(node: GatewayNode, event: GatewayEvent): void;
  onLog(node: GatewayNode, level: LogLevel, message: string, fields: LogFields | undefined): void;
}

export interface GatewayNodeDeps {
  readonly plan: GatewayPlan;
  readonly clock: Clock;
  readonly random: Random;
  /** The end of the link at p0. */
  readonly uplink: SimPort;
  /** A transport for each incarnation. */
  readonly transport: () => ControlTransport;
  /** Options in force now: the plan's, and what the network adds to them. */
  readonly options: () => GatewayOptions;
  readonly observer: GatewayNodeObserver;
  /** The device as the gateway gets it. */
  readonly wrapHal?: (node: GatewayNode, hal: PipeHal) => PipeHal;
}

/** What one life of the gateway has. */
export interface Incarnation {
  readonly number: number;
  readonly gateway: Gateway;
  readonly hal: SimHal;
}

const VF_MTU_OCTETS = 9000;

export class GatewayNode {
  readonly name: string;
  readonly clock: NodeClock;
  readonly host: VirtualHost;
  /** Addresses of the workloads that are there. */
  readonly #present = new Set<string>();
  readonly #uplink: Seat;
  readonly #vf: Seat;
  #underlay: GatewayPlan['underlay'];
  #entriesDelayMs = 0;
  #now: Incarnation | undefined;
  #incarnations = 0;

  constructor(private readonly deps: GatewayNodeDeps) {
    const { plan, clock, uplink } = deps;
    this.name = plan.name;
    this.clock = new NodeClock(clock);
    this.#underlay = plan.underlay;
    for (const { name, present } of plan.workloads) if (present) this.#present.add(name);
    this.host = createVirtualHost({
      clock,
      mac: plan.workloadMac,
      addresses: this.addresses,
      mtuOctets: VF_MTU_OCTETS,
    });
    // In transport mode frames keep the workloads' own Ethernet headers.
    const macs = [plan.uplinkMac, ...(plan.options.mode === 'transport' ? [plan.workloadMac] : [])];
    this.#uplink = new Seat(uplink, macs.map(macToOctets));
    this.#vf = new Seat(this.host.port);
  }

  get plan(): GatewayPlan {
    return this.deps.plan;
  }

  /** The gateway that runs now; undefined while it is down. */
  get now(): Incarnation | undefined {
    return this.#now;
  }

  /** How often it has been started. */
  get incarnations(): number {
    return this.#incarnations;
  }

  get underlay(): GatewayPlan['underlay'] {
    return this.#underlay;
  }

  /** Addresses of the workloads that are there. */
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
    const { plan, random, observer, wrapHal } = this.deps;
    const { ipv4, ipv6 } = this.#underlay;
    const uplink = observePort(this.#uplink.take(), (direction, frame) =>
      observer.onUplink(this, direction, frame),
    );
    const vf = observePort(this.#vf.take(), (direction, frame) => observer.onVf(this, direction, frame));
    const hal = await openSimHal({
      clock: this.clock,
      random,
      uplink: {
        port: uplink,
        mac: plan.uplinkMac,
        ...(ipv4 === undefined ? {} : { ipv4 }),
        ...(ipv6 === undefined ? {} : { ipv6 }),
      },
      vf: { port: vf, mac: plan.uplinkMac, workload: { mac: plan.workloadMac, addresses: [] } },
    });
    const slow = slowEntries(hal, this.clock, () => this.#entriesDelayMs);
    const number = ++this.#incarnations;
    const gateway = new Gateway({
      hal: wrapHal?.(this, slow) ?? slow,
      transport: this.deps.transport(),
      clock: this.clock,
      random,
      logger: {
        log: (level, message, fields) => observer.onLog(this, level, message, fields),
        enabled: (level) => level !== 'trace',
      },
      options: this.deps.options(),
      observe: (event) => observer.onEvent(this, event),
    });
    this.#now = { number, gateway, hal };
    await gateway.start();
  }

  /** Stops the gateway in order. Nobody is told: PSP gateways have no farewell. */
  async stop(): Promise<void> {
    const now = this.#now;
    this.#now = undefined;
    await now?.gateway.stop();
  }

  /** Everything is gone at once: first the device, whatever the gateway was about. */
  async crash(): Promise<void> {
    const now = this.#now;
    this.#now = undefined;
    await now?.hal.close();
    await now?.gateway.stop();
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

  /** Entries take this long to install from now on. */
  setEntriesDelay(delayMs: number): void {
    this.#entriesDelayMs = delayMs;
  }
}
