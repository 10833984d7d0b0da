/** What a run in real time needs of the machine, which the program gives: files, settings of the kernel, native parts. */
import type { SoftRelease } from '../../hal/native-parts.js';
import type { TapPort, TapPortOptions } from '../../hal-sim/ports/tap.js';

export interface Machine {
  /** Opens a TAP interface. Throws TapPortError or NativePartError. */
  openTap(options: Omit<TapPortOptions, 'addon'>): TapPort;
  /** The kernel's number of an interface that is there. */
  indexOf(interfaceName: string): number;
  /** Keeps the kernel from having its own say on an interface: no IPv6, no answers to ARP. */
  silence(interfaceName: string): void;
  /** The environment of a process over the software DOCA, whose mapping file has this text. */
  softDoca(release: SoftRelease, mapping: string): DocaEnvironment;
}

export interface DocaEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** Removes the files that they name. */
  close(): void;
}

/** A run could not be started, for a reason that is the machine's; it says what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
