/** Packets of workloads, drawn. */
import type { Choose } from '../base/choose.js';
import { type Family, type InnerPacket, MARKER, V1, V2 } from './inner-packets.js';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  132: 'SCTP',
};
/** A crypt offset of up to 12 words ends inside of it. */
const PAYLOAD_MIN_OCTETS = 48;

/** With MARKER behind so many octets at least, which a crypt offset may leave readable. */
export function drawPacket(choose: Choose, family: Family, clearOctets = 0): InnerPacket {
  const protocol = choose.pick([17, 17, 6, family === 4 ? 1 : 58, 132, 253]);
  const start = Math.max(choose.between(26, 300), clearOctets);
  const payload = choose.octets(start + MARKER.length + choose.below(choose.once(4) ? 1000 : 100));
  payload.set(MARKER, start);
  return {
    family,
    source: V1[family],
    destination: V2[family],
    protocol,
    payload: withHeader(protocol, payload),
    trafficClass: choose.below(256),
    ttl: choose.between(2, 255),
  };
}

/** Not DHCP, nor neighbor discovery: those stop at the gateway's pipes by design. */
function withHeader(protocol: number, payload: Uint8Array): Uint8Array {
  if (protocol === 17)
    payload.set([0x9c, 0x40, 0x13, 0x88, payload.length >>> 8, payload.length & 0xff, 0, 0]);
  if (protocol === 6) payload[12] = 0x50;
  if (protocol === 1) payload.set([8, 0]);
  if (protocol === 58) payload.set([128, 0]);
  return payload;
}

/** The same with the shortest payload that has MARKER in it; undefined: it has it. */
export function shortened(packet: InnerPacket, clearOctets = 0): InnerPacket | undefined {
  const start = Math.max(PAYLOAD_MIN_OCTETS, clearOctets);
  const length = start + MARKER.length;
  if (packet.payload.length <= length) return undefined;
  const payload = packet.payload.slice(0, length);
  payload.set(MARKER, start);
  return { ...packet, payload: withHeader(packet.protocol, payload) };
}

export function packetText({ family, protocol, payload }: InnerPacket): string {
  return `${PROTOCOL_NAMES[protocol] ?? `protocol ${protocol}`} over IPv${family} of ${payload.length} octets`;
}

const ID_OCTETS = 4;
const UDP_OCTETS = 8;

/** Datagrams of one flow, told apart by a number at their end. */
export function flowOf(family: Family, count: number, octets = 64, sourcePort = 40_000): InnerPacket[] {
  return Array.from({ length: count }, (_, id) => {
    const payload = new Uint8Array(UDP_OCTETS + Math.max(MARKER.length, octets) + ID_OCTETS);
    payload.set([
      sourcePort >>> 8,
      sourcePort & 0xff,
      0x13,
      0x88,
      payload.length >>> 8,
      payload.length & 0xff,
    ]);
    payload.set(MARKER, UDP_OCTETS);
    new DataView(payload.buffer).setUint32(payload.length - ID_OCTETS, id);
    return {
      family,
      source: V1[family],
      destination: V2[family],
      protocol: 17,
      payload,
      trafficClass: 0,
      ttl: 64,
    };
  });
}

/** The numbers of packets of a flow that are in clear; their ends are those of the frames, `behind` octets apart. */
export function idsOf(frames: readonly Uint8Array[], behind = 0): number[] {
  return frames.map((frame) =>
    new DataView(frame.buffer, frame.byteOffset).getUint32(frame.length - behind - ID_OCTETS),
  );
}
