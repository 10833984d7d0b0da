/**
 * The PSP header (PSP Architecture Specification, "PSP Header Format"): 16 octets, an optional virtualization
 * cookie, and opaque extension fields where Hdr Ext Len says so. The ICV follows the payload.
 */

export const PSP_UDP_PORT = 1000;
/** A header without cookie and extension fields. */
export const PSP_HEADER_OCTETS = 16;
export const PSP_COOKIE_OCTETS = 8;
/** The integrity check value behind the payload. */
export const PSP_ICV_OCTETS = 16;
/** GCM nonce: SPI, then IV. */
export const PSP_NONCE_OCTETS = 12;
/** Hdr Ext Len counts units of 8 octets and leaves out the first 8. */
export const PSP_EXT_LEN_UNIT_OCTETS = 8;
export const CRYPT_OFFSET_UNIT_OCTETS = 4;
/** Crypt Offset is 6 bits wide. */
export const CRYPT_OFFSET_WORDS_MAX = 63;
export const PSP_VERSION_MAX = 3;

/** Offsets of the fields, from the header's first octet. */
export const PSP_NEXT_HEADER = 0;
export const PSP_EXT_LEN = 1;
export const PSP_CRYPT_OFFSET = 2;
export const PSP_FLAGS = 3;
export const PSP_SPI = 4;
export const PSP_IV = 8;
export const PSP_COOKIE = 16;
/** Words of four octets, counted from 1: where the sixth begins, and where the ninth ends. */
export const PSP_WORD_6 = 20;
export const PSP_WORD_9_END = 36;

/** Bits of the flags octet. */
export const FLAG_S = 0x80;
export const FLAG_D = 0x40;
export const VERSION_SHIFT = 2;
export const VERSION_MASK = 0x3c;
export const FLAG_V = 0x02;
export const FLAG_ONE = 0x01;

export const SPI_LOW_MASK = 0x7fffffff;

/** Next Header values of tunnel mode (IANA protocol numbers). */
export const NEXT_HEADER_IPV4 = 4;
export const NEXT_HEADER_IPV6 = 41;

/** See algorithmName. */
export type PspVersion = 0 | 1 | 2 | 3;

/** An SPI as people and files write it: 0x and eight hex digits. */
export function spiText(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}

const ALGORITHMS = ['AES-GCM-128', 'AES-GCM-256', 'AES-GMAC-128', 'AES-GMAC-256'] as const;

/** The name of a version's algorithm. */
export function algorithmName(version: PspVersion): string {
  return ALGORITHMS[version];
}

/** Octets of the key that a version uses. */
export function keyLengthOctets(version: PspVersion): 16 | 32 {
  return (version & 1) === 0 ? 16 : 32;
}

/** The version of a key length and an algorithm. */
export function versionOf(keyLengthOctets: 16 | 32, gmac: boolean): PspVersion {
  const longKey = keyLengthOctets === 32;
  if (gmac) return longKey ? 3 : 2;
  return longKey ? 1 : 0;
}

/** Whether a version is AES-GMAC, which authenticates without encrypting. */
export function isGmac(version: number): boolean {
  return version >= 2;
}

/** A PSP header; numbers are in host order. */
export interface PspHeader {
  readonly nextHeader: number;
  /** 0 to 63, in units of 4 octets from the end of the IV. */
  readonly cryptOffsetWords: number;
  /** The two reserved bits; zero on transmit. */
  readonly reserved?: number;
  readonly sample?: boolean;
  readonly drop?: boolean;
  readonly version: number;
  readonly spi: number;
  readonly iv: bigint;
  /** Present if and only if V is set. */
  readonly cookie?: bigint;
  /** Opaque extension fields after the cookie, a multiple of 8 octets. */
  readonly extension?: Uint8Array;
}

/** Octets of the header with cookie and extension fields, by its Hdr Ext Len. */
export function pspHeaderLengthOctets(octets: Uint8Array, offset: number): number {
  return (octets[offset + PSP_EXT_LEN]! + 1) * PSP_EXT_LEN_UNIT_OCTETS;
}

export function pspVersion(octets: Uint8Array, offset: number): number {
  return (octets[offset + PSP_FLAGS]! & VERSION_MASK) >>> VERSION_SHIFT;
}

/** The SPI as an unsigned number. */
export function pspSpi(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset + 4]! << 24) |
      (octets[offset + 5]! << 16) |
      (octets[offset + 6]! << 8) |
      octets[offset + 7]!) >>>
    0
  );
}

export function cryptOffsetWords(octets: Uint8Array, offset: number): number {
  return octets[offset + PSP_CRYPT_OFFSET]! & CRYPT_OFFSET_WORDS_MAX;
}

export function hasCookie(octets: Uint8Array, offset: number): boolean {
  return (octets[offset + PSP_FLAGS]! & FLAG_V) !== 0;
}

/**
 * Where the encrypted part begins, from the start of `octets`: 16 + 4 x crypt offset after the header's start; for
 * GMAC, where nothing is encrypted, `end`.
 */
export function encryptStart(octets: Uint8Array, offset: number, end: number): number {
  if (isGmac(pspVersion(octets, offset))) return end;
  return offset + PSP_HEADER_OCTETS + CRYPT_OFFSET_UNIT_OCTETS * cryptOffsetWords(octets, offset);
}

/**
 * Why a PSP datagram cannot be authenticated: too short for header and ICV; lengths that contradict each other; a
 * version or SPI that nobody may send.
 */
export type PspHeaderProblem = 'truncated' | 'error' | 'bad';

/**
 * Checks a received PSP datagram's framing, before any cryptography.
 *
 * @param offset the header's first octet
 * @param end the end of the UDP payload, ICV included
 */
export function checkPspHeader(
  octets: Uint8Array,
  offset: number,
  end: number,
): PspHeaderProblem | undefined {
  if (end - offset < PSP_HEADER_OCTETS + PSP_ICV_OCTETS) return 'truncated';
  if (pspVersion(octets, offset) > PSP_VERSION_MAX) return 'bad';
  if ((pspSpi(octets, offset) & SPI_LOW_MASK) === 0) return 'bad';
  return framingProblem(octets, offset, end - PSP_ICV_OCTETS);
}

/**
 * Whether header length, V bit and crypt offset fit a datagram whose payload ends at `payloadEnd` (ICV excluded);
 * the same rules bind a sender.
 */
export function framingProblem(octets: Uint8Array, offset: number, payloadEnd: number): 'error' | undefined {
  const headerOctets = pspHeaderLengthOctets(octets, offset);
  const needed = PSP_HEADER_OCTETS + (hasCookie(octets, offset) ? PSP_COOKIE_OCTETS : 0);
  if (headerOctets < needed || offset + headerOctets > payloadEnd) return 'error';
  if (encryptStart(octets, offset, payloadEnd) > payloadEnd) return 'error';
  return undefined;
}

/**
 * The header's fields. The caller has checked the framing (checkPspHeader), or holds a header of its own making.
 * Where the crypt offset leaves the cookie encrypted, `cookie` is what stands there.
 */
export function parsePspHeader(octets: Uint8Array, offset: number): PspHeader {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const flags = octets[offset + PSP_FLAGS]!;
  const withCookie = (flags & FLAG_V) !== 0;
  const extensionStart = offset + PSP_HEADER_OCTETS + (withCookie ? PSP_COOKIE_OCTETS : 0);
  const end = offset + pspHeaderLengthOctets(octets, offset);
  return {
    nextHeader: octets[offset + PSP_NEXT_HEADER]!,
    cryptOffsetWords: cryptOffsetWords(octets, offset),
    reserved: octets[offset + PSP_CRYPT_OFFSET]! >>> 6,
    sample: (flags & FLAG_S) !== 0,
    drop: (flags & FLAG_D) !== 0,
    version: pspVersion(octets, offset),
    spi: pspSpi(octets, offset),
    iv: view.getBigUint64(offset + PSP_IV),
    ...(withCookie ? { cookie: view.getBigUint64(offset + PSP_COOKIE) } : {}),
    ...(end > extensionStart ? { extension: octets.slice(extensionStart, end) } : {}),
  };
}

/** Octets that `header` takes on the wire, ICV not counted. */
export function builtHeaderLengthOctets(header: Pick<PspHeader, 'cookie' | 'extension'>): number {
  return (
    PSP_HEADER_OCTETS +
    (header.cookie === undefined ? 0 : PSP_COOKIE_OCTETS) +
    (header.extension === undefined ? 0 : header.extension.length)
  );
}

/** Writes the header at `offset`; returns its length in octets. Extension fields must be a multiple of 8 octets. */
export function writePspHeader(octets: Uint8Array, offset: number, header: PspHeader): number {
  const lengthOctets = builtHeaderLengthOctets(header);
  if (lengthOctets % PSP_EXT_LEN_UNIT_OCTETS !== 0) {
    throw new RangeError(`PSP extension fields of ${header.extension?.length} octets: not a multiple of 8`);
  }
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  octets[offset + PSP_NEXT_HEADER] = header.nextHeader;
  octets[offset + PSP_EXT_LEN] = lengthOctets / PSP_EXT_LEN_UNIT_OCTETS - 1;
  octets[offset + PSP_CRYPT_OFFSET] = ((header.reserved ?? 0) << 6) | header.cryptOffsetWords;
  octets[offset + PSP_FLAGS] =
    (header.sample === true ? FLAG_S : 0) |
    (header.drop === true ? FLAG_D : 0) |
    (header.version << VERSION_SHIFT) |
    (header.cookie === undefined ? 0 : FLAG_V) |
    FLAG_ONE;
  view.setUint32(offset + PSP_SPI, header.spi);
  view.setBigUint64(offset + PSP_IV, header.iv);
  if (header.cookie !== undefined) view.setBigUint64(offset + PSP_COOKIE, header.cookie);
  if (header.extension !== undefined) {
    octets.set(header.extension, offset + lengthOctets - header.extension.length);
  }
  return lengthOctets;
}
