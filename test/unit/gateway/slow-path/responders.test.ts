/** What a gateway answers its workload itself, frame by frame: ARP, neighbor discovery, DHCP; and what it leaves unanswered. */
import { describe, expect, test } from 'vitest';
import {
  answerArp,
  answerDhcp,
  answerNeighborSolicitation,
  dhcpRouterOf,
} from '../../../../src/gateway/slow-path/responders.js';
import { type Ipv4Address, type Ipv6Address, macToOctets, parseMac } from '../../../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, type Arp, buildArp, parseArp } from '../../../../src/packet/arp.js';
import {
  BOOT_REPLY,
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_INFORM,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  type DhcpMessage,
  parseDhcp,
} from '../../../../src/packet/dhcp.js';
import {
  buildNeighborAdvertisement,
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  icmpv6Packet,
  parseNeighborMessage,
} from '../../../../src/packet/icmpv6.js';
import { buildIpv4Packet, ipv4ChecksumOk, setIpv4Checksum } from '../../../../src/packet/ipv4.js';
import { buildUdp, udpChecksumOk } from '../../../../src/packet/udp.js';

const OURS = parseMac('02:00:00:00:00:01');
const WORKLOAD = parseMac('02:00:00:00:00:99');
const ANOTHER = parseMac('02:00:00:00:00:77');
const v4 = (text: string) => text as Ipv4Address;
const v6 = (text: string) => text as Ipv6Address;
const macs = (frame: Uint8Array) => [frame.slice(0, 6), frame.slice(6, 12)];

describe('ARP', () => {
  const asked: Arp = {
    operation: ARP_REQUEST,
    senderMac: WORKLOAD,
    senderIp: v4('192.168.1.1'),
    targetMac: parseMac('00:00:00:00:00:00'),
    targetIp: v4('192.168.1.77'),
  };

  test('who asks for any address is told our MAC', () => {
    const answer = answerArp(buildArp(asked), OURS)!;
    expect(parseArp(answer)).toEqual({
      operation: ARP_REPLY,
      senderMac: OURS,
      senderIp: '192.168.1.77',
      targetMac: WORKLOAD,
      targetIp: '192.168.1.1',
    });
    expect(macs(answer)).toEqual([macToOctets(WORKLOAD), macToOctets(OURS)]);
  });

  test.each<[string, Partial<Arp>]>([
    ['a probe', { senderIp: v4('0.0.0.0') }],
    ['an announcement', { senderIp: asked.targetIp }],
    ['a reply', { operation: ARP_REPLY }],
  ])('%s is not answered', (_, change) => {
    expect(answerArp(buildArp({ ...asked, ...change }), OURS)).toBeUndefined();
  });

  test('nor is what is none', () => {
    expect(answerArp(buildArp(asked).subarray(0, 41), OURS)).toBeUndefined();
  });
});

describe('neighbor discovery', () => {
  const [asker, target] = [v6('fd00::1'), v6('fd00::77')];

  test('who asks for any address is told our MAC', () => {
    const answer = answerNeighborSolicitation(buildNeighborSolicitation(asker, target, WORKLOAD), OURS)!;
    expect(parseNeighborMessage(answer, ICMPV6_NEIGHBOR_ADVERTISEMENT)).toEqual({
      source: target,
      destination: asker,
      target,
      linkLayer: OURS,
    });
    expect(macs(answer)).toEqual([macToOctets(WORKLOAD), macToOctets(OURS)]);
  });

  test('the answer goes to the MAC that is named, or to the one that the frame came from where none is', () => {
    const named = buildNeighborSolicitation(asker, target, WORKLOAD);
    named.set(macToOctets(ANOTHER), 6);
    expect(macs(answerNeighborSolicitation(named, OURS)!)[0]).toEqual(macToOctets(WORKLOAD));
    const message = named.slice(14 + 40, 14 + 40 + 24);
    const packet = icmpv6Packet(asker, target, message, 255);
    const unnamed = Uint8Array.from([...named.subarray(0, 14), ...packet]);
    expect(macs(answerNeighborSolicitation(unnamed, OURS)!)[0]).toEqual(macToOctets(ANOTHER));
  });

  test('who looks whether an address is free, asks for its own, or does not ask, gets no answer', () => {
    const solicitation = buildNeighborSolicitation(asker, target, WORKLOAD).slice(14 + 40, 14 + 40 + 24);
    const group = v6('ff02::1:ff00:77');
    const probe = icmpv6Packet(v6('::'), group, solicitation, 255);
    const ethernet = buildNeighborSolicitation(asker, target, WORKLOAD).subarray(0, 14);
    expect(answerNeighborSolicitation(Uint8Array.from([...ethernet, ...probe]), OURS)).toBeUndefined();
    expect(answerNeighborSolicitation(buildNeighborSolicitation(target, target, WORKLOAD), OURS)).toBe(
      undefined,
    );
    const advertisement = buildNeighborAdvertisement(target, asker, WORKLOAD, OURS);
    expect(answerNeighborSolicitation(advertisement, OURS)).toBeUndefined();
  });
});

describe('DHCP', () => {
  const [ADDRESS, ROUTER] = [v4('192.168.1.50'), v4('192.168.1.1')];
  const options = { address: ADDRESS, router: ROUTER, ourMac: OURS, mtuOctets: 1400 };

  interface Around {
    readonly destination?: Ipv4Address;
    readonly port?: number;
    readonly protocol?: number;
    /** Changes the frame's octets. */
    readonly change?: (frame: Uint8Array) => void;
  }
  function frameOf(message: Partial<DhcpMessage>, around: Around = {}): Uint8Array {
    const dhcp = buildDhcp({
      operation: BOOT_REQUEST,
      type: DHCP_DISCOVER,
      transactionId: 0x01020304,
      clientMac: WORKLOAD,
      ...message,
    });
    const packet = buildIpv4Packet({
      source: v4('0.0.0.0'),
      destination: around.destination ?? v4('255.255.255.255'),
      protocol: around.protocol ?? 17,
      ttl: 64,
      payload: buildUdp(68, around.port ?? 67, dhcp),
    });
    const frame = Uint8Array.from([...Array(6).fill(0xff), ...macToOctets(WORKLOAD), 8, 0, ...packet]);
    around.change?.(frame);
    setIpv4Checksum(frame, 14);
    return frame;
  }

  /** The answer as who asked reads it, and where it goes. */
  function answer(message: Partial<DhcpMessage>, around: Around = {}) {
    const frame = answerDhcp(frameOf(message, around), options);
    if (frame === undefined) return undefined;
    expect(ipv4ChecksumOk(frame, 14)).toBe(true);
    expect(udpChecksumOk(frame, 14, 4, 34)).toBe(true);
    expect(frame[14 + 8]).toBe(64);
    const view = new DataView(frame.buffer, frame.byteOffset);
    expect([view.getUint16(12), view.getUint16(34), view.getUint16(36)]).toEqual([0x0800, 67, 68]);
    return {
      macs: macs(frame),
      from: frame.slice(26, 30).join('.'),
      to: frame.slice(30, 34).join('.'),
      message: parseDhcp(frame.subarray(42))!,
    };
  }

  const BASE = {
    operation: BOOT_REPLY,
    transactionId: 0x01020304,
    clientMac: WORKLOAD,
    broadcast: false,
    serverId: ROUTER,
  };
  const GRANTED = {
    ...BASE,
    subnetMask: v4('255.255.255.0'),
    router: ROUTER,
    mtuOctets: 1400,
    serverIp: ROUTER,
  };
  const LEASE = { yourIp: ADDRESS, leaseSeconds: 86_400 };

  test('who looks for a server is offered the address', () => {
    expect(answer({})).toEqual({
      macs: [macToOctets(WORKLOAD), macToOctets(OURS)],
      from: ROUTER,
      to: '255.255.255.255',
      message: { ...GRANTED, ...LEASE, type: DHCP_OFFER },
    });
    const all = answer({ broadcast: true })!;
    expect(all.macs[0]).toEqual(new Uint8Array(6).fill(0xff));
    expect(all.message.broadcast).toBe(true);
  });

  test.each<[string, Partial<DhcpMessage>, object, string]>([
    [
      'that it was offered gets it',
      { requestedIp: ADDRESS },
      { ...GRANTED, ...LEASE, type: DHCP_ACK },
      '255.255.255.255',
    ],
    [
      'of us by name gets it',
      { requestedIp: ADDRESS, serverId: ROUTER },
      { ...GRANTED, ...LEASE, type: DHCP_ACK },
      '255.255.255.255',
    ],
    [
      'that it has is told so, at that address',
      { clientIp: ADDRESS },
      { ...GRANTED, ...LEASE, clientIp: ADDRESS, type: DHCP_ACK },
      ADDRESS,
    ],
    [
      'of somebody else is refused',
      { requestedIp: v4('192.168.1.51') },
      { ...BASE, type: DHCP_NAK },
      '255.255.255.255',
    ],
    [
      'that is not what it has now is refused, to all',
      { clientIp: v4('10.0.0.1') },
      { ...BASE, clientIp: '10.0.0.1', type: DHCP_NAK },
      '255.255.255.255',
    ],
    ['without saying which is refused', {}, { ...BASE, type: DHCP_NAK }, '255.255.255.255'],
  ])('who asks for an address %s', (_, message, expected, to) => {
    expect(answer({ type: DHCP_REQUEST, ...message })).toMatchObject({ message: expected, to });
    expect(answer({ type: DHCP_REQUEST, ...message })!.message).toEqual(expected);
  });

  test('who has an address is told the rest, and no lease', () => {
    const told = answer({ type: DHCP_INFORM, clientIp: v4('192.168.1.9') })!;
    expect(told.message).toEqual({ ...GRANTED, clientIp: '192.168.1.9', type: DHCP_ACK });
    expect(told.to).toBe('192.168.1.9');
  });

  test('what is sent to us is answered as what is sent to all, and with options of IP as without', () => {
    expect(answer({}, { destination: ROUTER })?.message.type).toBe(DHCP_OFFER);
    const plain = frameOf({});
    // Four octets of options behind the header: no operation, and the end of the list.
    const frame = Uint8Array.from([...plain.subarray(0, 34), 1, 1, 1, 0, ...plain.subarray(34)]);
    frame[14] = 0x46;
    new DataView(frame.buffer).setUint16(16, frame.length - 14);
    setIpv4Checksum(frame, 14);
    expect(answerDhcp(frame, options)).toEqual(answerDhcp(plain, options));
  });

  test.each<[string, Partial<DhcpMessage>, Around]>([
    [
      'a request to another server',
      { type: DHCP_REQUEST, requestedIp: ADDRESS, serverId: v4('192.168.1.2') },
      {},
    ],
    ['a declined address', { type: 4 }, {}],
    ['a released one', { type: 7, clientIp: ADDRESS }, {}],
    ['an answer', { operation: BOOT_REPLY, type: DHCP_OFFER }, {}],
    ['an answer that looks like a request', { operation: BOOT_REPLY }, {}],
    ['what goes to somebody else', {}, { destination: v4('192.168.1.2') }],
    ['what goes to another port', {}, { port: 68 }],
    ['what is not UDP', {}, { protocol: 6 }],
    ['what is not IPv4', {}, { change: (frame) => frame.set([0x86, 0xdd], 12) }],
    ['what has no whole IP header', {}, { change: (frame) => frame.set([0x55], 14) }],
    ['a first fragment', {}, { change: (frame) => frame.set([0x20, 0], 20) }],
    ['a UDP length that is longer than the packet', {}, { change: (frame) => frame.set([0xff, 0xff], 38) }],
    ['a UDP length that is shorter than its header', {}, { change: (frame) => frame.set([0, 7], 38) }],
    ['a UDP header alone', {}, { change: (frame) => frame.set([0, 8], 38) }],
  ])('%s is not answered', (_, message, around) => {
    expect(answer(message, around)).toBeUndefined();
  });

  test('a packet that ends within its UDP header is not answered', () => {
    const frame = frameOf({}).slice(0, 14 + 20 + 7);
    new DataView(frame.buffer).setUint16(16, frame.length - 14);
    setIpv4Checksum(frame, 14);
    expect(answerDhcp(frame, options)).toBeUndefined();
  });

  test('our own address is the first of the subnet that is neither given out nor taken', () => {
    expect(dhcpRouterOf(ADDRESS, () => false)).toBe('192.168.1.1');
    expect(dhcpRouterOf(ROUTER, () => false)).toBe('192.168.1.2');
    expect(dhcpRouterOf(ADDRESS, (ip) => /\.[1-9]$/.test(ip))).toBe('192.168.1.10');
    expect(dhcpRouterOf(ADDRESS, (ip) => ip !== '192.168.1.254')).toBe('192.168.1.254');
    // A subnet that is full has none; then somebody's is as good as another's.
    expect(dhcpRouterOf(ADDRESS, () => true)).toBe('192.168.1.1');
  });
});
