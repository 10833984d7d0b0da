/**
 * Fixed-size records by slot number in one block of memory. All that belongs to an entry stands together, so that
 * a packet's look-up touches a line or two of cache however many entries there are.
 */
const SLOTS_START = 16;
/** Records begin at multiples of this, so that their words and counters are aligned. */
const ALIGNMENT_OCTETS = 16;
export const WORD_OCTETS = 4;

export class RecordSlab {
  readonly recordOctets: number;
  readonly recordWords: number;
  octets: Uint8Array;
  words: Uint32Array;
  doubles: Float64Array;

  /**
   * @param octets what a record must hold
   * @param protect is given memory before anything stands in it
   */
  constructor(
    octets: number,
    private readonly protect?: (octets: Uint8Array) => void,
  ) {
    this.recordOctets = Math.max(1, Math.ceil(octets / ALIGNMENT_OCTETS)) * ALIGNMENT_OCTETS;
    this.recordWords = this.recordOctets / WORD_OCTETS;
    this.octets = new Uint8Array(new ArrayBuffer(SLOTS_START * this.recordOctets));
    protect?.(this.octets);
    this.words = new Uint32Array(this.octets.buffer);
    this.doubles = new Float64Array(this.octets.buffer);
  }

  /** Makes room for `slot`. What was in the memory that is given up is overwritten. */
  reserve(slot: number): void {
    const needed = (slot + 1) * this.recordOctets;
    if (needed <= this.octets.length) return;
    const former = this.octets;
    this.octets = new Uint8Array(Math.max(former.length * 2, needed));
    this.protect?.(this.octets);
    this.octets.set(former);
    this.words = new Uint32Array(this.octets.buffer);
    this.doubles = new Float64Array(this.octets.buffer);
    former.fill(0);
  }

  clear(slot: number): void {
    this.octets.fill(0, slot * this.recordOctets, (slot + 1) * this.recordOctets);
  }

  /** Overwrites all records. */
  wipe(): void {
    this.octets.fill(0);
  }
}
