/** The pipes of packets on the way out, from where they begin to the uplink. */
import {
  type ActionTemplate,
  type BasicPipe,
  type ControlEntry,
  type ControlPipe,
  UPLINK_PORT,
  VF_PORT,
} from '../../hal/program.js';
import type { IpFamily } from '../../packet/address.js';
import { tunnelLimits } from './limits.js';
import {
  PKT_META_RESUBMITTED,
  PKT_META_RETURN_TO_VF,
  PKT_META_SEGMENT_OUT,
  PKT_META_TRIAL,
  PKT_META_TRIAL_MASK,
} from './packet-meta.js';
import {
  CONTROL_PIPE_ENTRIES,
  COUNT,
  familyNames,
  localVipPipe,
  netTypeOf,
  segmentMatches,
} from './pipe-parts.js';
import { holdsUnproved, type PipelineOptions, sentExtension } from './pipeline-options.js';

export function empty(options: PipelineOptions): ControlPipe {
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

/** The way of the few packets that go to an address before it is proved; the CPU gives each of them its key slot's number. */
export function egressTrial(options: PipelineOptions): BasicPipe {
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

/** The envelope of packets of a family. */
function encapOf(
  options: Pick<PipelineOptions, 'mode' | 'outerFamily' | 'cookies' | 'extensionWords'>,
  family: IpFamily,
): NonNullable<ActionTemplate['encap']> {
  const { mode, outerFamily, cookies } = options;
  const { length: extensionOctets } = sentExtension(options);
  return {
    netType: netTypeOf(mode, family),
    outer: (mode === 'tunnel' ? outerFamily : family) === 4 ? 'ipv4' : 'ipv6',
    cookie: cookies,
    ...(extensionOctets === 0 ? {} : { extensionOctets }),
  };
}

function egressAction(options: PipelineOptions, family: IpFamily): ActionTemplate {
  return {
    encap: encapOf(options, family),
    ...(options.sampleRateLog2 > 0
      ? { set: { 'meta.pkt_meta': { value: 'entry' } } }
      : { encrypt: { cryptoId: 'entry' } }),
  };
}

export function egressAcl(options: PipelineOptions, family: IpFamily): BasicPipe[] {
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
