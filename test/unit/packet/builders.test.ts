import { describe, expect, test } from 'vitest';
import { macToOctets, parseIpv4, parseIpv6, parseMac } from '../../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../../src/packet/arp.js';
import { onesComplementSum, pseudoHeaderSum } from '../../../src/packet/checksum.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  etherType,
  writeEthernetHeader,
} from '../../../src/packet/ethernet.js';
import {
  buildFragmentationNeeded,
  buildIcmpEcho,
  fragmentationNeededMtu,
  ICMP_ECHO_REQUEST,
  icmpEcho,
} from '../../../src/packet/icmp.js';
import {
  buildIcmpv6Echo,
  buildNeighborAdvertisement,
  buildNeighborSolicitation,
  buildPacketTooBig,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  icmpv6Packet,
  packetTooBigMtu,
  parseNeighborMessage,
  setIcmpv6Checksum,
} from '../../../src/packet/icmpv6.js';
import {
  buildIpv4Packet,
  ipv4ChecksumOk,
  ipv4HeaderValid,
  setIpv4Checksum,
} from '../../../src/packet/ipv4.js';
import { buildIpv6Packet } from '../../../src/packet/ipv6.js';
import { buildTcp, parseTcp, setTcpChecksum, TCP_SYN, tcpChecksumOk } from '../../../src/packet/tcp.js';
import { buildUdp, setUdpChecksum, udpChecksumOk } from '../../../src/packet/udp.js';
import {
  ADVERTISEMENT_FRAME,
  ARP_REPLY_FRAME,
  ARP_REQUEST_FRAME,
  DNS_FRAME,
  DNS6_FRAME,
  PING_FRAME,
  PING6_FRAME,
  SOLICITATION_FRAME,
  SYN_FRAME,
  SYN6_FRAME,
} from '../../support/real-frames.js';

const MAC_33 = parseMac('02:00:00:00:01:33');
const MAC_55 = parseMac('02:00:00:00:02:55');
const [IP_33, IP_55] = [parseIpv4('192.168.1.33'), parseIpv4('192.168.1.55')];
const [IP6_33, IP6_55] = [parseIpv6('fd00:0:0:1::33'), parseIpv6('fd00:0:0:1::55')];

function framed(packet: Uint8Array, type: number): Uint8Array {
  const frame = new Uint8Array(14 + packet.length);
  writeEthernetHeader(frame, macToOctets(MAC_55), macToOctets(MAC_33), type);
  frame.set(packet, 14);
  return frame;
}

const ipv4 = (protocol: number, payload: Uint8Array, identification: number, dontFragment: boolean) =>
  buildIpv4Packet({
    source: IP_33,
    destination: IP_55,
    protocol,
    ttl: 64,
    payload,
    identification,
    dontFragment,
  });
/** The builder leaves the flow label at 0, the kernel does not; no checksum covers it. */
function withFlowLabel(packet: Uint8Array, label: number): Uint8Array {
  packet[1]! |= label >>> 16;
  packet[2] = label >>> 8;
  packet[3] = label;
  return packet;
}

describe('what Linux sends, built again to the octet', () => {
  test('ARP request and reply', () => {
    const request = parseArp(ARP_REQUEST_FRAME)!;
    expect(request).toEqual({
      operation: ARP_REQUEST,
      senderMac: MAC_33,
      senderIp: IP_33,
      targetMac: '00:00:00:00:00:00',
      targetIp: IP_55,
    });
    expect(buildArp(request)).toEqual(ARP_REQUEST_FRAME);
    const reply = parseArp(ARP_REPLY_FRAME)!;
    expect(reply.operation).toBe(ARP_REPLY);
    expect(buildArp(reply)).toEqual(ARP_REPLY_FRAME);
  });

  test('ICMP echo request', () => {
    expect(icmpEcho(PING_FRAME, 34)).toEqual({ identifier: 0x6edd, sequence: 1 });
    const echo = buildIcmpEcho(ICMP_ECHO_REQUEST, 0x6edd, 1, PING_FRAME.subarray(42));
    expect(framed(ipv4(1, echo, 0x6a5a, true), ETHER_TYPE_IPV4)).toEqual(PING_FRAME);
  });

  test('ICMPv6 echo request', () => {
    const echo = buildIcmpv6Echo(ICMPV6_ECHO_REQUEST, 0x6ede, 1, PING6_FRAME.subarray(62));
    const packet = withFlowLabel(icmpv6Packet(IP6_33, IP6_55, echo), 0x4755f);
    expect(framed(packet, ETHER_TYPE_IPV6)).toEqual(PING6_FRAME);
  });

  test('neighbor solicitation and advertisement', () => {
    expect(parseNeighborMessage(SOLICITATION_FRAME, ICMPV6_NEIGHBOR_SOLICITATION)).toEqual({
      source: IP6_33,
      destination: 'ff02::1:ff00:55',
      target: IP6_55,
      linkLayer: MAC_33,
    });
    expect(buildNeighborSolicitation(IP6_33, IP6_55, MAC_33)).toEqual(SOLICITATION_FRAME);
    expect(parseNeighborMessage(ADVERTISEMENT_FRAME, ICMPV6_NEIGHBOR_ADVERTISEMENT)).toEqual({
      source: IP6_55,
      destination: IP6_33,
      target: IP6_55,
      linkLayer: MAC_55,
    });
    expect(buildNeighborAdvertisement(IP6_55, IP6_33, MAC_33, MAC_55)).toEqual(ADVERTISEMENT_FRAME);
  });

  test('UDP over IPv4 and IPv6', () => {
    const packet = ipv4(17, buildUdp(0x83ce, 53, DNS_FRAME.subarray(42)), 0x53d2, false);
    setUdpChecksum(packet, 0, 4, 20);
    expect(framed(packet, ETHER_TYPE_IPV4)).toEqual(DNS_FRAME);
    const packet6 = buildIpv6Packet({
      source: IP6_33,
      destination: IP6_55,
      nextHeader: 17,
      hopLimit: 64,
      payload: buildUdp(0x8444, 53, DNS6_FRAME.subarray(62)),
    });
    setUdpChecksum(packet6, 0, 6, 40);
    expect(framed(withFlowLabel(packet6, 0x3fb3e), ETHER_TYPE_IPV6)).toEqual(DNS6_FRAME);
  });

  test.each([
    ['IPv4', SYN_FRAME, 4, 34, { sourcePort: 47382, destinationPort: 8080, window: 65280 }],
    ['IPv6', SYN6_FRAME, 6, 54, { sourcePort: 60658, destinationPort: 8080, window: 64320 }],
  ] as const)('TCP over %s: header and checksum', (_, real, family, at, expected) => {
    const segment = parseTcp(real, at, real.length)!;
    expect(segment).toMatchObject({ ...expected, acknowledgment: 0, flags: TCP_SYN, headerOctets: 40 });
    expect(tcpChecksumOk(real, 14, family, at, real.length)).toBe(true);
    const again = real.slice();
    again.set(buildTcp(segment, new Uint8Array(0)).subarray(0, 12), at);
    again.fill(0xff, at + 16, at + 18);
    setTcpChecksum(again, 14, family, at, again.length);
    expect(again).toEqual(real);
  });
});

describe('checksums', () => {
  test('the well-known IPv4 header with checksum b861', () => {
    const header = Uint8Array.from(Buffer.from('450000730000400040110000c0a80001c0a800c7', 'hex'));
    setIpv4Checksum(header, 0);
    expect(Buffer.from(header.subarray(10, 12)).toString('hex')).toBe('b861');
    expect(ipv4ChecksumOk(header, 0)).toBe(true);
  });

  test.each([
    ['IPv4 header', PING_FRAME, 14, 34, (f: Uint8Array) => ipv4ChecksumOk(f, 14)],
    ['UDP', DNS_FRAME, 34, 93, (f: Uint8Array) => udpChecksumOk(f, 14, 4, 34)],
    ['UDP over IPv6', DNS6_FRAME, 54, 113, (f: Uint8Array) => udpChecksumOk(f, 14, 6, 54)],
    ['TCP', SYN_FRAME, 34, 74, (f: Uint8Array) => tcpChecksumOk(f, 14, 4, 34, 74)],
    ['TCP over IPv6', SYN6_FRAME, 54, 94, (f: Uint8Array) => tcpChecksumOk(f, 14, 6, 54, 94)],
    [
      'neighbor discovery',
      SOLICITATION_FRAME,
      54,
      86,
      (f: Uint8Array) => parseNeighborMessage(f, ICMPV6_NEIGHBOR_SOLICITATION) !== undefined,
    ],
  ] as const)('%s: any flipped bit is noticed', (_, real, start, end, ok) => {
    expect(ok(real)).toBe(true);
    for (let bit = start * 8; bit < end * 8; bit++) {
      const flipped = real.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      expect(ok(flipped), `bit ${bit}`).toBe(false);
    }
  });

  test('a UDP checksum of 0 is sent as ffff; 0 means none, over IPv4 only', () => {
    const packet = ipv4(17, buildUdp(1, 2, new Uint8Array(2)), 0, false);
    setUdpChecksum(packet, 0, 4, 20);
    // With the sum's complement as payload the computed checksum is 0.
    packet.set(packet.subarray(26, 28), 28);
    setUdpChecksum(packet, 0, 4, 20);
    expect([packet[26], packet[27]]).toEqual([0xff, 0xff]);
    expect(udpChecksumOk(packet, 0, 4, 20)).toBe(true);
    packet.fill(0, 26, 28);
    packet[29]! ^= 1;
    expect(udpChecksumOk(packet, 0, 4, 20)).toBe(true);
    expect(udpChecksumOk(packet, 0, 6, 20)).toBe(false);
  });
});

describe('lengths that contradict the octets', () => {
  test('a UDP length shorter than the header or longer than the octets is never right, not even without checksum', () => {
    const packet = ipv4(17, buildUdp(1, 2, new Uint8Array(4)), 0, false);
    const withLength = (length: number) => {
      packet[25] = length;
      return udpChecksumOk(packet, 0, 4, 20);
    };
    expect([12, 8].map(withLength)).toEqual([true, true]);
    expect([0, 7, 13].map(withLength)).toEqual([false, false, false]);
  });

  test('a TCP header must lie within the segment, and the segment within the octets', () => {
    const end = SYN_FRAME.length;
    const withDataOffset = (words: number) => {
      const frame = SYN_FRAME.slice();
      frame[34 + 12] = words << 4;
      return parseTcp(frame, 34, end)?.headerOctets;
    };
    expect([4, 5, 10, 11].map(withDataOffset)).toEqual([undefined, 20, 40, undefined]);
    const cut = SYN_FRAME.subarray(0, end - 1);
    expect(parseTcp(cut, 34, end)).toBeUndefined();
    expect(parseTcp(SYN_FRAME, 34, 34 + 19)).toBeUndefined();
    // Zeros sum up right whether they are there or not.
    const zeros = new Uint8Array(60);
    const checked = (octets: Uint8Array, to: number) => {
      const packet = octets.slice();
      packet[18] = (0xffff - 6 - (to - 20)) >>> 8;
      packet[19] = 0xffff - 6 - (to - 20);
      return tcpChecksumOk(packet, 0, 4, 20, to);
    };
    expect(checked(zeros, 60)).toBe(true);
    expect(checked(zeros.subarray(0, 58), 60)).toBe(false);
    expect(checked(zeros, 38)).toBe(false);
  });
});

describe('path MTU messages', () => {
  const payload = Uint8Array.from({ length: 1400 }, (_, i) => i);

  test('fragmentation needed fills 576 octets at most and names the MTU', () => {
    const big = framed(ipv4(6, payload, 1, true), ETHER_TYPE_IPV4);
    const message = buildFragmentationNeeded(big, 14, 1300);
    expect(20 + message.length).toBe(576);
    expect([message[0], message[1], fragmentationNeededMtu(message, 0)]).toEqual([3, 4, 1300]);
    expect(message.subarray(8)).toEqual(big.subarray(14, 14 + 548));
    expect(onesComplementSum(message, 0, message.length)).toBe(0xffff);
  });

  test('a small packet is quoted whole, without the padding behind it', () => {
    const padded = new Uint8Array(60);
    padded.set(framed(ipv4(6, new Uint8Array(3), 1, true), ETHER_TYPE_IPV4));
    expect(buildFragmentationNeeded(padded, 14, 68)).toHaveLength(8 + 23);
  });

  test('packet too big fills 1280 octets at most and names the MTU', () => {
    const big = framed(
      buildIpv6Packet({ source: IP6_33, destination: IP6_55, nextHeader: 6, hopLimit: 9, payload }),
      ETHER_TYPE_IPV6,
    );
    const packet = icmpv6Packet(IP6_55, IP6_33, buildPacketTooBig(big, 14, 1340));
    expect(packet).toHaveLength(1280);
    expect([packet[40], packet[41], packetTooBigMtu(packet, 40)]).toEqual([2, 0, 1340]);
    expect(packet.subarray(48)).toEqual(big.subarray(14, 14 + 1232));
    expect(onesComplementSum(packet, 40, 1280, pseudoHeaderSum(packet, 0, 6, 58, 1240))).toBe(0xffff);
  });
});

describe('neighbor messages that RFC 4861, section 7.1, discards', () => {
  const AT = 54;
  /** Changes the real message and makes its checksum right again. */
  function changed(real: Uint8Array, change: (frame: Uint8Array) => void): Uint8Array {
    const frame = real.slice();
    change(frame);
    setIcmpv6Checksum(frame, 14, AT, frame.length);
    return frame;
  }
  const solicitation = (change: (frame: Uint8Array) => void) =>
    parseNeighborMessage(changed(SOLICITATION_FRAME, change), ICMPV6_NEIGHBOR_SOLICITATION);
  const advertisement = (change: (frame: Uint8Array) => void) =>
    parseNeighborMessage(changed(ADVERTISEMENT_FRAME, change), ICMPV6_NEIGHBOR_ADVERTISEMENT);
  const unspecifiedSource = (frame: Uint8Array) => frame.fill(0, 22, 38);
  const put = (at: number, value: number) => (frame: Uint8Array) => {
    frame[at] = value;
  };
  const nonceOption = (frame: Uint8Array) => {
    frame[AT + 24] = 14;
  };

  test('nothing changed: taken', () => {
    expect(solicitation(() => {})).toBeDefined();
    expect(advertisement(() => {})).toBeDefined();
  });
  test.each([
    ['hop limit 254', put(21, 254)],
    ['code 1', put(AT + 1, 1)],
    ['multicast target', put(AT + 8, 0xff)],
    ['option of length 0', put(AT + 25, 0)],
    ['option longer than the message', put(AT + 25, 2)],
  ])('%s', (_, change) => {
    expect(solicitation(change)).toBeUndefined();
    expect(advertisement(change)).toBeUndefined();
  });
  test('a solicitation without source names no link-layer address', () => {
    expect(solicitation(unspecifiedSource)).toBeUndefined();
    expect(
      solicitation((frame) => {
        unspecifiedSource(frame);
        nonceOption(frame);
      }),
    ).toMatchObject({ source: '::' });
  });
  test('a solicitation without source goes to a solicited-node group', () => {
    expect(
      solicitation((frame) => {
        unspecifiedSource(frame);
        nonceOption(frame);
        frame[38 + 12] = 0;
      }),
    ).toBeUndefined();
  });
  test('an advertisement to a group is not flagged as solicited', () => {
    const toGroup = put(38, 0xff);
    expect(advertisement(toGroup)).toBeUndefined();
    expect(
      advertisement((frame) => {
        toGroup(frame);
        frame[AT + 4] = 0x20;
      }),
    ).toBeDefined();
  });
});

test('lengths that do not fit the octets make a header invalid', () => {
  const packet = ipv4(6, new Uint8Array(10), 0, false);
  expect(ipv4HeaderValid(packet, 0, packet.length)).toBe(true);
  expect(ipv4HeaderValid(packet, 0, packet.length - 1)).toBe(false);
  for (const first of [0x44, 0x4f, 0x65, 0x05]) {
    const broken = packet.slice();
    broken[0] = first;
    expect(ipv4HeaderValid(broken, 0, broken.length), first.toString(16)).toBe(false);
  }
  expect(etherType(new Uint8Array(13))).toBe(0);
});
