/**
 * What is known of keys by the million, by 53 bits of each: whether a device made it, and which incarnation of a gateway
 * encrypts with it. Typed arrays, since a Map of such numbers costs a run a good part of its time.
 */
import { enlarged } from '../base/enlarged.js';
import { HASH_INDEX_SLOTS_MAX, HashIndex, LOAD_MAX_LOOSE } from '../base/hash-index.js';

const CAPACITY_FIRST = 1 << 12;

export class KnownKeys {
  #size = 0;
  /** By slot. */
  #keys = new Float64Array(CAPACITY_FIRST);
  #made = new Uint8Array(CAPACITY_FIRST);
  #users = new Uint32Array(CAPACITY_FIRST);
  readonly #index = new HashIndex(HASH_INDEX_SLOTS_MAX, (slot) => hashOf(this.#keys[slot]!), LOAD_MAX_LOOSE);

  /** Notes that a device made the key; gives whether one had made it before. @param key 0 to 2^53 - 1 */
  make(key: number): boolean {
    const slot = this.#slotOf(key);
    const before = this.#made[slot] === 1;
    this.#made[slot] = 1;
    return before;
  }

  /** Whether a device made it. */
  isMade(key: number): boolean {
    return this.#made[this.#slotOf(key)] === 1;
  }

  /** Notes who encrypts with the key; gives who did before, 0 for nobody. @param user from 1 */
  use(key: number, user: number): number {
    const slot = this.#slotOf(key);
    const before = this.#users[slot]!;
    this.#users[slot] = user;
    return before;
  }

  /** The key's slot, a new one for a new key. */
  #slotOf(key: number): number {
    const index = this.#index;
    const hash = hashOf(key);
    for (let slot = index.first(hash); slot >= 0; slot = index.next(hash)) {
      if (this.#keys[slot] === key) return slot;
    }
    const slot = this.#size++;
    this.#keys = enlarged(this.#keys, this.#size);
    this.#made = enlarged(this.#made, this.#size);
    this.#users = enlarged(this.#users, this.#size);
    this.#keys[slot] = key;
    index.add(slot, hash);
    return slot;
  }
}

function hashOf(key: number): number {
  const hash = Math.imul((key >>> 0) ^ (key / 2 ** 32), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
