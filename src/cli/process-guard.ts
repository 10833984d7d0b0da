/**
 * What keeps keys in the process: no core dumps, nobody but root looks into its memory, and nothing that was freed keeps what
 * stood there. Most of it is for native code (native/guard), which both addons carry; a simulator without any has the rest.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { NativeGuard } from '../hal/native-guard.js';
import { BUILD_COMMAND } from '../hal/native-parts.js';
import { loadAddon } from '../hal-doca/native.js';
import { loadPortsAddon, portsAddonIsThere } from '../hal-sim/ports/ports-addon.js';

export interface ProcessGuardOptions {
  /** undefined: no native part is there. */
  readonly native: NativeGuard | undefined;
  readonly allowCoreDumps: boolean;
  /** Hears of what cannot be had; the gateway goes on without. */
  readonly onProblem: (problem: string) => void;
}

export class ProcessGuard {
  readonly #collect: () => void;
  #toldOfLocks = false;

  constructor(private readonly options: ProcessGuardOptions) {
    const { native, onProblem } = options;
    // Small Buffers would share memory, and each would keep all that stood there.
    Buffer.poolSize = 0;
    // Buffers of up to 64 octets are in JavaScript's own heap: V8 clears there what it has collected.
    setFlagsFromString('--clear-free-memory');
    // Otherwise other threads free Buffers, and keep small ones in caches of their own that `forget` does not reach.
    setFlagsFromString('--no-concurrent-array-buffer-sweeping');
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
    if (native === undefined) {
      onProblem(
        `keys may be in core dumps, in swap and in freed memory: the native parts are not there (${BUILD_COMMAND})`,
      );
      return;
    }
    native.overwriteFreedMemory();
  }

  /** Once the device is open, which may look at /proc/self. */
  forbidDumps(): void {
    const { native, allowCoreDumps, onProblem } = this.options;
    const problem = allowCoreDumps ? '' : (native?.forbidDumps() ?? '');
    if (problem !== '') onProblem(`core dumps could not be forbidden: ${problem}`);
  }

  /** Memory that will hold keys. One that cannot be locked is used all the same. */
  lock(octets: Uint8Array): void {
    const { native, onProblem } = this.options;
    const problem = native?.lock(octets) ?? '';
    if (problem === '' || this.#toldOfLocks) return;
    this.#toldOfLocks = true;
    onProblem(`memory with keys may be swapped out: ${problem} (RLIMIT_MEMLOCK)`);
  }

  /** Keys have died: gives up what nobody refers to any more, and overwrites it. Some milliseconds. */
  forget(): void {
    this.#collect();
    this.options.native?.burnFreedBlocks();
    this.options.native?.burnStack();
  }
}

/** The guard of the addon that the device needs anyway, or that the simulator may have. */
export function nativeGuard(hal: 'sim' | 'doca'): NativeGuard | undefined {
  try {
    if (hal === 'doca') return loadAddon().guard;
    return portsAddonIsThere() ? loadPortsAddon().guard : undefined;
  } catch {
    // The caller that needs the addon says why it cannot be loaded.
    return undefined;
  }
}
