/** Readers of packets: ARP, neighbor discovery, DHCP, PSP, and the description of any frame. */
import { macToOctets, parseIpv4, parseIpv6, parseMac } from '../../src/packet/address.js';
import { ARP_REQUEST, buildArp, parseArp } from '../../src/packet/arp.js';
import { describeFrame, renderTree } from '../../src/packet/describe.js';
import {
  BOOT_REPLY,
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_REQUEST,
  type DhcpMessage,
  parseDhcp,
} from '../../src/packet/dhcp.js';
import {
  buildNeighborAdvertisement,
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  parseNeighborMessage,
} from '../../src/packet/icmpv6.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { associationOf, decapsulate } from '../../src/psp/decapsulate.js';
import { checkPspHeader, parsePspHeader, writePspHeader } from '../../src/psp/header.js';
import { dissectPsp } from '../../src/psp/inspect.js';
import { referenceCases } from '../support/reference-vectors.js';
import type { FuzzTarget } from './engine.js';
import { must, mustBeEqual } from './oracle.js';

const MAC = parseMac('02:00:00:00:00:01');
const OTHER = parseMac('02:00:00:00:00:02');
const [A4, B4] = [parseIpv4('192.0.2.1'), parseIpv4('192.0.2.2')];
const [A6, B6] = [parseIpv6('2001:db8::1'), parseIpv6('2001:db8::2')];
const OCTETS_MAX = 2048;

const dhcp = (message: Partial<DhcpMessage>): Uint8Array =>
  buildDhcp({ operation: BOOT_REQUEST, type: DHCP_DISCOVER, transactionId: 7, clientMac: MAC, ...message });

const pspFrames = (): Uint8Array[] =>
  referenceCases().flatMap(({ frames }) => frames.slice(0, 1).map(({ encrypted }) => encrypted));
/** Where PSP begins in a frame of IPv4 and of IPv6. */
const PSP_AT = [42, 62];

export const PACKET_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'arp',
    seeds: [
      buildArp({ operation: ARP_REQUEST, senderMac: MAC, senderIp: A4, targetMac: OTHER, targetIp: B4 }),
    ],
    dictionary: [],
    octetsMax: 128,
    executions: 20_000,
    run(frame) {
      const arp = parseArp(frame);
      if (arp !== undefined) mustBeEqual(parseArp(buildArp(arp)), arp);
    },
  },
  {
    name: 'neighbor-discovery',
    seeds: [
      buildNeighborSolicitation(A6, B6, MAC),
      buildNeighborAdvertisement(A6, B6, macToOctets(OTHER) && OTHER, MAC),
    ],
    dictionary: [Uint8Array.of(0, 0), Uint8Array.of(60, 0), Uint8Array.of(44, 0), Uint8Array.of(1, 1)],
    octetsMax: OCTETS_MAX,
    executions: 20_000,
    run(frame) {
      for (const type of [ICMPV6_NEIGHBOR_SOLICITATION, ICMPV6_NEIGHBOR_ADVERTISEMENT] as const) {
        const message = parseNeighborMessage(frame, type);
        if (message === undefined) continue;
        must(frame[21] === 255, 'a message that has passed a router was believed');
      }
    },
  },
  {
    name: 'dhcp',
    seeds: [
      dhcp({}),
      dhcp({ type: DHCP_REQUEST, requestedIp: A4, serverId: B4 }),
      dhcp({
        ...{ operation: BOOT_REPLY, type: DHCP_ACK, yourIp: A4, serverIp: B4, serverId: B4, router: B4 },
        ...{ subnetMask: parseIpv4('255.255.255.0'), mtuOctets: 1400, leaseSeconds: 3600, broadcast: true },
      }),
    ],
    dictionary: [
      Uint8Array.of(53, 1, 3),
      Uint8Array.of(50, 4, 192, 0, 2, 1),
      Uint8Array.of(53, 0),
      Uint8Array.of(255),
    ],
    octetsMax: OCTETS_MAX,
    executions: 10_000,
    run(octets) {
      const message = parseDhcp(octets);
      if (message !== undefined) mustBeEqual(parseDhcp(buildDhcp(message)), message);
    },
  },
  {
    name: 'psp',
    seeds: pspFrames(),
    dictionary: [
      Uint8Array.of(3, 232),
      Uint8Array.of(4, 1, 0, 5),
      Uint8Array.of(0, 0, 0, 1),
      Uint8Array.of(41),
    ],
    octetsMax: OCTETS_MAX,
    executions: 5000,
    run(frame) {
      const before = frame.slice();
      const association = associationOf(frame);
      const opened = decapsulate(frame, { engine: opensslEngine, deriveKeyInto: () => {} });
      // Nobody has the key of zeros.
      must('failure' in opened, 'a packet of another key was opened');
      mustBeEqual(frame, before);
      if (typeof association === 'object') must((association.spi & 0x7fffffff) !== 0, 'SPI 0');
      for (const at of PSP_AT) {
        if (checkPspHeader(frame, at, frame.length) !== undefined) continue;
        const header = parsePspHeader(frame, at);
        const again = new Uint8Array(frame.length);
        writePspHeader(again, 0, header);
        mustBeEqual(parsePspHeader(again, 0), header);
      }
    },
  },
  {
    name: 'describe',
    seeds: [
      ...pspFrames(),
      ...referenceCases().flatMap(({ frames }) => frames.slice(0, 1).map(({ cleartext }) => cleartext)),
    ],
    dictionary: [
      Uint8Array.of(0x81, 0),
      Uint8Array.of(8, 0, 0x45),
      Uint8Array.of(0x86, 0xdd, 0x60),
      Uint8Array.of(8, 6),
    ],
    octetsMax: OCTETS_MAX,
    executions: 5000,
    run(frame) {
      const layers = describeFrame(frame, dissectPsp);
      must(layers.length <= 8 + frame.length / 4, 'more layers than a frame has room for');
      must(renderTree(layers).length <= 8192 + 64 * frame.length, 'a description without proportion');
    },
  },
];
