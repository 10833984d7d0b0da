/** psp_ports.node (native/ports): what the kernel offers to ports and Node does not. */
import type { NativeGuard } from '../../hal/native-guard.js';
import { isNativePartThere, loadNativePart, namedFile, PORTS } from '../../hal/native-parts.js';

export interface PortsAddon {
  /** Opens the TAP interface of that name. Throws, naming it and what to do, when the kernel refuses. */
  readonly Tap: new (
    name: string,
  ) => NativeTap;
  /** Lets a UDP socket over IPv6 take datagrams without a checksum. Throws when the kernel refuses. */
  acceptZeroChecksum(fileDescriptor: number): void;
  /** native/guard; absent in older builds. */
  readonly guard?: NativeGuard;
}

/** A TAP interface. After `close` everything but `close` throws. */
export interface NativeTap {
  /** 6 octets. Throws when the kernel refuses it. */
  mac: Uint8Array;
  /** Largest IP packet; 68 to 65,521. To be had in the network namespace where the interface was opened only. */
  mtuOctets: number;
  /**
   * Brings it up and delivers what the kernel sends, many frames per call, from the event loop; keeps the process
   * alive until `close`. `onGone` is called once when the interface was taken away; no frames come after it.
   */
  start(onFrames: (frames: Uint8Array[]) => void, onGone: (error: Error) => void): void;
  /** Hands frames to the kernel without waiting. Returns how many it has taken. */
  send(frames: readonly Uint8Array[]): number;
  /** Idempotent. */
  close(): void;
}

/** Whether there is something to load: built, or named by its environment variable. */
export function portsAddonIsThere(): boolean {
  return isNativePartThere(PORTS);
}

/** @param named another file than the one that was built. Throws NativePartError. */
export function loadPortsAddon(named = namedFile(PORTS)): PortsAddon {
  return loadNativePart(PORTS, named).exports as PortsAddon;
}
