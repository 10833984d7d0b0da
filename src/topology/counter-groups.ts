/**
 * All counters of reports, by group, with what documentation says of them. A counter that a part of the program counts and that
 * is missing here does not compile; from here the reports of gateways, the counters that expectations may name, and the table
 * in docs/topology.md have it.
 */
import type { GatewayView } from '../gateway/view.js';
import type { PspStatistics } from '../hal/hal.js';
import type { LinkCounters } from '../hal-sim/ports/link.js';
import type { Fates } from '../hal-sim/statistics.js';
import type { InsiderCounters } from './nodes/insider/context.js';
import type { OutsideCounters } from './nodes/outside-end.js';
import type { RouterCounters } from './nodes/router.js';
import type { SwitchCounters } from './nodes/switch.js';
import type { OobCounters } from './oob.js';
import type { Percentiles } from './traffic/flow.js';

/** What is said of a counter: what it and those after it count, and what else there is to say of it. */
export interface CounterText {
  readonly heading?: string;
  readonly remark?: string;
}

/** Counters under their names, in the order of reports and documentation. */
export type CounterGroup<Name extends string = string> = Readonly<Record<Name, CounterText>>;

/** What a gateway has counted when one of its incarnations ends; reports have the sums over all incarnations. */
export const COUNTED_BY_INCARNATIONS = {
  psp: {
    rxPackets: { heading: 'the device' },
    rxBytes: {},
    rxAuthFail: { remark: 'ICV' },
    rxError: { remark: 'lengths' },
    rxBad: { remark: 'version, SPI' },
    txPackets: {},
    txBytes: {},
    txError: {},
    keyRotations: {},
    rssDropped: { heading: 'dropped', remark: 'CPU too slow' },
    portDropped: { remark: 'MTU, queue' },
    kernelDropped: { remark: 'left to a kernel that is not there' },
  } satisfies CounterGroup<keyof PspStatistics>,
  fates: {
    in: { heading: 'packets' },
    copies: { remark: 'of mirrors' },
    uplink: { heading: 'where they ended' },
    vf: {},
    rss: {},
    rssDropped: {},
    drop: {},
    kernel: {},
    lost: { remark: 'not decapsulated, not encrypted' },
    portDropped: {},
  } satisfies CounterGroup<keyof Fates>,
  slowPath: {
    misses: { heading: 'packets that came to the CPU' },
    resubmitted: {},
    noPeer: { heading: 'not carried' },
    noSession: {},
    unusable: {},
    looping: {},
    abandoned: {},
    answeredArp: { heading: 'answered' },
    answeredNeighbor: {},
    answeredDhcp: {},
    answeredTooBig: {},
    fragmented: { heading: 'too big' },
    tooBigDropped: {},
    fragmentsDropped: {},
    segmentPassed: { heading: 'of the segment in transport mode' },
    segmentDropped: {},
    sampledIngress: { heading: 'samples' },
    sampledEgress: {},
    sampledNotLogged: {},
    overflowed: { heading: 'dropped while they waited for a session' },
    expired: {},
  } satisfies CounterGroup<keyof GatewayView['slowPath']>,
};
export type CountedByIncarnations = keyof typeof COUNTED_BY_INCARNATIONS;

/** What an incarnation holds when it is looked at; reports have what the last one held. */
export const HELD_BY_INCARNATIONS = {
  sessions: { remark: 'established at the end' },
  keySlotsUsed: { remark: 'at the end' },
} satisfies CounterGroup;
export type HeldByIncarnations = keyof typeof HELD_BY_INCARNATIONS;

/** Counted from the events that gateways tell of, over all incarnations. */
export const COUNTED_FROM_EVENTS = {
  rotations: { remark: 'of the master key' },
  egressUpdates: { remark: 'new keys for tunnels that were there' },
} satisfies CounterGroup;

export const RPCS = {
  asked: { heading: 'its requests' },
  answered: {},
  failed: {},
  received: { heading: 'those of others' },
  granted: {},
} satisfies CounterGroup;
export type RpcCounter = keyof typeof RPCS;

/** All counters of a gateway that are in no group of their own. */
export const NODE = { starts: {}, ...HELD_BY_INCARNATIONS, ...COUNTED_FROM_EVENTS } satisfies CounterGroup;

/** Frames that came while it was down. */
export const VACANT: CounterGroup<'uplink' | 'vf'> = { uplink: {}, vf: {} };

export const PIPE: CounterGroup<'packets' | 'misses'> = {
  packets: { remark: 'that met an entry' },
  misses: {},
};

export const PERCENTILES: CounterGroup<keyof Percentiles> = {
  count: {},
  min: {},
  p50: {},
  p90: {},
  p99: {},
  max: {},
};

/** What all kinds of traffic have; some have more (TrafficKind). */
export const FLOW = {
  sent: {},
  delivered: {},
  lost: {},
  duplicates: {},
  reordered: {},
} satisfies CounterGroup;

export const LINK: CounterGroup<keyof LinkCounters> = {
  sent: {},
  delivered: {},
  lost: {},
  duplicated: {},
  reordered: {},
  corrupted: {},
  queueDropped: {},
  closed: {},
};
export const OUTSIDE: CounterGroup<keyof OutsideCounters> = {
  received: { heading: 'frames as they are on the wire' },
  sent: {},
  kernelDropped: { heading: 'that did not come in', remark: "the kernel's ring was full" },
  tooBig: { remark: "larger than the link's MTU" },
  notUnderstood: { remark: 'trains in tunnels, checksums of SCTP' },
  queueFull: { heading: 'that did not go out' },
  sendErrors: { remark: 'the interface is down, or its MTU smaller' },
  interruptions: { heading: 'times that the interface was down or away' },
};
export const SWITCH: CounterGroup<keyof SwitchCounters> = {
  forwarded: {},
  flooded: {},
  filtered: {},
  tooBig: {},
};
export const ROUTER: CounterGroup<keyof RouterCounters> = {
  forwarded: {},
  ignored: {},
  noRoute: {},
  hopLimit: {},
  tooBig: {},
};
export const OOB: CounterGroup<keyof OobCounters> = { calls: {}, lost: {}, partitioned: {} };
export const INSIDER: CounterGroup<keyof InsiderCounters> = {
  acts: {},
  asked: {},
  granted: {},
  refused: {},
  received: {},
  sent: {},
  impersonating: {},
  smuggled: {},
  frames: {},
};
