/** psp_ports.node (native/ports): what the kernel offers to ports and Node does not. */
import type { NativeGuard } from '../../hal/native-guard.js';
import { isNativePartThere, loadNativePart, namedFile, PORTS } from '../../hal/native-parts.js';

export interface PortsAddon {
  /** Opens the TAP interface of that name. Throws, naming it and what to do, when the kernel refuses. */
  readonly Tap: new (
    name: string,
  ) => NativeTap;
  /** Opens an interface of this machine as a wire. Throws, naming it and what to do, when the kernel refuses. */
  readonly PacketSocket: new (
    name: string,
    options: { readonly mtuOctets: number; readonly promiscuous: boolean; readonly mac?: Uint8Array },
  ) => NativePacketSocket;
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

/** An interface as a wire, which is left as it is. After `close` everything but `close` throws. */
export interface NativePacketSocket {
  /** The interface's own. */
  readonly mtuOctets: number;
  /**
   * Why nothing goes through: it is down, has no carrier, or was removed, after which the socket is of no use any more;
   * undefined when it does.
   */
  trouble(): string | undefined;
  counters(): NativePacketCounters;
  /** Delivers what comes in, many frames per call, one behind the other, from the event loop; keeps the process alive. */
  start(onFrames: (memory: ArrayBuffer, lengths: Uint32Array) => void): void;
  /** Hands frames to the kernel without waiting. */
  send(frames: readonly Uint8Array[]): void;
  /** Idempotent. */
  close(): void;
}

/** Frames as they are on the wire. */
export interface NativePacketCounters {
  readonly received: number;
  readonly sent: number;
  /** Came in while the kernel's ring was full. */
  readonly kernelDropped: number;
  /** Came in with a packet larger than the MTU. */
  readonly tooBig: number;
  /** Came in with something left to do that is not known: a train inside a tunnel, SCTP's checksum. */
  readonly notUnderstood: number;
  /** Not sent: the interface's queue was full. */
  readonly queueFull: number;
  /** Not sent for another reason: the interface is down or gone, or has a smaller MTU. */
  readonly sendErrors: number;
}

/** @param named another file than the one that was built. Throws NativePartError. */
export function loadPortsAddon(named = namedFile(PORTS)): PortsAddon {
  return loadNativePart(PORTS, named).exports as PortsAddon;
}
