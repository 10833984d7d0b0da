/**
 * How gateways reach each other's tunnel service. The payloads are the protobuf bytes of proto/psp_gateway.proto;
 * who carries them is behind this interface: gRPC over TLS (grpc-transport.ts), or memory in simulations, with the same bytes
 * and the same service code.
 */
import type { FileStamps } from '../../files/file-stamp.js';
import { type IpAddress, ipFamily } from '../../packet/address.js';
import type { DoorView } from '../doors/door-view.js';
import type { GatewayObserver } from '../events.js';
import type { TlsFiles } from '../options.js';

/** The address at which a gateway's tunnel service listens. */
export interface ServiceAddress {
  readonly host: IpAddress;
  readonly port: number;
}

export const DEFAULT_SERVICE_PORT = 3000;

/** The address as users write it, IPv6 in brackets. Equal addresses give equal texts, so that it can be a key. */
export function serviceText({ host, port }: ServiceAddress): string {
  return ipFamily(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a service, as serviceText writes it, is meant by its address with or without the port. */
export function isServiceNamed(service: string, meant: string): boolean {
  return service === meant || service.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') === meant;
}

/** RPCs of DOCA's service. */
export type TunnelRpc =
  | 'RequestMultipleTunnelParams'
  | 'RequestTunnelParams'
  | 'RequestKeyRotation'
  | 'SetOpState'
  | 'GetOpState';

/** Those that only gateways of this program know (proto/psp_gateway_peer.proto). */
export type PeerRpc = 'Announce' | 'Compare';

export type RpcMethod = TunnelRpc | PeerRpc;

export const RPC_METHODS: readonly RpcMethod[] = [
  'RequestMultipleTunnelParams',
  'RequestTunnelParams',
  'RequestKeyRotation',
  'SetOpState',
  'GetOpState',
  'Announce',
  'Compare',
];

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

/** What is wrong with a connection, for programs, which go by no text. */
export type ProblemKind =
  /** TCP does not get there, or nobody listens. */
  | 'unreachable'
  /** One end speaks TLS, and the other one does not. */
  | 'plain-text'
  | 'old-tls'
  | 'no-http2'
  /** The other end shows no certificate, or one that we do not believe. */
  | 'no-certificate'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-purpose'
  /** Its certificate names somebody else. */
  | 'other-name'
  /** The two ends have different authorities, whoever noticed. */
  | 'other-authority'
  /** The other end says that it does not believe our certificate. */
  | 'ours-refused'
  /** The other end has ended the connection without a word, as who does not believe a certificate does, and who has no room. */
  | 'broken-off'
  /** TLS has failed for another reason. */
  | 'handshake-failed'
  | 'other';

/** A failed RPC: thrown by handlers to answer with a status, and by `call` when the peer or the way there failed. */
export class RpcError extends Error {
  override readonly name = 'RpcError';

  constructor(
    readonly code: RpcCode,
    readonly details: string,
    /** What was wrong with the connection; absent: something else, or nobody knows. */
    readonly problem?: ProblemKind,
  ) {
    super(`${code}: ${details}`);
  }
}

/** RESOURCE_EXHAUSTED where it is we who have no more of something, and not the caller who asks for too much. */
export class OwnLimitError extends RpcError {
  constructor(details: string) {
    super('RESOURCE_EXHAUSTED', details);
  }
}

/** Codes of calls to which no answer came. */
const SILENCE: readonly RpcCode[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED'];

/** Whether a call failed because the peer, or the way to it, did not answer. */
export function isSilence(code: RpcCode): boolean {
  return SILENCE.includes(code);
}

/** Whether a failure shows that the peer is alive. One that was CANCELLED, which is our own doing, says nothing about the peer. */
export function isAnswer(code: RpcCode): boolean {
  return code !== 'CANCELLED' && !isSilence(code);
}

/**
 * A subject alternative name of a certificate (RFC 5280, section 4.2.1.6). A name is what its type says, whatever its
 * text looks like: the DNS name 192.0.2.1 is not the address 192.0.2.1.
 */
export type CertificateName =
  | { readonly type: 'ip'; readonly value: IpAddress }
  /** A DNS name, in lower case. */
  | { readonly type: 'dns'; readonly value: string }
  /** A SPIFFE ID. */
  | { readonly type: 'uri'; readonly value: string };

/** The tunnel service cannot listen at its address. `code` is the operating system's, such as EADDRNOTAVAIL. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string | undefined;

  constructor(address: ServiceAddress, cause: Error & { readonly code?: string | undefined }) {
    super(`cannot listen on ${address.host}:${address.port}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

/** The names of which a peer's server must prove one; undefined: its service address. */
export type IdentitiesOf = (peer: ServiceAddress) => readonly CertificateName[] | undefined;

/** Certificates and key as PEM text. */
export interface TlsMaterial {
  /** The authority, or several, whose certificates are believed. */
  readonly caPem: string;
  /** Our certificate, for both ends, with those between it and the authority if there are any. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** The TLS files that a gateway was started with, and what was in them. */
export interface TlsSource {
  readonly files: TlsFiles;
  readonly material: TlsMaterial;
  /** Looks whether the files have changed. Never rejects. */
  stamps(): Promise<FileStamps>;
  /** What is in them now. Throws TlsFilesError. */
  read(): TlsMaterial;
}

/** The identity of a caller. */
export interface CallerIdentity {
  /** Whether the caller proved its names with a certificate that our authority signed. */
  readonly authenticated: boolean;
  /** Names in the certificate. Its common name is not among them. */
  readonly names: readonly CertificateName[];
  /** Source address of the connection, IPv4-mapped IPv6 as IPv4; undefined where it is no address that names anybody. */
  readonly source: IpAddress | undefined;
  /** For messages: address and port of the connection. */
  readonly from: string;
}

/** Decides who may come in. It is asked at every connection and every request, since peers come and go. */
export interface Doorkeeper {
  /** Number of configured peers with this service address: room is kept for their connections. */
  peersAt(source: IpAddress): number;
  /**
   * The service address of the peer that the caller is, under which its share of everything is counted. Throws
   * RpcError PERMISSION_DENIED for who is no peer; asked before any octet of a request is taken.
   */
  admit(caller: CallerIdentity): IpAddress;
}

/** Answers one request; throws RpcError for a status other than OK. Anything else thrown is INTERNAL. */
export type RpcHandler = (
  method: RpcMethod,
  request: Uint8Array,
  caller: CallerIdentity,
) => Promise<Uint8Array>;

export interface ControlTransport {
  /**
   * Serves on `address` (port 0: any free one), once, those whom `doorkeeper` admits. Requests larger than the limit
   * are refused before they are read. Rejects when the address cannot be bound. `observe` is told of callers that do not get in.
   */
  listen(
    address: ServiceAddress,
    handler: RpcHandler,
    doorkeeper: Doorkeeper,
    observe?: GatewayObserver,
  ): Promise<ServiceAddress>;

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

  /** Counters of the service's doors, if it has doors. */
  doors?(): DoorView | undefined;
  /**
   * The peer has started anew: calls to it that are under way end with CANCELLED, and further ones go over a connection of
   * their own, instead of one whose other end is gone or that is still being tried.
   */
  forget(peer: ServiceAddress): void;

  /** Ends connections of those whom the doorkeeper would not admit as what they were, and forgets what was kept of them. */
  peersChanged?(): void;
  /** Ends the connections of callers that are meant at once; gives how many. Absent, as above: the transport keeps none. */
  disconnect?(isMeant: (caller: CallerIdentity) => boolean): number;

  /**
   * New certificates for all connections from now on. With `endConnections` those that are up take no more calls, and end when
   * the calls under way have ended, or soon; and nobody gets in who was connecting. Otherwise they last as long as the
   * certificates that they were made with. Throws, and changes nothing, when the certificates cannot be used. Absent: the
   * transport has none.
   */
  reloadTls?(tls: TlsMaterial, options: { readonly endConnections: boolean }): void;

  /** Stops serving, ends calls that are under way. Idempotent. */
  close(): Promise<void>;
}
