/**
 * Packets that the pipes leave to the CPU. Those that miss a session start an exchange with the peer that owns the
 * destination, wait for it, and leave in order, once. What the gateway answers itself is in answers.ts.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { reasonOf } from '../../hal/errors.js';
import type { PipeHal, RssPacket } from '../../hal/hal.js';
import type { MacAddress } from '../../packet/address.js';
import { isIpFragment } from '../../packet/fragment.js';
import { claimsToBeSegmentMessage } from '../../packet/segment.js';
import type { AddressPair } from '../directory.js';
import { DRAINS, type DrainState } from '../drain-state.js';
import type { GatewayObserver } from '../events.js';
import type { Logger } from '../log.js';
import type { GatewayLimits } from '../options.js';
import type { Peer, Peers } from '../peers.js';
import {
  PKT_META_EGRESS_SAMPLED,
  PKT_META_INGRESS_SAMPLED,
  PKT_META_RESUBMITTED,
  PKT_META_RETURN_TO_VF,
  PKT_META_SEGMENT_IN,
  PKT_META_SEGMENT_OUT,
  trialMark,
} from '../pipeline/packet-meta.js';
import type { VacatedReason } from '../sessions/fair-share.js';
import { type Egress, hasPlace, mayAsk, type Session } from '../sessions/session.js';
import type { SessionInstaller } from '../sessions/session-installer.js';
import type { TunnelClient } from '../sessions/tunnel-client.js';
import type { UnderlayHold } from '../underlay/underlay-hold.js';
import { Answers } from './answers.js';
import { MissedPackets } from './missed-packets.js';
import { packetPair } from './packet-pair.js';
import type { DhcpServerOptions } from './responders.js';
import { SampledLines, type SampledWhere } from './sampled-lines.js';
import type { Segment, SegmentDirection } from './segment.js';
import { newSlowPathCounters, type SlowPathCounters } from './slow-path-counters.js';
import { Turns } from './turns.js';

/** Pairs whose sessions are being made at one time; a workload that sends to more of them at once has to wait. */
const OPENING_MAX = 256;
/** Exchanges that packets have begun with one peer at one time; further sessions wait for their turn. */
const REQUESTS_PER_PEER_MAX = 16;
const DRAINING = 'its tunnel would be a new one, and this gateway or its peer drains';
const GONE = 'its tunnel is gone, or has lost its place in the table';

/** Who captures packets, if anybody does. Frames are lent for the call. */
export interface PacketWatch {
  /** A packet has come to the CPU: by which port it came in or goes out, which way, and why. */
  received(port: 'uplink' | 'vf', direction: 'in' | 'out', why: RssReason, frame: Uint8Array): void;
  /** A packet that came in by this port goes no further, and why. */
  dropped(port: 'uplink' | 'vf', reason: string, frame: Uint8Array): void;
}

/** Why a packet came to the CPU. */
export type RssReason = SampledWhere | 'left to the CPU';

export interface SlowPathDeps {
  readonly hal: PipeHal;
  readonly clock: Clock;
  /** For sampled packets. */
  readonly logger: Logger;
  readonly observe: GatewayObserver;
  readonly limits: GatewayLimits;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly client: TunnelClient;
  readonly drain: Pick<DrainState, 'isDraining'>;
  /** Our MAC towards the workload. */
  readonly ourMac: MacAddress;
  readonly innerMtuOctets: number;
  /** Log sampled packets with their octets. */
  readonly sampledOctets: boolean;
  /** Copies of what leaves are not encrypted yet. */
  readonly sampleBeforeEncryption: boolean;
  /** Absent: DHCP is not answered. */
  readonly dhcp?: DhcpServerOptions;
  /** Limits the packets to addresses that are not proved. */
  readonly hold: UnderlayHold;
  /** Transport mode: what of the segment passes between the ports. */
  readonly segment?: Segment;
  /** Sees every packet that comes to the CPU. */
  readonly onReceived: (why: RssReason, frame: Uint8Array) => void;
  readonly watch: PacketWatch;
}

export class SlowPath {
  readonly missed: MissedPackets;
  readonly counters: SlowPathCounters = newSlowPathCounters();
  /** Pairs whose session is being made; their packets wait here until it can hold them. */
  readonly #opening = new Map<string, Uint8Array[]>();
  /** Sessions whose next attempt is due at a time. */
  #expiring: Timer | undefined;
  readonly #retrying = new Map<Session, Timer>();
  readonly #turns = new Turns<Peer, Session>(REQUESTS_PER_PEER_MAX, (session) => this.#request(session));
  readonly #answers: Answers;
  readonly #sampledLines: SampledLines;
  #stopped = false;

  constructor(private readonly deps: SlowPathDeps) {
    this.missed = new MissedPackets(deps.limits, (reason, frame) => deps.watch.dropped('vf', reason, frame));
    const { hal, clock, observe, ourMac, innerMtuOctets, dhcp, segment } = deps;
    const mayCut = segment === undefined;
    const { counters } = this;
    this.#answers = new Answers({ hal, clock, observe, counters, ourMac, innerMtuOctets, mayCut, dhcp });
    this.#sampledLines = new SampledLines({
      logger: deps.logger,
      nowMs: () => clock.nowMs(),
      perSecond: deps.limits.sampledLinesPerSecond,
      withOctets: deps.sampledOctets,
      beforeEncryption: deps.sampleBeforeEncryption,
    });
  }

  /** Handler for PipeHal.onReceive. */
  receive(packets: readonly RssPacket[]): void {
    if (this.#stopped) return;
    for (const packet of packets) this.#receiveOne(packet);
  }

  /** Some sessions have an egress route: what waits for them goes. */
  flush(sessions: readonly Session[]): void {
    for (const session of sessions) this.#flush(session);
  }

  /** A session has lost its place, or is gone: what waits for an idle one gets a place like any other packet. */
  onVacated(session: Session, reason: VacatedReason | 'removed'): void {
    this.#retrying.get(session)?.cancel();
    this.#retrying.delete(session);
    this.#turns.forget(session.peer, session);
    const waiting = this.missed.waiting(session, this.deps.clock.nowMs());
    this.missed.drop(session);
    if (reason === 'idle' || reason === 'idle-in-full-table')
      for (const frame of waiting) this.#miss(frame, false);
    else {
      this.counters.abandoned += waiting.length;
      for (const frame of waiting) this.deps.watch.dropped('vf', GONE, frame);
    }
  }

  /** The peer is there: who waits for it need not wait until an attempt is due. */
  heardOf(peer: Peer): void {
    for (const [session, timer] of [...this.#retrying]) {
      if (session.peer !== peer) continue;
      timer.cancel();
      this.#afterBackoff(session);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#expiring?.cancel();
    for (const timer of this.#retrying.values()) timer.cancel();
  }

  #receiveOne({ frame, packetMeta }: RssPacket): void {
    const { counters, deps } = this;
    if (packetMeta === PKT_META_INGRESS_SAMPLED) {
      counters.sampledIngress++;
      deps.watch.received('uplink', 'in', 'sampled at ingress', frame);
      this.#sampled('sampled at ingress', frame);
    } else if (packetMeta === PKT_META_EGRESS_SAMPLED) {
      counters.sampledEgress++;
      deps.watch.received('uplink', 'out', 'sampled at egress', frame);
      this.#sampled('sampled at egress', frame);
    } else {
      deps.onReceived('left to the CPU', frame);
      const port = packetMeta === PKT_META_SEGMENT_IN ? 'uplink' : 'vf';
      deps.watch.received(port, 'in', 'left to the CPU', frame);
      if (packetMeta === PKT_META_RESUBMITTED) this.#miss(frame, true);
      else if (packetMeta === PKT_META_SEGMENT_IN) this.#pass('in', frame);
      else if (deps.segment !== undefined && claimsToBeSegmentMessage(frame)) this.#pass('out', frame);
      else if (!this.#dropFragment(frame) && !this.#answers.take(frame)) this.#miss(frame, false);
    }
  }

  #sampled(where: SampledWhere, frame: Uint8Array): void {
    this.deps.onReceived(where, frame);
    if (!this.#sampledLines.tell(where, frame)) this.counters.sampledNotLogged++;
  }

  /** Transport mode: whether the frame is a fragment, which is dropped then, counted and told. */
  #dropFragment(frame: Uint8Array): boolean {
    const { deps, counters } = this;
    if (deps.segment === undefined || !isIpFragment(frame)) return false;
    counters.fragmentsDropped++;
    const { localVip: source, remoteVip: destination } = packetPair(frame)!;
    deps.observe({ type: 'fragment-dropped', source, destination });
    deps.watch.dropped('vf', 'it is a fragment, and transport mode takes whole packets only', frame);
    return true;
  }

  /** Transport mode: sends what belongs to the segment to the other port, as far as it may pass. */
  #pass(direction: SegmentDirection, frame: Uint8Array): void {
    const { deps, counters } = this;
    const passed = deps.segment?.pass(direction, frame);
    if (passed === undefined) {
      counters.segmentDropped++;
      const port = direction === 'in' ? 'uplink' : 'vf';
      deps.watch.dropped(port, 'it is of the segment, and does not pass there', frame);
      return;
    }
    counters.segmentPassed++;
    const packetMeta = direction === 'out' ? PKT_META_SEGMENT_OUT : PKT_META_RETURN_TO_VF;
    deps.hal.transmit([{ frame: passed, packetMeta }]);
  }

  /** `resubmitted`: it was sent once already to an egress route that its session had. */
  #miss(frame: Uint8Array, resubmitted: boolean): void {
    const { deps, counters } = this;
    const pair = packetPair(frame);
    if (pair === undefined) {
      counters.unusable++;
      deps.watch.dropped('vf', 'it is no whole IP packet', frame);
      return;
    }
    counters.misses++;
    const session = deps.installer.sessions.get(pair.localVip, pair.remoteVip);
    if (session !== undefined && hasPlace(session)) {
      // Not sent again: the device does not find a route that is there, and the packet would go round for ever.
      if (resubmitted && session.egress !== undefined) {
        counters.looping++;
        deps.watch.dropped('vf', 'the device does not find the route of its tunnel', frame);
      } else this.#missOf(session, frame);
      return;
    }
    const peer = deps.peers.ownerOf(pair.remoteVip);
    if (peer === undefined || !deps.peers.localVips.has(pair.localVip)) {
      counters.noPeer++;
      const reason = peer === undefined ? 'no peer owns the destination' : 'the source is no address of ours';
      deps.observe({ type: 'packet-refused', reason, source: pair.localVip, destination: pair.remoteVip });
      deps.watch.dropped('vf', reason, frame);
      return;
    }
    const key = `${pair.localVip} ${pair.remoteVip}`;
    const opening = this.#opening.get(key);
    if (opening !== undefined) {
      if (opening.length < deps.limits.missedPacketsPerSession) opening.push(frame);
      else this.missed.overflow(frame);
      return;
    }
    if (this.#opening.size >= OPENING_MAX || !deps.installer.mayTakePlace(pair.localVip)) {
      this.#noSession(pair, 'the table is full, or many are being made', frame);
      return;
    }
    const drains = this.#whoDrains(peer);
    if (drains !== undefined) {
      this.#noSession(pair, drains, frame);
      return;
    }
    const frames = [frame];
    this.#opening.set(key, frames);
    deps.installer.open([{ peer, holder: pair.localVip, ...pair }]).then(
      ([opened]) => {
        this.#opening.delete(key);
        for (const waiting of frames) this.#missOf(opened!, waiting);
      },
      (error: unknown) => {
        this.#opening.delete(key);
        counters.noSession += frames.length;
        const reason = reasonOf(error);
        deps.observe({ type: 'no-session', ...pair, reason });
        for (const lost of frames) deps.watch.dropped('vf', `no session: ${reason}`, lost);
      },
    );
  }

  /** Why no new tunnel with a peer is made; undefined: it is. */
  #whoDrains(peer: Peer): string | undefined {
    const { drain, clock } = this.deps;
    if (drain.isDraining) return DRAINS;
    return peer.drainsAt(clock.nowMs()) ? `peer ${peer.name} drains` : undefined;
  }

  /** A packet is dropped, since its session cannot be made. */
  #noSession(pair: AddressPair, reason: string, frame: Uint8Array): void {
    const { deps, counters } = this;
    counters.noSession++;
    deps.observe({ type: 'no-session', ...pair, reason });
    deps.watch.dropped('vf', `no session: ${reason}`, frame);
  }

  #missOf(session: Session, frame: Uint8Array): void {
    const { deps, counters, missed } = this;
    if (!hasPlace(session)) {
      counters.abandoned++;
      deps.watch.dropped('vf', GONE, frame);
      return;
    }
    if (deps.client.isHeldBack(session)) {
      const { localVip, remoteVip } = session;
      this.#noSession({ localVip, remoteVip }, this.#whoDrains(session.peer) ?? DRAINS, frame);
      return;
    }
    if (!missed.push(session, frame, deps.clock.nowMs())) {
      // One of those that wait may go by now, and nothing else would see to it.
      if (session.egress?.held === true) this.#flush(session);
      return;
    }
    this.#expireLater();
    deps.installer.touch(session);
    const { localVip, remoteVip } = session;
    deps.observe({ type: 'miss', localVip, remoteVip, waiting: missed.countOf(session) });
    if (session.egress !== undefined) this.#flush(session);
    else if (session.state === 'idle') this.#turns.take(session.peer, session);
    else if (session.state === 'backing-off') this.#retryLater(session);
  }

  /** Packets whose session nobody asks for any more are dropped, too. */
  #expireLater(): void {
    const { clock, limits } = this.deps;
    if (this.#expiring !== undefined || this.#stopped) return;
    this.#expiring = clock.setTimer(() => {
      this.#expiring = undefined;
      this.missed.expireAll(clock.nowMs());
      if (this.missed.total > 0) this.#expireLater();
    }, limits.missedPacketTtlMs);
  }

  /** What waits for a session is dropped: none is made for it. */
  #abandon(session: Session): void {
    const { clock, watch } = this.deps;
    for (const frame of this.missed.waiting(session, clock.nowMs())) watch.dropped('vf', DRAINING, frame);
    this.counters.abandoned += this.missed.drop(session);
  }

  /** One exchange; on failure again after a while, as long as packets wait. */
  async #request(session: Session): Promise<void> {
    const { clock, client } = this.deps;
    // While it waited for its turn somebody else may have asked, or its packets have become too old.
    if (this.#stopped || session.egress !== undefined || !mayAsk(session)) return;
    if (client.isHeldBack(session)) this.#abandon(session);
    if (this.missed.waiting(session, clock.nowMs()).length === 0) {
      this.#giveUp(session);
      return;
    }
    try {
      await client.exchange(session.peer, [session]);
    } catch (error) {
      // The peer asked at the same time, and that succeeded.
      if (session.state !== 'backing-off') return;
      this.deps.observe({
        type: 'exchange-failed',
        peer: session.peer.name,
        tunnels: 1,
        reason: reasonOf(error),
        attempt: session.failures,
        retryInMs: Math.round(session.retryAtMs - clock.nowMs()),
      });
      this.#retryLater(session);
    }
  }

  /** Tries again when the session's wait is over; once, however many packets come until then. */
  #retryLater(session: Session): void {
    const { clock } = this.deps;
    if (this.#retrying.has(session)) return;
    const waitMs = Math.max(0, session.retryAtMs - clock.nowMs());
    this.#retrying.set(
      session,
      clock.setTimer(() => this.#afterBackoff(session), waitMs),
    );
  }

  #afterBackoff(session: Session): void {
    const { deps, missed } = this;
    this.#retrying.delete(session);
    if (this.#stopped || session.state !== 'backing-off') return;
    if (missed.waiting(session, deps.clock.nowMs()).length > 0) {
      this.#turns.take(session.peer, session);
      return;
    }
    this.#giveUp(session);
  }

  /** Nobody asks any more: what is left of the session goes, the next packet begins anew. */
  #giveUp(session: Session): void {
    const { deps } = this;
    if (session.wanted !== 0) return;
    const unwanted = (one: Session) => one.egress === undefined && !one.asking && one.wanted === 0;
    deps.installer.remove([session], unwanted).catch((error: unknown) => {
      if (this.#stopped) return;
      deps.observe({ type: 'work-failed', work: 'session-removal', reason: reasonOf(error) });
    });
  }

  #flush(session: Session): void {
    const { deps, missed, counters } = this;
    const frames = missed.waiting(session, deps.clock.nowMs());
    if (frames.length === 0 || this.#stopped) return;
    if (session.egress?.held === true) {
      this.#try(session, session.egress, frames);
      return;
    }
    const taken = deps.hal.transmit(frames.map((frame) => ({ frame, packetMeta: PKT_META_RESUBMITTED })));
    missed.shift(session, taken);
    counters.resubmitted += taken;
    const { localVip, remoteVip } = session;
    if (taken > 0) deps.observe({ type: 'resubmitted', localVip, remoteVip, packets: taken });
    // The device is busy: the rest follows, before anything that misses later.
    if (taken < frames.length) deps.clock.setTimer(() => this.#flush(session), 1);
  }

  /** Sends as many packets as may go to an address that is not proved. The others wait. */
  #try(session: Session, { cryptoId, underlayIp: address }: Egress, frames: readonly Uint8Array[]): void {
    const { deps, missed, counters } = this;
    const some = frames.slice(0, deps.hold.take(session.peer, frames.length));
    const packetMeta = trialMark(cryptoId);
    counters.resubmitted += deps.hal.transmit(some.map((frame) => ({ frame, packetMeta })));
    // Packets for which the device has no room now are lost: they were counted already.
    missed.shift(session, some.length);
    const { localVip, remoteVip } = session;
    if (some.length > 0) deps.observe({ type: 'resubmitted', localVip, remoteVip, packets: some.length });
    const waiting = frames.length - some.length;
    if (waiting > 0) deps.observe({ type: 'underlay-held', peer: session.peer.name, address, waiting });
  }
}
