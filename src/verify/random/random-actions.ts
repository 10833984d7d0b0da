/** Random actions, and what entries give for them. */

import type { Choose } from '../../base/choose.js';
import { encapHeaderLengthOctets } from '../../hal/check-entry.js';
import { FIELDS, type FieldValue, type WritableFieldName } from '../../hal/fields.js';
import type { ActionTemplate, ActionValues, Domain, FieldMatch } from '../../hal/program.js';
import { FIELD_NAMES, likelyValue, masked, randomMask } from './random-fields.js';
import { IPV4_POOL, IPV6_POOL, ipv4Octets, MAC_POOL, SPI_POOL } from './random-packets.js';

export const KEY_SLOTS = 8;
const WRITABLE = [...new Set(FIELD_NAMES)].filter((name) => FIELDS[name].writable) as WritableFieldName[];

export function randomActions(choose: Choose, domain: Domain, allowEntry: boolean): ActionTemplate {
  const action: { -readonly [Key in keyof ActionTemplate]: ActionTemplate[Key] } = {};
  const egress = domain.includes('egress');
  if (domain === 'secure-ingress' && choose.once(2)) action.decrypt = true;
  if (!egress && choose.once(3)) {
    const netType = choose.pick(['psp-tunnel', 'psp-tunnel', 'psp-over-ipv4', 'psp-over-ipv6'] as const);
    const header = allowEntry && choose.once(2) ? 'entry' : ethernetHeader(choose);
    action.decap = netType === 'psp-tunnel' ? { netType, ethernetHeader: header } : { netType };
  }
  if (choose.once(3)) {
    const set: Record<string, FieldMatch> = {};
    for (let i = choose.between(1, 2); i > 0; i--) {
      const field = choose.pick(WRITABLE);
      const mask = randomMask(choose, field);
      const value = allowEntry && choose.once(2) ? 'entry' : masked(likelyValue(choose, field), mask);
      set[field] = mask === undefined ? { value } : { value, mask };
    }
    action.set = set as NonNullable<ActionTemplate['set']>;
  }
  if (egress && choose.once(2)) {
    const netType = choose.pick(['psp-tunnel', 'psp-tunnel', 'psp-over-ipv4', 'psp-over-ipv6'] as const);
    const outer =
      netType === 'psp-tunnel'
        ? choose.pick(['ipv4', 'ipv6'] as const)
        : netType === 'psp-over-ipv4'
          ? 'ipv4'
          : 'ipv6';
    action.encap = { netType, outer, cookie: choose.once(3), ...randomExtension(choose) };
  }
  if (domain === 'secure-egress' && choose.once(2)) {
    action.encrypt = { cryptoId: allowEntry && !choose.once(3) ? 'entry' : choose.between(1, KEY_SLOTS) };
  }
  return action;
}

/** Extension fields in a third of the envelopes. */
export function randomExtension(choose: Choose): { readonly extensionOctets?: number } {
  return choose.once(3) ? { extensionOctets: choose.pick([0, 8, 16, 24]) } : {};
}

/** Its type says IPv4, or nothing that there is, where it is not given. */
export function ethernetHeader(choose: Choose, type = 0x0800 | choose.below(2)): Uint8Array {
  return Uint8Array.from([...choose.pick(MAC_POOL), ...choose.pick(MAC_POOL), type >>> 8, type & 0xff]);
}

/** A value for every place that a template leaves to entries. */
export function randomValues(choose: Choose, template: ActionTemplate): ActionValues | undefined {
  const values: { -readonly [Key in keyof ActionValues]: ActionValues[Key] } = {};
  const set: Record<string, FieldValue> = {};
  for (const [field, { value, mask }] of Object.entries(template.set ?? {}) as [
    WritableFieldName,
    FieldMatch,
  ][]) {
    if (value === 'entry') set[field] = masked(likelyValue(choose, field), mask);
  }
  if (Object.keys(set).length > 0) values.set = set as NonNullable<ActionValues['set']>;
  if (template.decap?.ethernetHeader === 'entry') values.ethernetHeader = ethernetHeader(choose);
  if (template.encap !== undefined) values.encapHeader = encapHeader(choose, template.encap);
  if (template.encrypt?.cryptoId === 'entry') values.cryptoId = choose.between(1, KEY_SLOTS);
  return Object.keys(values).length > 0 ? values : undefined;
}

/** What a header says that may be wrong. */
export interface HeaderDetails {
  readonly version: number;
  readonly cookie: boolean;
  readonly cryptOffsetWords: number;
}

/** Of a version that need not fit the key, nor exist, where nothing is given, and with whatever else may be wrong. */
export function encapHeader(
  choose: Choose,
  encap: NonNullable<ActionTemplate['encap']>,
  details: HeaderDetails = {
    version: choose.once(15) ? choose.below(16) : choose.below(4),
    cookie: encap.cookie !== choose.once(12),
    cryptOffsetWords: choose.pick([0, 0, 1, 4, 9, 63]),
  },
): Uint8Array {
  const { version, cookie, cryptOffsetWords } = details;
  const header = new Uint8Array(encapHeaderLengthOctets(encap));
  let at = 0;
  if (encap.netType === 'psp-tunnel') {
    header.set([...choose.pick(MAC_POOL), ...choose.pick(MAC_POOL)]);
    if (encap.outer === 'ipv4') {
      header.set([8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0], 12);
      header.set([...ipv4Octets(choose.pick(IPV4_POOL)), ...ipv4Octets(choose.pick(IPV4_POOL))], 26);
      at = 34;
    } else {
      header.set([0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 17, 50], 12);
      header.set([...choose.pick(IPV6_POOL), ...choose.pick(IPV6_POOL)], 22);
      at = 54;
    }
  }
  header.set([0, 0, 1000 >> 8, 1000 & 255], at);
  header[at + 8] = choose.pick([4, 41]);
  const extensionOctets = encap.extensionOctets ?? 0;
  header[at + 9] = (encap.cookie ? 2 : 1) + extensionOctets / 8;
  header[at + 10] = cryptOffsetWords;
  header[at + 11] = (version << 2) | (cookie ? 2 : 0) | 1;
  new DataView(header.buffer).setUint32(at + 12, choose.pick(SPI_POOL));
  if (encap.cookie) header.set(choose.octets(8), at + 24);
  header.set(choose.octets(extensionOctets), header.length - extensionOctets);
  return header;
}
