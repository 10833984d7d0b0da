/**
 * Key slots (crypto_id) of the device: numbers 1 to `count`, handed out and taken back. A freed slot waits behind
 * all others before it is used again.
 */
export class KeySlots {
  readonly #count: number;
  readonly #freed: number[] = [];
  #next = 1;
  #head = 0;
  #used = 0;

  constructor(count: number) {
    this.#count = count;
  }

  get used(): number {
    return this.#used;
  }

  get free(): number {
    return this.#count - this.#used;
  }

  /** A slot, or undefined when all are taken. */
  take(): number | undefined {
    if (this.#used === this.#count) return undefined;
    this.#used++;
    if (this.#next <= this.#count) return this.#next++;
    const slot = this.#freed[this.#head++]!;
    if (this.#head > 1024 && this.#head * 2 > this.#freed.length) {
      this.#freed.splice(0, this.#head);
      this.#head = 0;
    }
    return slot;
  }

  /** Takes back a slot that `take` gave. */
  release(slot: number): void {
    this.#used--;
    this.#freed.push(slot);
  }
}
