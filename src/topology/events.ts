/** Makes a scenario's events happen. */
import { type Clock, sleep } from '../base/clock.js';
import { Attacker } from './attacker.js';
import type { EventPlan, Topology } from './model.js';
import type { Network } from './network.js';
import type { GatewayNode } from './nodes/gateway-node.js';
import { randomOf } from './seeds.js';

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
    const { topology, clock, onEvent, onError } = this.deps;
    await Promise.all(
      topology.scenario.events.map(async (event) => {
        await sleep(clock, event.atMs);
        onEvent(event);
        try {
          await this.#happen(event);
        } catch (error) {
          onError(event, error);
        }
      }),
    );
  }

  async #happen(event: EventPlan): Promise<void> {
    const { network, clock } = this.deps;
    const gateway = (name: string) => network.gateways.get(name)!;
    switch (event.type) {
      case 'rotate':
        await Promise.all(event.nodes.map((name) => gateway(name).rotate()));
        return;
      case 'restart':
      case 'crash':
        await Promise.all(event.nodes.map((name) => this.#down(gateway(name), event.type, event.downMs)));
        return;
      case 'impair':
        return network.impair(event.link, event.impairments);
      case 'cut':
        return network.cut(event.link);
      case 'mend':
        return network.mend(event.link);
      case 'partition':
        return network.oob.partition(event.groups);
      case 'heal':
        return network.oob.heal();
      case 'oob':
        return network.oob.set(event.oob);
      case 'add-workload':
        return network.ownerOf(event.workload).addWorkload(event.workload);
      case 'remove-workload':
        return network.ownerOf(event.workload).removeWorkload(event.workload);
      case 'readdress': {
        const node = gateway(event.node);
        node.setUnderlay(event.ip);
        network.reroute();
        await this.#down(node, 'restart', 0);
        return;
      }
      case 'attack':
        await this.#attackerAt(event.link).run(event, clock);
        return;
      case 'insider':
        await network.insiders.get(event.node)!.run(event.does, event.actsPerSecond, event.durationMs);
        return;
      case 'calm':
        return this.#calm();
      case 'clock-jump':
        return gateway(event.node).jumpClock(event.jumpMs);
      case 'lose-port':
        return gateway(event.node).losePort(event.port, event.durationMs);
      case 'slow-entries':
        return gateway(event.node).setEntriesDelay(event.delayMs);
      default:
        event satisfies never;
    }
  }

  #calm(): void {
    const { network } = this.deps;
    network.calm();
    for (const node of network.gateways.values()) {
      node.setEntriesDelay(0);
      for (const { name, present } of node.plan.workloads) {
        if (present) node.addWorkload(name);
        else node.removeWorkload(name);
      }
    }
  }

  /** A gateway that is down already stays so. */
  async #down(node: GatewayNode, how: 'restart' | 'crash', downMs: number): Promise<void> {
    const { clock, onStop } = this.deps;
    if (node.life === undefined) return;
    // Counts are taken now; nothing waits for them, as a crash waits for nothing.
    void onStop(node);
    await (how === 'crash' ? node.crash() : node.stop());
    if (downMs > 0) await sleep(clock, downMs);
    await node.start();
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
