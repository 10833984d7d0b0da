/**
 * Packets of workloads, built here without src/packet, so that what is put in does not come from the code under test. Frames are
 * whole Ethernet frames with valid lengths and IPv4 checksums.
 */

/** Octets that no header and no random payload holds by chance; a plaintext search looks for them. */
export const MARKER = new TextEncoder().encode('<<workload plaintext>>');

export type Family = 4 | 6;

export interface InnerPacket {
  readonly family: Family;
  /** 4 or 16 octets. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** The IP payload. */
  readonly payload: Uint8Array;
  readonly trafficClass: number;
  readonly ttl: number;
}

export const WORKLOAD_MAC = Uint8Array.from([0x02, 0, 0, 0, 0, 0x11]);
export const ANY_MAC = Uint8Array.from([0x02, 0, 0, 0, 0, 0x99]);

/** An Ethernet frame around the packet. */
export function frameOf(packet: InnerPacket, sourceMac = WORKLOAD_MAC, destinationMac = ANY_MAC): Uint8Array {
  const ip = ipPacketOf(packet);
  const frame = new Uint8Array(14 + ip.length);
  frame.set(destinationMac, 0);
  frame.set(sourceMac, 6);
  frame.set(packet.family === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  frame.set(ip, 14);
  return frame;
}

/** The IP packet alone. */
export function ipPacketOf(packet: InnerPacket): Uint8Array {
  const { family, payload } = packet;
  const header = new Uint8Array(family === 4 ? 20 : 40);
  const view = new DataView(header.buffer);
  if (family === 4) {
    header[0] = 0x45;
    header[1] = packet.trafficClass;
    view.setUint16(2, 20 + payload.length);
    view.setUint16(4, 0x1234);
    header[6] = 0x40; // don't fragment
    header[8] = packet.ttl;
    header[9] = packet.protocol;
    header.set(packet.source, 12);
    header.set(packet.destination, 16);
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(10, ~sum & 0xffff);
  } else {
    view.setUint32(0, 0x60000000 | (packet.trafficClass << 20) | 0x54321);
    view.setUint16(4, payload.length);
    header[6] = packet.protocol;
    header[7] = packet.ttl;
    header.set(packet.source, 8);
    header.set(packet.destination, 24);
  }
  const ip = new Uint8Array(header.length + payload.length);
  ip.set(header);
  ip.set(payload, header.length);
  return ip;
}

/** V1 and V2 of the documents, in both families. */
export const V1: Readonly<Record<Family, Uint8Array>> = {
  4: Uint8Array.from([192, 168, 1, 33]),
  6: Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x33]),
};
export const V2: Readonly<Record<Family, Uint8Array>> = {
  4: Uint8Array.from([192, 168, 1, 55]),
  6: Uint8Array.from([0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x55]),
};

/** Whether `needle` stands anywhere in `haystack`. */
export function contains(haystack: Uint8Array, needle: Uint8Array): boolean {
  return Buffer.from(haystack.buffer, haystack.byteOffset, haystack.length).includes(Buffer.from(needle));
}
