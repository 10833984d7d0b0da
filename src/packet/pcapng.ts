/**
 * Writing pcapng (draft-ietf-opsawg-pcapng): one little-endian section, named interfaces, nanoseconds, and comments
 * on packets where they are given. The same calls give the same octets. src/packet/pcap.ts reads it.
 */
import { LINK_TYPE_ETHERNET } from './pcap.js';

const BLOCK_SECTION_HEADER = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_IF_NAME = 2;
const OPTION_PACKET_FLAGS = 2;
const OPTION_IF_TIMESTAMP_RESOLUTION = 9;
/** 10^-9 s. */
const RESOLUTION_NANOSECONDS = 9;
/** Limit on a name or comment: an option's length has 16 bits. */
export const OPTION_OCTETS_MAX = 0xffff;

/** Zero octets up to the next multiple of four. */
const padded = (lengthOctets: number) => (lengthOctets + 3) & ~3;

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

function textOption(code: number, text: string): Option {
  const value = new TextEncoder().encode(text);
  if (value.length > OPTION_OCTETS_MAX) {
    throw new RangeError(`a pcapng option of ${value.length} octets; at most ${OPTION_OCTETS_MAX} fit`);
  }
  return { code, value };
}

/** A block: type, length, `fixed` and `data` padded, options, length again. */
function block(type: number, fixed: Uint8Array, data: Uint8Array, options: readonly Option[]): Uint8Array {
  const optionsOctets = options.reduce((sum, { value }) => sum + 4 + padded(value.length), 0);
  const endOctets = options.length === 0 ? 0 : 4;
  const length = 12 + fixed.length + padded(data.length) + optionsOctets + endOctets;
  const octets = new Uint8Array(length);
  const view = new DataView(octets.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  octets.set(fixed, 8);
  octets.set(data, 8 + fixed.length);
  let at = 8 + fixed.length + padded(data.length);
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    octets.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  if (endOctets > 0) view.setUint16(at, OPTION_END, true);
  view.setUint32(length - 4, length, true);
  return octets;
}

const NO_DATA = new Uint8Array(0);

/** A frame to be written. */
export interface PcapngPacket {
  /** The number that addInterface has returned. */
  readonly interfaceIndex: number;
  /** Since the Unix epoch. */
  readonly timestampNs: bigint;
  readonly frame: Uint8Array;
  /** Octets on the wire, where the frame was cut; by default its length. */
  readonly originalOctets?: number;
  /** Which way it passed the interface; absent: nobody knows. */
  readonly direction?: 'in' | 'out';
  /** One, or several in this order. */
  readonly comment?: string | readonly string[];
}

/** Turns interfaces and packets into the octets of a file and gives them to a sink, a block per call. */
export class PcapngWriter {
  readonly #sink: (octets: Uint8Array) => void;
  #interfaces = 0;

  /**
   * Writes the section header at once. The sink owns what it is given.
   * @param snapOctets so many octets of each packet are written; 0: all.
   */
  constructor(
    sink: (octets: Uint8Array) => void,
    private readonly snapOctets = 0,
  ) {
    this.#sink = sink;
    const fixed = new Uint8Array(16);
    const view = new DataView(fixed.buffer);
    view.setUint32(0, BYTE_ORDER_MAGIC, true);
    view.setUint16(4, 1, true);
    view.setUint16(6, 0, true);
    // The section's length is not known in advance.
    view.setBigInt64(8, -1n, true);
    sink(block(BLOCK_SECTION_HEADER, fixed, NO_DATA, []));
  }

  /** Describes an interface; gives the index for its packets. Throws RangeError for a name that does not fit. */
  addInterface(name: string, linkType = LINK_TYPE_ETHERNET): number {
    const fixed = new Uint8Array(8);
    const view = new DataView(fixed.buffer);
    view.setUint16(0, linkType, true);
    view.setUint32(4, this.snapOctets, true);
    this.#sink(
      block(BLOCK_INTERFACE, fixed, NO_DATA, [
        textOption(OPTION_IF_NAME, name),
        { code: OPTION_IF_TIMESTAMP_RESOLUTION, value: Uint8Array.of(RESOLUTION_NANOSECONDS) },
      ]),
    );
    return this.#interfaces++;
  }

  /** Throws RangeError for an interface that has not been added, or a comment that does not fit. */
  write(packet: PcapngPacket): void {
    const { interfaceIndex, timestampNs, comment } = packet;
    const frame = this.snapOctets === 0 ? packet.frame : packet.frame.subarray(0, this.snapOctets);
    if (!(interfaceIndex >= 0 && interfaceIndex < this.#interfaces)) {
      throw new RangeError(`pcapng interface ${interfaceIndex}; ${this.#interfaces} have been added`);
    }
    const fixed = new Uint8Array(20);
    const view = new DataView(fixed.buffer);
    view.setUint32(0, interfaceIndex, true);
    view.setUint32(4, Number(BigInt.asUintN(32, timestampNs >> 32n)), true);
    view.setUint32(8, Number(BigInt.asUintN(32, timestampNs)), true);
    view.setUint32(12, frame.length, true);
    view.setUint32(16, packet.originalOctets ?? packet.frame.length, true);
    const comments = typeof comment === 'string' ? [comment] : (comment ?? []);
    const options = comments.map((text) => textOption(OPTION_COMMENT, text));
    const { direction } = packet;
    if (direction !== undefined)
      options.push({ code: OPTION_PACKET_FLAGS, value: Uint8Array.of(direction === 'in' ? 1 : 2, 0, 0, 0) });
    this.#sink(block(BLOCK_ENHANCED_PACKET, fixed, frame, options));
  }
}
