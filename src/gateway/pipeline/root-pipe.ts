/** ROOT: where every packet from a port begins. */
import { L3_IPV4, L3_IPV6, L4_NONE, L4_UDP } from '../../hal/fields.js';
import {
  type ControlEntry,
  type ControlPipe,
  type MatchTemplate,
  UPLINK_PORT,
  VF_PORT,
} from '../../hal/program.js';
import { DHCP_SERVER_PORT } from '../../packet/dhcp.js';
import { ETHER_TYPE_ARP } from '../../packet/ethernet.js';
import { ICMPV6_NEIGHBOR_SOLICITATION } from '../../packet/icmpv6.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, NEXT_HEADER_FRAGMENT } from '../../packet/ipv6.js';
import { PSP_UDP_PORT } from '../../psp/header.js';
import { innerMtuOctets } from './mtu.js';
import { CONTROL_PIPE_ENTRIES, COUNT, familyNames, icmpv6, segmentMatches } from './pipe-parts.js';
import { outerFamilies, type PipelineOptions } from './pipeline-options.js';

const DHCP_BROADCAST = 0xffff_ffff;

export function root(options: PipelineOptions): ControlPipe {
  const entries: ControlEntry[] = [];
  const add = (
    label: string,
    priority: number,
    match: MatchTemplate,
    forward: ControlEntry['forward'],
    condition?: ControlEntry['condition'],
  ) => entries.push({ label, priority, match, forward, monitor: COUNT, ...(condition ? { condition } : {}) });
  const from = (port: number, match: MatchTemplate): MatchTemplate => ({
    'parser_meta.port_id': { value: port },
    ...match,
  });

  if (options.mode === 'tunnel') {
    add('vf-arp', 0, from(VF_PORT, { 'outer.eth.type': { value: ETHER_TYPE_ARP } }), { to: 'rss' });
    add('vf-neighbor-solicitation', 0, from(VF_PORT, icmpv6(ICMPV6_NEIGHBOR_SOLICITATION)), { to: 'rss' });
    // DHCP to other addresses is traffic like other traffic.
    const toAll = { 'outer.ip4.dst_ip': { value: DHCP_BROADCAST } };
    add('vf-dhcp', 0, from(VF_PORT, { ...udpTo(DHCP_SERVER_PORT, L3_IPV4), ...toAll }), { to: 'rss' });
  } else {
    // The two sides share a segment, on which hosts find each other in clear: the CPU says what of it passes.
    const toCpu = { to: 'pipe', pipe: 'RSS_SEGMENT_IN' } as const;
    for (const [label, match] of segmentMatches(options)) {
      add(`vf-${label}`, 0, from(VF_PORT, match), { to: 'rss' });
      add(`uplink-${label}`, 0, from(UPLINK_PORT, match), toCpu);
    }
  }
  if (options.mode === 'transport') {
    // Fragments, of which the CPU tells: a protocol that has ports or types, but no upper layer that the parser has found.
    for (const [label, match] of fragmentMatches(options)) {
      add(`vf-fragment-${label}`, 1, from(VF_PORT, match), { to: 'rss' });
    }
  }
  const innerMtu = innerMtuOctets(options);
  for (const family of options.innerFamilies) {
    const { text, l3Type } = familyNames(family);
    const match = from(VF_PORT, {
      'parser_meta.outer_l3_type': { value: l3Type },
      'parser_meta.outer_l3_ok': { value: 1 },
    });
    const condition =
      family === 4
        ? ({ field: 'outer.ip4.total_len', operation: 'gt', value: innerMtu } as const)
        : ({
            field: 'outer.ip6.payload_len',
            operation: 'gt',
            value: innerMtu - IPV6_HEADER_OCTETS,
          } as const);
    add(`vf-too-big-${text.toLowerCase()}`, 1, match, { to: 'rss' }, condition);
    add(`vf-${text.toLowerCase()}`, 2, match, { to: 'pipe', pipe: 'EMPTY' });
  }
  for (const family of outerFamilies(options)) {
    const { text, l3Type } = familyNames(family);
    const match = from(UPLINK_PORT, {
      ...udpTo(PSP_UDP_PORT, l3Type),
      'parser_meta.outer_l3_ok': { value: 1 },
      'parser_meta.outer_ip4_checksum_ok': { value: family === 4 ? 1 : 0 },
    });
    add(`uplink-psp-${text.toLowerCase()}`, 2, match, { to: 'pipe', pipe: 'PSP_DECRYPT' });
  }
  // Not to the kernel, which might route it on in clear.
  add('vf-other', 3, from(VF_PORT, {}), { to: 'drop' });
  return {
    name: 'ROOT',
    description: 'where every packet from a port begins',
    type: 'control',
    domain: 'default',
    isRoot: true,
    sizeEntries: CONTROL_PIPE_ENTRIES,
    missCounter: true,
    miss: { to: 'kernel' },
    entries,
  };
}

function fragmentMatches({ innerFamilies }: PipelineOptions): [label: string, match: MatchTemplate][] {
  const none = { 'parser_meta.outer_l4_type': { value: L4_NONE } };
  const ipv4 = (protocol: number): MatchTemplate => ({
    'parser_meta.outer_l3_type': { value: L3_IPV4 },
    'outer.ip4.next_proto': { value: protocol },
    ...none,
  });
  return innerFamilies.flatMap((family): [string, MatchTemplate][] =>
    family === 4
      ? [
          ['tcp', ipv4(PROTOCOL_TCP)],
          ['udp', ipv4(PROTOCOL_UDP)],
          ['icmp', ipv4(PROTOCOL_ICMP)],
        ]
      : [
          [
            'ipv6',
            {
              'parser_meta.outer_l3_type': { value: L3_IPV6 },
              'outer.ip6.next_proto': { value: NEXT_HEADER_FRAGMENT },
              ...none,
            },
          ],
        ],
  );
}

function udpTo(port: number, l3Type: number): MatchTemplate {
  return {
    'parser_meta.outer_l3_type': { value: l3Type },
    'parser_meta.outer_l4_type': { value: L4_UDP },
    'outer.udp.dst_port': { value: port },
  };
}
