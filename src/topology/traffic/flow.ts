/** The fate of one flow's packets: when each was sent, and when it arrived. */
import type { TrafficPlan } from '../model.js';
import type { Replay } from './replay-frames.js';

/** Latencies in milliseconds. */
/** How values are spread. */
export interface Percentiles {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export class Flow {
  /** When packet i was sent and when it came: of pings, their answers; NaN while it has not. */
  readonly sentAtMs: number[] = [];
  readonly arrivedAtMs: number[] = [];
  /** Arrivals of packets that had arrived. */
  duplicates = 0;
  /** Arrivals after a packet with a higher number. */
  reordered = 0;
  ended = false;
  /** For transfers: octets that arrived, whether they are the octets that were sent, and segments sent again. */
  transfer: { octets: number; intact: boolean; retransmissions: number } | undefined;
  #highest = -1;

  constructor(
    readonly plan: TrafficPlan,
    /** Stands in the payloads. */
    readonly number: number,
    /** Frames that a replay does not send. */
    readonly replay: Pick<Replay, 'leftOut' | 'unplayable'> | undefined = undefined,
  ) {}

  /** Notes the next packet; gives its number. */
  send(nowMs: number): number {
    this.arrivedAtMs.push(Number.NaN);
    return this.sentAtMs.push(nowMs) - 1;
  }

  arrive(sequence: number, nowMs: number): void {
    if (!(sequence < this.sentAtMs.length)) return;
    if (this.hasArrived(sequence)) {
      this.duplicates++;
      return;
    }
    this.arrivedAtMs[sequence] = nowMs;
    if (sequence < this.#highest) this.reordered++;
    else this.#highest = sequence;
  }

  hasArrived(sequence: number): boolean {
    return !Number.isNaN(this.arrivedAtMs[sequence]!);
  }

  get sent(): number {
    return this.sentAtMs.length;
  }

  get delivered(): number {
    return this.arrivedAtMs.reduce((count, at) => (Number.isNaN(at) ? count : count + 1), 0);
  }

  /** Packets sent at `fromMs` or later that have not arrived. */
  lostSince(fromMs: number): number {
    return this.sentAtMs.reduce(
      (count, at, i) => (at >= fromMs && Number.isNaN(this.arrivedAtMs[i]!) ? count + 1 : count),
      0,
    );
  }

  get latencyMs(): Percentiles | undefined {
    return percentiles(
      this.sentAtMs.flatMap((at, i) => {
        const arrived = this.arrivedAtMs[i]!;
        return Number.isNaN(arrived) ? [] : [arrived - at];
      }),
    );
  }
}

/** Nearest-rank percentiles; undefined for no values. */
export function percentiles(values: readonly number[]): Percentiles | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  const rank = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!);
  return {
    count: sorted.length,
    min: round(sorted[0]!),
    p50: rank(0.5),
    p90: rank(0.9),
    p99: rank(0.99),
    max: round(sorted[sorted.length - 1]!),
  };
}

/** Rounds to the nanosecond: sums of fractions differ in their last bits. */
const round = (ms: number) => Math.round(ms * 1e6) / 1e6;
