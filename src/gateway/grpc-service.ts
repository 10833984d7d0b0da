/** The PSP_Gateway service as gRPC sees it: paths, status codes, and payloads that stay bytes. */
import { type ServiceDefinition, status } from '@grpc/grpc-js';
import type { RpcCode, RpcMethod } from './transport.js';

const SERVICE = 'psp_gateway.PSP_Gateway';

export const RPC_METHODS: readonly RpcMethod[] = [
  'RequestMultipleTunnelParams',
  'RequestTunnelParams',
  'RequestKeyRotation',
  'SetOpState',
  'GetOpState',
];

export function methodPath(method: RpcMethod): string {
  return `/${SERVICE}/${method}`;
}

/** gRPC wants Buffers; this is the same memory. */
export function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}

export function asIs(octets: Buffer): Buffer {
  return octets;
}

export const SERVICE_DEFINITION: ServiceDefinition = Object.fromEntries(
  RPC_METHODS.map((method) => [
    method,
    {
      path: methodPath(method),
      requestStream: false,
      responseStream: false,
      requestSerialize: toBuffer,
      requestDeserialize: asIs,
      responseSerialize: toBuffer,
      responseDeserialize: asIs,
    },
  ]),
);

const STATUS_OF_CODE: Readonly<Record<RpcCode, status>> = {
  CANCELLED: status.CANCELLED,
  UNKNOWN: status.UNKNOWN,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  NOT_FOUND: status.NOT_FOUND,
  ALREADY_EXISTS: status.ALREADY_EXISTS,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  RESOURCE_EXHAUSTED: status.RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION: status.FAILED_PRECONDITION,
  ABORTED: status.ABORTED,
  UNIMPLEMENTED: status.UNIMPLEMENTED,
  INTERNAL: status.INTERNAL,
  UNAVAILABLE: status.UNAVAILABLE,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
};

const CODE_OF_STATUS = new Map(
  Object.entries(STATUS_OF_CODE).map(([code, number]) => [number, code as RpcCode]),
);

export function statusOfCode(code: RpcCode): status {
  return STATUS_OF_CODE[code];
}

/** gRPC's status as one of ours; those that we do not use are UNKNOWN. */
export function codeOfStatus(number: status): RpcCode {
  return CODE_OF_STATUS.get(number) ?? 'UNKNOWN';
}
