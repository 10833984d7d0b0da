/** The tunnels that an insider asks for, and the parameters by which it is to be reached. */
import type { TunnelParameters, TunnelRequest } from '../../../gateway/rpc/tunnel-messages.js';
import { type IpAddress, type IpFamily, ipFamily, parseIp } from '../../../packet/address.js';
import { keyLengthOctets, type PspVersion } from '../../../psp/header.js';
import type { InsiderContext, InsiderTarget } from './context.js';

/** Tunnels of a request that has them many times. */
const BATCH_MAX = 300;
const ELSEWHERE: Readonly<Record<IpFamily, readonly IpAddress[]>> = {
  4: ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '203.0.113.254'].map(parseIp),
  6: ['::', '::1', 'ff02::1', '2001:db8:ffff::1'].map(parseIp),
};

/** Pairs of its own addresses with the target's, with a way back or without; more than there are come twice. */
export function someTunnels(context: InsiderContext, target: InsiderTarget, count: number): TunnelRequest[] {
  const pairs = target.virtualIps.flatMap((remote) =>
    context.plan.addresses
      .filter((own) => ipFamily(own) === ipFamily(remote))
      .map((own) => ({ own, remote })),
  );
  if (pairs.length === 0) return [];
  const first = context.below(pairs.length);
  return Array.from({ length: count }, (_, i) => {
    const { own, remote } = pairs[(first + i) % pairs.length]!;
    return tunnel(own, remote, context.chance(0.7) ? ownParameters(context, target) : undefined);
  });
}

/** All pairs once, or more than there are. */
export function batchOfTunnels(context: InsiderContext, target: InsiderTarget): TunnelRequest[] {
  const all = context.plan.addresses.length * target.virtualIps.length;
  const tunnels = someTunnels(context, target, context.chance(0.5) ? BATCH_MAX : all);
  if (tunnels.length === BATCH_MAX) return tunnels;
  return tunnels.filter(
    ({ virtSource, virtDestination }, i) =>
      tunnels.findIndex(
        (other) => other.virtSource === virtSource && other.virtDestination === virtDestination,
      ) === i,
  );
}

function tunnel(own: IpAddress, remote: IpAddress, reverse: TunnelParameters | undefined): TunnelRequest {
  return { virtSource: own, virtDestination: remote, reverse };
}

/** Requests for addresses of another peer, in its name. */
export function claimedTunnels(context: InsiderContext, target: InsiderTarget): TunnelRequest[] {
  const others = context.othersThan(target).flatMap(({ virtualIps }) => virtualIps);
  return someTunnels(context, target, 1).map((tunnel) => {
    const theirs = others.filter((ip) => ipFamily(ip) === ipFamily(tunnel.virtDestination));
    return theirs.length === 0 ? tunnel : { ...tunnel, virtSource: context.pick(theirs) };
  });
}

/** The gateway is to send to somebody else. */
export function redirectedTunnels(context: InsiderContext, target: InsiderTarget): TunnelRequest[] {
  return someTunnels(context, target, 1).map((tunnel) => ({
    ...tunnel,
    reverse: elsewhereParameters(context, target),
  }));
}

export function elsewhereParameters(context: InsiderContext, target: InsiderTarget): TunnelParameters {
  const others = context.othersThan(target);
  const third = others.length === 0 ? target : context.pick(others);
  const family = target.outerFamily;
  const addresses = [
    ...ELSEWHERE[family],
    ...[target, third, third].flatMap(({ underlay }) => underlay.filter((ip) => ipFamily(ip) === family)),
  ];
  return { ...ownParameters(context, target), mac: third.mac, underlayIp: context.pick(addresses) };
}

/** Parameters for reaching it, under a key of its own. */
export function ownParameters(
  context: InsiderContext,
  target: InsiderTarget,
  version: PspVersion = context.chance(0.5) ? 0 : 1,
): TunnelParameters {
  const { plan, random } = context.deps;
  const { ipv4, ipv6 } = plan.underlay;
  const key = new Uint8Array(keyLengthOctets(version));
  random.fill(key);
  return {
    mac: plan.uplinkMac,
    underlayIp: (target.outerFamily === 4 ? ipv4 : ipv6) ?? ipv4 ?? ipv6!,
    pspVersion: version,
    spi: random.uint32() || 1,
    key,
    cookie: 0n,
  };
}
