/**
 * The gateway's pipeline, as DOCA's PSP gateway draws it, as one PipeProgram.
 *
 *     uplink -> ROOT -> PSP_DECRYPT -> [INGR_SAMPL] -> INNER_CLASSIFIER -> INGR_ACL -> VF
 *     VF     -> ROOT -> EMPTY -> EGR_ACL -> [SET_SAMPLE_BIT -> PSP_ENCRYPT -> EGR_SAMPL] -> uplink
 *
 * What matches no session on the way out goes to RSS (the slow path); what is not authenticated, or not allowed, on
 * the way in ends in SYNDROME_STATS, and behind it in FAILED_SOURCE, which tells peers' addresses from others. Two IPv6 addresses and an SPI are more than one pipe can match, so the local
 * address of IPv6 is matched first, in *_VIP_IPV6, and stands for an id in meta.u32.2 from there on.
 *
 * The entries of sessions are made in pipeline-entries.ts.
 */

import {
  L3_IPV4,
  L3_IPV6,
  L4_ICMP,
  L4_NONE,
  L4_UDP,
  SYNDROME_BAD_TRAILER,
  SYNDROME_ICV_FAIL,
  SYNDROME_OK,
} from '../../hal/fields.js';
import {
  type ActionTemplate,
  type BasicPipe,
  type ControlEntry,
  type ControlPipe,
  type MatchTemplate,
  type Mirror,
  type Pipe,
  type PipeProgram,
  type PspNetType,
  UPLINK_PORT,
  VF_PORT,
} from '../../hal/program.js';
import type { IpFamily } from '../../packet/address.js';
import { DHCP_SERVER_PORT } from '../../packet/dhcp.js';
import { ETHER_TYPE_ARP } from '../../packet/ethernet.js';
import { ICMPV6_NEIGHBOR_SOLICITATION } from '../../packet/icmpv6.js';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from '../../packet/ipv4.js';
import { IPV6_HEADER_OCTETS, IPV6_MINIMUM_MTU_OCTETS, NEXT_HEADER_FRAGMENT } from '../../packet/ipv6.js';
import { SEGMENT_ICMPV6_TYPES } from '../../packet/segment.js';
import { FLAG_D, FLAG_S, NEXT_HEADER_IPV4, NEXT_HEADER_IPV6, PSP_UDP_PORT } from '../../psp/header.js';
import type { GatewayOptions } from '../options.js';
import { tunnelLimits } from './limits.js';

/** pkt_meta of sampled packets at RSS and of packets that return to the workload. */
export const PKT_META_INGRESS_SAMPLED = 0x65656565;
export const PKT_META_EGRESS_SAMPLED = 0x43434343;
export const PKT_META_RETURN_TO_VF = 0x78787878;
/** A number of the gateway's own choosing: a packet that comes back with it has missed its session a second time. */
export const PKT_META_RESUBMITTED = 0x32323232;
/** Transport mode: what belongs to the segment, from the underlay to the CPU, and from the CPU to the underlay. */
export const PKT_META_SEGMENT_IN = 0x21212121;
export const PKT_META_SEGMENT_OUT = 0x12121212;

/** Mark of a packet to an address that its peer has not proved: this in the first octet, and the key slot in the others. */
const PKT_META_TRIAL = 0x5a00_0000;
const PKT_META_TRIAL_MASK = 0xff00_0000;

/** pkt_meta of a packet for EGR_TRIAL. */
export function trialMark(cryptoId: number): number {
  return PKT_META_TRIAL + cryptoId;
}

/**
 * Underlay addresses of peers that the device tells apart among the packets that it does not let in. Enough for a mesh
 * of a thousand gateways that all move; beyond it an address counts as nobody's.
 */
export const FAILED_SOURCES_MAX = 4096;
/** Room for static entries of the control pipes. */
const CONTROL_PIPE_ENTRIES = 32;
const DHCP_BROADCAST = 0xffff_ffff;

const OUTER_HEADER_OCTETS: Readonly<Record<IpFamily, number>> = { 4: 20, 6: 40 };
const UDP_PSP_ICV_OCTETS = 8 + 16 + 16;
const COOKIE_OCTETS = 8;

export interface PipelineOptions
  extends Pick<
    GatewayOptions,
    | 'mode'
    | 'outerFamily'
    | 'innerFamilies'
    | 'cookies'
    | 'ingressAcl'
    | 'sampleRateLog2'
    | 'maintainOrder'
    | 'sampleBeforeEncryption'
    | 'maxTunnels'
    | 'confirmUnderlay'
  > {
  /** Largest IP packet of the uplink. */
  readonly underlayMtuOctets: number;
  /** Destination and source MAC, and nothing else, of packets decapsulated with the ingress ACL off; 12 octets. */
  readonly decapMacs: Uint8Array;
}

/** Octets that PSP adds to an IP packet. */
export function overheadOctets(options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'cookies'>): number {
  const outer = options.mode === 'tunnel' ? OUTER_HEADER_OCTETS[options.outerFamily] : 0;
  return outer + UDP_PSP_ICV_OCTETS + (options.cookies ? COOKIE_OCTETS : 0);
}

/** Largest IP packet of a workload that fits the underlay once it is encapsulated. */
export function innerMtuOctets(
  options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'cookies' | 'underlayMtuOctets'>,
): number {
  return options.underlayMtuOctets - overheadOctets(options);
}

/** Why the underlay's packets are too small for what the workload must be able to send; undefined: they are not. */
export function underlayMtuProblem(
  options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'cookies' | 'underlayMtuOctets' | 'innerFamilies'>,
): string | undefined {
  const octets = innerMtuOctets(options);
  if (!options.innerFamilies.includes(6) || octets >= IPV6_MINIMUM_MTU_OCTETS) return undefined;
  const { underlayMtuOctets } = options;
  const needed = IPV6_MINIMUM_MTU_OCTETS + overheadOctets(options);
  return `an MTU of ${underlayMtuOctets} leaves ${octets} octets for the workload's packets, and IPv6 needs ${IPV6_MINIMUM_MTU_OCTETS} (RFC 8200, section 5); make it ${needed}, or carry IPv4 only (--inner=ipv4)`;
}

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

/** The whole program of one gateway. */
export function buildPipeline(options: PipelineOptions): PipeProgram {
  const sampling = options.sampleRateLog2 > 0;
  const pipes: Pipe[] = [root(options)];
  if (options.mode === 'transport')
    pipes.push(rssPipe('RSS_SEGMENT_IN', 'secure-ingress', PKT_META_SEGMENT_IN));
  pipes.push(pspDecrypt(options));
  if (sampling)
    pipes.push(
      ingressSampling(options),
      rssPipe('RSS_INGR_SAMPLED', 'secure-ingress', PKT_META_INGRESS_SAMPLED),
    );
  if (options.mode === 'tunnel') pipes.push(underlaySeen(options));
  pipes.push(innerClassifier(options));
  for (const family of options.innerFamilies) pipes.push(...ingressAcl(options, family));
  pipes.push(syndromeStats(options), ...failedSources(options), empty(options));
  for (const family of options.innerFamilies) pipes.push(...egressAcl(options, family));
  pipes.push(rssPipe('RSS_MISS', 'egress'));
  if (holdsUnproved(options)) pipes.push(egressTrial(options));
  if (sampling) {
    pipes.push(
      setSampleBit(options),
      egressSampling(options),
      rssPipe('RSS_EGR_SAMPLED', 'egress', PKT_META_EGRESS_SAMPLED),
      pspEncrypt(options),
    );
  }
  return { name: 'psp-gateway', pipes, ...(sampling ? { mirrors: mirrors(options) } : {}) };
}

function mirrors(options: PipelineOptions): Mirror[] {
  const list: Mirror[] = [
    { name: 'INGR_SAMPLED', targets: [{ to: 'pipe', pipe: 'RSS_INGR_SAMPLED' }] },
    { name: 'EGR_SAMPLED', targets: [{ to: 'pipe', pipe: 'RSS_EGR_SAMPLED' }] },
  ];
  // Packets that are not sampled take the same way as those that are, so that they cannot overtake them.
  if (options.maintainOrder) list.push({ name: 'EGR_NOT_SAMPLED', targets: [{ to: 'drop' }] });
  return list;
}

const COUNT = { counter: true } as const;

function root(options: PipelineOptions): ControlPipe {
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

/** Matches for the messages with which hosts of a segment find each other, for the families that the gateway carries. */
function segmentMatches({ innerFamilies }: PipelineOptions): [label: string, match: MatchTemplate][] {
  return innerFamilies.flatMap((family): [string, MatchTemplate][] =>
    family === 4
      ? [['arp', { 'outer.eth.type': { value: ETHER_TYPE_ARP } }]]
      : SEGMENT_ICMPV6_TYPES.map((type) => [`nd-${type}`, icmpv6(type)]),
  );
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

function icmpv6(type: number): MatchTemplate {
  return {
    'parser_meta.outer_l3_type': { value: L3_IPV6 },
    'parser_meta.outer_l4_type': { value: L4_ICMP },
    'outer.icmp.type': { value: type },
  };
}

function pspDecrypt(options: PipelineOptions): BasicPipe {
  return {
    name: 'PSP_DECRYPT',
    description: 'authenticate and decrypt with the key of the SPI',
    type: 'basic',
    domain: 'secure-ingress',
    sizeEntries: 1,
    match: { 'parser_meta.outer_l4_type': { value: L4_UDP }, 'outer.udp.dst_port': { value: PSP_UDP_PORT } },
    actions: [{ decrypt: true }],
    forward: { to: 'pipe', pipe: options.sampleRateLog2 > 0 ? 'INGR_SAMPL' : firstAfterDecrypt(options) },
    miss: { to: 'drop' },
    missCounter: true,
    monitor: COUNT,
    entries: [{ label: 'psp' }],
  };
}

/** S and D are believed of authenticated packets only. */
function ingressSampling(options: PipelineOptions): ControlPipe {
  const next = { to: 'pipe', pipe: firstAfterDecrypt(options) } as const;
  const match = (flags: number): MatchTemplate => ({
    'parser_meta.psp_syndrome': { value: SYNDROME_OK },
    'tun.psp.s_d_ver_v': { value: flags, mask: FLAG_S | FLAG_D },
  });
  const sampled = { mirror: 'INGR_SAMPLED', ...COUNT };
  return {
    name: 'INGR_SAMPL',
    description: 'S bit: copy to the CPU; D bit: drop',
    type: 'control',
    domain: 'secure-ingress',
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: next,
    missCounter: true,
    entries: [
      {
        label: 'sample',
        priority: 0,
        match: match(FLAG_S),
        monitor: sampled,
        forward: next,
      },
      {
        label: 'sample-and-drop',
        priority: 0,
        match: match(FLAG_S | FLAG_D),
        monitor: sampled,
        forward: { to: 'drop' },
      },
      { label: 'drop', priority: 0, match: match(FLAG_D), monitor: COUNT, forward: { to: 'drop' } },
    ],
  };
}

function firstAfterDecrypt({ mode }: PipelineOptions): string {
  return mode === 'tunnel' ? 'UNDERLAY_SEEN' : 'INNER_CLASSIFIER';
}

/** An entry for each SPI of a peer whose underlay address is not proved: by it an authenticated packet from there is seen. */
function underlaySeen(options: PipelineOptions): BasicPipe {
  const next = { to: 'pipe', pipe: 'INNER_CLASSIFIER' } as const;
  return {
    name: 'UNDERLAY_SEEN',
    description: 'count what proves where a peer is',
    type: 'basic',
    domain: 'secure-ingress',
    sizeEntries: tunnelLimits(options.maxTunnels).ingressEntries,
    match: {
      'parser_meta.psp_syndrome': { value: SYNDROME_OK },
      'tun.psp.spi': { value: 'entry' },
      [`outer.${familyNames(options.outerFamily).ip}.src_ip`]: { value: 'entry' },
    },
    forward: next,
    miss: next,
    monitor: COUNT,
  };
}

/** A damaged next header is an authentication failure like any other, so what fits no family is counted with them. */
function innerClassifier(options: PipelineOptions): BasicPipe {
  const field = options.mode === 'tunnel' ? 'tun.psp.nexthdr' : 'parser_meta.outer_l3_type';
  return {
    name: 'INNER_CLASSIFIER',
    description: 'which family is inside',
    type: 'basic',
    domain: 'secure-ingress',
    sizeEntries: 2,
    match: { [field]: { value: 'entry' } },
    forward: 'entry',
    miss: { to: 'pipe', pipe: 'SYNDROME_STATS' },
    missCounter: true,
    monitor: COUNT,
    entries: options.innerFamilies.map((family) => {
      const { nextHeader, l3Type, text } = familyNames(family);
      return {
        label: text.toLowerCase(),
        match: { [field]: options.mode === 'tunnel' ? nextHeader : l3Type },
        forward: { to: 'pipe', pipe: firstIngressPipe(options, family) },
      };
    }),
  };
}

function firstIngressPipe(options: PipelineOptions, family: IpFamily): string {
  return family === 6 && options.ingressAcl ? 'INGR_VIP_IPV6' : `INGR_ACL_${familyNames(family).suffix}`;
}

function ingressAcl(options: PipelineOptions, family: IpFamily): BasicPipe[] {
  const { ip, l3Type, suffix, text } = familyNames(family);
  const tunnel = options.mode === 'tunnel';
  const side = tunnel ? 'inner' : 'outer';
  const netType = netTypeOf(options.mode, family);
  const l3Field = `parser_meta.${side}_l3_type` as const;
  const l3 = { value: l3Type };
  const ok = { value: SYNDROME_OK };
  const common = {
    type: 'basic',
    domain: 'secure-ingress',
    miss: { to: 'pipe', pipe: 'SYNDROME_STATS' },
    missCounter: true,
    monitor: COUNT,
  } as const;
  if (!options.ingressAcl) {
    return [
      {
        name: `INGR_ACL_${suffix}`,
        description: `${text}: let in whatever decrypts`,
        ...common,
        sizeEntries: 1,
        match: { 'parser_meta.psp_syndrome': ok, [l3Field]: l3 },
        actions: [
          {
            decap: { netType, ...(tunnel ? { ethernetHeader: decapHeader(options.decapMacs, family) } : {}) },
          },
        ],
        forward: { to: 'port', port: VF_PORT },
        entries: [{ label: 'any' }],
      },
    ];
  }
  const address = { [`${side}.${ip}.src_ip`]: { value: 'entry' } } as const;
  const acl: BasicPipe = {
    name: `INGR_ACL_${suffix}`,
    description: `${text}: SPI and addresses of a session, then decapsulate`,
    ...common,
    sizeEntries: tunnelLimits(options.maxTunnels).ingressEntries,
    match: {
      'parser_meta.psp_syndrome': ok,
      'tun.psp.spi': { value: 'entry' },
      ...(options.cookies ? { 'tun.psp.vc': { value: 'entry' } } : {}),
      ...address,
      ...(family === 4
        ? { [l3Field]: l3, [`${side}.ip4.dst_ip`]: { value: 'entry' } }
        : { 'meta.u32.2': { value: 'entry' } }),
    },
    actions: [{ decap: { netType, ...(tunnel ? { ethernetHeader: 'entry' } : {}) } }],
    forward: { to: 'port', port: VF_PORT },
  };
  return family === 4
    ? [acl]
    : [
        localVipPipe('INGR_VIP_IPV6', options, {
          [l3Field]: l3,
          [`${side}.ip6.dst_ip`]: { value: 'entry' },
        }),
        acl,
      ];
}

/** Ethernet header of decapsulated packets from destination and source MAC. */
export function decapHeader(macs: Uint8Array, family: IpFamily): Uint8Array {
  const header = new Uint8Array(14);
  header.set(macs);
  header.set(family === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  return header;
}

function localVipPipe(
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

/** Families of the packets that carry PSP. */
export function outerFamilies(
  options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'innerFamilies'>,
): readonly IpFamily[] {
  return options.mode === 'tunnel' ? [options.outerFamily] : options.innerFamilies;
}

/** The miss counter holds what was authenticated and yet not allowed in. */
function syndromeStats(options: PipelineOptions): BasicPipe {
  const next = { to: 'pipe', pipe: failedSourcePipe(outerFamilies(options)[0]!) } as const;
  return {
    name: 'SYNDROME_STATS',
    description: 'count what was not let in',
    type: 'basic',
    domain: 'secure-ingress',
    sizeEntries: 2,
    match: { 'parser_meta.psp_syndrome': { value: 'entry' } },
    forward: next,
    miss: next,
    missCounter: true,
    monitor: COUNT,
    entries: [
      { label: 'icv-fail', match: { 'parser_meta.psp_syndrome': SYNDROME_ICV_FAIL } },
      { label: 'bad-trailer', match: { 'parser_meta.psp_syndrome': SYNDROME_BAD_TRAILER } },
    ],
  };
}

/** The pipe that counts the sources of one outer family. */
export function failedSourcePipe(family: IpFamily): string {
  return `FAILED_SOURCE_${familyNames(family).suffix}`;
}

/**
 * Whose packets were not let in: an entry for each underlay address of a peer. The packet still has its outer header, and
 * none goes to the CPU: what cannot be authenticated costs it the reading of a few counters. A packet that is not of a
 * pipe's family misses it, so the last pipe's misses are the packets of sources that are no peer's.
 */
function failedSources(options: PipelineOptions): BasicPipe[] {
  const families = outerFamilies(options);
  return families.map((family, i): BasicPipe => {
    const { ip, text } = familyNames(family);
    const next = families[i + 1];
    return {
      name: failedSourcePipe(family),
      description: `${text}: count it for the peer whose address it came from`,
      type: 'basic',
      domain: 'secure-ingress',
      sizeEntries: FAILED_SOURCES_MAX,
      match: { [`outer.${ip}.src_ip`]: { value: 'entry' } },
      forward: { to: 'drop' },
      miss: next === undefined ? { to: 'drop' } : { to: 'pipe', pipe: failedSourcePipe(next) },
      missCounter: true,
      monitor: COUNT,
    };
  });
}

function empty(options: PipelineOptions): ControlPipe {
  const entries: ControlEntry[] = [
    {
      label: 'return-to-vf',
      priority: 0,
      match: { 'meta.pkt_meta': { value: PKT_META_RETURN_TO_VF } },
      monitor: COUNT,
      forward: { to: 'port', port: VF_PORT },
    },
  ];
  if (holdsUnproved(options)) {
    entries.push({
      label: 'trial',
      priority: 1,
      match: { 'meta.pkt_meta': { value: PKT_META_TRIAL, mask: PKT_META_TRIAL_MASK } },
      monitor: COUNT,
      forward: { to: 'pipe', pipe: 'EGR_TRIAL' },
    });
  }
  if (options.mode === 'transport') {
    // Marked by the CPU; and even so nothing that is not of the kind.
    for (const [label, match] of segmentMatches(options)) {
      entries.push({
        label,
        priority: 1,
        match: { 'meta.pkt_meta': { value: PKT_META_SEGMENT_OUT }, ...match },
        monitor: COUNT,
        forward: { to: 'port', port: UPLINK_PORT },
      });
    }
  }
  for (const family of options.innerFamilies) {
    const { l3Type, text } = familyNames(family);
    const label = text.toLowerCase();
    const toAcl = (packetMeta: number) => ({
      priority: 2,
      match: {
        'meta.pkt_meta': { value: packetMeta },
        'parser_meta.outer_l3_type': { value: l3Type },
        'parser_meta.outer_l3_ok': { value: 1 },
      },
      monitor: COUNT,
      forward: { to: 'pipe', pipe: family === 6 ? 'EGR_VIP_IPV6' : 'EGR_ACL_IPV4' } as const,
    });
    entries.push({ label, ...toAcl(0) }, { label: `${label}-resubmitted`, ...toAcl(PKT_META_RESUBMITTED) });
  }
  return {
    name: 'EMPTY',
    description: 'where packets on their way out begin, those from the CPU too',
    type: 'control',
    domain: 'egress',
    isRoot: true,
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: { to: 'drop' },
    missCounter: true,
    entries,
  };
}

/** Whether packets for addresses that peers have not proved wait; in transport mode there are no such addresses. */
export function holdsUnproved(options: Pick<PipelineOptions, 'mode' | 'confirmUnderlay'>): boolean {
  return options.confirmUnderlay && options.mode === 'tunnel';
}

/** The way of the few packets that go to an address before it is proved; the CPU gives each of them its key slot's number. */
function egressTrial(options: PipelineOptions): BasicPipe {
  const sampling = options.sampleRateLog2 > 0;
  return {
    name: 'EGR_TRIAL',
    description: 'what may go to an address that is not proved',
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: tunnelLimits(options.maxTunnels).keySlots,
    match: { 'meta.pkt_meta': { value: 'entry' } },
    actions: [egressAction(options, options.innerFamilies[0]!)],
    forward: sampling ? { to: 'pipe', pipe: 'SET_SAMPLE_BIT' } : { to: 'port', port: UPLINK_PORT },
    miss: { to: 'drop' },
    missCounter: true,
    monitor: COUNT,
  };
}

function egressAction(options: PipelineOptions, family: IpFamily): ActionTemplate {
  const outer = (options.mode === 'tunnel' ? options.outerFamily : family) === 4 ? 'ipv4' : 'ipv6';
  return {
    encap: { netType: netTypeOf(options.mode, family), outer, cookie: options.cookies },
    ...(options.sampleRateLog2 > 0
      ? { set: { 'meta.pkt_meta': { value: 'entry' } } }
      : { encrypt: { cryptoId: 'entry' } }),
  };
}

function egressAcl(options: PipelineOptions, family: IpFamily): BasicPipe[] {
  const { ip, suffix, text } = familyNames(family);
  const sampling = options.sampleRateLog2 > 0;
  const acl: BasicPipe = {
    name: `EGR_ACL_${suffix}`,
    description: `${text}: addresses of a session, then encapsulate${sampling ? '' : ' and encrypt'}`,
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: options.maxTunnels,
    match: {
      [family === 4 ? 'outer.ip4.src_ip' : 'meta.u32.2']: { value: 'entry' },
      [`outer.${ip}.dst_ip`]: { value: 'entry' },
    },
    actions: [egressAction(options, family)],
    forward: sampling ? { to: 'pipe', pipe: 'SET_SAMPLE_BIT' } : { to: 'port', port: UPLINK_PORT },
    miss: { to: 'pipe', pipe: 'RSS_MISS' },
    missCounter: true,
    monitor: COUNT,
  };
  return family === 4
    ? [acl]
    : [localVipPipe('EGR_VIP_IPV6', options, { 'outer.ip6.src_ip': { value: 'entry' } }), acl];
}

/** Everything to RSS, with a mark when there is one. */
function rssPipe(name: string, domain: 'secure-ingress' | 'egress', packetMeta?: number): BasicPipe {
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

/**
 * EGR_SAMPL copies what leaves. Behind PSP_ENCRYPT the copy is what the wire gets, to the bit; before it, with
 * `sampleBeforeEncryption`, it is the packet in its envelope, readable, without IV and ICV.
 */
function setSampleBit(options: PipelineOptions): BasicPipe {
  const { maintainOrder, sampleBeforeEncryption, sampleRateLog2 } = options;
  const miss = sampleBeforeEncryption && maintainOrder ? 'EGR_SAMPL' : 'PSP_ENCRYPT';
  return {
    name: 'SET_SAMPLE_BIT',
    description: `one packet in 2^${sampleRateLog2}`,
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: 1,
    match: { 'parser_meta.random': { value: 1, mask: 2 ** sampleRateLog2 - 1 } },
    actions: [{ set: { 'tun.psp.s_d_ver_v': { value: FLAG_S, mask: FLAG_S } } }],
    forward: { to: 'pipe', pipe: sampleBeforeEncryption ? 'EGR_SAMPL' : 'PSP_ENCRYPT' },
    miss: { to: 'pipe', pipe: miss },
    missCounter: true,
    monitor: COUNT,
    entries: [{ label: 'sample' }],
  };
}

function egressSampling({ maintainOrder, sampleBeforeEncryption }: PipelineOptions): ControlPipe {
  const entry = (label: string, flags: number, mirror?: string): ControlEntry => ({
    label,
    priority: 0,
    match: { 'tun.psp.s_d_ver_v': { value: flags, mask: FLAG_S } },
    monitor: mirror === undefined ? COUNT : { mirror, ...COUNT },
    forward: sampleBeforeEncryption ? { to: 'pipe', pipe: 'PSP_ENCRYPT' } : { to: 'port', port: UPLINK_PORT },
  });
  const entries = [entry('sampled', FLAG_S, 'EGR_SAMPLED')];
  if (maintainOrder) entries.push(entry('not-sampled', 0, 'EGR_NOT_SAMPLED'));
  // Before encryption they do not come here.
  else if (!sampleBeforeEncryption) entries.push(entry('not-sampled', 0));
  return {
    name: 'EGR_SAMPL',
    description: 'S bit: copy to the CPU',
    type: 'control',
    domain: 'egress',
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: { to: 'drop' },
    missCounter: true,
    entries,
  };
}

function pspEncrypt(options: PipelineOptions): BasicPipe {
  return {
    name: 'PSP_ENCRYPT',
    description: "pkt_meta is the key slot's number",
    type: 'basic',
    domain: 'secure-egress',
    sizeEntries: tunnelLimits(options.maxTunnels).keySlots,
    match: { 'meta.pkt_meta': { value: 'entry' } },
    actions: [{ encrypt: { cryptoId: 'entry' } }],
    forward: options.sampleBeforeEncryption
      ? { to: 'port', port: UPLINK_PORT }
      : { to: 'pipe', pipe: 'EGR_SAMPL' },
    miss: { to: 'drop' },
    missCounter: true,
    monitor: COUNT,
  };
}
