import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RpcError } from '../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  encodeKeyRotationRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { type Ipv4Address, type Ipv6Address, macFromOctets, parseMac } from '../../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../../src/packet/arp.js';
import {
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  parseDhcp,
} from '../../../src/packet/dhcp.js';
import { fragmentationNeededMtu } from '../../../src/packet/icmp.js';
import {
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  packetTooBigMtu,
  parseNeighborMessage,
  setIcmpv6Checksum,
  UNSPECIFIED_IPV6,
} from '../../../src/packet/icmpv6.js';
import { buildIpv4Packet, IPV4_HEADER_OCTETS_MIN } from '../../../src/packet/ipv4.js';
import { buildUdp, setUdpChecksum } from '../../../src/packet/udp.js';
import { idsOf, LIMITS, packetBetween, TestNetwork, vip, vipOctets } from '../../support/gateways.js';
import { contains, frameOf, WORKLOAD_MAC } from '../../support/inner-packets.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const PLAINTEXT = new Uint8Array(16).fill(0x77);
const workloadMac = macFromOctets(WORKLOAD_MAC);

describe('every kind of tunnel carries both families both ways, and nothing in clear', () => {
  test.each([
    ['outer IPv4', { outerFamily: 4 as const }],
    ['cookies', { cookies: true }],
    ['cookies over IPv4', { cookies: true, outerFamily: 4 as const }],
    ['PSP version 0', { pspVersion: 0 as const }],
    ['transport mode', { mode: 'transport' as const }],
    ['transport mode with cookies', { mode: 'transport' as const, cookies: true }],
    ['ingress ACL off', { ingressAcl: false }],
    ['sampling', { sampleRateLog2: 1 }],
    ['sampling that keeps the order', { sampleRateLog2: 2, maintainOrder: true }],
    ['a crypt offset of 0', { cryptOffsetWords: 0 }],
  ])('%s', async (_, options) => {
    const a = await net.start(1, [2], options);
    const b = await net.start(2, [1], options);
    // In transport mode nobody answers ARP for the underlay: frames carry the peer's own MAC.
    const toPeer = (from: number, to: number, id: number, family: 4 | 6) => {
      const frame = frameOf(packetBetween(from, to, id, family));
      if ('mode' in options && options.mode === 'transport') frame.set([2, 0, 0, 0, 1, to]);
      return frame;
    };
    for (const family of [4, 6] as const) {
      a.workload.inject(numbers(30).map((id) => toPeer(1, 2, id, family)));
      await net.run(100);
      expect(idsOf(b.workload.takeSent())).toEqual(numbers(30));
      b.workload.inject(numbers(30, 100).map((id) => toPeer(2, 1, id, family)));
      await net.run(100);
      expect(idsOf(a.workload.takeSent())).toEqual(numbers(30, 100));
    }
    expect(net.wire.length).toBeGreaterThanOrEqual(2 * 2 * 30);
    for (const frame of net.wire) expect(contains(frame, PLAINTEXT)).toBe(false);
    if ('sampleRateLog2' in options) {
      const { slowPath } = a.gateway.view();
      expect(slowPath.sampledEgress).toBeGreaterThan(0);
      expect(b.gateway.view().slowPath.sampledIngress).toBe(slowPath.sampledEgress);
    }
  });
});

describe('towards the workload', () => {
  test('ARP for any address is answered with the MAC of the uplink; probes and announcements are not', async () => {
    const a = await net.start(1, [2]);
    const ask = (senderIp: string, targetIp: string) =>
      buildArp({
        operation: ARP_REQUEST,
        senderMac: workloadMac,
        senderIp: senderIp as Ipv4Address,
        targetMac: parseMac('00:00:00:00:00:00'),
        targetIp: targetIp as Ipv4Address,
      });
    a.workload.inject([
      ask('192.168.1.1', '192.168.1.99'),
      ask('0.0.0.0', '192.168.1.1'),
      ask('192.168.1.1', '192.168.1.1'),
    ]);
    await net.run(10);
    const replies = a.workload.takeSent().map(parseArp);
    expect(replies).toEqual([
      {
        operation: ARP_REPLY,
        senderMac: '02:00:00:00:01:01',
        senderIp: '192.168.1.99',
        targetMac: workloadMac,
        targetIp: '192.168.1.1',
      },
    ]);
  });

  test('neighbor solicitation likewise; duplicate address detection is not answered', async () => {
    const a = await net.start(1, [2]);
    const target = 'fd00::99' as Ipv6Address;
    // A probe (RFC 4862) comes from :: and has no link-layer address option, the last 8 octets.
    const probe = buildNeighborSolicitation(UNSPECIFIED_IPV6, vip(1, 6) as Ipv6Address, workloadMac).slice(
      0,
      -8,
    );
    probe[19] = 24;
    setIcmpv6Checksum(probe, 14, 54, probe.length);
    expect(parseNeighborMessage(probe, ICMPV6_NEIGHBOR_SOLICITATION)).toBeDefined();
    a.workload.inject([buildNeighborSolicitation(vip(1, 6) as Ipv6Address, target, workloadMac), probe]);
    await net.run(10);
    const replies = a.workload
      .takeSent()
      .map((frame) => parseNeighborMessage(frame, ICMPV6_NEIGHBOR_ADVERTISEMENT));
    expect(replies).toEqual([
      { source: target, destination: vip(1, 6), target, linkLayer: '02:00:00:00:01:01' },
    ]);
  });

  test('DHCP gives the one address with the MTU that fits, and refuses others', async () => {
    const a = await net.start(1, [2]);
    const ask = (type: number, requestedIp?: string) => {
      const message = buildDhcp({
        operation: BOOT_REQUEST,
        type,
        transactionId: 77,
        clientMac: workloadMac,
        ...(requestedIp === undefined ? {} : { requestedIp: requestedIp as Ipv4Address }),
      });
      const packet = buildIpv4Packet({
        source: '0.0.0.0' as Ipv4Address,
        destination: '255.255.255.255' as Ipv4Address,
        protocol: 17,
        ttl: 64,
        payload: buildUdp(68, 67, message),
      });
      setUdpChecksum(packet, 0, 4, IPV4_HEADER_OCTETS_MIN);
      return Uint8Array.from([...new Uint8Array(6).fill(0xff), ...WORKLOAD_MAC, 8, 0, ...packet]);
    };
    a.workload.inject([ask(DHCP_DISCOVER), ask(DHCP_REQUEST, vip(1)), ask(DHCP_REQUEST, '192.168.1.200')]);
    await net.run(10);
    const replies = a.workload.takeSent().map((frame) => parseDhcp(frame.subarray(14 + 20 + 8)));
    expect(replies.map((reply) => reply?.type)).toEqual([DHCP_OFFER, DHCP_ACK, DHCP_NAK]);
    expect(replies[1]).toMatchObject({ yourIp: vip(1), transactionId: 77, mtuOctets: 1500 - 88 + 8 });
    expect(replies[2]?.yourIp).toBeUndefined();
  });

  describe('a packet that does not fit the underlay', () => {
    // 1500 less IPv6 40, UDP 8, PSP 16, ICV 16
    const MTU = 1420;
    const large = (family: 4 | 6, octets: number, dontFragment = true) => {
      const header = family === 4 ? 20 : 40;
      const frame = frameOf({ ...packetBetween(1, 2, 5, family), payload: new Uint8Array(octets - header) });
      if (!dontFragment) {
        frame[20] = 0;
        // One flag less in the header: the checksum grows by it.
        const sum = ((frame[24]! << 8) | frame[25]!) + 0x4000;
        const folded = (sum & 0xffff) + (sum >>> 16);
        frame.set([folded >>> 8, folded & 255], 24);
      }
      return frame;
    };

    test('IPv4 with DF is answered with "fragmentation needed"; what fits exactly goes', async () => {
      const a = await net.start(1, [2]);
      const b = await net.start(2, [1]);
      a.workload.inject([large(4, MTU + 1), large(4, MTU)]);
      await net.run(50);
      const [answer, ...others] = a.workload.takeSent();
      expect(others).toEqual([]);
      expect([answer![34], answer![35]]).toEqual([3, 4]);
      expect(fragmentationNeededMtu(answer!, 34)).toBe(MTU);
      expect(b.workload.takeSent().map(({ length }) => length)).toEqual([14 + MTU]);
      expect(Math.max(...net.wire.map(({ length }) => length))).toBe(14 + 1500);
    });

    test('IPv4 without DF arrives in pieces', async () => {
      const a = await net.start(1, [2]);
      const b = await net.start(2, [1]);
      a.workload.inject([large(4, 3000, false)]);
      await net.run(50);
      const pieces = b.workload.takeSent();
      expect(pieces.length).toBe(3);
      expect(pieces.reduce((sum, { length }) => sum + length - 34, 0)).toBe(3000 - 20);
      expect(a.workload.takeSent()).toEqual([]);
    });

    test('of such packets a thousand a second are answered, and the others are counted', async () => {
      const a = await net.start(1, [2]);
      const counts = () => {
        const { answeredTooBig, tooBigDropped } = a.gateway.view().slowPath;
        return { answers: a.workload.takeSent().length, answeredTooBig, tooBigDropped };
      };
      a.workload.inject(numbers(1500).map(() => large(6, MTU + 1)));
      await net.run(1);
      expect(counts()).toEqual({ answers: 1000, answeredTooBig: 1000, tooBigDropped: 500 });
      await net.run(1000);
      a.workload.inject(numbers(1500).map(() => large(4, MTU + 1)));
      await net.run(1);
      expect(counts()).toEqual({ answers: 1000, answeredTooBig: 2000, tooBigDropped: 1000 });
    });

    test('IPv6 is answered with "packet too big"', async () => {
      const a = await net.start(1, [2]);
      a.workload.inject([large(6, MTU + 1)]);
      await net.run(50);
      const [answer] = a.workload.takeSent();
      expect(answer![54]).toBe(2);
      expect(packetTooBigMtu(answer!, 54)).toBe(MTU);
    });
  });
});

describe('peers of other generations', () => {
  /** A peer that knows the singular RPC only, in front of a real gateway. */
  test('a peer of 2.7 answers UNIMPLEMENTED once, and is spoken to with RequestTunnelParams from then on', async () => {
    const a = await net.start(1, [2], { innerFamilies: [4, 6] });
    const methods: string[] = [];
    const b = await net.start(2, [1], {
      wrapTransport: (transport) => ({
        ...transport,
        listen: (address, handler, doorkeeper) =>
          transport.listen(
            address,
            (method, request, caller) => {
              if (method !== 'Announce') methods.push(method);
              if (method === 'RequestMultipleTunnelParams')
                throw new RpcError('UNIMPLEMENTED', 'no such RPC');
              return handler(method, request, caller);
            },
            doorkeeper,
          ),
      }),
    });
    net.send(a, 2, [1], 4);
    await net.run(50);
    net.send(a, 2, [2], 6);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1, 2]);
    expect(methods).toEqual(['RequestMultipleTunnelParams', 'RequestTunnelParams', 'RequestTunnelParams']);
  });

  test.each([0, 2, 3] as const)(
    'an answer with PSP version %i, where 1 was asked for, makes no session',
    async (pspVersion) => {
      const a = await net.start(1, [2]);
      await net.start(2, [1], {
        wrapTransport: (transport) => ({
          ...transport,
          listen: (address, handler, doorkeeper) =>
            transport.listen(
              address,
              async (method, request, caller) => {
                const answer = await handler(method, request, caller);
                if (method !== 'RequestMultipleTunnelParams') return answer;
                const [given] = decodeMultiTunnelResponse(answer, 1);
                const key = given!.key.slice(0, pspVersion % 2 === 0 ? 16 : 32);
                return encodeMultiTunnelResponse(0n, [{ ...given!, pspVersion, key }]);
              },
              doorkeeper,
            ),
        }),
      });
      net.send(a, 2, [1]);
      await net.run(50);
      expect(a.events).toContainEqual({
        type: 'request-failed',
        peer: expect.any(String),
        reason: `INVALID_ARGUMENT: psp_version ${pspVersion} was not asked for`,
      });
      expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 0 });
      expect(net.wire).toEqual([]);
    },
  );

  test('a configured dialect is kept to', async () => {
    const a = await net.start(1, [], {
      peers: [
        { serviceAddress: { host: '10.0.0.2' as never, port: 3000 }, virtualIps: [vip(2)], dialect: '2.8' },
      ],
    });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    net.send(b, 1, [2]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
    expect(idsOf(a.workload.takeSent())).toEqual([2]);
  });

  test('a request of 2.7 is answered', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    const request = encodeNewTunnelRequest(9n, [0, 1], {
      virtSource: vip(2),
      virtDestination: vip(1),
      reverse: undefined,
    });
    expect(decodeNewTunnelRequest(request).requestId).toBe(9n);
    const answer = client.call(a.service, 'RequestTunnelParams', request, { deadlineMs: 100 });
    await net.run(50);
    expect((await answer).length).toBeGreaterThan(0);
    expect(a.gateway.view().sessions).toMatchObject([
      { localVip: vip(1), remoteVip: vip(2), ingressSpis: [1] },
    ]);
  });
});

describe('the service', () => {
  const outcome = (call: Promise<unknown>) =>
    call.then(
      () => 'OK',
      (error: unknown) => (error as RpcError).code,
    );

  test('RequestKeyRotation with issue_new_keys re-keys; without, keys stay; strangers and haste are refused', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, [1]);
    await net.run(50);
    const spis = () => b.gateway.view().sessions[0]!.ingressSpis;
    const before = spis();
    const client = net.network.transport(a.service);
    const rotate = async (from: typeof client, issueNewKeys: boolean) => {
      const request = encodeKeyRotationRequest(1n, issueNewKeys);
      const code = outcome(from.call(b.service, 'RequestKeyRotation', request, { deadlineMs: 1000 }));
      await net.run(500);
      return code;
    };
    expect(await rotate(net.network.transport({ host: '10.9.9.9' as never, port: 1 }), true)).toBe(
      'PERMISSION_DENIED',
    );
    expect(b.gateway.view().rotations).toBe(0);
    expect(await rotate(client, false)).toBe('OK');
    expect(spis()).toEqual(before);
    expect(await rotate(client, true)).toBe('RESOURCE_EXHAUSTED');
    await net.run(11_000);
    // The session has a key that would end: it gets another, and the grace of the old one must be over.
    expect(await rotate(client, true)).toBe('FAILED_PRECONDITION');
    await net.run(2 * LIMITS.rekeyGraceMs + 500);
    expect(spis()).toHaveLength(1);
    expect(spis()).not.toEqual(before);
    expect(await rotate(client, true)).toBe('OK');
    expect(b.gateway.view().rotations).toBe(2);
    await net.run(30_000);
    expect(spis()).toHaveLength(1);
    expect(b.gateway.view().spisOfFormerKey).toBe(0);
  });

  test('SetOpState and GetOpState answer UNIMPLEMENTED', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    for (const method of ['SetOpState', 'GetOpState'] as const) {
      const code = outcome(client.call(a.service, method, new Uint8Array(0), { deadlineMs: 100 }));
      await net.run(50);
      expect(await code).toBe('UNIMPLEMENTED');
    }
  });

  test('a tunnel to an address that is not behind the gateway is refused', async () => {
    const a = await net.start(1, [2]);
    const client = net.network.transport({ host: '10.0.0.2' as never, port: 3000 });
    const tunnel = { virtSource: vip(2), virtDestination: vip(9), reverse: undefined };
    const request = encodeNewTunnelRequest(1n, [1], tunnel);
    const code = outcome(client.call(a.service, 'RequestTunnelParams', request, { deadlineMs: 100 }));
    await net.run(50);
    expect(await code).toBe('PERMISSION_DENIED');
    expect(a.gateway.view().sessions).toEqual([]);
  });
});

test('static tunnels are made at start-up, and a peer that comes late gets its own', async () => {
  const a = await net.start(1, [2, 3], { staticTunnels: vip(1) });
  const b = await net.start(2, [1]);
  await net.run(3000);
  const c = await net.start(3, [1]);
  await net.run(5000);
  net.send(a, 2, [1]);
  net.send(a, 3, [2]);
  net.send(c, 1, [3]);
  await net.run(5);
  expect(a.events.filter(({ type }) => type === 'miss')).toEqual([]);
  expect(idsOf(b.workload.takeSent())).toEqual([1]);
  expect(idsOf(c.workload.takeSent())).toEqual([2]);
  expect(idsOf(a.workload.takeSent())).toEqual([3]);
});

test('no key is in a log line, an event or a view', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  const keys: string[] = [];
  const { setKeys } = a.hal;
  a.hal.setKeys = (slots) => {
    for (const { key } of slots) keys.push(Buffer.from(key).toString('hex'));
    return setKeys.call(a.hal, slots);
  };
  net.send(a, 2, [1]);
  await net.run(100);
  await Promise.all([a.gateway.rotateMasterKey(true), net.run(2000)]);
  expect(keys.length).toBeGreaterThan(0);
  const said = JSON.stringify(
    [a.logs, b.logs, a.events, b.events, a.gateway.view(), b.gateway.view()],
    (_, value) => (typeof value === 'bigint' ? String(value) : value),
  );
  for (const key of keys) expect(said).not.toContain(key);
  expect(vipOctets(1, 4)).toHaveLength(4);
});
