/** Keys by receiver, SPI and version, as whoever looks at other people's packets needs them. */
import type { Association } from './decapsulate.js';
import { spiText } from './header.js';
import type { SaKey } from './keys-file.js';

/** Keys under one SPI of one receiver; each is tried on a packet until one fits. */
export const CANDIDATES_MAX = 1024;

/** Keys that cannot be used together. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
}

/** Keys of many associations, to find those that may open a frame. */
export class KeyRing {
  readonly #keys = new Map<string, SaKey[]>();

  /** Throws KeyRingError for more than CANDIDATES_MAX keys under one SPI of one receiver. */
  constructor(keys: Iterable<SaKey>) {
    for (const key of keys) {
      for (const receiver of key.receivers ?? ['any']) {
        const place = `${receiver} ${key.spi} ${key.version}`;
        const list = this.#keys.get(place);
        if (list === undefined) this.#keys.set(place, [key]);
        else if (list.length < CANDIDATES_MAX) list.push(key);
        else {
          const whose = `SPI ${spiText(key.spi)} of receiver ${receiver}`;
          throw new KeyRingError(`more than ${CANDIDATES_MAX} keys for ${whose}; keep those of one run`);
        }
      }
    }
  }

  /** The receiver's own keys in the order of the file, then those for any receiver. */
  find({ receiver, spi, version }: Association): readonly SaKey[] {
    const own = this.#keys.get(`${receiver} ${spi} ${version}`) ?? [];
    const any = this.#keys.get(`any ${spi} ${version}`);
    return any === undefined ? own : [...own, ...any];
  }
}
