/**
 * Memory for keys. A typed array of at most 64 octets stands in V8's own heap, where the garbage collector copies it about
 * and leaves what was there; one over an ArrayBuffer of its own stays where it is, so that to overwrite it is to have wiped it.
 */
export function secretOctets(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** A copy of a key, of the same kind. */
export function secretCopy(key: Uint8Array): Uint8Array {
  const copy = secretOctets(key.length);
  copy.set(key);
  return copy;
}

/** Copies what a cipher gave, and overwrites it. */
export function moveSecret(from: Uint8Array, to: Uint8Array, at: number): void {
  to.set(from, at);
  from.fill(0);
}
