/** The entries of sessions in the gateway's pipeline; nobody else needs to know the pipes' fields. */
import type { EntryOperation } from '../../hal/hal.js';
import type { BasicEntry } from '../../hal/program.js';
import {
  type IpAddress,
  type IpFamily,
  type Ipv4Address,
  ipFamily,
  ipToOctets,
  ipv4ToNumber,
} from '../../packet/address.js';
import { IP_HEADER_OCTETS } from '../../packet/ip.js';
import { CRYPT_OFFSET_UNIT_OCTETS, PSP_COOKIE_OCTETS } from '../../psp/header.js';
import { decapHeader, failedSourcePipe } from './ingress-pipes.js';
import { trialMark } from './packet-meta.js';
import { familyNames } from './pipe-parts.js';
import { type PipelineOptions, sentExtension } from './pipeline-options.js';

type Add = Extract<EntryOperation, { operation: 'add' }>;

const add = (pipe: string, entry: BasicEntry): Add => ({ operation: 'add', pipe, entry });

function address(ip: IpAddress): number | Uint8Array {
  return ipFamily(ip) === 4 ? ipv4ToNumber(ip as Ipv4Address) : ipToOctets(ip);
}

/** The packets that a session's ingress entry lets in. */
export interface IngressSession {
  readonly spi: number;
  readonly remoteVip: IpAddress;
  readonly localVip: IpAddress;
  /** The id of localVip (IPv6 only). */
  readonly localVipId: number;
  /** The cookie that the peer must send; used when the pipeline has cookies. */
  readonly cookie: bigint;
  /** Destination and source MAC of decapsulated packets, 12 octets; used in tunnel mode. */
  readonly decapMacs: Uint8Array;
}

function cookieOctets(cookie: bigint): Uint8Array {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, cookie);
  return octets;
}

/** Accepts a session's packets under one SPI. Not for pipelines with the ingress ACL off, which accept all. */
export function ingressAclEntry(options: PipelineOptions, session: IngressSession): Add {
  const family = ipFamily(session.localVip);
  const { ip, suffix } = familyNames(family);
  const side = options.mode === 'tunnel' ? 'inner' : 'outer';
  return add(`INGR_ACL_${suffix}`, {
    match: {
      'tun.psp.spi': session.spi,
      ...(options.cookies ? { 'tun.psp.vc': cookieOctets(session.cookie) } : {}),
      [`${side}.${ip}.src_ip`]: address(session.remoteVip),
      ...(family === 4
        ? { [`${side}.ip4.dst_ip`]: address(session.localVip) }
        : { 'meta.u32.2': session.localVipId }),
    },
    ...(options.mode === 'tunnel'
      ? { values: { ethernetHeader: decapHeader(session.decapMacs, family) } }
      : {}),
  });
}

/** The entries that give a local IPv6 address its id, one for each direction; none for IPv4 addresses. */
export function localVipEntries(options: PipelineOptions, localVip: IpAddress, id: number): Add[] {
  if (ipFamily(localVip) === 4) return [];
  const octets = ipToOctets(localVip);
  const values = { set: { 'meta.u32.2': id } };
  const egress = add('EGR_VIP_IPV6', { match: { 'outer.ip6.src_ip': octets }, values });
  if (!options.ingressAcl) return [egress];
  const field = options.mode === 'tunnel' ? 'inner.ip6.dst_ip' : 'outer.ip6.dst_ip';
  return [egress, add('INGR_VIP_IPV6', { match: { [field]: octets }, values })];
}

/** The egress route of a session's packets. */
export interface EgressSession {
  readonly localVip: IpAddress;
  readonly localVipId: number;
  readonly remoteVip: IpAddress;
  /** See ActionTemplate.encap. */
  readonly encapHeader: Uint8Array;
  readonly cryptoId: number;
}

/** Encapsulates a session's packets, and encrypts them or, with sampling, marks them for PSP_ENCRYPT. */
export function egressAclEntry(options: PipelineOptions, session: EgressSession): Add {
  const family = ipFamily(session.localVip);
  return add(`EGR_ACL_${familyNames(family).suffix}`, {
    match:
      family === 4
        ? { 'outer.ip4.src_ip': address(session.localVip), 'outer.ip4.dst_ip': address(session.remoteVip) }
        : { 'meta.u32.2': session.localVipId, 'outer.ip6.dst_ip': address(session.remoteVip) },
    values: egressValues(options, session.encapHeader, session.cryptoId),
  });
}

/** Encapsulates the CPU's own packets of a session whose peer has not proved its underlay address. */
export function egressTrialEntry(options: PipelineOptions, encapHeader: Uint8Array, cryptoId: number): Add {
  return add('EGR_TRIAL', {
    match: { 'meta.pkt_meta': trialMark(cryptoId) },
    values: egressValues(options, encapHeader, cryptoId),
  });
}

/** Counts packets that authenticate under an SPI and come from an address. */
export function underlaySeenEntry(options: PipelineOptions, spi: number, underlayIp: IpAddress): Add {
  const { ip } = familyNames(options.outerFamily);
  return add('UNDERLAY_SEEN', {
    match: { 'tun.psp.spi': spi, [`outer.${ip}.src_ip`]: address(underlayIp) },
  });
}

/** The action values of an egress entry, for updates in place. */
export function egressValues(
  options: Pick<PipelineOptions, 'sampleRateLog2'>,
  encapHeader: Uint8Array,
  cryptoId: number,
): NonNullable<BasicEntry['values']> {
  return options.sampleRateLog2 > 0
    ? { encapHeader, set: { 'meta.pkt_meta': cryptoId } }
    : { encapHeader, cryptoId };
}

/** Encrypts what egressAclEntry marked; undefined when the pipeline does without. One per key slot. */
export function pspEncryptEntry(
  options: Pick<PipelineOptions, 'sampleRateLog2'>,
  cryptoId: number,
): Add | undefined {
  if (options.sampleRateLog2 === 0) return undefined;
  return add('PSP_ENCRYPT', { match: { 'meta.pkt_meta': cryptoId }, values: { cryptoId } });
}

/** Counts packets from an address that were not let in. */
export function failedSourceEntry(underlayIp: IpAddress): Add {
  const family = ipFamily(underlayIp);
  return add(failedSourcePipe(family), {
    match: { [`outer.${familyNames(family).ip}.src_ip`]: address(underlayIp) },
  });
}

/**
 * The crypt offset where none is given. In tunnel mode that of DOCA's application, up to the end of the inner IP header, behind extension
 * fields as behind a cookie. In transport mode 0, unless there are extension fields, which are to be readable on the way.
 */
export function defaultCryptOffsetWords(
  options: Pick<PipelineOptions, 'mode' | 'cookies' | 'extensionWords'>,
  innerFamily: IpFamily,
): number {
  const extensionOctets = sentExtension(options).length;
  const isTunnel = options.mode === 'tunnel';
  if (!isTunnel && extensionOctets === 0) return 0;
  const cookieOctets = options.cookies ? PSP_COOKIE_OCTETS : 0;
  const innerOctets = isTunnel ? IP_HEADER_OCTETS[innerFamily] : 0;
  return (cookieOctets + extensionOctets + innerOctets) / CRYPT_OFFSET_UNIT_OCTETS;
}
