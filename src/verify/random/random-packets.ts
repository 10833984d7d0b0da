/** Frames of every kind that a device may meet, from a small world of addresses so that matches hit. */

import type { Choose } from '../../base/choose.js';
import { type Ipv4Address, type Ipv6Address, ipFromOctets } from '../../packet/address.js';
import { buildIpv4Packet, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { buildIpv6Packet } from '../../packet/ipv6.js';
import { UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { opensslEngine } from '../../psp/aead-openssl.js';
import { EncapsulationError, encapsulate } from '../../psp/encapsulate.js';
import type { PspVersion } from '../../psp/header.js';
import { deriveKey } from '../../psp/key-derivation.js';
import { withBadHeader } from './bad-headers.js';

export const IPV4_POOL = [0x0a000001, 0x0a000002, 0xc0a80121, 0xc0a80137];
export const IPV6_POOL = [1, 2, 0x33, 0x55].map((last) => {
  const octets = Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  octets[15] = last;
  return octets;
});
export const PORT_POOL = [1000, 53, 5000, 40000];
export const SPI_POOL = [1, 2, 3, 0x80000001, 0x80000002];
export const MAC_POOL = [1, 2, 3].map((last) => Uint8Array.from([2, 0, 0, 0, 0, last]));

export function ipv4Octets(address: number): Uint8Array {
  return Uint8Array.from([address >>> 24, address >>> 16, address >>> 8, address]);
}

/** Ethernet with a payload, most often an IP packet. */
export function randomFrame(choose: Choose): Uint8Array {
  const kind = choose.below(12);
  if (kind === 0) return choose.octets(choose.below(100));
  if (kind === 1)
    return ethernet(choose, choose.pick([0x0806, 0x8100, 0x86dd, 0x0800]), choose.octets(choose.below(80)));
  const frame = plainFrame(choose);
  if (kind === 2) return damaged(choose, frame);
  if (kind === 3) return Uint8Array.from([...frame, ...choose.octets(choose.between(1, 20))]);
  return frame;
}

/** An IP packet that a host would send, most often whole. */
export function plainFrame(choose: Choose): Uint8Array {
  return choose.once(2)
    ? ethernet(choose, 0x0800, ipv4Packet(choose))
    : ethernet(choose, 0x86dd, ipv6Packet(choose));
}

function ethernet(choose: Choose, type: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...choose.pick(MAC_POOL),
    ...choose.pick(MAC_POOL),
    type >>> 8,
    type & 0xff,
    ...payload,
  ]);
}

function upperLayer(choose: Choose, icmp: number): { protocol: number; payload: Uint8Array } {
  const protocol = choose.pick([PROTOCOL_UDP, PROTOCOL_UDP, PROTOCOL_TCP, icmp, 132, 253]);
  // Sometimes too short for its header, sometimes larger than any port carries.
  const length = choose.once(12)
    ? choose.below(8)
    : choose.once(20)
      ? choose.between(1300, 1600)
      : choose.between(20, 200);
  const payload = choose.octets(length);
  if (protocol === PROTOCOL_UDP && length >= 8) {
    const view = new DataView(payload.buffer);
    view.setUint16(0, choose.pick(PORT_POOL));
    view.setUint16(2, choose.pick(PORT_POOL));
    view.setUint16(4, choose.once(6) ? choose.below(300) : length);
  }
  return { protocol, payload };
}

function ipv4Packet(choose: Choose): Uint8Array {
  const { protocol, payload } = upperLayer(choose, 1);
  const address = () => ipFromOctets(ipv4Octets(choose.pick(IPV4_POOL)), 0, 4) as Ipv4Address;
  const packet = buildIpv4Packet({
    source: address(),
    destination: address(),
    protocol,
    ttl: 64,
    payload,
    dontFragment: choose.once(2),
  });
  if (choose.once(8)) {
    // A fragment, or a wrong checksum.
    if (choose.once(2)) packet[6] = choose.pick([0x20, 0x00]);
    packet[7] = choose.below(3);
    if (choose.once(2)) packet[10]! ^= 0xff;
  }
  return packet;
}

function ipv6Packet(choose: Choose): Uint8Array {
  const { protocol, payload } = upperLayer(choose, 58);
  let nextHeader = protocol;
  let body = payload;
  if (choose.once(3)) {
    const kind = choose.pick([0, 43, 60, 44, 44, 51]);
    const header = new Uint8Array(choose.once(4) ? 16 : 8);
    header[0] = protocol;
    header[1] = kind === 44 ? 0 : kind === 51 ? header.length / 4 - 2 : header.length / 8 - 1;
    if (kind === 44 && !choose.once(3)) header[3] = choose.pick([1, 1, 8, 9]);
    nextHeader = kind;
    body = Uint8Array.from([...(kind === 44 ? header.subarray(0, 8) : header), ...payload]);
  }
  const address = () => ipFromOctets(choose.pick(IPV6_POOL), 0, 6) as Ipv6Address;
  return buildIpv6Packet({
    source: address(),
    destination: address(),
    nextHeader,
    hopLimit: 64,
    payload: body,
  });
}

/** A PSP packet as a peer sends it. */
export interface SealedFrame {
  readonly frame: Uint8Array;
  readonly inner: Uint8Array;
  readonly isTunnel: boolean;
  readonly key: Uint8Array;
  readonly pspAt: number;
}

/** What peers of a device seal with. */
export interface PeerKeys {
  draw(choose: Choose): { readonly spi: number; readonly version: PspVersion; readonly key: Uint8Array };
}

/** Keys of a device whose master keys are known. */
export function keysOfMasters(masterKeys: readonly [Uint8Array, Uint8Array]): PeerKeys {
  return {
    draw(choose) {
      const version = choose.below(4) as PspVersion;
      const spi = choose.pick(SPI_POOL);
      return { spi, version, key: deriveKey(masterKeys[spi >>> 31]!, spi, version) };
    },
  };
}

/** Under one of a device's keys; without `frame` where what was drawn cannot be encapsulated. */
export function sealedFrame(choose: Choose, keys: PeerKeys): SealedFrame | Pick<SealedFrame, 'inner'> {
  const inner = plainFrame(choose);
  const { spi, version, key } = keys.draw(choose);
  const isTunnel = !choose.once(3);
  const outer4 = choose.once(2);
  const address4 = () => [...ipv4Octets(choose.pick(IPV4_POOL))];
  const address6 = () => [...choose.pick(IPV6_POOL)];
  const macs = [...choose.pick(MAC_POOL), ...choose.pick(MAC_POOL)];
  const outerHeader = outer4
    ? Uint8Array.from([...macs, 8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, ...address4(), ...address4()])
    : Uint8Array.from([...macs, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 50, ...address6(), ...address6()]);
  try {
    const frame = encapsulate(inner, {
      engine: opensslEngine,
      version,
      spi,
      key,
      iv: BigInt(choose.uint32()),
      cryptOffsetWords: choose.pick([0, 0, 1, 4, 10]),
      ...(choose.once(3) ? { cookie: BigInt(choose.below(3)) } : {}),
      sample: choose.once(4),
      drop: choose.once(6),
      ...(choose.once(4) ? { extension: choose.octets(choose.pick([8, 8, 16, 24])) } : {}),
      sourcePort: choose.pick(PORT_POOL),
      ...(isTunnel ? { outerHeader } : {}),
    });
    return { frame, inner, isTunnel, key, pspAt: outerHeader.length + UDP_HEADER_OCTETS };
  } catch (error) {
    if (error instanceof EncapsulationError) return { inner };
    throw error;
  }
}

/** The same, often damaged. */
export function randomPspFrame(choose: Choose, keys: PeerKeys): Uint8Array {
  const sealed = sealedFrame(choose, keys);
  if (!('frame' in sealed)) return sealed.inner;
  let { frame } = sealed;
  if (sealed.isTunnel && choose.once(10)) frame = withBadHeader(choose, frame, sealed.pspAt, sealed.key);
  if (choose.once(10)) frame = Uint8Array.from([...frame, ...choose.octets(choose.between(1, 10))]);
  return choose.once(3) ? damaged(choose, frame) : frame;
}

export function damaged(choose: Choose, frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  if (choose.once(4)) return copy.subarray(0, choose.below(copy.length + 1));
  for (let i = choose.between(1, 3); i > 0; i--) {
    // Half of the time in the headers.
    const at = choose.once(2) ? choose.below(Math.min(copy.length, 90)) : choose.below(copy.length);
    copy[at]! ^= 1 << choose.below(8);
  }
  return copy;
}
