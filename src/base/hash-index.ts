/**
 * An open-addressing hash table with linear probing and backward-shift deletion, which keeps no keys: it finds slots, the numbers
 * under which its owner keeps keys, by the hashes of these keys, and the owner compares:
 *
 *     for (let slot = index.first(hash); slot >= 0; slot = index.next(hash)) if (hasKey(slot)) return slot;
 *
 * A place is one 32-bit integer: a slot and, in the bits that are left, a part of its hash, which spares most looks at other keys.
 * Nothing changes between `first` and the last `next`. It knows nothing of what it is given twice: the owner adds a slot once.
 */

/** Most slots that an index may have: four bits of a place are for the hash at least. */
export const HASH_INDEX_SLOTS_MAX = 2 ** 28 - 1;
const PLACES_START = 32;
/** Places in use per place, at most. Dense: the index of 100,000 slots still fits a core's cache. */
const LOAD_MAX_DENSE = 0.8;
/** For an index that is quicker to add to and to remove from, and takes more memory: 8 to 16 octets a slot, where a dense one takes 5 to 10. */
export const LOAD_MAX_LOOSE = 0.5;

export class HashIndex {
  /** A slot plus one in the low bits, bits of its hash above; 0: a free place. At its hash, or behind it without a gap. */
  private places = new Int32Array(PLACES_START);
  private placeMask = PLACES_START - 1;
  private readonly slotMask: number;
  private count = 0;
  /** Where the last slot was found. */
  private place = 0;

  /**
   * @param slotsMax slots are 0 to slotsMax - 1; at most HASH_INDEX_SLOTS_MAX, RangeError otherwise
   * @param hashOf the hash of the key that a slot has: 32 bits, with or without a sign, of which low ones and high ones are used. It is
   * asked when the table grows, and of slots that stand behind a removed one
   * @param loadMax the part of the places that may be in use, below 1; between half of it and all of it is, once the table has grown
   */
  constructor(
    slotsMax: number,
    private readonly hashOf: (slot: number) => number,
    private readonly loadMax: number = LOAD_MAX_DENSE,
  ) {
    if (slotsMax > HASH_INDEX_SLOTS_MAX) {
      throw new RangeError(`an index of ${slotsMax} slots; at most ${HASH_INDEX_SLOTS_MAX}`);
    }
    this.slotMask = 2 ** (32 - Math.clz32(slotsMax)) - 1;
  }

  /** The first slot whose key may have this hash; -1: there is none. */
  first(hash: number): number {
    return this.probe(hash, hash & this.placeMask);
  }

  /** The slot after the one that `first` or `next` has returned for this hash; -1: there is none. */
  next(hash: number): number {
    return this.probe(hash, (this.place + 1) & this.placeMask);
  }

  /** Adds a slot that is not in the table, whose key has this hash. */
  add(slot: number, hash: number): void {
    if (slot >= this.slotMask) throw new RangeError(`slot ${slot} of an index of fewer`);
    if (this.count + 1 > (this.placeMask + 1) * this.loadMax) this.grow();
    this.count++;
    this.put(slot, hash);
  }

  /** Removes a slot that is in the table, whose key has this hash. */
  remove(slot: number, hash: number): void {
    const { places, placeMask, slotMask } = this;
    let hole = hash & placeMask;
    while ((places[hole]! & slotMask) !== slot + 1) hole = (hole + 1) & placeMask;
    // Slots behind the hole move up, unless that would put them before the place of their hash.
    for (let at = (hole + 1) & placeMask; places[at] !== 0; at = (at + 1) & placeMask) {
      const home = this.hashOf((places[at]! & slotMask) - 1) & placeMask;
      if (((at - home) & placeMask) < ((at - hole) & placeMask)) continue;
      places[hole] = places[at]!;
      hole = at;
    }
    places[hole] = 0;
    this.count--;
  }

  /** Every slot in the table, in no order. The table must not change meanwhile. */
  *slots(): Generator<number> {
    for (const held of this.places) if (held !== 0) yield (held & this.slotMask) - 1;
  }

  clear(): void {
    this.places.fill(0);
    this.count = 0;
  }

  private probe(hash: number, from: number): number {
    const { places, placeMask, slotMask } = this;
    for (let place = from; ; place = (place + 1) & placeMask) {
      const held = places[place]!;
      if (held === 0) return -1;
      if (((held ^ hash) & ~slotMask) !== 0) continue;
      this.place = place;
      return (held & slotMask) - 1;
    }
  }

  private put(slot: number, hash: number): void {
    const { places, placeMask, slotMask } = this;
    let place = hash & placeMask;
    while (places[place] !== 0) place = (place + 1) & placeMask;
    places[place] = (hash & ~slotMask) | (slot + 1);
  }

  private grow(): void {
    const former = this.places;
    this.places = new Int32Array(2 * former.length);
    this.placeMask = this.places.length - 1;
    for (const held of former) {
      if (held === 0) continue;
      const slot = (held & this.slotMask) - 1;
      this.put(slot, this.hashOf(slot));
    }
  }
}
