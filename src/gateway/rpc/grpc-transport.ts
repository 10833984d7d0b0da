/**
 * The control plane over gRPC, with mutual TLS or, where the operator asked for it, in plaintext. Requests and
 * responses pass as bytes; who may ask for what is decided by the service, from the names in the caller's certificate
 * or, in plaintext, from the address that it comes from.
 */
import type { Clock } from '../../base/clock.js';
import { DOOR_LIMITS, type DoorLimits } from '../doors/door-limits.js';
import type { DoorView } from '../doors/door-view.js';
import type { Logger } from '../log.js';
import type { TlsFiles } from '../options.js';
import { GrpcClient } from './grpc-client.js';
import { GrpcServer } from './grpc-server.js';
import type { ControlTransport, IdentitiesOf, TlsMaterial } from './transport.js';

export type { TlsMaterial } from './transport.js';

export interface GrpcTransportOptions {
  /** Absent: plaintext, and a caller is known by its source address alone. */
  readonly tls?: TlsMaterial;
  /** The files that `tls` is from, for what is said of them. */
  readonly tlsFiles?: TlsFiles;
  /** What peers prove when we call them; absent: their service addresses. */
  readonly identitiesOf?: IdentitiesOf;
  /** Largest message, in either direction. */
  readonly messageOctetsMax: number;
  readonly clock: Clock;
  /** Limits that differ from DOOR_LIMITS. */
  readonly limits?: Partial<DoorLimits>;
  /** Gets lines about what our service's doors refuse; absent: no lines. */
  readonly logger?: Logger;
}

export interface GrpcTransport extends ControlTransport {
  /** See ControlTransport. Throws as well when the transport is a plaintext one. */
  reloadTls(tls: TlsMaterial, options: { readonly endConnections: boolean }): void;
  /** Counters of our service's doors; undefined before it listens. */
  doors(): DoorView | undefined;
}

/** A transport that serves and calls through gRPC; throws when `tls` cannot be used. */
export function createGrpcTransport(options: GrpcTransportOptions): GrpcTransport {
  const { tls, identitiesOf, tlsFiles, messageOctetsMax, clock, logger } = options;
  const limits: DoorLimits = { ...DOOR_LIMITS, ...options.limits };
  const client = new GrpcClient({ tls, identitiesOf, tlsFiles, messageOctetsMax, clock, limits });
  let currentTls = tls;
  let server: GrpcServer | undefined;
  let closing: Promise<void> | undefined;

  return {
    async listen(address, handler, doorkeeper, observe) {
      if (server !== undefined) throw new Error('this transport listens already');
      server = new GrpcServer({
        tls: currentTls,
        tlsFiles,
        handler,
        doorkeeper,
        clock,
        limits,
        messageOctetsMax,
        observe: observe ?? (() => {}),
        ...(logger === undefined ? {} : { logger }),
      });
      try {
        const bound = await server.listen(address);
        client.sourceHost = address.host;
        return bound;
      } catch (error) {
        server = undefined;
        throw error;
      }
    },

    call: (peer, method, request, callOptions) => client.call(peer, method, request, callOptions),

    forget: (peer) => client.forget(peer),

    reloadTls(newTls, { endConnections }) {
      if (currentTls === undefined) throw new Error('a plaintext transport has no certificates to reload');
      client.reloadTls(newTls, endConnections);
      currentTls = newTls;
      server?.reloadTls(newTls, endConnections);
    },

    peersChanged: () => server?.peersChanged(),

    disconnect: (isMeant) => server?.disconnect(isMeant) ?? 0,

    doors: () => server?.view(),

    close() {
      client.close();
      closing ??= server?.close() ?? Promise.resolve();
      return closing;
    },
  };
}
