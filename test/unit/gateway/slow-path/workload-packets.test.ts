/** What a gateway answers to its workload, and what becomes of packets of the workload that wait or go nowhere. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PipeHal } from '../../../../src/hal/hal.js';
import {
  type Ipv4Address,
  type Ipv6Address,
  macFromOctets,
  parseMac,
} from '../../../../src/packet/address.js';
import { ARP_REPLY, ARP_REQUEST, buildArp, parseArp } from '../../../../src/packet/arp.js';
import {
  BOOT_REQUEST,
  buildDhcp,
  DHCP_ACK,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  parseDhcp,
} from '../../../../src/packet/dhcp.js';
import { fragmentationNeededMtu } from '../../../../src/packet/icmp.js';
import {
  buildNeighborSolicitation,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  packetTooBigMtu,
  parseNeighborMessage,
  setIcmpv6Checksum,
  UNSPECIFIED_IPV6,
} from '../../../../src/packet/icmpv6.js';
import { buildIpv4Packet, IPV4_HEADER_OCTETS_MIN } from '../../../../src/packet/ipv4.js';
import { buildUdp, setUdpChecksum } from '../../../../src/packet/udp.js';
import { frameOf, WORKLOAD_MAC } from '../../../../src/verify/inner-packets.js';
import { packetBetween, TestNetwork, vip } from '../../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const workloadMac = macFromOctets(WORKLOAD_MAC);

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

describe('packets of the workload', () => {
  test('packets that wait are bounded over all sessions together', async () => {
    const a = await net.start(1, [2, 3, 4], {
      limits: { missedPacketsTotal: 5, missedPacketsPerSession: 3 },
    });
    for (const to of [2, 3, 4]) net.send(a, to, numbers(3));
    await net.run(10);
    const view = a.gateway.view();
    expect(view.sessions.reduce((sum, { waitingPackets }) => sum + waitingPackets, 0)).toBe(5);
    expect(view.slowPath.overflowed).toBe(4);
  });

  test('a device that loses an entry does not make its packets go round for ever', async () => {
    let swallow = false;
    const a = await net.start(1, [2], {
      wrapHal: (hal) =>
        new Proxy(hal, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target);
            if (name !== 'apply') return typeof value === 'function' ? value.bind(target) : value;
            return async (...[operations]: Parameters<PipeHal['apply']>) => {
              const results = await target.apply(operations);
              for (const [i, result] of results.entries()) {
                const operation = operations[i]!;
                const lost = operation.operation === 'add' && operation.pipe.startsWith('EGR_ACL');
                if (swallow && lost && 'id' in result) {
                  await target.apply([{ operation: 'remove', id: result.id }]);
                }
              }
              return results;
            };
          },
        }),
    });
    await net.start(2, [1]);
    swallow = true;
    net.send(a, 2, [1]);
    await net.run(10_000);
    const { misses, looping } = a.gateway.view().slowPath;
    expect(looping).toBe(1);
    await net.run(10_000);
    expect(a.gateway.view().slowPath.misses).toBe(misses);
  });
});
