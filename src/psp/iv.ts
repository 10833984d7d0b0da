/**
 * Initialization vectors: 64-bit numbers that strictly increase over all packets of a device, and so within each SA.
 * Hardware counts picoseconds; so do we, and add one where the clock has not moved on.
 */

const WORD = 0x1_0000_0000;

/** There is no IV left that was not used; nothing may be encrypted any more. */
export class IvExhaustedError extends Error {
  override readonly name = 'IvExhaustedError';
  constructor() {
    super('the 64-bit IV has run out; keys must be replaced before anything more can be encrypted');
  }
}

export class IvSource {
  readonly #nowPicoseconds: () => bigint;
  #high = 0;
  #low = 0;

  /** @param nowPicoseconds the clock; it may stand still or go back, IVs do not */
  constructor(nowPicoseconds: () => bigint) {
    this.#nowPicoseconds = nowPicoseconds;
  }

  /** Moves on to the clock's time, when that is ahead. Once per burst: reading a clock is dearer than counting. */
  refresh(): void {
    const now = BigInt.asUintN(64, this.#nowPicoseconds());
    const high = Number(now >> 32n);
    const low = Number(now & 0xffff_ffffn);
    if (high > this.#high || (high === this.#high && low > this.#low)) {
      this.#high = high;
      this.#low = low;
    }
  }

  /** Writes the next IV, 8 octets in network order, to `octets` at `offset`. Throws IvExhaustedError at the end. */
  next(octets: Uint8Array, offset: number): void {
    let low = this.#low + 1;
    let high = this.#high;
    if (low === WORD) {
      low = 0;
      high += 1;
      if (high === WORD) throw new IvExhaustedError();
    }
    this.#low = low;
    this.#high = high;
    octets[offset] = high >>> 24;
    octets[offset + 1] = high >>> 16;
    octets[offset + 2] = high >>> 8;
    octets[offset + 3] = high;
    octets[offset + 4] = low >>> 24;
    octets[offset + 5] = low >>> 16;
    octets[offset + 6] = low >>> 8;
    octets[offset + 7] = low;
  }
}
