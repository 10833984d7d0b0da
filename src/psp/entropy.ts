/**
 * Flow entropy: the UDP source port of the outer header, by which routers spread flows over paths. PSP leaves the
 * function open and hardware has its own; this one is ours, the same in every implementation of this project.
 */
import { fnv1a, fnv1aStep } from '../base/fnv1a.js';
import { findIpv6UpperLayer } from '../packet/ipv6.js';

/** The dynamic ports of RFC 6335 begin here; 14 bits of hash fill them. */
const DYNAMIC_PORTS_START = 49152;
const ENTROPY_MASK = 0x3fff;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_SCTP = 132;
const PORTS_OCTETS = 4;

/** The reference tool's source port for packets without ports. */
const REFERENCE_PORT = 1000;

/** Offset of the L4 ports, or -1 where there are none (other protocols, fragments). Protocol in `upperProtocol`. */
function findPorts(frame: Uint8Array, ipOffset: number, end: number): number {
  let portsAt: number;
  if (frame[ipOffset]! >>> 4 === 4) {
    upperProtocol = frame[ipOffset + 9]!;
    const fragmented = (((frame[ipOffset + 6]! << 8) | frame[ipOffset + 7]!) & 0x3fff) !== 0;
    portsAt = fragmented ? -1 : ipOffset + (frame[ipOffset]! & 0x0f) * 4;
  } else {
    const next = frame[ipOffset + 6]!;
    if (next === PROTOCOL_TCP || next === PROTOCOL_UDP) {
      upperProtocol = next;
      portsAt = ipOffset + 40;
    } else {
      const upper = findIpv6UpperLayer(frame, ipOffset, end);
      upperProtocol = upper?.protocol ?? next;
      portsAt = upper === undefined || upper.isFragment ? -1 : upper.offset;
    }
  }
  const hasPorts =
    upperProtocol === PROTOCOL_TCP || upperProtocol === PROTOCOL_UDP || upperProtocol === PROTOCOL_SCTP;
  return hasPorts && portsAt >= 0 && portsAt + PORTS_OCTETS <= end ? portsAt : -1;
}

/** Second result of findPorts, which runs once per packet and must not allocate. */
let upperProtocol = 0;

/**
 * Source port for a flow: FNV-1a over source and destination address, upper-layer protocol and, for whole TCP, UDP
 * and SCTP packets, both ports; folded to 14 bits.
 *
 * @param ipOffset where the inner IP header begins; its length has been checked
 * @param end the end of the inner packet
 * @returns 49152 to 65535
 */
export function flowEntropy(frame: Uint8Array, ipOffset: number, end: number): number {
  const portsAt = findPorts(frame, ipOffset, end);
  const isIpv4 = frame[ipOffset]! >>> 4 === 4;
  let hash = isIpv4 ? fnv1a(frame, ipOffset + 12, ipOffset + 20) : fnv1a(frame, ipOffset + 8, ipOffset + 40);
  hash = fnv1aStep(hash, upperProtocol);
  if (portsAt >= 0) hash = fnv1a(frame, portsAt, portsAt + PORTS_OCTETS, hash);
  return DYNAMIC_PORTS_START + ((hash ^ (hash >>> 16)) & ENTROPY_MASK);
}

/** The reference tool's source port: source XOR destination port of TCP and UDP, else 1000. */
export function referenceEntropy(frame: Uint8Array, ipOffset: number, end: number): number {
  const portsAt = findPorts(frame, ipOffset, end);
  if (portsAt < 0 || upperProtocol === PROTOCOL_SCTP) return REFERENCE_PORT;
  return ((frame[portsAt]! << 8) | frame[portsAt + 1]!) ^ ((frame[portsAt + 2]! << 8) | frame[portsAt + 3]!);
}
