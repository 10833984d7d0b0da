/**
 * The serving end of the gRPC transport. The listening socket is ours, so that TLS is as we want it (1.3, a client
 * certificate of our authority required) and a connection's caller is identified once, not per RPC; connections that
 * have passed are handed to gRPC.
 */
import { X509Certificate } from 'node:crypto';
import { createServer as createPlainServer, type Server as NetServer, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type PeerCertificate,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import {
  type ChannelOptions,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { RPC_METHODS, SERVICE_DEFINITION, statusOfCode } from './grpc-service.js';
import { certificateNames, secureContextOptions, type TlsMaterial } from './grpc-tls.js';
import { type CallerIdentity, RpcError, type RpcHandler, type ServiceAddress } from './transport.js';

/** Connections at once; further ones are refused. Every peer needs one. */
export const CONNECTIONS_MAX = 8192;
/** RPCs under way at once on one connection; more wait at the caller. */
const CONCURRENT_STREAMS_MAX = 256;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long RPCs under way may take after close or after new certificates. */
const DRAIN_MS = 2_000;

type Names = Pick<CallerIdentity, 'authenticated' | 'names'>;
const NOBODY: Names = { authenticated: false, names: [] };

export class GrpcServer {
  /** Connections whose TLS handshake failed. */
  handshakeFailures = 0;

  readonly #grpc: Server;
  readonly #injector: ReturnType<Server['createConnectionInjector']>;
  readonly #listener: NetServer | TlsServer;
  readonly #sockets = new Set<Socket>();
  /** By the certificate object that gRPC sees, which is one per connection. */
  readonly #callers = new WeakMap<PeerCertificate, Names>();

  constructor(tls: TlsMaterial | undefined, handler: RpcHandler, channelOptions: ChannelOptions) {
    this.#grpc = new Server({ ...channelOptions, 'grpc.max_concurrent_streams': CONCURRENT_STREAMS_MAX });
    this.#grpc.addService(SERVICE_DEFINITION, this.#implementation(handler));
    // Plaintext to gRPC: what it is given has been decrypted.
    this.#injector = this.#grpc.createConnectionInjector(ServerCredentials.createInsecure());
    if (tls === undefined) {
      this.#listener = createPlainServer((socket) => this.#accept(socket));
    } else {
      this.#listener = createTlsServer(
        {
          ...secureContextOptions(tls),
          requestCert: true,
          rejectUnauthorized: true,
          ALPNProtocols: ['h2'],
          handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        },
        (socket) => this.#acceptTls(socket),
      );
      this.#listener.on('tlsClientError', () => this.handshakeFailures++);
    }
    this.#listener.maxConnections = CONNECTIONS_MAX;
    // Before TLS is up a connection is known to the listener only; closing must find it, too.
    this.#listener.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** Port 0: any free one. Rejects when the address cannot be bound. */
  listen(address: ServiceAddress): Promise<ServiceAddress> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', (error) =>
        reject(new Error(`cannot listen on ${address.host}:${address.port}: ${error.message}`)),
      );
      this.#listener.listen({ host: address.host, port: address.port }, () => {
        const bound = this.#listener.address();
        resolve({ host: address.host, port: typeof bound === 'object' ? bound!.port : address.port });
      });
    });
  }

  /** Certificates for connections from now on. Those that exist end soon, so that nobody stays in under old ones. */
  reloadTls(tls: TlsMaterial): void {
    (this.#listener as TlsServer).setSecureContext(secureContextOptions(tls));
    this.#injector.drain(DRAIN_MS);
  }

  /** Takes no more connections, gives RPCs under way a little time, then ends them. */
  async close(): Promise<void> {
    const listenerClosed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.#grpc.forceShutdown();
        resolve();
      }, DRAIN_MS);
      this.#grpc.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
    for (const socket of this.#sockets) socket.destroy();
    await listenerClosed;
  }

  #accept(socket: Socket): void {
    // A connection that breaks ends its RPCs; there is nobody else to tell.
    socket.on('error', () => {});
    socket.setNoDelay(true);
    this.#injector.injectConnection(socket);
  }

  #acceptTls(socket: TLSSocket): void {
    const certificate = socket.getPeerCertificate();
    if (!socket.authorized || certificate.raw === undefined) {
      socket.destroy();
      return;
    }
    this.#callers.set(certificate, {
      authenticated: true,
      names: certificateNames(new X509Certificate(certificate.raw)),
    });
    // gRPC asks for it at every RPC, and decoding it anew costs more than the RPC. TLS 1.3 does not renegotiate.
    socket.getPeerCertificate = (() => certificate) as TLSSocket['getPeerCertificate'];
    this.#accept(socket);
  }

  #callerOf(call: ServerUnaryCall<Buffer, Uint8Array>): CallerIdentity {
    const certificate = call.getAuthContext().sslPeerCertificate;
    const names = certificate === undefined ? undefined : this.#callers.get(certificate);
    return { ...(names ?? NOBODY), from: call.getPeer() };
  }

  #implementation(handler: RpcHandler) {
    return Object.fromEntries(
      RPC_METHODS.map((method) => [
        method,
        async (call: ServerUnaryCall<Buffer, Uint8Array>, done: sendUnaryData<Uint8Array>) => {
          let response: Uint8Array;
          try {
            response = await handler(method, call.request, this.#callerOf(call));
          } catch (error) {
            // What a handler did not mean for the caller stays here.
            done(
              error instanceof RpcError
                ? { code: statusOfCode(error.code), details: error.details }
                : { code: status.INTERNAL, details: 'internal error' },
            );
            return;
          }
          done(null, response);
        },
      ]),
    );
  }
}
