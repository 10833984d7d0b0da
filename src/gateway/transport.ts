/**
 * How gateways reach each other's tunnel service. The payloads are the protobuf bytes of proto/psp_gateway.proto;
 * who carries them is behind this interface: gRPC over TLS (grpc-transport.ts), or memory in simulations, with the same bytes
 * and the same service code.
 */
import { type IpAddress, ipFamily } from '../packet/address.js';

/** Where a gateway's tunnel service listens. */
export interface ServiceAddress {
  readonly host: IpAddress;
  readonly port: number;
}

export const DEFAULT_SERVICE_PORT = 3000;

/** As users write it, IPv6 in brackets; equal for equal addresses, and so a key too. */
export function serviceText({ host, port }: ServiceAddress): string {
  return ipFamily(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

export type RpcMethod =
  | 'RequestMultipleTunnelParams'
  | 'RequestTunnelParams'
  | 'RequestKeyRotation'
  | 'SetOpState'
  | 'GetOpState';

/** The gRPC status codes in use, under gRPC's names. */
export type RpcCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

/** A failed RPC: thrown by handlers to answer with a status, and by `call` when the peer or the way there failed. */
export class RpcError extends Error {
  override readonly name = 'RpcError';

  constructor(
    readonly code: RpcCode,
    readonly details: string,
  ) {
    super(`${code}: ${details}`);
  }
}

/** Who calls. */
export interface CallerIdentity {
  /** Whether the caller proved its names with a certificate that our authority signed. */
  readonly authenticated: boolean;
  /** The certificate's subject alternative names: IP addresses (canonical text) and DNS names. */
  readonly names: readonly string[];
  /** For messages: address and port of the connection. */
  readonly from: string;
}

/** Answers one request; throws RpcError for a status other than OK. Anything else thrown is INTERNAL. */
export type RpcHandler = (
  method: RpcMethod,
  request: Uint8Array,
  caller: CallerIdentity,
) => Promise<Uint8Array>;

export interface ControlTransport {
  /**
   * Serves on `address` (port 0: any free one), once. Requests larger than the limit are refused before they are
   * decoded. Rejects when the address cannot be bound.
   */
  listen(address: ServiceAddress, handler: RpcHandler): Promise<ServiceAddress>;

  /**
   * One RPC. Rejects with RpcError: DEADLINE_EXCEEDED after `deadlineMs`, UNAVAILABLE when the peer cannot be
   * reached or does not prove to be `peer`, CANCELLED after abort or close, or what the peer answered.
   */
  call(
    peer: ServiceAddress,
    method: RpcMethod,
    request: Uint8Array,
    options: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;

  /** Stops serving, ends calls that are under way. Idempotent. */
  close(): Promise<void>;
}
