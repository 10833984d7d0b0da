/** Counters of the tunnel service's doors, for people and programs. */
import type { Refusal } from './doors.js';

/** Refusals of the doors, by the name of their counter in DoorView. */
export type DoorRefusal =
  | `refused.${Refusal}`
  | 'acceptErrors'
  | 'handshakeFailures'
  | 'untrusted'
  | 'openingTimeouts'
  | 'notPeers'
  | 'floods'
  | 'protocolErrors'
  | 'requestTimeouts'
  | 'octetsRefused';

/** Those whose single cases mean something to the operator: they are events of the gateway (`caller-refused`). */
export type ToldOneByOne = 'handshakeFailures' | 'untrusted' | 'notPeers';

/** The others for the log. */
export const DOOR_REFUSAL_TEXTS: Readonly<Record<Exclude<DoorRefusal, ToldOneByOne>, string>> = {
  'refused.strangers': 'connections of strangers, of whom --strangers are there already',
  'refused.source': 'connections of strangers whose address has its share of them already',
  'refused.rate': 'connections that come faster than strangers, or the peer at that address, may',
  'refused.peer': 'connections from the address of a peer that has as many as it may already',
  acceptErrors: 'connections for which the process has no room left',
  openingTimeouts: 'connections that were not up in --opening-time',
  floods: 'connections that carried too much beside messages',
  protocolErrors: 'connections that broke HTTP/2',
  requestTimeouts: 'requests that did not arrive, or whose answers were not taken, in time',
  octetsRefused: 'messages for which --octets-per-peer or --octets-in-flight left no room',
};

export interface DoorView {
  /** Now: all connections, and those of strangers from addresses that are no peer's. */
  readonly connections: number;
  readonly strangers: number;
  /** Since the start. */
  readonly accepted: number;
  /** Connections lost because the process has no descriptor left, and the like. */
  readonly acceptErrors: number;
  /** Closed before anything was spent on them, by the limit that they met. */
  readonly refused: Readonly<Record<Refusal, number>>;
  readonly handshakeFailures: number;
  /** Callers that have no certificate of the authority, or one that is not valid now. */
  readonly untrusted: number;
  /** Connections that were not up in time. */
  readonly openingTimeouts: number;
  /** Connections and requests refused because the caller is no configured peer. */
  readonly notPeers: number;
  /** Connections of a peer that went for a newer one of its own. */
  readonly replaced: number;
  readonly idleClosed: number;
  /** Connections ended because of what they carried beside messages. */
  readonly floods: number;
  readonly protocolErrors: number;
  /** Requests that were begun to be read. */
  readonly requests: number;
  /** Requests that did not arrive, and answers that were not taken, in time. */
  readonly requestTimeouts: number;
  /** Octets of messages held: now, and the most at one time. */
  readonly octetsHeld: number;
  readonly octetsHeldPeak: number;
  /** Messages refused because there was no room for them. */
  readonly octetsRefused: number;
}
