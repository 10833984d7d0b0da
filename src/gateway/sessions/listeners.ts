/**
 * What parts of the gateway tell others that are built on them, and that are therefore constructed after them: one interface
 * for each direction. A part gets the one that it calls and knows nothing of who is behind it; the implementation of all is
 * `upward-calls.ts` of the gateway, which is the only place where a part refers to a later one.
 *
 * Listeners are called when the change has been made, and never before `Gateway.start`. They begin work and do not wait for
 * it: none returns a promise, none throws.
 */

import type { Peer } from '../peers.js';
import type { DrainNotice } from '../rpc/announcement-messages.js';
import type { ProblemKind } from '../rpc/transport.js';
import type { TunnelParameters } from '../rpc/tunnel-messages.js';
import type { VacatedReason } from './fair-share.js';
import type { Session } from './session.js';

/** From the drawing of SPIs to the rotation, which makes new ones. */
export interface SpiShortageListener {
  /** The active master key has too few SPIs left for an offer. */
  onSpisExhausted(): void;
  /** It will have soon. */
  onSpisLow(): void;
}

/** From the installer, the client and the service to the slow path, where packets wait for sessions. */
export interface SessionListener {
  /** Some sessions have got an egress route. */
  onEstablished(sessions: readonly Session[]): void;
  /** A session was to lose its place or its route, and has kept them. */
  onStays(session: Session): void;
  /** A session has lost its place, or is gone. */
  onVacated(session: Session, reason: VacatedReason | 'removed'): void;
}

/** From retirement, the client and the looks at counters to bring-up, which asks peers for keys through the client. */
export interface RekeyListener {
  /** Sessions need new keys: their peers send, or may, under SPIs that are out of use, or whose master key has ended. */
  onRekeyNeeded(sessions: readonly Session[]): void;
  /** Sessions send and get nothing back: their peers are to be asked once. */
  onUnanswered(sessions: readonly Session[]): void;
}

/** From whoever hears of a peer to all who wait for one. */
export interface PeerListener {
  /** The peer has answered a call of ours, whatever it said: it is not silent. Nobody asks it anew for that. */
  onAnswered(peer: Peer): void;
  /** The peer is there: it has answered, or asked. */
  onHeardOf(peer: Peer): void;
  /** Likewise, and routes with its parameters, which have been checked, are installed. */
  onInstalled(peer: Peer, parameters: readonly TunnelParameters[]): void;
  /** The peer has told whether it makes new tunnels. */
  onDrain(peer: Peer, drain: DrainNotice | undefined): void;
  /** The peer did not answer; `problem`: what was wrong with the connection, where that is known. */
  onSilent(peer: Peer, reason: string, problem?: ProblemKind): void;
}
