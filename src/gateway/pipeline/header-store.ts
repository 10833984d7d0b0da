/**
 * The outer headers of all sessions in one slab, by key slot: what an entry has, to go back to when a re-key fails half
 * way. One array each would cost several times the header's own size.
 */
import { enlarged } from '../../base/enlarged.js';

export class HeaderStore {
  #octets = new Uint8Array(0);
  #lengthOctets = 0;

  /** Keeps the header of a slot. All headers of a gateway are equally long. */
  set(slot: number, header: Uint8Array): void {
    this.#lengthOctets = header.length;
    this.#octets = enlarged(this.#octets, (slot + 1) * header.length);
    this.#octets.set(header, slot * header.length);
  }

  /** The header of a slot that was set; a view that the next `set` may replace. */
  get(slot: number): Uint8Array {
    return this.#octets.subarray(slot * this.#lengthOctets, (slot + 1) * this.#lengthOctets);
  }
}
