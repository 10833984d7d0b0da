/** What a gateway sends to the underlay: which violations it raises, and which it does not. */
import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/packet/address.js';
import { locatePsp } from '../../../../src/topology/packets.js';
import { build, gateway, h1, h2, inner, NO_ENGINE, psp } from '../../../support/invariants.js';
import { datagramTo } from '../../../support/psp-frames.js';
import {
  advertisement,
  arpRequest,
  listenerReport,
  redirect,
  routerAdvertisement,
  solicitation,
} from '../../../support/segment-frames.js';

const FAMILIES = [4, 6] as const;

test('a violation says what, when and where; a hundred are kept and all are counted', () => {
  const { watch } = build();
  for (let i = 0; i < 103; i++) watch.violate('plaintext', `h${i}`, 'text');
  expect(watch.violations[0]).toEqual({ kind: 'plaintext', atMs: 12.5, node: 'h0', text: 'text' });
  expect(watch.violations).toHaveLength(100);
  expect(watch.violationCount).toBe(103);
});

describe('plaintext', () => {
  const UNDERLAY = { 4: parseIp('203.0.113.2'), 6: parseIp('2001:db8::2') };

  test('PSP packets of either family may leave, sealed over all or behind headers in the clear', () => {
    const { watch, seen } = build();
    let iv = 1n;
    for (const to of FAMILIES.map((family) => UNDERLAY[family]))
      for (const family of FAMILIES)
        for (const cryptOffsetWords of [0, 5])
          watch.onUplink(h1, 'out', psp({ to, frame: inner({ family }), cryptOffsetWords, iv: iv++ }));
    expect(seen()).toEqual([]);
  });

  test('nothing else may: plain packets, ARP, other UDP, broken PSP', () => {
    const { watch, seen } = build();
    const arp = inner();
    arp.set([8, 6], 12);
    const broken = psp();
    broken[54 + 8 + 4]! |= 0xff;
    broken.fill(0, 54 + 8 + 4, 54 + 8 + 8);
    const payload = new Uint8Array(64);
    const otherPort = psp();
    otherPort[54 + 3]! ^= 1;
    const others = [
      otherPort,
      inner(),
      inner({ family: 6 }),
      arp,
      datagramTo(UNDERLAY[4], payload, 50_000, 1001),
      datagramTo(UNDERLAY[6], payload, 50_000, 1000 + 256),
      datagramTo(UNDERLAY[4], new Uint8Array(20)),
      broken,
      psp().subarray(0, 70),
      new Uint8Array(0),
    ];
    for (const frame of others) watch.onUplink(h1, 'out', frame);
    expect(seen()).toEqual(others.map(() => 'plaintext h1'));
    // What comes in is somebody else's.
    for (const frame of others) watch.onUplink(h1, 'in', frame);
    expect(seen()).toEqual([]);
  });

  test('in transport mode ARP and neighbor discovery to the letter may too, and still nothing else', () => {
    const { watch, seen } = build();
    const own = gateway(1, ['--mode=transport']);
    const mac = '02:00:00:00:00:01';
    const to = { ip: 'fd00::2', mac: '02:00:00:00:00:02' };
    const right = [
      arpRequest('192.168.1.1', '192.168.1.2', mac),
      solicitation('fd00::1', 'fd00::2', mac),
      advertisement('fd00::1', to, mac),
      routerAdvertisement('fe80::1', mac),
      redirect('fe80::1', mac, to, 'fe80::9', 'fd00::9'),
      listenerReport('fe80::1', mac, ['ff02::1:ff00:1']),
    ];
    for (const frame of right) {
      watch.onUplink(own, 'out', frame);
      watch.onVf(own, 'out', frame);
      expect(seen()).toEqual([]);
      watch.onUplink(h1, 'out', frame);
      watch.onVf(h1, 'out', frame);
      expect(seen()).toEqual(['plaintext h1', 'unauthenticated h1']);
    }
    const arp = inner();
    arp.set([8, 6], 12);
    const icmpv6 = (type: number) => inner({ family: 6, protocol: 58, payload: Uint8Array.of(type, ...arp) });
    const wrong = [
      inner(),
      arp,
      ...[128, 133, 134, 135, 136, 137, 138].map(icmpv6),
      solicitation('fd00::1', 'fd00::2', mac, { hopLimit: 64 }),
      // To the letter, but with something in it that its sender chose.
      solicitation('fd00::1', 'fd00::2', mac, { options: [14, 1, 1, 2, 3, 4, 5, 6] }),
      arp.subarray(0, 13),
    ];
    for (const frame of wrong) watch.onUplink(own, 'out', frame);
    expect(seen()).toEqual(wrong.map(() => 'plaintext h1'));
  });

  test('a payload that can be read in a PSP packet', () => {
    const { watch, seen } = build();
    watch.onUplink(h1, 'out', psp({ engine: NO_ENGINE }));
    expect(seen()).toEqual(['plaintext h1']);
    // The payload's marker ends 92 octets behind the inner header's start.
    watch.onUplink(h1, 'out', psp({ cryptOffsetWords: 23, iv: 2n }));
    expect(seen()).toEqual(['plaintext h1']);
  });

  test('may stand in packets of AES-GMAC of a gateway that asks for it, and of no other', () => {
    const { watch, seen } = build();
    const own = gateway(1, ['--psp-version=2']);
    watch.onUplink(own, 'out', psp({ version: 2 }));
    expect(seen()).toEqual([]);
    watch.onUplink(own, 'out', psp({ version: 0, engine: NO_ENGINE, iv: 2n }));
    expect(seen()).toEqual(['plaintext h1']);
    watch.onUplink(h1, 'out', psp({ version: 2, iv: 3n }));
    expect(seen()).toEqual(['plaintext h1']);
    watch.onUplink(gateway(1, ['--crypt-offset=23']), 'out', psp({ version: 2, iv: 4n }));
    expect(seen()).toEqual(['plaintext h1']);
  });

  test('may stand where the gateway was told by a crypt offset of its own to leave it, and not behind that', () => {
    const { watch, seen } = build();
    const own = gateway(1, ['--crypt-offset=23']);
    expect(own.plan.options.cryptOffsetWords).toBe(23);
    watch.onUplink(own, 'out', psp({ cryptOffsetWords: 23 }));
    expect(seen()).toEqual([]);
    watch.onUplink(own, 'out', psp({ cryptOffsetWords: 5, engine: NO_ENGINE, iv: 2n }));
    expect(seen()).toEqual(['plaintext h1']);
  });
});

describe('iv-reuse', () => {
  test('IVs increase, with gaps or without', () => {
    const { watch, seen } = build();
    for (const iv of [0n, 1n, 2n, 1_000n, 1n << 63n, (1n << 64n) - 1n])
      watch.onUplink(h1, 'out', psp({ iv }));
    expect(seen()).toEqual([]);
  });

  test('one that repeats, or goes back', () => {
    const { watch, seen } = build();
    for (const iv of [5n, 5n, 4n, 6n, 6n]) watch.onUplink(h1, 'out', psp({ iv }));
    expect(seen()).toEqual(['iv-reuse h1', 'iv-reuse h1', 'iv-reuse h1']);
  });

  test('it says SPI, receiver and both IVs', () => {
    const { watch } = build();
    for (const iv of [6n, 5n]) watch.onUplink(h1, 'out', psp({ iv, spi: 0xab }));
    expect(watch.violations[0]!.text).toBe('SPI 0x000000ab of 2001:db8::2: IV 5 after 6');
  });

  test('another SPI, receiver, sender or incarnation of the sender has IVs of its own', () => {
    const { watch, seen } = build();
    const again = gateway(1);
    watch.onUplink(again, 'out', psp());
    watch.onUplink(again, 'out', psp({ spi: 0x2000 }));
    watch.onUplink(again, 'out', psp({ to: parseIp('2001:db8::3') }));
    watch.onUplink(h2, 'out', psp());
    again.incarnations = 2;
    watch.onUplink(again, 'out', psp());
    watch.onUplink(again, 'in', psp());
    expect(seen()).toEqual([]);
    watch.onUplink(again, 'out', psp());
    expect(seen()).toEqual(['iv-reuse h1']);
  });

  test('from another process they may come in another order, and not twice in a row', () => {
    const { watch, seen } = build({ remote: () => true });
    for (const iv of [5n, 4n, 6n]) watch.onUplink(h1, 'out', psp({ iv }));
    expect(seen()).toEqual([]);
    watch.onUplink(h1, 'out', psp({ iv: 6n }));
    expect(seen()).toEqual(['iv-reuse h1']);
  });
});

describe('locatePsp', () => {
  test('finds header and receiver behind either IP version', () => {
    expect(locatePsp(psp({ to: parseIp('203.0.113.2') }))).toEqual({ at: 14 + 20 + 8, to: '203.0.113.2' });
    expect(locatePsp(psp())).toEqual({ at: 14 + 40 + 8, to: '2001:db8::2' });
  });

  test('finds none in a frame that is cut anywhere', () => {
    const frame = psp();
    for (let octets = 0; octets < frame.length; octets++)
      expect(locatePsp(frame.subarray(0, octets))).toBeUndefined();
  });

  test('finds none in TCP to port 1000', () => {
    const frame = psp();
    frame[14 + 6] = 6;
    expect(locatePsp(frame)).toBeUndefined();
  });
});
