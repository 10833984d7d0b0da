/**
 * A basic pipe made executable. The template's fields become words in one buffer: those with a fixed value are
 * compared as they are read, those of the entries form the key of an exact-match table. All that belongs to an
 * entry stands in one record of a slab: counters, forward, action index, key, action values.
 */
import type { FieldName, FieldValue } from '../hal/fields.js';
import type { Counter } from '../hal/hal.js';
import {
  type FieldReader,
  fieldReader,
  fieldWords,
  fullMask,
  valueToWords,
  wordsToValue,
} from '../hal/packet/fields-access.js';
import type { PacketContext } from '../hal/packet/packet-context.js';
import type { EntryIndex } from '../hal/pipe-device.js';
import type { ActionValues, BasicEntry, BasicPipe, Forward } from '../hal/program.js';
import { CompiledActions } from './actions.js';
import type { CryptoUnit } from './crypto-unit.js';
import { ExactTable } from './exact-table.js';
import { CODE_LOST, forwardCode, forwardOf } from './forward-code.js';
import { counterOf, type PipeContext, type PipeTable } from './pipe-table.js';
import { RecordSlab, WORD_OCTETS } from './record-slab.js';

interface MatchStep {
  readonly field: FieldName;
  readonly read: FieldReader;
  readonly at: number;
  readonly words: number;
}

/** A record: packets and octets as doubles, then words. */
const FORWARD_WORD = 4;
const ACTION_INDEX_WORD = 5;
const KEY_WORD = 6;

export class BasicPipeTable implements PipeTable, EntryIndex {
  private readonly crypto: CryptoUnit;
  /** Fixed fields first; the key begins at word `keyAt`. */
  private readonly steps: readonly MatchStep[];
  private readonly fixedSteps: number;
  private readonly keyAt: number;
  private readonly words: Uint32Array;
  private readonly masks: Uint32Array;
  private readonly fixed: Uint32Array;

  private readonly table: ExactTable;
  private readonly actions: readonly CompiledActions[];
  private readonly slab: RecordSlab;
  /** Entries give their own forward; else all share `forward`. */
  private readonly forwardOfEntry: boolean;
  private readonly forward: number;
  private readonly miss: number;
  private readonly mirror: number;
  private readonly looksAtRandom: boolean;
  private missPackets = 0;
  private missOctets = 0;
  /** Counts of entries that have been removed. */
  private formerPackets = 0;
  private formerOctets = 0;

  constructor(
    pipe: BasicPipe,
    private readonly context: PipeContext,
  ) {
    const { pipeNumbers, mirrorNumbers } = context;
    this.crypto = context.crypto;

    const fields = Object.entries(pipe.match) as [FieldName, NonNullable<BasicPipe['match'][FieldName]>][];
    fields.sort((a, b) => Number(a[1].value === 'entry') - Number(b[1].value === 'entry'));
    const wordsTotal = fields.reduce((sum, [field]) => sum + fieldWords(field), 0);
    this.words = new Uint32Array(wordsTotal);
    this.masks = new Uint32Array(wordsTotal);
    this.fixed = new Uint32Array(wordsTotal);
    const steps: MatchStep[] = [];
    let at = 0;
    let keyAt = 0;
    for (const [field, { value, mask }] of fields) {
      const words = fieldWords(field);
      fullMask(field, this.masks, at);
      if (mask !== undefined) valueToWords(field, mask, this.masks, at);
      if (value !== 'entry') {
        valueToWords(field, value, this.fixed, at);
        for (let word = at; word < at + words; word++) this.fixed[word] &= this.masks[word];
        keyAt = at + words;
      }
      steps.push({ field, read: fieldReader(field), at, words });
      at += words;
    }
    this.steps = steps;
    this.keyAt = keyAt;
    this.fixedSteps = steps.filter((step) => step.at < keyAt).length;

    const keyWords = wordsTotal - keyAt;
    this.actions = (pipe.actions ?? []).map((template) => new CompiledActions(template, KEY_WORD + keyWords));
    const valueOctets = Math.max(0, ...this.actions.map((actions) => actions.valueOctets));
    this.slab = new RecordSlab((KEY_WORD + keyWords) * WORD_OCTETS + valueOctets);
    this.table = new ExactTable(this.slab, KEY_WORD, keyWords);
    this.looksAtRandom = 'parser_meta.random' in pipe.match;
    this.forwardOfEntry = pipe.forward === 'entry';
    this.forward = pipe.forward === 'entry' ? CODE_LOST : forwardCode(pipe.forward, pipeNumbers);
    this.miss = forwardCode(pipe.miss, pipeNumbers);
    this.mirror = pipe.monitor?.mirror === undefined ? -1 : mirrorNumbers.get(pipe.monitor.mirror)!;
  }

  process(packet: PacketContext): number {
    const slot = this.lookUp(packet);
    if (slot < 0) {
      this.missPackets++;
      this.missOctets += packet.frame.length;
      return this.miss;
    }
    const { slab } = this;
    const counter = (slot * slab.recordOctets) / Float64Array.BYTES_PER_ELEMENT;
    slab.doubles[counter]++;
    slab.doubles[counter + 1] += packet.frame.length;
    const record = slot * slab.recordWords;
    if (this.actions.length !== 0) {
      const actions = this.actions[slab.words[record + ACTION_INDEX_WORD]];
      if (!actions.run(packet, this.crypto, slab, slot)) return CODE_LOST;
    }
    if (this.mirror >= 0 && !this.context.copyToMirror(packet, this.mirror)) return CODE_LOST;
    return this.forwardOfEntry ? slab.words[record + FORWARD_WORD] : this.forward;
  }

  private lookUp(packet: PacketContext): number {
    const { steps, words, masks, fixed, fixedSteps } = this;
    if (this.looksAtRandom) packet.random = this.context.drawRandom();
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i];
      if (!step.read(packet, words, step.at)) return -1;
      const end = step.at + step.words;
      for (let word = step.at; word < end; word++) {
        words[word] &= masks[word];
        if (i < fixedSteps && words[word] !== fixed[word]) return -1;
      }
    }
    return this.table.find(words, this.keyAt);
  }

  find(entry: BasicEntry): number {
    const { words } = this;
    for (let i = this.fixedSteps; i < this.steps.length; i++) {
      const { field, at } = this.steps[i];
      valueToWords(field, entry.match![field] as FieldValue, words, at);
    }
    for (let word = this.keyAt; word < words.length; word++) words[word] &= this.masks[word];
    return this.table.find(words, this.keyAt);
  }

  put(slot: number): void {
    this.slab.reserve(slot);
    this.slab.clear(slot);
    this.table.insert(slot, this.words, this.keyAt);
  }

  /** Nothing here fails late, so that nothing is put back. */
  take(slot: number): undefined {
    this.table.remove(slot);
  }

  entryAt(slot: number): BasicEntry {
    const { slab } = this;
    const record = slot * slab.recordWords;
    const actionIndex = slab.words[record + ACTION_INDEX_WORD];
    const match = this.steps
      .slice(this.fixedSteps)
      .map(({ field, at }) => [field, wordsToValue(field, slab.words, record + KEY_WORD + at - this.keyAt)]);
    const values = this.actions[actionIndex]?.valuesIn(slab, slot);
    return {
      match: Object.fromEntries(match),
      actionIndex,
      ...(values === undefined ? {} : { values }),
      ...(this.forwardOfEntry
        ? { forward: forwardOf(slab.words[record + FORWARD_WORD], this.context.pipeNumbers) }
        : {}),
    };
  }

  /** Fills the record of a slot that was put into the index. */
  add(slot: number, entry: BasicEntry): void {
    const { slab } = this;
    const actionIndex = entry.actionIndex ?? 0;
    slab.words[slot * slab.recordWords + ACTION_INDEX_WORD] = actionIndex;
    this.update(slot, actionIndex, entry.values, entry.forward);
  }

  update(
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    const { slab } = this;
    if (values !== undefined) this.actions[actionIndex]?.store(values, slab, slot);
    if (!this.forwardOfEntry || forward === undefined) return;
    slab.words[slot * slab.recordWords + FORWARD_WORD] = forwardCode(forward, this.context.pipeNumbers);
  }

  remove(slot: number): void {
    const { packets, octets } = this.countsOf(slot);
    this.formerPackets += packets;
    this.formerOctets += octets;
  }

  entryCounter(slot: number): Counter {
    const { packets, octets } = this.countsOf(slot);
    return counterOf(packets, octets);
  }

  missCounter(): Counter {
    return counterOf(this.missPackets, this.missOctets);
  }

  totalCounter(): Counter {
    let packets = this.formerPackets;
    let octets = this.formerOctets;
    for (const slot of this.table.slots()) {
      const counts = this.countsOf(slot);
      packets += counts.packets;
      octets += counts.octets;
    }
    return counterOf(packets, octets);
  }

  private countsOf(slot: number): { packets: number; octets: number } {
    const at = (slot * this.slab.recordOctets) / Float64Array.BYTES_PER_ELEMENT;
    return { packets: this.slab.doubles[at], octets: this.slab.doubles[at + 1] };
  }
}
