/**
 * One RPC at the serving end: its turn, its request, its answer. Octets are counted from the moment the request says
 * how many they are until the answer has been taken, and both must happen in time.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Clock, Timer } from '../../base/clock.js';
import type { Party } from '../doors/doors.js';
import type { Watched } from '../doors/flood-watch.js';
import { methodOfPath, statusOfCode } from './grpc-service.js';
import { CONTENT_TYPE, encodeDetails, framed, MessageReader, parseTimeout } from './grpc-wire.js';
import { type CallerIdentity, RpcError, type RpcHandler } from './transport.js';

const RESPONSE_HEADERS = { ':status': 200, 'content-type': CONTENT_TYPE };
/** Timers of the platform take no more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface CallDeps {
  readonly clock: Clock;
  readonly handler: RpcHandler;
  readonly caller: CallerIdentity;
  readonly party: Party;
  readonly watched: Watched;
  readonly requestMs: number;
  readonly messageOctetsMax: number;
  readonly counters: CallCounters;
  /** The message found no room, or a step took too long. */
  readonly onRefused: (why: 'octetsRefused' | 'requestTimeouts') => void;
  /** The call has ended, and holds nothing any more. */
  readonly onEnd: () => void;
}

export interface CallCounters {
  /** Requests that were begun to be read. */
  requests: number;
}

/** Refuses a call at its headers: an answer that is a status alone, and nothing of the request is read. */
export function refuseCall(stream: ServerHttp2Stream, error: RpcError): void {
  stream.on('error', () => {});
  if (isGone(stream) || stream.headersSent) return;
  stream.respond(
    {
      ...RESPONSE_HEADERS,
      'grpc-status': String(statusOfCode(error.code)),
      'grpc-message': encodeDetails(error.details),
    },
    { endStream: true },
  );
  // RFC 9113, section 8.1: the whole answer is there, the rest of the request need not be sent.
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

/**
 * Whether nothing can be answered any more, which would throw: the caller has taken the request back. A stream that was
 * reset with NO_ERROR is destroyed only when what came of it has been read.
 */
function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

/** Serves a call of somebody who has been admitted. */
export function serveCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, deps: CallDeps): void {
  const problem = headersProblem(headers);
  if (problem !== undefined) {
    refuseCall(stream, problem);
    deps.onEnd();
    return;
  }
  new ServerCall(stream, headers, deps).begin();
}

function headersProblem(headers: IncomingHttpHeaders): RpcError | undefined {
  if (headers[':method'] !== 'POST' || !headers['content-type']?.startsWith('application/grpc')) {
    return new RpcError('INTERNAL', 'not a gRPC request');
  }
  if (methodOfPath(headers[':path']) === undefined) {
    return new RpcError('UNIMPLEMENTED', 'there is no such RPC');
  }
  const timeout = headers['grpc-timeout'];
  if (timeout !== undefined && parseTimeout(String(timeout)) === undefined) {
    return new RpcError('INVALID_ARGUMENT', 'grpc-timeout is malformed');
  }
  return undefined;
}

class ServerCall {
  readonly #reader: MessageReader;
  #held = 0;
  #handling = false;
  #answered = false;
  #ended = false;
  #deadline: Timer | undefined;
  #progress: Timer | undefined;
  #leaveQueue = () => {};
  #answer: Buffer | undefined;

  constructor(
    private readonly stream: ServerHttp2Stream,
    private readonly headers: IncomingHttpHeaders,
    private readonly deps: CallDeps,
  ) {
    this.#reader = new MessageReader(deps.messageOctetsMax, (octets) => this.#reserve(octets));
  }

  begin(): void {
    const { stream, headers, deps } = this;
    stream.on('error', () => {});
    stream.once('close', () => this.#closed());
    const timeout = headers['grpc-timeout'];
    if (timeout !== undefined) {
      const ms = Math.min(parseTimeout(String(timeout))!, TIMER_MS_MAX);
      this.#deadline = deps.clock.setTimer(
        () => this.#refuse(new RpcError('DEADLINE_EXCEEDED', 'the deadline has passed')),
        ms,
      );
    }
    this.#expect(() => this.#refuse(new RpcError('DEADLINE_EXCEEDED', 'the request did not arrive in time')));
    this.#leaveQueue = deps.party.requests.enter(() => this.#read());
  }

  #read(): void {
    const { stream, deps } = this;
    deps.counters.requests++;
    deps.watched.request();
    stream.on('data', (chunk: Buffer) => {
      if (this.#answered) return;
      deps.watched.message(chunk.length);
      try {
        this.#reader.write(chunk);
      } catch (error) {
        this.#refuse(error as RpcError);
      }
    });
    stream.once('end', () => void this.#handle());
  }

  async #handle(): Promise<void> {
    if (this.#answered || isGone(this.stream)) return;
    const { handler, caller } = this.deps;
    let request: Buffer;
    try {
      request = this.#reader.finish();
    } catch (error) {
      this.#refuse(error as RpcError);
      return;
    }
    this.#progress?.cancel();
    this.#handling = true;
    try {
      const response = await handler(methodOfPath(this.headers[':path'])!, request, caller);
      this.#respond(response);
    } catch (error) {
      // An error that the handler did not mean for the caller stays here.
      this.#refuse(error instanceof RpcError ? error : new RpcError('INTERNAL', 'internal error'));
    } finally {
      this.#handling = false;
      if (this.stream.destroyed) this.#end();
    }
  }

  #respond(response: Uint8Array): void {
    const { stream, deps } = this;
    if (this.#answered || isGone(stream)) return;
    if (response.length > deps.messageOctetsMax) {
      this.#refuse(new RpcError('RESOURCE_EXHAUSTED', 'the answer is larger than messages may be'));
      return;
    }
    this.#answered = true;
    this.#answer = framed(response);
    response.fill(0);
    this.#hold(this.#answer.length);
    this.#expect(() => stream.close(constants.NGHTTP2_CANCEL));
    stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(this.#answer);
  }

  #refuse(error: RpcError): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#leaveQueue();
    refuseCall(this.stream, error);
  }

  /** Calls `late` unless the next step comes within the limit. */
  #expect(late: () => void): void {
    const { clock, requestMs, onRefused } = this.deps;
    this.#progress?.cancel();
    this.#progress = clock.setTimer(() => {
      onRefused('requestTimeouts');
      late();
    }, requestMs);
  }

  #reserve(octets: number): boolean {
    if (!this.deps.party.octets.take(octets)) {
      this.deps.onRefused('octetsRefused');
      return false;
    }
    this.#held += octets;
    return true;
  }

  #hold(octets: number): void {
    this.deps.party.octets.add(octets);
    this.#held += octets;
  }

  #closed(): void {
    if (!this.#answered) this.deps.watched.reset();
    this.#answered = true;
    this.#leaveQueue();
    this.#deadline?.cancel();
    this.#progress?.cancel();
    // It has been encrypted, or is not wanted any more; there are keys in it.
    this.#answer?.fill(0);
    // While a handler runs, the request is still there.
    if (!this.#handling) this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.deps.party.octets.give(this.#held);
    this.deps.onEnd();
  }
}
