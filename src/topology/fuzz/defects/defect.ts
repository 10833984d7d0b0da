/** The form of a deliberate defect, and helpers shared by several of them. */
import type { GatewayLimits, GatewayOptions } from '../../../gateway/options.js';
import type { ControlTransport, RpcHandler } from '../../../gateway/rpc/transport.js';
import type { Sabotage } from '../../run.js';
import type { FailureKind } from '../fuzz.js';

export interface Defect extends Sabotage {
  /** The wrong behaviour. */
  readonly text: string;
  /** Which one it is of those that were found in a former state of the gateway (docs/search.md); absent: none of them. */
  readonly point?: number;
  /** The check that convicts it. */
  readonly foundAs: FailureKind;
}

export type Defects = Readonly<Record<string, Defect>>;

/** More than a run can use up. */
export const UNBOUNDED = 1_000_000;

export const withLimits =
  (limits: Partial<GatewayLimits>) =>
  (options: GatewayOptions): GatewayOptions => ({ ...options, limits: { ...options.limits, ...limits } });

/** `transport` whose service is `wrap`'s around the gateway's own. */
export function wrapService(
  transport: ControlTransport,
  wrap: (handler: RpcHandler) => RpcHandler,
): ControlTransport {
  return {
    ...transport,
    listen: (address, handler, ...rest) => transport.listen(address, wrap(handler), ...rest),
  };
}
