/**
 * The receive queue of the slow path: bounded, handed to its handler in batches, always from a turn of its own
 * (a timer of the clock, so that a run on a virtual clock repeats).
 */
import type { Clock, Timer } from '../base/clock.js';
import type { RssPacket } from '../hal/hal.js';

/** Most packets per call of the handler. */
const BATCH_PACKETS_MAX = 256;

export class RssQueue {
  private waiting: RssPacket[] = [];
  private handler: ((packets: RssPacket[]) => void) | null = null;
  private timer: Timer | null = null;
  private droppedPackets = 0;

  constructor(
    private readonly clock: Clock,
    private readonly packetsMax: number,
  ) {}

  /** Packets that came when the queue was full. */
  get dropped(): number {
    return this.droppedPackets;
  }

  get waitingPackets(): number {
    return this.waiting.length;
  }

  /** False, and the packet is dropped and counted, when the queue is full. */
  push(packet: RssPacket): boolean {
    if (this.waiting.length >= this.packetsMax) {
      this.droppedPackets++;
      return false;
    }
    this.waiting.push(packet);
    this.schedule();
    return true;
  }

  setHandler(handler: (packets: RssPacket[]) => void): void {
    this.handler = handler;
    this.schedule();
  }

  /** Forgets the handler and what waits. */
  close(): void {
    this.timer?.cancel();
    this.timer = null;
    this.handler = null;
    this.waiting = [];
  }

  private schedule(): void {
    if (this.timer !== null || this.handler === null || this.waiting.length === 0) return;
    this.timer = this.clock.setTimer(() => this.deliver(), 0);
  }

  private deliver(): void {
    this.timer = null;
    const batch = this.waiting.splice(0, BATCH_PACKETS_MAX);
    // First, so that a handler that throws does not stop the queue.
    this.schedule();
    this.handler?.(batch);
  }
}
