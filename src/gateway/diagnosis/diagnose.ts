/**
 * What is wrong with a gateway right now, in words: a table of causes, each of which looks for itself. A cause names whoever is at
 * fault and nobody else, so what it cannot know for certain it does not tell.
 */
import { DAY_MS } from '../rpc/certificate-status.js';
import type { GatewaySummary, PeerView } from '../view.js';
import { callerOf, type RecentTroubles } from './recent-troubles.js';

export interface Finding {
  /** A word for programs, which does not change. */
  readonly cause: string;
  /** The peer, port, file or address that is at fault; empty: the gateway itself, or its workload. */
  readonly about: string;
  readonly text: string;
  readonly advice: string;
}

export interface DiagnosisInput {
  readonly summary: GatewaySummary;
  readonly troubles: Pick<RecentTroubles, 'of'>;
  /** Wall time. */
  readonly nowMs: number;
}

type Found = Omit<Finding, 'cause'>;

/** Findings of one cause that are told; of more it is said how many. */
export const FINDINGS_PER_CAUSE_MAX = 16;
/** The SPIs of a master key are few when fewer than so many of them are left; the gateway rotates it by itself from half of them on. */
const SPIS_LEFT_LOW = 2 ** 28;
/** Share of the key slots in use from which on re-keys may find none. */
const SLOTS_FULL = 0.95;

const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1000))} s`;

/** The causes, the gravest first. */
const CAUSES: Readonly<Record<string, (input: DiagnosisInput) => Found[]>> = {
  'port-gone': ({ summary: { ports } }) =>
    ports
      .filter(({ state }) => state === 'gone')
      .map(({ name }) => ({
        about: name,
        text: `port ${name} is gone: nothing passes through it`,
        advice: 'start the gateway again when the port is there',
      })),

  'port-waits': ({ summary: { ports } }) =>
    ports
      .filter(({ state }) => state === 'waited-for')
      .map(({ name }) => ({
        about: name,
        text: `port ${name} cannot carry anything now`,
        advice: 'see whether its link is up; it works again by itself',
      })),

  'certificate-unusable': (input) =>
    certificates(input, ['expired', 'not-yet-valid'], ({ subject, state, notAfterMs, notBeforeMs }) => ({
      text:
        state === 'expired'
          ? `certificate ${subject} has expired on ${dateOf(notAfterMs)}: peers refuse it`
          : `certificate ${subject} is not valid before ${dateOf(notBeforeMs)}: peers refuse it`,
      advice: state === 'expired' ? 'renew it' : 'see whether the clock of this machine is right',
    })),

  'device-fails': ({ troubles }) =>
    troubles.of('device-failed').map(({ event, count }) => ({
      about: '',
      text: `the device fails (${event.operation}): ${event.reason}; ${count} times of late`,
      advice: 'see the log of the device; new keys cannot be installed for as long as it fails',
    })),

  'rotation-fails': ({ troubles }) =>
    troubles.of('rotation-failed').map(({ event }) => ({
      about: '',
      text: `the master key could not be rotated: ${event.reason}`,
      advice: 'see the log of the device, then say psp-gateway rotate',
    })),

  'peer-silent': ({ summary: { peers }, nowMs }) =>
    peers.filter(isSilent).map((peer) => ({
      about: peer.name,
      text: `peer ${peer.name} ${peer.heardAtMs === undefined ? 'has not answered yet' : 'does not answer'}, for ${seconds(nowMs - peer.silentSinceMs!)}: ${peer.failure?.reason ?? peer.silentReason}`,
      advice: 'see whether it runs, whether it is reached from here, and what its own log says of us',
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
      .filter((peer) => peer.failure !== undefined && peer.drains === undefined && !isSilent(peer))
      .map((peer) => ({
        about: peer.name,
        text: `our exchange with peer ${peer.name} has failed, ${seconds(nowMs - peer.failure!.atMs)} ago: ${peer.failure!.reason}`,
        advice: 'compare the configurations of both gateways',
      })),

  'request-refused': ({ troubles }) =>
    troubles.of('request-refused').map(({ event, count }) => ({
      about: callerOf(event.from),
      text: `${callerOf(event.from)} is refused what it asks for (${event.method}), ${count} times of late: ${event.reason}`,
      advice: 'where it is meant to be a peer, compare its configuration and its certificate with ours',
    })),

  'no-peer-for-packets': ({ troubles }) =>
    troubles.of('packet-refused').map(({ event, count }) => ({
      about: event.destination,
      text: `packets from ${event.source} to ${event.destination} are dropped, ${count} of late: ${event.reason}`,
      advice: 'name the peer that owns the destination, and local addresses, in the configuration',
    })),

  'table-full': ({ summary: { tables, sessionsByState } }) => {
    const placed = Object.entries(sessionsByState).reduce(
      (sum, [state, sessions]) => (state === 'dormant' ? sum : sum + sessions),
      0,
    );
    if (placed < tables.capacity) return [];
    return [
      {
        about: '',
        text: `all ${tables.capacity} places for sessions are taken; ${tables.refused} were refused one so far`,
        advice: 'allow more (--max-tunnels), or let idle ones go sooner (--idle-timeout)',
      },
    ];
  },

  'key-slots-full': ({ summary: { keySlots, keySlotsUsed } }) =>
    keySlotsUsed < SLOTS_FULL * keySlots
      ? []
      : [
          {
            about: '',
            text: `${keySlotsUsed} of ${keySlots} key slots are in use: re-keys may find none`,
            advice: 'allow fewer sessions (--max-tunnels)',
          },
        ],

  'spis-low': ({ summary: { spis } }) =>
    spis.left >= SPIS_LEFT_LOW
      ? []
      : [
          {
            about: '',
            text: `the master key has ${spis.left} SPIs left`,
            advice: 'it is rotated by itself; psp-gateway rotate does it now',
          },
        ],

  'rotation-waits': ({ summary: { rotation }, nowMs }) =>
    (rotation.waiting?.peers ?? []).map((peer) => ({
      about: peer,
      text: `a rotation waits for peer ${peer} to take new keys, for ${seconds(rotation.waiting!.deadlineAtMs - nowMs)} more at most`,
      advice: 'see whether that peer answers',
    })),

  'rotation-cut-off': ({ troubles }) =>
    troubles.of('rotation-cut-off').map(({ event }) => ({
      about: '',
      text: `a rotation has ended the keys of ${event.sessions} sessions whose peers had not taken new ones`,
      advice: 'they are asked for again; a longer --rotation-deadline gives peers more time',
    })),

  'device-keeps-entries': ({ summary: { entriesLeft } }) =>
    entriesLeft === 0
      ? []
      : [
          {
            about: '',
            text: `the device does not take back ${entriesLeft} entries; what they name is out of use`,
            advice: 'they are tried again each second; see the log of the device',
          },
        ],

  'certificate-expires': (input) =>
    certificates(input, ['expires-soon'], ({ subject, notAfterMs }) => ({
      text: `certificate ${subject} expires in ${Math.floor((notAfterMs - input.nowMs) / DAY_MS)} days, on ${dateOf(notAfterMs)}`,
      advice: 'renew it',
    })),
};

/** What is wrong, the gravest first. */
export function diagnose(input: DiagnosisInput): Finding[] {
  return Object.entries(CAUSES).flatMap(([cause, find]) => {
    const found = find(input);
    const told = found.slice(0, FINDINGS_PER_CAUSE_MAX).map((one) => ({ cause, ...one }));
    const more = found.length - told.length;
    if (more === 0) return told;
    return [...told, { cause, about: '', text: `and ${more} more of that kind`, advice: '' }];
  });
}

const isSilent = (peer: PeerView) => peer.silentSinceMs !== undefined;

const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

type Certificates = NonNullable<GatewaySummary['tls']>['certificates'];

function certificates(
  { summary: { tls } }: DiagnosisInput,
  states: readonly Certificates[number]['state'][],
  found: (certificate: Certificates[number]) => Pick<Found, 'text' | 'advice'>,
): Found[] {
  return (tls?.certificates ?? [])
    .filter(({ state }) => states.includes(state))
    .map((certificate) => ({ about: certificate.path, ...found(certificate) }));
}
