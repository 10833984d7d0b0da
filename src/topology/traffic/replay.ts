/** What of a capture a workload sends again. */
import type { IpAddress } from '../../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import { PROTOCOL_ICMPV6 } from '../../packet/ipv4.js';
import { findIpv6UpperLayer } from '../../packet/ipv6.js';
import { locateIpPacket } from '../../psp/encapsulate.js';
import { addressOf } from '../watch.js';

/** A frame of a capture and when it goes, from the start of the flow. */
export interface ReplayFrame {
  readonly atMs: number;
  readonly frame: Uint8Array;
}

/** RFC 4861: router and neighbor solicitation and advertisement, redirect. */
const NEIGHBOR_DISCOVERY_TYPES = [133, 134, 135, 136, 137];

/**
 * The IP packets that come from one of `addresses`, with the capture's times. Without neighbor discovery, which ends
 * at the VF: the gateway answers the workload's own.
 */
export function framesSentBy(
  addresses: readonly IpAddress[],
  capture: readonly ReplayFrame[],
): ReplayFrame[] {
  return capture.filter(({ frame }) => {
    const place = locateIpPacket(frame);
    if (place === undefined || !addresses.includes(addressOf(frame, place.family, 'source'))) return false;
    if (place.family === 4) return true;
    const upper = findIpv6UpperLayer(frame, ETHERNET_HEADER_OCTETS, place.end);
    const isDiscovery =
      upper?.protocol === PROTOCOL_ICMPV6 &&
      !upper.isFragment &&
      NEIGHBOR_DISCOVERY_TYPES.includes(frame[upper.offset]!);
    return !isDiscovery;
  });
}
