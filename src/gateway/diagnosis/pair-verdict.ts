/**
 * What counters of both ends tell of the packets of a pair. What one end cannot know is not told: that nothing comes back is the
 * fault of nobody, as long as the other end has not said what it sends.
 */
import type { PairUse, PeerUse } from '../rpc/comparison-messages.js';

/** Counters of hardware are up to a second old: what left so long ago, and was let in there, is counted there by now. */
export const SETTLE_MS = 1500;
/** For how long a peer must have had no entry for what it would send back: exchanges take a moment. */
const NO_TUNNEL_MS = 2 * SETTLE_MS;
/** Packets that must have left before it says something that none was let in. */
export const PACKETS_MIN = 2;
/** Octets of large packets that are missing before it is told, more than those of two that were lost by chance; from half of it on it is looked at. */
const LARGE_LOST_OCTETS_MIN = 3000;
/** Large packets are told from small ones when those that arrive have at most this share of the octets, on average. */
const SMALL_SHARE = 0.6;

/** Counters of both ends at one time. */
export interface PairSample {
  readonly atMs: number;
  readonly ours: PairUse;
  /** undefined: the peer has not said. */
  readonly theirs: PeerUse | undefined;
}

export type PairVerdict =
  /** Packets leave at both ends, and none is let in at either. */
  | 'lost-both-ways'
  /** Of ours none is let in by the peer. */
  | 'lost-there'
  /** Of the peer's none is let in by us. */
  | 'lost-here'
  /** The peer's workload gets packets and sends none. */
  | 'silent-there'
  /** Ours gets packets and sends none. */
  | 'silent-here'
  /** Ours leave, and the peer has no entry for any that its workload would send back; whether it lets ours in may not be known. */
  | 'no-tunnel-back'
  /** Large packets of ours do not arrive, small ones do. */
  | 'large-lost-there'
  | 'large-lost-here'
  /** Ours leave, none comes, and the peer is of a kind that cannot say more. */
  | 'nothing-back';

export interface Judged {
  readonly verdict: PairVerdict;
  /** For how long its packets have been counted. */
  readonly forMs: number;
}

/** What samples of one pair, the oldest first, say; `cannotSay`: the peer does not know the question. */
export function judgePair(samples: readonly PairSample[], cannotSay: boolean): Judged | undefined {
  if (hasNoTunnelBack(samples)) return { verdict: 'no-tunnel-back', forMs: ageOf(samples) };
  const same = ofOneCount(samples);
  const verdict = judgeCount(same, cannotSay);
  return verdict === undefined ? undefined : { verdict, forMs: ageOf(same) };
}

const ageOf = (samples: readonly PairSample[]) => samples.at(-1)!.atMs - samples[0]!.atMs;

/**
 * Whether ours leave, none comes, and the peer has had no entry for any in all samples, or one and the same, whatever we have given it
 * meanwhile. Of a peer that refuses what it is answered each exchange that it begins has other SPIs, so that no two samples are of one
 * count.
 */
function hasNoTunnelBack(samples: readonly PairSample[]): boolean {
  if (samples.length === 0 || ageOf(samples) < NO_TUNNEL_MS) return false;
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const nothing = samples.every(({ ours, theirs }) => ours.inPackets === 0 && theirs !== undefined);
  if (!nothing || last.ours.outPackets - first.ours.outPackets < PACKETS_MIN) return false;
  if (samples.every(({ theirs }) => !theirs!.countsOut)) return true;
  // What we have given it has had the time to be taken.
  const early = samples.findLast(({ atMs }) => atMs <= last.atMs - SETTLE_MS)!;
  const given = newestSpiOf(early.ours);
  const spi = egressSpiOf(first.theirs!);
  const takesNone = samples.every(({ theirs }) => egressSpiOf(theirs!) === spi) && spi !== given;
  return takesNone && newestSpiOf(first.ours) !== given;
}

/** Of SPIs, the first one is that of packets that leave, and the last one that of a peer that has taken what it was given last. */
const egressSpiOf = ({ epoch }: PairUse) => epoch.split(',')[0];
const newestSpiOf = ({ epoch }: PairUse) => epoch.split(',').at(-1);

/** The last samples that are of the same entries as the last one, at both ends: their counters go on from each other. */
function ofOneCount(samples: readonly PairSample[]): readonly PairSample[] {
  const last = samples.at(-1);
  if (last === undefined) return samples;
  const isSame = ({ ours, theirs }: PairSample) =>
    ours.epoch === last.ours.epoch &&
    (theirs === undefined || last.theirs === undefined || theirs.epoch === last.theirs.epoch);
  return samples.slice(samples.findLastIndex((sample) => !isSame(sample)) + 1);
}

function judgeCount(samples: readonly PairSample[], cannotSay: boolean): PairVerdict | undefined {
  const spanned = spanOf(samples, cannotSay);
  if (spanned === undefined) return undefined;
  const { firsts, early, late } = spanned;
  // Since the last time rather than since long ago: a packet may have come just before all were lost.
  for (const first of firsts.toReversed()) {
    const verdict = judgeSince(first, early, late);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function judgeSince(first: PairSample, early: PairSample, late: PairSample): PairVerdict | undefined {
  const ours = (sample: PairSample) => since(first.ours, sample.ours);
  const [left, came] = [ours(early), ours(late)];
  const silent = left.outPackets >= PACKETS_MIN && came.inPackets === 0;
  if (first.theirs === undefined || early.theirs === undefined || late.theirs === undefined)
    return silent ? 'nothing-back' : undefined;
  const leftThere = since(first.theirs, early.theirs);
  const cameThere = since(first.theirs, late.theirs);
  const lostThere = left.outPackets >= PACKETS_MIN && late.theirs.countsIn && cameThere.inPackets === 0;
  const lostHere = leftThere.outPackets >= PACKETS_MIN && came.inPackets === 0;
  if (lostThere && lostHere) return 'lost-both-ways';
  if (lostThere) return 'lost-there';
  if (lostHere) return 'lost-here';
  if (silent && cameThere.inPackets > 0) {
    // A peer without a place for the session counts nothing of what its workload sends.
    if (!late.theirs.countsOut) return 'no-tunnel-back';
    if (cameThere.outPackets === 0) return 'silent-there';
  }
  const gets = leftThere.outPackets >= PACKETS_MIN && came.inPackets > 0;
  if (gets && came.outPackets === 0) return 'silent-here';
  if (largeLost(left, cameThere, LARGE_LOST_OCTETS_MIN)) return 'large-lost-there';
  if (largeLost(leftThere, came, LARGE_LOST_OCTETS_MIN)) return 'large-lost-here';
  return undefined;
}

/** Whether packets that have left of late may be lost: counters that are younger than others look like that as well. */
export function mayLose(samples: readonly PairSample[]): boolean {
  const same = ofOneCount(samples);
  const last = same.at(-1);
  if (last?.theirs === undefined) return false;
  return same.some((first) => {
    if (first === last || first.theirs === undefined) return false;
    const [here, there] = [since(first.ours, last.ours), since(first.theirs, last.theirs!)];
    const none = (left: Change, came: Change) => left.outPackets >= PACKETS_MIN && came.inPackets === 0;
    if (none(there, here) || (none(here, there) && last.theirs!.countsIn)) return true;
    return [
      [here, there],
      [there, here],
    ].some(([left, came]) => largeLost(left!, came!, LARGE_LOST_OCTETS_MIN / 2));
  });
}

/** Whether samples have been taken for so long that they can say something. */
export function canJudge(samples: readonly PairSample[], cannotSay: boolean): boolean {
  return spanOf(ofOneCount(samples), cannotSay) !== undefined;
}

/** Whether the counters alone, which may count packets of long ago, make it worth looking again. */
export function isSuspicious({ ours, theirs }: PairSample): boolean {
  const lacks = (out: number, came: number) => out - came >= PACKETS_MIN;
  if (lacks(ours.outPackets, 0) && ours.inPackets === 0) return true;
  if (theirs === undefined) return false;
  if (lacks(theirs.outPackets, 0) && ours.outPackets === 0) return true;
  const lacksThere = theirs.countsIn && lacks(ours.outPackets, theirs.inPackets);
  return lacksThere || lacks(theirs.outPackets, ours.inPackets);
}

/** The last sample, one that is old enough for what had left by then to be counted at the other end, and those before it. */
function spanOf(all: readonly PairSample[], cannotSay: boolean) {
  const samples = cannotSay ? all : all.filter(({ theirs }) => theirs !== undefined);
  const late = samples.at(-1);
  if (late === undefined) return undefined;
  const at = samples.findLastIndex(({ atMs }) => atMs <= late.atMs - SETTLE_MS);
  return at <= 0 ? undefined : { firsts: samples.slice(0, at), early: samples[at]!, late };
}

function since(before: PairUse, after: PairUse): Change {
  return {
    outPackets: after.outPackets - before.outPackets,
    outOctets: after.outOctets - before.outOctets,
    inPackets: after.inPackets - before.inPackets,
    inOctets: after.inOctets - before.inOctets,
  };
}

type Change = Omit<PairUse, 'epoch'>;

/** What has left is counted up to an earlier time than what was let in: octets that lack then are lost. */
function largeLost(left: Change, letIn: Change, octetsMin: number): boolean {
  if (left.outPackets < PACKETS_MIN || letIn.inPackets === 0) return false;
  if (left.outOctets - letIn.inOctets < octetsMin) return false;
  return letIn.inOctets / letIn.inPackets <= (SMALL_SHARE * left.outOctets) / left.outPackets;
}
