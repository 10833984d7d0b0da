/**
 * Initialization vectors: 64-bit numbers, each one more than the one before, over all packets of a device whatever their key,
 * from a random number on. No clock is involved, so that none can run out, stand still, or be set back or far ahead.
 *
 * What that gives, and where it ends:
 *
 * - While a device is open no IV comes twice, under any key: not when a key is set again, nor in two slots.
 * - It has at least 2^63 IVs: at 10^9 packets a second, 292 years.
 * - Between two devices, or two lives of one, that are given the same key, starts are far apart by chance alone: of two that send
 *   n packets each, IVs meet with a probability of n / 2^62, whatever clocks do. A gateway never gets there: each
 *   exchange brings a fresh key, and none outlives the process that received it.
 *
 * Hardware counts picoseconds in their place, from which IVs wrap after 213 days (PSP Architecture Specification).
 */

const WORD = 0x1_0000_0000;
const IV_OCTETS = 8;

/** There is no IV left that was not used; nothing may be encrypted any more. */
export class IvExhaustedError extends Error {
  override readonly name = 'IvExhaustedError';
  constructor() {
    super('the 64-bit IV has run out; nothing more can be encrypted by this device');
  }
}

/** The first IV of a device: a random number below 2^63, so that at least 2^63 IVs follow it. */
export function randomFirstIv(fillRandom: (octets: Uint8Array) => void): bigint {
  const octets = new Uint8Array(IV_OCTETS);
  fillRandom(octets);
  return new DataView(octets.buffer).getBigUint64(0) >> 1n;
}

/** IVs that are counted, each once. */
export class IvSource {
  // The next IV. Two numbers: a bigint for each packet would be garbage for each packet.
  #high: number;
  #low: number;

  /** @param first the first IV, from 0 to 2^64 - 1 */
  constructor(first: bigint) {
    this.#high = Number(first >> 32n);
    this.#low = Number(first & 0xffff_ffffn);
  }

  /** Writes the next IV, 8 octets in network order, to `octets` at `offset`. Throws IvExhaustedError at the end. */
  next(octets: Uint8Array, offset: number): void {
    const high = this.#high;
    const low = this.#low;
    if (high === WORD) throw new IvExhaustedError();
    octets[offset] = high >>> 24;
    octets[offset + 1] = high >>> 16;
    octets[offset + 2] = high >>> 8;
    octets[offset + 3] = high;
    octets[offset + 4] = low >>> 24;
    octets[offset + 5] = low >>> 16;
    octets[offset + 6] = low >>> 8;
    octets[offset + 7] = low;
    if (low + 1 < WORD) {
      this.#low = low + 1;
    } else {
      this.#low = 0;
      this.#high = high + 1;
    }
  }
}
