/**
 * IPv4 packets that hops have cut on their way (RFC 791, section 3.2), which may be fragments themselves. A packet has arrived
 * when every octet of it has come, each at its place and as it was sent.
 */
import { ETHER_TYPE_IPV4, ETHERNET_HEADER_OCTETS, etherType } from '../../packet/ethernet.js';
import {
  IPV4_FLAG_DONT_FRAGMENT,
  IPV4_FLAG_MORE_FRAGMENTS,
  IPV4_FRAGMENT_OFFSET_MASK,
  IPV4_IDENTIFICATION,
  IPV4_PROTOCOL,
  IPV4_SOURCE,
  ipv4FlagsFragment,
  ipv4HeaderLength,
  ipv4HeaderValid,
  ipv4IsFragment,
  ipv4TotalLength,
} from '../../packet/ipv4.js';

const UNIT_OCTETS = 8;
const ADDRESSES_OCTETS = 8;

/** A packet that was sent, or a piece of one: which octets of its datagram it has. */
interface Piece {
  readonly frame: Uint8Array;
  /** Start and end of the data in the frame. */
  readonly at: number;
  readonly end: number;
  /** Position of the first octet in the datagram. */
  readonly from: number;
  readonly isLast: boolean;
}

interface Sent<T> {
  readonly piece: Piece;
  readonly tag: T;
  /** Arrival of each unit of 8 octets. */
  seen: Uint8Array;
  missing: number;
  /** Number of times that it has arrived whole. */
  arrivals: number;
}

/** Remembers packets that may be cut, and finds them again in what arrives. */
export class CutPackets<T> {
  readonly #sent = new Map<string, Sent<T>[]>();

  /** An Ethernet frame that was sent. Does nothing for packets that nobody may cut. */
  sent(frame: Uint8Array, tag: T): void {
    const piece = pieceOf(frame);
    if (
      piece === undefined ||
      (ipv4FlagsFragment(frame, ETHERNET_HEADER_OCTETS) & IPV4_FLAG_DONT_FRAGMENT) !== 0
    )
      return;
    const entry = { piece, tag, arrivals: 0, ...nothingSeen(piece) };
    const key = datagramOf(frame);
    const others = this.#sent.get(key);
    if (others === undefined) this.#sent.set(key, [entry]);
    else others.push(entry);
  }

  /** An Ethernet frame that has arrived. The tag of the packet that is complete by it; undefined: none is. */
  arrived(frame: Uint8Array): T | undefined {
    if (this.#sent.size === 0) return undefined;
    const piece = pieceOf(frame);
    if (piece === undefined || !ipv4IsFragment(frame, ETHERNET_HEADER_OCTETS)) return undefined;
    const candidates = this.#sent.get(datagramOf(frame))?.filter((one) => isPartOf(piece, one.piece)) ?? [];
    // Equal packets arrive one after the other.
    const lacking = candidates.filter((one) => lacks(one, piece));
    const found = lacking.find(({ arrivals }) => arrivals === 0) ?? lacking[0];
    if (found === undefined) return undefined;
    const first = (piece.from - found.piece.from) / UNIT_OCTETS;
    for (let unit = first; unit * UNIT_OCTETS < piece.from - found.piece.from + lengthOf(piece); unit++) {
      if (found.seen[unit] === 0) found.missing--;
      found.seen[unit] = 1;
    }
    if (found.missing > 0) return undefined;
    Object.assign(found, nothingSeen(found.piece));
    found.arrivals++;
    return found.tag;
  }
}

const lengthOf = ({ at, end }: Piece) => end - at;

function nothingSeen(piece: Piece): { seen: Uint8Array; missing: number } {
  const units = Math.ceil(lengthOf(piece) / UNIT_OCTETS);
  return { seen: new Uint8Array(units), missing: units };
}

function lacks(sent: Sent<unknown>, piece: Piece): boolean {
  return sent.seen[(piece.from - sent.piece.from) / UNIT_OCTETS] === 0;
}

function pieceOf(frame: Uint8Array): Piece | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) !== ETHER_TYPE_IPV4 || !ipv4HeaderValid(frame, ip, frame.length)) return undefined;
  const flags = ipv4FlagsFragment(frame, ip);
  return {
    frame,
    at: ip + ipv4HeaderLength(frame, ip),
    end: ip + ipv4TotalLength(frame, ip),
    from: (flags & IPV4_FRAGMENT_OFFSET_MASK) * UNIT_OCTETS,
    isLast: (flags & IPV4_FLAG_MORE_FRAGMENTS) === 0,
  };
}

/** Key of a datagram: equal for its fragments, different from other datagrams' fragments. */
function datagramOf(frame: Uint8Array): string {
  const ip = ETHERNET_HEADER_OCTETS;
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length);
  const addresses = view.subarray(ip + IPV4_SOURCE, ip + IPV4_SOURCE + ADDRESSES_OCTETS).toString('hex');
  return `${addresses} ${view[ip + IPV4_PROTOCOL]} ${view.readUInt16BE(ip + IPV4_IDENTIFICATION)}`;
}

/** Whether a fragment is part of a packet: the same octets, and the last fragment at its end. */
function isPartOf(piece: Piece, of: Piece): boolean {
  const offset = piece.from - of.from;
  const length = lengthOf(piece);
  if (offset < 0 || length === 0 || offset + length > lengthOf(of)) return false;
  if (piece.isLast !== (of.isLast && offset + length === lengthOf(of))) return false;
  // All but the last one have whole units (RFC 791, section 3.2).
  if (offset + length < lengthOf(of) && length % UNIT_OCTETS !== 0) return false;
  const here = Buffer.from(piece.frame.buffer, piece.frame.byteOffset + piece.at, length);
  return here.equals(of.frame.subarray(of.at + offset, of.at + offset + length));
}
