/**
 * Where the parts of a topology are in real time: every gateway on an address of its own of the loopback network; the
 * core, which has links, switches, routers and workloads, on one more. With gateways on other machines, those that
 * stay with the core are at the core's address, and services are told apart by their ports. Frames between a gateway
 * and the core go over UDP, one frame per datagram, between these addresses or on a cable of the gateway's own. Ports follow from the
 * gateway's number.
 */
import type { PeerOptions } from '../../gateway/options.js';
import { type ServiceAddress, serviceText } from '../../gateway/rpc/transport.js';
import { type IpAddress, parseIp } from '../../packet/address.js';
import { type GatewayPlan, gatewaysOf, type InsiderPlan, insidersOf, type Topology } from '../model.js';

export interface PlacesOptions {
  /** Second octet of the loopback addresses, so that runs on one machine keep out of each other's way. */
  readonly subnet: number;
  /** Gateways that are on other machines. */
  readonly elsewhere: ReadonlyMap<string, IpAddress>;
  /** Address of the core, as the gateways reach it; absent: on the loopback network. */
  readonly core?: IpAddress;
  /** DNS names of places, by their addresses: by these names peers tell the gateways there, and not by the addresses. */
  readonly names?: ReadonlyMap<IpAddress, string>;
  /** Gateways whose frames go between other addresses than their services. */
  readonly cables?: ReadonlyMap<string, Cable>;
}

/** The two ends of a cable between a gateway and the core. */
export interface Cable {
  readonly gateway: IpAddress;
  readonly core: IpAddress;
}

export interface Endpoint {
  readonly host: IpAddress;
  readonly port: number;
}

/** A UDP link: the gateway's end and the core's. */
export interface UdpLink {
  readonly gateway: Endpoint;
  readonly core: Endpoint;
}

const PORT_FIRST = 20_000;
const PORTS_PER_GATEWAY = 4;
/** Ports end at 65535. */
export const GATEWAYS_MAX = 10_000;

export class Places {
  readonly core: IpAddress;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(
    topology: Topology,
    private readonly options: PlacesOptions,
  ) {
    this.#numbers = new Map(servers(topology).map(({ name }, i) => [name, i]));
    this.core = options.core ?? parseIp(`127.${options.subnet}.255.254`);
  }

  /** Others than this machine reach the gateways, which are all at the core's address but for those elsewhere. */
  get #areShared(): boolean {
    return this.options.elsewhere.size > 0 || this.options.core !== undefined;
  }

  hostOf(gateway: string): IpAddress {
    const { elsewhere, subnet } = this.options;
    if (this.#areShared) return elsewhere.get(gateway) ?? this.core;
    const number = this.#numbers.get(gateway)! + 1;
    return parseIp(`127.${subnet}.${number >>> 8}.${number & 255}`);
  }

  #serviceOf({ name, serviceAddress }: GatewayPlan | InsiderPlan): ServiceAddress {
    const port = this.#areShared ? this.#firstPortOf(name) : serviceAddress.port;
    return { host: this.hostOf(name), port };
  }

  /** Ports on the gateway's own address: TCP for its service, UDP for its links. */
  #firstPortOf(gateway: string): number {
    return PORT_FIRST + PORTS_PER_GATEWAY * this.#numbers.get(gateway)!;
  }

  linkOf(gateway: string, which: 'uplink' | 'vf'): UdpLink {
    const port = this.#firstPortOf(gateway) + (which === 'uplink' ? 0 : 2);
    const ends = this.options.cables?.get(gateway) ?? { gateway: this.hostOf(gateway), core: this.core };
    return { gateway: { host: ends.gateway, port }, core: { host: ends.core, port: port + 1 } };
  }

  /** The topology with the gateways' services at these places. */
  apply(topology: Topology): Topology {
    const services = new Map(
      servers(topology).map((plan) => [serviceText(plan.serviceAddress), this.#serviceOf(plan)]),
    );
    // Gateways share their peers' options, and go on doing so.
    const moved = new Map<PeerOptions, PeerOptions>();
    const movePeer = (peer: PeerOptions): PeerOptions => {
      const known = moved.get(peer);
      if (known !== undefined) return known;
      const service = services.get(serviceText(peer.serviceAddress));
      const name = service === undefined ? undefined : this.options.names?.get(service.host);
      const there = {
        ...peer,
        serviceAddress: service ?? peer.serviceAddress,
        ...(name === undefined ? {} : { identities: [{ type: 'dns', value: name } as const] }),
      };
      moved.set(peer, there);
      return there;
    };
    const move = (plan: GatewayPlan): GatewayPlan => {
      const serviceAddress = this.#serviceOf(plan);
      return {
        ...plan,
        serviceAddress,
        options: { ...plan.options, serviceAddress, peers: plan.options.peers.map(movePeer) },
      };
    };
    return {
      ...topology,
      nodes: topology.nodes.map((node) =>
        node.kind === 'gateway'
          ? move(node)
          : node.kind === 'insider'
            ? { ...node, serviceAddress: this.#serviceOf(node) }
            : node,
      ),
    };
  }
}

/** Who has a service, and so a number: gateways come first. */
function servers(topology: Topology): (GatewayPlan | InsiderPlan)[] {
  return [...gatewaysOf(topology), ...insidersOf(topology)];
}
