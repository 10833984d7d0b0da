/** Makes a scenario's events happen. */
import { type Clock, sleep } from '../../base/clock.js';
import { Attacker } from '../attacker.js';
import type { Topology } from '../model.js';
import type { Network } from '../network.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import { randomOf } from '../seeds.js';
import type { EventContext } from './kind.js';
import { EVENTS, type EventPlan } from './registry.js';

export interface EventsDeps {
  readonly topology: Topology;
  readonly clock: Clock;
  readonly network: Network;
  /** Called with each event when it begins. */
  readonly onEvent: (event: EventPlan) => void;
  /** Called with a gateway that is about to be closed. */
  readonly onStop: (node: GatewayNode) => Promise<void>;
  /** Called when an event fails, or lacks what it needs. */
  readonly onError: (event: EventPlan, reason: unknown) => void;
}

export class Events {
  readonly #attackers = new Map<string, Attacker>();

  constructor(private readonly deps: EventsDeps) {}

  /** Frames that attackers put onto links. */
  get injected(): number {
    return [...this.#attackers.values()].reduce((sum, { injected }) => sum + injected, 0);
  }

  /** The link's frames are to be shown to its attacker, if it has one. */
  attackerOf(link: string): Attacker | undefined {
    return this.#attackers.get(link);
  }

  /** Resolves when every event has happened and all it takes is over. */
  async run(): Promise<void> {
    const { topology, clock, network, onEvent, onStop, onError } = this.deps;
    const context: EventContext = {
      network,
      clock,
      onStop,
      gateway: (name) => network.gateways.get(name)!,
      attackerAt: (link) => this.#attackerAt(link),
    };
    await Promise.all(
      topology.scenario.events.map(async (event) => {
        await sleep(clock, event.atMs);
        onEvent(event);
        try {
          await EVENTS[event.type].happen(event, context);
        } catch (error) {
          onError(event, error);
        }
      }),
    );
  }

  #attackerAt(link: string): Attacker {
    const known = this.#attackers.get(link);
    if (known !== undefined) return known;
    const { topology, network } = this.deps;
    const state = network.links.get(link)!;
    const attacker = new Attacker(state.link, randomOf(topology.seed, `attacker ${link}`));
    this.#attackers.set(link, attacker);
    return attacker;
  }
}
