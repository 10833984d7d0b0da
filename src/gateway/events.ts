/** Events for a gateway's observer: the steps of the slow path, as they happen. Never key material. */
import type { IpAddress } from '../packet/address.js';
import type { VacatedReason } from './sessions/fair-share.js';

export interface Pair {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
}

export type GatewayEvent =
  | ({ readonly type: 'miss'; readonly waiting: number } & Pair)
  | ({ readonly type: 'ingress-opened'; readonly spi: number } & Pair)
  | {
      readonly type: 'request-sent';
      readonly peer: string;
      readonly tunnels: number;
      readonly method: string;
    }
  | { readonly type: 'request-answered'; readonly peer: string; readonly tunnels: number }
  | { readonly type: 'request-failed'; readonly peer: string; readonly reason: string }
  /** A peer is told that we have started, or that its packets do not get in. */
  | { readonly type: 'announcement-sent'; readonly peer: string; readonly packetsFail: boolean }
  | { readonly type: 'announcement-received'; readonly peer: string; readonly sessions: number }
  | { readonly type: 'request-received'; readonly from: string; readonly tunnels: number }
  | { readonly type: 'request-granted'; readonly from: string; readonly tunnels: number }
  | ({ readonly type: 'egress-installed'; readonly spi: number; readonly cryptoId: number } & Pair)
  | ({ readonly type: 'resubmitted'; readonly packets: number } & Pair)
  | ({ readonly type: 'spi-closed'; readonly spi: number } & Pair)
  /** All static tunnels have been up. */
  | { readonly type: 'static-tunnels-up'; readonly tunnels: number }
  | { readonly type: 'rotated'; readonly rotations: number }
  /** Has lost its egress route and its place; `reason` is absent when it was asked for, or nobody wanted it any more. */
  | ({
      readonly type: 'session-removed';
      readonly reason?: VacatedReason;
      /** Whose place it was. */
      readonly holder?: string;
    } & Pair);

export type GatewayObserver = (event: GatewayEvent) => void;
