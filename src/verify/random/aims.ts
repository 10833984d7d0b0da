/**
 * What the fields of a packet are, so that entries can be drawn that it hits. The simulator reads them: where it reads one
 * wrongly an entry is aimed badly, and what becomes of the packet is compared all the same.
 */
import { FIELDS, type FieldName, type FieldValue } from '../../hal/fields.js';
import { fieldReader, wordsToValue } from '../../hal/packet/fields-access.js';
import { PacketContext } from '../../hal/packet/packet-context.js';

/** The fields that a packet has. */
export type Aim = ReadonlyMap<FieldName, FieldValue>;

export const NO_AIM: Aim = new Map();

const NAMES = Object.keys(FIELDS) as FieldName[];

/** Of a packet as it came in by a port. */
export function aimOf(frame: Uint8Array, port: number): Map<FieldName, FieldValue> {
  const packet = new PacketContext();
  packet.load(frame.slice(), port, 0);
  const words = new Uint32Array(4);
  const aim = new Map<FieldName, FieldValue>();
  for (const field of NAMES) {
    if (field === 'parser_meta.random') continue;
    if (fieldReader(field)(packet, words, 0)) aim.set(field, wordsToValue(field, words, 0));
  }
  return aim;
}

/** After `decrypt`; `inner`: the packet inside, as a frame; undefined where it is no tunnel. */
export function aimOfOpened(came: Aim, inner: Uint8Array | undefined): Map<FieldName, FieldValue> {
  const aim = new Map(came).set('parser_meta.psp_syndrome', 0);
  if (inner === undefined) return aim;
  for (const [field, value] of aimOf(inner, 0)) {
    const inside = field.replace(/^outer\./, 'inner.').replace('.outer_l', '.inner_l') as FieldName;
    if (inside.includes('inner') && inside in FIELDS) aim.set(inside, value);
  }
  return aim;
}
