/** Keeps the books of a device: which entries and key slots a gateway has installed and not taken away again. */
import type { EntryId, EntryOperation, KeySlot, PipeHal } from '../../src/hal/hal.js';

export class HalLedger {
  readonly #entries = new Map<EntryId, string>();
  readonly #slots = new Set<number>();

  /** The pipes of the entries that are there, one per entry. */
  get entries(): string[] {
    return [...this.#entries.values()];
  }

  get keySlots(): number[] {
    return [...this.#slots];
  }

  /** The same device, with every operation written down. */
  wrap(hal: PipeHal): PipeHal {
    return new Proxy(hal, {
      get: (target, name) => {
        if (name === 'apply')
          return (operations: readonly EntryOperation[]) => this.#apply(target, operations);
        if (name === 'setKeys') {
          return (slots: readonly KeySlot[]) => {
            for (const { cryptoId } of slots) this.#slots.add(cryptoId);
            return target.setKeys(slots);
          };
        }
        if (name === 'clearKeys') {
          return (cryptoIds: readonly number[]) => {
            for (const cryptoId of cryptoIds) this.#slots.delete(cryptoId);
            return target.clearKeys(cryptoIds);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async #apply(hal: PipeHal, operations: readonly EntryOperation[]) {
    const results = await hal.apply(operations);
    results.forEach((result, i) => {
      const operation = operations[i]!;
      if ('error' in result) return;
      if (operation.operation === 'add') this.#entries.set(result.id, operation.pipe);
      else if (operation.operation === 'remove') this.#entries.delete(operation.id);
    });
    return results;
  }
}
