/**
 * Packets that the pipes leave to the CPU. Those that miss a session start an exchange with the peer that owns the
 * destination, wait for it, and leave in order, once. Requests of the workload to its neighbors are answered.
 */
import type { Clock } from '../hal/clock.js';
import { reasonOf } from '../hal/errors.js';
import type { PipeHal, RssPacket } from '../hal/hal.js';
import { type IpAddress, type Ipv4Address, ipFromOctets, type MacAddress } from '../packet/address.js';
import {
  ETHER_TYPE_ARP,
  ETHER_TYPE_IPV4,
  ETHER_TYPE_IPV6,
  ETHERNET_HEADER_OCTETS,
  etherType,
} from '../packet/ethernet.js';
import { IPV4_DESTINATION, IPV4_SOURCE, ipv4HeaderValid } from '../packet/ipv4.js';
import { IPV6_DESTINATION, IPV6_SOURCE, ipv6HeaderValid } from '../packet/ipv6.js';
import type { GatewayObserver } from './events.js';
import type { Logger } from './log.js';
import { MissedPackets } from './missed-packets.js';
import type { GatewayLimits } from './options.js';
import { checkPathMtu } from './path-mtu.js';
import type { Peers } from './peers.js';
import { PKT_META_EGRESS_SAMPLED, PKT_META_INGRESS_SAMPLED, PKT_META_RETURN_TO_VF } from './pipeline.js';
import { answerArp, answerDhcp, answerNeighborSolicitation } from './responders.js';
import type { Session } from './session.js';
import type { SessionInstaller } from './session-installer.js';
import { TokenBucket } from './token-bucket.js';
import type { TunnelClient } from './tunnel-client.js';

/** ICMP errors towards the workload, per second (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f). */
const PATH_MTU_ANSWERS_PER_SECOND = 1000;
/** Log lines about packets for which there is no peer, per second. */
const NO_PEER_LINES_PER_SECOND = 1;

/** Why a packet came to the CPU. */
export type RssReason = 'sampled at ingress' | 'sampled at egress' | 'left to the CPU';

export interface SlowPathDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: GatewayObserver;
  readonly limits: GatewayLimits;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly client: TunnelClient;
  /** Our MAC towards the workload. */
  readonly ourMac: MacAddress;
  readonly innerMtuOctets: number;
  /** Given out by DHCP; absent: DHCP is not answered. */
  readonly dhcpAddress?: Ipv4Address;
  /** Sees every packet that comes to the CPU. */
  readonly onReceived: (why: RssReason, frame: Uint8Array) => void;
}

/** What became of the packets that came to the CPU. */
export interface SlowPathCounters {
  misses: number;
  resubmitted: number;
  /** No peer owns the destination. */
  noPeer: number;
  /** The gateway has no room for another session. */
  noSession: number;
  /** Not an IP packet that a session could carry. */
  unusable: number;
  /** Still missed after their session was there, too often. */
  looping: number;
  /** Their session was removed while they waited. */
  abandoned: number;
  answeredArp: number;
  answeredNeighbor: number;
  answeredDhcp: number;
  answeredTooBig: number;
  fragmented: number;
  tooBigDropped: number;
  sampledIngress: number;
  sampledEgress: number;
}

export class SlowPath {
  readonly missed: MissedPackets;
  readonly counters: SlowPathCounters = {
    misses: 0,
    resubmitted: 0,
    noPeer: 0,
    noSession: 0,
    unusable: 0,
    looping: 0,
    abandoned: 0,
    answeredArp: 0,
    answeredNeighbor: 0,
    answeredDhcp: 0,
    answeredTooBig: 0,
    fragmented: 0,
    tooBigDropped: 0,
    sampledIngress: 0,
    sampledEgress: 0,
  };
  /** Pairs whose session is being made; their packets wait here until it can hold them. */
  readonly #opening = new Map<string, Uint8Array[]>();
  /** Sessions whose next attempt is due at a time. */
  readonly #retrying = new Set<Session>();
  readonly #tooBigAnswers: TokenBucket;
  readonly #noPeerLines: TokenBucket;
  #stopped = false;

  constructor(private readonly deps: SlowPathDeps) {
    this.missed = new MissedPackets(deps.limits);
    const now = () => deps.clock.nowMs();
    this.#tooBigAnswers = new TokenBucket(PATH_MTU_ANSWERS_PER_SECOND, PATH_MTU_ANSWERS_PER_SECOND, now);
    this.#noPeerLines = new TokenBucket(NO_PEER_LINES_PER_SECOND, 5, now);
  }

  /** Handler for PipeHal.onReceive. */
  receive(packets: readonly RssPacket[]): void {
    if (this.#stopped) return;
    for (const packet of packets) this.#receiveOne(packet);
  }

  /** Some sessions have a way out: what waits for them goes. */
  flush(sessions: readonly Session[]): void {
    for (const session of sessions) this.#flush(session);
  }

  stop(): void {
    this.#stopped = true;
  }

  #receiveOne({ frame, packetMeta }: RssPacket): void {
    const { counters, deps } = this;
    if (packetMeta === PKT_META_INGRESS_SAMPLED) {
      counters.sampledIngress++;
      deps.onReceived('sampled at ingress', frame);
    } else if (packetMeta === PKT_META_EGRESS_SAMPLED) {
      counters.sampledEgress++;
      deps.onReceived('sampled at egress', frame);
    } else {
      deps.onReceived('left to the CPU', frame);
      if (!this.#answer(frame)) this.#miss(frame);
    }
  }

  /** Whether the frame was for the gateway itself. */
  #answer(frame: Uint8Array): boolean {
    const { deps, counters } = this;
    const { ourMac, dhcpAddress, innerMtuOctets } = deps;
    if (etherType(frame) === ETHER_TYPE_ARP) {
      if (this.#reply(answerArp(frame, ourMac))) counters.answeredArp++;
      return true;
    }
    if (this.#reply(answerNeighborSolicitation(frame, ourMac))) {
      counters.answeredNeighbor++;
      return true;
    }
    if (dhcpAddress !== undefined) {
      const options = { address: dhcpAddress, ourMac, mtuOctets: innerMtuOctets };
      if (this.#reply(answerDhcp(frame, options))) {
        counters.answeredDhcp++;
        return true;
      }
    }
    return this.#answerTooBig(frame);
  }

  #answerTooBig(frame: Uint8Array): boolean {
    const { deps, counters } = this;
    const result = checkPathMtu(frame, deps.innerMtuOctets, deps.ourMac);
    switch (result.kind) {
      case 'fits':
        return false;
      case 'fragments':
        counters.fragmented++;
        // What the device has no room for now is lost, as it would be in a router; the count says so.
        counters.tooBigDropped +=
          result.frames.length - deps.hal.transmit(result.frames.map((fragment) => ({ frame: fragment })));
        return true;
      case 'answer':
        if (this.#tooBigAnswers.take()) {
          this.#reply(result.frame);
          counters.answeredTooBig++;
        } else counters.tooBigDropped++;
        return true;
      case 'drop':
        counters.tooBigDropped++;
        return true;
    }
  }

  #reply(frame: Uint8Array | undefined): boolean {
    if (frame === undefined) return false;
    this.deps.hal.transmit([{ frame, packetMeta: PKT_META_RETURN_TO_VF }]);
    return true;
  }

  #miss(frame: Uint8Array): void {
    const { deps, counters } = this;
    const pair = pairOf(frame);
    if (pair === undefined) {
      counters.unusable++;
      return;
    }
    counters.misses++;
    const session = deps.installer.sessions.get(pair.localVip, pair.remoteVip);
    if (session !== undefined) {
      this.#missOf(session, frame);
      return;
    }
    const peer = deps.peers.ownerOf(pair.remoteVip);
    if (peer === undefined || !deps.peers.localVips.has(pair.localVip)) {
      counters.noPeer++;
      if (this.#noPeerLines.take()) {
        const reason =
          peer === undefined ? 'no peer owns the destination' : 'the source is no address of ours';
        deps.logger.log('warning', `packet dropped: ${reason}`, {
          source: pair.localVip,
          destination: pair.remoteVip,
        });
      }
      return;
    }
    const key = `${pair.localVip} ${pair.remoteVip}`;
    const opening = this.#opening.get(key);
    if (opening !== undefined) {
      if (opening.length < deps.limits.missedPacketsPerSession) opening.push(frame);
      else this.missed.overflowed++;
      return;
    }
    const frames = [frame];
    this.#opening.set(key, frames);
    deps.installer.open([{ peer, ...pair }]).then(
      ([opened]) => {
        this.#opening.delete(key);
        for (const waiting of frames) this.#missOf(opened!, waiting);
      },
      (error: unknown) => {
        this.#opening.delete(key);
        counters.noSession += frames.length;
        deps.logger.log('error', `no session for ${key}: ${reasonOf(error)}`);
      },
    );
  }

  #missOf(session: Session, frame: Uint8Array): void {
    const { deps, counters, missed } = this;
    if (session.state === 'removed') {
      counters.abandoned++;
      return;
    }
    if (session.egress !== undefined) {
      if (session.resubmitBudget <= 0) {
        counters.looping++;
        return;
      }
      session.resubmitBudget--;
    }
    if (!missed.push(session, frame, deps.clock.nowMs())) return;
    const { localVip, remoteVip } = session;
    deps.observe({ type: 'miss', localVip, remoteVip, waiting: missed.countOf(session) });
    if (session.egress !== undefined) this.#flush(session);
    else if (session.state === 'idle') void this.#request(session);
    else if (session.state === 'backing-off') this.#retryLater(session);
  }

  /** One exchange; on failure again after a while, as long as packets wait. */
  async #request(session: Session): Promise<void> {
    const { clock, logger, client } = this.deps;
    try {
      await client.exchange(session.peer, [session]);
    } catch (error) {
      // The peer asked at the same time, and that succeeded.
      if (session.state !== 'backing-off') return;
      logger.log('warning', `tunnel request failed: ${reasonOf(error)}`, {
        peer: session.peer.name,
        remoteVip: session.remoteVip,
        retryInMs: Math.round(session.retryAtMs - clock.nowMs()),
      });
      this.#retryLater(session);
    }
  }

  /** Tries again when the session's wait is over; once, however many packets come until then. */
  #retryLater(session: Session): void {
    const { clock } = this.deps;
    if (this.#retrying.has(session)) return;
    this.#retrying.add(session);
    clock.setTimer(() => this.#afterBackoff(session), Math.max(0, session.retryAtMs - clock.nowMs()));
  }

  #afterBackoff(session: Session): void {
    const { deps, missed } = this;
    this.#retrying.delete(session);
    if (this.#stopped || session.state !== 'backing-off') return;
    if (missed.waiting(session, deps.clock.nowMs()).length > 0) {
      void this.#request(session);
      return;
    }
    // Nobody asks any more: what is left of the session goes, the next packet begins anew.
    if (!session.wanted) void deps.installer.remove([session]);
  }

  #flush(session: Session): void {
    const { deps, missed, counters } = this;
    const frames = missed.waiting(session, deps.clock.nowMs());
    if (frames.length === 0 || this.#stopped) return;
    const taken = deps.hal.transmit(frames.map((frame) => ({ frame })));
    missed.shift(session, taken);
    counters.resubmitted += taken;
    const { localVip, remoteVip } = session;
    if (taken > 0) deps.observe({ type: 'resubmitted', localVip, remoteVip, packets: taken });
    // The device is busy: the rest follows, before anything that misses later.
    if (taken < frames.length) deps.clock.setTimer(() => this.#flush(session), 1);
  }
}

/** The virtual addresses of a workload's packet; undefined for what is not a whole IP packet. */
function pairOf(frame: Uint8Array): { localVip: IpAddress; remoteVip: IpAddress } | undefined {
  const ip = ETHERNET_HEADER_OCTETS;
  if (etherType(frame) === ETHER_TYPE_IPV4 && ipv4HeaderValid(frame, ip, frame.length)) {
    return {
      localVip: ipFromOctets(frame, ip + IPV4_SOURCE, 4),
      remoteVip: ipFromOctets(frame, ip + IPV4_DESTINATION, 4),
    };
  }
  if (etherType(frame) === ETHER_TYPE_IPV6 && ipv6HeaderValid(frame, ip, frame.length)) {
    return {
      localVip: ipFromOctets(frame, ip + IPV6_SOURCE, 6),
      remoteVip: ipFromOctets(frame, ip + IPV6_DESTINATION, 6),
    };
  }
  return undefined;
}
