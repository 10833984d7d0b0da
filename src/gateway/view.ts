/** A gateway as it is at one moment, for people and programs; no keys. */
import type { IpAddress } from '../packet/address.js';
import type { PeerDialect } from './options.js';
import type { SessionState } from './session.js';
import type { SlowPathCounters } from './slow-path.js';
import type { ServiceAddress } from './transport.js';

/** One session as it is. */
export interface SessionView {
  readonly localVip: IpAddress;
  readonly remoteVip: IpAddress;
  readonly peer: string;
  readonly state: SessionState;
  /** The SPIs under which the peer may send. */
  readonly ingressSpis: readonly number[];
  /** The peer's SPI under which we send. */
  readonly egressSpi: number | undefined;
  readonly waitingPackets: number;
}

/** One configured peer as it is. */
export interface PeerView {
  readonly name: string;
  readonly virtualIps: number;
  /** Configured or learnt; undefined: not known yet. */
  readonly dialect: PeerDialect | undefined;
  /** Our exchanges with it that failed since the last that succeeded. */
  readonly failures: number;
  /** When it last answered one, wall time in milliseconds; undefined: never. */
  readonly answeredAtMs: number | undefined;
}

export interface GatewayView {
  readonly serviceAddress: ServiceAddress | undefined;
  readonly sessions: readonly SessionView[];
  readonly peers: readonly PeerView[];
  readonly keySlotsUsed: number;
  readonly spisRetiring: number;
  readonly rotations: number;
  readonly slowPath: SlowPathCounters & { readonly overflowed: number; readonly expired: number };
  /** Requests of peers that were refused, by gRPC status. */
  readonly refused: Readonly<Record<string, number>>;
}
