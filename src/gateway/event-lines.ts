/**
 * What the log says of each event: its line's level and text, and how many such lines about one cause. docs/running.md has the
 * same table for people; a test compares them.
 */
import type { GatewayEvent, OwnWork } from './events.js';
import type { LogLevel } from './log.js';
import type { ToldSegmentDrop } from './slow-path/segment.js';

/** Lines of one kind about one cause. */
export interface LineLimit {
  readonly atOnce: number;
  /** Then one line in this time. */
  readonly intervalS: number;
}

export const PER_CAUSE: LineLimit = { atOnce: 10, intervalS: 1 };
/** Of what goes on and on once it has begun, and says the same each time. */
export const SELDOM: LineLimit = { atOnce: 4, intervalS: 10 };
export type EventType = GatewayEvent['type'];
type Of<Type extends EventType> = Extract<GatewayEvent, { type: Type }>;

export interface EventLine<Event> {
  readonly level: LogLevel | ((event: Event) => LogLevel);
  readonly text: string | ((event: Event) => string);
  /** Absent: PER_CAUSE. */
  readonly limit?: LineLimit;
}

const REMOVED = {
  idle: 'tunnel expired: it was idle',
  'idle-in-full-table': 'tunnel expired: it was idle, and its place was needed',
  'above-share': 'tunnel removed: its holder had more than its share of a full table',
  replaced: 'tunnel removed: its holder needed the place for another one',
} as const satisfies Record<NonNullable<Of<'session-removed'>['reason']>, string>;

const CERTIFICATES = {
  own: 'our certificate',
  intermediate: 'a certificate between ours and its authority',
  authority: "an authority's certificate",
} as const satisfies Record<Of<'certificate-expired'>['role'], string>;

const SEGMENT_DROPPED: Readonly<Record<ToldSegmentDrop, string>> = {
  router: 'no --allow-router names its source',
  'not-ours': "it is not of the workload's own MAC and addresses",
  ours: "it claims an address that is the workload's",
  probe: "it asks whether an address is free that is the workload's",
};

/** What an operator can do nothing about, since it is tried again by itself, is no error. */
const WORK: Readonly<Record<OwnWork, { readonly level: LogLevel; readonly text: string }>> = {
  're-keying': { level: 'error', text: 're-keying' },
  'static-tunnels': { level: 'error', text: 'making static tunnels' },
  'session-removal': { level: 'error', text: 'removing a session' },
  'idle-search': { level: 'error', text: 'looking for idle sessions' },
  'underlay-proofs': { level: 'error', text: "watching for proofs of peers' underlay addresses" },
  'underlay-look': { level: 'debug', text: "looking for proofs of peers' underlay addresses" },
  recovery: { level: 'warning', text: 'looking into packets that are not let in' },
  draining: { level: 'warning', text: 'looking for packets that pass while draining' },
};

const NOT_ENCRYPTED = '; its payload is readable on the way (AES-GMAC)';

export const EVENT_LINES: { readonly [Type in EventType]: EventLine<Of<Type>> } = {
  miss: { level: 'debug', text: 'a packet waits for its tunnel' },
  'caller-refused': {
    level: 'warning',
    text: ({ reason }) => `connection refused: ${reason}`,
    limit: SELDOM,
  },
  'packet-refused': { level: 'warning', text: ({ reason }) => `packet dropped: ${reason}` },
  'no-session': { level: 'warning', text: ({ reason }) => `packet dropped: no session: ${reason}` },
  'fragment-dropped': {
    level: 'warning',
    text: 'packet dropped: a fragment; in transport mode only whole packets are encapsulated',
  },
  // No warning: hosts learn the path's MTU so.
  'packet-too-big': { level: 'info', text: 'a packet is too big, answered with the MTU that fits' },
  'segment-dropped': {
    level: 'warning',
    text: ({ kind, why }) => `${kind} dropped: ${SEGMENT_DROPPED[why]}`,
    limit: SELDOM,
  },
  'ingress-opened': { level: 'debug', text: 'SPI opened' },
  'request-sent': { level: 'debug', text: 'tunnels asked for' },
  'request-answered': { level: 'debug', text: 'tunnels answered' },
  'request-failed': { level: 'debug', text: ({ reason }) => `request failed: ${reason}` },
  'exchange-failed': { level: 'warning', text: ({ reason }) => `tunnel request failed: ${reason}` },
  'peer-seen': {
    level: 'info',
    text: ({ silentS }) => (silentS === undefined ? 'peer seen' : 'peer seen again'),
  },
  'peer-silent': {
    // Gateways that start one after the other do not find each other at once.
    level: ({ seen }) => (seen ? 'warning' : 'info'),
    text: ({ reason }) => `peer does not answer: ${reason}`,
  },
  'peer-disconnected': { level: 'info', text: 'disconnected from a peer, as an operator said' },
  'peer-drains': { level: 'info', text: 'a peer drains: it makes no new tunnels', limit: SELDOM },
  'peer-drain-over': { level: 'info', text: 'a peer drains no more', limit: SELDOM },
  'drain-begun': { level: 'info', text: 'draining: no new tunnels are made' },
  'drain-cancelled': { level: 'info', text: 'drain cancelled: new tunnels are made again' },
  'drain-finished': {
    level: ({ why }) => (why === 'idle' ? 'info' : 'warning'),
    text: ({ why }) =>
      why === 'idle'
        ? 'drained: no packet passes any more'
        : 'drained: its time is over, and packets still passed',
  },
  'announcement-sent': { level: 'debug', text: 'peer told of our start' },
  'announcement-failed': {
    level: 'debug',
    text: ({ reason }) => `peer could not be told of our start: ${reason}`,
  },
  'announcement-received': {
    level: ({ sessions, packetsFail }) => (sessions > 0 || packetsFail ? 'info' : 'debug'),
    text: ({ sessions, packetsFail }) => {
      if (packetsFail) return 'a peer does not let packets in';
      return sessions > 0 ? 'a peer has started anew' : 'a peer has told of its start';
    },
  },
  'packets-not-let-in': {
    level: 'warning',
    text: ({ peer }) =>
      peer === undefined
        ? "packets are not let in; they come from no peer's known address"
        : "packets from a peer's address are not let in",
    limit: SELDOM,
  },
  'pair-search': {
    level: 'info',
    text: 'a peer is asked for tunnels, since its packets are not let in',
    limit: SELDOM,
  },
  'underlay-address': { level: 'info', text: "a peer's underlay address", limit: SELDOM },
  'underlay-changed': { level: 'warning', text: "a peer's underlay address has changed", limit: SELDOM },
  'underlay-claimed': {
    level: 'warning',
    text: 'a peer claims the underlay address of another',
    limit: SELDOM,
  },
  'underlay-proved': { level: 'info', text: "a peer's underlay address is proved" },
  'underlay-held': {
    level: 'info',
    text: "packets wait until their peer's underlay address is proved",
    limit: SELDOM,
  },
  'request-received': { level: 'debug', text: 'tunnels asked for by a peer' },
  'request-granted': { level: 'debug', text: 'tunnels granted' },
  'request-refused': { level: 'warning', text: ({ reason }) => `refused: ${reason}` },
  'rotation-refused': {
    level: 'warning',
    text: ({ reason }) => `a rotation that a peer asked for is refused: ${reason}`,
  },
  'egress-installed': { level: 'debug', text: 'egress route installed' },
  'tunnel-established': {
    level: 'info',
    text: ({ payload }) => `tunnel established${payload === undefined ? '' : NOT_ENCRYPTED}`,
  },
  'tunnel-rekeyed': {
    level: 'info',
    text: ({ payload }) => `tunnel re-keyed${payload === undefined ? '' : NOT_ENCRYPTED}`,
  },
  resubmitted: { level: 'debug', text: 'packets that waited are sent' },
  'spi-closed': { level: 'debug', text: 'SPI closed' },
  'static-tunnels-up': { level: 'info', text: 'all static tunnels are up' },
  'rotation-waits': { level: 'info', text: 'rotation put off: some sessions would not survive it' },
  rotated: { level: 'info', text: 'master key rotated' },
  'rotation-cut-off': {
    level: 'warning',
    text: 'the key of some sessions has ended before their peers took new ones',
  },
  'rotation-finished': { level: 'info', text: 'all sessions have new keys' },
  'rotation-failed': {
    level: 'error',
    text: ({ reason }) => `rotation of the master key failed: ${reason}`,
  },
  'spi-use': { level: 'info', text: 'SPIs of the master key have been given out' },
  reconfigured: { level: 'info', text: 'other peers and limits are taken on' },
  'spis-low': {
    level: 'warning',
    text: ({ exhausted }) =>
      exhausted
        ? 'the master key has no SPIs left; rotating it'
        : 'the master key has few SPIs left; rotating it before its time',
  },
  'device-failed': { level: 'error', text: ({ reason }) => `the device failed: ${reason}` },
  'device-leftovers': {
    level: 'warning',
    text: 'the device does not take back entries or keys; trying again',
  },
  'work-failed': {
    level: ({ work }) => WORK[work].level,
    text: ({ work, reason }) => `${WORK[work].text} failed: ${reason}`,
  },
  'state-not-written': { level: 'warning', text: ({ reason }) => `--state-file: not written: ${reason}` },
  'slow-operation': { level: 'warning', text: 'the device was slow' },
  'certificates-reloaded': { level: 'info', text: 'new certificates are in use' },
  'certificates-refused': {
    level: 'warning',
    text: ({ reason }) => `new certificates cannot be used, the old ones stay: ${reason}`,
  },
  'certificates-not-watched': {
    level: 'info',
    text: 'certificates are not watched: a file is a pipe; new ones take a restart',
  },
  'certificate-of-other-authority': {
    level: 'warning',
    text: ({ authorities }) =>
      `our certificate is of no authority in ${authorities}: peers that trust the same ones refuse it`,
  },
  'certificate-expires': {
    level: 'warning',
    text: ({ role }) => `${CERTIFICATES[role]} ends soon; renew it`,
  },
  'certificate-expired': { level: 'error', text: ({ role }) => `${CERTIFICATES[role]} has ended` },
  'session-removed': {
    level: ({ ageS }) => (ageS === undefined ? 'debug' : 'info'),
    text: ({ reason }) => (reason === undefined ? 'tunnel removed' : REMOVED[reason]),
  },
};
