/** Causes in the control plane: peers that do not answer or refuse, and callers whom we refuse. */
import type { ProblemKind } from '../rpc/transport.js';
import { seconds } from '../seconds.js';
import type { GatewaySummary, PeerView } from '../view.js';
import { areAllPlacesTaken, type Causes, type DiagnosisInput, isAddressOfPeer, refuses } from './finding.js';
import { callerOf } from './recent-troubles.js';

/** Problems that may come from our own certificate, or from our clock. */
const OF_CERTIFICATES: readonly (ProblemKind | undefined)[] = [
  'expired',
  'not-yet-valid',
  'other-authority',
  'ours-refused',
  'broken-off',
  'handshake-failed',
];
/** That both ends have different authorities; who has the wrong one is told by whom all others believe. */
const OF_AUTHORITIES: readonly (ProblemKind | undefined)[] = ['other-authority', 'broken-off'];
/** Peers that have to be of another authority, all that are known, before it is ours that is wrong. */
const STRANGE_PEERS_MIN = 2;

const isSilent = ({ silentSinceMs }: PeerView) => silentSinceMs !== undefined;

/** Peers with whom nothing comes about because of our own certificate, which is told by itself. */
function isForOurs({ summary }: DiagnosisInput, peer: PeerView): boolean {
  if (!OF_CERTIFICATES.includes(peer.silentProblem)) return false;
  return hasUnusableCertificate(summary) || strangers(summary).length > 0;
}

function hasUnusableCertificate({ tls }: GatewaySummary): boolean {
  return (tls?.certificates ?? []).some(({ state }) => state === 'expired' || state === 'not-yet-valid');
}

/** All peers of whom we know something, where there are several and all are of another authority than we; otherwise none. */
function strangers({ peers }: GatewaySummary): readonly PeerView[] {
  const known = peers.filter((peer) => isSilent(peer) || peer.heardAtMs !== undefined);
  const isStrange = (peer: PeerView) => isSilent(peer) && OF_AUTHORITIES.includes(peer.silentProblem);
  return known.length >= STRANGE_PEERS_MIN && known.every(isStrange) ? known : [];
}

/** It does not know the RPC that it was asked by. */
const isOlder = ({ failure }: PeerView) => failure?.code === 'UNIMPLEMENTED';

/** Whose request was refused: the peer's that it has proved to be. An address proves nothing: several may be behind it. */
function refusedOne({ peer, from }: { readonly peer?: string; readonly from: string }) {
  const address = callerOf(from);
  if (peer === undefined) return { about: address, who: `a caller at ${address}` };
  return { about: peer, who: `peer ${peer}` };
}

export const CAUSES_OF_PEERS: Causes = {
  'own-authority': ({ summary }) => {
    const all = strangers(summary);
    // Peers break off as well where our certificate has ended, which is told by itself.
    if (all.length === 0 || hasUnusableCertificate(summary)) return [];
    const authorities = (summary.tls?.certificates ?? []).filter(({ role }) => role === 'authority');
    return [
      {
        about: authorities[0]?.path ?? '',
        text: `all ${all.length} peers have certificates of another authority than we: ours is likely to be the wrong one (${authorities.map(({ subject }) => subject).join(', ')})`,
        advice:
          'give this gateway a certificate of their authority (--tls-cert, --tls-key), and name that in --tls-ca',
      },
    ];
  },

  'peer-silent': (input) => {
    const {
      summary: { peers },
      checks: { letIn },
      nowMs,
    } = input;
    const silent = peers.filter((peer) => isSilent(peer) && !isForOurs(input, peer));
    return silent.map((peer) => {
      const since = `${peer.heardAtMs === undefined ? 'has not answered yet' : 'does not answer'}, for ${seconds(nowMs - peer.silentSinceMs!)}`;
      const reason = peer.silentReason ?? '';
      return letIn.has(peer.name)
        ? {
            about: peer.name,
            text: `peer ${peer.name} ${since}, although its packets come: the OOB network between the service addresses is cut, or its tunnel service hangs: ${reason}`,
            advice:
              'look at the network between the service addresses; tunnels carry packets until their keys end',
          }
        : {
            about: peer.name,
            text: `peer ${peer.name} ${since}: ${reason}`,
            advice: 'see whether it runs, whether it is reached from here, and what its own log says of us',
          };
    });
  },

  'peer-older-dialect': ({ summary: { peers }, nowMs }) =>
    peers
      .filter((peer) => isOlder(peer) && refuses(peer, nowMs) && !isSilent(peer))
      .map((peer) => ({
        about: peer.name,
        text: `peer ${peer.name} speaks an older dialect than it is configured to${peer.dialect === undefined ? '' : ` (${peer.dialect})`}: ${peer.failure!.reason}`,
        advice: 'name its dialect (--peer-dialect), or none, and it is learnt',
      })),

  'peer-drains': ({ summary: { peers }, nowMs }) =>
    peers
      .filter((peer) => peer.drains !== undefined && !isSilent(peer))
      .map(({ name, drains }) => ({
        about: name,
        text: `peer ${name} drains: it makes no new tunnels${drains!.endsAtMs === undefined ? '' : `, for ${seconds(drains!.endsAtMs - nowMs)} more at most`}; those that there are go on`,
        advice: 'its operator has had it drain, and may have it stop then',
      })),

  'peer-refuses': ({ summary: { peers }, nowMs }) =>
    peers
      .filter(
        (peer) => refuses(peer, nowMs) && peer.drains === undefined && !isSilent(peer) && !isOlder(peer),
      )
      .map((peer) => ({
        about: peer.name,
        text: `our exchange with peer ${peer.name} has failed, ${seconds(nowMs - peer.failure!.atMs)} ago: ${peer.failure!.reason}`,
        advice: 'compare the configurations of both gateways',
      })),

  // Who is no peer may try as often as it likes: nothing is wrong with us then.
  'caller-refused': ({ summary, troubles }) =>
    troubles.of('caller-refused').flatMap(({ event, count }) => {
      const { from, reason, problem } = event;
      // A handshake that was broken off may have taken too long, on either side.
      if (!isAddressOfPeer(summary, from) || problem === 'broken-off' || strangers(summary).length > 0)
        return [];
      // It has not proved to be that peer: others may be behind the same address.
      return [
        {
          about: from,
          text: `a caller at ${from}, where a peer is, does not get in, ${count} times of late: ${reason}`,
          advice:
            'where it is meant to be that peer, compare the certificates and authorities of both gateways, and their clocks',
        },
      ];
    }),

  'request-refused': ({ summary, troubles }) =>
    troubles.of('request-refused').flatMap(({ event, count }) => {
      // Who is refused because our own places are taken does nothing wrong: table-full says so.
      if (event.ownLimit === true) return [];
      if (event.code === 'RESOURCE_EXHAUSTED' && areAllPlacesTaken(summary)) return [];
      // Nor does who asks while we drain.
      if (event.code === 'FAILED_PRECONDITION') return [];
      const { about, who } = refusedOne(event);
      return {
        about,
        text: `${who} is refused what it asks for (${event.method}), ${count} times of late: ${event.reason}`,
        advice: 'where it is meant to be a peer, compare its configuration and its certificate with ours',
      };
    }),

  'rotation-refused': ({ troubles }) =>
    troubles.of('rotation-refused').flatMap(({ event, count }) => {
      // It may ask, and is only too early.
      if (event.code === 'FAILED_PRECONDITION') return [];
      const { about, who } = refusedOne(event);
      return {
        about,
        text: `${who} is refused a rotation of our master key, ${count} times of late: ${event.reason}`,
        advice:
          'where it is meant to ask for rotations, grant it that (may-rotate), or have it ask less often',
      };
    }),
};
