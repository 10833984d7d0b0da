/**
 * What is known of keys by the million, by 53 bits of each: whether a device made it, and which incarnation of a gateway
 * encrypts with it. A hash table over typed arrays, since a Map of such numbers costs a run a good part of its time.
 */

const CAPACITY_FIRST = 1 << 12;
/** Share of the slots that may be taken. */
const LOAD_MAX = 0.5;

export class KnownKeys {
  #size = 0;
  /** Key plus one; 0 is empty. */
  #keys = new Float64Array(CAPACITY_FIRST);
  #made = new Uint8Array(CAPACITY_FIRST);
  #users = new Uint32Array(CAPACITY_FIRST);

  /** Notes that a device made the key; gives whether one had made it before. @param key 0 to 2^53 - 2 */
  make(key: number): boolean {
    const slot = this.#slotOf(key);
    const before = this.#made[slot] === 1;
    this.#made[slot] = 1;
    return before;
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
    let slot = this.#find(key);
    if (this.#keys[slot] !== 0) return slot;
    if (this.#size + 1 > this.#keys.length * LOAD_MAX) {
      this.#grow();
      slot = this.#find(key);
    }
    this.#size++;
    this.#keys[slot] = key + 1;
    return slot;
  }

  #find(key: number): number {
    const mask = this.#keys.length - 1;
    const low = key >>> 0;
    let slot = Math.imul(low ^ (key / 2 ** 32), 0x9e3779b1) >>> 7;
    for (slot &= mask; this.#keys[slot] !== 0 && this.#keys[slot] !== key + 1; slot = (slot + 1) & mask);
    return slot;
  }

  #grow(): void {
    const [keys, made, users] = [this.#keys, this.#made, this.#users];
    this.#keys = new Float64Array(2 * keys.length);
    this.#made = new Uint8Array(2 * keys.length);
    this.#users = new Uint32Array(2 * keys.length);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === 0) continue;
      const slot = this.#find(keys[i]! - 1);
      this.#keys[slot] = keys[i]!;
      this.#made[slot] = made[i]!;
      this.#users[slot] = users[i]!;
    }
  }
}
