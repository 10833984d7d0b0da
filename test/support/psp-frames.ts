/** PSP frames as peers on an underlay send them, for tests of whoever looks at captures. */
import { type IpAddress, ipFamily, parseIp } from '../../src/packet/address.js';
import { buildIpv4Packet } from '../../src/packet/ipv4.js';
import { buildIpv6Packet } from '../../src/packet/ipv6.js';
import { buildUdp } from '../../src/packet/udp.js';
import type { Family } from '../../src/verify/inner-packets.js';

export const UNDERLAY_MACS = Uint8Array.from([2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1]);
const SENDER: Readonly<Record<Family, IpAddress>> = { 4: parseIp('192.0.2.9'), 6: parseIp('2001:db8::9') };

/** A frame with a UDP datagram to `receiver`, by default to PSP's port. */
export function datagramTo(
  receiver: IpAddress,
  payload: Uint8Array,
  sourcePort = 50_000,
  destinationPort = 1000,
): Uint8Array {
  const family = ipFamily(receiver);
  const udp = buildUdp(sourcePort, destinationPort, payload);
  const addresses = { source: SENDER[family] as never, destination: receiver as never };
  const packet =
    family === 4
      ? buildIpv4Packet({ ...addresses, protocol: 17, ttl: 64, payload: udp })
      : buildIpv6Packet({ ...addresses, nextHeader: 17, hopLimit: 64, payload: udp });
  return Uint8Array.from([...UNDERLAY_MACS, ...(family === 4 ? [8, 0] : [0x86, 0xdd]), ...packet]);
}

/** Outer Ethernet and IP header of tunnel mode, as encapsulate() wants them. */
export function outerHeaderTo(receiver: IpAddress): Uint8Array {
  return datagramTo(receiver, new Uint8Array(0)).subarray(0, ipFamily(receiver) === 4 ? 34 : 54);
}
