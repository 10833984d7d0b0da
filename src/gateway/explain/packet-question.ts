/** A packet that somebody asks about. */
import type { IpAddress } from '../../packet/address.js';

/** The largest number that a port can have. */
export const PORT_MAX = 65_535;
export const PROTOCOLS = ['icmp', 'udp', 'tcp'] as const;

export const DIRECTIONS = ['out', 'in'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Both addresses are of one family. */
export interface PacketQuestion {
  /**
   * `out`: from the workload. `in`: from the uplink, encrypted by a peer. Absent: `out`, unless of the two addresses only the destination
   * is one of the workload's.
   */
  readonly direction?: Direction | undefined;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** ICMP: an echo request; TCP: a SYN. */
  readonly protocol: (typeof PROTOCOLS)[number];
  /** Of UDP and TCP, 0 to PORT_MAX. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}
