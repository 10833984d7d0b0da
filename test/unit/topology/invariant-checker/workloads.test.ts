/** What workloads receive: sent by a workload, as often as it was sent, unless the underlay excuses it. */
import { describe, expect, test } from 'vitest';
import { PKT_META_RETURN_TO_VF } from '../../../../src/gateway/pipeline/packet-meta.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { ARP_REPLY, buildArp } from '../../../../src/packet/arp.js';
import { buildUdp } from '../../../../src/packet/udp.js';
import type { InvariantChecker } from '../../../../src/topology/invariant-checker.js';
import type { Family } from '../../../../src/verify/inner-packets.js';
import { build, device, h1, h2, h3, inner, psp } from '../../../support/invariants.js';
import { datagramTo } from '../../../support/psp-frames.js';

const FAMILIES = [4, 6] as const;

describe('unauthenticated', () => {
  /** Sent at h1, delivered at h2. */
  const deliver = (sent: Uint8Array, delivered: Uint8Array, to = h2) => {
    const { watch, seen } = build();
    watch.onVf(h1, 'in', sent);
    watch.onVf(to, 'out', delivered);
    return seen();
  };

  test.each(FAMILIES)(
    'IPv%d: what a workload sent may arrive, with another hop limit, DSCP and MACs',
    (family) => {
      const sent = inner({ family });
      expect(deliver(sent, sent)).toEqual([]);
      const later = inner({ family, ttl: 3, trafficClass: 5 });
      later.fill(9, 0, 12);
      expect(deliver(sent, later)).toEqual([]);
      // Ethernet pads small frames; the padding is no part of the packet.
      expect(deliver(sent, Uint8Array.of(...sent, 0, 0, 0))).toEqual([]);
    },
  );

  test.each(FAMILIES)('IPv%d: no octet of addresses or payload may differ, nor the protocol', (family) => {
    const at = 14 + (family === 4 ? 12 : 8);
    const frame = inner({ family });
    for (let i = at; i < frame.length; i++) {
      const other = frame.slice();
      other[i]! ^= 1;
      const { watch } = build();
      watch.onVf(h1, 'in', frame);
      watch.onVf(h2, 'out', other);
      // The destination too, even if it were one behind the gateway.
      expect(watch.violations.map(({ text }) => text)).toEqual([
        `a frame of ${frame.length} octets that nobody sent`,
      ]);
    }
    expect(deliver(frame, inner({ family, protocol: 132 }))).toEqual(['unauthenticated h2']);
    expect(deliver(frame, frame.slice(0, -1))).toEqual(['unauthenticated h2']);
  });

  test('what nobody sent, IP or not, and what is cut to nothing', () => {
    const { watch, seen } = build();
    const arp = inner();
    arp.set([8, 6], 12);
    for (const frame of [inner(), arp, new Uint8Array(5), new Uint8Array(0)]) watch.onVf(h2, 'out', frame);
    expect(seen()).toEqual([
      'unauthenticated h2',
      'unauthenticated h2',
      'unauthenticated h2',
      'unauthenticated h2',
    ]);
  });

  test('a packet for an address that is not behind the gateway', () => {
    const { watch, seen } = build();
    watch.onVf(h1, 'in', inner());
    watch.onVf(h3, 'out', inner());
    expect(watch.violations[0]!.text).toBe('a packet for 192.168.1.2, which is not behind it');
    expect(seen()).toEqual(['unauthenticated h3']);
  });

  test('an answer of the gateway itself is sound, as often as the gateway gave it', () => {
    const { watch, seen } = build();
    const { hal, sent } = device(watch, h2);
    const arp = buildArp({
      operation: ARP_REPLY,
      senderMac: parseMac('02:00:00:00:00:01'),
      senderIp: parseIp('192.168.1.1') as never,
      targetMac: parseMac('02:00:00:00:01:02'),
      targetIp: parseIp('192.168.1.2') as never,
    });
    for (let times = 1; times <= 3; times++) {
      for (let i = 0; i < times; i++)
        hal.transmit([{ frame: arp.slice(), packetMeta: PKT_META_RETURN_TO_VF }]);
      for (let i = 0; i < times; i++) watch.onVf(h2, 'out', arp);
      expect(seen()).toEqual([]);
      watch.onVf(h2, 'out', arp);
      expect(seen()).toEqual(['unauthenticated h2']);
    }
    expect(sent).toHaveLength(6);
    // Meant for the underlay, it is no answer.
    hal.transmit([{ frame: arp.slice() }]);
    watch.onVf(h2, 'out', arp);
    expect(seen()).toEqual(['unauthenticated h2']);
  });

  test('fragments that a gateway makes of a packet may arrive; other frames that it sends are no excuse', () => {
    const { watch, seen } = build();
    const { hal } = device(watch, h1);
    const fragment = inner({ sequence: 7 });
    new DataView(fragment.buffer).setUint16(14 + 6, 0x2000);
    hal.transmit([{ frame: fragment.slice() }, { frame: inner({ sequence: 8 }) }]);
    watch.onVf(h2, 'out', fragment);
    expect(seen()).toEqual([]);
    watch.onVf(h2, 'out', inner({ sequence: 8 }));
    expect(seen()).toEqual(['unauthenticated h2']);
  });
});

describe('what gateways in other processes answer themselves is told by its looks', () => {
  const icmp = (type: number) => inner({ protocol: 1, payload: Uint8Array.of(type, ...new Uint8Array(20)) });
  const icmpv6 = (type: number) =>
    inner({ family: 6, protocol: 58, payload: Uint8Array.of(type, ...new Uint8Array(20)) });
  const udp = (port: number, family: Family = 4) =>
    inner({ family, payload: buildUdp(port, 68, new Uint8Array(30)) });
  const arp = inner();
  arp.set([8, 6], 12);
  const ANSWERS = {
    arp,
    unreachable: icmp(3),
    'too big': icmpv6(2),
    advertisement: icmpv6(136),
    DHCP: udp(67),
  };
  const OTHERS = {
    'echo request': icmp(8),
    'echo reply': icmpv6(129),
    solicitation: icmpv6(135),
    // Ports whose lower or upper octet is that of DHCP.
    'UDP of port 10051': udp(10_051),
    'UDP of port 17152': udp(67 << 8),
    TCP: inner({ protocol: 6, payload: buildUdp(67, 68, new Uint8Array(30)) }),
    fragment: inner({ family: 6, protocol: 44, payload: Uint8Array.of(58, 0, 1, 0, 0, 0, 0, 1, 136) }),
  };

  test.each(Object.entries(ANSWERS))('%s', (_, frame) => {
    const far = build({ remote: () => true });
    far.watch.onVf(h2, 'out', frame);
    expect(far.seen()).toEqual([]);
    const near = build();
    near.watch.onVf(h2, 'out', frame);
    expect(near.seen()).toEqual(['unauthenticated h2']);
  });

  test.each(Object.entries(OTHERS))('%s is none', (_, frame) => {
    const { watch, seen } = build({ remote: () => true });
    watch.onVf(h2, 'out', frame);
    expect(seen()).toEqual(['unauthenticated h2']);
  });
});

describe('delivered-twice', () => {
  const send = (watch: InvariantChecker, frame = inner()) => watch.onVf(h1, 'in', frame);
  const deliver = (watch: InvariantChecker, frame = inner(), node = h2) => watch.onVf(node, 'out', frame);
  /** PSP packets with these IVs come to h2. */
  const arrive = (watch: InvariantChecker, ...ivs: bigint[]) => {
    for (const iv of ivs) watch.onUplink(h2, 'in', psp({ iv }));
  };
  const TWICE = 'delivered-twice h2';

  test('a packet that was sent once and is delivered again', () => {
    const { watch, seen } = build();
    send(watch);
    arrive(watch, 1n, 2n);
    deliver(watch);
    expect(seen()).toEqual([]);
    deliver(watch);
    expect(watch.violations[0]!.text).toBe('a packet for 192.168.1.2 that the underlay brought once');
    deliver(watch);
    expect(seen()).toEqual([TWICE, TWICE]);
  });

  test('a packet that a workload sends again, as TCP does, may arrive as often', () => {
    const { watch, seen } = build();
    for (let i = 0; i < 3; i++) send(watch);
    for (let i = 0; i < 3; i++) deliver(watch);
    expect(seen()).toEqual([]);
    deliver(watch);
    expect(seen()).toEqual([TWICE]);
  });

  test('each arrival that repeats one before excuses one delivery', () => {
    const { watch, seen } = build();
    send(watch);
    arrive(watch, 1n, 1n, 1n);
    for (let i = 0; i < 3; i++) deliver(watch);
    expect(seen()).toEqual([]);
    deliver(watch);
    expect(seen()).toEqual([TWICE]);
  });

  test('only at the gateway where it came, and only of PSP packets that are the same in SPI and IV', () => {
    const { watch, seen } = build();
    send(watch);
    watch.onUplink(h3, 'in', psp({ iv: 1n }));
    arrive(watch, 1n, 2n);
    watch.onUplink(h2, 'in', psp({ spi: 0x2000 }));
    for (const node of [h1, h3]) for (let i = 0; i < 2; i++) watch.onUplink(node, 'in', psp({ iv: 9n }));
    for (let i = 0; i < 2; i++)
      watch.onUplink(h2, 'in', datagramTo(parseIp('2001:db8::2'), new Uint8Array(64), 1, 2));
    for (let i = 0; i < 2; i++) watch.onUplink(h2, 'out', psp({ iv: BigInt(50 + i) }));
    deliver(watch);
    deliver(watch);
    expect(seen()).toEqual([TWICE]);
  });

  test('a packet sent again after an excused delivery gives the excuse back', () => {
    const { watch, seen } = build();
    const other = inner({ sequence: 1 });
    send(watch);
    arrive(watch, 1n, 1n);
    deliver(watch);
    deliver(watch);
    // The second delivery turns out to be one of two packets.
    send(watch);
    send(watch, other);
    deliver(watch, other);
    deliver(watch, other);
    expect(seen()).toEqual([]);
    deliver(watch, other);
    expect(seen()).toEqual([TWICE]);
  });
});
