/** The network of the gateways' RPCs, in memory: delay, jitter, loss, and partitions between gateways. */

import type { Clock } from '../base/clock.js';
import { chance, type Random, uniform } from '../base/random.js';
import { MemoryNetwork, type RpcFate } from '../gateway/rpc/memory-transport.js';
import { type ControlTransport, type ServiceAddress, serviceText } from '../gateway/rpc/transport.js';
import type { GatewayPlan, OobPlan } from './model.js';

export interface OobCounters {
  calls: number;
  /** Requests and answers that were lost, and calls across a partition. */
  lost: number;
  partitioned: number;
}

export class Oob {
  readonly counters: OobCounters = { calls: 0, lost: 0, partitioned: 0 };
  readonly #network: MemoryNetwork;
  /** Nodes by service address, as serviceText writes it. */
  readonly #nodes = new Map<string, string>();
  /** The group of each node that is in one; empty: no partition. */
  #groups = new Map<string, number>();
  #partition: readonly (readonly string[])[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(
    clock: Clock,
    private readonly random: Random,
    private plan: OobPlan,
  ) {
    this.#network = new MemoryNetwork({ clock, fate: (from, to) => this.fate(from, to) });
  }

  /** The transport of one incarnation of a gateway, known to the others by its service address. */
  transport({ name, serviceAddress }: Pick<GatewayPlan, 'name' | 'serviceAddress'>): ControlTransport {
    this.register({ name, serviceAddress });
    return this.#network.transport(serviceAddress);
  }

  /** The gateway is at its service address. */
  register({ name, serviceAddress }: Pick<GatewayPlan, 'name' | 'serviceAddress'>): void {
    this.#nodes.set(serviceText(serviceAddress), name);
  }

  /** Name of the node that serves at an address. */
  nodeAt(address: ServiceAddress): string | undefined {
    return this.#nodes.get(serviceText(address));
  }

  set(change: Partial<OobPlan>): void {
    this.plan = { ...this.plan, ...change };
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when another plan or partition holds, until what it gives is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The current faults. */
  get now(): { readonly oob: OobPlan; readonly groups: readonly (readonly string[])[] } {
    return { oob: this.plan, groups: this.#partition };
  }

  /** From now on only nodes of one group reach each other. A node in no group reaches all. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#partition = groups;
    this.#groups = new Map(groups.flatMap((group, i) => group.map((name) => [name, i] as const)));
    for (const listener of this.#listeners) listener();
  }

  heal(): void {
    this.partition([]);
  }

  /** The fate of one RPC. */
  fate(from: ServiceAddress, to: ServiceAddress): RpcFate {
    const { random, counters } = this;
    const { delayMs, jitterMs, lossRatio } = this.plan;
    counters.calls++;
    const delay = delayMs + (jitterMs === 0 ? 0 : uniform(random, jitterMs));
    const [a, b] = [from, to].map((address) => this.#groups.get(this.#nodes.get(serviceText(address)) ?? ''));
    if (a !== undefined && b !== undefined && a !== b) {
      counters.partitioned++;
      return { delayMs: delay, lost: 'request' };
    }
    const request = chance(random, lossRatio);
    const response = chance(random, lossRatio);
    if (!request && !response) return { delayMs: delay };
    counters.lost++;
    return { delayMs: delay, lost: request ? 'request' : 'response' };
  }
}
