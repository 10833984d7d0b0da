/** Who is answered that a packet is too big, who gets it in pieces, and whom no router may answer. */
import { describe, expect, test } from 'vitest';
import { checkPathMtu } from '../../../../src/gateway/slow-path/path-mtu.js';
import { macFromOctets } from '../../../../src/packet/address.js';
import { frameOf, type InnerPacket, WORKLOAD_MAC } from '../../../../src/verify/inner-packets.js';

const MTU = 1400;
const OUR_MAC = macFromOctets(Uint8Array.from([2, 0, 0, 0, 0, 0x99]));
const [UDP, ICMP, ICMPV6, DESTINATION_OPTIONS] = [17, 1, 58, 60];
const SOURCE = { 4: [192, 168, 1, 1], 6: [0xfd, ...new Array(14).fill(0), 1] } as const;
const DESTINATION = { 4: [192, 168, 1, 2], 6: [0xfd, ...new Array(14).fill(0), 2] } as const;

interface Case {
  readonly family?: 4 | 6;
  /** Of the IP packet. */
  readonly octets?: number;
  readonly protocol?: number;
  /** How the payload begins. */
  readonly begins?: readonly number[];
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  /** IPv4: flags and fragment offset; "don't fragment" when absent. */
  readonly flags?: number;
  readonly mayCut?: boolean;
}

function check({
  family = 4,
  octets = MTU + 1,
  protocol = UDP,
  begins = [],
  flags = 0x4000,
  mayCut = true,
  ...more
}: Case) {
  const payload = new Uint8Array(octets - (family === 4 ? 20 : 40));
  payload.set(begins);
  const packet: InnerPacket = {
    family,
    source: Uint8Array.from(more.source ?? SOURCE[family]),
    destination: Uint8Array.from(more.destination ?? DESTINATION[family]),
    protocol,
    payload,
    trafficClass: 0,
    ttl: 64,
  };
  const frame = frameOf(packet);
  if (family === 4) {
    const view = new DataView(frame.buffer);
    view.setUint16(20, flags);
    view.setUint16(24, 0);
    let sum = 0;
    for (let i = 14; i < 34; i += 2) sum += view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(24, ~sum & 0xffff);
  }
  return { frame, result: checkPathMtu(frame, MTU, OUR_MAC, mayCut) };
}
const kindOf = (one: Case) => check(one).result.kind;

test.each([4, 6] as const)(
  'an IPv%s packet of exactly what fits is let through, and one octet more is not',
  (family) => {
    expect(kindOf({ family, octets: MTU })).toBe('fits');
    expect(kindOf({ family, octets: MTU + 1 })).toBe('answer');
  },
);

test('what is no whole IP packet is let through, whatever its length', () => {
  for (const family of [4, 6] as const) {
    const { frame } = check({ family });
    expect(checkPathMtu(frame.subarray(0, 14 + 1000), MTU, OUR_MAC, true)).toEqual({ kind: 'fits' });
    frame.set([0x88, 0xcc], 12);
    expect(checkPathMtu(frame, MTU, OUR_MAC, true)).toEqual({ kind: 'fits' });
  }
});

test.each([4, 6] as const)(
  'the answer over IPv%s goes back to the workload, from where the packet was to go',
  (family) => {
    const { result, frame } = check({ family });
    if (result.kind !== 'answer') throw new Error(result.kind);
    const answer = result.frame;
    expect([...answer.subarray(0, 12)]).toEqual([...WORKLOAD_MAC, 2, 0, 0, 0, 0, 0x99]);
    expect([...answer.subarray(12, 14)]).toEqual([...frame.subarray(12, 14)]);
    const [source, end] = family === 4 ? [14 + 12, 14 + 20] : [14 + 8, 14 + 40];
    expect([...answer.subarray(source, end)]).toEqual([...DESTINATION[family], ...SOURCE[family]]);
    const icmp = answer.subarray(end);
    const mtu = new DataView(icmp.buffer, icmp.byteOffset).getUint16(6);
    expect([icmp[0], icmp[1], mtu]).toEqual([family === 4 ? 3 : 2, family === 4 ? 4 : 0, MTU]);
  },
);

test('IPv4 packets that may be cut are cut, where pieces can be sent on', () => {
  const { result } = check({ flags: 0 });
  if (result.kind !== 'fragments') throw new Error(result.kind);
  expect(result.frames).toHaveLength(2);
  expect(result.frames.every(({ length }) => length <= 14 + MTU)).toBe(true);
  expect(kindOf({ flags: 0, mayCut: false })).toBe('answer');
});

describe('no router answers', () => {
  test.each([
    ['a multicast address', { destination: [224, 0, 0, 1] }, 'drop'],
    ['the last unicast address', { destination: [223, 255, 255, 255] }, 'answer'],
    ['the broadcast address', { destination: [255, 255, 255, 255] }, 'drop'],
    ['from a multicast address', { source: [224, 0, 0, 1] }, 'drop'],
    ['from a unicast address', { source: [223, 255, 255, 255] }, 'answer'],
    ['a later fragment', { flags: 0x0001, mayCut: false }, 'drop'],
    ['the first fragment, which it does answer', { flags: 0x2000, mayCut: false }, 'answer'],
    ['ICMP errors', { protocol: ICMP, begins: [3] }, 'drop'],
    ['ICMP questions, which it does answer', { protocol: ICMP, begins: [8] }, 'answer'],
    ['what only looks like an ICMP error', { protocol: UDP, begins: [3] }, 'answer'],
    ['an IPv6 multicast address', { family: 6, destination: [0xff, 2, ...new Array(13).fill(0), 1] }, 'drop'],
    ['from an IPv6 multicast address', { family: 6, source: [0xff, 2, ...new Array(13).fill(0), 1] }, 'drop'],
    ['from the unspecified address', { family: 6, source: new Array(16).fill(0) }, 'drop'],
    ['from an address that is almost that', { family: 6, source: [...new Array(15).fill(0), 1] }, 'answer'],
    ['ICMPv6 errors', { family: 6, protocol: ICMPV6, begins: [1] }, 'drop'],
    [
      'ICMPv6 errors behind an extension header',
      { family: 6, protocol: DESTINATION_OPTIONS, begins: [ICMPV6, 0, 1, 4, 0, 0, 0, 0, 1] },
      'drop',
    ],
    ['ICMPv6 questions, which it does answer', { family: 6, protocol: ICMPV6, begins: [128] }, 'answer'],
    ['what only looks like an ICMPv6 error', { family: 6, protocol: UDP, begins: [1] }, 'answer'],
  ] as [string, Case, string][])('%s', (_, one, kind) => {
    expect(kindOf(one)).toBe(kind);
  });
});
