/**
 * The control plane over gRPC, with mutual TLS or, where `insecure`, in plaintext. Requests and responses pass as
 * bytes; who may ask for what is decided by the service, from the names in the caller's certificate.
 */
import { isIP } from 'node:net';
import {
  type ChannelOptions,
  Client,
  credentials,
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  type sendUnaryData,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { AddressError, parseIp } from '../packet/address.js';
import {
  type CallerIdentity,
  type ControlTransport,
  type RpcCode,
  RpcError,
  type RpcHandler,
  type RpcMethod,
  type ServiceAddress,
} from './transport.js';

const SERVICE = 'psp_gateway.PSP_Gateway';
const METHODS: readonly RpcMethod[] = [
  'RequestMultipleTunnelParams',
  'RequestTunnelParams',
  'RequestKeyRotation',
  'SetOpState',
  'GetOpState',
];

/** Certificates and key as PEM text. */
export interface TlsMaterial {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface GrpcTransportOptions {
  /** Absent: plaintext, and nobody is authenticated. */
  readonly tls?: TlsMaterial;
  /** Largest message, in either direction. */
  readonly messageOctetsMax: number;
}

/** Unary calls of one peer under way at once; more wait in the peer's HTTP/2 stack. */
const CONCURRENT_STREAMS_MAX = 256;
/** A peer that has gone is noticed after some seconds of silence, and found again soon after it came back. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 2_000;
const SHUTDOWN_MS = 2_000;
const SERVER_NAME = 'psp-gateway';

// What goes wrong comes as an error to whoever called; the library need not print it as well.
setLogVerbosity(logVerbosity.NONE);

const identity = (octets: Uint8Array): Buffer => Buffer.from(octets.buffer, octets.byteOffset, octets.length);

function serviceDefinition(): ServiceDefinition {
  return Object.fromEntries(
    METHODS.map((method) => [
      method,
      {
        path: `/${SERVICE}/${method}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: (octets: Buffer) => octets,
        responseSerialize: identity,
        responseDeserialize: (octets: Buffer) => octets,
      },
    ]),
  );
}

/** "IP Address:10.0.0.1, DNS:host" of a certificate, as canonical names. */
export function namesOf(subjectAltName: string | undefined): string[] {
  const names: string[] = [];
  for (const part of subjectAltName?.split(', ') ?? []) {
    if (part.startsWith('DNS:')) names.push(part.slice(4).toLowerCase());
    else if (part.startsWith('IP Address:')) {
      try {
        names.push(parseIp(part.slice(11)));
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
      }
    }
  }
  return names;
}

function callerOf(call: ServerUnaryCall<Buffer, Uint8Array>): CallerIdentity {
  const certificate = call.getAuthContext().sslPeerCertificate;
  const names = namesOf(certificate?.subjectaltname);
  return { authenticated: certificate !== undefined, names, from: call.getPeer() };
}

function targetOf({ host, port }: ServiceAddress): string {
  return isIP(host) === 6 ? `ipv6:[${host}]:${port}` : `ipv4:${host}:${port}`;
}

function toRpcError(error: ServiceError): RpcError {
  const code = (status[error.code] ?? 'UNKNOWN') as RpcCode;
  return new RpcError(code, error.details);
}

/** A transport that serves and calls through gRPC. */
export function createGrpcTransport(options: GrpcTransportOptions): ControlTransport {
  const { tls } = options;
  const limits: ChannelOptions = {
    'grpc.max_receive_message_length': options.messageOctetsMax,
    'grpc.max_send_message_length': options.messageOctetsMax,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  };
  const clients = new Map<string, Client>();
  let server: Server | undefined;
  let closed = false;

  const clientOf = (peer: ServiceAddress): Client => {
    const target = targetOf(peer);
    const known = clients.get(target);
    if (known !== undefined) return known;
    const channelCredentials =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(
            Buffer.from(tls.caPem),
            Buffer.from(tls.keyPem),
            Buffer.from(tls.certificatePem),
            {
              checkServerIdentity: (_name, certificate) =>
                namesOf(certificate.subjectaltname).includes(peer.host)
                  ? undefined
                  : new Error(`the certificate of ${target} does not name ${peer.host}`),
            },
          );
    const client = new Client(target, channelCredentials, {
      ...limits,
      // Peers are known by address, which is no server name (RFC 6066, section 3); the check above is what counts.
      ...(tls === undefined ? {} : { 'grpc.ssl_target_name_override': SERVER_NAME }),
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MIN_MS,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MAX_MS,
      'grpc.enable_retries': 0,
    });
    clients.set(target, client);
    return client;
  };

  return {
    async listen(address, handler) {
      server = new Server({ ...limits, 'grpc.max_concurrent_streams': CONCURRENT_STREAMS_MAX });
      server.addService(serviceDefinition(), implementationOf(handler));
      const serverCredentials =
        tls === undefined
          ? ServerCredentials.createInsecure()
          : ServerCredentials.createSsl(
              Buffer.from(tls.caPem),
              [{ private_key: Buffer.from(tls.keyPem), cert_chain: Buffer.from(tls.certificatePem) }],
              true,
            );
      const bindTo =
        isIP(address.host) === 6 ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
      const port = await new Promise<number>((resolve, reject) =>
        server!.bindAsync(bindTo, serverCredentials, (error, bound) =>
          error === null ? resolve(bound) : reject(new Error(`cannot listen on ${bindTo}: ${error.message}`)),
        ),
      );
      return { host: address.host, port };
    },

    call(peer, method, request, { deadlineMs, signal }) {
      return new Promise((resolve, reject) => {
        if (closed || signal?.aborted) {
          reject(new RpcError('CANCELLED', 'the call was cancelled'));
          return;
        }
        const onAbort = () => call.cancel();
        const call = clientOf(peer).makeUnaryRequest(
          `/${SERVICE}/${method}`,
          identity,
          (octets: Buffer) => octets,
          request,
          new Metadata(),
          { deadline: Date.now() + deadlineMs },
          (error, response) => {
            signal?.removeEventListener('abort', onAbort);
            if (error !== null) reject(toRpcError(error));
            else resolve(response!);
          },
        );
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },

    async close() {
      closed = true;
      for (const client of clients.values()) client.close();
      clients.clear();
      if (server === undefined) return;
      const stopping = server;
      server = undefined;
      await new Promise<void>((resolve) => {
        const force = setTimeout(() => {
          stopping.forceShutdown();
          resolve();
        }, SHUTDOWN_MS);
        stopping.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      });
    },
  };
}

function implementationOf(handler: RpcHandler) {
  return Object.fromEntries(
    METHODS.map((method) => [
      method,
      (call: ServerUnaryCall<Buffer, Uint8Array>, done: sendUnaryData<Uint8Array>) => {
        handler(method, call.request, callerOf(call)).then(
          (response) => done(null, response),
          (error: unknown) =>
            done(
              error instanceof RpcError
                ? { code: status[error.code], details: error.details }
                : { code: status.INTERNAL, details: 'internal error' },
            ),
        );
      },
    ]),
  );
}
