/** The packets that an insider sends under keys that it was given, and the frames without any. */
import type { TunnelParameters } from '../../../gateway/rpc/tunnel-messages.js';
import { echoPacket } from '../../../hal-sim/ports/host.js';
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseIp,
} from '../../../packet/address.js';
import { ARP_REPLY, buildArp } from '../../../packet/arp.js';
import { ETHERNET_HEADER_OCTETS } from '../../../packet/ethernet.js';
import {
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_ROUTER_ADVERTISEMENT,
  icmpv6Packet,
} from '../../../packet/icmpv6.js';
import { IPV4_HEADER_OCTETS_MIN } from '../../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS } from '../../../packet/ipv6.js';
import { opensslEngine } from '../../../psp/aead-openssl.js';
import { encapsulate } from '../../../psp/encapsulate.js';
import { type Held, type InsiderContext, type InsiderTarget, KEPT_MAX, keep } from './context.js';
import { datagram, ethernet, HOP_LIMIT, ipPacket, PORT } from './frames.js';
import { ownParameters } from './tunnels.js';

const FLOOD_PACKETS = 20;
const SMUGGLED_OCTETS = 40;

export class Sending {
  readonly #frames: Uint8Array[] = [];
  #iv = 1n;

  constructor(private readonly context: InsiderContext) {}

  /** Addresses in whose name it may try to send. */
  victims({ target, own }: Held): IpAddress[] {
    return this.context
      .othersThan(target)
      .flatMap(({ virtualIps }) => virtualIps)
      .filter((ip) => ipFamily(ip) === ipFamily(own));
  }

  victim(held: Held): IpAddress | undefined {
    const theirs = this.victims(held);
    return theirs.length === 0 ? undefined : this.context.pick(theirs);
  }

  /** What looks like ARP or neighbor discovery, with something else in it: where workloads share the segment, for them. */
  smuggle({ workloadMac, virtualIps }: InsiderTarget): void {
    const content = new Uint8Array(SMUGGLED_OCTETS);
    this.context.deps.random.fill(content);
    const destination = macToOctets(workloadMac);
    const source = macToOctets(this.context.plan.uplinkMac);
    for (const ip of virtualIps) {
      const own = this.context.plan.addresses.find((address) => ipFamily(address) === ipFamily(ip));
      if (own === undefined) continue;
      if (ipFamily(ip) === 4) {
        const arp = buildArp({
          operation: ARP_REPLY,
          senderMac: this.context.plan.uplinkMac,
          senderIp: own as Ipv4Address,
          targetMac: workloadMac,
          targetIp: ip as Ipv4Address,
        });
        this.context.deps.uplink.send([Uint8Array.from([...arp, ...content])]);
      } else {
        const type = this.context.pick([ICMPV6_ROUTER_ADVERTISEMENT, ICMPV6_NEIGHBOR_SOLICITATION]);
        const message = Uint8Array.from([type, 0, 0, 0, ...content]);
        const packet = icmpv6Packet(own as Ipv6Address, ip as Ipv6Address, message, HOP_LIMIT);
        this.context.deps.uplink.send([ethernet(destination, source, 6, packet)]);
      }
      this.context.counters.smuggled++;
    }
  }

  sendAs(held: Held | undefined, sourceOf: (held: Held) => IpAddress | undefined): void {
    const source = held === undefined ? undefined : sourceOf(held);
    if (held === undefined || source === undefined) return;
    if (source !== held.own) this.context.counters.impersonating++;
    const { target, parameters } = held;
    const payload = new Uint8Array(32 + this.context.below(64));
    this.context.deps.random.fill(payload);
    // Of the same gateway, not only what the tunnel was asked for.
    const others = target.virtualIps.filter((ip) => ipFamily(ip) === ipFamily(held.remote));
    const destination = this.context.chance(0.8) ? held.remote : this.context.pick(others);
    // What is asked is answered, to where it told the gateway to send.
    const packet = this.context.chance(0.5)
      ? echoPacket(source, destination, true, PORT, 0, payload)
      : datagram(source, destination, payload);
    this.#sendUnder(target, parameters, packet);
  }

  #sendUnder(target: InsiderTarget, parameters: TunnelParameters, packet: Uint8Array): void {
    const { plan } = this.context.deps;
    const { underlayIp, pspVersion, spi, key, cookie } = parameters;
    const family: IpFamily = packet[0]! >>> 4 === 4 ? 4 : 6;
    const frame = ethernet(macToOctets(this.#nextMac(target)), macToOctets(plan.uplinkMac), family, packet);
    const outer = ipFamily(underlayIp);
    const source = outer === 4 ? plan.underlay.ipv4 : plan.underlay.ipv6;
    if (target.mode === 'tunnel' && source === undefined) return;
    const sealed = encapsulate(frame, {
      engine: opensslEngine,
      version: pspVersion,
      spi,
      key,
      iv: this.#iv++,
      cryptOffsetWords: 0,
      ...(cookie === 0n ? {} : { cookie }),
      sourcePort: 49_152 + this.context.below(16_384),
      ...(target.mode === 'transport'
        ? {}
        : { outerHeader: this.#outerHeader(target, this.#outerSource(source!), underlayIp) }),
    });
    this.context.counters.sent++;
    keep(this.#frames, sealed.slice(), KEPT_MAX);
    this.context.deps.uplink.send([sealed]);
  }

  /** Its own address, or one that it makes somebody believe is another's. */
  #outerSource(own: IpAddress): IpAddress {
    if (!this.context.plan.spoofs || this.context.chance(0.7)) return own;
    const family = ipFamily(own);
    const theirs = this.context.deps.targets
      .flatMap(({ underlay }) => underlay)
      .filter((ip) => ipFamily(ip) === family);
    return this.context.chance(0.5) && theirs.length > 0 ? this.context.pick(theirs) : this.#unknown(family);
  }

  /** Nobody's that anybody knows. */
  #unknown(family: IpFamily): IpAddress {
    const n = 1 + this.context.below(250);
    return parseIp(family === 4 ? `198.51.100.${n}` : `2001:db8:bad::${n.toString(16)}`);
  }

  #outerHeader(target: InsiderTarget, source: IpAddress, destination: IpAddress): Uint8Array {
    const family = ipFamily(destination);
    const header = ipPacket(source, destination, new Uint8Array(0));
    const frame = ethernet(
      macToOctets(this.#nextMac(target)),
      macToOctets(this.context.plan.uplinkMac),
      family,
      header,
    );
    return frame.subarray(
      0,
      ETHERNET_HEADER_OCTETS + (family === 4 ? IPV4_HEADER_OCTETS_MIN : IPV6_HEADER_OCTETS),
    );
  }

  #nextMac(target: InsiderTarget): MacAddress {
    return this.context.deps.nextHop() ?? (target.mode === 'transport' ? target.workloadMac : target.mac);
  }

  /** One of the packets that it sent before, once more, in half of the cases. */
  replay(): void {
    if (this.#frames.length > 0 && this.context.chance(0.5)) {
      this.context.counters.sent++;
      this.context.deps.uplink.send([this.context.pick(this.#frames).slice()]);
    }
  }

  /** Packets that authenticate to nobody, from addresses that it has and that it has not. */
  flood(target: InsiderTarget): void {
    const [remote] = target.virtualIps;
    const own = this.context.plan.addresses.find(
      (ip) => remote !== undefined && ipFamily(ip) === ipFamily(remote),
    );
    const underlayIp = target.underlay.find((ip) => ipFamily(ip) === target.outerFamily);
    if (remote === undefined || own === undefined || underlayIp === undefined) return;
    for (let i = 0; i < FLOOD_PACKETS; i++) {
      const parameters = { ...ownParameters(this.context, target), underlayIp };
      this.#sendUnder(target, parameters, datagram(own, remote, new Uint8Array(16)));
    }
  }
}
