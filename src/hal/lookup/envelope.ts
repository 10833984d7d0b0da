/** Frames to ask about of packets that a peer has encrypted: its envelope of PSP, with the packet readable inside. */
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  ETHERNET_TYPE,
} from '../../packet/ethernet.js';
import { IPV4_PROTOCOL, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { IPV6_NEXT_HEADER } from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import {
  FLAG_ONE,
  FLAG_V,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_COOKIE_OCTETS,
  PSP_EXT_LEN,
  PSP_EXT_LEN_UNIT_OCTETS,
  PSP_FLAGS,
  PSP_HEADER_OCTETS,
  PSP_NEXT_HEADER,
  PSP_SPI,
  PSP_UDP_PORT,
} from '../../psp/header.js';
import { encapHeaderLengthOctets } from '../check-entry.js';
import { HalError } from '../errors.js';
import { L3_IPV4 } from '../fields.js';
import { encapsulate } from '../packet/encap.js';
import { PacketContext } from '../packet/packet-context.js';
import { type ActionTemplate, UPLINK_PORT } from '../program.js';

/** What a packet was put into. */
export interface Envelope {
  readonly spi: number;
  /** As the sender's action template has it. */
  readonly encap: NonNullable<ActionTemplate['encap']>;
  /**
   * As `encap` of the sender's entry has it (encapHeaderLengthOctets long); its SPI is of no matter. Absent: addresses, cookie,
   * extension fields and version are 0.
   */
  readonly encapHeader?: Uint8Array;
}

/**
 * The frame that a sender's `encap` makes of `inner`, a frame as well, under this SPI. Throws HalError INVALID_VALUE where it refuses the
 * packet, and for a header of another length.
 */
export function frameInEnvelope(inner: Uint8Array, { spi, encap, encapHeader }: Envelope): Uint8Array {
  const packet = new PacketContext();
  packet.load(new Uint8Array(inner), UPLINK_PORT, 0);
  const header = encapHeader ?? plainHeader(encap, packet.l3Type === L3_IPV4);
  const octets = encapHeaderLengthOctets(encap);
  if (header.length !== octets) {
    throw new HalError('INVALID_VALUE', `encapHeader of ${header.length} octets; expected ${octets}`);
  }
  if (!encapsulate(packet, encap, header, 0, octets)) {
    throw new HalError('INVALID_VALUE', `a packet that cannot be put into ${encap.netType}`);
  }
  const frame = packet.frame.slice();
  new DataView(frame.buffer).setUint32(packet.encapOffset + PSP_SPI, spi);
  return frame;
}

function plainHeader(encap: Envelope['encap'], innerIsIpv4: boolean): Uint8Array {
  const header = new Uint8Array(encapHeaderLengthOctets(encap));
  const { cookie, extensionOctets = 0 } = encap;
  const pspOctets = PSP_HEADER_OCTETS + (cookie ? PSP_COOKIE_OCTETS : 0) + extensionOctets;
  const psp = header.length - pspOctets;
  header.set([PSP_UDP_PORT >>> 8, PSP_UDP_PORT & 0xff], psp - UDP_HEADER_OCTETS + 2);
  header[psp + PSP_NEXT_HEADER] = innerIsIpv4 ? NEXT_HEADER_IPV4 : NEXT_HEADER_IPV6;
  header[psp + PSP_EXT_LEN] = pspOctets / PSP_EXT_LEN_UNIT_OCTETS - 1;
  header[psp + PSP_FLAGS] = FLAG_ONE | (cookie ? FLAG_V : 0);
  if (encap.netType !== 'psp-tunnel') return header;
  const ip = ETHERNET_HEADER_OCTETS;
  const isIpv4 = encap.outer === 'ipv4';
  const etherType = isIpv4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6;
  header.set([etherType >>> 8, etherType & 0xff], ETHERNET_TYPE);
  header[ip] = isIpv4 ? 0x45 : 0x60;
  header[ip + (isIpv4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER)] = PROTOCOL_UDP;
  return header;
}
