/** ARP for IPv4 over Ethernet (RFC 826). */
import {
  type Ipv4Address,
  ipFromOctets,
  ipToOctets,
  type MacAddress,
  macFromOctets,
  macToOctets,
} from './address.js';
import {
  BROADCAST_MAC_OCTETS,
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHERNET_HEADER_OCTETS,
  etherType,
  writeEthernetHeader,
} from './ethernet.js';

/** The operation of a request. */
export const ARP_REQUEST = 1;
/** The operation of a reply. */
export const ARP_REPLY = 2;

/** Offsets from the start of the ARP packet. */
const HARDWARE_TYPE = 0;
const PROTOCOL_TYPE = 2;
const HARDWARE_LENGTH = 4;
const PROTOCOL_LENGTH = 5;
const OPERATION = 6;
const SENDER_MAC = 8;
const SENDER_IP = 14;
const TARGET_MAC = 18;
const TARGET_IP = 24;
/** The packet behind the Ethernet header. */
export const ARP_OCTETS = 28;

const HARDWARE_ETHERNET = 1;

/** An ARP message of IPv4 over Ethernet. */
export interface Arp {
  readonly operation: number;
  readonly senderMac: MacAddress;
  readonly senderIp: Ipv4Address;
  readonly targetMac: MacAddress;
  readonly targetIp: Ipv4Address;
}

/** undefined for what is not ARP for IPv4 over Ethernet. */
export function parseArp(frame: Uint8Array): Arp | undefined {
  if (etherType(frame) !== ETHER_TYPE_ARP || frame.length < ETHERNET_HEADER_OCTETS + ARP_OCTETS)
    return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset + ETHERNET_HEADER_OCTETS, ARP_OCTETS);
  const known =
    view.getUint16(HARDWARE_TYPE) === HARDWARE_ETHERNET &&
    view.getUint16(PROTOCOL_TYPE) === ETHER_TYPE_IPV4 &&
    view.getUint8(HARDWARE_LENGTH) === 6 &&
    view.getUint8(PROTOCOL_LENGTH) === 4;
  if (!known) return undefined;
  const at = ETHERNET_HEADER_OCTETS;
  return {
    operation: view.getUint16(OPERATION),
    senderMac: macFromOctets(frame, at + SENDER_MAC),
    senderIp: ipFromOctets(frame, at + SENDER_IP, 4) as Ipv4Address,
    targetMac: macFromOctets(frame, at + TARGET_MAC),
    targetIp: ipFromOctets(frame, at + TARGET_IP, 4) as Ipv4Address,
  };
}

/** A whole frame: from the sender, requests as broadcast and replies to the target, unless `ethernet` says otherwise. */
export function buildArp(
  arp: Arp,
  ethernet?: { readonly destination: MacAddress; readonly source: MacAddress },
): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + ARP_OCTETS);
  const target = macToOctets(arp.targetMac);
  const sender = macToOctets(arp.senderMac);
  const usual = arp.operation === ARP_REQUEST ? BROADCAST_MAC_OCTETS : target;
  writeEthernetHeader(
    frame,
    ethernet === undefined ? usual : macToOctets(ethernet.destination),
    ethernet === undefined ? sender : macToOctets(ethernet.source),
    ETHER_TYPE_ARP,
  );
  const view = new DataView(frame.buffer, ETHERNET_HEADER_OCTETS);
  view.setUint16(HARDWARE_TYPE, HARDWARE_ETHERNET);
  view.setUint16(PROTOCOL_TYPE, ETHER_TYPE_IPV4);
  view.setUint8(HARDWARE_LENGTH, 6);
  view.setUint8(PROTOCOL_LENGTH, 4);
  view.setUint16(OPERATION, arp.operation);
  const at = ETHERNET_HEADER_OCTETS;
  frame.set(sender, at + SENDER_MAC);
  frame.set(ipToOctets(arp.senderIp), at + SENDER_IP);
  frame.set(target, at + TARGET_MAC);
  frame.set(ipToOctets(arp.targetIp), at + TARGET_IP);
  return frame;
}
