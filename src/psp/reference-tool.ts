/**
 * What the PSP reference tool does beyond PSP itself: the outer headers it makes. A tunnel's outer Ethernet and IP
 * header are copies of the inner ones with new length, protocol and checksum; the UDP source port is that of
 * referenceEntropy; the cookie is 0.
 */
import { ETHERNET_HEADER_OCTETS } from '../packet/ethernet.js';
import { IPV4_HEADER_OCTETS_MIN, IPV4_PROTOCOL, PROTOCOL_UDP } from '../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, IPV6_NEXT_HEADER } from '../packet/ipv6.js';
import { type EncapsulateOptions, EncapsulationError, encapsulate, locateIpPacket } from './encapsulate.js';
import { referenceEntropy } from './entropy.js';

export interface ReferenceOptions
  extends Pick<EncapsulateOptions, 'engine' | 'version' | 'spi' | 'key' | 'iv' | 'cryptOffsetWords'> {
  readonly mode: 'tunnel' | 'transport';
  /** Whether the header has a cookie. Its value is 0. */
  readonly cookie: boolean;
}

/** A frame as the reference tool would encrypt it. Throws EncapsulationError. */
export function encapsulateAsReference(frame: Uint8Array, options: ReferenceOptions): Uint8Array {
  const packet = locateIpPacket(frame);
  if (packet === undefined) throw new EncapsulationError('the frame holds no whole IPv4 or IPv6 packet');
  const sourcePort = referenceEntropy(frame, ETHERNET_HEADER_OCTETS, packet.end);
  const { mode, cookie, ...rest } = options;
  return encapsulate(frame, {
    ...rest,
    sourcePort,
    ...(cookie ? { cookie: 0n } : {}),
    ...(mode === 'tunnel' ? { outerHeader: copiedOuterHeader(frame, packet.family) } : {}),
  });
}

function copiedOuterHeader(frame: Uint8Array, family: 4 | 6): Uint8Array {
  const ip = ETHERNET_HEADER_OCTETS;
  // Not slice: of a Buffer that would be a view of the frame itself.
  const header = new Uint8Array(
    frame.subarray(0, ip + (family === 4 ? IPV4_HEADER_OCTETS_MIN : IPV6_HEADER_OCTETS)),
  );
  if (family === 4) {
    header[ip] = 0x45;
    header[ip + IPV4_PROTOCOL] = PROTOCOL_UDP;
  } else header[ip + IPV6_NEXT_HEADER] = PROTOCOL_UDP;
  return header;
}
