/**
 * The action values of a pipe's entries, in two slabs: octets (headers) and words (crypto_id and the values of
 * `set`). One record per slot, as long as the largest of the pipe's action templates needs.
 */
const SLOTS_START = 16;

export class ValueStore {
  octets: Uint8Array;
  words: Uint32Array;

  constructor(
    readonly octetsPerSlot: number,
    readonly wordsPerSlot: number,
  ) {
    this.octets = new Uint8Array(SLOTS_START * octetsPerSlot);
    this.words = new Uint32Array(SLOTS_START * wordsPerSlot);
  }

  /** Makes room for `slot`. */
  reserve(slot: number): void {
    if ((slot + 1) * this.octetsPerSlot > this.octets.length) {
      const octets = new Uint8Array(Math.max(this.octets.length * 2, (slot + 1) * this.octetsPerSlot));
      octets.set(this.octets);
      this.octets = octets;
    }
    if ((slot + 1) * this.wordsPerSlot > this.words.length) {
      const words = new Uint32Array(Math.max(this.words.length * 2, (slot + 1) * this.wordsPerSlot));
      words.set(this.words);
      this.words = words;
    }
  }
}
