/**
 * Matches, actions and forwards of a program in short text, for drawings. Fields keep DOCA's names, without the
 * structures that say nothing more (`parser_meta.psp_syndrome` is `psp_syndrome`).
 */
import {
  type FieldName,
  type FieldValue,
  L3_IPV4,
  L3_IPV6,
  L3_NONE,
  L4_ICMP,
  L4_NONE,
  L4_TCP,
  L4_UDP,
  SYNDROME_BAD_TRAILER,
  SYNDROME_ICV_FAIL,
  SYNDROME_OK,
} from './fields.js';
import {
  type ActionTemplate,
  type FieldMatch,
  type Forward,
  type MatchCondition,
  type MatchTemplate,
  UPLINK_PORT,
  VF_PORT,
} from './program.js';

const PORT_NAMES: Readonly<Record<number, string>> = { [UPLINK_PORT]: 'uplink', [VF_PORT]: 'VF' };
const L3_NAMES: Readonly<Record<number, string>> = {
  [L3_NONE]: 'none',
  [L3_IPV4]: 'IPv4',
  [L3_IPV6]: 'IPv6',
};
const L4_NAMES: Readonly<Record<number, string>> = {
  [L4_NONE]: 'none',
  [L4_TCP]: 'TCP',
  [L4_UDP]: 'UDP',
  [L4_ICMP]: 'ICMP',
};
const SYNDROME_NAMES: Readonly<Record<number, string>> = {
  [SYNDROME_OK]: 'ok',
  [SYNDROME_ICV_FAIL]: 'ICV fail',
  [SYNDROME_BAD_TRAILER]: 'bad trailer',
};

/** Values that have names. */
const VALUE_NAMES: Readonly<Partial<Record<FieldName, Readonly<Record<number, string>>>>> = {
  'parser_meta.port_id': PORT_NAMES,
  'parser_meta.outer_l3_type': L3_NAMES,
  'parser_meta.inner_l3_type': L3_NAMES,
  'parser_meta.outer_l4_type': L4_NAMES,
  'parser_meta.inner_l4_type': L4_NAMES,
  'parser_meta.psp_syndrome': SYNDROME_NAMES,
};

/** Fields whose values people know in hex. */
const HEX_FIELDS: ReadonlySet<FieldName> = new Set<FieldName>([
  'meta.pkt_meta',
  'outer.eth.type',
  'outer.ip4.flags_fragment_offset',
  'tun.psp.s_d_ver_v',
  'tun.psp.spi',
]);

const OPERATIONS: Readonly<Record<MatchCondition['operation'], string>> = {
  lt: '<',
  le: '≤',
  gt: '>',
  ge: '≥',
  ne: '≠',
};

export function describeField(field: FieldName): string {
  return field.replace(/^parser_meta\.|^meta\.(?=pkt_meta)/, '');
}

export function describeValue(field: FieldName, value: FieldValue): string {
  if (typeof value !== 'number') return hexOctets(value);
  return VALUE_NAMES[field]?.[value] ?? (HEX_FIELDS.has(field) ? hex(value) : String(value));
}

/** Octets as one hex number. */
export function hexOctets(octets: Uint8Array): string {
  return `0x${Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('')}`;
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** `field = value`, with its mask; `key field` where the entries give the value. */
export function describeFieldMatch(field: FieldName, { value, mask }: FieldMatch): string {
  const masked = mask === undefined ? '' : ` & ${typeof mask === 'number' ? hex(mask) : hexOctets(mask)}`;
  if (value === 'entry') return `key ${describeField(field)}${masked}`;
  const shown =
    masked !== '' && typeof value === 'number' && VALUE_NAMES[field] === undefined
      ? hex(value)
      : describeValue(field, value);
  return `${describeField(field)}${masked} = ${shown}`;
}

/** One text per field, in the template's order. */
export function describeMatch(match: MatchTemplate): string[] {
  return (Object.entries(match) as [FieldName, FieldMatch][]).map(([field, one]) =>
    describeFieldMatch(field, one),
  );
}

export function describeCondition({ field, operation, value }: MatchCondition): string {
  return `${describeField(field)} ${OPERATIONS[operation]} ${describeValue(field, value)}`;
}

/** One text per action, in the order in which the device does them. */
export function describeActions(actions: ActionTemplate): string[] {
  const texts: string[] = [];
  if (actions.decrypt !== undefined) texts.push('decrypt');
  if (actions.decap !== undefined) texts.push(`decap ${actions.decap.netType}`);
  for (const [field, one] of Object.entries(actions.set ?? {}) as [FieldName, FieldMatch][]) {
    texts.push(
      one.value === 'entry'
        ? `set ${describeField(field)} (per entry)`
        : `set ${describeFieldMatch(field, one)}`,
    );
  }
  if (actions.encap !== undefined) {
    const { netType, outer, cookie } = actions.encap;
    const over = netType === 'psp-tunnel' ? ` in ${outer === 'ipv4' ? 'IPv4' : 'IPv6'}` : '';
    texts.push(`encap ${netType}${over}${cookie ? ', cookie' : ''}`);
  }
  if (actions.encrypt !== undefined) {
    const { cryptoId } = actions.encrypt;
    texts.push(cryptoId === 'entry' ? 'encrypt, key slot per entry' : `encrypt, key slot ${cryptoId}`);
  }
  return texts;
}

export function describePort(port: number): string {
  return PORT_NAMES[port] ?? `port ${port}`;
}

export function describeForward(forward: Forward): string {
  switch (forward.to) {
    case 'pipe':
      return forward.pipe;
    case 'port':
      return describePort(forward.port);
    case 'rss':
      return 'RSS';
    case 'drop':
      return 'drop';
    case 'kernel':
      return 'kernel';
  }
}
