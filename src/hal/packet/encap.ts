/**
 * The encap action: puts an entry's header on the packet, with room for the ICV behind it. What the device computes
 * in it is decided in psp/outer.ts.
 */

import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import { IPV4_HEADER_OCTETS_MIN } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS } from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { flowEntropy } from '../../psp/entropy.js';
import { PSP_ICV_OCTETS } from '../../psp/header.js';
import { completeTransport, completeTunnel } from '../../psp/outer.js';
import { L3_IPV4, L3_IPV6 } from '../fields.js';
import type { ActionTemplate } from '../program.js';
import { allocateFrame } from './frame-pool.js';
import type { PacketContext } from './packet-context.js';

/** IPv4 total length, IPv6 payload length and UDP length are 16 bits wide. */
const IP_PACKET_OCTETS_MAX = 0xffff;

const TUNNEL_UDP_OFFSET_IPV4 = ETHERNET_HEADER_OCTETS + IPV4_HEADER_OCTETS_MIN;
const TUNNEL_UDP_OFFSET_IPV6 = ETHERNET_HEADER_OCTETS + IPV6_HEADER_OCTETS;

/**
 * @param headers the encapHeader stands in headers[at, at + headerOctets)
 * @returns false, and the packet is as it was, when there is nothing that could be encapsulated: no IP packet of
 *   that family, or one that is too long, or in transport mode a fragment.
 */
export function encapsulate(
  packet: PacketContext,
  encap: NonNullable<ActionTemplate['encap']>,
  headers: Uint8Array,
  at: number,
  headerOctets: number,
): boolean {
  if (packet.l3Ok === 0) return false;
  if (encap.netType !== 'psp-tunnel') return transport(packet, encap.outer, headers, at, headerOctets);
  const udpOffset = encap.outer === 'ipv4' ? TUNNEL_UDP_OFFSET_IPV4 : TUNNEL_UDP_OFFSET_IPV6;
  return tunnel(packet, udpOffset, headers, at, headerOctets);
}

function tunnel(
  packet: PacketContext,
  udpOffset: number,
  headers: Uint8Array,
  at: number,
  headerOctets: number,
): boolean {
  const { frame: inner, l3Offset, ipEnd } = packet;
  const octets = headerOctets + ipEnd - l3Offset + PSP_ICV_OCTETS;
  if (octets - ETHERNET_HEADER_OCTETS > IP_PACKET_OCTETS_MAX) return false;
  const frame = allocateFrame(octets);
  for (let i = 0; i < headerOctets; i++) frame[i] = headers[at + i];
  frame.set(inner.subarray(l3Offset, ipEnd), headerOctets);
  completeTunnel(frame, ETHERNET_HEADER_OCTETS, udpOffset, octets, flowEntropy(inner, l3Offset, ipEnd));
  frame.fill(0, octets - PSP_ICV_OCTETS);
  packet.encapsulateInto(frame, udpOffset + UDP_HEADER_OCTETS);
  return true;
}

function transport(
  packet: PacketContext,
  family: 'ipv4' | 'ipv6',
  headers: Uint8Array,
  at: number,
  headerOctets: number,
): boolean {
  const { frame: bare, l3Offset, ipEnd, upperOffset, protocolOffset } = packet;
  if (packet.l3Type !== (family === 'ipv4' ? L3_IPV4 : L3_IPV6) || upperOffset < 0) return false;
  const octets = ipEnd + headerOctets + PSP_ICV_OCTETS;
  if (octets - l3Offset > IP_PACKET_OCTETS_MAX) return false;
  const frame = allocateFrame(octets);
  frame.set(bare.subarray(0, upperOffset));
  for (let i = 0; i < headerOctets; i++) frame[upperOffset + i] = headers[at + i];
  frame.set(bare.subarray(upperOffset, ipEnd), upperOffset + headerOctets);
  const entropy = flowEntropy(bare, l3Offset, ipEnd);
  completeTransport(frame, l3Offset, protocolOffset, upperOffset, octets, entropy);
  frame.fill(0, octets - PSP_ICV_OCTETS);
  packet.encapsulateInto(frame, upperOffset + UDP_HEADER_OCTETS);
  return true;
}
