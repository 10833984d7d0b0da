/** The device's own counters: the PSP specification's, and what became of every packet. */

/** Plain numbers: exact up to 2^53. */
export class DeviceStatistics {
  rxPackets = 0;
  rxOctets = 0;
  rxAuthFail = 0;
  rxError = 0;
  rxBad = 0;
  txPackets = 0;
  txOctets = 0;
  txError = 0;
  portDropped = 0;

  /** Packets that came in by a port or by `transmit`, and copies made by mirrors. */
  packetsIn = 0;
  copies = 0;
  sentUplink = 0;
  sentVf = 0;
  toRss = 0;
  dropped = 0;
  toKernel = 0;
  /** Of these, those that no kernel has taken. */
  kernelDropped = 0;
  /** Could not be decapsulated: not authenticated, or no packet inside. */
  decapError = 0;
}

/**
 * What became of the packets: `in` + `copies` equals the sum of the others. `lost` are those that an action could
 * not process or that could not be encrypted, `portDropped` those that a port could not carry.
 */
export interface Fates {
  readonly in: number;
  readonly copies: number;
  readonly uplink: number;
  readonly vf: number;
  readonly rss: number;
  readonly rssDropped: number;
  readonly drop: number;
  readonly kernel: number;
  readonly lost: number;
  readonly portDropped: number;
}

export function fatesOf(statistics: DeviceStatistics, rssDropped: number): Fates {
  return {
    in: statistics.packetsIn,
    copies: statistics.copies,
    uplink: statistics.sentUplink,
    vf: statistics.sentVf,
    rss: statistics.toRss,
    rssDropped,
    drop: statistics.dropped,
    kernel: statistics.toKernel,
    lost: statistics.txError + statistics.decapError,
    portDropped: statistics.portDropped,
  };
}
