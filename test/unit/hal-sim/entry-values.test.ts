/** What entries give for the 'entry' places of their pipe's actions: each packet gets all of its own entry's, and none of another's. */
import { expect, test } from 'vitest';
import type { BasicEntry, BasicPipe, PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { frameOf, type InnerPacket, ipPacketOf, V1, V2 } from '../../../src/verify/inner-packets.js';
import { openSimHarness } from '../../../src/verify/sim-harness.js';
import { DECAP_ETHERNET_IPV4, tunnelHeader } from '../../support/psp-program.js';

const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
const MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;
const NUMBERS = [1, 2, 3];
const IPV4_HEADER_END = 34;
/** From a transport packet's PSP header to its SPI. */
const SPI_AT = IPV4_HEADER_END + 8 + 4;

const destination = (n: number) => Uint8Array.from([10, 0, 0, n]);
const packetTo = (n: number): InnerPacket => ({
  family: 4,
  source: V1[4],
  destination: destination(n),
  protocol: 253,
  payload: new Uint8Array(50).fill(n),
  trafficClass: 0,
  ttl: 64,
});
const macOf = (n: number) => Uint8Array.from([2, n, n + 16, n + 32, n + 48, n + 64]);

function basic(pipe: Pick<BasicPipe, 'name' | 'domain'> & Partial<BasicPipe>): BasicPipe {
  return {
    type: 'basic',
    sizeEntries: 8,
    match: {},
    forward: { to: 'drop' },
    miss: { to: 'drop' },
    entries: [{}],
    ...pipe,
  };
}

const to = (pipe: string) => ({ to: 'pipe', pipe }) as const;

function outwards(actions: NonNullable<BasicPipe['actions']>, rest: Partial<BasicPipe>): PipeProgram {
  return {
    name: 'outwards',
    mirrors: [{ name: 'COPY', targets: [{ to: 'rss' }] }],
    pipes: [
      basic({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OUT') }),
      basic({ name: 'OUT', domain: 'egress', isRoot: true, forward: to('ENCRYPT') }),
      basic({
        name: 'ENCRYPT',
        domain: 'secure-egress',
        actions,
        forward: { to: 'port', port: UPLINK_PORT },
        monitor: { mirror: 'COPY' },
        ...rest,
      }),
    ],
  };
}

test('key slot, fields and header of one entry all reach its packets', async () => {
  const header = (n: number) =>
    tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: n }).subarray(IPV4_HEADER_END);
  const entries = NUMBERS.map(
    (n): BasicEntry => ({
      match: { 'outer.ip4.dst_ip': 0x0a000000 + n },
      values: {
        cryptoId: 10 - n,
        set: {
          'outer.eth.dst_mac': macOf(n),
          'meta.pkt_meta': n * 0x01010101,
          'outer.eth.src_mac': macOf(n + 4),
        },
        encapHeader: header(n),
      },
    }),
  );
  const entry = { value: 'entry' } as const;
  const set = { 'outer.eth.dst_mac': entry, 'meta.pkt_meta': entry, 'outer.eth.src_mac': entry };
  const encap = { netType: 'psp-over-ipv4', outer: 'ipv4', cookie: false } as const;
  const { hal, inject, settle, takeRss, takeSent } = await openSimHarness();
  await hal.build(
    outwards([{ set, encap, encrypt: { cryptoId: 'entry' } }], {
      match: { 'outer.ip4.dst_ip': entry },
      entries,
    }),
  );
  await hal.setKeys(NUMBERS.map((n) => ({ cryptoId: 10 - n, key: deriveKey(MASTER_KEYS[0], n, 1) })));
  inject(
    VF_PORT,
    NUMBERS.map((n) => frameOf(packetTo(n))),
  );
  await settle();
  const wire = takeSent(UPLINK_PORT);
  expect(wire.map((frame) => [hex(frame.subarray(0, 12)), frame[SPI_AT + 3]])).toEqual(
    NUMBERS.map((n) => [hex(macOf(n)) + hex(macOf(n + 4)), n]),
  );
  expect(takeRss().map(({ packetMeta }) => packetMeta)).toEqual(NUMBERS.map((n) => n * 0x01010101));

  // Each under the key of its own slot, which its SPI names.
  const receiver = await openSimHarness({ masterKeys: MASTER_KEYS });
  await receiver.hal.build({
    name: 'inwards',
    pipes: [
      basic({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
      basic({
        name: 'OPEN',
        domain: 'secure-ingress',
        actions: [{ decrypt: true, decap: { netType: 'psp-over-ipv4' } }],
        forward: { to: 'port', port: VF_PORT },
      }),
    ],
  });
  receiver.inject(UPLINK_PORT, wire);
  expect(receiver.takeSent(VF_PORT).map((frame) => hex(frame.subarray(14)))).toEqual(
    NUMBERS.map((n) => hex(ipPacketOf(packetTo(n)))),
  );
});

test('packets that leave a tunnel get the Ethernet header and the fields of their own entry', async () => {
  const sender = await openSimHarness();
  const encapHeader = (n: number) => tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: n });
  await sender.hal.build(
    outwards(
      [{ encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false }, encrypt: { cryptoId: 'entry' } }],
      {
        match: { 'outer.ip4.dst_ip': { value: 'entry' } },
        entries: NUMBERS.map((n) => ({
          match: { 'outer.ip4.dst_ip': 0x0a000000 + n },
          values: { cryptoId: n, encapHeader: encapHeader(n) },
        })),
      },
    ),
  );
  await sender.hal.setKeys(NUMBERS.map((n) => ({ cryptoId: n, key: deriveKey(MASTER_KEYS[0], n, 1) })));
  const { hal, inject, settle, takeRss } = await openSimHarness({ masterKeys: MASTER_KEYS });
  const ethernetHeader = (n: number) => Uint8Array.from([...macOf(n), ...macOf(n + 8), 8, 0]);
  await hal.build({
    name: 'inwards',
    pipes: [
      basic({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
      basic({
        name: 'OPEN',
        domain: 'secure-ingress',
        match: { 'tun.psp.spi': { value: 'entry' } },
        actions: [
          {
            decrypt: true,
            decap: { netType: 'psp-tunnel', ethernetHeader: 'entry' },
            set: { 'meta.pkt_meta': { value: 'entry' } },
          },
        ],
        forward: { to: 'rss' },
        entries: NUMBERS.map((n) => ({
          match: { 'tun.psp.spi': n },
          values: { ethernetHeader: ethernetHeader(n), set: { 'meta.pkt_meta': 100 + n } },
        })),
      }),
    ],
  });
  sender.inject(
    VF_PORT,
    NUMBERS.map((n) => frameOf(packetTo(n))),
  );
  inject(UPLINK_PORT, sender.takeSent(UPLINK_PORT));
  await settle();
  expect(takeRss().map(({ frame, packetMeta }) => [packetMeta, hex(frame)])).toEqual(
    NUMBERS.map((n) => [100 + n, hex(ethernetHeader(n)) + hex(ipPacketOf(packetTo(n)))]),
  );
});

test("a program's own Ethernet header is every packet's, whatever becomes of the program", async () => {
  const header = DECAP_ETHERNET_IPV4.slice();
  const sender = await openSimHarness();
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 1 });
  await sender.hal.build(
    outwards([{ encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false }, encrypt: { cryptoId: 1 } }], {
      entries: [{ values: { encapHeader } }],
    }),
  );
  await sender.hal.setKeys([{ cryptoId: 1, key: deriveKey(MASTER_KEYS[0], 1, 1) }]);
  const { hal, inject, takeSent } = await openSimHarness({ masterKeys: MASTER_KEYS });
  await hal.build({
    name: 'inwards',
    pipes: [
      basic({ name: 'ROOT', domain: 'default', isRoot: true, forward: to('OPEN') }),
      basic({
        name: 'OPEN',
        domain: 'secure-ingress',
        actions: [{ decrypt: true, decap: { netType: 'psp-tunnel', ethernetHeader: header } }],
        forward: { to: 'port', port: VF_PORT },
      }),
    ],
  });
  header.fill(0);
  sender.inject(VF_PORT, [frameOf(packetTo(1)), frameOf(packetTo(2))]);
  inject(UPLINK_PORT, sender.takeSent(UPLINK_PORT));
  expect(takeSent(VF_PORT).map((frame) => hex(frame.subarray(0, 14)))).toEqual([
    hex(DECAP_ETHERNET_IPV4),
    hex(DECAP_ETHERNET_IPV4),
  ]);
});

test('what cannot be encapsulated goes nowhere, though nothing would have been encrypted either', async () => {
  const encapHeader = tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 1 });
  const { hal, inject, settle, takeRss, takeSent } = await openSimHarness();
  await hal.build(
    outwards([{ encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } }], {
      entries: [{ values: { encapHeader } }],
      forward: { to: 'port', port: VF_PORT },
    }),
  );
  const arp = frameOf({ ...packetTo(1), destination: V2[4] });
  arp.set([8, 6], 12);
  inject(VF_PORT, [arp]);
  await settle();
  expect([takeSent(VF_PORT), takeRss()]).toEqual([[], []]);
  expect(hal.fates()).toMatchObject({ in: 1, lost: 1 });
  expect(await hal.statistics()).toMatchObject({ txError: 1n });
});
