/**
 * Frames of a device shown to somebody who captures them. Not of PipeHAL: hardware forwards most packets without showing them to
 * anybody, and a device that can show them says so by having a way to connect a tap.
 */

/**
 * What became of a packet that did not get through. `dropped`: a pipe sent it nowhere; `unprocessed`: an action of a pipe could not be
 * applied; `not-encrypted`: there was no key, or encryption was missing; `too-big`: the port carries no such frame; `queue-full`: the CPU
 * did not take it in time; `loop`: it went round through pipes.
 */
export type LossKind =
  | 'dropped'
  | 'unprocessed'
  | 'not-encrypted'
  | 'too-big'
  | 'queue-full'
  | 'no-kernel'
  | 'loop';

/** Why a packet did not get through, and where. */
export interface FrameLoss {
  readonly kind: LossKind;
  /** The last pipe that it came to; absent: it came to none. */
  readonly pipe?: string;
  /** What its decryption told (fields.ts); absent: it has not been decrypted. */
  readonly syndrome?: number;
}

/** Frames are lent for the call, whole, and without FCS; ports are UPLINK_PORT and VF_PORT. */
export interface FrameTap {
  /** A frame as it came in, and what has become of it where it did not get through; frames come in before what they cause goes out. */
  frameIn(port: number, frame: Uint8Array, loss: FrameLoss | undefined): void;
  /** A frame as it goes out. */
  frameOut(port: number, frame: Uint8Array): void;
  /** A frame of the CPU that did not get out. */
  frameLost(frame: Uint8Array, loss: FrameLoss): void;
}

/** Connects a tap in the place of the one before; null: nobody looks, which costs a device nothing for a packet. */
export type ShowFrames = (tap: FrameTap | null) => void;
