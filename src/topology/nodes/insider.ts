/**
 * An insider: a configured peer with everything that a peer may have, a name that the gateways' authority has signed,
 * a place on the underlay, keys that it was given; and no honesty. Written below the gateway, of messages, PSP and
 * packets, so that it can do what no gateway would. While no event has it act, it answers as an honest peer does.
 */

import { type Clock, sleep } from '../../base/clock.js';
import { chance, type Random } from '../../base/random.js';
import { encodeAnnouncement } from '../../gateway/rpc/announcement-messages.js';
import {
  type ControlTransport,
  type Doorkeeper,
  RpcError,
  type RpcMethod,
  type ServiceAddress,
} from '../../gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  decodeNewTunnelRequest,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelRequest,
  encodeNewTunnelResponse,
  type TunnelParameters,
  type TunnelRequest,
} from '../../gateway/rpc/tunnel-messages.js';
import type { SimPort } from '../../hal-sim/port.js';
import { echoPacket } from '../../hal-sim/ports/host.js';
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  type Ipv6Address,
  ipFamily,
  type MacAddress,
  macToOctets,
  parseIp,
} from '../../packet/address.js';
import { ARP_REPLY, buildArp } from '../../packet/arp.js';
import {
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  writeEthernetHeader,
} from '../../packet/ethernet.js';
import {
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_ROUTER_ADVERTISEMENT,
  icmpv6Packet,
} from '../../packet/icmpv6.js';
import { buildIpv4Packet, IPV4_HEADER_OCTETS_MIN, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { buildIpv6Packet, IPV6_HEADER_OCTETS } from '../../packet/ipv6.js';
import { buildUdp, setUdpChecksum, UDP_HEADER_OCTETS } from '../../packet/udp.js';
import { opensslEngine } from '../../psp/aead-openssl.js';
import { encapsulate } from '../../psp/encapsulate.js';
import { keyLengthOctets, type PspVersion } from '../../psp/header.js';
import type { InsiderAct, InsiderPlan } from '../model.js';
import { pace } from '../pace.js';

/** A gateway as its peers know it. */
export interface InsiderTarget {
  readonly name: string;
  readonly serviceAddress: ServiceAddress;
  readonly mac: MacAddress;
  readonly underlay: readonly IpAddress[];
  readonly outerFamily: IpFamily;
  readonly mode: 'tunnel' | 'transport';
  /** Destination of frames in transport mode. */
  readonly workloadMac: MacAddress;
  readonly virtualIps: readonly IpAddress[];
}

export interface InsiderDeps {
  readonly plan: InsiderPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly uplink: SimPort;
  readonly transport: ControlTransport;
  readonly targets: readonly InsiderTarget[];
  /** MAC of the router at the other end of its link, if there is one. */
  readonly nextHop: () => MacAddress | undefined;
}

/** Counts of its actions and of the answers it got. */
export interface InsiderCounters {
  acts: number;
  /** Requests that it sent, those that were answered, and those that failed or were refused. */
  asked: number;
  granted: number;
  refused: number;
  /** Requests that came to it. */
  received: number;
  /** PSP packets that it sent, and of them those in another's name. */
  sent: number;
  impersonating: number;
  /** Frames that it sent as ARP or neighbor discovery. */
  smuggled: number;
  /** Frames that came for it. */
  frames: number;
}

/** A key that a gateway gave to it, with all that is needed to send under it. */
interface Held {
  readonly target: InsiderTarget;
  readonly parameters: TunnelParameters;
  /** Its own address that the tunnel was asked for, and the gateway's. */
  readonly own: IpAddress;
  readonly remote: IpAddress;
}

/** Keys, requests and packets that it keeps; the oldest go first. */
const HELD_MAX = 2000;
const KEPT_MAX = 200;
const CALLS_MAX = 64;
const DEADLINE_MS = 2000;
const BATCH_MAX = 300;
const FLOOD_PACKETS = 20;
const ABANDONED_AFTER_MS = 20;
const ANNOUNCED_AGE_MS = 5000;
const IMPERSONATIONS = 8;
const SMUGGLED_OCTETS = 40;
const PORT = 40_000;
const HOP_LIMIT = 64;
/** Answers to those who ask it, while it acts. */
type Answer = 'honest' | 'never' | 'late' | 'refusal' | 'rubbish' | 'elsewhere';
const STALLS: readonly Answer[] = ['never', 'late', 'refusal', 'rubbish'];
const LATE_MS = 3000;
/** It lets everybody in, as one. */
const EVERYBODY: Doorkeeper = { peersAt: () => 1, admit: () => parseIp('0.0.0.0') };
const ELSEWHERE: Readonly<Record<IpFamily, readonly IpAddress[]>> = {
  4: ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '203.0.113.254'].map(parseIp),
  6: ['::', '::1', 'ff02::1', '2001:db8:ffff::1'].map(parseIp),
};

export class Insider {
  readonly counters: InsiderCounters = {
    acts: 0,
    asked: 0,
    granted: 0,
    refused: 0,
    received: 0,
    sent: 0,
    impersonating: 0,
    smuggled: 0,
    frames: 0,
  };
  readonly #held: Held[] = [];
  readonly #requests: {
    readonly target: InsiderTarget;
    readonly method: RpcMethod;
    readonly octets: Uint8Array;
  }[] = [];
  readonly #frames: Uint8Array[] = [];
  #answer: Answer = 'honest';
  #calls = 0;
  #requestId = 0n;
  #iv = 1n;

  constructor(private readonly deps: InsiderDeps) {}

  get plan(): InsiderPlan {
    return this.deps.plan;
  }

  async start(): Promise<void> {
    const { uplink, transport, plan } = this.deps;
    await uplink.start((frames) => {
      this.counters.frames += frames.length;
    });
    const serve = (method: RpcMethod, request: Uint8Array) =>
      plan.silent ? new Promise<Uint8Array>(() => undefined) : this.#serve(method, request);
    await transport.listen(plan.serviceAddress, serve, EVERYBODY);
  }

  stop(): Promise<void> {
    return this.deps.transport.close();
  }

  /** Acts for a time; then it is honest again. */
  async run(does: readonly InsiderAct[], actsPerSecond: number, durationMs: number): Promise<void> {
    const { clock } = this.deps;
    const endMs = clock.nowMs() + durationMs;
    await pace(clock, actsPerSecond, durationMs, () => this.#act(this.#pick(does)));
    await sleep(clock, endMs - clock.nowMs());
    this.#answer = 'honest';
  }

  #act(act: InsiderAct): void {
    this.counters.acts++;
    const target = this.#pick(this.deps.targets);
    switch (act) {
      case 'ask':
        void this.#ask(target, this.#tunnels(target, 1 + this.#below(3)));
        break;
      case 'batch':
        void this.#ask(target, this.#batch(target));
        break;
      case 'claim':
        void this.#ask(target, this.#claims(target));
        break;
      case 'redirect':
        void this.#ask(target, this.#redirected(target));
        break;
      case 'rotate': {
        const octets = encodeKeyRotationRequest(++this.#requestId, this.#chance(0.5));
        void this.#call(target, 'RequestKeyRotation', octets);
        break;
      }
      case 'send':
        this.#sendAs(this.#anyHeld(), (held) => held.own);
        break;
      case 'impersonate':
        for (let i = 0; i < IMPERSONATIONS; i++) this.#sendAs(this.#anyHeld(), (held) => this.#victim(held));
        break;
      case 'usurp':
        void this.#usurp(target);
        break;
      case 'smuggle':
        this.#smuggle(target);
        break;
      case 'replay':
        this.#replay();
        break;
      case 'flood':
        this.#flood(target);
        break;
      case 'abandon':
        this.#abandon(target);
        break;
      case 'announce':
        this.#announce(target);
        break;
      case 'stall':
        this.#answer = this.#pick(STALLS);
        break;
      case 'lie':
        this.#answer = 'elsewhere';
        break;
    }
  }

  // Asking

  /** Pairs of its own addresses with the target's, with a way back or without; more than there are come twice. */
  #tunnels(target: InsiderTarget, count: number): TunnelRequest[] {
    const pairs = target.virtualIps.flatMap((remote) =>
      this.plan.addresses.filter((own) => ipFamily(own) === ipFamily(remote)).map((own) => ({ own, remote })),
    );
    if (pairs.length === 0) return [];
    const first = this.#below(pairs.length);
    return Array.from({ length: count }, (_, i) => {
      const { own, remote } = pairs[(first + i) % pairs.length]!;
      return this.#tunnel(own, remote, this.#chance(0.7) ? this.#parameters(target) : undefined);
    });
  }

  /** All pairs once, or more than there are. */
  #batch(target: InsiderTarget): TunnelRequest[] {
    const all = this.plan.addresses.length * target.virtualIps.length;
    const tunnels = this.#tunnels(target, this.#chance(0.5) ? BATCH_MAX : all);
    if (tunnels.length === BATCH_MAX) return tunnels;
    return tunnels.filter(
      ({ virtSource, virtDestination }, i) =>
        tunnels.findIndex(
          (other) => other.virtSource === virtSource && other.virtDestination === virtDestination,
        ) === i,
    );
  }

  #tunnel(own: IpAddress, remote: IpAddress, reverse: TunnelParameters | undefined): TunnelRequest {
    return { virtSource: own, virtDestination: remote, reverse };
  }

  /** Requests for addresses of another peer, in its name. */
  #claims(target: InsiderTarget): TunnelRequest[] {
    const others = this.deps.targets
      .filter((other) => other !== target)
      .flatMap(({ virtualIps }) => virtualIps);
    return this.#tunnels(target, 1).map((tunnel) => {
      const theirs = others.filter((ip) => ipFamily(ip) === ipFamily(tunnel.virtDestination));
      return theirs.length === 0 ? tunnel : { ...tunnel, virtSource: this.#pick(theirs) };
    });
  }

  /** The gateway is to send to somebody else. */
  #redirected(target: InsiderTarget): TunnelRequest[] {
    return this.#tunnels(target, 1).map((tunnel) => ({ ...tunnel, reverse: this.#elsewhere(target) }));
  }

  #elsewhere(target: InsiderTarget): TunnelParameters {
    const others = this.deps.targets.filter((other) => other !== target);
    const third = others.length === 0 ? target : this.#pick(others);
    const family = target.outerFamily;
    const addresses = [
      ...ELSEWHERE[family],
      ...[target, third, third].flatMap(({ underlay }) => underlay.filter((ip) => ipFamily(ip) === family)),
    ];
    return { ...this.#parameters(target), mac: third.mac, underlayIp: this.#pick(addresses) };
  }

  /** Parameters for reaching it, under a key of its own. */
  #parameters(target: InsiderTarget, version: PspVersion = this.#chance(0.5) ? 0 : 1): TunnelParameters {
    const { plan, random } = this.deps;
    const { ipv4, ipv6 } = plan.underlay;
    const key = new Uint8Array(keyLengthOctets(version));
    random.fill(key);
    return {
      mac: plan.uplinkMac,
      underlayIp: (target.outerFamily === 4 ? ipv4 : ipv6) ?? ipv4 ?? ipv6!,
      pspVersion: version,
      spi: random.uint32() || 1,
      key,
      cookie: 0n,
    };
  }

  /** The keys that it was given. */
  async #ask(target: InsiderTarget, tunnels: readonly TunnelRequest[]): Promise<readonly Held[]> {
    if (tunnels.length === 0) return [];
    const versions = this.#pick([[0], [1], [0, 1], [1, 0], [3, 1]] as const);
    if (tunnels.length === 1 && this.#chance(0.2)) {
      const octets = encodeNewTunnelRequest(++this.#requestId, versions, tunnels[0]!);
      return this.#call(target, 'RequestTunnelParams', octets);
    }
    const request = { requestId: ++this.#requestId, versionsAccepted: versions, tunnels };
    const octets = encodeMultiTunnelRequest(this.#chance(0.2) ? '2.8' : '3.x', request);
    return this.#call(target, 'RequestMultipleTunnelParams', octets);
  }

  /** The keys that it was given; none when it was refused, or not made as too many are under way. */
  async #call(target: InsiderTarget, method: RpcMethod, octets: Uint8Array): Promise<readonly Held[]> {
    if (this.#calls >= CALLS_MAX) return [];
    this.#calls++;
    this.counters.asked++;
    keep(this.#requests, { target, method, octets }, KEPT_MAX);
    try {
      const { transport } = this.deps;
      const response = await transport.call(target.serviceAddress, method, octets, {
        deadlineMs: DEADLINE_MS,
      });
      this.counters.granted++;
      return this.#keepKeys(target, method, octets, response);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.counters.refused++;
      return [];
    } finally {
      this.#calls--;
    }
  }

  #keepKeys(target: InsiderTarget, method: RpcMethod, request: Uint8Array, response: Uint8Array): Held[] {
    if (method === 'RequestKeyRotation') return [];
    const { tunnels } =
      method === 'RequestTunnelParams' ? decodeNewTunnelRequest(request) : decodeMultiTunnelRequest(request);
    const answers =
      method === 'RequestTunnelParams'
        ? [decodeNewTunnelResponse(response)]
        : decodeMultiTunnelResponse(response, tunnels.length);
    const given = answers.map((parameters, i): Held => {
      const { virtSource: own, virtDestination: remote } = tunnels[i]!;
      return { target, parameters, own, remote };
    });
    for (const held of given) keep(this.#held, held, HELD_MAX);
    return given;
  }

  /** Asks, and hangs up before the answer or in the middle of it. */
  #abandon(target: InsiderTarget): void {
    const { clock } = this.deps;
    const hangUp = new AbortController();
    const request = {
      requestId: ++this.#requestId,
      versionsAccepted: [0, 1],
      tunnels: this.#batch(target),
    };
    this.#begin(
      target,
      'RequestMultipleTunnelParams',
      encodeMultiTunnelRequest('3.x', request),
      hangUp.signal,
    );
    clock.setTimer(() => hangUp.abort(), this.#below(ABANDONED_AFTER_MS));
  }

  /** Says that it has started, or that packets do not get in: neither is so. */
  #announce(target: InsiderTarget): void {
    const { port } = this.plan.serviceAddress;
    const octets = encodeAnnouncement({
      ageMs: this.#below(ANNOUNCED_AGE_MS),
      servicePort: port,
      packetsFail: this.#chance(0.5),
    });
    this.#begin(target, 'Announce', octets);
  }

  /** A call whose answer it has no use for. */
  #begin(target: InsiderTarget, method: RpcMethod, octets: Uint8Array, signal?: AbortSignal): void {
    if (this.#calls >= CALLS_MAX) return;
    this.#calls++;
    this.counters.asked++;
    const options = { deadlineMs: DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
    this.deps.transport
      .call(target.serviceAddress, method, octets, options)
      .then(
        () => {
          this.counters.granted++;
        },
        () => {
          this.counters.refused++;
        },
      )
      .finally(() => {
        this.#calls--;
      });
  }

  // Answering

  async #serve(method: RpcMethod, request: Uint8Array): Promise<Uint8Array> {
    this.counters.received++;
    switch (this.#answer) {
      case 'never':
        return new Promise(() => undefined);
      case 'late':
        await sleep(this.deps.clock, LATE_MS);
        break;
      case 'refusal':
        throw new RpcError('UNAVAILABLE', 'no');
      case 'rubbish':
        return Uint8Array.of(0xff, 0xff, 0xff);
    }
    if (method === 'RequestTunnelParams') {
      const asked = decodeNewTunnelRequest(request);
      const [answer] = this.#answers(asked.tunnels, asked.versionsAccepted);
      return encodeNewTunnelResponse(asked.requestId, answer!);
    }
    if (method !== 'RequestMultipleTunnelParams') throw new RpcError('UNIMPLEMENTED', 'no');
    const asked = decodeMultiTunnelRequest(request);
    return encodeMultiTunnelResponse(asked.requestId, this.#answers(asked.tunnels, asked.versionsAccepted));
  }

  /** Keys of its own; and it keeps those that were offered. */
  #answers(tunnels: readonly TunnelRequest[], versions: readonly number[]): TunnelParameters[] {
    const version: PspVersion = versions.includes(0) ? 0 : 1;
    return tunnels.map(({ virtSource: remote, virtDestination: own, reverse }) => {
      const target = this.deps.targets.find(({ virtualIps }) => virtualIps.includes(remote));
      if (target === undefined) throw new RpcError('PERMISSION_DENIED', 'who is that?');
      if (reverse !== undefined) keep(this.#held, { target, parameters: reverse, own, remote }, HELD_MAX);
      const honest = this.#parameters(target, version);
      return this.#answer === 'elsewhere'
        ? { ...this.#elsewhere(target), pspVersion: version, key: honest.key }
        : honest;
    });
  }

  // Sending

  /** Under any key that it ever had, old ones included. */
  #anyHeld(): Held | undefined {
    return this.#held.length === 0 ? undefined : this.#pick(this.#held);
  }

  /** Addresses in whose name it may try to send. */
  #victims({ target, own }: Held): IpAddress[] {
    return this.deps.targets
      .filter((other) => other !== target)
      .flatMap(({ virtualIps }) => virtualIps)
      .filter((ip) => ipFamily(ip) === ipFamily(own));
  }

  #victim(held: Held): IpAddress | undefined {
    const theirs = this.#victims(held);
    return theirs.length === 0 ? undefined : this.#pick(theirs);
  }

  /**
   * Takes another peer's place: has the master key rotated, and nobody given new keys; asks for tunnels, which then get the
   * first SPIs of the new key, as others did under an earlier one; and sends under each of these as each of the others.
   */
  async #usurp(target: InsiderTarget): Promise<void> {
    await this.#call(target, 'RequestKeyRotation', encodeKeyRotationRequest(++this.#requestId, false));
    const given = await this.#ask(target, this.#tunnels(target, 1 + this.#below(2)));
    for (const held of given) for (const victim of this.#victims(held)) this.#sendAs(held, () => victim);
  }

  /** What looks like ARP or neighbor discovery, with something else in it: where workloads share the segment, for them. */
  #smuggle({ workloadMac, virtualIps }: InsiderTarget): void {
    const content = new Uint8Array(SMUGGLED_OCTETS);
    this.deps.random.fill(content);
    const destination = macToOctets(workloadMac);
    const source = macToOctets(this.plan.uplinkMac);
    for (const ip of virtualIps) {
      const own = this.plan.addresses.find((address) => ipFamily(address) === ipFamily(ip));
      if (own === undefined) continue;
      if (ipFamily(ip) === 4) {
        const arp = buildArp({
          operation: ARP_REPLY,
          senderMac: this.plan.uplinkMac,
          senderIp: own as Ipv4Address,
          targetMac: workloadMac,
          targetIp: ip as Ipv4Address,
        });
        this.deps.uplink.send([Uint8Array.from([...arp, ...content])]);
      } else {
        const type = this.#pick([ICMPV6_ROUTER_ADVERTISEMENT, ICMPV6_NEIGHBOR_SOLICITATION]);
        const message = Uint8Array.from([type, 0, 0, 0, ...content]);
        const packet = icmpv6Packet(own as Ipv6Address, ip as Ipv6Address, message, HOP_LIMIT);
        this.deps.uplink.send([ethernet(destination, source, 6, packet)]);
      }
      this.counters.smuggled++;
    }
  }

  #sendAs(held: Held | undefined, sourceOf: (held: Held) => IpAddress | undefined): void {
    const source = held === undefined ? undefined : sourceOf(held);
    if (held === undefined || source === undefined) return;
    if (source !== held.own) this.counters.impersonating++;
    const { target, parameters } = held;
    const payload = new Uint8Array(32 + this.#below(64));
    this.deps.random.fill(payload);
    // Of the same gateway, not only what the tunnel was asked for.
    const others = target.virtualIps.filter((ip) => ipFamily(ip) === ipFamily(held.remote));
    const destination = this.#chance(0.8) ? held.remote : this.#pick(others);
    // What is asked is answered, to where it told the gateway to send.
    const packet = this.#chance(0.5)
      ? echoPacket(source, destination, true, PORT, 0, payload)
      : datagram(source, destination, payload);
    this.#sendUnder(target, parameters, packet);
  }

  #sendUnder(target: InsiderTarget, parameters: TunnelParameters, packet: Uint8Array): void {
    const { plan } = this.deps;
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
      sourcePort: 49_152 + this.#below(16_384),
      ...(target.mode === 'transport'
        ? {}
        : { outerHeader: this.#outerHeader(target, this.#outerSource(source!), underlayIp) }),
    });
    this.counters.sent++;
    keep(this.#frames, sealed.slice(), KEPT_MAX);
    this.deps.uplink.send([sealed]);
  }

  /** Its own address, or one that it makes somebody believe is another's. */
  #outerSource(own: IpAddress): IpAddress {
    if (!this.plan.spoofs || this.#chance(0.7)) return own;
    const family = ipFamily(own);
    const theirs = this.deps.targets
      .flatMap(({ underlay }) => underlay)
      .filter((ip) => ipFamily(ip) === family);
    return this.#chance(0.5) && theirs.length > 0 ? this.#pick(theirs) : this.#unknown(family);
  }

  /** Nobody's that anybody knows. */
  #unknown(family: IpFamily): IpAddress {
    const n = 1 + this.#below(250);
    return parseIp(family === 4 ? `198.51.100.${n}` : `2001:db8:bad::${n.toString(16)}`);
  }

  #outerHeader(target: InsiderTarget, source: IpAddress, destination: IpAddress): Uint8Array {
    const family = ipFamily(destination);
    const header = ipPacket(source, destination, new Uint8Array(0));
    const frame = ethernet(
      macToOctets(this.#nextMac(target)),
      macToOctets(this.plan.uplinkMac),
      family,
      header,
    );
    return frame.subarray(
      0,
      ETHERNET_HEADER_OCTETS + (family === 4 ? IPV4_HEADER_OCTETS_MIN : IPV6_HEADER_OCTETS),
    );
  }

  #nextMac(target: InsiderTarget): MacAddress {
    return this.deps.nextHop() ?? (target.mode === 'transport' ? target.workloadMac : target.mac);
  }

  #replay(): void {
    if (this.#frames.length > 0 && this.#chance(0.5)) {
      this.counters.sent++;
      this.deps.uplink.send([this.#pick(this.#frames).slice()]);
    }
    if (this.#requests.length === 0) return;
    const { target, method, octets } = this.#pick(this.#requests);
    void this.#call(target, method, octets);
  }

  /** Packets that authenticate to nobody, from addresses that it has and that it has not. */
  #flood(target: InsiderTarget): void {
    const [remote] = target.virtualIps;
    const own = this.plan.addresses.find((ip) => remote !== undefined && ipFamily(ip) === ipFamily(remote));
    const underlayIp = target.underlay.find((ip) => ipFamily(ip) === target.outerFamily);
    if (remote === undefined || own === undefined || underlayIp === undefined) return;
    for (let i = 0; i < FLOOD_PACKETS; i++) {
      const parameters = { ...this.#parameters(target), underlayIp };
      this.#sendUnder(target, parameters, datagram(own, remote, new Uint8Array(16)));
    }
  }

  #below(below: number): number {
    return this.deps.random.uint32() % below;
  }

  #chance(ratio: number): boolean {
    return chance(this.deps.random, ratio);
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!;
  }
}

function keep<T>(list: T[], value: T, max: number): void {
  if (list.length === max) list.shift();
  list.push(value);
}

function datagram(source: IpAddress, destination: IpAddress, payload: Uint8Array): Uint8Array {
  const packet = ipPacket(source, destination, buildUdp(PORT, PORT, payload));
  setUdpChecksum(packet, 0, ipFamily(source), packet.length - payload.length - UDP_HEADER_OCTETS);
  return packet;
}

function ipPacket(source: IpAddress, destination: IpAddress, payload: Uint8Array): Uint8Array {
  return ipFamily(destination) === 4
    ? buildIpv4Packet({
        source: source as Ipv4Address,
        destination: destination as Ipv4Address,
        protocol: PROTOCOL_UDP,
        ttl: HOP_LIMIT,
        dontFragment: true,
        payload,
      })
    : buildIpv6Packet({
        source: source as Ipv6Address,
        destination: destination as Ipv6Address,
        nextHeader: PROTOCOL_UDP,
        hopLimit: HOP_LIMIT,
        payload,
      });
}

function ethernet(to: Uint8Array, from: Uint8Array, family: IpFamily, packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_OCTETS + packet.length);
  writeEthernetHeader(frame, to, from, family === 4 ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6);
  frame.set(packet, ETHERNET_HEADER_OCTETS);
  return frame;
}
