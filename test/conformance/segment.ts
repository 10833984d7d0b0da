/** Where packets go under the gateway's pipeline that are not traffic of a session: to the CPU with a mark, or nowhere. */
import { describe, expect, test } from 'vitest';
import {
  PKT_META_RESUBMITTED,
  PKT_META_RETURN_TO_VF,
  PKT_META_SEGMENT_IN,
  PKT_META_SEGMENT_OUT,
  trialMark,
} from '../../src/gateway/pipeline/packet-meta.js';
import { egressTrialEntry, underlaySeenEntry } from '../../src/gateway/pipeline/pipeline-entries.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { ipFromOctets, parseIp } from '../../src/packet/address.js';
import { fragmentIpv4 } from '../../src/packet/fragment.js';
import { buildIpv4Packet, setIpv4Checksum } from '../../src/packet/ipv4.js';
import { buildIpv6Packet } from '../../src/packet/ipv6.js';
import { buildUdp } from '../../src/packet/udp.js';
import { openGatewayRig } from '../../src/verify/gateway-pipeline.js';
import type { HalUnderTest } from '../../src/verify/harness.js';
import { frameOf, V1, V2 } from '../../src/verify/inner-packets.js';
import { install } from '../../src/verify/rig.js';
import { toHex } from '../support/reference-vectors.js';
import {
  advertisement,
  arpRequest,
  changed,
  icmpv6Frame,
  listenerMessage,
  listenerReport,
  redirect,
  routerAdvertisement,
  solicitation,
} from '../support/segment-frames.js';

const MAC = '02:00:00:00:00:01';
const TO = { ip: 'fd00::2', mac: '02:00:00:00:00:02' };
const GROUP = 'ff02::1:ff00:1';
/** One of each kind; the device tells them by their type and leaves the rest to the CPU. */
const SEGMENT = [
  arpRequest('192.168.1.1', '192.168.1.2', MAC),
  icmpv6Frame([133, 0, 0, 0, 0, 0, 0, 0], { source: 'fe80::1', destination: 'ff02::2', mac: MAC }),
  routerAdvertisement('fe80::1', MAC),
  solicitation('fd00::1', 'fd00::2', MAC),
  advertisement('fd00::1', TO, MAC),
  redirect('fe80::1', MAC, TO, 'fe80::9', 'fd00::9'),
  listenerMessage(130, 'fe80::1', MAC, '::', 'ff02::1'),
  listenerMessage(131, 'fe80::1', MAC, GROUP, GROUP),
  listenerMessage(132, 'fe80::1', MAC, GROUP, 'ff02::2'),
  listenerReport('fe80::1', MAC, [GROUP]),
];

function udpFrame(to: Uint8Array, port: number): Uint8Array {
  const dotted = (octets: Uint8Array) => [...octets].join('.') as never;
  const packet = buildIpv4Packet({
    source: dotted(V1[4]),
    destination: dotted(to),
    protocol: 17,
    ttl: 64,
    payload: buildUdp(68, port, new Uint8Array(40)),
  });
  return Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, ...packet]);
}

export function describeSegment(implementation: HalUnderTest): void {
  describe(`${implementation.name}: what is not traffic of a session`, () => {
    test('transport mode: both sides hear what belongs to their segment from the CPU only', async () => {
      await using rig = await openGatewayRig(implementation, { mode: 'transport' });
      const { a } = rig;
      expect(await rig.encapsulate(SEGMENT)).toEqual([]);
      expect(a.takeRss()).toEqual(SEGMENT.map((frame) => ({ frame, packetMeta: 0 })));
      a.inject(
        UPLINK_PORT,
        SEGMENT.map((frame) => frame.slice()),
      );
      await a.settle();
      expect(a.takeSent(VF_PORT)).toEqual([]);
      expect(a.takeRss()).toEqual(SEGMENT.map((frame) => ({ frame, packetMeta: PKT_META_SEGMENT_IN })));
    });

    test('transport mode: fragments of the workload come to the CPU, with or without a way for their addresses', async () => {
      await using rig = await openGatewayRig(implementation, { mode: 'transport' });
      const { a } = rig;
      const from = (family: 4 | 6, protocol: number, payload: Uint8Array) =>
        frameOf({
          family,
          source: V1[family],
          destination: V2[family],
          protocol,
          payload,
          trafficClass: 0,
          ttl: 64,
        });
      const ipv4 = [6, 17, 1].flatMap(
        (protocol) => fragmentIpv4(from(4, protocol, new Uint8Array(3000)), 1000)!,
      );
      const ipv6 = from(6, 44, Uint8Array.from([17, 0, 0, 1, 0, 0, 0, 7, ...new Uint8Array(40)]));
      const fragments = [...ipv4, ipv6];
      expect(ipv4.length).toBeGreaterThan(9);
      expect(await rig.encapsulate(fragments)).toEqual([]);
      // Several queues, of which each has its own order.
      const inOrder = (frames: readonly Uint8Array[]) => frames.map(toHex).sort();
      const received = a.takeRss();
      expect(inOrder(received.map(({ frame }) => frame))).toEqual(inOrder(fragments));
      expect(received.every(({ packetMeta }) => packetMeta === 0)).toBe(true);
      // What is whole is not held up.
      const whole = udpFrame(V2[4], 5000);
      expect(await rig.encapsulate([whole])).toHaveLength(1);
    });

    test('transport mode: what the CPU marks leaves by the port of its mark, and only what is of the kind', async () => {
      await using rig = await openGatewayRig(implementation, { mode: 'transport' });
      const { a } = rig;
      const echo = changed(solicitation('fd00::1', 'fd00::2', MAC), 54, 128);
      const out = [...SEGMENT, echo, udpFrame(V2[4], 5000)].map((frame) => ({
        frame,
        packetMeta: PKT_META_SEGMENT_OUT,
      }));
      a.hal.transmit(out);
      a.hal.transmit(SEGMENT.map((frame) => ({ frame, packetMeta: PKT_META_RETURN_TO_VF })));
      // Without a mark they are packets of a session, which there is none for.
      a.hal.transmit([{ frame: SEGMENT[0]! }]);
      await a.settle();
      expect(a.takeSent(UPLINK_PORT).map(toHex)).toEqual(SEGMENT.map(toHex));
      expect(a.takeSent(VF_PORT).map(toHex)).toEqual(SEGMENT.map(toHex));
    });

    test.each(['tunnel', 'transport'] as const)(
      '%s mode: what the workload sends that is not IP goes nowhere',
      async (mode) => {
        await using rig = await openGatewayRig(implementation, { mode });
        const frame = udpFrame(V2[4], 5000);
        const odd = [
          changed(frame, 12, 0x81, 0),
          changed(frame, 12, 0x88, 0xcc),
          changed(frame, 14, 0x65),
          frame.slice(0, 20),
        ];
        expect(await rig.encapsulate(odd)).toEqual([]);
        expect(rig.a.takeRss()).toEqual([]);
        const [other] = await rig.a.hal.counters([{ pipe: 'ROOT', label: 'vf-other' }]);
        expect(other!.packets).toBe(BigInt(odd.length));
        const [miss] = await rig.a.hal.counters([{ pipe: 'ROOT', miss: true }]);
        expect(miss!.packets).toBe(0n);
      },
    );

    test('tunnel mode: DHCP to all goes to the CPU, to an address of a session it is encrypted', async () => {
      await using rig = await openGatewayRig(implementation, { mode: 'tunnel', innerFamily: 4 });
      const toAll = udpFrame(new Uint8Array(4).fill(255), 67);
      const wire = await rig.encapsulate([toAll, udpFrame(V2[4], 67), udpFrame(V2[4], 68)]);
      expect(wire).toHaveLength(2);
      expect(rig.a.takeRss()).toEqual([{ frame: toAll, packetMeta: 0 }]);
    });

    test.each(['tunnel', 'transport'] as const)(
      '%s mode: a packet that was resubmitted and misses again says so',
      async (mode) => {
        await using rig = await openGatewayRig(implementation, { mode, innerFamily: 4 });
        const missing = udpFrame(Uint8Array.from([192, 168, 9, 9]), 5000);
        const found = udpFrame(V2[4], 5000);
        rig.a.hal.transmit([missing, found].map((frame) => ({ frame, packetMeta: PKT_META_RESUBMITTED })));
        await rig.a.settle();
        expect(rig.a.takeSent(UPLINK_PORT)).toHaveLength(1);
        expect(rig.a.takeRss()).toEqual([{ frame: missing, packetMeta: PKT_META_RESUBMITTED }]);
      },
    );

    test.each([4, 6] as const)(
      'tunnel mode over IPv%i: an authenticated packet is counted by its SPI and outer source, no other one is',
      async (outerFamily) => {
        await using rig = await openGatewayRig(implementation, {
          outerFamily,
          innerFamily: 6,
          cookies: true,
        });
        const { b, spi, pipeline } = rig;
        const [from, elsewhere] = (
          outerFamily === 4 ? ['192.0.2.1', '192.0.2.9'] : ['2001:db8::1', '2001:db8::9']
        ).map(parseIp);
        const ids = await install(b.hal, [
          underlaySeenEntry(pipeline.options, spi, from!),
          underlaySeenEntry(pipeline.options, spi, elsewhere!),
          underlaySeenEntry(pipeline.options, spi + 1, from!),
        ]);
        const source = 14 + (outerFamily === 4 ? 15 : 23);
        const [wire] = await rig.encapsulate([frameOf6()]);
        const damaged = changed(wire!, wire!.length - 20, wire!.at(-20)! ^ 1);
        // Its checksum covers the source, and is mended for it.
        const moved = withSource(wire!, outerFamily, source, 9);
        await rig.decapsulate([wire!, wire!, damaged, moved]);
        const counted = await b.hal.counters(ids.map((id) => ({ id })));
        expect(counted.map(({ packets }) => packets)).toEqual([2n, 1n, 0n]);
      },
    );

    test.each([0, 1])(
      'packets on trial leave as those of the session do, sampled one in 2^%i, and others do not',
      async (sampleRateLog2) => {
        await using rig = await openGatewayRig(implementation, {
          innerFamily: 4,
          confirmUnderlay: true,
          sampleRateLog2,
        });
        const { a, pipeline, cryptoId } = rig;
        await install(a.hal, [
          { operation: 'remove', id: rig.egressEntries[0]! },
          egressTrialEntry(pipeline.options, rig.encapHeader, cryptoId),
        ]);
        const frame = udpFrame(V2[4], 5000);
        expect(await rig.encapsulate([frame])).toEqual([]);
        a.hal.transmit([
          { frame, packetMeta: trialMark(cryptoId) },
          { frame, packetMeta: trialMark(cryptoId + 1) },
          { frame, packetMeta: PKT_META_RESUBMITTED },
        ]);
        await a.settle();
        const wire = a.takeSent(UPLINK_PORT);
        expect(wire).toHaveLength(1);
        const [delivered] = await rig.decapsulate(wire);
        expect(toHex(delivered!.subarray(14))).toBe(toHex(frame.subarray(14)));
      },
    );
  });
}

/** A packet of the rig's session over IPv6. */
function frameOf6(): Uint8Array {
  const packet = buildIpv6Packet({
    source: ipFromOctets(V1[6], 0, 6) as never,
    destination: ipFromOctets(V2[6], 0, 6) as never,
    nextHeader: 17,
    hopLimit: 64,
    payload: buildUdp(5000, 5000, new Uint8Array(60)),
  });
  return Uint8Array.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, ...packet]);
}

function withSource(frame: Uint8Array, family: 4 | 6, at: number, last: number): Uint8Array {
  const copy = changed(frame, at, last);
  if (family === 4) setIpv4Checksum(copy, 14);
  return copy;
}
