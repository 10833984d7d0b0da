/** Every door of src/packet through which foreign bytes come: whatever they are, no surprise and no octet read beyond them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { macToOctets, parseIpv4, parseIpv6, parseMac } from '../../src/packet/address.js';
import { ARP_REQUEST, buildArp, parseArp } from '../../src/packet/arp.js';
import { describeFrame, renderTree, summarize } from '../../src/packet/describe.js';
import { BOOT_REQUEST, buildDhcp, DHCP_REQUEST, parseDhcp } from '../../src/packet/dhcp.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../src/packet/ethernet.js';
import { fragmentIpv4 } from '../../src/packet/fragment.js';
import { fragmentationNeededMtu, icmpEcho } from '../../src/packet/icmp.js';
import {
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  icmpv6Packet,
  packetTooBigMtu,
  parseNeighborMessage,
} from '../../src/packet/icmpv6.js';
import { buildIpv4Packet, ipv4ChecksumOk, ipv4HeaderValid } from '../../src/packet/ipv4.js';
import { buildIpv6Packet, findIpv6UpperLayer, ipv6HeaderValid } from '../../src/packet/ipv6.js';
import { buildUdp, udpChecksumOk } from '../../src/packet/udp.js';

const MAC = parseMac('02:00:00:00:00:01');
const [A4, B4] = [parseIpv4('192.0.2.1'), parseIpv4('192.0.2.2')];
const [A6, B6] = [parseIpv6('2001:db8::1'), parseIpv6('2001:db8::2')];

function frameOf(type: number, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, macToOctets(MAC), macToOctets(MAC), type);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}

const DHCP = buildDhcp({
  operation: BOOT_REQUEST,
  type: DHCP_REQUEST,
  transactionId: 7,
  clientMac: MAC,
  requestedIp: A4,
});
const ipv4 = (protocol: number, payload: Uint8Array) =>
  frameOf(ETHER_TYPE_IPV4, buildIpv4Packet({ source: A4, destination: B4, protocol, ttl: 64, payload }));
const ipv6 = (nextHeader: number, payload: Uint8Array) =>
  frameOf(
    ETHER_TYPE_IPV6,
    buildIpv6Packet({ source: A6, destination: B6, nextHeader, hopLimit: 64, payload }),
  );

/** Good frames to damage: noise alone hardly gets past the first check. */
const SEEDS: readonly Uint8Array[] = [
  buildArp({ operation: ARP_REQUEST, senderMac: MAC, senderIp: A4, targetMac: MAC, targetIp: B4 }),
  buildNeighborSolicitation(A6, B6, MAC),
  ipv4(17, buildUdp(68, 67, DHCP)),
  ipv4(6, new Uint8Array(24)),
  ipv4(1, new Uint8Array(12)),
  ipv6(58, new Uint8Array(12)),
  ipv6(17, buildUdp(1, 1000, new Uint8Array(8))),
  ipv6(0, Uint8Array.from([60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 51, 0, 0, 1, 0, 0, 0, 9])),
];

const damaged = fc
  .record({
    seed: fc.constantFrom(...SEEDS),
    cut: fc.option(fc.nat(80)),
    edits: fc.array(fc.tuple(fc.nat(120), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
  })
  .map(({ seed, cut, edits }) => {
    const frame = seed.slice(0, cut === null ? seed.length : Math.max(0, seed.length - cut));
    for (const [at, value] of edits) if (at < frame.length) frame[at] = value;
    return frame;
  });
const anyOctets = fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged);

/** The octets as a window into a larger buffer, as Node's pool gives them out. */
function windowed(octets: Uint8Array, filling: number): Uint8Array {
  const pool = new Uint8Array(octets.length + 128).fill(filling);
  pool.set(octets, 32);
  return pool.subarray(32, 32 + octets.length);
}

/** All results for a frame. What throws, or is made of octets that are not there, shows up here. */
function everything(frame: Uint8Array) {
  const ip = ETHERNET_HEADER_OCTETS;
  const layers = describeFrame(frame, (_, octets, offset, end) => [
    {
      name: 'payload',
      summary: '',
      fields: [['sum', octets.subarray(offset, end).reduce((a, b) => a + b, 0)]],
    },
  ]);
  return {
    text: summarize(layers) + renderTree(layers),
    arp: parseArp(frame),
    dhcp: parseDhcp(frame),
    dhcpInside: parseDhcp(frame.subarray(Math.min(42, frame.length))),
    neighbor: [ICMPV6_NEIGHBOR_SOLICITATION, ICMPV6_NEIGHBOR_ADVERTISEMENT].map((type) =>
      parseNeighborMessage(frame, type as typeof ICMPV6_NEIGHBOR_SOLICITATION),
    ),
    valid: [ipv4HeaderValid(frame, ip, frame.length), ipv6HeaderValid(frame, ip, frame.length)],
    ipv4Sum: frame.length > ip ? ipv4ChecksumOk(frame, ip) : false,
    upper: findIpv6UpperLayer(frame, ip, frame.length),
    udp: [udpChecksumOk(frame, ip, 4, 34), udpChecksumOk(frame, ip, 6, 54)],
    echo: icmpEcho(frame, 34),
    mtus: [fragmentationNeededMtu(frame, 34), packetTooBigMtu(frame, 54)],
    fragments: ipv4HeaderValid(frame, ip, frame.length) ? fragmentIpv4(frame, 68) : undefined,
  };
}

describe('arbitrary octets', () => {
  test('no parser throws, and what lies around the octets in their buffer changes nothing', () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        expect(everything(windowed(octets, 0x00))).toEqual(everything(windowed(octets, 0xff)));
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing that a parser gives out was made of octets that are not there', () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        const text = JSON.stringify(everything(octets), (_, value) =>
          Number.isNaN(value) ? 'NaN' : (value as unknown),
        );
        expect(text).not.toMatch(/undefined|NaN/);
      }),
      { numRuns: 2000 },
    );
  });

  test('an upper layer lies within the packet', () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        const upper = findIpv6UpperLayer(octets, ETHERNET_HEADER_OCTETS, octets.length);
        if (upper !== undefined) expect(upper.offset).toBeLessThanOrEqual(octets.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('a neighbor message whose last option is one octet long is refused', () => {
    const message = new Uint8Array(25);
    message[0] = ICMPV6_NEIGHBOR_SOLICITATION;
    message[8] = 0xfe;
    message[24] = 1;
    const frame = frameOf(ETHER_TYPE_IPV6, icmpv6Packet(A6, B6, message, 255));
    expect(parseNeighborMessage(frame, ICMPV6_NEIGHBOR_SOLICITATION)).toBeUndefined();
  });
});
