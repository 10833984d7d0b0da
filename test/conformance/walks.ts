/** The ways that an answer of `lookup` leaves open, each as what a device would count and put out. */
import type { LookupEncryption, LookupEnd, LookupPath, LookupStep } from '../../src/hal/lookup/lookup.js';

/** By counter: packets, and octets of frames. */
export type Counts = ReadonlyMap<string, readonly [packets: number, octets: number]>;

/** What left, in order. */
export interface Output {
  /** A port's number, or 'rss' with the packet's mark. */
  readonly to: string;
  readonly frame: Uint8Array;
  readonly encrypted?: LookupEncryption;
}

export interface Walk {
  readonly counts: Counts;
  readonly outputs: readonly Output[];
  /** Packets that were dropped by a forward, lost by an action, could not be carried, were left to the kernel. */
  readonly drop: number;
  readonly lost: number;
  readonly portDropped: number;
  readonly kernel: number;
}

const NOTHING: Walk = { counts: new Map(), outputs: [], drop: 0, lost: 0, portDropped: 0, kernel: 0 };

/** More are not looked at. */
const WALKS_MAX = 5000;

/** All that there are; undefined: too many. */
export function walksOf(path: LookupPath): Walk[] | undefined {
  let walks: Walk[] = [NOTHING];
  for (const step of path.steps) {
    walks = walks.map((walk) => together(walk, counted(step)));
    for (const { path: copy } of step.mirror?.copies ?? []) {
      const copies = walksOf(copy);
      if (copies === undefined || walks.length * copies.length > WALKS_MAX) return undefined;
      walks = walks.flatMap((walk) => copies.map((one) => together(walk, one)));
    }
  }
  const rest =
    path.end.end === 'fork' ? path.end.branches.map((branch) => walksOf(branch.path)) : [[ended(path.end)]];
  const ends = rest.flatMap((some) => some ?? []);
  if (rest.includes(undefined) || walks.length * ends.length > WALKS_MAX) return undefined;
  return walks.flatMap((walk) => ends.map((end) => together(walk, end)));
}

function counted({ pipe, hit, isCounted, frameOctets }: LookupStep): Walk {
  if (!isCounted) return NOTHING;
  const counters = hit === null ? [`${pipe} miss`] : [`${pipe} ${hit.id}`, `${pipe} total`];
  return { ...NOTHING, counts: new Map(counters.map((counter) => [counter, [1, frameOctets]])) };
}

function ended(end: Exclude<LookupEnd, { end: 'fork' }>): Walk {
  switch (end.end) {
    case 'kernel':
      return { ...NOTHING, kernel: 1 };
    case 'drop':
      if (end.because === 'forward' || end.because === 'circle') return { ...NOTHING, drop: 1 };
      return end.because === 'too-long' ? { ...NOTHING, portDropped: 1 } : { ...NOTHING, lost: 1 };
    default: {
      const to = end.end === 'port' ? `port ${end.port}` : `rss ${end.packetMeta}`;
      const { frame, encrypted } = end;
      return { ...NOTHING, outputs: [{ to, frame, ...(encrypted === undefined ? {} : { encrypted }) }] };
    }
  }
}

function together(one: Walk, other: Walk): Walk {
  const counts = new Map(one.counts);
  for (const [counter, [packets, octets]] of other.counts) {
    const [before, octetsBefore] = counts.get(counter) ?? [0, 0];
    counts.set(counter, [before + packets, octetsBefore + octets]);
  }
  return {
    counts,
    outputs: [...one.outputs, ...other.outputs],
    drop: one.drop + other.drop,
    lost: one.lost + other.lost,
    portDropped: one.portDropped + other.portDropped,
    kernel: one.kernel + other.kernel,
  };
}
