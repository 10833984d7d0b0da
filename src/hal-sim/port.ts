/**
 * What stands behind a simulated device's port: a link to another device, a virtual host, a UDP socket, a pcap
 * file. Middleware (trace, pcap, faults) wraps a SimPort and is one.
 *
 * Frames are whole Ethernet frames without FCS. Ownership passes with the frame, in both directions: who sends
 * a frame neither reads nor writes it afterwards; who receives it may change it in place.
 */
export interface SimPort {
  /** For messages and captures. */
  readonly name: string;
  /** Largest IP packet that the port carries; the device drops larger ones and counts them. */
  readonly mtuOctets: number;

  /** The device puts frames on the wire, in order. Frames that the port cannot carry are dropped and counted. */
  send(frames: readonly Uint8Array[]): void;

  /**
   * Connects the receiving side, once; frames that come in before are dropped. The handler is never called from
   * within `send` of the same port's device call stack: ports deliver from their own turn of the event loop or of
   * the virtual clock.
   */
  start(receive: (frames: readonly Uint8Array[]) => void): Promise<void>;

  /** Stops delivering, releases what the port holds. Idempotent. */
  close(): Promise<void>;
}
