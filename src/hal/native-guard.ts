/** Protection of the keys in a process that only native code can give. Both addons contain it (native/guard). */

/** A method that returns a text returns what failed, or an empty text when it succeeded. */
export interface NativeGuard {
  /** Makes the allocator overwrite memory when it is freed, by libraries too. */
  overwriteFreedMemory(): void;
  forbidDumps(): string;
  /** Keeps the pages of a buffer out of swap and out of core dumps. */
  lock(octets: Uint8Array): string;
  /** Overwrites the unused part of the stack, where former calls have left data. */
  burnStack(): void;
  /** Overwrites the small blocks of memory that this thread has freed and that the allocator keeps for it unchanged. */
  burnFreedBlocks(): void;
}
