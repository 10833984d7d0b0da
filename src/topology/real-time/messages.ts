/** Messages between a run and the process of one of its gateways, sent by structured clone. */
import type { GatewayEvent } from '../../gateway/events.js';
import type { LogFields, LogLevel } from '../../gateway/log.js';
import type { TlsMaterial } from '../../gateway/rpc/grpc-transport.js';
import type { GatewayPlan, OobPlan } from '../model.js';
import type { IncarnationSnapshot } from '../nodes/incarnation.js';
import type { Seen } from '../seen.js';

/** Parameters that a gateway needs before it starts. */
export interface IncarnationStart {
  readonly tls: TlsMaterial;
  readonly underlay: GatewayPlan['underlay'];
  readonly nexthopDmac: string | undefined;
  /** Whether lines of the log are to be sent. */
  readonly logs: boolean;
  readonly oob: OobPlan;
  readonly groups: readonly (readonly string[])[];
  readonly adjustments: Adjustments;
}

/** Parameters that may change while it runs. */
export interface Adjustments {
  readonly aheadMs: number;
  readonly entriesDelayMs: number;
}

export type ToGateway =
  | { readonly type: 'start'; readonly start: IncarnationStart }
  | { readonly type: 'adjust'; readonly adjustments: Adjustments }
  | { readonly type: 'oob'; readonly oob: OobPlan; readonly groups: readonly (readonly string[])[] }
  | { readonly type: 'rotate' | 'snapshot'; readonly id: number }
  | { readonly type: 'stop' };

export type FromGateway =
  | { readonly type: 'started' }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'event'; readonly event: GatewayEvent }
  | { readonly type: 'seen'; readonly seen: Seen }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields | undefined;
    }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly snapshot?: IncarnationSnapshot;
      readonly reason?: string;
    };
