/** Counters of sessions' present entries in the device. A re-key starts some of them anew. */
import type { Clock } from '../../base/clock.js';
import { HalError } from '../../hal/errors.js';
import type { Counter, PipeHal } from '../../hal/hal.js';
import type { IpAddress } from '../../packet/address.js';
import { noteReceived, type Session } from './session.js';

/** Sessions whose counters are read together. */
const SESSIONS_PER_READ = 256;

export interface SessionCounters {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly peer: string;
  /** undefined: it has no entry that way. */
  readonly out: Counter | undefined;
  readonly in: Counter | undefined;
}

/** Counters of each session; undefined in both directions where one of its entries went meanwhile. Rejects with HalError. */
export async function countersOfSessions(
  hal: Pick<PipeHal, 'counters'>,
  clock: Clock,
  sessions: readonly Session[],
): Promise<SessionCounters[]> {
  const all: SessionCounters[] = [];
  for (let at = 0; at < sessions.length; at += SESSIONS_PER_READ)
    all.push(...(await readSome(hal, clock, sessions.slice(at, at + SESSIONS_PER_READ))));
  return all;
}

async function readSome(
  hal: Pick<PipeHal, 'counters'>,
  clock: Clock,
  sessions: readonly Session[],
): Promise<SessionCounters[]> {
  const entries = sessions.map((session) => ({
    session,
    out: session.egress === undefined ? [] : [session.egress.entry],
    in: session.ingress.flatMap((ingress) =>
      ingress.entry === undefined ? [] : [{ ingress, id: ingress.entry }],
    ),
  }));
  const ids = entries.flatMap(({ out, in: received }) => [...out, ...received.map(({ id }) => id)]);
  let counters: Counter[];
  try {
    counters = ids.length === 0 ? [] : await hal.counters(ids.map((id) => ({ id })));
  } catch (error) {
    if (!(error instanceof HalError) || error.code !== 'NOT_FOUND') throw error;
    if (sessions.length === 1) return [{ ...nameOf(sessions[0]!), out: undefined, in: undefined }];
    const middle = sessions.length >> 1;
    const first = await readSome(hal, clock, sessions.slice(0, middle));
    return [...first, ...(await readSome(hal, clock, sessions.slice(middle)))];
  }
  const nowMs = clock.nowMs();
  let at = 0;
  return entries.map(({ session, out, in: received }) => {
    const left = out.map(() => counters[at++]!);
    const came = received.map(({ ingress }) => {
      const counter = counters[at++]!;
      noteReceived(session, ingress, counter.packets, nowMs);
      return counter;
    });
    return { ...nameOf(session), out: sum(left), in: sum(came) };
  });
}

const nameOf = ({ localVip, remoteVip, peer }: Session) => ({ localVip, remoteVip, peer: peer.name });

function sum(counters: readonly Counter[]): Counter | undefined {
  if (counters.length === 0) return undefined;
  return {
    packets: counters.reduce((total, { packets }) => total + packets, 0n),
    octets: counters.reduce((total, { octets }) => total + octets, 0n),
  };
}
