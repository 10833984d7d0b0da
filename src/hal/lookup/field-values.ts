/** Values of fields: read from a packet, put under masks and compared. */
import { FIELDS, type FieldName, type FieldValue } from '../fields.js';
import { fieldReader, fieldWords, wordsToValue } from '../packet/fields-access.js';
import type { PacketContext } from '../packet/packet-context.js';
import type { MatchCondition } from '../program.js';

/** undefined: the packet lacks the field. */
export function readField(packet: PacketContext, field: FieldName): FieldValue | undefined {
  const words = new Uint32Array(fieldWords(field));
  return fieldReader(field)(packet, words, 0) ? wordsToValue(field, words, 0) : undefined;
}

export function masked(value: FieldValue, mask: FieldValue | undefined): FieldValue {
  if (mask === undefined) return value;
  if (typeof value === 'number') return (value & (mask as number)) >>> 0;
  return value.map((octet, i) => octet & (mask as Uint8Array)[i]!);
}

export function equal(one: FieldValue, other: FieldValue): boolean {
  if (typeof one === 'number' || typeof other === 'number') return one === other;
  return one.every((octet, i) => octet === other[i]);
}

export function holds(value: number, operation: MatchCondition['operation'], wanted: number): boolean {
  switch (operation) {
    case 'lt':
      return value < wanted;
    case 'le':
      return value <= wanted;
    case 'gt':
      return value > wanted;
    case 'ge':
      return value >= wanted;
    case 'ne':
      return value !== wanted;
  }
}

/** A mask of all bits of a field of up to 32. */
export function allBits(field: FieldName): number {
  return 2 ** FIELDS[field].widthBits - 1;
}
