/** Flags of limits. */
import { DOOR_LIMITS } from '../../doors/door-limits.js';
import { type Flag, flagsOf, MAX_MS } from './flag.js';

export const LIMITS_FLAGS: readonly Flag[] = flagsOf('Limits', {
  'max-tunnels': {
    short: 'x',
    kind: 'number',
    default: '256',
    range: [1, 250_000],
    placeholder: 'N',
    meaning:
      'sessions at one time (default: as many as addresses of peers are listed, those of prefixes among them, from 256 to 65536)',
  },
  'idle-timeout': {
    formerNames: ['session-idle'],
    live: true,
    kind: 'number',
    default: '300',
    range: [0, MAX_MS / 1000],
    placeholder: 'SECONDS',
    meaning:
      'time without a packet either way after which a session gives up its key slot, its entries on the way out and its place; what the peer still sends is let in until the master key dies (its next packet makes it again; static tunnels stay); 0: no session is ever idle',
  },
  'session-replacements': {
    kind: 'number',
    default: '10',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning:
      'when all --max-tunnels are in use: sessions per second that a peer or workload address with no less than its share may have at the cost of its own oldest ones',
  },
  'rpc-deadline': {
    live: true,
    kind: 'number',
    default: '5000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    meaning: 'time for a peer to answer',
  },
  'backoff-min': {
    live: true,
    kind: 'number',
    default: '200',
    range: [1, MAX_MS],
    placeholder: 'MS',
    meaning: 'wait after a first failure',
  },
  'backoff-max': {
    live: true,
    kind: 'number',
    default: '10000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    meaning: 'longest wait between attempts',
  },
  'missed-packets': {
    live: true,
    kind: 'number',
    default: '64',
    range: [1, 100_000],
    placeholder: 'N',
    meaning: 'packets that may wait for one session',
  },
  'missed-packets-total': {
    live: true,
    kind: 'number',
    default: '4096',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning: 'packets that may wait for all sessions together',
  },
  'missed-packet-ttl': {
    live: true,
    kind: 'number',
    default: '5000',
    range: [1, MAX_MS],
    placeholder: 'MS',
    meaning: 'how long a packet may wait for its session',
  },
  'rekey-grace': {
    live: true,
    kind: 'number',
    default: '30000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    meaning:
      'how long an old SPI is accepted after a re-key, and how long a rotation waits for it; a rotation that cannot wait ends it all the same',
  },
  'rotation-period': {
    live: true,
    kind: 'number',
    default: '86400000',
    range: [0, MAX_MS],
    placeholder: 'MS',
    meaning:
      'time between rotations of the master key, at least twice --rekey-grace, for which old SPIs are waited for; 0: never',
  },
  'rotation-deadline': {
    live: true,
    kind: 'number',
    default: '600000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    meaning:
      'how long a rotation waits for peers that have not taken new keys; then their tunnels end with the key, and come back with them',
  },
  'rotation-request-interval': {
    live: true,
    kind: 'number',
    default: '300000',
    range: [100, MAX_MS],
    placeholder: 'MS',
    meaning: 'least time between two rotations at the request of one peer',
  },
  'tunnels-per-request': {
    live: true,
    kind: 'number',
    default: '1000',
    range: [1, 65_536],
    placeholder: 'N',
    meaning: 'tunnels in one request, asked for or answered',
  },
  'request-octets': {
    kind: 'number',
    default: '4194304',
    range: [1024, 256 * 1024 * 1024],
    placeholder: 'N',
    meaning: 'largest message from or to a peer',
  },
  'tunnels-per-second': {
    live: true,
    kind: 'number',
    range: [1, 100_000_000],
    placeholder: 'N',
    meaning:
      'tunnels per peer and second that are answered, on average, and twice --max-tunnels at once (default: a sixtieth of --max-tunnels, at least 100)',
  },
  'spis-per-hour': {
    live: true,
    kind: 'number',
    range: [1, 2_000_000_000],
    placeholder: 'N',
    meaning:
      'SPIs that one peer may take in an hour, of the 2^31 of a master key (default: 16 times --max-tunnels, at least 100000)',
  },
  'opening-time': {
    kind: 'number',
    default: String(DOOR_LIMITS.openingMs),
    range: [100, MAX_MS],
    placeholder: 'MS',
    meaning:
      'time for a connection to get through TLS and HTTP/2, either way; a stranger has no longer at all',
  },
  'connection-idle': {
    kind: 'number',
    default: String(DOOR_LIMITS.idleMs),
    range: [1000, MAX_MS],
    placeholder: 'MS',
    meaning: "how long a peer's connection may be without a request",
  },
  'connections-per-peer': {
    kind: 'number',
    default: String(DOOR_LIMITS.connectionsPerPeer),
    range: [1, 256],
    placeholder: 'N',
    meaning: 'connections of one peer; one more takes the place of its least recently used one',
  },
  strangers: {
    kind: 'number',
    default: String(DOOR_LIMITS.strangers),
    range: [1, 4096],
    placeholder: 'N',
    meaning: "connections of callers that have not shown to be a peer, from addresses that are no peer's",
  },
  'strangers-per-second': {
    kind: 'number',
    default: String(DOOR_LIMITS.strangersPerSecond),
    range: [1, 100_000],
    placeholder: 'N',
    meaning: 'new connections of those per second; each may cost a TLS handshake, about a millisecond',
  },
  'requests-per-second': {
    kind: 'number',
    default: String(DOOR_LIMITS.requestsPerPeerPerSecond),
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning: 'requests of one peer that are begun per second; further ones wait',
  },
  'octets-per-peer': {
    kind: 'number',
    default: String(DOOR_LIMITS.octetsPerPeer),
    range: [65_536, 2 ** 32],
    placeholder: 'N',
    meaning: 'octets of requests and answers held at once for one peer; not less than --request-octets',
  },
  'octets-in-flight': {
    kind: 'number',
    default: String(DOOR_LIMITS.octetsInAll),
    range: [65_536, 2 ** 36],
    placeholder: 'N',
    meaning: 'the same for all peers together; not less than --octets-per-peer',
  },
  'neighbors-per-source': {
    kind: 'number',
    default: '100',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning:
      'messages of ARP and neighbor discovery of one source that pass per second and direction, in clear (with --mode=transport)',
  },
  'neighbors-per-second': {
    kind: 'number',
    default: '1000',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning: 'the same for all sources together (with --mode=transport)',
  },
  'capture-rate': {
    kind: 'number',
    default: '2000',
    range: [1, 1_000_000],
    placeholder: 'N',
    meaning:
      'packets per second that each `psp-gateway capture` gets; further ones are left out, and counted',
  },
  'unknown-source-requests': {
    kind: 'number',
    default: '4',
    range: [0, 6000],
    placeholder: 'N',
    meaning:
      'requests to peers per minute, all together, because of packets that fail to authenticate and come from no known underlay address',
  },
});
