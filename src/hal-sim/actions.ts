/**
 * An ActionTemplate made executable. Order of a pipe's actions, as DOCA fixes it: decrypt, decap, set, encap,
 * encrypt. What entries give stands in the pipe's ValueStore, at the places that are decided here.
 */
import type { FieldValue, WritableFieldName } from '../hal/fields.js';
import type { ActionTemplate, ActionValues, FieldMatch } from '../hal/program.js';
import { encapHeaderLengthOctets } from '../hal/validate.js';
import { ETHERNET_HEADER_OCTETS } from '../packet/ethernet.js';
import type { CryptoUnit } from './crypto-unit.js';
import { decapsulate } from './decap.js';
import { encapsulate } from './encap.js';
import { FIELD_WRITERS, type FieldWriter, fieldWords, fullMask, valueToWords } from './fields-access.js';
import type { PacketContext } from './packet-context.js';
import type { ValueStore } from './value-store.js';

interface SetStep {
  readonly field: WritableFieldName;
  readonly write: FieldWriter;
  readonly mask: Uint32Array;
  /** null: the entry's, in the store from word `at` of its record on. */
  readonly constant: Uint32Array | null;
  readonly at: number;
}

/** crypto_id is the first word of an entry's record. */
const CRYPTO_ID_WORD = 0;
const NO_STEPS: readonly SetStep[] = [];

export class CompiledActions {
  /** What an entry's record must hold. */
  readonly octetsPerSlot: number;
  readonly wordsPerSlot: number;

  private readonly decrypt: boolean;
  private readonly decap: ActionTemplate['decap'];
  private readonly ethernetHeader: Uint8Array | null;
  private readonly encap: ActionTemplate['encap'];
  private readonly encapHeaderAt: number;
  private readonly encapHeaderOctets: number;
  private readonly steps: readonly SetStep[];
  /** -1: no encrypt; 0: the entry's. */
  private readonly cryptoId: number;

  constructor(template: ActionTemplate) {
    this.decrypt = template.decrypt === true;
    this.decap = template.decap;
    const ethernetHeader = template.decap?.ethernetHeader;
    this.ethernetHeader = ethernetHeader instanceof Uint8Array ? ethernetHeader.slice() : null;
    this.encap = template.encap;
    this.encapHeaderAt = ethernetHeader === 'entry' ? ETHERNET_HEADER_OCTETS : 0;
    this.encapHeaderOctets = template.encap === undefined ? 0 : encapHeaderLengthOctets(template.encap);
    this.octetsPerSlot = this.encapHeaderAt + this.encapHeaderOctets;

    const cryptoId = template.encrypt?.cryptoId;
    this.cryptoId = cryptoId === undefined ? -1 : cryptoId === 'entry' ? 0 : cryptoId;
    let words = cryptoId === 'entry' ? CRYPTO_ID_WORD + 1 : 0;
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
    this.wordsPerSlot = words;
  }

  /** Puts an entry's checked values into the record of `slot`. */
  store(values: ActionValues | undefined, store: ValueStore, slot: number): void {
    store.reserve(slot);
    const octets = slot * store.octetsPerSlot;
    const words = slot * store.wordsPerSlot;
    if (this.encapHeaderAt > 0) store.octets.set(values!.ethernetHeader!, octets);
    if (this.encapHeaderOctets > 0) store.octets.set(values!.encapHeader!, octets + this.encapHeaderAt);
    if (this.cryptoId === 0) store.words[words + CRYPTO_ID_WORD] = values!.cryptoId!;
    for (const { field, constant, at } of this.steps) {
      if (constant === null) valueToWords(field, values!.set![field]!, store.words, words + at);
    }
  }

  /** Does it all to the packet; false when the packet was lost in it, and counted. */
  run(packet: PacketContext, crypto: CryptoUnit, store: ValueStore, slot: number): boolean {
    if (this.decrypt) crypto.decrypt(packet);
    if (this.decap !== undefined) {
      const header = this.ethernetHeader ?? store.octets;
      const at = this.ethernetHeader === null ? slot * store.octetsPerSlot : 0;
      if (!decapsulate(packet, this.decap.netType, header, at)) {
        crypto.statistics.decapError++;
        return false;
      }
    }
    const steps = this.steps;
    for (let i = 0; i < steps.length; i++) {
      const { write, constant, mask, at } = steps[i];
      if (constant !== null) write(packet, constant, 0, mask);
      else write(packet, store.words, slot * store.wordsPerSlot + at, mask);
    }
    if (this.encap !== undefined) {
      const at = slot * store.octetsPerSlot + this.encapHeaderAt;
      if (!encapsulate(packet, this.encap, store.octets, at, this.encapHeaderOctets)) {
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
        this.cryptoId > 0 ? this.cryptoId : store.words[slot * store.wordsPerSlot + CRYPTO_ID_WORD];
    }
    return true;
  }
}

function wordsOf(field: WritableFieldName, value: FieldValue): Uint32Array {
  const words = new Uint32Array(fieldWords(field));
  valueToWords(field, value, words, 0);
  return words;
}
