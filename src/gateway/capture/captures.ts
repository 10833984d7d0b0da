/**
 * Who captures packets of a running gateway, and what they are shown: what a device shows of its ports or, where it shows nothing, what
 * comes to the CPU; and what did not get through, with the reason. While nobody captures, no packet is looked at for it.
 */
import type { Clock } from '../../base/clock.js';
import type { FrameTap, ShowFrames } from '../../hal/frame-tap.js';
import { UPLINK_PORT } from '../../hal/program.js';
import type { IpAddress } from '../../packet/address.js';
import { TokenBucket } from '../doors/token-bucket.js';
import { lossWords } from './loss-words.js';
import { isOfPair, type SessionOfPair } from './pair-filter.js';

/** `cpu`: the packet was seen, or lost, on the CPU. */
export type CapturePlace = 'uplink' | 'vf' | 'cpu';

/** A frame is lent for the call. */
export interface CapturedFrame {
  /** Wall time in milliseconds. */
  readonly atMs: number;
  readonly place: CapturePlace;
  /** Towards the gateway, or away from it. */
  readonly direction: 'in' | 'out';
  readonly frame: Uint8Array;
  /** What is to be said of it, such as why it was dropped. */
  readonly comments: readonly string[];
}

/** Which packets are meant; all that is absent holds of every packet. */
export interface CaptureSelection {
  /** By which port it came in or goes out. */
  readonly port?: 'uplink' | 'vf';
  /** Between these two addresses, either way: as they are, or inside of PSP, as far as the pair's session is known. */
  readonly pair?: readonly [IpAddress, IpAddress];
  /** Only those that did not get through. */
  readonly droppedOnly: boolean;
}

export interface Capture {
  /** What this device cannot show, in sentences; empty: everything is shown. */
  readonly cannotShow: readonly string[];
  /** Packets that were meant, and left out for the sake of the rate. */
  readonly leftOut: () => bigint;
  readonly end: () => void;
}

export interface CapturesDeps {
  readonly clock: Clock;
  /** Absent: the device shows nothing. */
  readonly showFrames: ShowFrames | undefined;
  readonly sessionOf: SessionOfPair;
  /** Of one capture. */
  readonly packetsPerSecond: number;
  readonly isSampling: boolean;
}

/** One packet, before it is known who wants it. */
interface Seen {
  readonly place: CapturePlace;
  /** By which port it came in or goes out. */
  readonly port: 'uplink' | 'vf';
  readonly direction: 'in' | 'out';
  readonly frame: Uint8Array;
  readonly comments: readonly string[];
  readonly isDropped: boolean;
}

type Viewer = (seen: Seen) => void;

export class Captures {
  readonly #viewers = new Set<Viewer>();
  #leftOut = 0n;

  constructor(private readonly deps: CapturesDeps) {}

  /** Captures under way. */
  get running(): number {
    return this.#viewers.size;
  }

  /** Packets that all captures have left out for the sake of the rate, so far. */
  get leftOut(): bigint {
    return this.#leftOut;
  }

  /** Shows packets of a selection from now on, as many as the rate allows. */
  start(selection: CaptureSelection, onFrame: (captured: CapturedFrame) => void): Capture {
    const { clock, packetsPerSecond, sessionOf, showFrames } = this.deps;
    const rate = new TokenBucket(packetsPerSecond, packetsPerSecond, () => clock.nowMs());
    const { port, pair, droppedOnly } = selection;
    let leftOut = 0n;
    const viewer: Viewer = ({ isDropped, port: ofPort, ...seen }) => {
      if (droppedOnly && !isDropped) return;
      if (port !== undefined && port !== ofPort) return;
      if (pair !== undefined && !isOfPair(seen.frame, seen.direction, pair, sessionOf)) return;
      if (!rate.take()) {
        leftOut++;
        this.#leftOut++;
        return;
      }
      onFrame({ ...seen, atMs: clock.nowMs() });
    };
    this.#viewers.add(viewer);
    if (this.#viewers.size === 1) showFrames?.(this.#tap);
    return {
      cannotShow: this.#cannotShow(),
      leftOut: () => leftOut,
      end: () => {
        if (this.#viewers.delete(viewer) && this.#viewers.size === 0) showFrames?.(null);
      },
    };
  }

  /** A packet has come to the CPU. What a device has shown of it already is not shown again. */
  received(port: 'uplink' | 'vf', direction: 'in' | 'out', why: string, frame: Uint8Array): void {
    if (this.#viewers.size === 0 || this.deps.showFrames !== undefined) return;
    this.#see({ place: 'cpu', port, direction, frame, comments: [why], isDropped: false });
  }

  /** The CPU has dropped a packet of the workload, or in transport mode of the segment. */
  dropped(port: 'uplink' | 'vf', reason: string, frame: Uint8Array): void {
    if (this.#viewers.size === 0) return;
    const comments = [`dropped: ${reason}`];
    this.#see({ place: 'cpu', port, direction: 'in', frame, comments, isDropped: true });
  }

  readonly #tap: FrameTap = {
    frameIn: (port, frame, loss) => {
      const place = placeOf(port);
      const comments = loss === undefined ? [] : [`dropped: ${lossWords(loss)}`];
      this.#see({ place, port: place, direction: 'in', frame, comments, isDropped: loss !== undefined });
    },
    frameOut: (port, frame) => {
      const place = placeOf(port);
      this.#see({ place, port: place, direction: 'out', frame, comments: [], isDropped: false });
    },
    frameLost: (frame, loss) => {
      const comments = [`dropped on its way out: ${lossWords(loss)}`];
      this.#see({ place: 'cpu', port: 'uplink', direction: 'out', frame, comments, isDropped: true });
    },
  };

  #see(seen: Seen): void {
    for (const viewer of this.#viewers) viewer(seen);
  }

  #cannotShow(): string[] {
    if (this.deps.showFrames !== undefined) return [];
    return [
      this.deps.isSampling
        ? 'packets that the device forwards by itself: only sampled copies of them, and what comes to the CPU, are here'
        : 'packets that the device forwards by itself: only what comes to the CPU is here, and with --sample-rate of the gateway copies of some',
      'packets that the device drops: their counters tell of them (psp-gateway pipes --live)',
    ];
  }
}

const placeOf = (port: number) => (port === UPLINK_PORT ? 'uplink' : 'vf');
