/** What of a capture a workload sends again. */
import type { IpAddress } from '../../packet/address.js';
import { locateIpPacket } from '../../psp/encapsulate.js';
import { addressOf, isAddressResolution } from '../packets.js';

/** A frame of a capture and when it goes, from the start of the flow. */
export interface ReplayFrame {
  readonly atMs: number;
  readonly frame: Uint8Array;
}

/**
 * The IP packets that come from one of `addresses`, with the capture's times. Without neighbor discovery, which hosts
 * of a topology do themselves.
 */
export function framesSentBy(
  addresses: readonly IpAddress[],
  capture: readonly ReplayFrame[],
): ReplayFrame[] {
  return capture.filter(({ frame }) => {
    const place = locateIpPacket(frame);
    if (place === undefined || !addresses.includes(addressOf(frame, place.family, 'source'))) return false;
    return !isAddressResolution(frame);
  });
}
