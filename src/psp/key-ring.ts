/** Keys by receiver, SPI and version, as whoever looks at other people's packets needs them. */
import type { Association } from './decapsulate.js';
import type { SaKey } from './keys-file.js';

export class KeyRing {
  readonly #keys = new Map<string, SaKey[]>();

  constructor(keys: Iterable<SaKey>) {
    for (const key of keys) {
      for (const receiver of key.receivers ?? ['any']) {
        const place = `${receiver} ${key.spi} ${key.version}`;
        const list = this.#keys.get(place);
        if (list === undefined) this.#keys.set(place, [key]);
        else list.push(key);
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
