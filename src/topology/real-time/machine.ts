/** What a run in real time needs of the machine, which the program gives: files, settings of the kernel, native parts. */
import { NativePartError, type SoftRelease } from '../../hal/native-parts.js';
import type { SimPort } from '../../hal-sim/port.js';
import { PacketPortError } from '../../hal-sim/ports/packet-socket.js';
import { type TapPort, TapPortError, type TapPortOptions } from '../../hal-sim/ports/tap.js';
import type { IpAddress } from '../../packet/address.js';

export interface Machine {
  /** Opens a TAP interface. Throws TapPortError or NativePartError. */
  openTap(options: Omit<TapPortOptions, 'addon'>): TapPort;
  /** The kernel's number of an interface that is there. */
  indexOf(interfaceName: string): number;
  /** Keeps the kernel from having its own say on an interface: no IPv6, no answers to ARP. */
  silence(interfaceName: string): void;
  /** An interface that is there, as a wire. Throws PacketPortError or NativePartError. */
  openInterface(name: string): SimPort;
  /**
   * Puts an interface into a network namespace, which it makes where there is none, under the name `vf0`, with these addresses and a way to
   * everybody by it. What it gives takes away a namespace that it has made. Rejects with StartError.
   */
  enterNamespace(
    interfaceName: string,
    namespace: string,
    addresses: readonly IpAddress[],
  ): Promise<{ close(): void }>;
  /** The text of a file; undefined while there is none. Throws what the file system throws. */
  readText(path: string, octetsMax: number): string | undefined;
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

/** Throws StartError, naming the node, for what the machine does not have or allow. */
export function orStartError<Result>(node: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof TapPortError || error instanceof PacketPortError)
      throw new StartError(`${node}: ${error.message}`);
    if (error instanceof NativePartError) throw new StartError(`${node}: ${error.reason}`);
    throw error;
  }
}
