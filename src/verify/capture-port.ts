/** A SimPort in memory: it keeps what the device sends and brings in what it is given. */
import type { SimPort } from '../hal-sim/port.js';

export class CapturePort implements SimPort {
  private sent: Uint8Array[] = [];
  private receive: ((frames: readonly Uint8Array[]) => void) | null = null;
  closed = false;

  constructor(
    readonly name: string,
    readonly mtuOctets: number,
  ) {}

  send(frames: readonly Uint8Array[]): void {
    this.sent.push(...frames);
  }

  start(receive: (frames: readonly Uint8Array[]) => void): Promise<void> {
    this.receive = receive;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    this.receive = null;
    return Promise.resolve();
  }

  inject(frames: readonly Uint8Array[]): void {
    this.receive?.(frames);
  }

  takeSent(): Uint8Array[] {
    return this.sent.splice(0);
  }
}
