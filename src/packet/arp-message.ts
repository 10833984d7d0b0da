/** ARP for IPv4 over Ethernet to the letter (RFC 826, RFC 5227). */
import { type Ipv4Address, ipToOctets, macFromOctets } from './address.js';
import { ipKind, isHostAddress, isUnicastMac } from './address-kind.js';
import { ARP_OCTETS, ARP_REPLY, ARP_REQUEST, type Arp, buildArp, parseArp } from './arp.js';
import { ETHERNET_DESTINATION, ETHERNET_HEADER_OCTETS, ETHERNET_SOURCE } from './ethernet.js';
import type { SegmentFault, SegmentMessage } from './segment-message.js';

/** Shortest frame without FCS; shorter ones are padded to this (IEEE 802.3). */
const ETHERNET_OCTETS_MIN = 60;
const NO_MAC = '00:00:00:00:00:00' as Arp['senderMac'];
const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';

/** Reads a frame of ARP's type. */
export function readArpMessage(frame: Uint8Array): SegmentMessage | SegmentFault {
  const end = ETHERNET_HEADER_OCTETS + ARP_OCTETS;
  if (frame.length < end || frame.length > ETHERNET_OCTETS_MIN) return 'size';
  if (frame.subarray(end).some((octet) => octet !== 0)) return 'padding';
  const arp = parseArp(frame);
  const request = arp?.operation === ARP_REQUEST;
  if (arp === undefined || !(request || arp.operation === ARP_REPLY)) return 'header';
  const sourceMac = macFromOctets(frame, ETHERNET_SOURCE);
  const destinationMac = macFromOctets(frame, ETHERNET_DESTINATION);
  const broadcast = destinationMac === BROADCAST_MAC;
  if (!isUnicastMac(sourceMac) || !isUnicastMac(arp.senderMac)) return 'addresses';
  if (!broadcast && !isUnicastMac(destinationMac)) return 'addresses';
  // A probe has no address yet (RFC 5227, section 2.1.1); a reply without one would say nothing.
  const probe = request && ipKind(arp.senderIp) === 'unspecified';
  if (!probe && !isHostAddress(arp.senderIp)) return 'scope';
  if (!isHostAddress(arp.targetIp) && !(arp.operation === ARP_REPLY && isAnswerToProbe(arp.targetIp)))
    return 'scope';
  // Who is asked is not known yet; whom a reply is for, its Ethernet header says. A broadcast one announces its sender.
  const targetMac = request ? NO_MAC : broadcast ? arp.senderMac : destinationMac;
  return {
    kind: request ? 'arp-request' : 'arp-reply',
    sourceMac,
    source: arp.senderIp,
    target: request ? arp.targetIp : arp.senderIp,
    linkLayer: arp.senderMac,
    frame: buildArp({ ...arp, targetMac }, { destination: destinationMac, source: sourceMac }),
  };
}

/** The owner of an address answers a probe for it. A probe has no sender address. */
function isAnswerToProbe(targetIp: Ipv4Address): boolean {
  return ipToOctets(targetIp).every((octet) => octet === 0);
}
