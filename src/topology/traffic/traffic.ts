/** Starts the flows of a scenario between workloads, each as its kind says, and shows what workloads receive to Arrivals. */
import { type Clock, sleep } from '../../base/clock.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import type { WorkloadPlan } from '../model.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import { Arrivals } from './arrivals.js';
import { Flow } from './flow.js';
import type { BetweenWorkloads, TrafficContext } from './kind.js';
import { TRAFFIC, type TrafficPlan } from './registry.js';
import type { Replay } from './replay-frames.js';

export interface TrafficDeps {
  readonly clock: Clock;
  /** Gateway and plan of a workload. */
  readonly workload: (name: string) => { readonly node: GatewayNode; readonly plan: WorkloadPlan };
  /** Likewise of one behind a gateway that somebody else runs. */
  readonly planOf: (name: string) => WorkloadPlan;
  /** The frames of replay flows, by flow. */
  readonly replays: ReadonlyMap<string, Replay>;
}

export class Traffic {
  readonly flows: readonly Flow[];
  readonly #context: TrafficContext;

  constructor(plans: readonly TrafficPlan[], deps: TrafficDeps) {
    this.flows = plans.map((plan, number) => new Flow(plan, number, deps.replays.get(plan.name)));
    this.#context = {
      ...deps,
      addresses: ({ from, to, family }: BetweenWorkloads) => {
        const address = (name: string): IpAddress =>
          deps.planOf(name).addresses.find((ip) => ipFamily(ip) === family)!;
        return [address(from), address(to)];
      },
      arrivals: new Arrivals(deps.clock, this.flows),
    };
  }

  /** Looks at what the node's workloads receive. */
  attach(node: GatewayNode): void {
    node.host.onFrame((frame) => this.#context.arrivals.received(node, frame));
  }

  /** Starts every flow at its time; resolves when all have ended. */
  async run(): Promise<void> {
    await Promise.all(
      this.flows.map(async (flow) => {
        await sleep(this.#context.clock, flow.plan.startMs);
        await TRAFFIC[flow.plan.type].start(flow, flow.plan, this.#context);
        flow.ended = true;
      }),
    );
  }
}
