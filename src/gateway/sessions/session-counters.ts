/** Counters of sessions' present entries in the device. A re-key starts some of them anew. */
import { HalError } from '../../hal/errors.js';
import type { Counter, PipeHal } from '../../hal/hal.js';
import type { IpAddress } from '../../packet/address.js';
import type { Session } from './session.js';

export interface SessionCounters {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly peer: string;
  /** undefined: it has no entry that way. */
  readonly out: Counter | undefined;
  readonly in: Counter | undefined;
}

/** Counters of each session; undefined in both directions where one of its entries went meanwhile. */
export async function countersOfSessions(
  hal: PipeHal,
  sessions: readonly Session[],
): Promise<SessionCounters[]> {
  const all: SessionCounters[] = [];
  for (const session of sessions) {
    const { localVip, remoteVip, peer } = session;
    all.push({ localVip, remoteVip, peer: peer.name, ...(await countersOf(hal, session)) });
  }
  return all;
}

async function countersOf(
  hal: PipeHal,
  { egress, ingress }: Session,
): Promise<Pick<SessionCounters, 'out' | 'in'>> {
  const outIds = egress === undefined ? [] : [egress.entry];
  const inIds = ingress.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  try {
    const counters = await hal.counters([...outIds, ...inIds].map((id) => ({ id })));
    return { out: sum(counters.slice(0, outIds.length)), in: sum(counters.slice(outIds.length)) };
  } catch (error) {
    if (!(error instanceof HalError) || error.code !== 'NOT_FOUND') throw error;
    return { out: undefined, in: undefined };
  }
}

function sum(counters: readonly Counter[]): Counter | undefined {
  if (counters.length === 0) return undefined;
  return {
    packets: counters.reduce((total, { packets }) => total + packets, 0n),
    octets: counters.reduce((total, { octets }) => total + octets, 0n),
  };
}
