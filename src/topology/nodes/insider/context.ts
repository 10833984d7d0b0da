/** What the parts of an insider share: its place in the network, its random draws, what it counts and the keys that it was given. */
import type { Clock } from '../../../base/clock.js';
import { chance, type Random } from '../../../base/random.js';
import type { ControlTransport, ServiceAddress } from '../../../gateway/rpc/transport.js';
import type { TunnelParameters } from '../../../gateway/rpc/tunnel-messages.js';
import type { SimPort } from '../../../hal-sim/port.js';
import type { IpAddress, IpFamily, MacAddress } from '../../../packet/address.js';
import type { InsiderPlan } from '../../model.js';

/** A gateway as its peers know it. */
export interface InsiderTarget {
  readonly name: string;
  readonly serviceAddress: ServiceAddress;
  readonly mac: MacAddress;
  readonly underlay: readonly IpAddress[];
  readonly outerFamily: IpFamily;
  readonly mode: 'tunnel' | 'transport';
  /** Destination of frames in transport mode. */
  readonly workloadMac: MacAddress;
  readonly virtualIps: readonly IpAddress[];
}

export interface InsiderDeps {
  readonly plan: InsiderPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly uplink: SimPort;
  readonly transport: ControlTransport;
  readonly targets: readonly InsiderTarget[];
  /** MAC of the router at the other end of its link, if there is one. */
  readonly nextHop: () => MacAddress | undefined;
}

/** Counts of its actions and of the answers it got. */
export interface InsiderCounters {
  acts: number;
  /** Requests that it sent, those that were answered, and those that failed or were refused. */
  asked: number;
  granted: number;
  refused: number;
  /** Requests that came to it. */
  received: number;
  /** PSP packets that it sent, and of them those in another's name. */
  sent: number;
  impersonating: number;
  /** Frames that it sent as ARP or neighbor discovery. */
  smuggled: number;
  /** Frames that came for it. */
  frames: number;
}

/** A key that a gateway gave to it, with all that is needed to send under it. */
export interface Held {
  readonly target: InsiderTarget;
  readonly parameters: TunnelParameters;
  /** Its own address that the tunnel was asked for, and the gateway's. */
  readonly own: IpAddress;
  readonly remote: IpAddress;
}

/** Limits on what it keeps; the oldest goes first. */
const HELD_MAX = 2000;
export const KEPT_MAX = 200;

export class InsiderContext {
  readonly counters: InsiderCounters = {
    acts: 0,
    asked: 0,
    granted: 0,
    refused: 0,
    received: 0,
    sent: 0,
    impersonating: 0,
    smuggled: 0,
    frames: 0,
  };
  readonly #held: Held[] = [];

  constructor(readonly deps: InsiderDeps) {}

  get plan(): InsiderPlan {
    return this.deps.plan;
  }

  hold(held: Held): void {
    keep(this.#held, held, HELD_MAX);
  }

  /** Any key that it ever had, old ones included; undefined: it has none. */
  anyHeld(): Held | undefined {
    return this.#held.length === 0 ? undefined : this.pick(this.#held);
  }

  /** The gateways but this one. */
  othersThan(target: InsiderTarget): InsiderTarget[] {
    return this.deps.targets.filter((other) => other !== target);
  }

  below(below: number): number {
    return this.deps.random.uint32() % below;
  }

  chance(ratio: number): boolean {
    return chance(this.deps.random, ratio);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** Adds to a list of so many; the oldest goes. */
export function keep<T>(list: T[], value: T, max: number): void {
  if (list.length === max) list.shift();
  list.push(value);
}
