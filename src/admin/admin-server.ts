/**
 * The admin service on a unix socket: gRPC by its own library, with health and reflection. Who may connect is said by the socket's mode
 * (unix-socket.ts). What a client can make grow has a limit here: a program that has run wild must not take the gateway with it.
 */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
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
import { listenAtPath } from '../files/unix-socket.js';
import { statusOfCode } from '../gateway/rpc/grpc-service.js';
import { RpcError } from '../gateway/rpc/transport.js';
import type { GatewayControl, GatewayInsight } from '../gateway/view.js';
import { HalError } from '../hal/errors.js';
import {
  ADMIN_METHODS,
  ADMIN_SERVICE,
  type AdminMethod,
  type Event,
  type RequestOf,
  type ResponseOf,
  WATCH_EVENTS,
} from './admin-api.js';
import { AdminService } from './admin-service.js';
import { EventWatchers } from './event-watchers.js';

/** Connections at one time; further ones are closed at once. */
export const CONNECTIONS_MAX = 64;
/** Calls under way on one connection, streams among them; further ones wait at their client. */
export const CALLS_PER_CONNECTION_MAX = 32;
/** Calls under way on all connections together, but for streams; further ones are refused with RESOURCE_EXHAUSTED. */
export const CALLS_MAX = 32;
/** Octets of a request. */
export const REQUEST_OCTETS_MAX = 64 * 1024;
/** Time in which a connection must have begun with HTTP/2: its preface has 24 octets. */
export const OPENING_MS = 10_000;
const PREFACE_OCTETS = 24;
/** A connection without a call is closed after this. */
const IDLE_MS = 300_000;
/** Time for calls under way when the gateway stops. */
const CLOSE_MS = 500;
/** Memory that HTTP/2 may take for one connection, in MiB. */
const SESSION_MIB = 10;

const PROTO = fileURLToPath(new URL('../../proto/admin.proto', import.meta.url));

export interface AdminServerOptions {
  readonly path: string;
  readonly gateway: GatewayInsight & GatewayControl;
  readonly clock: Clock;
  readonly version: string;
  readonly hasTls: boolean;
  readonly log: { readonly docaLevel: number; setLevel(docaLevel: number): void };
  /** Told of errors that are no client's fault. */
  readonly onProblem: (text: string) => void;
}

/** What happened at the socket, by what it was. */
interface Counters {
  connectionsRefused: number;
  callsRefused: number;
}

export class AdminServer implements AsyncDisposable {
  readonly path: string;
  readonly #options: AdminServerOptions;
  readonly #listener: NetServer;
  readonly #server: Server;
  readonly #service: AdminService;
  readonly #health = new HealthImplementation({ '': 'NOT_SERVING', [ADMIN_SERVICE]: 'NOT_SERVING' });
  readonly #watchers: EventWatchers;
  readonly #connections = new Set<Socket>();
  readonly #counters: Counters = { connectionsRefused: 0, callsRefused: 0 };
  #calls = 0;
  #removeSocket: () => void = () => {};
  #closed: Promise<void> | undefined;

  private constructor(options: AdminServerOptions) {
    this.#options = options;
    this.path = options.path;
    this.#service = new AdminService({ ...options, counters: () => this.#countersNow() });
    this.#watchers = new EventWatchers(options.gateway, options.clock);
    this.#server = new Server({
      'grpc.max_receive_message_length': REQUEST_OCTETS_MAX,
      'grpc.max_concurrent_streams': CALLS_PER_CONNECTION_MAX,
      'grpc.max_connection_idle_ms': IDLE_MS,
      'grpc-node.max_session_memory': SESSION_MIB,
      // Its own bookkeeping of all connections, which nobody asks for.
      'grpc.enable_channelz': 0,
    });
    const service = this.#service;
    this.#server.addService(
      { ...ADMIN_METHODS, WatchEvents: WATCH_EVENTS },
      {
        Status: this.#unary<'Status'>(() => service.status()),
        ListTunnels: this.#unary<'ListTunnels'>((request) => service.listTunnels(request)),
        ListPeers: this.#unary<'ListPeers'>((request) => service.listPeers(request)),
        RemoveTunnels: this.#unary<'RemoveTunnels'>((request) => service.removeTunnels(request)),
        RekeyTunnels: this.#unary<'RekeyTunnels'>((request) => service.rekeyTunnels(request)),
        Rotate: this.#unary<'Rotate'>(() => service.rotate()),
        SetLogLevel: this.#unary<'SetLogLevel'>((request) => service.setLogLevel(request)),
        WatchEvents: (call: ServerWritableStream<object, Event>) => this.#watchers.add(call),
      },
    );
    this.#health.addToServer(this.#server);
    const definitions = loadSync([PROTO, healthProto], {
      includeDirs: [fileURLToPath(new URL('.', `file://${PROTO}`))],
    });
    new ReflectionService(definitions).addToServer(this.#server);
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = createServer((socket) => this.#accept(socket, injector));
    this.#listener.maxConnections = CONNECTIONS_MAX;
    this.#listener.on('drop', () => this.#counters.connectionsRefused++);
  }

  /** Listens; the gateway is told of as not serving yet. Rejects with SocketPathError, and with what the file system throws. */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const server = new AdminServer(options);
    try {
      server.#removeSocket = await listenAtPath(server.#listener, options.path);
    } catch (error) {
      server.#service.close();
      throw error;
    }
    // No descriptor left, for one: that connection is lost, the listener goes on.
    server.#listener.on('error', ({ message }) => options.onProblem(`admin socket: ${message}`));
    return server;
  }

  /** The gateway serves from now on. */
  started(): void {
    for (const name of ['', ADMIN_SERVICE]) this.#health.setStatus(name, 'SERVING');
  }

  /** Ends all calls, after a little time for those under way, and takes the socket away. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#removeSocket();
    this.#watchers.close();
    const listenerClosed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const late = this.#options.clock.setTimer(() => this.#server.forceShutdown(), CLOSE_MS);
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    late.cancel();
    for (const socket of this.#connections) socket.destroy();
    await listenerClosed;
    this.#service.close();
  }

  #countersNow() {
    return {
      connections: BigInt(this.#connections.size),
      connectionsRefused: BigInt(this.#counters.connectionsRefused),
      callsRefused: BigInt(this.#counters.callsRefused),
      ...this.#watchers.counters(),
    };
  }

  #accept(socket: Socket, injector: ReturnType<Server['createConnectionInjector']>): void {
    this.#connections.add(socket);
    // A connection that breaks ends its calls; there is nobody else to tell.
    socket.on('error', () => {});
    const opening = this.#options.clock.setTimer(() => {
      if (socket.bytesRead < PREFACE_OCTETS) socket.destroy();
    }, OPENING_MS);
    socket.once('close', () => {
      opening.cancel();
      this.#connections.delete(socket);
    });
    injector.injectConnection(socket);
  }

  #unary<Name extends AdminMethod>(
    handle: (request: RequestOf<Name>) => ResponseOf<Name> | Promise<ResponseOf<Name>>,
  ): UntypedHandleCall {
    return (
      call: { readonly request: RequestOf<Name> },
      callback: (error: Partial<ServiceError> | null, answer?: ResponseOf<Name>) => void,
    ) => {
      if (this.#calls >= CALLS_MAX) {
        this.#counters.callsRefused++;
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
