/** One call of the gRPC client on a connection that is up: its request, its answer, and what the server may not do meanwhile. */
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { reasonOf } from '../../hal/errors.js';
import type { Watched } from '../doors/flood-watch.js';
import type { OctetShare } from '../doors/octet-budget.js';
import { kindOf } from './connection-problems.js';
import { codeOfStatus, methodPath } from './grpc-service.js';
import { CONTENT_TYPE, decodeDetails, framed, MessageReader, timeoutText } from './grpc-wire.js';
import {
  type ProblemKind,
  type RpcCode,
  RpcError,
  type RpcMethod,
  type ServiceAddress,
  serviceText,
} from './transport.js';

/** Interim answers (1xx) to one call. */
const INTERIM_MAX = 8;

export interface ClientCallDeps {
  readonly peer: ServiceAddress;
  readonly octets: OctetShare;
  readonly messageOctetsMax: number;
  readonly watched: Watched;
  readonly whyEnded: (error?: Error) => Error;
  readonly settle: (error: RpcError | undefined, response?: Uint8Array) => void;
}

export class ClientCall {
  #stream: ClientHttp2Stream | undefined;
  #held = 0;
  #interim = 0;
  #headers: IncomingHttpHeaders = {};
  #trailers: IncomingHttpHeaders = {};
  readonly #reader: MessageReader;
  #begun = false;
  #abandoned = false;

  constructor(private readonly deps: ClientCallDeps) {
    this.#reader = new MessageReader(deps.messageOctetsMax, (octets) => {
      if (!deps.octets.take(octets)) return false;
      this.#held = octets;
      return true;
    });
  }

  begin(session: ClientHttp2Session, method: RpcMethod, request: Uint8Array, timeoutMs: number): void {
    const { watched, peer } = this.deps;
    if (session.closed || session.destroyed) {
      this.#fail('UNAVAILABLE', 'the connection was closed');
      return;
    }
    const stream = session.request({
      ':method': 'POST',
      ':path': methodPath(method),
      ':authority': serviceText(peer),
      'content-type': CONTENT_TYPE,
      te: 'trailers',
      'grpc-timeout': timeoutText(timeoutMs),
    });
    this.#stream = stream;
    watched.request();
    stream.on('error', (error) => this.#ended(error));
    stream.on('headers', () => {
      if (++this.#interim > INTERIM_MAX) this.#fail('INTERNAL', 'interim answers without end');
    });
    stream.on('response', (headers) => {
      this.#headers = headers;
    });
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers;
    });
    stream.on('data', (chunk: Buffer) => {
      if (this.#abandoned) return;
      this.#begun = true;
      watched.message(chunk.length);
      try {
        this.#reader.write(chunk);
      } catch (error) {
        this.deps.settle(error as RpcError);
      }
    });
    const message = framed(request);
    stream.once('close', () => {
      // It has been encrypted, or is not wanted any more; there are keys in it.
      message.fill(0);
      this.#finish();
    });
    stream.end(message);
  }

  /** Nobody waits for it any more; `taken`: the message has gone to the caller. */
  abandon(taken: boolean): void {
    this.#abandoned = true;
    if (!taken) this.#reader.wipe();
    const stream = this.#stream;
    if (stream !== undefined && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    this.deps.octets.give(this.#held);
    this.#held = 0;
  }

  #finish(): void {
    const status = this.#trailers['grpc-status'] ?? this.#headers['grpc-status'];
    const message = this.#trailers['grpc-message'] ?? this.#headers['grpc-message'];
    if (status === undefined) {
      this.#failWithoutStatus();
      return;
    }
    if (!/^\d{1,3}$/.test(String(status)) || Number(status) !== 0) {
      const code = codeOfStatus(Number(status));
      const details = decodeDetails(String(message ?? ''));
      if (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') this.#fail(code, details);
      else this.deps.settle(new RpcError(code, details));
      return;
    }
    try {
      if (!this.#begun) throw new RpcError('INTERNAL', 'a status without its message');
      this.deps.settle(undefined, this.#reader.finish());
    } catch (error) {
      this.deps.settle(error as RpcError);
    }
  }

  /** HTTP's reason, or the stream's, where gRPC gave none. */
  #failWithoutStatus(): void {
    const http = this.#headers[':status'];
    const reset = this.#stream?.rstCode;
    if (reset === constants.NGHTTP2_ENHANCE_YOUR_CALM) {
      this.#fail('RESOURCE_EXHAUSTED', 'the server asks for calm');
    } else if (http !== undefined && Number(http) !== 200) this.#fail('UNKNOWN', `HTTP status ${http}`);
    else this.#ended();
  }

  #ended(error?: Error): void {
    const why = this.deps.whyEnded(error);
    this.#fail('UNAVAILABLE', reasonOf(why), kindOf(why));
  }

  #fail(code: RpcCode, details: string, problem?: ProblemKind): void {
    this.deps.settle(new RpcError(code, `${serviceText(this.deps.peer)}: ${details}`, problem));
  }
}
