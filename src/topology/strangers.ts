/** Gateways that somebody else runs, as callers: nobody watches the calls that they make, but where these are answered. */
import type { CallerIdentity } from '../gateway/rpc/transport.js';
import { externalsOf, type Topology } from './model.js';

/** Finds the node that a caller is, by the addresses in its certificate, or by where it calls from. */
export function strangersOf(
  topology: Pick<Topology, 'nodes'>,
): (caller: CallerIdentity) => string | undefined {
  const names = new Map<string, string>(
    externalsOf(topology).map(({ name, serviceAddress }) => [serviceAddress.host, name]),
  );
  return ({ names: proven, source }) => {
    const ips = proven.flatMap(({ type, value }) => (type === 'ip' ? [value] : []));
    return [...ips, ...(source === undefined ? [] : [source])].map((ip) => names.get(ip)).find(Boolean);
  };
}
