/** The keys of tunnels, kept for who may see them: with --debug-keys, and never else. */
import type { SaKey } from '../../psp/keys-file.js';

/** Keys that are kept; the oldest goes for the next one. */
export const DEBUG_KEYS_MAX = 4096;

export class DebugKeys {
  readonly #keys: SaKey[] = [];
  readonly #viewers = new Set<(key: SaKey) => void>();

  /** A key that was given out or received. It is copied. */
  add(spi: number, octets: Uint8Array): void {
    const key: SaKey = { spi, version: octets.length === 16 ? 0 : 1, key: new Uint8Array(octets) };
    if (this.#keys.length >= DEBUG_KEYS_MAX) this.#keys.shift()!.key.fill(0);
    this.#keys.push(key);
    for (const viewer of this.#viewers) viewer(key);
  }

  /** Shows all that are kept, and those to come until the function that it gives is called. Keys are lent for the call. */
  show(viewer: (key: SaKey) => void): () => void {
    for (const key of this.#keys) viewer(key);
    // Each has one of its own, even if somebody looks twice with the same function.
    const own = (key: SaKey) => viewer(key);
    this.#viewers.add(own);
    return () => this.#viewers.delete(own);
  }
}
