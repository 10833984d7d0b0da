/**
 * What workloads send: a head that names flow and packet, a filling that follows from both, and a marker at the end
 * that can be looked for in what must be encrypted. A receiver checks all of it.
 */

/** Stands in every payload; random payloads and headers do not hold it by chance. */
export const WORKLOAD_MARKER: Uint8Array = new TextEncoder().encode('<workload-clear>');

const FLOW = 0;
const SEQUENCE = 4;
const HEAD_OCTETS = 8;
/** So that there is room for head and marker. */
export const PAYLOAD_OCTETS_MIN: number = HEAD_OCTETS + WORKLOAD_MARKER.length;

/** The same for the same flow and sequence. @param sizeOctets at least PAYLOAD_OCTETS_MIN */
export function buildPayload(flow: number, sequence: number, sizeOctets: number): Uint8Array {
  const octets = new Uint8Array(sizeOctets);
  const view = new DataView(octets.buffer);
  view.setUint32(FLOW, flow);
  view.setUint32(SEQUENCE, sequence);
  let state = (Math.imul(flow, 0x9e3779b1) ^ Math.imul(sequence, 0x85ebca77)) >>> 0;
  for (let i = HEAD_OCTETS; i < octets.length - WORKLOAD_MARKER.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    octets[i] = state >>> 24;
  }
  octets.set(WORKLOAD_MARKER, octets.length - WORKLOAD_MARKER.length);
  return octets;
}

/** Flow and sequence of a payload that buildPayload made; undefined for any other. */
export function readPayload(
  octets: Uint8Array,
  offset: number,
  end: number,
): { readonly flow: number; readonly sequence: number } | undefined {
  if (end - offset < PAYLOAD_OCTETS_MIN) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const flow = view.getUint32(offset + FLOW);
  const sequence = view.getUint32(offset + SEQUENCE);
  const expected = buildPayload(flow, sequence, end - offset);
  for (let i = 0; i < expected.length; i++) if (octets[offset + i] !== expected[i]) return undefined;
  return { flow, sequence };
}
