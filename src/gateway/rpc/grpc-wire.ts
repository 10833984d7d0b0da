/**
 * gRPC over HTTP/2 as far as unary calls need it (the gRPC project's "PROTOCOL-HTTP2" document): messages with a
 * prefix of five octets, the status in trailers, the deadline in a header. No compression: tunnel parameters are random.
 */
import { RpcError } from './transport.js';

export const CONTENT_TYPE = 'application/grpc+proto';
export const PREFIX_OCTETS = 5;
/** Limit on a peer's text in a status, which goes to logs. */
const DETAILS_CHARACTERS_MAX = 512;
/** Longest deadline that the header's eight digits can express in milliseconds. */
const TIMEOUT_MS_MAX = 99_999_999;

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** A message behind its prefix, in memory of its own. */
export function framed(message: Uint8Array): Buffer {
  const octets = Buffer.allocUnsafeSlow(PREFIX_OCTETS + message.length);
  octets[0] = 0;
  octets.writeUInt32BE(message.length, 1);
  octets.set(message, PREFIX_OCTETS);
  return octets;
}

/**
 * Takes the one message of a unary call out of its DATA frames. Room is asked for as soon as the prefix says how long
 * the message is, and each octet is copied once, so that none of the receive buffers stays.
 */
export class MessageReader {
  readonly #prefix = Buffer.alloc(PREFIX_OCTETS);
  #prefixOctets = 0;
  #message: Buffer | undefined;
  #at = 0;

  /** `reserve` says whether there is room for so many octets; it is asked once. */
  constructor(
    private readonly octetsMax: number,
    private readonly reserve: (octets: number) => boolean,
  ) {}

  /** The message's length, once it is known and has been reserved. */
  get reserved(): number {
    return this.#message?.length ?? 0;
  }

  /** Throws RpcError for what is no message, not one alone, or too large. */
  write(chunk: Uint8Array): void {
    let at = 0;
    if (this.#message === undefined) {
      at = Math.min(chunk.length, PREFIX_OCTETS - this.#prefixOctets);
      this.#prefix.set(chunk.subarray(0, at), this.#prefixOctets);
      this.#prefixOctets += at;
      if (this.#prefixOctets < PREFIX_OCTETS) return;
      this.#message = this.#begin();
    }
    const rest = chunk.length - at;
    if (rest > this.#message.length - this.#at) {
      throw new RpcError('INTERNAL', 'more octets than the one message of a unary call');
    }
    this.#message.set(chunk.subarray(at), this.#at);
    this.#at += rest;
    // There are keys in it, and nobody else has this part of a receive buffer.
    chunk.fill(0);
  }

  /** Overwrites what has come, which nobody will take. */
  wipe(): void {
    this.#message?.fill(0);
  }

  /** The message, at the end of the stream. Throws RpcError when it is not whole. */
  finish(): Buffer {
    if (this.#message === undefined || this.#at < this.#message.length) {
      throw new RpcError('INTERNAL', 'the stream ended before its message did');
    }
    return this.#message;
  }

  #begin(): Buffer {
    if (this.#prefix[0] !== 0) throw new RpcError('UNIMPLEMENTED', 'compressed messages are not understood');
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.octetsMax) {
      throw new RpcError(
        'RESOURCE_EXHAUSTED',
        `a message of ${length} octets; at most ${this.octetsMax} are taken`,
      );
    }
    if (!this.reserve(length)) {
      throw new RpcError('RESOURCE_EXHAUSTED', 'too many octets of messages are under way; try again later');
    }
    // Not touched before octets come: memory that is only announced costs nobody anything.
    return Buffer.allocUnsafeSlow(length);
  }
}

/** A deadline as the grpc-timeout header writes it. */
export function timeoutText(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  return whole <= TIMEOUT_MS_MAX ? `${whole}m` : `${Math.ceil(whole / 1000)}S`;
}

/** A grpc-timeout header in milliseconds; undefined for one that is malformed. */
export function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2]!]!;
}

/** A status message as the grpc-message header carries it: percent-encoded UTF-8. */
export function encodeDetails(details: string): string {
  let text = '';
  for (const octet of Buffer.from(details.slice(0, DETAILS_CHARACTERS_MAX))) {
    const plain = octet >= 0x20 && octet <= 0x7e && octet !== 0x25;
    text += plain ? String.fromCharCode(octet) : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

/** The other way round, for logs: of bounded length and without control characters. */
export function decodeDetails(text: string): string {
  const encoded = text.slice(0, 3 * DETAILS_CHARACTERS_MAX);
  const octets: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const hex = encoded[at] === '%' ? encoded.slice(at + 1, at + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      octets.push(Number.parseInt(hex, 16));
      at += 2;
    } else octets.push(encoded.charCodeAt(at) & 0xff);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
  return Buffer.from(octets).toString('utf8').slice(0, DETAILS_CHARACTERS_MAX).replace(controls, ' ');
}
