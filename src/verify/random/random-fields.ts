/** Fields, values and masks for random programs: often those of a packet that will come, so that it hits. */

import type { Choose } from '../../base/choose.js';
import { FIELDS, type FieldName, type FieldValue } from '../../hal/fields.js';
import type { FieldMatch, MatchTemplate } from '../../hal/program.js';
import { type Aim, NO_AIM } from './aims.js';
import { IPV4_POOL, IPV6_POOL, MAC_POOL, PORT_POOL, SPI_POOL } from './random-packets.js';

/** All fields; some more often, since what they say is hard to get right. */
export const FIELD_NAMES: readonly FieldName[] = [
  ...(Object.keys(FIELDS) as FieldName[]),
  ...Array.from(
    { length: 3 },
    () => ['parser_meta.outer_l4_type', 'tun.psp.vc', 'parser_meta.psp_syndrome'] as const,
  ).flat(),
];
/** What a packet's copy knows that its frame does not say. */
export const COPIED_FIELDS = FIELD_NAMES.filter((name) => /^meta\.|psp_syndrome$/.test(name));
/** Fields without a name in DOCA's conditions. */
export const NO_CONDITION = /^meta\.u32|_mac$|port_id|ip6\.(src|dst)_ip|\.vc$/;

/** What to look at: half of the time, of fields that the packet has. */
export function fieldsFor(choose: Choose, aim: Aim): readonly FieldName[] {
  return aim.size > 0 && choose.once(2) ? [...aim.keys()] : FIELD_NAMES;
}

/** A value that packets are likely to have: most often that of `aim`, where it has one. */
export function likelyValue(choose: Choose, field: FieldName, aim: Aim = NO_AIM): FieldValue {
  const aimed = aim.get(field);
  if (aimed !== undefined && !choose.once(8)) return aimed;
  const small: Partial<Record<FieldName, readonly FieldValue[]>> = {
    'parser_meta.port_id': [0, 0, 1, 1, 2],
    'parser_meta.outer_l3_type': [0, 1, 2],
    'parser_meta.outer_l4_type': [0, 1, 2, 3],
    'parser_meta.inner_l3_type': [0, 1, 2],
    'parser_meta.inner_l4_type': [0, 1, 2, 3],
    'parser_meta.psp_syndrome': [0, 0, 1, 2],
    'outer.eth.type': [0x0800, 0x86dd, 0x0806],
    'outer.ip4.next_proto': [1, 6, 17],
    'outer.ip6.next_proto': [58, 6, 17, 44],
    'outer.ip4.flags_fragment_offset': [0, 0x4000],
    'tun.psp.nexthdr': [4, 41, 17, 6],
    'tun.psp.hdrextlen': [1, 2, 3],
    'tun.psp.res_cryptofst': [0, 1, 4],
    'tun.psp.s_d_ver_v': [0x01, 0x05, 0x07, 0x03, 0x81],
    'tun.psp.spi': SPI_POOL,
    'tun.psp.vc': [0, 1, 2].map((last) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, last])),
    'outer.udp.src_port': PORT_POOL,
    'outer.udp.dst_port': PORT_POOL,
  };
  const given = small[field];
  if (given !== undefined) return choose.pick(given);
  if (field.endsWith('_mac')) return choose.pick(MAC_POOL);
  if (/ip4\.(src|dst)_ip$/.test(field)) return choose.pick(IPV4_POOL);
  if (/ip6\.(src|dst)_ip$/.test(field)) return choose.pick(IPV6_POOL);
  if (field.startsWith('meta.')) return choose.below(3);
  const { widthBits } = FIELDS[field];
  return choose.below(2 ** Math.min(widthBits, 16));
}

export function masked(value: FieldValue, mask: FieldValue | undefined): FieldValue {
  if (mask === undefined) return value;
  if (typeof value === 'number') return (value & (mask as number)) >>> 0;
  return value.map((octet, i) => octet & (mask as Uint8Array)[i]!);
}

/** Most often all bits count. */
export function randomMask(choose: Choose, field: FieldName): FieldValue | undefined {
  return choose.once(5) ? someBits(choose, field) : undefined;
}

/** undefined where all bits must count. */
export function someBits(choose: Choose, field: FieldName): FieldValue | undefined {
  if (field === 'parser_meta.port_id') return undefined;
  const { widthBits } = FIELDS[field];
  if (widthBits > 32) {
    const mask = choose.octets(widthBits / 8);
    mask[0]! |= 1;
    return mask;
  }
  return (((choose.uint32() & (2 ** widthBits - 1)) | 1) >>> 0) as number;
}

/** Up to `count` of the fields, such that a packet can have them together. */
export function randomMatch(
  choose: Choose,
  count: number,
  allowEntry: boolean,
  fields: readonly FieldName[] = FIELD_NAMES,
  aim: Aim = NO_AIM,
): MatchTemplate {
  const match: Record<string, FieldMatch> = {};
  for (let i = 0; i < count; i++) {
    const field = choose.pick(fields);
    if (!compatible(field, match as MatchTemplate)) continue;
    const mask = randomMask(choose, field);
    const value = allowEntry && choose.once(2) ? 'entry' : masked(likelyValue(choose, field, aim), mask);
    match[field] = mask === undefined ? { value } : { value, mask };
  }
  return match as MatchTemplate;
}

/** Whether a field and those of a match can be of one packet. */
export function compatible(field: FieldName, match: MatchTemplate): boolean {
  const has = (prefix: string) => Object.keys(match).some((name) => name.startsWith(prefix));
  for (const [one, other] of [
    ['outer.udp', 'outer.icmp'],
    ['outer.ip4', 'outer.ip6'],
    ['inner.ip4', 'inner.ip6'],
  ] as const) {
    if (field.startsWith(one) && has(other)) return false;
    if (field.startsWith(other) && has(one)) return false;
  }
  return true;
}
