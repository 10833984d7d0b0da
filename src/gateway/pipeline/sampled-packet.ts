/** The log's line about a sampled packet: whose it is and how long, and its octets only if the operator asked for them. */
import type { IpFamily } from '../../packet/address.js';
import { protocolName } from '../../packet/describe.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
} from '../../packet/ethernet.js';
import { IP_HEADER_OCTETS, ipAddressAt, upperLayerAt } from '../../packet/ip.js';
import { ipv4IsFragment, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { UDP_DESTINATION_PORT, UDP_HEADER_OCTETS, UDP_SOURCE_PORT } from '../../packet/udp.js';
import { uint16At } from '../../packet/uint16.js';
import {
  encryptStart,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_HEADER_OCTETS,
  PSP_ICV_OCTETS,
  PSP_NEXT_HEADER,
  PSP_UDP_PORT,
  pspHeaderLengthOctets,
  pspSpi,
  spiText,
} from '../../psp/header.js';
import type { LogFields } from '../log.js';

/** Begin and protocol of an IP packet's payload; undefined: the readable octets do not show it. */
interface Upper {
  readonly protocol: number;
  readonly offset: number;
}

/**
 * The innermost addresses, protocol and ports that can be read in a frame that carries PSP, its length and its SPI.
 *
 * @param readable what the envelope holds is not encrypted
 */
export function sampledFields(frame: Uint8Array, readable: boolean, withOctets: boolean): LogFields {
  return {
    ...flowFields(frame, readable),
    length: frame.length,
    ...(withOctets ? { octets: Buffer.from(frame).toString('hex') } : {}),
  };
}

function flowFields(frame: Uint8Array, readable: boolean): LogFields {
  const family = familyOf(etherType(frame));
  if (family === undefined) return {};
  const outer = addressFields(frame, ETHERNET_HEADER_OCTETS, family, frame.length);
  const udp = upperOf(frame, ETHERNET_HEADER_OCTETS, family, frame.length);
  const psp = udp === undefined ? undefined : pspOffset(frame, udp);
  if (udp === undefined || psp === undefined) return { ...outer, ...upperFields(frame, udp, frame.length) };

  const spi = { spi: spiText(pspSpi(frame, psp)) };
  const payloadEnd = frame.length - PSP_ICV_OCTETS;
  const readableEnd = readable ? payloadEnd : Math.min(payloadEnd, encryptStart(frame, psp, payloadEnd));
  const inside = psp + pspHeaderLengthOctets(frame, psp);
  const nextHeader = frame[psp + PSP_NEXT_HEADER]!;
  const innerFamily = nextHeader === NEXT_HEADER_IPV4 ? 4 : nextHeader === NEXT_HEADER_IPV6 ? 6 : undefined;
  // Transport mode: the addresses are the packet's own.
  if (innerFamily === undefined) {
    return { ...outer, ...upperFields(frame, { protocol: nextHeader, offset: inside }, readableEnd), ...spi };
  }
  const inner = addressFields(frame, inside, innerFamily, readableEnd);
  return {
    ...inner,
    ...(inner === undefined
      ? {}
      : upperFields(frame, upperOf(frame, inside, innerFamily, readableEnd), readableEnd)),
    underlaySource: outer?.source,
    underlayDestination: outer?.destination,
    ...spi,
  };
}

function familyOf(type: number): IpFamily | undefined {
  if (type === ETHER_TYPE_IPV4) return 4;
  return type === ETHER_TYPE_IPV6 ? 6 : undefined;
}

function addressFields(frame: Uint8Array, at: number, family: IpFamily, end: number) {
  if (at + IP_HEADER_OCTETS[family] > end) return undefined;
  return {
    source: ipAddressAt(frame, at, family, 'source'),
    destination: ipAddressAt(frame, at, family, 'destination'),
  };
}

function upperOf(frame: Uint8Array, at: number, family: IpFamily, end: number): Upper | undefined {
  if (at + IP_HEADER_OCTETS[family] > end) return undefined;
  const upper = upperLayerAt(frame, at, family, end);
  // Only the protocol of a fragment is known.
  return upper !== undefined && family === 4 && ipv4IsFragment(frame, at) ? { ...upper, offset: end } : upper;
}

function upperFields(frame: Uint8Array, upper: Upper | undefined, end: number): LogFields {
  if (upper === undefined) return {};
  const { protocol, offset } = upper;
  const hasPorts = (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP) && offset + 4 <= end;
  return {
    protocol: protocolName(protocol),
    ...(hasPorts
      ? {
          sourcePort: uint16At(frame, offset + UDP_SOURCE_PORT),
          destinationPort: uint16At(frame, offset + UDP_DESTINATION_PORT),
        }
      : {}),
  };
}

/** Offset of the PSP header behind a UDP header; undefined: there is none. */
function pspOffset(frame: Uint8Array, { protocol, offset }: Upper): number | undefined {
  const psp = offset + UDP_HEADER_OCTETS;
  if (protocol !== PROTOCOL_UDP || psp + PSP_HEADER_OCTETS + PSP_ICV_OCTETS > frame.length) return undefined;
  return uint16At(frame, offset + UDP_DESTINATION_PORT) === PSP_UDP_PORT ? psp : undefined;
}
