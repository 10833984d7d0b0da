/** Metrics of sessions, keys and peers. */
import type { SessionState } from '../gateway/sessions/session.js';
import type { GatewaySummary, PeerView } from '../gateway/view.js';
import { byKey, type LabelledValue, type Metric, type Scrape, unixS, type Value } from './metric.js';

/** Peers of whom there are metrics, with --metrics-per-peer: the first ones of the configuration. */
export const PEERS_MAX = 1024;

const NO_SESSIONS: Readonly<Record<Exclude<SessionState, 'removed'>, number>> = {
  idle: 0,
  requesting: 0,
  'backing-off': 0,
  established: 0,
  dormant: 0,
};

const gauge = (name: string, help: string, read: (gateway: GatewaySummary) => Value): Metric => ({
  name: `psp_gateway_${name}`,
  kind: 'gauge',
  help,
  read: ({ gateway }) => read(gateway),
});

const ofPeer = (
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (peer: PeerView) => Value,
): Metric => ({
  name: `psp_gateway_peer_${name}`,
  kind,
  help,
  labels: ['peer'],
  perPeer: true,
  read: ({ gateway }) =>
    gateway.peers.slice(0, PEERS_MAX).map((peer): LabelledValue => [read(peer), peer.name]),
});

function peersByState({ gateway }: Scrape): LabelledValue[] {
  const counts = { answering: 0, silent: 0, unknown: 0 };
  for (const { silentSinceMs, heardAtMs } of gateway.peers) {
    if (silentSinceMs !== undefined) counts.silent++;
    else if (heardAtMs !== undefined) counts.answering++;
    else counts.unknown++;
  }
  return byKey(counts);
}

export const SESSION_METRICS: readonly Metric[] = [
  {
    name: 'psp_gateway_sessions',
    kind: 'gauge',
    help: 'Sessions by state; dormant ones have no place in the table.',
    labels: ['state'],
    read: ({ gateway }) => byKey({ ...NO_SESSIONS, ...gateway.sessionsByState }),
  },
  gauge(
    'sessions_readable',
    'Sessions whose packets are authenticated and not encrypted (AES-GMAC, --psp-version 2 or 3): who is on their way reads them.',
    ({ sessionsReadable }) => sessionsReadable,
  ),
  {
    name: 'psp_gateway_versions_refused_total',
    kind: 'counter',
    help: 'Tunnel parameters of peers that were refused for their PSP version: in requests, or in answers of another version than asked for.',
    labels: ['what'],
    read: ({ gateway }) => byKey({ ...gateway.versionsRefused }),
  },
  gauge(
    'draining',
    'Whether the gateway drains: 1 while it makes no new tunnels, otherwise 0.',
    ({ drain }) => (drain === undefined ? 0 : 1),
  ),
  gauge(
    'peers_draining',
    'Peers that have told that they make no new tunnels.',
    ({ peers }) => peers.filter(({ drains }) => drains !== undefined).length,
  ),
  gauge('sessions_limit', 'Sessions that may have a place in the table.', ({ tables }) => tables.capacity),
  {
    name: 'psp_gateway_tunnels_established_total',
    kind: 'counter',
    help: 'Sessions that have got their first way out, by who asked for it.',
    labels: ['asked_by'],
    read: ({ events }) => events.established.values(),
  },
  {
    name: 'psp_gateway_tunnels_rekeyed_total',
    kind: 'counter',
    help: 'Sessions that have got a new key in the place of one that they had, by who asked for it.',
    labels: ['asked_by'],
    read: ({ events }) => events.rekeyed.values(),
  },
  {
    name: 'psp_gateway_sessions_removed_total',
    kind: 'counter',
    help: 'Sessions that have lost their place, by reason; `asked`: by command, by a peer, or nobody wanted it any more.',
    labels: ['reason'],
    read: ({ events }) => events.removed.values(),
  },
  {
    name: 'psp_gateway_exchanges_failed_total',
    kind: 'counter',
    help: 'Requests for tunnels that came to nothing.',
    read: ({ events }) => events.exchangesFailed,
  },
  gauge('key_slots_used', 'Key slots of the device in use.', ({ keySlotsUsed }) => keySlotsUsed),
  gauge('key_slots_limit', 'Key slots of the device that may be used.', ({ keySlots }) => keySlots),
  gauge('spis_used', 'SPIs that were given out under the active master key.', ({ spis }) => spis.given),
  gauge('spis_left', 'SPIs that the active master key has left.', ({ spis }) => spis.left),
  gauge(
    'spis_retiring',
    'Old SPIs that are accepted still, after a re-key.',
    ({ spisRetiring }) => spisRetiring,
  ),
  gauge('entries_left', 'Entries that the device would not remove yet.', ({ entriesLeft }) => entriesLeft),
  {
    name: 'psp_gateway_rotations_total',
    kind: 'counter',
    help: 'Rotations of the master key that the gateway has made.',
    read: ({ gateway }) => gateway.rotations,
  },
  {
    name: 'psp_gateway_rotations_failed_total',
    kind: 'counter',
    help: 'Rotations of the master key that the device has refused.',
    read: ({ events }) => events.rotationsFailed,
  },
  {
    name: 'psp_gateway_rotations_refused_total',
    kind: 'counter',
    help: 'Rotations of the master key that peers have asked for and were refused, by gRPC status: no right to it, too often, too early.',
    labels: ['status'],
    read: ({ events }) => events.rotationsRefused.values(),
  },
  {
    name: 'psp_gateway_rotation_cut_off_sessions_total',
    kind: 'counter',
    help: 'Sessions whose key a rotation has ended before their peers took new ones.',
    read: ({ events }) => events.cutOff,
  },
  {
    name: 'psp_gateway_last_rotation_timestamp_seconds',
    kind: 'gauge',
    help: 'When the master key was last rotated, as Unix time; absent before that.',
    read: ({ events }) => unixS(events.lastRotationAtMs),
  },
  gauge(
    'next_rotation_timestamp_seconds',
    'When the next rotation is due by --rotation-period, as Unix time; absent where there is none.',
    ({ rotation }) => unixS(rotation.nextAtMs),
  ),
  gauge('rotation_waiting_peers', 'Peers whose new keys a rotation waits for.', ({ rotation }) =>
    rotation.waiting === undefined ? 0 : rotation.waiting.peers.length,
  ),
  {
    name: 'psp_gateway_peers',
    kind: 'gauge',
    help: 'Configured peers: those that have answered or asked last, those that do not answer, and those of whom nothing is known yet.',
    labels: ['state'],
    read: peersByState,
  },
  ofPeer(
    'gauge',
    'sessions',
    'Sessions with the peer that have a place in the table.',
    ({ sessions }) => sessions,
  ),
  ofPeer(
    'gauge',
    'established_sessions',
    'Those of them that are established.',
    ({ established }) => established,
  ),
  ofPeer('gauge', 'up', 'Whether the peer answers; absent before anything is known of it.', (peer) => {
    if (peer.silentSinceMs !== undefined) return 0;
    return peer.heardAtMs === undefined ? undefined : 1;
  }),
  ofPeer(
    'gauge',
    'failures',
    'Exchanges with the peer that have failed since the last that succeeded.',
    ({ failures }) => failures,
  ),
  ofPeer(
    'gauge',
    'last_answer_timestamp_seconds',
    'When the peer last answered, as Unix time.',
    ({ answeredAtMs }) => unixS(answeredAtMs),
  ),
  ofPeer(
    'gauge',
    'last_authenticated_packet_timestamp_seconds',
    'When the counters were last found to have let in a packet of the peer, as Unix time; they are read every 30 s at least.',
    ({ receivedAtMs }) => unixS(receivedAtMs),
  ),
  ofPeer(
    'counter',
    'spis_given_total',
    "SPIs that the peer's requests have taken.",
    ({ spisGiven }) => spisGiven,
  ),
  ofPeer(
    'counter',
    'requests_refused_total',
    'Requests of the peer that were refused for limits, rights, or the state of this gateway.',
    ({ refused }) => refused.requests,
  ),
  {
    name: 'psp_gateway_peers_left_out',
    kind: 'gauge',
    help: `Peers of whom there are no metrics of their own: those beyond the first ${PEERS_MAX}.`,
    perPeer: true,
    read: ({ gateway }) => Math.max(0, gateway.peers.length - PEERS_MAX),
  },
];
