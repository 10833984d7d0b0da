/** All kinds of traffic. A kind that is missing in one of the two lists does not compile. */
import { type FloodPlan, flood } from './flood.js';
import type { ParsedBetween, ParsedFrom, TrafficKind } from './kind.js';
import { type PingPlan, ping } from './ping.js';
import { type ReplayPlan, replay } from './replay.js';
import { type SweepPlan, sweep } from './sweep.js';
import { type TransferPlan, transfer } from './transfer.js';
import { type UdpPlan, udp } from './udp.js';

/** A flow of a scenario. */
export type TrafficPlan = PingPlan | UdpPlan | TransferPlan | ReplayPlan | FloodPlan | SweepPlan;

export type TrafficType = TrafficPlan['type'];

/** The kinds by their `type` in files, in the order of documentation. */
const KINDS = {
  ping,
  udp,
  transfer,
  replay,
  flood,
  sweep,
} satisfies {
  [T in TrafficType]: TrafficKind<Extract<TrafficPlan, { type: T }>, ParsedBetween | ParsedFrom>;
};

type Kinds = typeof KINDS;

/** Traffic as a file has it. */
export type ParsedTraffic = { [T in TrafficType]: Kinds[T]['example'] }[TrafficType];

/** Whoever has a flow asks the kind of its type, so that the two fit. */
export const TRAFFIC: { readonly [T in TrafficType]: TrafficKind<TrafficPlan, ParsedTraffic> } = KINDS;

export const TRAFFIC_TYPES = Object.keys(KINDS) as readonly TrafficType[];
