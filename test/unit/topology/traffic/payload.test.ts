import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  buildPayload,
  PAYLOAD_OCTETS_MIN,
  readPayload,
  WORKLOAD_MARKER,
} from '../../../../src/topology/traffic/payload.js';

const uint32 = fc.nat(0xffff_ffff);
/** Flow, sequence and a size that datagrams may have. */
const named = fc.record({ flow: uint32, sequence: uint32, size: fc.integer({ min: 32, max: 300 }) });

test('a payload tells its flow and sequence wherever it stands in a frame', () => {
  fc.assert(
    fc.property(named, fc.nat(50), fc.nat(50), ({ flow, sequence, size }, before, after) => {
      const payload = buildPayload(flow, sequence, size);
      expect(payload.length).toBe(size);
      const frame = new Uint8Array(before + size + after).fill(0xee);
      frame.set(payload, before);
      const view = new Uint8Array(Uint8Array.of(1, 2, 3, ...frame).buffer, 3);
      expect(readPayload(view, before, before + size)).toEqual({ flow, sequence });
    }),
  );
});

test('any flipped bit is noticed, in the head too, and so is another length', () => {
  fc.assert(
    fc.property(named, fc.nat(), ({ flow, sequence, size }, at) => {
      const payload = buildPayload(flow, sequence, size);
      const bit = at % (size * 8);
      payload[bit >>> 3]! ^= 1 << (bit & 7);
      expect(readPayload(payload, 0, size)).toBeUndefined();
      payload[bit >>> 3]! ^= 1 << (bit & 7);
      expect(readPayload(payload, 0, size)).toEqual({ flow, sequence });
      expect(readPayload(payload, 0, size - 1)).toBeUndefined();
      expect(readPayload(payload, 1, size)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

test('every single bit of one payload, of the smallest size that datagrams have', () => {
  for (let bit = 0; bit < 32 * 8; bit++) {
    const payload = buildPayload(7, 1234, 32);
    payload[bit >>> 3]! ^= 1 << (bit & 7);
    expect(readPayload(payload, 0, 32)).toBeUndefined();
  }
});

test('it is as long as asked for, from head and marker on, and ends with the marker', () => {
  fc.assert(
    fc.property(uint32, uint32, fc.integer({ min: PAYLOAD_OCTETS_MIN, max: 100 }), (flow, sequence, size) => {
      const payload = buildPayload(flow, sequence, size);
      expect(payload.length).toBe(size);
      expect(payload.subarray(-WORKLOAD_MARKER.length)).toEqual(WORKLOAD_MARKER);
      expect(readPayload(payload, 0, payload.length)).toEqual({ flow, sequence });
    }),
  );
  expect(PAYLOAD_OCTETS_MIN).toBe(24);
});

test('payloads of other packets are other octets beyond the head', () => {
  fc.assert(
    fc.property(named, uint32, ({ flow, sequence }, other) => {
      fc.pre(other !== sequence);
      const filling = (n: number) => Buffer.from(buildPayload(flow, n, 60).subarray(8, 44));
      expect(filling(sequence).equals(filling(other))).toBe(false);
    }),
  );
});

test('what is no such payload gives nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
      expect(readPayload(octets, 0, octets.length)).toBeUndefined();
    }),
  );
  expect(readPayload(buildPayload(1, 2, 24), 0, 23)).toBeUndefined();
});
