/**
 * The admin service's calls: gRPC by its own library, with health and reflection. Loading it takes longer than all else that a gateway
 * loads, so admin-server.ts does it for the first connection. What a client can make grow has a limit here: a program that has run wild
 * must not take the gateway with it.
 */
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
  status as Status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProto } from 'grpc-health-check';
import type { Clock } from '../base/clock.js';
import { statusOfCode } from '../gateway/rpc/grpc-service.js';
import { RpcError } from '../gateway/rpc/transport.js';
import type { GatewayInsight } from '../gateway/view.js';
import { HalError } from '../hal/errors.js';
import {
  ADMIN_METHODS,
  ADMIN_SERVICE,
  type AdminMethod,
  CAPTURE,
  type CaptureMessage,
  type CaptureRequest,
  type Event,
  type RequestOf,
  type ResponseOf,
  WATCH_EVENTS,
} from './admin-api.js';
import type { AdminService } from './admin-service.js';
import { CaptureStreams } from './capture-streams.js';
import { EventWatchers } from './event-watchers.js';

/** Calls under way on one connection, streams among them; further ones wait at their client. */
export const CALLS_PER_CONNECTION_MAX = 32;
/** Calls under way on all connections together, but for streams; further ones are refused with RESOURCE_EXHAUSTED. */
export const CALLS_MAX = 32;
/** Octets of a request. */
export const REQUEST_OCTETS_MAX = 64 * 1024;
/**
 * A connection without a call is closed after this: clients make another one by themselves. It is also what ends one whose client went
 * away in the middle of a frame, which Node's HTTP/2 does not notice; connections are limited, so these must not stay for long.
 */
const IDLE_MS = 15_000;
/** Time for calls under way when the gateway stops. */
const CLOSE_MS = 500;
/** Memory that HTTP/2 may take for one connection, in MiB. */
const SESSION_MIB = 10;

const PROTO = fileURLToPath(new URL('../../proto/admin.proto', import.meta.url));

export interface AdminCallsOptions {
  readonly service: AdminService;
  readonly gateway: Pick<GatewayInsight, 'watch' | 'capture' | 'showKeys'>;
  readonly clock: Clock;
  /** Told of errors that are no client's fault. */
  readonly onProblem: (text: string) => void;
}

export class AdminCalls {
  readonly #options: AdminCallsOptions;
  readonly #server: Server;
  readonly #injector: ReturnType<Server['createConnectionInjector']>;
  readonly #health = new HealthImplementation({ '': 'NOT_SERVING', [ADMIN_SERVICE]: 'NOT_SERVING' });
  readonly #watchers: EventWatchers;
  readonly #captures: CaptureStreams;
  #callsRefused = 0;
  #calls = 0;

  constructor(options: AdminCallsOptions) {
    this.#options = options;
    this.#watchers = new EventWatchers(options.gateway, options.clock);
    this.#captures = new CaptureStreams(options.gateway);
    this.#server = new Server({
      'grpc.max_receive_message_length': REQUEST_OCTETS_MAX,
      'grpc.max_concurrent_streams': CALLS_PER_CONNECTION_MAX,
      'grpc.max_connection_idle_ms': IDLE_MS,
      'grpc-node.max_session_memory': SESSION_MIB,
      // Its own bookkeeping of all connections, which nobody asks for.
      'grpc.enable_channelz': 0,
    });
    const { service } = options;
    this.#server.addService(
      { ...ADMIN_METHODS, Capture: CAPTURE, WatchEvents: WATCH_EVENTS },
      {
        Status: this.#unary<'Status'>((request) => service.status(request)),
        ListTunnels: this.#unary<'ListTunnels'>((request) => service.listTunnels(request)),
        ListPeers: this.#unary<'ListPeers'>((request) => service.listPeers(request)),
        DisconnectPeer: this.#unary<'DisconnectPeer'>((request) => service.disconnectPeer(request)),
        RemoveTunnels: this.#unary<'RemoveTunnels'>((request) => service.removeTunnels(request)),
        RekeyTunnels: this.#unary<'RekeyTunnels'>((request) => service.rekeyTunnels(request)),
        Rotate: this.#unary<'Rotate'>(() => service.rotate()),
        Explain: this.#unary<'Explain'>((request) => service.explain(request)),
        Drain: this.#unary<'Drain'>((request) => service.drain(request)),
        CancelDrain: this.#unary<'CancelDrain'>(() => service.cancelDrain()),
        Reload: this.#unary<'Reload'>(() => service.reload()),
        SetLogLevel: this.#unary<'SetLogLevel'>((request) => service.setLogLevel(request)),
        About: this.#unary<'About'>(() => service.about()),
        Pipes: this.#unary<'Pipes'>((request) => service.pipes(request)),
        EndCapture: this.#unary<'EndCapture'>(({ id }) => ({ ended: this.#captures.end(id) })),
        Capture: (call: ServerWritableStream<CaptureRequest, CaptureMessage>) => this.#captures.add(call),
        WatchEvents: (call: ServerWritableStream<object, Event>) => this.#watchers.add(call),
      },
    );
    this.#health.addToServer(this.#server);
    const definitions = loadSync([PROTO, healthProto], {
      includeDirs: [fileURLToPath(new URL('.', `file://${PROTO}`))],
    });
    new ReflectionService(definitions).addToServer(this.#server);
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** The gateway serves from now on. */
  started(): void {
    for (const name of ['', ADMIN_SERVICE]) this.#health.setStatus(name, 'SERVING');
  }

  /** Takes calls on a connection, of which no octet has been read. */
  take(socket: Socket): void {
    this.#injector.injectConnection(socket);
  }

  counters() {
    return {
      callsRefused: BigInt(this.#callsRefused),
      ...this.#watchers.counters(),
      ...this.#captures.counters(),
    };
  }

  /** Ends all calls, after a little time for those under way. */
  async close(): Promise<void> {
    this.#watchers.close();
    this.#captures.close();
    const late = this.#options.clock.setTimer(() => this.#server.forceShutdown(), CLOSE_MS);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    late.cancel();
  }

  #unary<Name extends AdminMethod>(
    handle: (request: RequestOf<Name>) => ResponseOf<Name> | Promise<ResponseOf<Name>>,
  ): UntypedHandleCall {
    return (
      call: { readonly request: RequestOf<Name> },
      callback: (error: Partial<ServiceError> | null, answer?: ResponseOf<Name>) => void,
    ) => {
      if (this.#calls >= CALLS_MAX) {
        this.#callsRefused++;
        callback({ code: Status.RESOURCE_EXHAUSTED, details: 'too many calls at once; ask again' });
        return;
      }
      this.#calls++;
      Promise.resolve(call.request)
        .then(handle)
        .then(
          (answer) => callback(null, answer),
          (error: unknown) => callback(this.#errorOf(error)),
        )
        .finally(() => this.#calls--);
    };
  }

  #errorOf(error: unknown): Partial<ServiceError> {
    if (error instanceof RpcError) return { code: statusOfCode(error.code), details: error.details };
    if (error instanceof HalError)
      return { code: Status.UNAVAILABLE, details: `the device: ${error.message}` };
    this.#options.onProblem(`admin service: ${error}`);
    return { code: Status.INTERNAL, details: 'internal error; see the log of the gateway' };
  }
}
