/** The pipes of packets on the way in, from decryption to the workload or to the counters of what is not let in. */
import { L4_UDP, SYNDROME_BAD_TRAILER, SYNDROME_ICV_FAIL, SYNDROME_OK } from '../../hal/fields.js';
import { type BasicPipe, type ControlPipe, VF_PORT } from '../../hal/program.js';
import type { IpFamily } from '../../packet/address.js';
import { firstExtensionWord } from '../../psp/extension.js';
import { FLAG_V, PSP_UDP_PORT } from '../../psp/header.js';
import { tunnelLimits } from './limits.js';
import { CONTROL_PIPE_ENTRIES, COUNT, familyNames, localVipPipe, netTypeOf } from './pipe-parts.js';
import { outerFamilies, type PipelineOptions } from './pipeline-options.js';

/**
 * Underlay addresses of peers that the device tells apart among the packets that it does not let in. Enough for a mesh
 * of a thousand gateways that all move; beyond it an address counts as nobody's.
 */
export const FAILED_SOURCES_MAX = 4096;

export function pspDecrypt(options: PipelineOptions): BasicPipe {
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

/** Where packets go once they are decrypted, and sampled. */
export function firstAfterDecrypt(options: PipelineOptions): string {
  return options.extensionRequired === undefined ? afterExtension(options) : EXTENSION_PIPE;
}

function afterExtension({ mode }: PipelineOptions): string {
  return mode === 'tunnel' ? 'UNDERLAY_SEEN' : 'INNER_CLASSIFIER';
}

/** The pipe that looks for the words that peers must send. */
export const EXTENSION_PIPE = 'PSP_EXT';
/** Its entry of authenticated packets that lack them. */
export const WITHOUT_WORDS = 'without';

/**
 * Lets on what is not authenticated, which others count, and of authenticated packets those that carry the words that peers must send.
 * The others are dropped here: no failed source is to be seen in them, whose keys are right. Where there are no cookies, none is taken
 * for words.
 */
export function extensionCheck(options: PipelineOptions, words: readonly number[]): ControlPipe {
  const next = { to: 'pipe', pipe: afterExtension(options) } as const;
  const authenticated = { 'parser_meta.psp_syndrome': { value: SYNDROME_OK } } as const;
  const first = firstExtensionWord(options.cookies);
  const fields = words.map((value, i) => [`tun.psp.dw${first + i}`, { value }] as const);
  return {
    name: EXTENSION_PIPE,
    description: 'drop authenticated packets without the words that peers must send',
    type: 'control',
    domain: 'secure-ingress',
    sizeEntries: CONTROL_PIPE_ENTRIES,
    miss: next,
    missCounter: true,
    entries: [
      {
        label: 'words',
        priority: 0,
        match: {
          ...authenticated,
          'tun.psp.s_d_ver_v': { value: options.cookies ? FLAG_V : 0, mask: FLAG_V },
          ...Object.fromEntries(fields),
        },
        monitor: COUNT,
        forward: next,
      },
      { label: WITHOUT_WORDS, priority: 1, match: authenticated, monitor: COUNT, forward: { to: 'drop' } },
    ],
  };
}

/** An entry for each SPI of a peer whose underlay address is not proved: by it an authenticated packet from there is seen. */
export function underlaySeen(options: PipelineOptions): BasicPipe {
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
export function innerClassifier(options: PipelineOptions): BasicPipe {
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

export function ingressAcl(options: PipelineOptions, family: IpFamily): BasicPipe[] {
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

/** The miss counter holds what was authenticated and yet not allowed in. */
export function syndromeStats(options: PipelineOptions): BasicPipe {
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
export function failedSources(options: PipelineOptions): BasicPipe[] {
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
