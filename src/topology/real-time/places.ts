/**
 * Where the parts of a topology are in real time: every gateway on an address of its own, on the loopback network or
 * another machine's; the core, which has links, switches, routers and workloads, on one more. Frames between a gateway
 * and the core go over UDP, one frame per datagram, on ports that follow from the gateway's number.
 */
import type { PeerOptions } from '../../gateway/options.js';
import { type IpAddress, parseIp } from '../../packet/address.js';
import { type GatewayPlan, gatewaysOf, type Topology } from '../model.js';

export interface PlacesOptions {
  /** Second octet of the loopback addresses, so that runs on one machine keep out of each other's way. */
  readonly subnet: number;
  /** Gateways that are on other machines. */
  readonly elsewhere: ReadonlyMap<string, IpAddress>;
  /** Address of the core, as the gateways reach it; absent: on the loopback network. */
  readonly core?: IpAddress;
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
    this.#numbers = new Map(gatewaysOf(topology).map(({ name }, i) => [name, i]));
    this.core = options.core ?? parseIp(`127.${options.subnet}.255.254`);
  }

  hostOf(gateway: string): IpAddress {
    const number = this.#numbers.get(gateway)! + 1;
    return (
      this.options.elsewhere.get(gateway) ??
      parseIp(`127.${this.options.subnet}.${number >>> 8}.${number & 255}`)
    );
  }

  linkOf(gateway: string, which: 'uplink' | 'vf'): UdpLink {
    const port = PORT_FIRST + PORTS_PER_GATEWAY * this.#numbers.get(gateway)! + (which === 'uplink' ? 0 : 2);
    return {
      gateway: { host: this.hostOf(gateway), port },
      core: { host: this.core, port: port + 1 },
    };
  }

  /** The topology with the gateways' services at these places. */
  apply(topology: Topology): Topology {
    const hosts = new Map<string, IpAddress>();
    for (const { name, serviceAddress } of gatewaysOf(topology))
      hosts.set(serviceAddress.host, this.hostOf(name));
    // Gateways share their peers' options, and go on doing so.
    const moved = new Map<PeerOptions, PeerOptions>();
    const movePeer = (peer: PeerOptions): PeerOptions => {
      const known = moved.get(peer);
      if (known !== undefined) return known;
      const host = hosts.get(peer.serviceAddress.host) ?? peer.serviceAddress.host;
      const there = { ...peer, serviceAddress: { ...peer.serviceAddress, host } };
      moved.set(peer, there);
      return there;
    };
    const move = (plan: GatewayPlan): GatewayPlan => {
      const serviceAddress = { ...plan.serviceAddress, host: this.hostOf(plan.name) };
      return {
        ...plan,
        serviceAddress,
        options: { ...plan.options, serviceAddress, peers: plan.options.peers.map(movePeer) },
      };
    };
    return {
      ...topology,
      nodes: topology.nodes.map((node) => (node.kind === 'gateway' ? move(node) : node)),
    };
  }
}
