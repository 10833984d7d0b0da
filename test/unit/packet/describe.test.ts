import { describe, expect, test } from 'vitest';
import { parseIpv4, parseIpv6, parseMac } from '../../../src/packet/address.js';
import { describeFrame, type Layer, renderTree, summarize } from '../../../src/packet/describe.js';
import { BOOT_REPLY, buildDhcp, DHCP_OFFER } from '../../../src/packet/dhcp.js';
import { buildFragmentationNeeded } from '../../../src/packet/icmp.js';
import { buildPacketTooBig, icmpv6Packet } from '../../../src/packet/icmpv6.js';
import { buildIpv4Packet } from '../../../src/packet/ipv4.js';
import { buildUdp } from '../../../src/packet/udp.js';
import {
  ADVERTISEMENT_FRAME,
  ARP_REPLY_FRAME,
  ARP_REQUEST_FRAME,
  DNS_FRAME,
  PING_FRAME,
  PING6_FRAME,
  SOLICITATION_FRAME,
  SYN_FRAME,
} from '../../support/real-frames.js';

const [A4, B4] = [parseIpv4('10.0.0.1'), parseIpv4('10.0.0.2')];
const [A6, B6] = [parseIpv6('2001:db8::1'), parseIpv6('2001:db8::2')];

function frameOf(type: number, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(14 + packet.length);
  frame[12] = type >>> 8;
  frame[13] = type;
  frame.set(packet, 14);
  return frame;
}
const ipv4 = (protocol: number, payload: Uint8Array) =>
  frameOf(0x0800, buildIpv4Packet({ source: A4, destination: B4, protocol, ttl: 64, payload }));
const line = (frame: Uint8Array) => summarize(describeFrame(frame));
const field = (layers: readonly Layer[], layer: string, name: string) =>
  layers.find((one) => one.name === layer)?.fields.find(([key]) => key === name)?.[1];

const IPV4 = 'IPv4 192.168.1.33 > 192.168.1.55';
const IPV6 = 'IPv6 fd00:0:0:1::33 > fd00:0:0:1::55';

describe('one line for a frame', () => {
  test.each([
    ['an ARP request', ARP_REQUEST_FRAME, 'ARP who has 192.168.1.55? tell 192.168.1.33'],
    ['an ARP reply', ARP_REPLY_FRAME, 'ARP 192.168.1.55 is at 02:00:00:00:02:55'],
    ['a ping', PING_FRAME, `${IPV4} | ICMP echo request id 28381 seq 1, length 64`],
    ['a ping over IPv6', PING6_FRAME, `${IPV6} | ICMPv6 echo request id 28382 seq 1, length 64`],
    ['UDP', DNS_FRAME, `${IPV4} | UDP 33742 > 53`],
    ['TCP', SYN_FRAME, `${IPV4} | TCP 47382 > 8080 [SYN]`],
    [
      'neighbor solicitation',
      SOLICITATION_FRAME,
      'IPv6 fd00:0:0:1::33 > ff02::1:ff00:55 | ICMPv6 neighbor solicitation, who has fd00:0:0:1::55?',
    ],
    [
      'neighbor advertisement',
      ADVERTISEMENT_FRAME,
      'IPv6 fd00:0:0:1::55 > fd00:0:0:1::33 | ICMPv6 neighbor advertisement, fd00:0:0:1::55',
    ],
    [
      'fragmentation needed',
      ipv4(1, buildFragmentationNeeded(PING_FRAME, 14, 1380)),
      'IPv4 10.0.0.1 > 10.0.0.2 | ICMP fragmentation needed, MTU 1380',
    ],
    [
      'packet too big',
      frameOf(0x86dd, icmpv6Packet(A6, B6, buildPacketTooBig(PING6_FRAME, 14, 1360))),
      'IPv6 2001:db8::1 > 2001:db8::2 | ICMPv6 packet too big, MTU 1360',
    ],
    [
      'DHCP',
      ipv4(
        17,
        buildUdp(
          67,
          68,
          buildDhcp({
            operation: BOOT_REPLY,
            type: DHCP_OFFER,
            transactionId: 1,
            clientMac: parseMac('02:00:00:00:00:09'),
            yourIp: B4,
          }),
        ),
      ),
      'IPv4 10.0.0.1 > 10.0.0.2 | UDP 67 > 68 | DHCP offer 02:00:00:00:00:09, 10.0.0.2',
    ],
    ['another protocol', ipv4(47, new Uint8Array(5)), 'IPv4 10.0.0.1 > 10.0.0.2 | protocol 47 5 octets'],
    ['a cut frame', PING_FRAME.subarray(0, 40), 'Malformed IP packet 26 octets'],
    [
      'a neighbor solicitation that is cut before its target ends',
      frameOf(
        0x86dd,
        icmpv6Packet(
          A6,
          B6,
          Uint8Array.from({ length: 23 }, (_, i) => (i === 0 ? 135 : 0)),
        ),
      ),
      'IPv6 2001:db8::1 > 2001:db8::2 | ICMPv6 type 135 code 0',
    ],
    ['no frame at all', new Uint8Array(13), 'Data 13 octets'],
    [
      'a TCP header that claims to be longer than the segment',
      ipv4(
        6,
        Uint8Array.from({ length: 20 }, (_, i) => (i === 12 ? 0x60 : 0)),
      ),
      'IPv4 10.0.0.1 > 10.0.0.2 | Malformed TCP segment 20 octets',
    ],
  ])('%s', (_, frame, expected) => {
    expect(line(frame)).toBe(expected);
  });

  test('VLAN tags are named and looked behind', () => {
    const ping = PING_FRAME.subarray(14);
    const tagged = frameOf(0x8100, Uint8Array.from([0x60, 100, 0x81, 0x00, 0x02, 0x00, 0x08, 0x00, ...ping]));
    expect(line(tagged)).toBe(`VLAN 100 | VLAN 512 | ${IPV4} | ICMP echo request id 28381 seq 1, length 64`);
    expect(field(describeFrame(tagged), 'VLAN', 'priority')).toBe(3);
    expect(line(frameOf(0x8100, Uint8Array.of(0, 1, 8)))).toMatch(/^Ethernet/);
  });
});

describe('the tree', () => {
  test('has the fields of every layer', () => {
    const layers = describeFrame(SYN_FRAME);
    expect(layers.map(({ name }) => name)).toEqual(['Ethernet', 'IPv4', 'TCP']);
    expect(field(layers, 'IPv4', 'checksumOk')).toBe(true);
    expect(field(layers, 'IPv4', 'identification')).toBe('0x1c10');
    expect(field(layers, 'TCP', 'window')).toBe(65280);
    expect(field(layers, 'TCP', 'payloadLength')).toBe(0);
    expect(renderTree(layers)).toContain(
      '  TCP: 47382 > 8080 [SYN]\n      sourcePort: 47382\n      destinationPort: 8080\n',
    );
  });

  test('says so when the IPv4 checksum is wrong', () => {
    const wrong = SYN_FRAME.slice();
    wrong[24]! ^= 1;
    expect(field(describeFrame(wrong), 'IPv4', 'checksumOk')).toBe(false);
  });

  test('a fragment has no upper layer, only data', () => {
    const fragment = SYN_FRAME.slice();
    fragment[20] = 0x20;
    expect(line(fragment)).toBe(`${IPV4} | Fragment 40 octets`);
  });
});

test("a UDP payload goes to the caller's dissector, within the datagram's length", () => {
  const datagram = buildUdp(7, 1000, Uint8Array.of(1, 2, 3));
  const frame = ipv4(17, Uint8Array.from([...datagram, 9, 9]));
  const layers = describeFrame(frame, (port, octets, offset, end) => [
    { name: 'X', summary: `${port}: ${octets.subarray(offset, end).join()}`, fields: [] },
  ]);
  expect(layers.at(-1)).toMatchObject({ summary: '1000: 1,2,3' });
  expect(describeFrame(frame, () => undefined).at(-1)!.name).toBe('UDP');
});
