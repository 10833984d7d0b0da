/**
 * Captures of a gateway's packets, as streams. Each gets its packets in order, as fast as it takes them; what a slow one has not taken
 * waits, up to a limit, and what does not fit is left out, counted, and told at the end. The gateway waits for nobody.
 */
import { type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import type { CapturedFrame, CaptureSelection } from '../gateway/capture/captures.js';
import type { GatewayInsight } from '../gateway/view.js';
import { AddressError, parseIp } from '../packet/address.js';
import type { SaKey } from '../psp/keys-file.js';
import type { CaptureMessage, CaptureRequest, CaptureTally } from './admin-api.js';

/** Captures at one time; further ones are refused with RESOURCE_EXHAUSTED. */
export const CAPTURES_MAX = 4;
/** Messages, and octets of their frames, that wait for one reader. */
export const CAPTURE_MESSAGES_MAX = 8192;
export const CAPTURE_OCTETS_MAX = 4 << 20;

const NS_PER_MS = 1_000_000n;

type Call = ServerWritableStream<CaptureRequest, CaptureMessage>;
type Shown = Pick<GatewayInsight, 'capture' | 'showKeys'>;

export class CaptureStreams {
  readonly #streams = new Map<bigint, CaptureStream>();
  #last = 0n;
  #refused = 0;
  /** Of captures that are over. */
  #leftOut = 0n;

  constructor(private readonly gateway: Shown) {}

  add(call: Call): void {
    const fail = (code: Status, details: string) => call.emit('error', { code, details });
    const selection = selectionOf(call.request);
    if (typeof selection === 'string') {
      fail(Status.INVALID_ARGUMENT, selection);
      return;
    }
    if (this.#streams.size >= CAPTURES_MAX) {
      this.#refused++;
      fail(Status.RESOURCE_EXHAUSTED, `there are ${CAPTURES_MAX} captures already`);
      return;
    }
    const id = ++this.#last;
    const stream = new CaptureStream(call, () => {
      this.#leftOut += stream.leftOut;
      this.#streams.delete(id);
    });
    if (!stream.begin(id, this.gateway, selection)) {
      fail(
        Status.PERMISSION_DENIED,
        'keys are told by a gateway that runs with --debug-keys only, and this one does not',
      );
      return;
    }
    this.#streams.set(id, stream);
  }

  /** Ends one, which tells how it went before; false: there is none of this number. */
  end(id: bigint): boolean {
    const stream = this.#streams.get(id);
    stream?.finish();
    return stream !== undefined;
  }

  counters() {
    const running = [...this.#streams.values()].reduce((sum, { leftOut }) => sum + leftOut, 0n);
    return {
      captures: BigInt(this.#streams.size),
      capturesRefused: BigInt(this.#refused),
      capturePacketsLeftOut: this.#leftOut + running,
    };
  }

  /** Ends all. */
  close(): void {
    for (const stream of this.#streams.values()) stream.finish();
  }
}

class CaptureStream {
  readonly #waiting: CaptureMessage[] = [];
  #waitingOctets = 0;
  /** Nothing goes before the message that tells that it has begun. */
  #isBusy = true;
  #isFinished = false;
  #packets = 0n;
  #unread = 0n;
  #keysUnread = 0n;
  #leftOutByRate = () => 0n;
  #endCapture = () => {};
  #endKeys = () => {};

  /** @param onOver called once, when nothing is captured for it any more */
  constructor(
    private readonly call: Call,
    private readonly onOver: () => void,
  ) {}

  /** Packets that were meant and that it did not get. */
  get leftOut(): bigint {
    return this.#leftOutByRate() + this.#unread;
  }

  /** False, and nothing has begun: keys are asked for, and there are none to tell. */
  begin(id: bigint, gateway: Shown, selection: CaptureSelection): boolean {
    const { call } = this;
    if (call.request.keys) {
      const endKeys = gateway.showKeys((key) => this.#key(key));
      if (endKeys === undefined) return false;
      this.#endKeys = endKeys;
    }
    call.on('drain', () => {
      this.#isBusy = false;
      this.#write();
    });
    for (const over of ['cancelled', 'close', 'error']) call.on(over, () => this.#over());
    const { cannotShow, leftOut, end } = gateway.capture(selection, (captured) => this.#packet(captured));
    this.#leftOutByRate = leftOut;
    this.#endCapture = end;
    // Before the keys that wait already.
    this.#waiting.unshift({ begun: { id, cannotShow: [...cannotShow] } });
    this.#isBusy = false;
    this.#write();
    return true;
  }

  /** No further packets: those that wait go, then how it went. */
  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#stop();
    this.#waiting.push({ ended: this.#tally() });
    this.#write();
  }

  #tally(): CaptureTally {
    return {
      packets: this.#packets,
      leftOutByRate: this.#leftOutByRate(),
      leftOutUnread: this.#unread,
      keysLeftOut: this.#keysUnread,
    };
  }

  #packet({ atMs, place, direction, frame, comments }: CapturedFrame): void {
    const { snapOctets, count } = this.call.request;
    const taken = snapOctets === 0 ? frame.length : Math.min(snapOctets, frame.length);
    if (!this.#hasRoom(taken)) {
      this.#unread++;
      return;
    }
    this.#packets++;
    this.#waitingOctets += taken;
    this.#waiting.push({
      packet: {
        atUnixNs: BigInt(Math.round(atMs * 1000)) * (NS_PER_MS / 1000n),
        place,
        direction,
        // Not slice(): of a Buffer that is no copy.
        frame: new Uint8Array(frame.subarray(0, taken)),
        octets: frame.length,
        comments: [...comments],
      },
    });
    if (count !== 0n && this.#packets >= count) this.finish();
    else this.#write();
  }

  #key({ spi, version, key }: SaKey): void {
    if (!this.#hasRoom(0)) {
      this.#keysUnread++;
      return;
    }
    this.#waiting.push({ key: { spi, pspVersion: version, key: new Uint8Array(key) } });
    this.#write();
  }

  #hasRoom(octets: number): boolean {
    return this.#waiting.length < CAPTURE_MESSAGES_MAX && this.#waitingOctets + octets <= CAPTURE_OCTETS_MAX;
  }

  #write(): void {
    while (!this.#isBusy && this.#waiting.length > 0) {
      const message = this.#waiting.shift()!;
      this.#waitingOctets -= message.packet?.frame.length ?? 0;
      this.#isBusy = !this.call.write(message);
      if (message.ended !== undefined) this.call.end();
    }
  }

  #stop(): void {
    this.#endCapture();
    this.#endKeys();
    this.onOver();
    this.#endCapture = this.#endKeys = () => {};
  }

  /** Nobody reads any more. */
  #over(): void {
    this.#waiting.length = 0;
    this.#waitingOctets = 0;
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#stop();
  }
}

/** What is meant, or what is wrong with the request. */
function selectionOf({ port, pair, droppedOnly }: CaptureRequest): CaptureSelection | string {
  if (port !== '' && port !== 'uplink' && port !== 'vf') return `port: "${port}" is neither uplink nor vf`;
  if (pair.length !== 0 && pair.length !== 2) return `pair: ${pair.length} addresses; two make a pair`;
  try {
    const [one, other] = pair.map(parseIp);
    return {
      droppedOnly,
      ...(port === '' ? {} : { port }),
      ...(one === undefined || other === undefined ? {} : { pair: [one, other] }),
    };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return `pair: ${error.message}`;
  }
}
