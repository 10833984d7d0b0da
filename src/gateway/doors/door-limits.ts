/**
 * What callers may take of the tunnel service's listener. Whoever has not shown to be a configured peer is a
 * stranger; room for peers is kept by counting strangers apart from them.
 */
export interface DoorLimits {
  /** Time from the accepted connection until TLS and HTTP/2 are up. A stranger's connection lasts no longer at all. */
  readonly openingMs: number;
  /** Longest time without a request on a peer's connection. */
  readonly idleMs: number;
  /** Time for a request to arrive, and for its answer to be received. */
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

/** The default limits, from which config/flags.ts takes the defaults of its flags. */
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

/** Burst that a rate per second allows, in seconds of the rate. */
export const BURST_S = 4;
