/** What a diagnosis finds, what it is made of, and what causes share. */
import { isAnswer } from '../rpc/transport.js';
import type { GatewaySummary, PeerFailure, PeerView } from '../view.js';
import type { PairChecks } from './pair-check.js';
import { type RecentTroubles, TROUBLE_MS } from './recent-troubles.js';

export interface Finding {
  /** A word for programs, which does not change. */
  readonly cause: string;
  /** The peer, pair, port, file or address that is at fault; empty: the gateway itself, or its workload. */
  readonly about: string;
  readonly text: string;
  readonly advice: string;
}

export interface DiagnosisInput {
  readonly summary: GatewaySummary;
  readonly troubles: Pick<RecentTroubles, 'of'>;
  /** What has become of packets of late. */
  readonly checks: PairChecks;
  /** Lines of the program's log that were lost of late. */
  readonly logLinesLost: number;
  /** Why lines cannot be written to it now; undefined: they can. */
  readonly logProblem: string | undefined;
  /** Wall time. */
  readonly nowMs: number;
}

export type Found = Omit<Finding, 'cause'>;

/** One cause: looks for itself, and finds nobody where it cannot know. */
export type Cause = (input: DiagnosisInput) => Found[];

export type Causes = Readonly<Record<string, Cause>>;

/** Whether it is the peer that has refused: otherwise no answer came, or our own device failed. */
export const isRefusal = ({ code }: PeerFailure) => code !== undefined && isAnswer(code);

/** Whether there is no place for another session. */
export function areAllPlacesTaken({ tables, sessionsByState }: GatewaySummary): boolean {
  const placed = Object.entries(sessionsByState).reduce(
    (sum, [state, sessions]) => (state === 'dormant' ? sum : sum + sessions),
    0,
  );
  return placed >= tables.capacity;
}

/** Whether the peer has refused what we asked for, or given what we refuse, of late. */
export function refuses({ failure }: PeerView, nowMs: number): boolean {
  return failure !== undefined && nowMs - failure.atMs < TROUBLE_MS && isRefusal(failure);
}

/** Whether a peer serves at an address: who calls from there need not be that one, since others may be behind the same address. */
export function isAddressOfPeer({ peers }: GatewaySummary, host: string): boolean {
  return peers.some(({ name }) => name.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') === host);
}
