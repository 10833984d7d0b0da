/** Real hosts behind the VFs of gateways: their ends, opened before the gateways start. */
import type { SimPort } from '../../hal-sim/port.js';
import { type GatewayPlan, gatewaysOf, type HostPlan, type Topology, type WorkloadPlan } from '../model.js';
import { interfaceStem } from './interface-names.js';
import { type Machine, orStartError } from './machine.js';

/** As simulated workloads have it. */
const MTU_OCTETS = 9000;

export class Hosts {
  /** By the gateways that they are behind. */
  readonly ports = new Map<string, SimPort>();
  readonly #closing: (() => Promise<void> | void)[] = [];

  private constructor(private readonly machine: Machine) {}

  /** Rejects with StartError; nothing is left then. */
  static async open(topology: Topology, machine: Machine): Promise<Hosts> {
    const hosts = new Hosts(machine);
    try {
      for (const plan of gatewaysOf(topology))
        for (const workload of plan.workloads)
          if (workload.host !== undefined) await hosts.#open(plan, workload, workload.host);
      return hosts;
    } catch (error) {
      await hosts.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }

  async #open(plan: GatewayPlan, workload: WorkloadPlan, { behind, name }: HostPlan): Promise<void> {
    const { machine } = this;
    const tapName = behind === 'tap' ? name : `${interfaceStem()}w`;
    const port = orStartError(
      workload.name,
      (): SimPort =>
        behind === 'interface'
          ? machine.openInterface(name)
          : machine.openTap({ name: tapName, mac: plan.workloadMac, mtuOctets: MTU_OCTETS }),
    );
    this.#closing.push(() => port.close());
    // A TAP comes up here, and only then may be somewhere else.
    let receive: Parameters<SimPort['start']>[0] = () => {};
    await port.start((frames) => receive(frames));
    this.ports.set(plan.name, {
      name: port.name,
      mtuOctets: port.mtuOctets,
      send: (frames) => port.send(frames),
      start: async (receiver) => {
        receive = receiver;
      },
      // Open as long as the run is, whatever becomes of the gateway.
      close: async () => {},
    });
    if (behind !== 'namespace') return;
    const inside = await machine.enterNamespace(tapName, name, workload.addresses);
    this.#closing.push(() => inside.close());
  }
}
