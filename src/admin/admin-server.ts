/**
 * The admin service's socket. Who may connect is said by the socket's mode (unix-socket.ts); what waits here has a limit. The calls
 * themselves are in admin-calls.ts, which is loaded when somebody connects and says something: most gateways are never asked.
 */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Clock } from '../base/clock.js';
import { listenAtPath } from '../files/unix-socket.js';
import type { GatewayControl, GatewayInsight } from '../gateway/view.js';
import { reasonOf } from '../hal/errors.js';
import type { AdminCalls } from './admin-calls.js';
import { AdminService, type AdminServiceDeps } from './admin-service.js';

/** Connections at one time; further ones are closed at once. */
export const CONNECTIONS_MAX = 64;
/** Time in which a connection must have begun with HTTP/2: its preface has 24 octets. */
export const OPENING_MS = 10_000;
const PREFACE_OCTETS = 24;
/** Of calls, before anybody has made one. */
export const NO_CALL_COUNTERS = {
  callsRefused: 0n,
  watchers: 0n,
  watchersRefused: 0n,
  eventsLost: 0n,
  captures: 0n,
  capturesRefused: 0n,
  capturePacketsLeftOut: 0n,
};

export interface AdminServerOptions {
  readonly path: string;
  readonly gateway: GatewayInsight & GatewayControl;
  readonly clock: Clock;
  readonly version: string;
  readonly hasTls: boolean;
  readonly log: {
    readonly docaLevel: number;
    readonly lostLines: number;
    /** Why lines cannot be written now; absent: they can. */
    readonly problem?: string | undefined;
    setLevel(docaLevel: number): void;
  };
  readonly reload: AdminServiceDeps['reload'];
  readonly about?: AdminServiceDeps['about'];
  /** Told of errors that are no client's fault. */
  readonly onProblem: (text: string) => void;
}

export class AdminServer implements AsyncDisposable {
  readonly path: string;
  readonly #options: AdminServerOptions;
  readonly #listener: NetServer;
  readonly #service: AdminService;
  readonly #connections = new Set<Socket>();
  #connectionsRefused = 0;
  #isServing = false;
  #calls: AdminCalls | undefined;
  #callsLoading: Promise<AdminCalls | undefined> | undefined;
  #removeSocket: () => void = () => {};
  #closed: Promise<void> | undefined;

  private constructor(options: AdminServerOptions) {
    this.#options = options;
    this.path = options.path;
    this.#service = new AdminService({ ...options, counters: () => this.counters() });
    this.#listener = createServer((socket) => this.#accept(socket));
    this.#listener.maxConnections = CONNECTIONS_MAX;
    this.#listener.on('drop', () => this.#connectionsRefused++);
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
    this.#isServing = true;
    this.#calls?.started();
  }

  /** What it has taken and refused, and is doing now. */
  counters(): ReturnType<AdminServiceDeps['counters']> {
    return {
      connections: BigInt(this.#connections.size),
      connectionsRefused: BigInt(this.#connectionsRefused),
      ...(this.#calls?.counters() ?? NO_CALL_COUNTERS),
    };
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
    const listenerClosed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    await (await this.#callsLoading)?.close();
    for (const socket of this.#connections) socket.destroy();
    await listenerClosed;
    this.#service.close();
  }

  #accept(socket: Socket): void {
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
    // What has come by then waits in the socket: HTTP/2 takes it from there.
    socket.once('readable', () => {
      if (socket.readableLength === 0) socket.destroy();
      else void this.#take(socket);
    });
  }

  async #take(socket: Socket): Promise<void> {
    this.#callsLoading ??= this.#loadCalls();
    const calls = await this.#callsLoading;
    if (this.#closed !== undefined || calls === undefined) socket.destroy();
    else if (!socket.destroyed) calls.take(socket);
  }

  /** undefined: it could not be loaded, which is no reason to carry no packets. The next connection has it tried again. */
  async #loadCalls(): Promise<AdminCalls | undefined> {
    try {
      const { AdminCalls } = await import('./admin-calls.js');
      this.#calls = new AdminCalls({ ...this.#options, service: this.#service });
    } catch (error) {
      this.#callsLoading = undefined;
      this.#options.onProblem(`the admin service could not be loaded: ${reasonOf(error)}`);
      return undefined;
    }
    if (this.#isServing) this.#calls.started();
    return this.#calls;
  }
}
