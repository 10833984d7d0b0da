/**
 * What a gateway can be told: the result of reading flags and files (src/gateway/config), already checked.
 * Names of flags stand in config/flags.ts.
 */

import type { IpAddress, IpFamily, MacAddress } from '../packet/address.js';
import type { IpPrefix } from '../packet/prefix.js';
import type { AeadEngine } from '../psp/aead.js';
import type { PspVersion } from '../psp/header.js';
import type { PeerPair } from './directory.js';
import type { DoorLimits } from './doors/door-limits.js';
import type { CertificateName, ServiceAddress } from './rpc/transport.js';

/**
 * Which generation of messages a peer understands: 2.7 has RequestTunnelParams only, 2.8 numbers reverse_params 3
 * in SingleTunnelRequest, 3.x numbers it 4 and adds inner_type.
 */
export type PeerDialect = '2.7' | '2.8' | '3.x';

export interface PeerOptions {
  readonly serviceAddress: ServiceAddress;
  /** The virtual addresses that this peer owns by themselves, and those that it owns by the prefix. */
  readonly virtualIps: readonly IpAddress[];
  readonly virtualPrefixes?: readonly IpPrefix[];
  /** Pairs that the session file names; absent: any local address with any that it owns. */
  readonly pairs?: readonly PeerPair[];
  /** Absent: learnt, beginning with 3.x. */
  readonly dialect?: PeerDialect;
  /** Names of which its certificate must have one; absent: its service address. */
  readonly identities?: readonly CertificateName[];
  /** Whether it may ask for rotations of our master key; absent, where there is no policy: only where callers prove who they are. */
  readonly mayRotate?: boolean;
  /** Prefixes to which it may have our packets sent; absent: any address that is nobody else's. */
  readonly underlay?: readonly IpPrefix[];
}

export interface TlsFiles {
  readonly caPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface GatewayOptions {
  readonly hal: 'sim' | 'doca';
  /** The simulator's implementation of AES-GCM. */
  readonly aead: AeadEngine['name'];
  /** PCI address of the uplink, DDDD:BB:DD.F. */
  readonly pciAddress: string;
  readonly representor: string;
  readonly coreMask: string;
  readonly decapDmac?: MacAddress;
  /** Addresses of the VF; those that the device knows come to them. */
  readonly localVirtualIps: readonly IpAddress[];
  /** Outer source address; absent: the uplink's own. */
  readonly localPip?: IpAddress;
  readonly vfName?: string;
  readonly nexthopDmac?: MacAddress;
  readonly serviceAddress: ServiceAddress;
  readonly peers: readonly PeerOptions[];
  readonly cookies: boolean;
  /** Words of extension fields in the PSP headers of packets that we send; absent: none. */
  readonly extensionWords?: readonly number[];
  /** Words that the packets of peers must have there; absent: what is there is not looked at. */
  readonly extensionRequired?: readonly number[];
  readonly ingressAcl: boolean;
  /** Sampled are 2^-sampleRateLog2 of the packets; 0: none. */
  readonly sampleRateLog2: number;
  readonly maintainOrder: boolean;
  /** Copies of what leaves are made before it is encrypted. */
  readonly sampleBeforeEncryption: boolean;
  /** Log sampled packets with their octets. */
  readonly sampledOctets: boolean;
  readonly maxTunnels: number;
  /** Crypt offset in 4-octet units; absent: by inner family and cookie. */
  readonly cryptOffsetWords?: number;
  /** Version of the tunnels that we ask for. With 2 and 3, AES-GMAC, their payload is readable, and peers may ask for such too. */
  readonly pspVersion: PspVersion;
  /** Make all configured tunnels at start-up, from this local address, or from all of ours. */
  readonly staticTunnels?: IpAddress | 'all';
  readonly debugKeys: boolean;
  readonly statPrint: boolean;
  readonly perfPrint?: 'key-gen' | 'insertion' | 'all';
  readonly showRssRxPackets: boolean;
  readonly outerFamily: IpFamily;
  readonly innerFamilies: readonly IpFamily[];
  readonly mode: 'tunnel' | 'transport';
  /** Packets for a peer wait, but for a few, until it has proved its underlay address. */
  readonly confirmUnderlay: boolean;
  /** Transport mode: routers whose advertisements reach the workload, and the workload's where it is a router itself. */
  readonly allowRouters: readonly IpAddress[];
  /** Absent together with `insecure`: plaintext gRPC. */
  readonly tls?: TlsFiles;
  readonly insecure: boolean;
  /** File that keeps what was learnt of peers for the gateway's next life; absent: nothing is kept. */
  readonly statePath?: string;
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
  /** Longest wait of a missed packet. */
  readonly missedPacketTtlMs: number;
  /** Time for which an old SPI is accepted after a re-key. */
  readonly rekeyGraceMs: number;
  /** Time between scheduled master key rotations; 0: never. */
  readonly rotationPeriodMs: number;
  /** Longest wait of a rotation for sessions whose key it would end. */
  readonly rotationDeadlineMs: number;
  /** Least time between two rotations at the request of one peer. */
  readonly rotationRequestIntervalMs: number;
  readonly tunnelsPerRequest: number;
  readonly requestOctetsMax: number;
  /** Seconds without a packet either way after which a session loses its place; 0: never for that. */
  readonly sessionIdleS: number;
  /** Sessions in use that one holder replaces by others of its own in a full table, per second. */
  readonly sessionReplacementsPerSecond: number;
  /** Requests per minute that packets may cause which come from no known peer and are not let in. */
  readonly unknownSourceRequestsPerMinute: number;
  /** Tunnel requests (counted in tunnels) per peer and second that are answered. */
  readonly tunnelsPerPeerPerSecond: number;
  /** Limits of the tunnel service's listener. */
  readonly doors: DoorLimits;
  /** Transport mode: messages of ARP, neighbor and listener discovery that pass in one direction, of one source and of all. */
  readonly neighborsPerSourcePerSecond: number;
  readonly neighborsPerSecond: number;
  /** Sampled packets that the log tells of, per second. */
  readonly sampledLinesPerSecond: number;
  /** Packets that one capture is shown, per second. */
  readonly capturedPacketsPerSecond: number;
  /** SPIs that one peer's requests may take in an hour, on average. */
  readonly spisPerPeerPerHour: number;
}
