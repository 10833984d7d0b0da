/**
 * What callers may take of the tunnel service's listener. Whoever has not shown to be a configured peer is a
 * stranger; room for peers is kept by counting strangers apart from them.
 */
export interface DoorLimits {
  /** From the accepted connection to TLS and HTTP/2 being up; a stranger's connection lasts no longer at all. */
  readonly openingMs: number;
  /** How long a peer's connection may be without a request. */
  readonly idleMs: number;
  /** How long a request may take to arrive, and its answer to be taken. */
  readonly requestMs: number;
  /** Connections of strangers from addresses that are no peer's: in all, and from one source. */
  readonly strangers: number;
  readonly strangersPerSource: number;
  /** New ones of those per second. */
  readonly strangersPerSecond: number;
  readonly strangersPerSourcePerSecond: number;
  /** Connections from a peer's service address that have not shown to be the peer yet, and new ones per second. */
  readonly openingsPerPeer: number;
  readonly openingsPerPeerPerSecond: number;
  /** Connections of one peer; one more takes the place of the one that was used least recently. */
  readonly connectionsPerPeer: number;
  /** Requests of one peer that are begun per second; further ones wait at the door. */
  readonly requestsPerPeerPerSecond: number;
  /** Octets of requests and answers that are held at once, of one peer and in all. */
  readonly octetsPerPeer: number;
  readonly octetsInAll: number;
}

const MIB = 1 << 20;

/** What holds where nobody says otherwise; config/flags.ts takes its defaults from here. */
export const DOOR_LIMITS: DoorLimits = {
  openingMs: 5_000,
  idleMs: 600_000,
  requestMs: 10_000,
  strangers: 256,
  strangersPerSource: 8,
  // A handshake that ends in nothing costs about a millisecond of one core: one in twenty of its time.
  strangersPerSecond: 50,
  strangersPerSourcePerSecond: 5,
  openingsPerPeer: 8,
  openingsPerPeerPerSecond: 8,
  // One is in use; a restart, new certificates or another process of the operator's may add some.
  connectionsPerPeer: 4,
  requestsPerPeerPerSecond: 500,
  octetsPerPeer: 16 * MIB,
  octetsInAll: 64 * MIB,
};

/** What a rate per second allows at once, in seconds of it. */
export const BURST_S = 4;
