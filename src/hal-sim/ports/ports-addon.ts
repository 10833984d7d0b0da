/** psp_ports.node (native/ports): what the kernel offers to ports and Node does not. Built by `npm run build:native`. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '../../hal/errors.js';
import type { NativeGuard } from '../../hal/native-guard.js';

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

/** The addon is not there, or cannot be loaded. */
export class PortsAddonError extends Error {
  override readonly name = 'PortsAddonError';
}

/** The same path from src/ and from dist/. */
const DEFAULT_PATH = fileURLToPath(new URL('../../../build/ports/Release/psp_ports.node', import.meta.url));

export function portsAddonIsBuilt(path: string = DEFAULT_PATH): boolean {
  return existsSync(path);
}

/** `path`: another one than the checkout's own. Throws PortsAddonError. */
export function loadPortsAddon(path: string = DEFAULT_PATH): PortsAddon {
  if (!existsSync(path)) {
    throw new PortsAddonError(
      `TAP interfaces need the native ports, and ${path} is not there: npm run build:native`,
    );
  }
  try {
    return createRequire(import.meta.url)(path) as PortsAddon;
  } catch (error) {
    const reason = reasonOf(error);
    throw new PortsAddonError(`cannot load ${path}: ${reason}; build it again: npm run build:native`);
  }
}
