/**
 * Capture files: reading classic pcap (either byte order, micro- or nanoseconds) and pcapng (both byte orders,
 * several sections and interfaces), as a stream; writing classic pcap. The formats are those of the IETF drafts
 * draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
 */

export const LINK_TYPE_ETHERNET = 1;
/** No frame is as long; a length above it means that the file is damaged. */
const CAPTURED_OCTETS_MAX = 256 * 1024;

const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
const PCAP_HEADER_OCTETS = 24;
const PCAP_MAJOR_VERSION = 2;
const PCAP_RECORD_OCTETS = 16;

const BLOCK_SECTION_HEADER = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_PACKET_OBSOLETE = 2;
const BLOCK_SIMPLE_PACKET = 3;
const BLOCK_ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_IF_NAME = 2;
const OPTION_IF_TIMESTAMP_RESOLUTION = 9;
const OPTION_IF_TIMESTAMP_OFFSET = 14;
const BLOCK_OCTETS_MAX = 16 * 1024 * 1024;
const SECTION_MAJOR_VERSION = 1;
/** Interfaces of a section; each is kept until the section ends. */
export const INTERFACES_MAX = 4096;
/** Limit on all names of a section's interfaces together. */
export const INTERFACE_NAMES_CHARACTERS_MAX = 4 * 1024 * 1024;
/** Comments on a packet; each may have 65,535 octets, all together as many as fit a block. */
export const COMMENTS_MAX = 1000;

const NANOSECONDS = 1_000_000_000n;

/** A frame of a capture file. */
export interface CaptureRecord {
  /** Since the Unix epoch; 0 where the file has none. */
  readonly timestampNs: bigint;
  /** Octets on the wire; more than were captured when the frame was cut. */
  readonly originalOctets: number;
  readonly frame: Uint8Array;
  readonly linkType: number;
  /** pcapng: number and, where it has one, name of the interface within its section. */
  readonly interfaceIndex: number;
  readonly interfaceName?: string;
  /** pcapng: comments on the packet, where it has any. */
  readonly comments?: readonly string[];
}

/** A file that is not a capture, or is damaged; all whole records before the damage have been given. */
export class CaptureError extends Error {
  override readonly name: string = 'CaptureError';
  constructor(
    reason: string,
    /** Offset in the file. */
    readonly offset: number,
  ) {
    super(`${reason} (at octet ${offset})`);
  }
}

/** A file that is no capture at all: not one record can come out of it. */
export class NoCaptureError extends CaptureError {
  override readonly name = 'NoCaptureError';
}

/** Reads exact numbers of octets out of chunks of any size. */
class ChunkReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  offset = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** `count` octets; undefined at the file's end; throws when it ends in the middle of them. */
  async read(count: number): Promise<Uint8Array | undefined> {
    if (this.#chunk.length - this.#at >= count) return this.#take(count);
    const out = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const available = Math.min(count - filled, this.#chunk.length - this.#at);
      out.set(this.#chunk.subarray(this.#at, this.#at + available), filled);
      this.#at += available;
      filled += available;
      if (filled === count) break;
      const next = await this.#source.next();
      if (next.done === true) {
        if (filled === 0) return undefined;
        throw new CaptureError(`the file ends after ${filled} of ${count} octets`, this.offset + filled);
      }
      // A Buffer's slice would be a view; records must own their octets.
      this.#chunk = new Uint8Array(next.value.buffer, next.value.byteOffset, next.value.length);
      this.#at = 0;
    }
    this.offset += count;
    return out;
  }

  /** The next `count` octets, which stay to be read; fewer where the file ends. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#chunk.length - this.#at < count) {
      const next = await this.#source.next();
      if (next.done === true) break;
      const chunk = new Uint8Array(this.#chunk.length - this.#at + next.value.length);
      chunk.set(this.#chunk.subarray(this.#at));
      chunk.set(next.value, this.#chunk.length - this.#at);
      this.#chunk = chunk;
      this.#at = 0;
    }
    return this.#chunk.subarray(this.#at, this.#at + count);
  }

  /** Lets the source free what it holds (the file). */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** Like `read`, but the file must not end here. */
  async need(count: number): Promise<Uint8Array> {
    const octets = await this.read(count);
    if (octets === undefined)
      throw new CaptureError(`the file ends; ${count} more octets expected`, this.offset);
    return octets;
  }

  #take(count: number): Uint8Array {
    const octets = this.#chunk.slice(this.#at, this.#at + count);
    this.#at += count;
    this.offset += count;
    return octets;
  }
}

/** A comment may begin with U+FEFF, which the default takes away. */
const COMMENT_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** Fields of variable length end at a multiple of four. */
const padded = (lengthOctets: number) => Math.ceil(lengthOctets / 4) * 4;

function view(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

/**
 * The records of a capture file, one after the other. Throws CaptureError. The source is closed at the end, after an
 * error, and when the caller stops early.
 */
export async function* readCapture(source: AsyncIterable<Uint8Array>): AsyncGenerator<CaptureRecord> {
  const reader = new ChunkReader(source);
  try {
    yield* readRecords(reader);
  } finally {
    await reader.close();
  }
}

/** So many octets at its begin say whether a file is a capture. */
export const CAPTURE_HEAD_OCTETS = 24;

type CaptureFormat =
  | { readonly kind: 'pcap'; readonly little: boolean; readonly unitNs: bigint }
  | { readonly kind: 'pcapng' };

/** What a file is that begins so; `head` is shorter than CAPTURE_HEAD_OCTETS where the file ends. Throws NoCaptureError. */
function captureFormat(head: Uint8Array): CaptureFormat {
  if (head.length === 0) throw new NoCaptureError('the file is empty', 0);
  const format = head.length < 4 ? undefined : formatOfMagic(head);
  if (format === undefined) throw new NoCaptureError('neither pcap nor pcapng', 0);
  if (head.length < CAPTURE_HEAD_OCTETS) {
    const reason = `the file ends after ${head.length} octets, in its ${format.kind} header`;
    throw new NoCaptureError(reason, head.length);
  }
  if (format.kind === 'pcapng' && sectionOrder(head, 8) === undefined)
    throw new NoCaptureError(NO_BYTE_ORDER, 0);
  if (format.kind === 'pcap') mustBeRead(head, format.little);
  return format;
}

/** Another major version has records of another form. */
function mustBeRead(head: Uint8Array, little: boolean): void {
  const [major, minor] = [4, 6].map((at) => view(head).getUint16(at, little));
  if (major !== PCAP_MAJOR_VERSION)
    throw new NoCaptureError(`pcap of version ${major}.${minor}; ${PCAP_MAJOR_VERSION}.x is read`, 4);
}

/** The link type of all frames of a pcap file that begins so; undefined: a pcapng, whose interfaces have one each. Throws NoCaptureError. */
export function linkTypeOf(head: Uint8Array): number | undefined {
  const format = captureFormat(head);
  return format.kind === 'pcap' ? view(head).getUint32(20, format.little) & 0xffff : undefined;
}

function formatOfMagic(head: Uint8Array): CaptureFormat | undefined {
  const big = view(head).getUint32(0);
  const little = view(head).getUint32(0, true);
  if (big === BLOCK_SECTION_HEADER) return { kind: 'pcapng' };
  for (const [value, isLittle] of [
    [big, false],
    [little, true],
  ] as const) {
    if (value === PCAP_MAGIC_MICROSECONDS) return { kind: 'pcap', little: isLittle, unitNs: 1000n };
    if (value === PCAP_MAGIC_NANOSECONDS) return { kind: 'pcap', little: isLittle, unitNs: 1n };
  }
  return undefined;
}

const NO_BYTE_ORDER = 'a section without byte order mark';

/** Of a section's numbers, by its mark at `offset`; undefined: it has none. */
function sectionOrder(octets: Uint8Array, offset: number): 'little' | 'big' | undefined {
  if (view(octets).getUint32(offset, true) === BYTE_ORDER_MAGIC) return 'little';
  return view(octets).getUint32(offset) === BYTE_ORDER_MAGIC ? 'big' : undefined;
}

async function* readRecords(reader: ChunkReader): AsyncGenerator<CaptureRecord> {
  const head = await reader.peek(CAPTURE_HEAD_OCTETS);
  const format = captureFormat(head);
  if (format.kind === 'pcapng') yield* readPcapng(reader);
  else yield* readPcap(reader, linkTypeOf(head)!, format.little, format.unitNs);
}

async function* readPcap(
  reader: ChunkReader,
  linkType: number,
  little: boolean,
  unitNs: bigint,
): AsyncGenerator<CaptureRecord> {
  await reader.need(PCAP_HEADER_OCTETS);
  for (;;) {
    const start = reader.offset;
    const octets = await reader.read(PCAP_RECORD_OCTETS);
    if (octets === undefined) return;
    const record = view(octets);
    const capturedOctets = record.getUint32(8, little);
    if (capturedOctets > CAPTURED_OCTETS_MAX) {
      throw new CaptureError(`a record of ${capturedOctets} octets: the file is damaged`, start);
    }
    yield {
      timestampNs:
        BigInt(record.getUint32(0, little)) * NANOSECONDS + BigInt(record.getUint32(4, little)) * unitNs,
      originalOctets: record.getUint32(12, little),
      frame: await reader.need(capturedOctets),
      linkType,
      interfaceIndex: 0,
    };
  }
}

interface Interface {
  readonly linkType: number;
  readonly snapOctets: number;
  readonly name?: string;
  /** Time stamps count in units of 1/perSecond. */
  readonly perSecond: bigint;
  readonly offsetSeconds: bigint;
}

async function* readPcapng(reader: ChunkReader): AsyncGenerator<CaptureRecord> {
  let little = true;
  let interfaces: Interface[] = [];
  let nameOctets = 0;
  let typeOctets = await reader.read(4);
  while (typeOctets !== undefined) {
    const start = reader.offset - 4;
    const lengthOctets = await reader.need(4);

    if (view(typeOctets).getUint32(0) === BLOCK_SECTION_HEADER) {
      const order = sectionOrder(await reader.need(4), 0);
      if (order === undefined) throw new CaptureError(NO_BYTE_ORDER, start);
      little = order === 'little';
      interfaces = [];
      nameOctets = 0;
      const length = blockLength(lengthOctets, little, 28, start);
      const rest = await reader.need(length - 12);
      checkTrailingLength(rest, length, little, start);
      const version = view(rest).getUint16(0, little);
      if (version !== SECTION_MAJOR_VERSION) {
        throw new CaptureError(`a section of pcapng version ${version}; only 1 is known`, start);
      }
    } else {
      const type = view(typeOctets).getUint32(0, little);
      const length = blockLength(lengthOctets, little, 12, start);
      const body = await reader.need(length - 8);
      checkTrailingLength(body, length, little, start);
      const data = body.subarray(0, body.length - 4);
      if (type === BLOCK_INTERFACE) {
        if (interfaces.length === INTERFACES_MAX) {
          throw new CaptureError(`more than ${INTERFACES_MAX} interfaces in a section`, start);
        }
        const described = parseInterface(data, little, start);
        nameOctets += described.name?.length ?? 0;
        if (nameOctets > INTERFACE_NAMES_CHARACTERS_MAX) {
          throw new CaptureError(
            `names of interfaces of more than ${INTERFACE_NAMES_CHARACTERS_MAX} characters in a section`,
            start,
          );
        }
        interfaces.push(described);
      } else {
        const record = parsePacketBlock(type, data, little, interfaces, start);
        if (record !== undefined) yield record;
      }
    }
    typeOctets = await reader.read(4);
  }
}

function blockLength(octets: Uint8Array, little: boolean, minimum: number, start: number): number {
  const length = view(octets).getUint32(0, little);
  if (length < minimum || length % 4 !== 0 || length > BLOCK_OCTETS_MAX) {
    throw new CaptureError(`a block of ${length} octets: the file is damaged`, start);
  }
  return length;
}

/** A block's length stands at its end again. */
function checkTrailingLength(rest: Uint8Array, length: number, little: boolean, start: number): void {
  const trailing = view(rest).getUint32(rest.length - 4, little);
  if (trailing !== length) {
    throw new CaptureError(`a block with two lengths, ${length} and ${trailing}: the file is damaged`, start);
  }
}

/** A block's options, up to the end mark or the block's end; values are views. */
function* readOptions(data: Uint8Array, little: boolean): Generator<{ code: number; value: Uint8Array }> {
  const fields = view(data);
  for (let at = 0; at + 4 <= data.length; ) {
    const code = fields.getUint16(at, little);
    const lengthOctets = fields.getUint16(at + 2, little);
    if (code === OPTION_END) return;
    yield { code, value: data.subarray(at + 4, at + 4 + lengthOctets) };
    at += 4 + padded(lengthOctets);
  }
}

function parseInterface(data: Uint8Array, little: boolean, start: number): Interface {
  if (data.length < 8) throw new CaptureError('an interface description that is too short', start);
  const fields = view(data);
  let name: string | undefined;
  let perSecond = 1_000_000n;
  let offsetSeconds = 0n;
  for (const { code, value } of readOptions(data.subarray(8), little)) {
    if (code === OPTION_IF_NAME) name = new TextDecoder().decode(value);
    if (code === OPTION_IF_TIMESTAMP_RESOLUTION && value.length >= 1) {
      const exponent = BigInt(value[0]! & 0x7f);
      perSecond = (value[0]! & 0x80) === 0 ? 10n ** exponent : 1n << exponent;
    }
    if (code === OPTION_IF_TIMESTAMP_OFFSET && value.length >= 8) {
      offsetSeconds = view(value).getBigInt64(0, little);
    }
  }
  return {
    linkType: fields.getUint16(0, little),
    snapOctets: fields.getUint32(4, little),
    ...(name === undefined ? {} : { name }),
    perSecond,
    offsetSeconds,
  };
}

function parsePacketBlock(
  type: number,
  data: Uint8Array,
  little: boolean,
  interfaces: readonly Interface[],
  start: number,
): CaptureRecord | undefined {
  const simple = type === BLOCK_SIMPLE_PACKET;
  const obsolete = type === BLOCK_PACKET_OBSOLETE;
  if (!simple && !obsolete && type !== BLOCK_ENHANCED_PACKET) return undefined;
  const headerOctets = simple ? 4 : 20;
  if (data.length < headerOctets) throw new CaptureError('a packet block that is too short', start);
  const fields = view(data);
  const interfaceIndex = simple ? 0 : obsolete ? fields.getUint16(0, little) : fields.getUint32(0, little);
  const from = interfaces[interfaceIndex];
  if (from === undefined) throw new CaptureError(`interface ${interfaceIndex} has not been described`, start);
  const originalOctets = fields.getUint32(simple ? 0 : 16, little);
  const snapOctets = from.snapOctets === 0 ? originalOctets : Math.min(originalOctets, from.snapOctets);
  const capturedOctets = simple ? snapOctets : fields.getUint32(12, little);
  if (headerOctets + capturedOctets > data.length || capturedOctets > CAPTURED_OCTETS_MAX) {
    throw new CaptureError(`a packet of ${capturedOctets} octets in a smaller block`, start);
  }
  const units = simple
    ? 0n
    : (BigInt(fields.getUint32(4, little)) << 32n) | BigInt(fields.getUint32(8, little));
  const options = simple ? [] : readOptions(data.subarray(headerOctets + padded(capturedOctets)), little);
  const comments: string[] = [];
  for (const { code, value } of options) {
    if (code !== OPTION_COMMENT) continue;
    if (comments.length === COMMENTS_MAX) {
      throw new CaptureError(`more than ${COMMENTS_MAX} comments on a packet`, start);
    }
    comments.push(COMMENT_DECODER.decode(value));
  }
  return {
    timestampNs: simple ? 0n : (units * NANOSECONDS) / from.perSecond + from.offsetSeconds * NANOSECONDS,
    originalOctets,
    frame: data.slice(headerOctets, headerOctets + capturedOctets),
    linkType: from.linkType,
    interfaceIndex,
    ...(from.name === undefined ? {} : { interfaceName: from.name }),
    ...(comments.length === 0 ? {} : { comments }),
  };
}

/** Snap length that the writers announce when none is given. */
export const SNAP_OCTETS_DEFAULT = 65_535;
/** Shortest snap length to choose: an Ethernet header, without which a frame is nothing. */
export const SNAP_OCTETS_MIN = 14;

/** Unit of a pcap file's time stamps. */
export type PcapResolution = 'microseconds' | 'nanoseconds';

/** The file header of a little-endian pcap of Ethernet frames. */
export function pcapHeader(
  snapOctets = SNAP_OCTETS_DEFAULT,
  resolution: PcapResolution = 'microseconds',
): Uint8Array {
  const octets = new Uint8Array(PCAP_HEADER_OCTETS);
  const fields = view(octets);
  fields.setUint32(0, resolution === 'microseconds' ? PCAP_MAGIC_MICROSECONDS : PCAP_MAGIC_NANOSECONDS, true);
  fields.setUint16(4, 2, true);
  fields.setUint16(6, 4, true);
  fields.setUint32(16, snapOctets, true);
  fields.setUint32(20, LINK_TYPE_ETHERNET, true);
  return octets;
}

/** One record of such a file, of the resolution that its header names. Time stamps are rounded down to it. */
export function pcapRecord(
  timestampNs: bigint,
  frame: Uint8Array,
  originalOctets = frame.length,
  resolution: PcapResolution = 'microseconds',
): Uint8Array {
  const octets = new Uint8Array(PCAP_RECORD_OCTETS + frame.length);
  const fields = view(octets);
  fields.setUint32(0, Number(BigInt.asUintN(32, timestampNs / NANOSECONDS)), true);
  fields.setUint32(
    4,
    Number((timestampNs % NANOSECONDS) / (resolution === 'microseconds' ? 1000n : 1n)),
    true,
  );
  fields.setUint32(8, frame.length, true);
  fields.setUint32(12, originalOctets, true);
  octets.set(frame, PCAP_RECORD_OCTETS);
  return octets;
}
