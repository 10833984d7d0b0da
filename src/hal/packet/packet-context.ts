/**
 * What the device knows of the packet in hand: the frame, its metadata, where its headers lie, and what crypto it
 * has been through. One record is reused for packet after packet; positions are plain numbers, or ABSENT.
 *
 * The parser looks at Ethernet without tags, IPv4, IPv6 (stepping over hop-by-hop, routing and destination
 * options), TCP, UDP, ICMP, and PSP behind UDP port 1000. Fragments have no L4 header here, not even the first.
 */

import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_TYPE,
} from '../../packet/ethernet.js';
import {
  IPV4_HEADER_OCTETS_MIN,
  IPV4_PROTOCOL,
  ipv4ChecksumOk,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4TotalLength,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import {
  findIpv6UpperLayer,
  IPV6_HEADER_OCTETS,
  IPV6_NEXT_HEADER,
  ipv6HeaderValid,
  ipv6PayloadLength,
} from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, PSP_HEADER_OCTETS, PSP_UDP_PORT } from '../../psp/header.js';
import { L3_IPV4, L3_IPV6, L3_NONE, L4_ICMP, L4_NONE, L4_TCP, L4_UDP } from '../fields.js';

export const UDP_DESTINATION_PORT = 2;
export const UDP_LENGTH = 4;
const TCP_HEADER_OCTETS = 20;
const ICMP_HEADER_OCTETS = 4;

/** The position of what a packet does not have; the EtherType, too. */
const ABSENT = -1;
/** The packet has not been through `decrypt`. */
export const SYNDROME_NONE = -1;

const NO_FRAME = new Uint8Array(0);

export class PacketContext {
  frame: Uint8Array = NO_FRAME;
  portId = 0;
  /** Word 0 is pkt_meta, 1 to 5 are the scratch words u32.0 to u32.4. */
  readonly meta = new Uint32Array(6);
  /** Drawn for each look-up of a pipe that looks at it. */
  random = 0;
  syndrome = SYNDROME_NONE;

  /** The positions below are of an earlier form of the frame. */
  stale = false;
  etherType = ABSENT;
  l3Type: number = L3_NONE;
  l3Offset = ABSENT;
  l3Ok = 0;
  ip4ChecksumOk = 0;
  /** End of the IP packet in the frame; what follows is Ethernet padding. */
  ipEnd = 0;
  l4Type: number = L4_NONE;
  /** End of the IP header and its extension headers, where L4 begins if there is one; ABSENT for fragments too. */
  upperOffset = ABSENT;
  /** Offset of the octet that names the protocol at `upperOffset`. */
  protocolOffset = ABSENT;
  pspOffset = ABSENT;

  /** Pipes that the packet has been through. */
  hops = 0;

  /** The frame holds a decrypted payload in its PSP envelope: nothing for the network to see. */
  exposed = false;
  /** Decrypted and still in its PSP envelope: `inner*` and `payloadEnd` hold. */
  decrypted = false;
  innerL3Type: number = L3_NONE;
  innerL4Type: number = L4_NONE;
  innerOffset = ABSENT;
  /** First octet after the decrypted payload: the ICV. */
  payloadEnd = 0;

  /** Offset of the PSP header that `encap` has added; ABSENT: none. */
  encapOffset = ABSENT;
  /** Key slot attached by `encrypt`; 0: none. */
  cryptoId = 0;
  /** The AEAD has run. */
  sealed = false;
  /** A mirror has copied it. */
  mirrored = false;

  /** Begins with a new packet. */
  load(frame: Uint8Array, portId: number, packetMeta: number): void {
    this.frame = frame;
    this.portId = portId;
    const meta = this.meta;
    meta[0] = packetMeta;
    meta[1] = 0;
    meta[2] = 0;
    meta[3] = 0;
    meta[4] = 0;
    meta[5] = 0;
    this.syndrome = SYNDROME_NONE;
    this.hops = 0;
    this.exposed = false;
    this.encapOffset = ABSENT;
    this.cryptoId = 0;
    this.sealed = false;
    this.mirrored = false;
    this.parse();
  }

  /** Becomes a copy of `other` over its own buffer. */
  copyFrom(other: PacketContext): void {
    // Not slice(): of a Buffer that is no copy.
    this.load(new Uint8Array(other.frame), other.portId, 0);
    this.meta.set(other.meta);
    this.hops = other.hops;
    this.syndrome = other.syndrome;
    this.exposed = other.exposed;
    this.encapOffset = other.encapOffset;
    this.cryptoId = other.cryptoId;
    this.sealed = other.sealed;
    // What was found in an earlier form of the frame is not part of this one.
    if (other.stale) return;
    // `decrypt` finds a PSP header behind any port, where the parser does not look.
    this.pspOffset = other.pspOffset;
    this.decrypted = other.decrypted;
    this.innerL3Type = other.innerL3Type;
    this.innerL4Type = other.innerL4Type;
    this.innerOffset = other.innerOffset;
    this.payloadEnd = other.payloadEnd;
  }

  /** Lets go of the frame. */
  release(): void {
    this.frame = NO_FRAME;
  }

  /** The frame has become another one: new positions are found when they are next needed. */
  replaceFrame(frame: Uint8Array): void {
    this.frame = frame;
    this.stale = true;
    this.exposed = false;
    this.pspOffset = ABSENT;
    this.encapOffset = ABSENT;
    this.cryptoId = 0;
    this.sealed = false;
  }

  /** The frame has become `frame`, with a PSP header of ours at `pspOffset` and room for the ICV at its end. */
  encapsulateInto(frame: Uint8Array, pspOffset: number): void {
    this.replaceFrame(frame);
    this.pspOffset = pspOffset;
    this.encapOffset = pspOffset;
  }

  parse(): void {
    const frame = this.frame;
    this.stale = false;
    this.etherType = ABSENT;
    this.l3Type = L3_NONE;
    this.l3Offset = ABSENT;
    this.l3Ok = 0;
    this.ip4ChecksumOk = 0;
    this.ipEnd = frame.length;
    this.l4Type = L4_NONE;
    this.upperOffset = ABSENT;
    this.protocolOffset = ABSENT;
    this.pspOffset = ABSENT;
    this.decrypted = false;
    this.innerL3Type = L3_NONE;
    this.innerL4Type = L4_NONE;
    this.innerOffset = ABSENT;
    if (frame.length < ETHERNET_HEADER_OCTETS) return;
    const etherType = (frame[ETHERNET_TYPE] << 8) | frame[ETHERNET_TYPE + 1];
    this.etherType = etherType;
    if (etherType === ETHER_TYPE_IPV4) this.parseIpv4(ETHERNET_HEADER_OCTETS);
    else if (etherType === ETHER_TYPE_IPV6) this.parseIpv6(ETHERNET_HEADER_OCTETS);
  }

  private parseIpv4(at: number): void {
    const frame = this.frame;
    if (frame.length < at + IPV4_HEADER_OCTETS_MIN || frame[at] >>> 4 !== 4) return;
    this.l3Type = L3_IPV4;
    this.l3Offset = at;
    if (!ipv4HeaderValid(frame, at, frame.length)) return;
    this.l3Ok = 1;
    this.ipEnd = at + ipv4TotalLength(frame, at);
    this.ip4ChecksumOk = ipv4ChecksumOk(frame, at) ? 1 : 0;
    this.protocolOffset = at + IPV4_PROTOCOL;
    if (!ipv4IsFragment(frame, at)) this.parseL4(frame[at + IPV4_PROTOCOL], at + ipv4HeaderLength(frame, at));
  }

  private parseIpv6(at: number): void {
    const frame = this.frame;
    if (frame.length < at + IPV6_HEADER_OCTETS || frame[at] >>> 4 !== 6) return;
    this.l3Type = L3_IPV6;
    this.l3Offset = at;
    if (!ipv6HeaderValid(frame, at, frame.length)) return;
    this.l3Ok = 1;
    this.ipEnd = at + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, at);
    const next = frame[at + IPV6_NEXT_HEADER];
    if (hasL4Type(next)) {
      this.protocolOffset = at + IPV6_NEXT_HEADER;
      this.parseL4(next, at + IPV6_HEADER_OCTETS);
      return;
    }
    const upper = findIpv6UpperLayer(frame, at, this.ipEnd);
    if (upper === undefined || upper.isFragment) return;
    this.protocolOffset = upper.nextHeaderOffset;
    this.parseL4(upper.protocol, upper.offset);
  }

  private parseL4(protocol: number, at: number): void {
    this.upperOffset = at;
    this.l4Type = l4TypeOf(protocol, this.l3Type, this.ipEnd - at);
    if (this.l4Type !== L4_UDP) return;
    const frame = this.frame;
    const port = (frame[at + UDP_DESTINATION_PORT] << 8) | frame[at + UDP_DESTINATION_PORT + 1];
    if (port === PSP_UDP_PORT && this.ipEnd - at >= UDP_HEADER_OCTETS + PSP_HEADER_OCTETS) {
      this.pspOffset = at + UDP_HEADER_OCTETS;
    }
  }

  /**
   * After a successful decrypt: the payload lies in [offset, end). `nextHeader` is the PSP header's; the inner
   * packet of a tunnel is parsed.
   */
  enterPayload(nextHeader: number, offset: number, end: number): void {
    this.decrypted = true;
    this.exposed = true;
    this.payloadEnd = end;
    this.innerOffset = offset;
    const frame = this.frame;
    if (nextHeader === NEXT_HEADER_IPV4 && ipv4HeaderValid(frame, offset, end)) {
      this.innerL3Type = L3_IPV4;
      if (ipv4IsFragment(frame, offset)) return;
      const octets = ipv4TotalLength(frame, offset) - ipv4HeaderLength(frame, offset);
      this.innerL4Type = l4TypeOf(frame[offset + IPV4_PROTOCOL], L3_IPV4, octets);
    } else if (nextHeader === NEXT_HEADER_IPV6 && ipv6HeaderValid(frame, offset, end)) {
      this.innerL3Type = L3_IPV6;
      const innerEnd = offset + IPV6_HEADER_OCTETS + ipv6PayloadLength(frame, offset);
      let protocol = frame[offset + IPV6_NEXT_HEADER];
      let at = offset + IPV6_HEADER_OCTETS;
      if (!hasL4Type(protocol)) {
        const upper = findIpv6UpperLayer(frame, offset, innerEnd);
        if (upper === undefined || upper.isFragment) return;
        protocol = upper.protocol;
        at = upper.offset;
      }
      this.innerL4Type = l4TypeOf(protocol, L3_IPV6, innerEnd - at);
    }
  }
}

function hasL4Type(protocol: number): boolean {
  return protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMPV6;
}

/** L4 type of `octets` octets behind an IP header, NONE where the L4 header does not fit. */
function l4TypeOf(protocol: number, l3Type: number, octets: number): number {
  if (protocol === PROTOCOL_UDP) return octets >= UDP_HEADER_OCTETS ? L4_UDP : L4_NONE;
  if (protocol === PROTOCOL_TCP) return octets >= TCP_HEADER_OCTETS ? L4_TCP : L4_NONE;
  const icmp = l3Type === L3_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
  return protocol === icmp && octets >= ICMP_HEADER_OCTETS ? L4_ICMP : L4_NONE;
}
