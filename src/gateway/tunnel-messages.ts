/**
 * The tunnel service's messages as checked values. Bytes are checked here, at the door, all problems at once, and
 * trusted inside. Key material never appears in an error.
 *
 * Three generations of the messages exist: 2.7 asks for one tunnel per RPC; 2.8 numbers reverse_params 3 in
 * SingleTunnelRequest; 3.x puts inner_type there and reverse_params at 4. Field 3 has another wire type in the
 * one than in the other, so a decoder tells them apart by itself.
 */
import {
  AddressError,
  type IpAddress,
  type IpFamily,
  ipFamily,
  type MacAddress,
  parseIp,
  parseMac,
} from '../packet/address.js';
import { checkMessageStructure, type MessageShape, MessageStructureError } from './message-structure.js';
import { keyLengthOctets, PSP_VERSION_MAX, type PspVersion, SPI_LOW_MASK } from '../psp/header.js';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  KeyRotationRequest,
  KeyRotationResponse,
  MultiTunnelRequest,
  MultiTunnelResponse,
  NewTunnelRequest,
  NewTunnelResponse,
  type SingleTunnelRequest,
  TunnelParameters as WireTunnelParameters,
} from './generated/psp_gateway.js';
import { RpcError } from './transport.js';

/** What a sender needs to reach one receiver. */
export interface TunnelParameters {
  /** The receiver's uplink. */
  readonly mac: MacAddress;
  readonly underlayIp: IpAddress;
  readonly pspVersion: PspVersion;
  readonly spi: number;
  /** 16 or 32 octets, by version. */
  readonly key: Uint8Array;
  /** The cookie that the receiver wants to see; 0: none. */
  readonly cookie: bigint;
}

/** One pair of virtual addresses, as the requester sees it, and how to reach the requester. */
export interface TunnelRequest {
  readonly virtSource: IpAddress;
  readonly virtDestination: IpAddress;
  readonly reverse: TunnelParameters | undefined;
}

export interface TunnelsRequest {
  readonly requestId: bigint;
  /** In order of preference. */
  readonly versionsAccepted: readonly number[];
  readonly tunnels: readonly TunnelRequest[];
}

/** 2.8's tag of reverse_params: field 3, wire type 2 (length-delimited). */
const TAG_REVERSE_PARAMS_2_8 = (3 << 3) | 2;
/** So many problems are named; of the rest there is a count. */
const PROBLEMS_NAMED_MAX = 20;
/** After so many, the rest of the message is not looked at. */
const PROBLEMS_COUNTED_MAX = 1000;
/** Tunnels of one message, whatever the size limit of the transport. */
const TUNNELS_MAX = 65_536;

const NO_CHILDREN: MessageShape['children'] = new Map();
const LEAF: MessageShape = { name: '', children: NO_CHILDREN };

  /** Throws RpcError when there were any. */
  check(): void {
    if (this.#count === 0) return;
    const more = this.#count > this.#list.length ? ` (and ${this.#count - this.#list.length} more)` : '';
    throw new RpcError('INVALID_ARGUMENT', this.#list.join('; ') + more);
  }
}

/** Placeholders for values that were reported as wrong; `check` throws before anybody sees them. */
const NO_IP = '0.0.0.0' as IpAddress;
const NO_MAC = '00:00:00:00:00:00' as MacAddress;

function ip(text: string, field: string, problems: Problems): IpAddress {
  try {
    return parseIp(text);
  } catch (error) {
    problems.add(field, error instanceof AddressError ? printable(error.message) : 'not an IP address');
    return NO_IP;
  }
}

function mac(text: string, field: string, problems: Problems): MacAddress {
  try {
    return parseMac(text);
  } catch (error) {
    problems.add(field, error instanceof AddressError ? printable(error.message) : 'not a MAC address');
    return NO_MAC;
  }
}

/** What a peer sent, short and without control characters, so that it can stand in a log. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}

function checkParameters(wire: WireTunnelParameters, field: string, problems: Problems): TunnelParameters {
  const underlayIp = ip(wire.ipAddr, `${field}.ip_addr`, problems);
  const version = wire.pspVersion;
  if (version > PSP_VERSION_MAX) problems.add(`${field}.psp_version`, `${version} is reserved`);
  else {
    const expected = keyLengthOctets(version as PspVersion);
    if (wire.encryptionKey.length !== expected) {
      problems.add(
        `${field}.encryption_key`,
        `${wire.encryptionKey.length} octets; version ${version} takes ${expected}`,
      );
    }
  }
  if ((wire.spi & SPI_LOW_MASK) === 0) problems.add(`${field}.spi`, 'the low 31 bits must not be zero');
  if (wire.encapType !== ipFamily(underlayIp)) {
    problems.add(`${field}.encap_type`, `${wire.encapType} does not go with ip_addr ${underlayIp}`);
  }
  return {
    mac: mac(wire.macAddr, `${field}.mac_addr`, problems),
    underlayIp,
    pspVersion: version as PspVersion,
    spi: wire.spi,
    key: wire.encryptionKey,
    cookie: wire.virtCookie,
  };
}

function toWire(parameters: TunnelParameters): WireTunnelParameters {
  return {
    macAddr: parameters.mac,
    ipAddr: parameters.underlayIp,
    pspVersion: parameters.pspVersion,
    spi: parameters.spi,
    encryptionKey: parameters.key,
    virtCookie: parameters.cookie,
    encapType: ipFamily(parameters.underlayIp),
  };
}

function checkTunnel(
  virtSrcIp: string,
  virtDstIp: string,
  reverse: WireTunnelParameters | undefined,
  innerType: number,
  field: string,
  problems: Problems,
): TunnelRequest {
  const virtSource = ip(virtSrcIp, `${field}virt_src_ip`, problems);
  const virtDestination = ip(virtDstIp, `${field}virt_dst_ip`, problems);
  const family: IpFamily = ipFamily(virtSource);
  if (family !== ipFamily(virtDestination)) {
    problems.add(`${field}virt_dst_ip`, `${virtDestination} is not of the family of ${virtSource}`);
  }
  if (innerType !== 0 && innerType !== family) {
    problems.add(`${field}inner_type`, `${innerType} does not go with virt_src_ip ${virtSource}`);
  }
  return {
    virtSource,
    virtDestination,
    reverse: reverse === undefined ? undefined : checkParameters(reverse, `${field}reverse_params`, problems),
  };
}

function decode<T>(codec: { decode(octets: Uint8Array): T }, octets: Uint8Array, name: string): T {
  try {
    return codec.decode(octets);
  } catch {
    throw new RpcError('INVALID_ARGUMENT', `not a ${name}: the bytes are not valid protobuf`);
  }
}

/** RequestMultipleTunnelParams: a request in the given form. */
export function encodeMultiTunnelRequest(dialect: '2.8' | '3.x', request: TunnelsRequest): Uint8Array {
  const tunnels = request.tunnels.map((tunnel): SingleTunnelRequest => {
    const reverseParams = tunnel.reverse === undefined ? undefined : toWire(tunnel.reverse);
    const addresses = { virtSrcIp: tunnel.virtSource, virtDstIp: tunnel.virtDestination };
    if (dialect === '3.x') return { ...addresses, innerType: ipFamily(tunnel.virtSource), reverseParams };
    const _unknownFields =
      reverseParams === undefined
        ? {}
        : {
            [TAG_REVERSE_PARAMS_2_8]: [lengthDelimited(WireTunnelParameters.encode(reverseParams).finish())],
          };
    return { ...addresses, innerType: 0, reverseParams: undefined, _unknownFields };
  });
  return MultiTunnelRequest.encode({
    requestId: request.requestId,
    pspVersionsAccepted: [...request.versionsAccepted],
    tunnels,
  }).finish();
}

/** Length, then the octets, as an unknown field's raw value holds them. */
function lengthDelimited(octets: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = octets.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  const out = new Uint8Array(length.length + octets.length);
  out.set(length);
  out.set(octets, length.length);
  return out;
}

/** The octets of an unknown length-delimited field, without the length before them. */
function withoutLength(raw: Uint8Array): Uint8Array {
  let at = 0;
  while ((raw[at]! & 0x80) !== 0) at++;
  return raw.subarray(at + 1);
}

/** Checks a request; `dialect` is the form that it showed, undefined when it fits both. */
export function decodeMultiTunnelRequest(
  octets: Uint8Array,
): TunnelsRequest & { readonly dialect: '2.8' | '3.x' | undefined } {
  const wire = decode(MultiTunnelRequest, octets, 'MultiTunnelRequest');
  const problems = new Problems();
  let dialect: '2.8' | '3.x' | undefined;
  const tunnels = wire.tunnels.map((tunnel, i) => {
    let reverse = tunnel.reverseParams;
    const early = tunnel._unknownFields?.[TAG_REVERSE_PARAMS_2_8]?.at(-1);
    if (early !== undefined) {
      dialect = '2.8';
      reverse = decode(WireTunnelParameters, withoutLength(early), `tunnels[${i}].reverse_params`);
    } else if (reverse !== undefined || tunnel.innerType !== 0) dialect ??= '3.x';
    return checkTunnel(
      tunnel.virtSrcIp,
      tunnel.virtDstIp,
      reverse,
      tunnel.innerType,
      `tunnels[${i}].`,
      problems,
    );
  });
  problems.check();
  return { requestId: wire.requestId, versionsAccepted: wire.pspVersionsAccepted, tunnels, dialect };
}

export function encodeMultiTunnelResponse(
  requestId: bigint,
  parameters: readonly TunnelParameters[],
): Uint8Array {
  return MultiTunnelResponse.encode({ requestId, tunnelsParams: parameters.map(toWire) }).finish();
}

/** Checks an answer to a request for `count` tunnels. */
export function decodeMultiTunnelResponse(octets: Uint8Array, count: number): TunnelParameters[] {
  const wire = decode(MultiTunnelResponse, octets, 'MultiTunnelResponse');
  const problems = new Problems();
  if (wire.tunnelsParams.length !== count) {
    problems.add('tunnels_params', `${wire.tunnelsParams.length} of them; ${count} tunnels were asked for`);
  }
  const parameters = wire.tunnelsParams.map((one, i) =>
    checkParameters(one, `tunnels_params[${i}]`, problems),
  );
  problems.check();
  return parameters;
}

/** RequestTunnelParams of 2.7. */
export function encodeNewTunnelRequest(
  requestId: bigint,
  versionsAccepted: readonly number[],
  tunnel: TunnelRequest,
): Uint8Array {
  return NewTunnelRequest.encode({
    requestId,
    pspVersionsAccepted: [...versionsAccepted],
    virtSrcIp: tunnel.virtSource,
    virtDstIp: tunnel.virtDestination,
    reverseParams: tunnel.reverse === undefined ? undefined : toWire(tunnel.reverse),
  }).finish();
}

export function decodeNewTunnelRequest(octets: Uint8Array): TunnelsRequest {
  const wire = decode(NewTunnelRequest, octets, 'NewTunnelRequest');
  const problems = new Problems();
  const tunnel = checkTunnel(wire.virtSrcIp, wire.virtDstIp, wire.reverseParams, 0, '', problems);
  problems.check();
  return { requestId: wire.requestId, versionsAccepted: wire.pspVersionsAccepted, tunnels: [tunnel] };
}

export function encodeNewTunnelResponse(requestId: bigint, parameters: TunnelParameters): Uint8Array {
  return NewTunnelResponse.encode({ requestId, params: toWire(parameters) }).finish();
}

export function decodeNewTunnelResponse(octets: Uint8Array): TunnelParameters {
  const wire = decode(NewTunnelResponse, octets, 'NewTunnelResponse');
  const problems = new Problems();
  if (wire.params === undefined) problems.add('params', 'missing');
  const parameters = checkParameters(
    wire.params ?? WireTunnelParameters.decode(new Uint8Array()),
    'params',
    problems,
  );
  problems.check();
  return parameters;
}

export function encodeKeyRotationRequest(requestId: bigint, issueNewKeys: boolean): Uint8Array {
  return KeyRotationRequest.encode({ requestId, issueNewKeys }).finish();
}

export function decodeKeyRotationRequest(octets: Uint8Array): { requestId: bigint; issueNewKeys: boolean } {
  const { requestId, issueNewKeys } = decode(KeyRotationRequest, octets, 'KeyRotationRequest');
  return { requestId, issueNewKeys };
}

export function encodeKeyRotationResponse(requestId: bigint): Uint8Array {
  return KeyRotationResponse.encode({ requestId }).finish();
}
