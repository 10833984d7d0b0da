/**
 * A small PSP pipeline, written for tests and benchmarks of devices: IPv4 and IPv6 inside, outer IPv6 or IPv4, tunnel or
 * transport mode. It knows nothing of the gateway's pipeline.
 */

import {
  L3_IPV4,
  L3_IPV6,
  SYNDROME_BAD_TRAILER,
  SYNDROME_ICV_FAIL,
  SYNDROME_OK,
} from '../../src/hal/fields.js';
import type {
  BasicEntry,
  BasicPipe,
  Domain,
  MatchTemplate,
  Pipe,
  PipeProgram,
} from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { NEXT_HEADER_IPV4, NEXT_HEADER_IPV6 } from '../../src/psp/header.js';

export interface PspProgramOptions {
  /** Tunnel when absent. */
  readonly mode?: 'tunnel' | 'transport';
  /** False: whatever is authentic is let in, whoever sent it. */
  readonly ingressAcl?: boolean;
  /** Before the ingress ACL stands a pipe INGR_DST_V4 or INGR_DST_V6 with an entry for each address that packets may go to. */
  readonly matchDestination?: boolean;
  readonly outer?: 'ipv4' | 'ipv6';
  readonly cookie?: boolean;
  readonly sizeEntries?: number;
  /** Sample all packets on the way out: S bit and a mirror to RSS after the encrypt pipe. */
  readonly sample?: boolean;
}

/** Ethernet header of decapsulated packets. */
export const DECAP_ETHERNET_IPV4 = Uint8Array.from([2, 0, 0, 0, 0, 0xd1, 2, 0, 0, 0, 0, 0xa0, 0x08, 0x00]);
export const DECAP_ETHERNET_IPV6 = Uint8Array.from([2, 0, 0, 0, 0, 0xd1, 2, 0, 0, 0, 0, 0xa0, 0x86, 0xdd]);

const DROP = { to: 'drop' } as const;
const to = (pipe: string) => ({ to: 'pipe', pipe }) as const;

const transportOf = (family: 4 | 6) => (family === 4 ? 'psp-over-ipv4' : 'psp-over-ipv6');

export function pspProgram(options: PspProgramOptions = {}): PipeProgram {
  const {
    mode = 'tunnel',
    outer = 'ipv4',
    cookie = false,
    sizeEntries = 1024,
    ingressAcl: acl = true,
    matchDestination = false,
  } = options;
  const tunnel = mode === 'tunnel';
  const innerFamilyField = tunnel ? 'tun.psp.nexthdr' : 'parser_meta.outer_l3_type';
  const everything = (
    name: string,
    domain: Domain,
    forward: BasicPipe['forward'],
    extra: object = {},
  ): BasicPipe => ({
    type: 'basic',
    name,
    domain,
    sizeEntries: 1,
    match: {},
    forward,
    miss: DROP,
    entries: [{ label: 'all' }],
    ...extra,
  });
  const ingressAcl = (family: 4 | 6): BasicPipe => ({
    type: 'basic',
    name: `INGR_ACL_V${family}`,
    domain: 'secure-ingress',
    sizeEntries,
    match: {
      'parser_meta.psp_syndrome': { value: SYNDROME_OK },
      ...(acl
        ? {
            'tun.psp.spi': { value: 'entry' },
            [`${tunnel ? 'inner' : 'outer'}.ip${family}.src_ip`]: { value: 'entry' },
          }
        : {}),
    } as MatchTemplate,
    actions: [
      {
        decap: tunnel
          ? {
              netType: 'psp-tunnel',
              ethernetHeader: family === 4 ? DECAP_ETHERNET_IPV4 : DECAP_ETHERNET_IPV6,
            }
          : { netType: transportOf(family) },
      },
    ],
    ...(acl ? {} : { entries: [{ label: 'authentic' }] }),
    forward: { to: 'port', port: VF_PORT },
    miss: to('SYNDROME_STATS'),
    missCounter: true,
    monitor: { counter: true },
  });
  const ingressDestination = (family: 4 | 6): BasicPipe => ({
    type: 'basic',
    name: `INGR_DST_V${family}`,
    domain: 'secure-ingress',
    sizeEntries,
    match: { [`${tunnel ? 'inner' : 'outer'}.ip${family}.dst_ip`]: { value: 'entry' } } as MatchTemplate,
    forward: to(`INGR_ACL_V${family}`),
    miss: to('SYNDROME_STATS'),
  });
  const firstIngress = (family: 4 | 6) => `${acl && matchDestination ? 'INGR_DST' : 'INGR_ACL'}_V${family}`;
  const egressAcl = (family: 4 | 6): BasicPipe => ({
    type: 'basic',
    name: `EGR_ACL_V${family}`,
    domain: 'secure-egress',
    sizeEntries,
    match: { [`outer.ip${family}.dst_ip`]: { value: 'entry' } } as MatchTemplate,
    actions: [
      {
        encap: tunnel
          ? { netType: 'psp-tunnel', outer, cookie }
          : {
              netType: transportOf(family),
              outer: family === 4 ? 'ipv4' : 'ipv6',
              cookie,
            },
        encrypt: { cryptoId: 'entry' },
      },
    ],
    forward: options.sample === true ? to('SET_SAMPLE') : { to: 'port', port: UPLINK_PORT },
    miss: to('TO_CPU'),
    missCounter: true,
    monitor: { counter: true },
  });
  return {
    name: 'psp-test',
    pipes: [
      {
        type: 'control',
        name: 'ROOT',
        domain: 'default',
        isRoot: true,
        sizeEntries: 16,
        miss: { to: 'kernel' },
        missCounter: true,
        entries: [
          {
            label: 'uplink-ipv6',
            priority: 1,
            match: {
              'parser_meta.port_id': { value: UPLINK_PORT },
              'parser_meta.outer_l3_type': { value: L3_IPV6 },
              'parser_meta.outer_l3_ok': { value: 1 },
            },
            forward: to('PSP_DECRYPT'),
            monitor: { counter: true },
          },
          {
            label: 'uplink-ipv4',
            priority: 1,
            match: {
              'parser_meta.port_id': { value: UPLINK_PORT },
              'parser_meta.outer_l3_type': { value: L3_IPV4 },
              'parser_meta.outer_l3_ok': { value: 1 },
              'parser_meta.outer_ip4_checksum_ok': { value: 1 },
            },
            forward: to('PSP_DECRYPT'),
            monitor: { counter: true },
          },
          {
            label: 'vf-arp',
            priority: 1,
            match: { 'parser_meta.port_id': { value: VF_PORT }, 'outer.eth.type': { value: 0x0806 } },
            forward: { to: 'rss' },
            monitor: { counter: true },
          },
          {
            label: 'vf-ip',
            priority: 2,
            match: { 'parser_meta.port_id': { value: VF_PORT }, 'parser_meta.outer_l3_ok': { value: 1 } },
            forward: to('EMPTY'),
            monitor: { counter: true },
          },
        ],
      },
      {
        type: 'basic',
        name: 'PSP_DECRYPT',
        domain: 'secure-ingress',
        sizeEntries: 1,
        match: { 'outer.udp.dst_port': { value: 1000 } },
        actions: [{ decrypt: true }],
        forward: to('INNER_CLASSIFIER'),
        miss: DROP,
        missCounter: true,
        monitor: { counter: true },
        entries: [{ label: 'psp' }],
      },
      {
        type: 'basic',
        name: 'INNER_CLASSIFIER',
        domain: 'secure-ingress',
        sizeEntries: 2,
        match: { [innerFamilyField]: { value: 'entry' } },
        forward: 'entry',
        miss: to('SYNDROME_STATS'),
        entries: [
          {
            label: 'ipv4',
            match: { [innerFamilyField]: tunnel ? NEXT_HEADER_IPV4 : L3_IPV4 },
            forward: to(firstIngress(4)),
          },
          {
            label: 'ipv6',
            match: { [innerFamilyField]: tunnel ? NEXT_HEADER_IPV6 : L3_IPV6 },
            forward: to(firstIngress(6)),
          },
        ],
      },
      ...(acl && matchDestination ? [ingressDestination(4), ingressDestination(6)] : []),
      ingressAcl(4),
      ingressAcl(6),
      {
        type: 'basic',
        name: 'SYNDROME_STATS',
        domain: 'secure-ingress',
        sizeEntries: 2,
        match: { 'parser_meta.psp_syndrome': { value: 'entry' } },
        forward: DROP,
        miss: DROP,
        missCounter: true,
        monitor: { counter: true },
        entries: [
          { label: 'icv-fail', match: { 'parser_meta.psp_syndrome': SYNDROME_ICV_FAIL } },
          { label: 'bad-trailer', match: { 'parser_meta.psp_syndrome': SYNDROME_BAD_TRAILER } },
        ],
      },
      {
        type: 'basic',
        name: 'EMPTY',
        domain: 'egress',
        isRoot: true,
        sizeEntries: 2,
        match: { 'outer.eth.type': { value: 'entry' }, 'meta.pkt_meta': { value: 0 } },
        forward: 'entry',
        miss: to('TO_VF'),
        entries: [
          { label: 'ipv4', match: { 'outer.eth.type': 0x0800 }, forward: to('EGR_ACL_V4') },
          { label: 'ipv6', match: { 'outer.eth.type': 0x86dd }, forward: to('EGR_ACL_V6') },
        ],
      },
      {
        type: 'basic',
        name: 'TO_VF',
        domain: 'egress',
        sizeEntries: 1,
        match: { 'meta.pkt_meta': { value: 0x78787878 } },
        forward: { to: 'port', port: VF_PORT },
        miss: DROP,
        entries: [{ label: 'return-to-vf' }],
      },
      egressAcl(4),
      egressAcl(6),
      everything('TO_CPU', 'egress', { to: 'rss' }),
      ...(options.sample === true
        ? [
            everything('SET_SAMPLE', 'secure-egress', to('EGR_SAMPL'), {
              actions: [
                {
                  set: {
                    'tun.psp.s_d_ver_v': { value: 0x80, mask: 0x80 },
                    'meta.pkt_meta': { value: 0x43434343 },
                  },
                },
              ],
            }),
            everything(
              'EGR_SAMPL',
              'secure-egress',
              { to: 'port', port: UPLINK_PORT },
              {
                monitor: { counter: true, mirror: 'egress-sample' },
              },
            ),
          ]
        : []),
    ],
    ...(options.sample === true
      ? { mirrors: [{ name: 'egress-sample', targets: [{ to: 'rss' } as const] }] }
      : {}),
  };
}

/** The same with a counter wherever there can be one. */
export function counted(program: PipeProgram): PipeProgram {
  const pipes = program.pipes.map((pipe): Pipe => {
    if (pipe.type === 'basic') {
      return { ...pipe, missCounter: true, monitor: { ...pipe.monitor, counter: true } };
    }
    const entries = pipe.entries?.map((entry) => ({
      ...entry,
      monitor: { ...entry.monitor, counter: true },
    }));
    return { ...pipe, missCounter: true, ...(entries === undefined ? {} : { entries }) };
  });
  return { ...program, pipes };
}

export interface TunnelHeader {
  readonly outer: 'ipv4' | 'ipv6';
  readonly innerFamily: 4 | 6;
  readonly version: number;
  readonly spi: number;
  readonly cryptOffsetWords?: number;
  /** 8 octets. */
  readonly cookie?: Uint8Array;
}

/** An entry's encapHeader of tunnel mode: what the caller writes; the device computes the rest. */
export function tunnelHeader(tunnel: TunnelHeader): Uint8Array {
  const ethernet = [
    2,
    0,
    0,
    0,
    0,
    0xee,
    2,
    0,
    0,
    0,
    0,
    0xa0,
    ...(tunnel.outer === 'ipv4' ? [8, 0] : [0x86, 0xdd]),
  ];
  const ip =
    tunnel.outer === 'ipv4'
      ? [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
      : [0x60, 0, 0, 0, 0, 0, 17, 50, ...new Array(15).fill(0), 1, ...new Array(15).fill(0), 2];
  const udp = [0, 0, 0x03, 0xe8, 0, 0, 0, 0];
  const cookie = tunnel.cookie === undefined ? [] : [...tunnel.cookie];
  const psp = [
    tunnel.innerFamily === 4 ? 4 : 41,
    cookie.length === 0 ? 1 : 2,
    tunnel.cryptOffsetWords ?? 0,
    (tunnel.version << 2) | (cookie.length === 0 ? 0 : 2) | 1,
    tunnel.spi >>> 24,
    (tunnel.spi >>> 16) & 0xff,
    (tunnel.spi >>> 8) & 0xff,
    tunnel.spi & 0xff,
    ...new Array(8).fill(0),
    ...cookie,
  ];
  return Uint8Array.from([...ethernet, ...ip, ...udp, ...psp]);
}

/** The two entries of one session: packets to `remote` leave under `header` and slot, those from it come in under `spi`. */
export function egressEntry(
  family: 4 | 6,
  remote: number | Uint8Array,
  encapHeader: Uint8Array,
  cryptoId: number,
): BasicEntry {
  return { match: { [`outer.ip${family}.dst_ip`]: remote }, values: { encapHeader, cryptoId } };
}

export function ingressEntry(
  family: 4 | 6,
  spi: number,
  remote: number | Uint8Array,
  side: 'inner' | 'outer' = 'inner',
): BasicEntry {
  return { match: { 'tun.psp.spi': spi, [`${side}.ip${family}.src_ip`]: remote } };
}
