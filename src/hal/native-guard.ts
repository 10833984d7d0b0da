/** What native code can do for the keys in a process; both addons carry it (native/guard). */

/** What returns a text returns what could not be had; empty: it is done. */
export interface NativeGuard {
  /** From now on the allocator overwrites what is freed, by libraries as well. */
  overwriteFreedMemory(): void;
  forbidDumps(): string;
  /** Keeps the pages of a buffer out of swap and dumps. */
  lock(octets: Uint8Array): string;
  /** Overwrites what calls have left on the stack. */
  burnStack(): void;
}
