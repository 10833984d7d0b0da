/**
 * Callbacks on the abort of a signal, for what waits by the million. The platform links its listeners: one that was
 * removed, but has grown old, keeps all alive that came after it, with what they hold, until the next whole collection.
 */

/** A set of callbacks that are not linked to each other. */
export class Callbacks {
  readonly #slots: ((() => void) | undefined)[] = [];
  readonly #free: number[] = [];

  /** Returns a function that removes the callback again. */
  add(callback: () => void): () => void {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = callback;
    return () => {
      if (this.#slots[slot] !== callback) return;
      this.#slots[slot] = undefined;
      this.#free.push(slot);
    };
  }

  call(): void {
    for (const callback of this.#slots) callback?.();
  }
}

const known = new WeakMap<AbortSignal, Callbacks>();

/** Calls back once when the signal, which is not aborted yet, is aborted; until what it gives is called. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = known.get(signal);
  if (callbacks === undefined) {
    callbacks = new Callbacks();
    known.set(signal, callbacks);
    signal.addEventListener('abort', () => known.get(signal)?.call(), { once: true });
  }
  return callbacks.add(callback);
}
