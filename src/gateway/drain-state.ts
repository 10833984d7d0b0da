/** Whether the gateway makes new tunnels: what its parts ask before they begin one, and what peers are told. */
import type { Clock } from '../base/clock.js';
import type { DrainNotice } from './rpc/announcement-messages.js';
import { RpcError } from './rpc/transport.js';

export interface Drain {
  /** Wall time in milliseconds, as those below. */
  readonly begunAtMs: number;
  /** When it is over although packets pass; undefined: it is over, and the gateway stays drained. */
  readonly endsAtMs: number | undefined;
  /** The gateway stops when it is over. */
  readonly stops: boolean;
}

export class DrainState {
  /** Undefined: new tunnels are made. */
  current: Drain | undefined;

  constructor(private readonly clock: Pick<Clock, 'nowMs'>) {}

  get isDraining(): boolean {
    return this.current !== undefined;
  }

  /** What peers are told. */
  notice(): DrainNotice | undefined {
    if (this.current === undefined) return undefined;
    const { endsAtMs } = this.current;
    // 0 says that nobody knows.
    return { endsInMs: endsAtMs === undefined ? 0 : Math.max(1, endsAtMs - this.clock.nowMs()) };
  }

  /**
   * Throws FAILED_PRECONDITION while the gateway drains: to a caller of any dialect an answer, neither silence nor a reason to try
   * again at once.
   */
  assertNew(): void {
    if (this.isDraining) throw new RpcError('FAILED_PRECONDITION', DRAINS);
  }
}

/** Why a new tunnel is refused. */
export const DRAINS = 'this gateway drains: it makes no new tunnels; those that there are go on';
