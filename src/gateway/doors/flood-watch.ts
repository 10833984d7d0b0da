/**
 * Ends connections that carry much that is no message: floods of SETTINGS, PING, PRIORITY, WINDOW_UPDATE or RST_STREAM
 * frames, headers without end, data in single octets (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316), TLS key
 * updates. Whatever their kind, they are octets received beyond those of messages, and these are counted.
 */
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.js';
import { TokenBucket } from './token-bucket.js';

/** Octets that are no message: at once, and per second. An honest peer needs some hundreds of them per request. */
export const OVERHEAD_OCTETS_BURST = 256 * 1024;
export const OVERHEAD_OCTETS_PER_SECOND = 32 * 1024;
/** Headers and frames that a request may cost beside its message. */
export const REQUEST_OVERHEAD_OCTETS = 1024;
/** Frames and TLS records around the octets of a message: one octet in so many. */
const MESSAGE_OVERHEAD_DIVISOR = 32;
const SWEEP_MS = 250;
/**
 * Requests that the caller itself took back before their answer, at once and per second: deadlines that pass. Well
 * below where nghttp2 stops reading without a word (1,000, and 33 per second), which leaves a dead connection.
 */
export const RESETS_BURST = 256;
export const RESETS_PER_SECOND = 20;

/** One connection under watch. */
export class Watched {
  #counted = 0;
  #useful = 0;
  readonly #bucket: TokenBucket;
  readonly #resets: TokenBucket;

  constructor(
    private readonly socket: Pick<Socket, 'bytesRead'>,
    private readonly watch: FloodWatch,
    readonly end: () => void,
    clock: Clock,
  ) {
    this.#resets = new TokenBucket(RESETS_PER_SECOND, RESETS_BURST, () => clock.nowMs());
    this.#bucket = new TokenBucket(OVERHEAD_OCTETS_PER_SECOND, OVERHEAD_OCTETS_BURST, () => clock.nowMs());
  }

  /** A request has begun, or been answered. */
  request(): void {
    this.#useful += REQUEST_OVERHEAD_OCTETS;
  }

  message(octets: number): void {
    this.#useful += octets + octets / MESSAGE_OVERHEAD_DIVISOR;
  }

  /** The caller has taken a request back. */
  reset(): void {
    if (!this.#resets.take()) this.watch.ended(this);
  }

  /** Whether more has come than belongs to messages. */
  get flooding(): boolean {
    const overhead = Math.max(this.#counted, this.socket.bytesRead - this.#useful);
    const isFlood = !this.#bucket.take(overhead - this.#counted);
    this.#counted = overhead;
    return isFlood;
  }
}

export class FloodWatch {
  /** Connections ended. */
  floods = 0;
  readonly #watched = new Set<Watched>();
  #timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  add(socket: Pick<Socket, 'bytesRead'>, end: () => void): Watched {
    const watched = new Watched(socket, this, end, this.clock);
    this.#watched.add(watched);
    if (this.#watched.size === 1) this.#armTimer();
    return watched;
  }

  delete(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size === 0) this.#timer?.cancel();
  }

  /** It floods: that was its last. */
  ended(watched: Watched): void {
    if (!this.#watched.has(watched)) return;
    this.floods++;
    this.delete(watched);
    watched.end();
  }

  #armTimer(): void {
    this.#timer = this.clock.setTimer(() => {
      for (const watched of this.#watched) {
        if (watched.flooding) this.ended(watched);
      }
      if (this.#watched.size > 0) this.#armTimer();
    }, SWEEP_MS);
  }
}
