/** Fates of the packets that came to the CPU. */
export interface SlowPathCounters {
  misses: number;
  resubmitted: number;
  /** No peer owns the destination. */
  noPeer: number;
  /** The gateway has no room for another session. */
  noSession: number;
  /** Not an IP packet that a session could carry. */
  unusable: number;
  /** Missed their session a second time, after they were resubmitted to it. */
  looping: number;
  /** Their session was removed while they waited. */
  abandoned: number;
  answeredArp: number;
  answeredNeighbor: number;
  answeredDhcp: number;
  answeredTooBig: number;
  fragmented: number;
  tooBigDropped: number;
  /** Transport mode: fragments of the workload, which have no whole upper layer to encapsulate. */
  fragmentsDropped: number;
  /** Transport mode: messages of the segment, in both directions together; Segment.counters has the reasons. */
  segmentPassed: number;
  segmentDropped: number;
  sampledIngress: number;
  sampledEgress: number;
  /** Sampled packets of which the log does not tell, since it tells of so many per second only. */
  sampledNotLogged: number;
}

/** Before the first packet. */
export function newSlowPathCounters(): SlowPathCounters {
  return {
    misses: 0,
    resubmitted: 0,
    noPeer: 0,
    noSession: 0,
    unusable: 0,
    looping: 0,
    abandoned: 0,
    answeredArp: 0,
    answeredNeighbor: 0,
    answeredDhcp: 0,
    answeredTooBig: 0,
    fragmented: 0,
    tooBigDropped: 0,
    fragmentsDropped: 0,
    segmentPassed: 0,
    segmentDropped: 0,
    sampledIngress: 0,
    sampledEgress: 0,
    sampledNotLogged: 0,
  };
}
