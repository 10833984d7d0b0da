/** Which key slots have keys, as far as calls have ended: what a device tells nobody. */
import { enlarged } from '../base/enlarged.js';
import type { HalError } from './errors.js';
import type { KeySlot } from './hal.js';

export class KeyLengths {
  /** By crypto_id; 0: none. */
  private octets = new Uint8Array(0);

  /** `results` of setting these slots. */
  set(slots: readonly KeySlot[], results: readonly (HalError | null)[]): void {
    for (let i = 0; i < slots.length; i++) {
      if (results[i] !== null) continue;
      const { cryptoId, key } = slots[i]!;
      this.octets = enlarged(this.octets, cryptoId + 1);
      this.octets[cryptoId] = key.length;
    }
  }

  clear(cryptoIds: readonly number[]): void {
    for (const cryptoId of cryptoIds) if (cryptoId < this.octets.length) this.octets[cryptoId] = 0;
  }

  /** Octets of the key in a slot; 0: it has none. */
  of(cryptoId: number): number {
    return this.octets[cryptoId] ?? 0;
  }
}
