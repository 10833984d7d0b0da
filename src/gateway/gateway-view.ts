/** Makes the views of a gateway (view.ts) from its parts. */
import type { Clock } from '../base/clock.js';
import type { PipeHal } from '../hal/hal.js';
import type { EventLog } from './event-log.js';
import type { Peer, Peers } from './peers.js';
import type { Announcements } from './recovery/announcements.js';
import type { FailingSources } from './recovery/failing-sources.js';
import type { PeerStarts } from './recovery/peer-starts.js';
import type { Recovery } from './recovery/recovery.js';
import { namesThatProve } from './rpc/identity.js';
import { isServiceNamed } from './rpc/transport.js';
import type { Retirement } from './sessions/retirement.js';
import type { Rotation } from './sessions/rotation.js';
import { holderText, isReadable, type Session, type SessionState } from './sessions/session.js';
import { countersOfSessions } from './sessions/session-counters.js';
import type { SessionInstaller } from './sessions/session-installer.js';
import type { TunnelService } from './sessions/tunnel-service.js';
import type { Versions } from './sessions/versions.js';
import type { Segment } from './slow-path/segment.js';
import type { SlowPath } from './slow-path/slow-path.js';
import type { UnderlayEvidence } from './underlay/underlay-evidence.js';
import type { UnderlayHold } from './underlay/underlay-hold.js';
import type { UnderlayPolicy } from './underlay/underlay-policy.js';
import type {
  DrainView,
  GatewaySummary,
  PeerView,
  RecoveryView,
  SessionView,
  TunnelSelection,
  TunnelView,
} from './view.js';

export interface ViewParts {
  readonly hal: PipeHal;
  readonly clock: Clock;
  readonly peers: Peers;
  readonly installer: SessionInstaller;
  readonly retirement: Retirement;
  readonly rotation: Rotation;
  readonly versions: Versions;
  readonly service: TunnelService;
  readonly slowPath: SlowPath;
  readonly segment: Segment | undefined;
  readonly underlay: UnderlayPolicy;
  readonly evidence: UnderlayEvidence | undefined;
  readonly hold: UnderlayHold;
  readonly announcements: Announcements;
  readonly peerStarts: PeerStarts;
  readonly recovery: Recovery;
  readonly failingSources: FailingSources;
  readonly draining: () => DrainView | undefined;
  readonly eventLog: EventLog;
}

/** What the parts do not know. */
type Around = Pick<
  GatewaySummary,
  'serviceAddress' | 'mode' | 'stateProblem' | 'startedAtMs' | 'ports' | 'doors' | 'tls' | 'refusedToPeers'
>;

export class GatewayViews {
  constructor(private readonly parts: ViewParts) {}

  summary(around: Around): GatewaySummary {
    const { hal, installer, retirement, rotation, versions, service, slowPath, segment, eventLog } =
      this.parts;
    const { missed, counters } = slowPath;
    const { dormant, order } = installer.sessions;
    const sessionsByState: Partial<Record<SessionState, number>> = {};
    const count = (state: SessionState, sessions: number) => {
      sessionsByState[state] = (sessionsByState[state] ?? 0) + sessions;
    };
    const ofPeers = new Map<Peer, { established: number; sessions: number }>();
    let readable = 0;
    for (const session of installer.sessions) {
      const { state, peer } = session;
      if (isReadable(session)) readable++;
      count(state, 1);
      const ofPeer = ofPeers.get(peer) ?? { established: 0, sessions: 0 };
      ofPeers.set(peer, ofPeer);
      ofPeer.sessions++;
      if (state === 'established') ofPeer.established++;
    }
    for (const session of dormant) if (isReadable(session)) readable++;
    if (dormant.size > 0) count('dormant', dormant.size);
    return {
      ...around,
      drain: this.parts.draining(),
      device: hal.device,
      sessionsReadable: readable,
      sessionsByState,
      peers: this.parts.peers.all.map((peer) =>
        this.#peer(peer, ofPeers.get(peer) ?? { established: 0, sessions: 0 }),
      ),
      underlay: this.#underlay(),
      keySlotsUsed: installer.keySlotsUsed,
      keySlots: installer.keySlots,
      spis: installer.spiSupply,
      rotation: rotation.view(),
      spisRetiring: retirement.waiting,
      spisOfFormerKey: installer.doomedSpis,
      entriesLeft: installer.entriesLeft,
      refusedByDevice: installer.refusedByDevice,
      rotations: installer.generation,
      tables: {
        ...installer.counters,
        capacity: installer.capacity,
        share: installer.share,
        holders: order.holderCount,
        dormant: dormant.size,
      },
      slowPath: { ...counters, overflowed: missed.overflowed, expired: missed.expired },
      missedPackets: { waiting: missed.total, waitingMax: missed.totalMax },
      segment: segment?.counters,
      refused: Object.fromEntries(service.refused),
      refusedOverBudget: service.overBudget,
      versionsRefused: { ...versions.refused },
      recovery: this.#recovery(),
      eventLinesLeftOut: eventLog.leftOut,
    };
  }

  /** All sessions that have a place. */
  sessions(): SessionView[] {
    return [...this.parts.installer.sessions].map((session) => this.#session(session));
  }

  /** As GatewayInsight has it. */
  async tunnels(
    selection: TunnelSelection,
    most: number,
  ): Promise<{ readonly tunnels: readonly TunnelView[]; readonly leftOut: number }> {
    const { hal, clock, installer } = this.parts;
    const { order, dormant } = installer.sessions;
    const all = [...[...order].reverse(), ...[...dormant].reverse()].filter((session) =>
      isSelected(session, selection),
    );
    const chosen = all.slice(0, most);
    const counters = await countersOfSessions(hal, clock, chosen);
    const tunnels = chosen.map((session, i) => ({
      ...this.#session(session),
      out: counters[i]!.out,
      in: counters[i]!.in,
    }));
    return { tunnels, leftOut: all.length - chosen.length };
  }

  #session(session: Session): SessionView {
    const { egress, state, establishedAtS, receivedAtS, retryAtMs } = session;
    return {
      localVip: session.localVip,
      remoteVip: session.remoteVip,
      peer: session.peer.name,
      state,
      ingressSpis: session.ingress.map(({ spi }) => spi),
      egressSpi: egress?.spi,
      readable: isReadable(session),
      keySlot: egress?.cryptoId,
      waitingPackets: this.parts.slowPath.missed.countOf(session),
      establishedAtMs: egress === undefined ? undefined : 1000 * establishedAtS,
      receivedAtMs: receivedAtS === 0 ? undefined : 1000 * receivedAtS,
      failures: session.failures,
      retryAtMs: state === 'backing-off' ? retryAtMs : undefined,
      holder: holderText(session.holder),
    };
  }

  #peer(peer: Peer, counts: { readonly established: number; readonly sessions: number }): PeerView {
    return {
      name: peer.name,
      virtualIps: peer.virtualIps.length,
      virtualPrefixes: peer.virtualPrefixes.length,
      owns: { addresses: peer.virtualIps, prefixes: peer.virtualPrefixes },
      identities: namesThatProve(peer.serviceAddress.host, peer.identities),
      dialect: peer.dialect,
      failures: peer.failures,
      answeredAtMs: peer.answeredAtMs,
      heardAtMs: Number.isFinite(peer.heardAtMs) ? peer.heardAtMs : undefined,
      receivedAtMs: peer.receivedAtMs,
      silentSinceMs: peer.silentSinceMs,
      silentReason: peer.silentReason,
      silentProblem: peer.silentProblem,
      failure: peer.failure,
      drains: peer.drainsAt(this.parts.clock.nowMs()) ? { endsAtMs: peer.drain!.endsAtMs } : undefined,
      ...counts,
      mayRotate: peer.mayRotate,
      refused: { ...peer.refused },
      spisGiven: peer.budget.spisTaken,
      underlay: this.parts.underlay.viewOf(peer),
    };
  }

  #underlay(): GatewaySummary['underlay'] {
    const { underlay, evidence, hold } = this.parts;
    return {
      refused: { ...underlay.refused },
      changes: underlay.changes,
      watched: evidence?.size ?? 0,
      watchRefused: evidence?.refused ?? 0,
      heldPassed: hold.passed,
    };
  }

  #recovery(): RecoveryView {
    const { announcements, peerStarts, recovery, failingSources } = this.parts;
    return {
      announcementsSent: announcements.counters.sent,
      announcementsAnswered: announcements.counters.answered,
      announcementsFailed: announcements.counters.failed,
      announcementsReceived: peerStarts.counters.received,
      announcementsRefused: peerStarts.counters.refused,
      ...recovery.counters,
      underlayAddresses: failingSources.watched,
      unknownSourcePackets: failingSources.unknownPackets,
    };
  }
}

/** Whether a session is of a selection. */
export function isSelected({ peer, localVip, remoteVip }: Session, selection: TunnelSelection): boolean {
  const { peer: name, vip } = selection;
  if (name !== undefined && !isServiceNamed(peer.name, name)) return false;
  return vip === undefined || vip === localVip || vip === remoteVip;
}
