/** The header that an egress entry puts on packets: what the device does not compute by itself. */
import {
  type IpAddress,
  type IpFamily,
  ipFamily,
  ipToOctets,
  type MacAddress,
  macToOctets,
} from '../../packet/address.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import {
  IPV4_DESTINATION,
  IPV4_FLAG_DONT_FRAGMENT,
  IPV4_FLAGS_FRAGMENT,
  IPV4_HEADER_OCTETS_MIN,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  IPV4_TTL,
  PROTOCOL_UDP,
} from '../../packet/ipv4.js';
import {
  IPV6_DESTINATION,
  IPV6_HEADER_OCTETS,
  IPV6_HOP_LIMIT,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
} from '../../packet/ipv6.js';
import { UDP_DESTINATION_PORT, UDP_HEADER_OCTETS } from '../../packet/udp.js';
import {
  isGmac,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_IPV6,
  PSP_COOKIE,
  PSP_COOKIE_OCTETS,
  PSP_HEADER_OCTETS,
  PSP_SPI,
  PSP_UDP_PORT,
  writePspHeader,
} from '../../psp/header.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';

/** Values that DOCA's application writes. */
const OUTER_TTL = 64;
const OUTER_HOP_LIMIT = 50;

export interface EncapHeaderOptions {
  readonly mode: 'tunnel' | 'transport';
  readonly innerFamily: IpFamily;
  readonly cryptOffsetWords: number;
  readonly cookies: boolean;
  /** What stands behind the IV, or the cookie; absent: nothing. */
  readonly extension?: Uint8Array;
  /** Our uplink. */
  readonly sourceMac: MacAddress;
  readonly sourceIp: IpAddress;
  /** Replaces the peer's MAC. */
  readonly nexthopDmac?: MacAddress;
}

/** The header that was built last: within a batch only SPI and cookie differ from one to the next. */
let last:
  | {
      readonly peer: Shared;
      readonly options: EncapHeaderOptions;
      readonly header: Uint8Array;
    }
  | undefined;

/** Tunnel mode: Ethernet, IP, UDP and PSP header; transport mode: UDP and PSP header. */
export function buildEncapHeader(peer: TunnelParameters, options: EncapHeaderOptions): Uint8Array {
  if (last !== undefined && sameButForSession(last.peer, peer) && sameOptions(last.options, options)) {
    const header = last.header.slice();
    const view = new DataView(header.buffer);
    const psp = header.length - pspOctets(options);
    view.setUint32(psp + PSP_SPI, peer.spi);
    if (options.cookies) view.setBigUint64(psp + PSP_COOKIE, peer.cookie);
    return header;
  }
  const header = buildWhole(peer, options);
  // Not the parameters themselves, which hold a key.
  const { mac, underlayIp, pspVersion } = peer;
  last = { peer: { mac, underlayIp, pspVersion }, options, header: header.slice() };
  return header;
}

type Shared = Pick<TunnelParameters, 'mac' | 'underlayIp' | 'pspVersion'>;

function sameButForSession(a: Shared, b: Shared): boolean {
  return a.mac === b.mac && a.underlayIp === b.underlayIp && a.pspVersion === b.pspVersion;
}

function sameOptions(a: EncapHeaderOptions, b: EncapHeaderOptions): boolean {
  return (
    a.mode === b.mode &&
    a.innerFamily === b.innerFamily &&
    a.cryptOffsetWords === b.cryptOffsetWords &&
    a.cookies === b.cookies &&
    a.extension === b.extension &&
    a.sourceMac === b.sourceMac &&
    a.sourceIp === b.sourceIp &&
    a.nexthopDmac === b.nexthopDmac
  );
}

function pspOctets({ cookies, extension }: EncapHeaderOptions): number {
  return PSP_HEADER_OCTETS + (cookies ? PSP_COOKIE_OCTETS : 0) + (extension?.length ?? 0);
}

function buildWhole(peer: TunnelParameters, options: EncapHeaderOptions): Uint8Array {
  const outer = options.mode === 'tunnel' ? outerHeader(peer, options) : new Uint8Array(0);
  const header = new Uint8Array(outer.length + UDP_HEADER_OCTETS + pspOctets(options));
  header.set(outer);
  header[outer.length + UDP_DESTINATION_PORT] = PSP_UDP_PORT >>> 8;
  header[outer.length + UDP_DESTINATION_PORT + 1] = PSP_UDP_PORT & 0xff;
  const tunnelled = options.innerFamily === 4 ? NEXT_HEADER_IPV4 : NEXT_HEADER_IPV6;
  writePspHeader(header, outer.length + UDP_HEADER_OCTETS, {
    nextHeader: options.mode === 'tunnel' ? tunnelled : 0,
    // AES-GMAC encrypts nothing, and has no offset.
    cryptOffsetWords: isGmac(peer.pspVersion) ? 0 : options.cryptOffsetWords,
    version: peer.pspVersion,
    spi: peer.spi,
    iv: 0n,
    ...(options.cookies ? { cookie: peer.cookie } : {}),
    ...(options.extension === undefined ? {} : { extension: options.extension }),
  });
  return header;
}

function outerHeader(peer: TunnelParameters, options: EncapHeaderOptions): Uint8Array {
  const family = ipFamily(peer.underlayIp);
  const ip = ETHERNET_HEADER_OCTETS;
  const header = new Uint8Array(ip + (family === 4 ? IPV4_HEADER_OCTETS_MIN : IPV6_HEADER_OCTETS));
  const destinationMac = macToOctets(options.nexthopDmac ?? peer.mac);
  const type = family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6;
  writeEthernetHeader(header, destinationMac, macToOctets(options.sourceMac), type);
  if (family === 4) {
    header[ip] = 0x45;
    header[ip + IPV4_FLAGS_FRAGMENT] = IPV4_FLAG_DONT_FRAGMENT >>> 8;
    header[ip + IPV4_TTL] = OUTER_TTL;
    header[ip + IPV4_PROTOCOL] = PROTOCOL_UDP;
    header.set(ipToOctets(options.sourceIp), ip + IPV4_SOURCE);
    header.set(ipToOctets(peer.underlayIp), ip + IPV4_DESTINATION);
  } else {
    header[ip] = 0x60;
    header[ip + IPV6_NEXT_HEADER] = PROTOCOL_UDP;
    header[ip + IPV6_HOP_LIMIT] = OUTER_HOP_LIMIT;
    header.set(ipToOctets(options.sourceIp), ip + IPV6_SOURCE);
    header.set(ipToOctets(peer.underlayIp), ip + IPV6_DESTINATION);
  }
  return header;
}
