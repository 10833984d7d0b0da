/**
 * An ActionTemplate made executable. Order of a pipe's actions, as DOCA fixes it: decrypt, decap, set, encap,
 * encrypt. What entries give stands in the records of the pipe's slab.
 */
import { encapHeaderLengthOctets } from '../hal/check-entry.js';
import type { FieldValue, WritableFieldName } from '../hal/fields.js';
import { decapsulate } from '../hal/packet/decap.js';
import { encapsulate } from '../hal/packet/encap.js';
import {
  FIELD_WRITERS,
  type FieldWriter,
  fieldWords,
  fullMask,
  valueToWords,
  wordsToValue,
} from '../hal/packet/fields-access.js';
import type { PacketContext } from '../hal/packet/packet-context.js';
import type { ActionTemplate, ActionValues, FieldMatch } from '../hal/program.js';
import { ETHERNET_HEADER_OCTETS } from '../packet/ethernet.js';
import type { CryptoUnit } from './crypto-unit.js';
import { type RecordSlab, WORD_OCTETS } from './record-slab.js';

interface SetStep {
  readonly field: WritableFieldName;
  readonly write: FieldWriter;
  readonly mask: Uint32Array;
  /** null: the entry's, from word `at` of its values on. */
  readonly constant: Uint32Array | null;
  readonly at: number;
}

const NO_STEPS: readonly SetStep[] = [];

export class CompiledActions {
  /** Octets that an entry's values take in its record. */
  readonly valueOctets: number;

  private readonly decrypt: boolean;
  private readonly decap: ActionTemplate['decap'];
  private readonly ethernetHeader: Uint8Array | null;
  private readonly encap: ActionTemplate['encap'];
  private readonly encapHeaderOctets: number;
  /** Offsets of an entry's headers in its record, in octets; they follow the values that are words. */
  private readonly ethernetHeaderAt: number;
  private readonly encapHeaderAt: number;
  private readonly steps: readonly SetStep[];
  /** -1: no encrypt; 0: the entry's. */
  private readonly cryptoId: number;

  /** @param valuesAt the word of a record where an entry's values begin: crypto_id, those of `set`, headers */
  constructor(
    template: ActionTemplate,
    private readonly valuesAt: number,
  ) {
    this.decrypt = template.decrypt === true;
    this.decap = template.decap;
    const ethernetHeader = template.decap?.ethernetHeader;
    this.ethernetHeader = ethernetHeader instanceof Uint8Array ? new Uint8Array(ethernetHeader) : null;
    this.encap = template.encap;
    this.encapHeaderOctets = template.encap === undefined ? 0 : encapHeaderLengthOctets(template.encap);

    const cryptoId = template.encrypt?.cryptoId;
    this.cryptoId = cryptoId === undefined ? -1 : cryptoId === 'entry' ? 0 : cryptoId;
    let words = cryptoId === 'entry' ? 1 : 0;
    const steps: SetStep[] = [];
    const fields = Object.entries(template.set ?? {}) as [WritableFieldName, FieldMatch][];
    for (const [field, match] of fields) {
      const mask = new Uint32Array(fieldWords(field));
      fullMask(field, mask, 0);
      if (match.mask !== undefined) valueToWords(field, match.mask, mask, 0);
      const constant = match.value === 'entry' ? null : wordsOf(field, match.value);
      steps.push({ field, write: FIELD_WRITERS[field], mask, constant, at: words });
      if (constant === null) words += mask.length;
    }
    this.steps = steps.length === 0 ? NO_STEPS : steps;
    this.ethernetHeaderAt = (valuesAt + words) * WORD_OCTETS;
    this.encapHeaderAt = this.ethernetHeaderAt + (ethernetHeader === 'entry' ? ETHERNET_HEADER_OCTETS : 0);
    this.valueOctets = this.encapHeaderAt + this.encapHeaderOctets - valuesAt * WORD_OCTETS;
  }

  /** Puts an entry's checked values into the record of `slot`. */
  store(values: ActionValues | undefined, slab: RecordSlab, slot: number): void {
    const octets = slot * slab.recordOctets;
    const words = slot * slab.recordWords + this.valuesAt;
    if (this.encapHeaderAt > this.ethernetHeaderAt) {
      slab.octets.set(values!.ethernetHeader!, octets + this.ethernetHeaderAt);
    }
    if (this.encapHeaderOctets > 0) slab.octets.set(values!.encapHeader!, octets + this.encapHeaderAt);
    if (this.cryptoId === 0) slab.words[words] = values!.cryptoId!;
    for (const { field, constant, at } of this.steps) {
      if (constant === null) valueToWords(field, values!.set![field]!, slab.words, words + at);
    }
  }

  /** The values that stand in the record of `slot`; undefined where entries give none. */
  valuesIn(slab: RecordSlab, slot: number): ActionValues | undefined {
    const octets = slot * slab.recordOctets;
    const words = slot * slab.recordWords + this.valuesAt;
    const set = this.steps.flatMap(({ field, constant, at }) =>
      constant === null ? [[field, wordsToValue(field, slab.words, words + at)] as const] : [],
    );
    const header = (from: number, length: number) => slab.octets.slice(octets + from, octets + from + length);
    const ofEntry = this.encapHeaderAt > this.ethernetHeaderAt;
    const values: ActionValues = {
      ...(set.length === 0 ? {} : { set: Object.fromEntries(set) }),
      ...(ofEntry ? { ethernetHeader: header(this.ethernetHeaderAt, ETHERNET_HEADER_OCTETS) } : {}),
      ...(this.encapHeaderOctets === 0
        ? {}
        : { encapHeader: header(this.encapHeaderAt, this.encapHeaderOctets) }),
      ...(this.cryptoId === 0 ? { cryptoId: slab.words[words] } : {}),
    };
    return Object.keys(values).length === 0 ? undefined : values;
  }

  /** Does it all to the packet; false when the packet was lost in it, and counted. */
  run(packet: PacketContext, crypto: CryptoUnit, slab: RecordSlab, slot: number): boolean {
    if (this.decrypt) crypto.decrypt(packet);
    if (this.decap !== undefined) {
      const header = this.ethernetHeader ?? slab.octets;
      const at = this.ethernetHeader === null ? slot * slab.recordOctets + this.ethernetHeaderAt : 0;
      if (!decapsulate(packet, this.decap.netType, header, at)) {
        crypto.statistics.decapError++;
        return false;
      }
    }
    const steps = this.steps;
    for (let i = 0; i < steps.length; i++) {
      const { write, constant, mask, at } = steps[i];
      if (constant !== null) write(packet, constant, 0, mask);
      else write(packet, slab.words, slot * slab.recordWords + this.valuesAt + at, mask);
    }
    if (this.encap !== undefined) {
      const at = slot * slab.recordOctets + this.encapHeaderAt;
      if (!encapsulate(packet, this.encap, slab.octets, at, this.encapHeaderOctets)) {
        crypto.statistics.txError++;
        return false;
      }
    }
    if (this.cryptoId >= 0) {
      // The AEAD runs once: a packet that a mirror had encrypted cannot take a second key.
      if (packet.sealed) {
        crypto.statistics.txError++;
        return false;
      }
      packet.cryptoId =
        this.cryptoId > 0 ? this.cryptoId : slab.words[slot * slab.recordWords + this.valuesAt];
    }
    return true;
  }
}

function wordsOf(field: WritableFieldName, value: FieldValue): Uint32Array {
  const words = new Uint32Array(fieldWords(field));
  valueToWords(field, value, words, 0);
  return words;
}
