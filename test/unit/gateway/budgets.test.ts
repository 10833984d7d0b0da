/** Nothing that a workload may send is used up: what came to the CPU once a packet goes on coming, and loops end at once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { delegateHal } from '../../../src/hal/delegate.js';
import type { EntryOperation, PipeHal, TransmitPacket } from '../../../src/hal/hal.js';
import type { Ipv4Address } from '../../../src/packet/address.js';
import { macFromOctets } from '../../../src/packet/address.js';
import { BOOT_REQUEST, buildDhcp, DHCP_REQUEST, parseDhcp } from '../../../src/packet/dhcp.js';
import { buildIpv4Packet, IPV4_HEADER_OCTETS_MIN } from '../../../src/packet/ipv4.js';
import { buildUdp, setUdpChecksum } from '../../../src/packet/udp.js';
import { frameOf, WORKLOAD_MAC } from '../../../src/verify/inner-packets.js';
import { idsOf, packetBetween, TestNetwork, type TestNode, vip } from '../../support/gateways.js';
import { solicitation } from '../../support/segment-frames.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

/** More than were ever allowed in a key's life. */
const PACKETS = 10_000;
const BATCH = 1000;

/** To port 67 of a peer's address, told apart by `id`. */
function toPort67(id: number): Uint8Array {
  const packet = packetBetween(1, 2, id);
  packet.payload.set([0, 67], 2);
  return frameOf(packet);
}

async function sendAll(from: TestNode, frames: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < frames.length; at += BATCH) {
    from.workload.inject(frames.slice(at, at + BATCH));
    await net.run(20);
  }
}

const numbers = Array.from({ length: PACKETS }, (_, i) => i);

test('UDP to port 67 of a peer is traffic like other traffic, however much of it, and not for the CPU', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  await sendAll(a, [toPort67(0)]);
  const before = a.gateway.view().slowPath.misses;
  await sendAll(a, numbers.map(toPort67));
  expect(idsOf(b.workload.takeSent()).slice(1)).toEqual(numbers);
  expect(a.gateway.view().slowPath).toMatchObject({ misses: before, looping: 0, answeredDhcp: 0 });
});

test('what always comes to the CPU and is not for the gateway goes on for as long as it comes', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  // Not to the letter, so not for the gateway to answer: hop limit 64.
  const odd = solicitation(vip(1, 6), vip(2, 6), macFromOctets(WORKLOAD_MAC), {
    hopLimit: 64,
    destination: vip(2, 6),
    destinationMac: '02:00:00:00:01:01',
  });
  await sendAll(a, [odd]);
  b.workload.takeSent();
  await sendAll(
    a,
    numbers.map(() => odd),
  );
  expect(b.workload.takeSent()).toHaveLength(PACKETS);
  expect(a.gateway.view().slowPath.looping).toBe(0);
});

describe('DHCP', () => {
  const request = (destination: string) => {
    const message = buildDhcp({
      operation: BOOT_REQUEST,
      type: DHCP_REQUEST,
      transactionId: 77,
      clientMac: macFromOctets(WORKLOAD_MAC),
      clientIp: vip(1) as Ipv4Address,
    });
    const packet = buildIpv4Packet({
      source: vip(1) as Ipv4Address,
      destination: destination as Ipv4Address,
      protocol: 17,
      ttl: 64,
      payload: buildUdp(68, 67, message),
    });
    setUdpChecksum(packet, 0, 4, IPV4_HEADER_OCTETS_MIN);
    return Uint8Array.from([2, 0, 0, 0, 1, 1, ...WORKLOAD_MAC, 8, 0, ...packet]);
  };

  test("to the gateway's own address is answered; to a peer's it goes there; the gateway's is nobody else's", async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    a.workload.inject([request('255.255.255.255')]);
    await net.run(10);
    const [answer] = a.workload.takeSent().map((frame) => parseDhcp(frame.subarray(14 + 20 + 8)));
    // 192.168.1.1 is the workload's and 192.168.1.2 the peer's.
    expect(answer?.serverId).toBe(vip(3));
    a.workload.inject([request(vip(3)), request(vip(2))]);
    await net.run(50);
    expect(a.workload.takeSent()).toHaveLength(1);
    expect(b.workload.takeSent()).toHaveLength(1);
    expect(a.gateway.view().slowPath.answeredDhcp).toBe(2);
  });
});

describe('a device that does not find the way that it was given', () => {
  /** Installs ways out for another address than it was told. */
  const astray = (sent: TransmitPacket[]) => (hal: PipeHal) =>
    delegateHal(hal, {
      apply: (operations: readonly EntryOperation[]) =>
        hal.apply(
          operations.map((operation) =>
            operation.operation === 'add' && operation.pipe === 'EGR_ACL_IPV4'
              ? {
                  ...operation,
                  entry: {
                    ...operation.entry,
                    match: { 'outer.ip4.src_ip': 1, 'outer.ip4.dst_ip': 1 },
                  } as never,
                }
              : operation,
          ),
        ),
      transmit: (packets) => {
        sent.push(...packets);
        return hal.transmit(packets);
      },
    });

  test('gets each packet once more and never again', async () => {
    const sent: TransmitPacket[] = [];
    const a = await net.start(1, [2], { wrapHal: astray(sent) });
    await net.start(2, [1]);
    net.send(a, 2, [0]);
    await net.run(1000);
    net.send(a, 2, numbers.slice(1, 50));
    await net.run(10_000);
    expect(sent).toHaveLength(50);
    expect(a.gateway.view().slowPath).toMatchObject({ looping: 50, resubmitted: 50 });
  });
});
