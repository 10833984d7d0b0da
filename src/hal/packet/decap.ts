/**
 * The decap action: takes UDP, PSP header and ICV off a packet that `decrypt` has authenticated. In place: what
 * remains is a view of the same buffer.
 */

import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import { restoreTransport } from '../../psp/outer.js';
import { L3_IPV4, L3_IPV6, L3_NONE } from '../fields.js';
import type { PspNetType } from '../program.js';
import type { PacketContext } from './packet-context.js';

/**
 * @param headers the new Ethernet header stands at `at`; psp-tunnel only
 * @returns false, and the packet is as it was, when it may not be decapsulated: not authenticated, not of this net
 *   type, or in a tunnel no IP packet inside
 */
export function decapsulate(
  packet: PacketContext,
  netType: PspNetType,
  headers: Uint8Array,
  at: number,
): boolean {
  if (!packet.decrypted) return false;
  const { frame, innerOffset, payloadEnd } = packet;
  if (netType === 'psp-tunnel') {
    if (packet.innerL3Type === L3_NONE) return false;
    const start = innerOffset - ETHERNET_HEADER_OCTETS;
    for (let i = 0; i < ETHERNET_HEADER_OCTETS; i++) frame[start + i] = headers[at + i];
    packet.replaceFrame(frame.subarray(start, payloadEnd));
    return true;
  }
  if (packet.l3Type !== (netType === 'psp-over-ipv4' ? L3_IPV4 : L3_IPV6)) return false;
  const { l3Offset, upperOffset, protocolOffset } = packet;
  packet.replaceFrame(
    restoreTransport(frame, l3Offset, upperOffset, protocolOffset, innerOffset, payloadEnd),
  );
  return true;
}
