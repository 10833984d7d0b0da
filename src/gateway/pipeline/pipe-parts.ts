/** Parts that pipes of several subjects are made of. */
import { L3_IPV4, L3_IPV6, L4_ICMP } from '../../hal/fields.js';
import type { BasicPipe, MatchTemplate, PspNetType } from '../../hal/program.js';
import type { IpFamily } from '../../packet/address.js';
import { ETHER_TYPE_ARP } from '../../packet/ethernet.js';
import { SEGMENT_ICMPV6_TYPES } from '../../packet/segment.js';
import { NEXT_HEADER_IPV4, NEXT_HEADER_IPV6 } from '../../psp/header.js';
import type { GatewayOptions } from '../options.js';
import type { PipelineOptions } from './pipeline-options.js';

/** Room for static entries of the control pipes. */
export const CONTROL_PIPE_ENTRIES = 32;

/** Monitor of what has a counter and nothing else. */
export const COUNT = { counter: true } as const;

/** Names of a family's fields: in the workload's own headers, and in those inside an envelope. */
export function familyNames(family: IpFamily) {
  return family === 4
    ? ({ ip: 'ip4', l3Type: L3_IPV4, nextHeader: NEXT_HEADER_IPV4, suffix: 'IPV4', text: 'IPv4' } as const)
    : ({ ip: 'ip6', l3Type: L3_IPV6, nextHeader: NEXT_HEADER_IPV6, suffix: 'IPV6', text: 'IPv6' } as const);
}

/** Reformat of a family's packets. */
export function netTypeOf(mode: GatewayOptions['mode'], family: IpFamily): PspNetType {
  if (mode === 'tunnel') return 'psp-tunnel';
  return family === 4 ? 'psp-over-ipv4' : 'psp-over-ipv6';
}

/** Matches for the messages with which hosts of a segment find each other, for the families that the gateway carries. */
export function segmentMatches({ innerFamilies }: PipelineOptions): [label: string, match: MatchTemplate][] {
  return innerFamilies.flatMap((family): [string, MatchTemplate][] =>
    family === 4
      ? [['arp', { 'outer.eth.type': { value: ETHER_TYPE_ARP } }]]
      : SEGMENT_ICMPV6_TYPES.map((type) => [`nd-${type}`, icmpv6(type)]),
  );
}

/** Match for ICMPv6 messages of a type. */
export function icmpv6(type: number): MatchTemplate {
  return {
    'parser_meta.outer_l3_type': { value: L3_IPV6 },
    'parser_meta.outer_l4_type': { value: L4_ICMP },
    'outer.icmp.type': { value: type },
  };
}

/** Everything to RSS, with a mark when there is one. */
export function rssPipe(name: string, domain: 'secure-ingress' | 'egress', packetMeta?: number): BasicPipe {
  return {
    name,
    description: packetMeta === undefined ? 'to the CPU' : 'mark, then to the CPU',
    type: 'basic',
    domain,
    sizeEntries: 1,
    match: {},
    ...(packetMeta === undefined ? {} : { actions: [{ set: { 'meta.pkt_meta': { value: packetMeta } } }] }),
    forward: { to: 'rss' },
    miss: { to: 'drop' },
    monitor: COUNT,
    entries: [{ label: 'all' }],
  };
}

/** The pipe that makes an id of a local IPv6 address, which is too wide for the next pipe. */
export function localVipPipe(
  name: 'INGR_VIP_IPV6' | 'EGR_VIP_IPV6',
  options: PipelineOptions,
  match: MatchTemplate,
): BasicPipe {
  const ingress = name === 'INGR_VIP_IPV6';
  return {
    name,
    description: 'IPv6: local address to id',
    type: 'basic',
    domain: ingress ? 'secure-ingress' : 'secure-egress',
    sizeEntries: options.maxTunnels,
    match,
    actions: [{ set: { 'meta.u32.2': { value: 'entry' } } }],
    forward: { to: 'pipe', pipe: ingress ? 'INGR_ACL_IPV6' : 'EGR_ACL_IPV6' },
    miss: { to: 'pipe', pipe: ingress ? 'SYNDROME_STATS' : 'RSS_MISS' },
    missCounter: true,
    monitor: COUNT,
  };
}
