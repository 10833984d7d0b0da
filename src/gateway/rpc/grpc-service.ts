/** The services in gRPC's terms: paths and status codes. */
import { type PeerRpc, RPC_METHODS, type RpcCode, type RpcMethod } from './transport.js';

const SERVICE = 'psp_gateway.PSP_Gateway';
/** The service with which gateways of this program call each other. */
const PEER_SERVICE = 'psp_gateway_peer.PSP_Gateway_Peer';
const PEER_RPCS: Readonly<Record<PeerRpc, true>> = { Announce: true, Compare: true };

const METHOD_OF_PATH: ReadonlyMap<string, RpcMethod> = new Map(
  RPC_METHODS.map((method) => [methodPath(method), method]),
);

export function methodPath(method: RpcMethod): string {
  return `/${method in PEER_RPCS ? PEER_SERVICE : SERVICE}/${method}`;
}

/** The method that is called under an HTTP/2 path; undefined when there is none. */
export function methodOfPath(path: string | undefined): RpcMethod | undefined {
  return path === undefined ? undefined : METHOD_OF_PATH.get(path);
}

/** gRPC's numbers of the status codes in use; 0 is OK. */
const STATUS_OF_CODE: Readonly<Record<RpcCode, number>> = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
};

const CODE_OF_STATUS = new Map(
  Object.entries(STATUS_OF_CODE).map(([code, number]) => [number, code as RpcCode]),
);

export function statusOfCode(code: RpcCode): number {
  return STATUS_OF_CODE[code];
}

/** gRPC's status as one of ours; those that we do not use are UNKNOWN. */
export function codeOfStatus(number: number): RpcCode {
  return CODE_OF_STATUS.get(number) ?? 'UNKNOWN';
}
