/** The neighbors of a host in this process: their MACs, found by ARP and neighbor discovery, and the packets that wait for them. */
import type { Clock, Timer } from '../../base/clock.js';
import {
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseMac,
} from '../../packet/address.js';
import { ARP_REQUEST, buildArp } from '../../packet/arp.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import { buildNeighborSolicitation } from '../../packet/icmpv6.js';

const RESOLVE_RETRY_MS = 1000;
const RESOLVE_TRIES = 3;
/** A neighbor is asked anew when it is used after so long (RFC 4861, REACHABLE_TIME at the lower end). */
const REACHABLE_MS = 15_000;
/** Packets that wait for one neighbor, about as many as with Linux when they are small; the oldest goes first. */
const PENDING_PER_NEIGHBOR = 256;
const NEIGHBORS_MAX = 4096;
const NO_MAC = parseMac('00:00:00:00:00:00');

interface Neighbor {
  mac: Uint8Array | undefined;
  learntAtMs: number;
  pending: Uint8Array[];
  tries: number;
  timer: Timer | undefined;
}

export class Neighbors {
  readonly #neighbors = new Map<IpAddress, Neighbor>();
  readonly #ownMac: Uint8Array;

  /** `transmit` puts frames on the link. */
  constructor(
    private readonly clock: Clock,
    private readonly mac: MacAddress,
    private readonly transmit: (frames: readonly Uint8Array[]) => void,
  ) {
    this.#ownMac = macToOctets(mac);
  }

  /** Puts an IP packet on the link, once the MAC of its destination is known. */
  send(packet: Uint8Array, source: IpAddress, destination: IpAddress): void {
    const neighbor = this.#neighborOf(destination);
    if (neighbor.mac !== undefined) {
      this.transmit([this.#frame(packet, neighbor.mac)]);
      // It may have moved, or what was learnt was damaged on its way.
      const old = this.clock.nowMs() - neighbor.learntAtMs >= REACHABLE_MS;
      if (old && neighbor.timer === undefined) this.#solicit(source, destination, neighbor);
      return;
    }
    if (neighbor.pending.length === PENDING_PER_NEIGHBOR) neighbor.pending.shift();
    neighbor.pending.push(packet);
    if (neighbor.timer === undefined) this.#solicit(source, destination, neighbor);
  }

  #neighborOf(ip: IpAddress): Neighbor {
    const known = this.#neighbors.get(ip);
    if (known !== undefined) return known;
    if (this.#neighbors.size >= NEIGHBORS_MAX) {
      const [oldest] = this.#neighbors.keys();
      this.#neighbors.get(oldest!)?.timer?.cancel();
      this.#neighbors.delete(oldest!);
    }
    const neighbor: Neighbor = {
      mac: undefined,
      learntAtMs: 0,
      pending: [],
      tries: 0,
      timer: undefined,
    };
    this.#neighbors.set(ip, neighbor);
    return neighbor;
  }

  #solicit(own: IpAddress, ip: IpAddress, neighbor: Neighbor): void {
    if (neighbor.tries === RESOLVE_TRIES) {
      this.#neighbors.delete(ip);
      return;
    }
    neighbor.tries++;
    this.transmit([
      ipFamily(ip) === 4
        ? buildArp({
            operation: ARP_REQUEST,
            senderMac: this.mac,
            senderIp: own as Ipv4Address,
            targetMac: NO_MAC,
            targetIp: ip as Ipv4Address,
          })
        : buildNeighborSolicitation(own as Ipv6Address, ip as Ipv6Address, this.mac),
    ]);
    neighbor.timer = this.clock.setTimer(() => {
      neighbor.timer = undefined;
      this.#solicit(own, ip, neighbor);
    }, RESOLVE_RETRY_MS);
  }

  /** A neighbor has told its MAC. */
  learn(ip: IpAddress, mac: MacAddress): void {
    const neighbor = this.#neighbors.get(ip);
    // Ignore advertisements that nobody has asked for.
    if (neighbor === undefined) return;
    const octets = macToOctets(mac);
    neighbor.mac = octets;
    neighbor.learntAtMs = this.clock.nowMs();
    neighbor.tries = 0;
    neighbor.timer?.cancel();
    neighbor.timer = undefined;
    const pending = neighbor.pending;
    neighbor.pending = [];
    this.transmit(pending.map((packet) => this.#frame(packet, octets)));
  }

  #frame(packet: Uint8Array, mac: Uint8Array): Uint8Array {
    const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
    writeEthernetHeader(frame, mac, this.#ownMac, packet[0]! >>> 4 === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
    frame.set(packet, ETHERNET_HEADER_OCTETS);
    return frame;
  }

  /** Forgets all neighbors, and the packets that wait for them. */
  clear(): void {
    for (const { timer } of this.#neighbors.values()) timer?.cancel();
    this.#neighbors.clear();
  }
}
