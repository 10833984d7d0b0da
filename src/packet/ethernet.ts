/** Ethernet II frames, without FCS (IEEE 802.3). */

export const ETHERNET_HEADER_OCTETS = 14;
export const ETHERNET_DESTINATION = 0;
export const ETHERNET_SOURCE = 6;
export const ETHERNET_TYPE = 12;

/** Below it the type field is a length (IEEE 802.3). */
export const ETHER_TYPE_MIN = 0x0600;
/** The EtherType of IPv4. */
export const ETHER_TYPE_IPV4 = 0x0800;
/** The EtherType of ARP. */
export const ETHER_TYPE_ARP = 0x0806;
export const ETHER_TYPE_VLAN = 0x8100;
export const ETHER_TYPE_SERVICE_VLAN = 0x88a8;
const VLAN_TAG_OCTETS = 4;
/** The EtherType of IPv6. */
export const ETHER_TYPE_IPV6 = 0x86dd;

export const BROADCAST_MAC_OCTETS: Uint8Array = new Uint8Array(6).fill(0xff);

/** Whether a frame's packet fits a link. One VLAN tag does not count, as interfaces have it. */
export function fitsMtu(frame: Uint8Array, mtuOctets: number): boolean {
  const spareOctets = mtuOctets + ETHERNET_HEADER_OCTETS - frame.length;
  if (spareOctets >= 0) return true;
  const type = etherType(frame);
  return spareOctets >= -VLAN_TAG_OCTETS && (type === ETHER_TYPE_VLAN || type === ETHER_TYPE_SERVICE_VLAN);
}

/** The frame's type field; 0 for a frame that is too short to have one. */
export function etherType(frame: Uint8Array): number {
  if (frame.length < ETHERNET_HEADER_OCTETS) return 0;
  return (frame[ETHERNET_TYPE]! << 8) | frame[ETHERNET_TYPE + 1]!;
}

/** Writes the 14 octets at the frame's start. */
export function writeEthernetHeader(
  frame: Uint8Array,
  destinationMac: Uint8Array,
  sourceMac: Uint8Array,
  type: number,
): void {
  frame.set(destinationMac, ETHERNET_DESTINATION);
  frame.set(sourceMac, ETHERNET_SOURCE);
  frame[ETHERNET_TYPE] = type >>> 8;
  frame[ETHERNET_TYPE + 1] = type;
}
