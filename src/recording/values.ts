/** Values in recordings: JSON, with objects of one member for what JSON has not. */

import { OwnLimitError, type ProblemKind, type RpcCode, RpcError } from '../gateway/rpc/transport.js';
import { type DocaErrorName, HalError, type HalErrorPlace } from '../hal/errors.js';

/** Values within each other. */
export const DEPTH_MAX = 32;

const OCTETS = '$hex';
const INTEGER = '$int';
const NUMBER = '$number';
const WORDS = '$u32';

/** A value of a recording that cannot be read. */
export class ValueError extends Error {
  override readonly name = 'ValueError';
}

export const hexOf = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');

/** Plain data as JSON can carry it. What is undefined is left out. */
export function encoded(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return { [INTEGER]: String(value) };
    case 'number':
      return Number.isFinite(value) ? value : { [NUMBER]: String(value) };
    case 'object':
      break;
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
  if (value === null) return null;
  if (value instanceof Uint32Array) return { [WORDS]: [...value] };
  if (value instanceof Uint8Array) return { [OCTETS]: hexOf(value) };
  if (Array.isArray(value)) return value.map((one) => encoded(one) ?? null);
  if (value instanceof Error) return encodedError(value);
  const plain: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = encoded((value as Record<string, unknown>)[name]);
    if (member !== undefined) plain[name] = member;
  }
  return plain;
}

/** What `encoded` was given. Throws ValueError. */
export function decoded(value: unknown, depth = DEPTH_MAX): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw new ValueError(`is deeper than ${DEPTH_MAX} values within each other`);
  if (Array.isArray(value)) return value.map((one) => decoded(one, depth - 1));
  const members = Object.entries(value);
  if (members.length === 1) {
    const [name, content] = members[0]!;
    if (name === OCTETS) return octetsOf(content);
    if (name === INTEGER) {
      if (typeof content !== 'string' || !/^-?\d{1,40}$/.test(content))
        throw new ValueError(`${INTEGER} is no integer`);
      return BigInt(content);
    }
    if (name === NUMBER) return Number(content);
    if (name === WORDS) {
      if (!Array.isArray(content)) throw new ValueError(`${WORDS} is no list`);
      return Uint32Array.from(content as number[]);
    }
  }
  return Object.fromEntries(members.map(([name, member]) => [name, decoded(member, depth - 1)]));
}

/** Octets that stand as hexadecimal digits. Throws ValueError. */
export function octetsOf(text: unknown): Uint8Array {
  if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text))
    throw new ValueError('octets are not written as pairs of hexadecimal digits');
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** An error in a recording. */
export interface ErrorShape {
  /** Its class: HalError, RpcError, OwnLimitError, or another one. */
  readonly name: string;
  /** HalError: of DOCA; RpcError: of gRPC; others: of the operating system, where they have one. */
  readonly code?: string;
  /** What it says; of HalError and RpcError without what follows from the other members. */
  readonly reason: string;
  readonly place?: HalErrorPlace;
  readonly problem?: string;
  /** Of errors that have a list of them. */
  readonly problems?: readonly string[];
}

export function encodedError(error: unknown): ErrorShape {
  if (error instanceof HalError) {
    const { code, reason, place } = error;
    return { name: 'HalError', code, reason, ...(Object.keys(place).length === 0 ? {} : { place }) };
  }
  if (error instanceof RpcError) {
    const { code, details, problem } = error;
    const name = error instanceof OwnLimitError ? 'OwnLimitError' : 'RpcError';
    return { name, code, reason: details, ...(problem === undefined ? {} : { problem }) };
  }
  if (!(error instanceof Error)) return { name: 'Error', reason: String(error) };
  const { code, problems } = error as { code?: unknown; problems?: unknown };
  return {
    name: error.name,
    reason: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(Array.isArray(problems) ? { problems: problems.map(String) } : {}),
  };
}

export function decodedError({ name, code, reason, place, problem, problems }: ErrorShape): Error {
  if (name === 'HalError') return new HalError(code as DocaErrorName, reason, place);
  if (name === 'OwnLimitError') return new OwnLimitError(reason);
  if (name === 'RpcError') return new RpcError(code as RpcCode, reason, problem as ProblemKind | undefined);
  const members = {
    ...(code === undefined ? {} : { code }),
    ...(problems === undefined ? {} : { problems }),
  };
  return Object.assign(new Error(reason), { name }, members);
}
