/**
 * The tunnel service's messages as checked values. Bytes are checked here, at the door, all problems at once, and
 * trusted inside. Key material never appears in an error.
 *
 * Three generations of the messages exist: 2.7 asks for one tunnel per RPC; 2.8 numbers reverse_params 3 in
 * SingleTunnelRequest; 3.x puts inner_type there and reverse_params at 4. Field 3 has another wire type in the
 * one than in the other, so a decoder tells them apart by itself.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  AddressError,
  type IpAddress,
  type IpFamily,
  ipFamily,
  type MacAddress,
  parseIp,
  parseMac,
} from '../../packet/address.js';
import { keyLengthOctets, PSP_VERSION_MAX, type PspVersion, SPI_LOW_MASK } from '../../psp/header.js';
import { secretCopy } from '../../psp/secret.js';
import {
  KeyRotationRequest,
  KeyRotationResponse,
  MultiTunnelRequest,
  MultiTunnelResponse,
  NewTunnelRequest,
  NewTunnelResponse,
  type SingleTunnelRequest,
  TunnelParameters as WireTunnelParameters,
} from '../generated/psp_gateway.js';
import { decodeMessage, type MessageShape, NO_CHILDREN } from './message-structure.js';
import { RpcError } from './transport.js';

/** Parameters that a sender needs to reach one receiver. */
export interface TunnelParameters {
  /** The receiver's uplink. */
  readonly mac: MacAddress;
  readonly underlayIp: IpAddress;
  readonly pspVersion: PspVersion;
  readonly spi: number;
  /** 16 or 32 octets, by version. A decoded one is a copy: to wipe it leaves the message's bytes as they are. */
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
  /** Accepted versions in order of preference. */
  readonly versionsAccepted: readonly number[];
  readonly tunnels: readonly TunnelRequest[];
}

/** 2.8's tag of reverse_params: field 3, wire type 2 (length-delimited). */
const TAG_REVERSE_PARAMS_2_8 = (3 << 3) | 2;
/** So many problems are named; of the rest there is a count. */
const PROBLEMS_NAMED_MAX = 20;

/** After so many, the rest of the message is not looked at: an error costs more than what it is about. */
const PROBLEMS_COUNTED_MAX = 200;
/** Tunnels in one message, whatever size the transport lets through. */
const TUNNELS_MAX = 65_536;
/** PSP versions in one request; four are defined. */
const VERSIONS_MAX = 64;

const SINGLE_TUNNEL: MessageShape = new Map([
  [3, { field: 'reverse_params', shape: NO_CHILDREN, countMax: 1 }],
  [4, { field: 'reverse_params', shape: NO_CHILDREN, countMax: 1 }],
]);
const MULTI_REQUEST: MessageShape = new Map([
  [3, { field: 'tunnels', shape: SINGLE_TUNNEL, countMax: TUNNELS_MAX }],
]);
const MULTI_RESPONSE: MessageShape = new Map([
  [2, { field: 'tunnels_params', shape: NO_CHILDREN, countMax: TUNNELS_MAX }],
]);
const NEW_REQUEST: MessageShape = new Map([
  [5, { field: 'reverse_params', shape: NO_CHILDREN, countMax: 1 }],
]);
const NEW_RESPONSE: MessageShape = new Map([[2, { field: 'params', shape: NO_CHILDREN, countMax: 1 }]]);

/** Placeholders for values that were reported as wrong; `finish` throws before anybody sees them. */
const NO_IP = '0.0.0.0' as IpAddress;
const NO_MAC = '00:00:00:00:00:00' as MacAddress;

/** Checks the values of one message and collects what is wrong with it. */
class Checker {
  readonly #named: string[] = [];
  #count = 0;
  // A host gives the same uplink and underlay address for all of its tunnels.
  #mac: { readonly text: string; readonly value: MacAddress } | undefined;
  #underlayIp: { readonly text: string; readonly value: IpAddress } | undefined;

  add(field: string, reason: string): void {
    if (this.#named.length < PROBLEMS_NAMED_MAX) this.#named.push(`${field}: ${reason}`);
    if (++this.#count >= PROBLEMS_COUNTED_MAX) this.finish();
  }

  /** Throws RpcError when there were problems. */
  finish(): void {
    if (this.#count === 0) return;
    const more = this.#count - this.#named.length;
    const atLeast = this.#count >= PROBLEMS_COUNTED_MAX ? 'at least ' : '';
    const rest = more > 0 ? ` (and ${atLeast}${more} more)` : '';
    throw new RpcError('INVALID_ARGUMENT', this.#named.join('; ') + rest);
  }

  ip(text: string, field: string): IpAddress {
    return this.#parse(parseIp, text, field) ?? NO_IP;
  }

  underlayIp(text: string, field: string): IpAddress {
    if (this.#underlayIp?.text === text) return this.#underlayIp.value;
    const value = this.#parse(parseIp, text, field);
    if (value !== undefined) this.#underlayIp = { text, value };
    return value ?? NO_IP;
  }

  mac(text: string, field: string): MacAddress {
    if (this.#mac?.text === text) return this.#mac.value;
    const value = this.#parse(parseMac, text, field);
    if (value !== undefined) this.#mac = { text, value };
    return value ?? NO_MAC;
  }

  #parse<T>(parser: (text: string) => T, text: string, field: string): T | undefined {
    try {
      return parser(text);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      this.add(field, printable(error.message));
      return undefined;
    }
  }
}

/** A text from a peer, shortened and without control characters, so that it can stand in a log. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}

function checkParameters(wire: WireTunnelParameters, field: string, checker: Checker): TunnelParameters {
  const mac = checker.mac(wire.macAddr, `${field}.mac_addr`);
  const underlayIp = checker.underlayIp(wire.ipAddr, `${field}.ip_addr`);
  const version = wire.pspVersion;
  if (version > PSP_VERSION_MAX) checker.add(`${field}.psp_version`, `${version} is reserved`);
  else {
    const expected = keyLengthOctets(version as PspVersion);
    const actual = wire.encryptionKey.length;
    if (actual !== expected) {
      checker.add(`${field}.encryption_key`, `${actual} octets; version ${version} takes ${expected}`);
    }
  }
  if ((wire.spi & SPI_LOW_MASK) === 0) checker.add(`${field}.spi`, 'the low 31 bits must not be zero');
  // Zero comes from peers that do not know the field; the address says it all.
  if (wire.encapType !== 0 && wire.encapType !== ipFamily(underlayIp)) {
    checker.add(`${field}.encap_type`, `${wire.encapType} does not go with ip_addr ${underlayIp}`);
  }
  return {
    mac,
    underlayIp,
    pspVersion: version as PspVersion,
    spi: wire.spi,
    // A view would keep the whole message, and what the transport read it into, for as long as the key lives.
    key: secretCopy(wire.encryptionKey),
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

function checkVersions(versions: readonly number[], checker: Checker): void {
  if (versions.length > VERSIONS_MAX) {
    checker.add('psp_versions_accepted', `${versions.length} of them; at most ${VERSIONS_MAX} are looked at`);
  }
}

function checkTunnel(
  virtSrcIp: string,
  virtDstIp: string,
  reverse: WireTunnelParameters | undefined,
  innerType: number,
  field: string,
  checker: Checker,
): TunnelRequest {
  const virtSource = checker.ip(virtSrcIp, `${field}virt_src_ip`);
  const virtDestination = checker.ip(virtDstIp, `${field}virt_dst_ip`);
  const family: IpFamily = ipFamily(virtSource);
  if (family !== ipFamily(virtDestination)) {
    checker.add(`${field}virt_dst_ip`, `${virtDestination} is not of the family of ${virtSource}`);
  }
  if (innerType !== 0 && innerType !== family) {
    checker.add(`${field}inner_type`, `${innerType} does not go with virt_src_ip ${virtSource}`);
  }
  return {
    virtSource,
    virtDestination,
    reverse: reverse === undefined ? undefined : checkParameters(reverse, `${field}reverse_params`, checker),
  };
}

/** Limit on a tunnel in a message, in all dialects, and on the rest of a message. */
const TUNNEL_OCTETS = 256;
const MESSAGE_OCTETS = 1024;

/**
 * A message with keys in it, encoded; the caller wipes it once it is sent. The writer's own memory is large enough to begin
 * with, so that it leaves no smaller one behind, and is overwritten: each reservation is a field that nobody takes.
 */
function encodeSecret(tunnels: number, write: (writer: BinaryWriter) => BinaryWriter): Uint8Array {
  const writer = new BinaryWriter();
  const reserve = () => writer.raw(new Uint8Array(MESSAGE_OCTETS + tunnels * TUNNEL_OCTETS)).finish();
  reserve();
  const octets = write(writer).finish();
  reserve();
  return octets;
}

/** RequestMultipleTunnelParams: a request in the given form. */
export function encodeMultiTunnelRequest(dialect: '2.8' | '3.x', request: TunnelsRequest): Uint8Array {
  const early: Uint8Array[] = [];
  const tunnels = request.tunnels.map((tunnel): SingleTunnelRequest => {
    const reverse = tunnel.reverse === undefined ? undefined : toWire(tunnel.reverse);
    let own: Uint8Array | undefined;
    if (dialect === '2.8' && reverse !== undefined) {
      // An unknown field's raw value begins with its length.
      own = encodeSecret(1, (writer) => WireTunnelParameters.encode(reverse, writer.fork()).join());
      early.push(own);
    }
    return {
      virtSrcIp: tunnel.virtSource,
      virtDstIp: tunnel.virtDestination,
      innerType: dialect === '2.8' ? 0 : ipFamily(tunnel.virtSource),
      reverseParams: own === undefined ? reverse : undefined,
      _unknownFields: own === undefined ? undefined : { [TAG_REVERSE_PARAMS_2_8]: [own] },
    };
  });
  const message = {
    requestId: request.requestId,
    pspVersionsAccepted: [...request.versionsAccepted],
    tunnels,
  };
  const octets = encodeSecret(tunnels.length, (writer) => MultiTunnelRequest.encode(message, writer));
  for (const part of early) part.fill(0);
  return octets;
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
  const wire = decodeMessage(MultiTunnelRequest, octets, 'a MultiTunnelRequest', MULTI_REQUEST);
  const checker = new Checker();
  checkVersions(wire.pspVersionsAccepted, checker);
  let dialect: '2.8' | '3.x' | undefined;
  const tunnels = wire.tunnels.map((tunnel, i) => {
    let reverse = tunnel.reverseParams;
    const early = tunnel._unknownFields?.[TAG_REVERSE_PARAMS_2_8]?.at(-1);
    if (early !== undefined) {
      dialect = '2.8';
      if (reverse !== undefined || tunnel.innerType !== 0) {
        checker.add(`tunnels[${i}].reverse_params`, 'in the form of 2.8 and in that of 3.x at once');
      }
      reverse = decodeMessage(WireTunnelParameters, withoutLength(early), `a tunnels[${i}].reverse_params`);
    } else if (reverse !== undefined || tunnel.innerType !== 0) dialect ??= '3.x';
    return checkTunnel(
      tunnel.virtSrcIp,
      tunnel.virtDstIp,
      reverse,
      tunnel.innerType,
      `tunnels[${i}].`,
      checker,
    );
  });
  checker.finish();
  return { requestId: wire.requestId, versionsAccepted: wire.pspVersionsAccepted, tunnels, dialect };
}

export function encodeMultiTunnelResponse(
  requestId: bigint,
  parameters: readonly TunnelParameters[],
): Uint8Array {
  const message = { requestId, tunnelsParams: parameters.map(toWire) };
  return encodeSecret(parameters.length, (writer) => MultiTunnelResponse.encode(message, writer));
}

/**
 * An answer names the request that it answers. One that names none (0, which no request of ours has) is taken for an
 * answer to what was asked on that stream.
 */
function checkRequestId(answered: bigint, requestId: bigint | undefined, checker: Checker): void {
  if (requestId !== undefined && answered !== 0n && answered !== requestId) {
    checker.add('request_id', `${answered}; the request was ${requestId}`);
  }
}

/** Checks an answer to a request for `count` tunnels; `requestId` absent: to any. */
export function decodeMultiTunnelResponse(
  octets: Uint8Array,
  count: number,
  requestId?: bigint,
): TunnelParameters[] {
  const wire = decodeMessage(MultiTunnelResponse, octets, 'a MultiTunnelResponse', MULTI_RESPONSE);
  const checker = new Checker();
  checkRequestId(wire.requestId, requestId, checker);
  if (wire.tunnelsParams.length !== count) {
    checker.add('tunnels_params', `${wire.tunnelsParams.length} of them; ${count} tunnels were asked for`);
  }
  const parameters = wire.tunnelsParams.map((one, i) =>
    checkParameters(one, `tunnels_params[${i}]`, checker),
  );
  checker.finish();
  return parameters;
}

/** RequestTunnelParams of 2.7. */
export function encodeNewTunnelRequest(
  requestId: bigint,
  versionsAccepted: readonly number[],
  tunnel: TunnelRequest,
): Uint8Array {
  const message = {
    requestId,
    pspVersionsAccepted: [...versionsAccepted],
    virtSrcIp: tunnel.virtSource,
    virtDstIp: tunnel.virtDestination,
    reverseParams: tunnel.reverse === undefined ? undefined : toWire(tunnel.reverse),
  };
  return encodeSecret(1, (writer) => NewTunnelRequest.encode(message, writer));
}

export function decodeNewTunnelRequest(octets: Uint8Array): TunnelsRequest {
  const wire = decodeMessage(NewTunnelRequest, octets, 'a NewTunnelRequest', NEW_REQUEST);
  const checker = new Checker();
  checkVersions(wire.pspVersionsAccepted, checker);
  const tunnel = checkTunnel(wire.virtSrcIp, wire.virtDstIp, wire.reverseParams, 0, '', checker);
  checker.finish();
  return { requestId: wire.requestId, versionsAccepted: wire.pspVersionsAccepted, tunnels: [tunnel] };
}

export function encodeNewTunnelResponse(requestId: bigint, parameters: TunnelParameters): Uint8Array {
  const message = { requestId, params: toWire(parameters) };
  return encodeSecret(1, (writer) => NewTunnelResponse.encode(message, writer));
}

/** Likewise, of 2.7. */
export function decodeNewTunnelResponse(octets: Uint8Array, requestId?: bigint): TunnelParameters {
  const wire = decodeMessage(NewTunnelResponse, octets, 'a NewTunnelResponse', NEW_RESPONSE);
  const checker = new Checker();
  checkRequestId(wire.requestId, requestId, checker);
  if (wire.params === undefined) checker.add('params', 'missing');
  const parameters = checkParameters(
    wire.params ?? WireTunnelParameters.decode(new Uint8Array()),
    'params',
    checker,
  );
  checker.finish();
  return parameters;
}

export function encodeKeyRotationRequest(requestId: bigint, issueNewKeys: boolean): Uint8Array {
  return KeyRotationRequest.encode({ requestId, issueNewKeys }).finish();
}

export function decodeKeyRotationRequest(octets: Uint8Array): { requestId: bigint; issueNewKeys: boolean } {
  const { requestId, issueNewKeys } = decodeMessage(KeyRotationRequest, octets, 'a KeyRotationRequest');
  return { requestId, issueNewKeys };
}

export function encodeKeyRotationResponse(requestId: bigint): Uint8Array {
  return KeyRotationResponse.encode({ requestId }).finish();
}
