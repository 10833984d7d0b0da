/** Arbitrary packets of workloads (src/verify/inner-packets.ts), for fast-check. */
import fc from 'fast-check';
import { type Family, type InnerPacket, MARKER, V1, V2 } from '../../src/verify/inner-packets.js';

/**
 * A packet from V1 to V2: UDP and TCP with arbitrary ports, or another upper-layer protocol; the payload carries
 * MARKER after at least `clearOctets` octets, so that a crypt offset may leave what is before it readable. The payload
 * has 48 octets at least: a crypt offset of up to 12 words ends inside it, in transport mode too.
 */
export function innerPacket(family: Family, clearOctets = 0): fc.Arbitrary<InnerPacket> {
  return fc
    .record({
      protocol: fc.constantFrom(17, 6, family === 4 ? 1 : 58, 132, 253),
      before: fc.uint8Array({ minLength: 26, maxLength: 300 }),
      after: fc.uint8Array({ maxLength: 1000 }),
      trafficClass: fc.integer({ min: 0, max: 255 }),
      ttl: fc.integer({ min: 1, max: 255 }),
    })
    .map(({ protocol, before, after, trafficClass, ttl }) => {
      const start = Math.max(before.length, clearOctets);
      const payload = new Uint8Array(start + MARKER.length + after.length);
      payload.set(before);
      payload.set(MARKER, start);
      payload.set(after, start + MARKER.length);
      // Not DHCP, not neighbor discovery: those stop at the gateway by design.
      if (protocol === 17)
        payload.set([0x9c, 0x40, 0x13, 0x88, payload.length >>> 8, payload.length & 0xff, 0, 0]);
      if (protocol === 6) payload[12] = 0x50;
      if (protocol === 1) payload.set([8, 0]);
      if (protocol === 58) payload.set([128, 0]);
      return { family, source: V1[family], destination: V2[family], protocol, payload, trafficClass, ttl };
    });
}
