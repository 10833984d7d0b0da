/** Calls of the admin service of a gateway, over its socket. */
import { resolve } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { onAbort } from '../base/abort.js';
import { systemClock } from '../base/clock.js';
import { fileReason } from '../files/file-problem.js';
import { statIfThere } from '../files/stat.js';
import { connectProblem } from '../files/unix-socket.js';
import { codeOfStatus } from '../gateway/rpc/grpc-service.js';
import { RpcError } from '../gateway/rpc/transport.js';
import {
  ADMIN_METHODS,
  type AdminMethod,
  CAPTURE,
  type CaptureMessage,
  type CaptureRequest,
  type Event,
  type RequestOf,
  type ResponseOf,
  WATCH_EVENTS,
} from './admin-api.js';

/** A gateway that takes longer for an answer does nothing else either. */
const DEADLINE_MS = 10_000;
/** Octets of an answer: thousands of peers with all that there is to say of them. */
const ANSWER_OCTETS_MAX = 64 << 20;

/** No gateway answers at a socket; says which one, why, and what to do. */
export class NoGatewayError extends Error {
  override readonly name = 'NoGatewayError';
}

export class AdminClient {
  readonly #client: Client;

  private constructor(private readonly path: string) {
    this.#client = new Client(`unix:${resolve(path)}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': ANSWER_OCTETS_MAX,
      'grpc.enable_channelz': 0,
      // A connection of its own, which goes with it.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Rejects with NoGatewayError where nobody takes a connection. */
  static async connect(path: string): Promise<AdminClient> {
    const problem = await connectProblem(path);
    if (problem !== undefined) throw new NoGatewayError(noGatewayText(path, problem));
    return new AdminClient(path);
  }

  /** One RPC. Rejects with RpcError, as the gateway answered; and with NoGatewayError where it does not. */
  call<Name extends AdminMethod>(name: Name, request: RequestOf<Name>): Promise<ResponseOf<Name>> {
    const { path, requestSerialize, responseDeserialize } = ADMIN_METHODS[name];
    return new Promise((resolveCall, reject) => {
      this.#client.makeUnaryRequest<RequestOf<Name>, ResponseOf<Name>>(
        path,
        requestSerialize as (request: RequestOf<Name>) => Buffer,
        responseDeserialize as (octets: Buffer) => ResponseOf<Name>,
        request,
        { deadline: systemClock.nowMs() + DEADLINE_MS },
        (error, answer) => {
          if (error === null) resolveCall(answer!);
          else reject(callError(this.path, error));
        },
      );
    });
  }

  /**
   * Hands over events until the signal is aborted, which resolves, or the gateway ends, which rejects with NoGatewayError; with
   * RpcError where it refuses.
   */
  watch(onEvent: (event: Event) => void, signal: AbortSignal): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = WATCH_EVENTS;
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
    let release = () => {};
    const watching = new Promise<void>((resolveWatch, reject) => {
      if (signal.aborted) call.cancel();
      else release = onAbort(signal, () => call.cancel());
      call.on('data', onEvent);
      call.on('error', (error: ServiceError) =>
        signal.aborted ? resolveWatch() : reject(callError(this.path, error)),
      );
      call.on('end', () => reject(new NoGatewayError('the gateway has ended')));
    });
    return watching.finally(release);
  }

  /**
   * Messages of a capture, as fast as they are taken, until it has ended, by EndCapture or by its count. Throws RpcError where the
   * gateway refuses, and NoGatewayError where it ends.
   */
  async *capture(request: CaptureRequest): AsyncGenerator<CaptureMessage> {
    const { path, requestSerialize, responseDeserialize } = CAPTURE;
    const call = this.#client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    try {
      for await (const message of call as AsyncIterable<CaptureMessage>) yield message;
    } catch (error) {
      throw callError(this.path, error as ServiceError);
    } finally {
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }
}

function noGatewayText(path: string, problem: NodeJS.ErrnoException): string {
  switch (problem.code) {
    case 'ENOENT':
      return `no gateway answers at ${path}: there is no such socket; is it running, and with --admin?`;
    case 'ECONNREFUSED':
      // Of what is no socket the kernel says the same.
      return statIfThere(path)?.isSocket() === false
        ? `no gateway answers at ${path}: it is no socket; say --socket with the one that the gateway's log names`
        : `no gateway answers at ${path}: the one that made this socket has ended`;
    case 'EACCES':
    case 'EPERM':
      return `${path} may be opened by the gateway's own user, and root, only (${problem.code})`;
    default:
      return `no gateway answers at ${path}: ${fileReason(problem) ?? problem.message}`;
  }
}

function callError(path: string, { code, details }: ServiceError): Error {
  const name = codeOfStatus(code);
  // Somebody has taken a connection at this path, and the next ones ended before a word was said.
  if (name === 'UNAVAILABLE' && details.startsWith('No connection established'))
    return new NoGatewayError(
      `the gateway at ${path} takes no more connections: it has as many as it may, or is just ending; end commands that go on, such as top, events or capture, and try again`,
    );
  // What the gateway itself says it is not able to do has words of its own.
  if (name === 'UNAVAILABLE' && !details.startsWith('the device'))
    return new NoGatewayError(`no gateway answers: ${details}`);
  if (name === 'DEADLINE_EXCEEDED')
    return new NoGatewayError(`the gateway has not answered within ${DEADLINE_MS / 1000} s`);
  return new RpcError(name, details);
}
