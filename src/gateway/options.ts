/**
 * What a gateway can be told: the result of reading flags and files (src/gateway/config), already checked.
 * Names of flags stand in config/flags.ts.
 */
import type { IpAddress, IpFamily, MacAddress } from '../packet/address.js';
import type { ServiceAddress } from './transport.js';

/**
 * Which generation of messages a peer understands: 2.7 has RequestTunnelParams only, 2.8 numbers reverse_params 3
 * in SingleTunnelRequest, 3.x numbers it 4 and adds inner_type.
 */
export type PeerDialect = '2.7' | '2.8' | '3.x';

export interface PeerOptions {
  readonly serviceAddress: ServiceAddress;
  /** The virtual addresses that this peer owns. */
  readonly virtualIps: readonly IpAddress[];
  /** Pairs that the session file names; absent: any local address with any of virtualIps. */
  readonly pairs?: readonly { readonly localVip?: IpAddress; readonly remoteVip: IpAddress }[];
  /** Absent: learnt, beginning with 3.x. */
  readonly dialect?: PeerDialect;
}

export interface TlsFiles {
  readonly caPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface GatewayOptions {
  readonly hal: 'sim' | 'doca';
  /** PCI address of the uplink, DDDD:BB:DD.F. */
  readonly pciAddress: string;
  readonly representor: string;
  readonly coreMask: string;
  readonly decapDmac?: MacAddress;
  /** Addresses of the VF; those that the device knows come to them. */
  readonly localVirtualIps: readonly IpAddress[];
  readonly vfName?: string;
  readonly nexthopDmac?: MacAddress;
  readonly serviceAddress: ServiceAddress;
  readonly peers: readonly PeerOptions[];
  readonly cookies: boolean;
  readonly ingressAcl: boolean;
  /** Sampled are 2^-sampleRateLog2 of the packets; 0: none. */
  readonly sampleRateLog2: number;
  readonly maintainOrder: boolean;
  readonly maxTunnels: number;
  /** Crypt offset in 4-octet units; absent: by inner family and cookie. */
  readonly cryptOffsetWords?: number;
  /** Version of the tunnels that we ask for. */
  readonly pspVersion: 0 | 1;
  /** Make all configured tunnels at start-up, from this local address. */
  readonly staticTunnels?: IpAddress;
  readonly debugKeys: boolean;
  readonly statPrint: boolean;
  readonly perfPrint?: 'key-gen' | 'insertion' | 'all';
  readonly showRssRxPackets: boolean;
  readonly outerFamily: IpFamily;
  readonly innerFamilies: readonly IpFamily[];
  readonly mode: 'tunnel' | 'transport';
  /** Absent together with `insecure`: plaintext gRPC. */
  readonly tls?: TlsFiles;
  readonly insecure: boolean;
  readonly limits: GatewayLimits;
}

/** Bounds and times; every one is a flag. */
export interface GatewayLimits {
  readonly rpcDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Packets that wait for one session, and for all together. */
  readonly missedPacketsPerSession: number;
  readonly missedPacketsTotal: number;
  /** How long a missed packet may wait. */
  readonly missedPacketTtlMs: number;
  /** How long an old SPI is accepted after a re-key. */
  readonly rekeyGraceMs: number;
  /** Time between scheduled master key rotations; 0: never. */
  readonly rotationPeriodMs: number;
  readonly tunnelsPerRequest: number;
  readonly requestOctetsMax: number;
  /** Tunnel requests (counted in tunnels) per peer and second that are answered. */
  readonly tunnelsPerPeerPerSecond: number;
}
