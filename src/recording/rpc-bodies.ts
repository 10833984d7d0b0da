/**
 * Bodies of RPCs as recordings have them: of the same length, with stand-ins for keys and cookies. What no message of ours has is
 * zeroed, since nobody knows what it is, and so is everything behind the place at which a body cannot be read any more.
 */
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { RpcMethod } from '../gateway/rpc/transport.js';
import type { SecretsShown } from './stand-ins.js';

/** What becomes of a field: it stays, it is replaced, or it is a message within. */
type Part = 'stays' | 'key' | 'cookie' | Shape;
type Shape = ReadonlyMap<number, Part>;

const TUNNEL_PARAMETERS: Shape = new Map<number, Part>([
  ...([1, 2, 3, 4, 7].map((field) => [field, 'stays']) as [number, Part][]),
  [5, 'key'],
  [6, 'cookie'],
]);
/** Field 3 is the inner type, or the parameters of DOCA 2.8. */
const SINGLE_TUNNEL: Shape = new Map<number, Part>([
  [1, 'stays'],
  [2, 'stays'],
  [3, TUNNEL_PARAMETERS],
  [4, TUNNEL_PARAMETERS],
]);

interface Bodies {
  readonly request: Shape;
  readonly response: Shape;
}

const WITH_SECRETS: Readonly<Partial<Record<RpcMethod, Bodies>>> = {
  RequestMultipleTunnelParams: {
    request: new Map<number, Part>([
      [1, 'stays'],
      [2, 'stays'],
      [3, SINGLE_TUNNEL],
    ]),
    response: new Map<number, Part>([
      [1, 'stays'],
      [2, TUNNEL_PARAMETERS],
    ]),
  },
  RequestTunnelParams: {
    request: new Map<number, Part>([
      ...([1, 2, 3, 4].map((field) => [field, 'stays']) as [number, Part][]),
      [5, TUNNEL_PARAMETERS],
    ]),
    response: new Map<number, Part>([
      [1, 'stays'],
      [2, TUNNEL_PARAMETERS],
    ]),
  },
};

/** A copy of the body without secrets. Never throws. */
export function shownBody(
  method: RpcMethod,
  direction: keyof Bodies,
  body: Uint8Array,
  standIns: SecretsShown,
): Uint8Array {
  // Not `slice`, which of a Buffer is no copy.
  const shown = new Uint8Array(body);
  const shape = WITH_SECRETS[method]?.[direction];
  if (shape !== undefined) replaceIn(shown, shape, standIns);
  return shown;
}

function replaceIn(octets: Uint8Array, shape: Shape, standIns: SecretsShown): void {
  const reader = new BinaryReader(octets);
  let known = 0;
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      const at = reader.pos;
      const part = shape.get(field);
      if (type === WireType.LengthDelimited) {
        const length = reader.uint32();
        const begin = reader.pos;
        if (length > reader.len - begin) throw new RangeError('longer than the message');
        reader.pos = begin + length;
        replaceOctets(octets.subarray(begin, reader.pos), part, standIns);
      } else {
        if (type === WireType.StartGroup || type === WireType.EndGroup) throw new RangeError('a group');
        const value = type === WireType.Varint && part === 'cookie' ? BigInt(reader.uint64()) : undefined;
        if (value === undefined) reader.skip(type, field);
        const place = octets.subarray(at, reader.pos);
        if (value !== undefined) writeVarint(place, standIns.cookie(value));
        // A number where a message may stand is the inner type.
        else if (part === undefined || part === 'key') zero(place, type);
      }
      known = reader.pos;
    }
  } catch {
    octets.fill(0, known);
  }
}

function replaceOctets(octets: Uint8Array, part: Part | undefined, standIns: SecretsShown): void {
  if (part === 'stays') return;
  if (part === 'key') octets.set(standIns.key(octets));
  else if (part === undefined || part === 'cookie') octets.fill(0);
  else replaceIn(octets, part, standIns);
}

/** Fills the place, however many octets the number would need. */
function writeVarint(place: Uint8Array, value: bigint): void {
  let rest = value;
  for (let at = 0; at < place.length; at++) {
    const more = at < place.length - 1 ? 0x80 : 0;
    place[at] = Number(rest & 0x7fn) | more;
    rest >>= 7n;
  }
}

function zero(place: Uint8Array, type: WireType): void {
  if (type === WireType.Varint) writeVarint(place, 0n);
  else place.fill(0);
}
