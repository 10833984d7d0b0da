/**
 * A look over a message's bytes before anything is built from them (protobuf encoding specification, "Message
 * Structure"). The generated decoder does not mind fields that run over the end of their message and keeps every field
 * that it does not know, so that a few octets could become many objects; here each message must be well-formed,
 * and the number of its parts bounded.
 */

import { RpcError } from './transport.js';

/** The fields of a message that are messages themselves, by number. */
export type MessageShape = ReadonlyMap<number, ChildShape>;

export interface ChildShape {
  /** The field's name, for errors. */
  readonly field: string;
  readonly shape: MessageShape;
  /** Limit on repetitions in one message; 1 for a field that is not repeated. */
  readonly countMax: number;
}

/** Of a message none of whose fields is a message. */
export const NO_CHILDREN: MessageShape = new Map();

/** Bytes that are not the expected message: the place, and the reason. */
export class MessageStructureError extends Error {
  override readonly name = 'MessageStructureError';
}

const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
const WIRE_LENGTH_DELIMITED = 2;
const WIRE_32_BIT = 5;
const VARINT_OCTETS_MAX = 10;
/** A tag or a length: at most 32 bits. */
const VARINT32_OCTETS_MAX = 5;
/** Fields of one message, those of later releases among them, but not counting the children. */
const FIELDS_MAX = 64;

/** Throws MessageStructureError, which names the field, unless `octets` have the structure of `shape`. */
export function checkMessageStructure(octets: Uint8Array, shape: MessageShape): void {
  new Walk(octets).message(shape, octets.length, '');
}

/**
 * The message, once its structure is right.
 * @param what with its article, for the error
 * Throws RpcError INVALID_ARGUMENT.
 */
export function decodeMessage<T>(
  codec: { decode(octets: Uint8Array): T },
  octets: Uint8Array,
  what: string,
  shape: MessageShape = NO_CHILDREN,
): T {
  try {
    checkMessageStructure(octets, shape);
    return codec.decode(octets);
  } catch (error) {
    const reason =
      error instanceof MessageStructureError ? error.message : 'the bytes are not valid protobuf';
    throw new RpcError('INVALID_ARGUMENT', `not ${what}: ${reason}`);
  }
}

class Walk {
  #at = 0;

  constructor(readonly octets: Uint8Array) {}

  message(shape: MessageShape, end: number, path: string): void {
    const counts = new Map<number, number>();
    let fields = 0;
    while (this.#at < end) {
      const tag = this.#varint32(end, path);
      const field = tag >>> 3;
      if (field === 0) fail(path, 'a field has number 0');
      const child = shape.get(field);
      const isMessage = child !== undefined && (tag & 7) === WIRE_LENGTH_DELIMITED;
      if (!isMessage) {
        if (++fields > FIELDS_MAX) fail(path, `more than ${FIELDS_MAX} fields`);
        this.#skip(tag & 7, end, path);
        continue;
      }
      const index = counts.get(field) ?? 0;
      if (index >= child.countMax) fail(`${path}${child.field}`, `more than ${child.countMax}`);
      counts.set(field, index + 1);
      const length = this.#length(end, path);
      const at = child.countMax === 1 ? child.field : `${child.field}[${index}]`;
      this.message(child.shape, this.#at + length, `${path}${at}.`);
    }
  }

  #skip(wireType: number, end: number, path: string): void {
    if (wireType === WIRE_VARINT) this.#varint(end, path);
    else if (wireType === WIRE_64_BIT) this.#at += 8;
    else if (wireType === WIRE_32_BIT) this.#at += 4;
    else if (wireType === WIRE_LENGTH_DELIMITED) {
      const length = this.#length(end, path);
      this.#at += length;
    } else fail(path, `a field has wire type ${wireType}, which is not in use`);
    if (this.#at > end) fail(path, 'a field runs over the end');
  }

  #length(end: number, path: string): number {
    const length = this.#varint32(end, path);
    if (length > end - this.#at) fail(path, 'a field runs over the end');
    return length;
  }

  #varint32(end: number, path: string): number {
    let value = 0;
    for (let i = 0; i < VARINT32_OCTETS_MAX && this.#at < end; i++) {
      const octet = this.octets[this.#at++]!;
      value += (octet & 0x7f) * 2 ** (7 * i);
      if (octet < 0x80) return value <= 0xffffffff ? value : fail(path, 'a tag or length is too large');
    }
    return fail(path, 'a tag or length does not end');
  }

  #varint(end: number, path: string): void {
    for (let i = 0; i < VARINT_OCTETS_MAX && this.#at < end; i++) {
      if (this.octets[this.#at++]! < 0x80) return;
    }
    fail(path, 'a number does not end');
  }
}

function fail(path: string, reason: string): never {
  throw new MessageStructureError(`${path === '' ? 'message' : path.replace(/\.$/, '')}: ${reason}`);
}
