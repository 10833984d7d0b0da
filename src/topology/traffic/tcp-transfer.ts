/**
 * A transfer as TCP does one, in TCP segments: sequence numbers, cumulative acknowledgments, a window that opens
 * slowly and halves at a loss, fast retransmission and a timer that doubles (RFC 5681, RFC 6298 in outline). Without
 * handshake, and one way. The receiver compares the SHA-256 of what arrived in order with that of what was sent.
 */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Clock, Timer } from '../../base/clock.js';
import { buildTcp, parseTcp, TCP_ACK, TCP_PSH } from '../../packet/tcp.js';
import type { Flow } from './flow.js';
import { buildPayload } from './payload.js';

const INITIAL_WINDOW = 10;
const WINDOW_MAX = 256;
const DUPLICATE_ACKS = 3;
const RTO_MIN_MS = 200;
const RTO_INITIAL_MS = 1000;
const RTO_MAX_MS = 8000;
/** Then the transfer has failed. */
const IDLE_MAX_MS = 60_000;
const WINDOW_FIELD = 0xffff;
/** So close to the end of the sequence numbers that they wrap in every transfer but the smallest. */
const FIRST_SEQUENCE = 0xffff_0000;

export interface TransferDeps {
  readonly clock: Clock;
  readonly flow: Flow;
  readonly sizeOctets: number;
  readonly segmentOctets: number;
  readonly ports: { readonly from: number; readonly to: number };
  /** A TCP segment from the sender, and one from the receiver; the checksum is the caller's. */
  readonly sendData: (segment: Uint8Array) => void;
  readonly sendAck: (segment: Uint8Array) => void;
}

export class Transfer {
  readonly #segments: number;
  readonly #sentHash = sha256.create();
  readonly #receivedHash = sha256.create();
  #hashed = 0;
  /** First segment that is not acknowledged, and first that was never sent. */
  #una = 0;
  #next = 0;
  #window = INITIAL_WINDOW;
  #threshold = WINDOW_MAX;
  #duplicateAcks = 0;
  /** While in recovery: the segment whose acknowledgment ends it. */
  #recoverTo = 0;
  #retransmissions = 0;
  #rtoMs = RTO_INITIAL_MS;
  #smoothMs = 0;
  #varianceMs = 0;
  #timer: Timer | undefined;
  #lastProgressMs: number;
  readonly #sentAtMs = new Map<number, number>();
  /** Receiver: the segment it waits for, and those that came before it. */
  #expected = 0;
  readonly #early = new Map<number, Uint8Array>();
  #done: (() => void) | undefined;

  constructor(private readonly deps: TransferDeps) {
    this.#segments = Math.ceil(deps.sizeOctets / deps.segmentOctets);
    this.#lastProgressMs = deps.clock.nowMs();
  }

  /** Resolves when all is acknowledged, or nothing has moved for a minute. */
  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#fill();
    });
  }

  /** A TCP segment for the receiver, octets `offset` to `end`. */
  onData(octets: Uint8Array, offset: number, end: number): void {
    const tcp = parseTcp(octets, offset, end);
    if (tcp === undefined) return;
    const segment = this.#segmentAt(tcp.sequence, this.#expected);
    const data = octets.slice(offset + tcp.headerOctets, end);
    if (segment >= this.#expected && segment < this.#expected + 2 * WINDOW_MAX)
      this.#early.set(segment, data);
    for (
      let next = this.#early.get(this.#expected);
      next !== undefined;
      next = this.#early.get(this.#expected)
    ) {
      this.#early.delete(this.#expected);
      this.#receivedHash.update(next);
      this.deps.flow.arrive(this.#expected, this.deps.clock.nowMs());
      this.#expected++;
    }
    this.deps.sendAck(
      buildTcp(
        {
          sourcePort: this.deps.ports.to,
          destinationPort: this.deps.ports.from,
          sequence: 1,
          acknowledgment: this.#sequenceOf(this.#expected),
          flags: TCP_ACK,
          window: WINDOW_FIELD,
        },
        new Uint8Array(0),
      ),
    );
  }

  /** A TCP segment for the sender. */
  onAck(octets: Uint8Array, offset: number, end: number): void {
    const tcp = parseTcp(octets, offset, end);
    if (tcp === undefined || this.#done === undefined) return;
    const acknowledged = this.#segmentAt(tcp.acknowledgment, this.#una);
    const now = this.deps.clock.nowMs();
    if (acknowledged > this.#next) return;
    if (acknowledged > this.#una) {
      this.#measure(acknowledged - 1, now);
      for (let i = this.#una; i < acknowledged; i++) this.#sentAtMs.delete(i);
      const news = acknowledged - this.#una;
      this.#una = acknowledged;
      this.#lastProgressMs = now;
      this.#duplicateAcks = 0;
      if (acknowledged < this.#recoverTo) this.#send(this.#una, true);
      else this.#window += this.#window < this.#threshold ? news : news / this.#window;
      this.#window = Math.min(this.#window, WINDOW_MAX);
      this.#setTimer();
    } else if (acknowledged === this.#una && ++this.#duplicateAcks === DUPLICATE_ACKS) {
      if (this.#una >= this.#recoverTo) this.#loseWindow(this.#window / 2);
      this.#send(this.#una, true);
    }
    if (this.#una === this.#segments) this.#end();
    else this.#fill();
  }

  #fill(): void {
    while (this.#next < this.#segments && this.#next < this.#una + this.#window)
      this.#send(this.#next++, false);
    if (this.#timer === undefined) this.#setTimer();
  }

  #send(segment: number, again: boolean): void {
    const { deps } = this;
    const { sizeOctets, segmentOctets, flow, clock } = deps;
    const data = buildPayload(flow.number, segment, segmentOctets).subarray(
      0,
      Math.min(segmentOctets, sizeOctets - segment * segmentOctets),
    );
    if (again) {
      this.#retransmissions++;
      // Karn: what was sent twice measures nothing.
      this.#sentAtMs.delete(segment);
    } else {
      flow.send(clock.nowMs());
      this.#sentAtMs.set(segment, clock.nowMs());
    }
    if (segment === this.#hashed) {
      this.#hashed++;
      this.#sentHash.update(data);
    }
    deps.sendData(
      buildTcp(
        {
          sourcePort: deps.ports.from,
          destinationPort: deps.ports.to,
          sequence: this.#sequenceOf(segment),
          acknowledgment: 1,
          flags: TCP_ACK | TCP_PSH,
          window: WINDOW_FIELD,
        },
        data,
      ),
    );
  }

  #sequenceOf(segment: number): number {
    return (FIRST_SEQUENCE + segment * this.deps.segmentOctets) >>> 0;
  }

  /** The segment with this sequence number that is nearest to segment `near` (RFC 9293, section 3.4). */
  #segmentAt(sequence: number, near: number): number {
    return near + Math.round(((sequence - this.#sequenceOf(near)) | 0) / this.deps.segmentOctets);
  }

  #loseWindow(window: number): void {
    this.#threshold = Math.max(2, this.#window / 2);
    this.#window = Math.max(1, window);
    this.#recoverTo = this.#next;
  }

  #measure(segment: number, nowMs: number): void {
    const sentAtMs = this.#sentAtMs.get(segment);
    if (sentAtMs === undefined) return;
    const rtt = nowMs - sentAtMs;
    if (this.#smoothMs === 0) {
      this.#smoothMs = rtt;
      this.#varianceMs = rtt / 2;
    } else {
      this.#varianceMs = 0.75 * this.#varianceMs + 0.25 * Math.abs(this.#smoothMs - rtt);
      this.#smoothMs = 0.875 * this.#smoothMs + 0.125 * rtt;
    }
    this.#rtoMs = Math.min(RTO_MAX_MS, Math.max(RTO_MIN_MS, this.#smoothMs + 4 * this.#varianceMs));
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = this.deps.clock.setTimer(() => {
      this.#timer = undefined;
      if (this.deps.clock.nowMs() - this.#lastProgressMs > IDLE_MAX_MS) {
        this.#end();
        return;
      }
      this.#rtoMs = Math.min(RTO_MAX_MS, this.#rtoMs * 2);
      this.#loseWindow(1);
      this.#duplicateAcks = 0;
      this.#send(this.#una, true);
      this.#setTimer();
    }, this.#rtoMs);
  }

  #end(): void {
    this.#timer?.cancel();
    const { flow, sizeOctets, segmentOctets } = this.deps;
    const whole = this.#expected === this.#segments;
    flow.transfer = {
      octets: whole ? sizeOctets : this.#expected * segmentOctets,
      intact: whole && bytesToHex(this.#sentHash.digest()) === bytesToHex(this.#receivedHash.digest()),
      retransmissions: this.#retransmissions,
    };
    this.#done?.();
    this.#done = undefined;
  }
}
