/** Finds the flow of every packet that a workload receives: by its payload, by the transfer that it belongs to, or by its content. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Clock } from '../../base/clock.js';
import type { IpAddress } from '../../packet/address.js';
import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import { ipv4HeaderLength, ipv4Protocol, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, IPV6_NEXT_HEADER } from '../../packet/ipv6.js';
import { tcpChecksumOk } from '../../packet/tcp.js';
import { UDP_HEADER_OCTETS, udpChecksumOk } from '../../packet/udp.js';
import { locateIpPacket } from '../../psp/encapsulate.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import { addressOf } from '../packets.js';
import type { Flow } from './flow.js';
import { CutPackets } from './fragments.js';
import { readPayload } from './payload.js';
import type { Transfer } from './tcp-transfer.js';
import { FLOW_PORT } from './workload-packets.js';

/** A packet of a flow. */
interface Sent {
  readonly flow: Flow;
  readonly sequence: number;
}

export class Arrivals {
  readonly #transfers = new Map<string, Transfer>();
  /** Frames that are on their way and are known by their content, by hash. */
  readonly #frames = new Map<string, Sent[]>();
  /** Those of them that may arrive as fragments. */
  readonly #cut = new CutPackets<Sent>();

  constructor(
    private readonly clock: Clock,
    /** Whose numbers stand in payloads. */
    private readonly flows: readonly Flow[],
  ) {}

  /** A transfer's segments will come, from `from` and its port, and acknowledgments back. */
  expectTransfer(from: IpAddress, to: IpAddress, port: number, transfer: Transfer): void {
    this.#transfers.set(transferKey(from, to, port), transfer);
  }

  /** This frame will come, as it is or in fragments. */
  expectFrame(frame: Uint8Array, packet: Sent): void {
    const key = packetKey(frame);
    const sent = this.#frames.get(key);
    if (sent === undefined) this.#frames.set(key, [packet]);
    else sent.push(packet);
    this.#cut.sent(frame, packet);
  }

  /** A frame has come to the workloads of a gateway. */
  received(node: GatewayNode, frame: Uint8Array): void {
    const place = locateIpPacket(frame);
    if (place === undefined) return;
    const { family, end } = place;
    const now = this.clock.nowMs();
    if (this.#frames.size > 0) {
      const expected = this.#frames.get(packetKey(frame));
      if (expected !== undefined) {
        // Equal packets arrive one after the other; arrivals beyond their number count twice for the last.
        while (expected.length > 1 && expected[0]!.flow.hasArrived(expected[0]!.sequence)) expected.shift();
        const { flow, sequence } = expected[0]!;
        flow.arrive(sequence, now);
        return;
      }
      const whole = this.#cut.arrived(frame);
      if (whole !== undefined) {
        whole.flow.arrive(whole.sequence, now);
        return;
      }
    }
    const destination = addressOf(frame, family, 'destination');
    // A host takes only what is for one of its addresses, which may be gone.
    if (!node.addresses.includes(destination)) return;
    const ip = ETHERNET_HEADER_OCTETS;
    const protocol = family === 4 ? ipv4Protocol(frame, ip) : frame[ip + IPV6_NEXT_HEADER]!;
    const at = ip + (family === 4 ? ipv4HeaderLength(frame, ip) : IPV6_HEADER_OCTETS);
    if (protocol === PROTOCOL_UDP) {
      if (!udpChecksumOk(frame, ip, family, at)) return;
      const payload = readPayload(frame, at + UDP_HEADER_OCTETS, end);
      if (payload === undefined) return;
      this.flows[payload.flow]?.arrive(payload.sequence, now);
    } else if (protocol === PROTOCOL_TCP && tcpChecksumOk(frame, ip, family, at, end)) {
      const source = addressOf(frame, family, 'source');
      const view = new DataView(frame.buffer, frame.byteOffset + at, 4);
      const [sourcePort, destinationPort] = [view.getUint16(0), view.getUint16(2)];
      if (destinationPort === FLOW_PORT)
        this.#transfers.get(transferKey(source, destination, sourcePort))?.onData(frame, at, end);
      else this.#transfers.get(transferKey(destination, source, destinationPort))?.onAck(frame, at, end);
    }
  }
}

const transferKey = (from: IpAddress, to: IpAddress, port: number) => `${from} ${to} ${port}`;

/** An IP packet by its content, without what hops change (TTL, IPv4 checksum). */
function packetKey(frame: Uint8Array): string {
  const ip = ETHERNET_HEADER_OCTETS;
  const copy = frame.slice(ip, locateIpPacket(frame)?.end ?? frame.length);
  if (copy[0]! >>> 4 === 4) copy.fill(0, 8, 9).fill(0, 10, 12);
  else copy.fill(0, 7, 8);
  return bytesToHex(sha256(copy));
}
