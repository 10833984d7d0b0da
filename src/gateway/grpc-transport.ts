/**
 * The control plane over gRPC, with mutual TLS or, where the operator asked for it, in plaintext. Requests and
 * responses pass as bytes; who may ask for what is decided by the service, from the names in the caller's certificate.
 */
import { type ChannelOptions, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { GrpcClient } from './grpc-client.js';
import { GrpcServer } from './grpc-server.js';
import type { TlsMaterial } from './grpc-tls.js';
import type { ControlTransport } from './transport.js';

export type { TlsMaterial } from './grpc-tls.js';

export interface GrpcTransportOptions {
  /** Absent: plaintext, and nobody is authenticated. */
  readonly tls?: TlsMaterial;
  /** Largest message, in either direction. */
  readonly messageOctetsMax: number;
}

export interface GrpcTransport extends ControlTransport {
  /**
   * New certificates, for both ends and all connections from now on; old connections end when their RPCs have.
   * Throws, and changes nothing, when they cannot be used or the transport is a plaintext one.
   */
  reloadTls(tls: TlsMaterial): void;
  /** Connections to our service whose TLS handshake failed. */
  readonly handshakeFailures: number;
}

/** HTTP/2's window per stream: a batch of thousands of tunnels passes without waiting for the other end. */
const FLOW_CONTROL_WINDOW_OCTETS = 1 << 20;

// What goes wrong comes as an error to whoever called; the library need not print it as well.
setLogVerbosity(logVerbosity.NONE);

/** A transport that serves and calls through gRPC; throws when `tls` cannot be used. */
export function createGrpcTransport({ tls, messageOctetsMax }: GrpcTransportOptions): GrpcTransport {
  const channelOptions: ChannelOptions = {
    'grpc.max_receive_message_length': messageOctetsMax,
    'grpc.max_send_message_length': messageOctetsMax,
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_OCTETS,
    'grpc.enable_channelz': 0,
  };
  const client = new GrpcClient(tls, channelOptions);
  let currentTls = tls;
  let server: GrpcServer | undefined;
  let closing: Promise<void> | undefined;

  return {
    async listen(address, handler) {
      if (server !== undefined) throw new Error('this transport listens already');
      server = new GrpcServer(currentTls, handler, channelOptions);
      try {
        return await server.listen(address);
      } catch (error) {
        await server.close();
        server = undefined;
        throw error;
      }
    },

    call: (peer, method, request, options) => client.call(peer, method, request, options),

    reloadTls(newTls) {
      if (currentTls === undefined) throw new Error('a plaintext transport has no certificates to reload');
      client.reloadTls(newTls);
      currentTls = newTls;
      server?.reloadTls(newTls);
    },

    get handshakeFailures() {
      return server?.handshakeFailures ?? 0;
    },

    close() {
      client.close();
      closing ??= server?.close() ?? Promise.resolve();
      return closing;
    },
  };
}
