/**
 * Writes lines to a terminal, a pipe, a socket or a file, and never waits for it: a gateway carries packets whether or not
 * anybody can take its log. What cannot be written now waits in a queue of bounded size; what does not fit is lost, and counted.
 */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { withoutWaiting } from '../files/without-waiting.js';

/** Octets of lines that wait for a descriptor that takes nothing. */
export const QUEUE_OCTETS_MAX = 256 * 1024;
/** Time after which a descriptor that was busy is tried again. */
const BUSY_RETRY_MS = 20;
/** Likewise one that failed, such as that of a file on a full disk. */
const FAILED_RETRY_MS = 1000;
/** Time that `close` gives a busy descriptor. */
const CLOSE_WAIT_MS = 200;
const CLOSE_LOOK_MS = 10;

/** Errors after which a descriptor takes nothing ever again: its reader has gone, or it is closed. */
const FINAL_ERRORS: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'EBADF', 'ENOTCONN'];

/** Writes some of the octets, without waiting, and gives how many; throws an error with a `code` of errno's. */
export type WriteSome = (octets: Uint8Array) => number;

export interface LineWriterOptions {
  readonly write: WriteSome;
  /** Makes the line that tells of lines that were lost; it is written before the next one that is not. */
  readonly lostLine: (lines: number, reason: string) => string;
  /** Told of lines that were lost, as soon as they are. */
  readonly onLost?: (lines: number) => void;
  /** Told of each error but that the descriptor is busy. */
  readonly onError?: (error: NodeJS.ErrnoException) => void;
}

export class LineWriter {
  /** Lines that were lost so far. */
  lost = 0;
  /** Lines that wait, and of the first one only what has not been written. */
  #queue: Uint8Array[] = [];
  #queuedOctets = 0;
  #retry: NodeJS.Timeout | undefined;
  /** Lines lost since a line last told of it, and why. */
  #untold = 0;
  #reason = '';
  #problem: string | undefined;
  #ended = false;

  constructor(private readonly options: LineWriterOptions) {}

  /** Why lines could not be written when that was tried last, such as a full disk; undefined: they could, or nobody read them. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Writes a line, which ends with a line feed, or lets it wait. It is lost, and counted, where too much waits. */
  write(line: string): void {
    const octets = Buffer.from(line);
    if (this.#ended || this.#queuedOctets + octets.length > QUEUE_OCTETS_MAX) {
      this.#lose(1);
      return;
    }
    this.#tellLost();
    this.#push(octets);
    if (this.#retry === undefined) this.#flush();
  }

  /** Writes what waits as far as it can be written within a fifth of a second. */
  close(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; ; waitedMs += CLOSE_LOOK_MS) {
      const error = this.#writeQueue();
      if (error?.code !== 'EAGAIN' || waitedMs >= CLOSE_WAIT_MS) break;
      Atomics.wait(pause, 0, 0, CLOSE_LOOK_MS);
    }
    this.#end();
  }

  #push(octets: Uint8Array): void {
    this.#queue.push(octets);
    this.#queuedOctets += octets.length;
  }

  #lose(lines: number): void {
    this.lost += lines;
    this.#untold += lines;
    if (lines > 0) this.options.onLost?.(lines);
  }

  /** A line about those that were lost takes its place among the others. */
  #tellLost(): void {
    if (this.#untold === 0) return;
    const octets = Buffer.from(this.options.lostLine(this.#untold, this.#reason));
    this.#untold = 0;
    this.#push(octets);
  }

  #flush(): void {
    const error = this.#writeQueue();
    const isBusy = error?.code === 'EAGAIN';
    this.#problem = isBusy ? undefined : error?.message;
    if (error === undefined) return;
    this.#reason = isBusy ? 'nobody reads them' : error.message;
    if (FINAL_ERRORS.includes(error.code)) this.#end();
    if (!isBusy) this.options.onError?.(error);
    if (this.#ended) return;
    const afterMs = isBusy ? BUSY_RETRY_MS : FAILED_RETRY_MS;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, afterMs);
    // A program does not go on for the sake of its log.
    this.#retry.unref();
  }

  #end(): void {
    this.#ended = true;
    this.#lose(this.#queue.length);
    this.#queue = [];
    this.#queuedOctets = 0;
  }

  /** Writes all that waits; the error that kept something from being written. */
  #writeQueue(): NodeJS.ErrnoException | undefined {
    while (this.#queue.length > 0) {
      const first = this.#queue[0]!;
      let written: number;
      try {
        written = this.options.write(first);
      } catch (error) {
        return error as NodeJS.ErrnoException;
      }
      this.#queuedOctets -= written;
      if (written < first.length) this.#queue[0] = first.subarray(written);
      else this.#queue.shift();
    }
    return undefined;
  }
}

/** Writes to standard output or standard error without waiting for it. */
export function writeSomeTo(stream: NodeJS.WriteStream & { readonly fd: 1 | 2 }): WriteSome {
  const fd = isatty(stream.fd) ? withoutWaiting(stream.fd) : stream.fd;
  // Node has made the descriptors of pipes and sockets return at once when it made the streams; files need not wait.
  return (octets) => writeSync(fd, octets);
}
