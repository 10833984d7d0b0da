/**
 * A topology as it is run: nodes, links, the OOB network, and a scenario of traffic, events and expectations. Plain
 * data with every name resolved, every default filled in and every generator expanded; src/topology/file makes it
 * from YAML and back. Times are milliseconds from the start of the run, sizes octets, ratios 0 to 1.
 */
import type { GatewayOptions, PeerDialect } from '../gateway/options.js';
import type { ServiceAddress } from '../gateway/rpc/transport.js';
import type { SoftRelease } from '../hal/native-parts.js';
import type { Impairments } from '../hal-sim/ports/link.js';
import type { IpAddress, MacAddress } from '../packet/address.js';
import type { EventPlan } from './events/registry.js';
import type { Expectation } from './expectations/registry.js';
import type { TrafficPlan } from './traffic/registry.js';

export type { EventPlan } from './events/registry.js';
export type { Expectation } from './expectations/registry.js';
export type { TrafficPlan } from './traffic/registry.js';

/** What a topology file says, read and with every name resolved. */
export interface Topology {
  readonly name: string;
  /** Decides every random choice of a run; 32 bits. */
  readonly seed: number;
  /** When a run in virtual time begins, milliseconds since the Unix epoch; absent: EPOCH_MS of virtual-run.ts. */
  readonly epochMs?: number;
  /** The nodes, in the order of the file. */
  readonly nodes: readonly NodePlan[];
  readonly links: readonly LinkPlan[];
  readonly oob: OobPlan;
  readonly scenario: Scenario;
}

export type NodePlan = GatewayPlan | InsiderPlan | ExternalPlan | SwitchPlan | RouterPlan;

/** In the order of the file. */
export function gatewaysOf({ nodes }: Pick<Topology, 'nodes'>): GatewayPlan[] {
  return nodes.filter((node) => node.kind === 'gateway');
}

/** In the order of the file. */
export function insidersOf({ nodes }: Pick<Topology, 'nodes'>): InsiderPlan[] {
  return nodes.filter((node) => node.kind === 'insider');
}

/** In the order of the file. */
export function externalsOf({ nodes }: Pick<Topology, 'nodes'>): ExternalPlan[] {
  return nodes.filter((node) => node.kind === 'external');
}

/** A gateway's own addresses, IPv4 first. */
export function underlayAddresses({ ipv4, ipv6 }: GatewayPlan['underlay']): IpAddress[] {
  return [ipv4, ipv6].filter((ip) => ip !== undefined);
}

/** A gateway with one uplink, `p0`, and workloads behind its VF; over a simulated device, or one of DOCA. */
export interface GatewayPlan {
  readonly kind: 'gateway';
  readonly name: string;
  /** Absent: its device is simulated. */
  readonly doca?: DocaPlan;
  /** The flags that the file gives it, after `defaults` and `kinds`; a text per value, as on the command line. */
  readonly flags: Readonly<Record<string, string>>;
  /** The flags, with the values that the topology adds: service address, peers, local virtual addresses, next hop. */
  readonly options: GatewayOptions;
  readonly serviceAddress: ServiceAddress;
  readonly uplinkMac: MacAddress;
  readonly underlay: { readonly ipv4?: IpAddress; readonly ipv6?: IpAddress };
  /** The MAC behind the VF; all workloads of a gateway share it, as containers of one virtual machine do. */
  readonly workloadMac: MacAddress;
  readonly workloads: readonly WorkloadPlan[];
}

/** The device of a gateway over DOCA: the software DOCA, whose ports the run cables. */
export interface DocaPlan {
  /** As which release of DOCA it presents itself. */
  readonly release: SoftRelease;
  /** Keys of the device's section of the mapping file, besides those that the run gives. */
  readonly mapping: Readonly<Record<string, string | number>>;
}

export interface WorkloadPlan {
  /** Unique in the topology. */
  readonly name: string;
  readonly addresses: readonly IpAddress[];
  /** Whether the workload exists when the run begins; otherwise an event adds it. */
  readonly present: boolean;
  /** A host whose kernel, and whose traffic, are its own; absent: a simulated one. */
  readonly host?: HostPlan;
}

/** Where a real workload is: a network namespace of this machine, or an interface that the run makes or finds. */
export interface HostPlan {
  readonly behind: HostPlace;
  /** Of the namespace or the interface. */
  readonly name: string;
}

export const HOST_PLACES = ['namespace', 'tap', 'interface'] as const;
/** `external`: behind a gateway that somebody else runs. */
export type HostPlace = (typeof HOST_PLACES)[number] | 'external';

/**
 * A configured peer that is not honest: it has a name on the OOB network, one uplink, `p0`, and virtual addresses of its
 * own, as a gateway has, and does whatever is not forbidden (nodes/insider/).
 */
export interface InsiderPlan {
  readonly kind: 'insider';
  readonly name: string;
  readonly serviceAddress: ServiceAddress;
  readonly uplinkMac: MacAddress;
  readonly underlay: { readonly ipv4?: IpAddress; readonly ipv6?: IpAddress };
  /** The virtual addresses that it owns. */
  readonly addresses: readonly IpAddress[];
  /** A peer that is configured and dead: it answers nobody, and does nothing. */
  readonly silent: boolean;
  /**
   * Whether its place on the underlay lets it send from addresses that are not its own. Then it can prove others' addresses to
   * be its own (docs/security.md), and hold them for as long as it likes where `underlay` is not configured.
   */
  readonly spoofs: boolean;
}

/** A gateway that somebody else runs, behind a link's end outside. */
export interface ExternalPlan {
  readonly kind: 'external';
  readonly name: string;
  /** The end that it is behind, as links name it: `host:ens2f0np0`. */
  readonly at: string;
  readonly serviceAddress: ServiceAddress;
  readonly uplinkMac: MacAddress;
  readonly underlay: { readonly ipv4?: IpAddress; readonly ipv6?: IpAddress };
  readonly workloads: readonly WorkloadPlan[];
  /** Absent: learnt. */
  readonly dialect?: PeerDialect;
  /** Whether the keys that it gives have cookies; absent: not known. */
  readonly cookies?: boolean;
  /** What runs there, for the report. */
  readonly version?: string;
  /** Path of a file to which it writes its keys, as --debug-keys tells them. */
  readonly keysPath?: string;
}

/** Learns MAC addresses and floods what it does not know. */
export interface SwitchPlan {
  readonly kind: 'switch';
  readonly name: string;
}

/** Forwards IP on the shortest paths, with ECMP over addresses and UDP ports. */
export interface RouterPlan {
  readonly kind: 'router';
  readonly name: string;
}

export interface EndpointPlan {
  /** Its name; outside, the kind of the end. */
  readonly node: string;
  /** The port's name, unique in its node; of a gateway always `p0`; outside, the interface's. */
  readonly port: string;
}

export interface LinkPlan {
  /** `a:p0 b:eth1`: both endpoints, as events and reports name it. */
  readonly name: string;
  readonly endpoints: readonly [EndpointPlan, EndpointPlan];
  readonly mtuOctets: number;
  readonly impairments: Impairments;
  /** Absent: both ends are at nodes. */
  readonly outside?: OutsidePlan;
}

/** The end of a link that is an interface of the machine that the topology runs on. */
export interface OutsidePlan {
  /** Which of the endpoints. */
  readonly end: 0 | 1;
  /** `host`: an interface that is there, whose wire the link is; `tap`: one that the run makes, behind which the kernel is. */
  readonly kind: OutsideKind;
  /** Of a TAP interface its own; of another one a MAC whose frames it takes besides those for its own. */
  readonly mac?: MacAddress;
  /** Takes frames for all MACs. */
  readonly promiscuous: boolean;
}

/** Of an end outside, as links name it: `host:ens2f0np0`. */
export function outsideName({
  endpoints,
  outside,
}: Pick<LinkPlan, 'endpoints'> & { outside: OutsidePlan }): string {
  const { node, port } = endpoints[outside.end];
  return `${node}:${port}`;
}

/** What stands in a link in place of a node, as containerlab has it. */
export const OUTSIDE_KINDS = ['host', 'tap'] as const;
export type OutsideKind = (typeof OUTSIDE_KINDS)[number];

/** The network of the gateways' RPCs. */
export interface OobPlan {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Probability of loss, of each request and each answer. */
  readonly lossRatio: number;
}

export interface Scenario {
  /** When the run ends; absent: when all traffic has ended, events are through and nothing is on its way. */
  readonly durationMs?: number;
  readonly traffic: readonly TrafficPlan[];
  /** The events by time; those at the same time in the order of the file. */
  readonly events: readonly EventPlan[];
  readonly expectations: readonly Expectation[];
}

/** Of a gateway. */
export const GATEWAY_PORTS = ['uplink', 'vf'] as const;
export type GatewayPort = (typeof GATEWAY_PORTS)[number];
