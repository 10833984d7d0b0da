/** What an entry's actions do to a packet. */
import { encapHeaderLengthOctets } from '../check-entry.js';
import type { FieldValue, WritableFieldName } from '../fields.js';
import { decapsulate } from '../packet/decap.js';
import { encapsulate } from '../packet/encap.js';
import { FIELD_WRITERS, fieldWords, fullMask, valueToWords } from '../packet/fields-access.js';
import type { ActionTemplate, ActionValues, FieldMatch } from '../program.js';
import { readField } from './field-values.js';
import type { LookupDropReason, LookupEffect } from './lookup.js';
import type { PacketState } from './packet-state.js';

/** Does everything to the packet, and adds what was done to `effects`. Why the packet is dropped; undefined: it is not. */
export function applyActions(
  { decrypt, decap, set, encap, encrypt }: ActionTemplate,
  values: ActionValues,
  syndrome: number,
  packet: PacketState,
  effects: LookupEffect[],
): LookupDropReason | undefined {
  const { context } = packet;
  if (decrypt) {
    packet.decrypt(syndrome);
    const { spi } = packet;
    effects.push({ effect: 'decrypt', syndrome, ...(spi === undefined ? {} : { spi }) });
  }
  if (decap !== undefined) {
    const { netType } = decap;
    const header = decap.ethernetHeader === 'entry' ? values.ethernetHeader! : decap.ethernetHeader;
    if (!decapsulate(context, netType, header ?? new Uint8Array(0), 0)) return 'not-decapsulated';
    packet.rebuilt();
    effects.push({ effect: 'decap', netType, ...(header === undefined ? {} : { ethernetHeader: header }) });
  }
  for (const [field, match] of Object.entries(set ?? {}) as [WritableFieldName, FieldMatch][]) {
    const value = match.value === 'entry' ? values.set![field]! : match.value;
    effects.push(written(packet, field, value, match.mask));
  }
  if (encap !== undefined) {
    const header = values.encapHeader!;
    if (!encapsulate(context, encap, header, 0, encapHeaderLengthOctets(encap))) return 'not-encapsulated';
    packet.rebuilt();
    const { netType, outer } = encap;
    effects.push({ effect: 'encap', netType, outer, header, spi: packet.spi! });
  }
  if (encrypt !== undefined) {
    if (context.sealed) return 'second-key';
    context.cryptoId = encrypt.cryptoId === 'entry' ? values.cryptoId! : encrypt.cryptoId;
    effects.push({ effect: 'encrypt', cryptoId: context.cryptoId });
  }
  return undefined;
}

function written(
  { context }: PacketState,
  field: WritableFieldName,
  value: FieldValue,
  mask: FieldValue | undefined,
): LookupEffect {
  const before = readField(context, field);
  const bits = new Uint32Array(fieldWords(field));
  const words = new Uint32Array(bits.length);
  fullMask(field, bits, 0);
  if (mask !== undefined) valueToWords(field, mask, bits, 0);
  valueToWords(field, value, words, 0);
  FIELD_WRITERS[field](context, words, 0, bits);
  const after = readField(context, field);
  return {
    ...{ effect: 'set', field, value },
    ...(mask === undefined ? {} : { mask }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}
