/** Whether a frame is of a pair of addresses: by its own addresses, or in PSP by the SPI of the pair's session. */
import type { IpAddress } from '../../packet/address.js';
import { ETHER_TYPE_IPV4, ETHERNET_HEADER_OCTETS, etherType } from '../../packet/ethernet.js';
import { IPV4_PROTOCOL, ipv4HeaderLength, ipv4IsFragment, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, IPV6_NEXT_HEADER } from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { PSP_HEADER_OCTETS, PSP_UDP_PORT, pspSpi } from '../../psp/header.js';
import type { Session } from '../sessions/session.js';
import { packetPair } from '../slow-path/packet-pair.js';

const UDP_DESTINATION_PORT = 2;

export type SessionOfPair = (
  localVip: IpAddress,
  remoteVip: IpAddress,
) => Pick<Session, 'ingress' | 'egress'> | undefined;

/** Of PSP under an SPI that the session has no more, as shortly after a re-key, nobody can tell whose it is: it is none of the pair's. */
export function isOfPair(
  frame: Uint8Array,
  direction: 'in' | 'out',
  [one, other]: readonly [IpAddress, IpAddress],
  sessionOf: SessionOfPair,
): boolean {
  const pair = packetPair(frame);
  if (pair === undefined) return false;
  const { localVip: source, remoteVip: destination } = pair;
  if ((source === one && destination === other) || (source === other && destination === one)) return true;
  const spi = spiOf(frame);
  if (spi === undefined) return false;
  const session = sessionOf(one, other) ?? sessionOf(other, one);
  if (session === undefined) return false;
  // The peer's SPIs are its own: another peer's may be the same.
  if (direction === 'out') return session.egress?.spi === spi && session.egress.underlayIp === destination;
  return session.ingress.some((given) => given.spi === spi);
}

/** The SPI of PSP that is right behind the IP header; undefined: it is none. The frame has a whole IP packet. */
function spiOf(frame: Uint8Array): number | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  const isIpv4 = etherType(frame) === ETHER_TYPE_IPV4;
  const protocol = frame[ip + (isIpv4 ? IPV4_PROTOCOL : IPV6_NEXT_HEADER)];
  if (protocol !== PROTOCOL_UDP || (isIpv4 && ipv4IsFragment(frame, ip))) return undefined;
  const udp = ip + (isIpv4 ? ipv4HeaderLength(frame, ip) : IPV6_HEADER_OCTETS);
  const psp = udp + UDP_HEADER_OCTETS;
  if (frame.length < psp + PSP_HEADER_OCTETS) return undefined;
  const port = (frame[udp + UDP_DESTINATION_PORT]! << 8) | frame[udp + UDP_DESTINATION_PORT + 1]!;
  return port === PSP_UDP_PORT ? pspSpi(frame, psp) : undefined;
}
