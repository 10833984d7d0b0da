/**
 * A basic pipe made executable. The template's fields become words in one buffer: those with a fixed value are
 * compared as they are read, those of the entries form the key of an exact-match table. All that belongs to an
 * entry stands in slabs by slot, so that an entry costs octets and no objects.
 */
import { HalError } from '../hal/errors.js';
import type { FieldName, FieldValue } from '../hal/fields.js';
import type { Counter, EntryId } from '../hal/hal.js';
import type { ActionValues, BasicEntry, BasicPipe, Forward } from '../hal/program.js';
import { CompiledActions } from './actions.js';
import { counterOf, SlotCounters } from './counters.js';
import type { CryptoUnit } from './crypto-unit.js';
import { ExactTable } from './exact-table.js';
import { type FieldReader, fieldReader, fieldWords, fullMask, valueToWords } from './fields-access.js';
import { CODE_LOST, forwardCode } from './forward-code.js';
import type { PacketContext } from './packet-context.js';
import type { PipeSurroundings, PipeTable } from './pipe-table.js';
import { SlotPool } from './slot-pool.js';
import { ValueStore } from './value-store.js';

interface MatchStep {
  readonly field: FieldName;
  readonly read: FieldReader;
  readonly at: number;
  readonly words: number;
}

const SLOTS_START = 16;

export class BasicPipeTable implements PipeTable {
  readonly name: string;
  private readonly crypto: CryptoUnit;
  /** Fixed fields first; the key begins at word `keyAt`. */
  private readonly steps: readonly MatchStep[];
  private readonly fixedSteps: number;
  private readonly keyAt: number;
  private readonly words: Uint32Array;
  private readonly masks: Uint32Array;
  private readonly fixed: Uint32Array;

  private readonly table: ExactTable;
  private readonly slots: SlotPool;
  private readonly actions: readonly CompiledActions[];
  private readonly store: ValueStore;
  private readonly counters: SlotCounters | null;
  private readonly labels = new Map<string, number>();
  private actionIndexes = new Uint8Array(SLOTS_START);
  /** null: all entries share `forward`. */
  private forwards: Int32Array | null;
  private readonly forward: number;
  private readonly miss: number;
  private readonly mirror: number;
  private missPackets = 0;
  private missOctets = 0;

  constructor(
    readonly pipe: BasicPipe,
    private readonly surroundings: PipeSurroundings,
    number: number,
  ) {
    const { pipeNumbers, mirrorNumbers } = surroundings;
    this.name = pipe.name;
    this.crypto = surroundings.crypto;

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
      steps.push({ field, read: fieldReader(field, surroundings.drawRandom), at, words });
      at += words;
    }
    this.steps = steps;
    this.keyAt = keyAt;
    this.fixedSteps = steps.filter((step) => step.at < keyAt).length;

    this.table = new ExactTable(wordsTotal - keyAt);
    this.slots = new SlotPool(pipe.sizeEntries, number, pipeNumbers.size);
    this.actions = (pipe.actions ?? []).map((template) => new CompiledActions(template));
    this.store = new ValueStore(
      Math.max(0, ...this.actions.map((action) => action.octetsPerSlot)),
      Math.max(0, ...this.actions.map((action) => action.wordsPerSlot)),
    );
    this.counters = pipe.monitor?.counter === true ? new SlotCounters() : null;
    this.forwards = pipe.forward === 'entry' ? new Int32Array(SLOTS_START) : null;
    this.forward = pipe.forward === 'entry' ? CODE_LOST : forwardCode(pipe.forward, pipeNumbers);
    this.miss = forwardCode(pipe.miss, pipeNumbers);
    this.mirror = pipe.monitor?.mirror === undefined ? -1 : mirrorNumbers.get(pipe.monitor.mirror)!;
  }

  process(packet: PacketContext): number {
    const slot = this.find(packet);
    if (slot < 0) {
      this.missPackets++;
      this.missOctets += packet.frame.length;
      return this.miss;
    }
    if (this.counters !== null) this.counters.count(slot, packet.frame.length);
    if (this.actions.length !== 0) {
      const action = this.actions[this.actionIndexes[slot]];
      if (!action.run(packet, this.crypto, this.store, slot)) return CODE_LOST;
    }
    if (this.mirror >= 0 && !this.surroundings.copyToMirror(packet, this.mirror)) return CODE_LOST;
    return this.forwards === null ? this.forward : this.forwards[slot];
  }

  private find(packet: PacketContext): number {
    const { steps, words, masks, fixed, fixedSteps } = this;
    packet.random = -1;
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

  add(entry: BasicEntry): EntryId {
    const { words } = this;
    for (let i = this.fixedSteps; i < this.steps.length; i++) {
      const { field, at } = this.steps[i];
      valueToWords(field, entry.match![field] as FieldValue, words, at);
    }
    for (let word = this.keyAt; word < words.length; word++) words[word] &= this.masks[word];
    if (this.table.find(words, this.keyAt) >= 0) {
      throw this.error(
        'ALREADY_EXIST',
        'an entry with this key exists already; update it, or remove it first',
        entry,
      );
    }
    if (entry.label !== undefined && this.labels.has(entry.label)) {
      throw this.error('ALREADY_EXIST', 'an entry with this label exists already', entry);
    }
    const slot = this.slots.take();
    if (slot < 0) {
      throw this.error('FULL', `the pipe holds ${this.pipe.sizeEntries} entries, as many as it can`, entry);
    }
    this.table.insert(slot, words, this.keyAt);
    if (entry.label !== undefined) this.labels.set(entry.label, slot);
    this.counters?.reserve(slot);
    this.reserve(slot);
    this.actionIndexes[slot] = entry.actionIndex ?? 0;
    this.actions[entry.actionIndex ?? 0]?.store(entry.values, this.store, slot);
    if (this.forwards !== null) {
      this.forwards[slot] = forwardCode(entry.forward!, this.surroundings.pipeNumbers);
    }
    return this.slots.idOf(slot);
  }

  /** For checks of an update. Throws HalError NOT_FOUND. */
  actionIndexOf(id: EntryId): number {
    return this.actionIndexes[this.slotOf(id)];
  }

  update(id: EntryId, values: ActionValues | undefined, forward: Forward | undefined): void {
    const slot = this.slotOf(id);
    if (values !== undefined) this.actions[this.actionIndexes[slot]]?.store(values, this.store, slot);
    if (forward !== undefined && this.forwards !== null) {
      this.forwards[slot] = forwardCode(forward, this.surroundings.pipeNumbers);
    }
  }

  remove(id: EntryId): void {
    const slot = this.slotOf(id);
    this.table.remove(slot);
    this.counters?.retire(slot);
    for (const [label, labelled] of this.labels) if (labelled === slot) this.labels.delete(label);
    this.slots.release(slot);
  }

  entryCounter(id: EntryId): Counter | null {
    const slot = this.slots.slotOf(id);
    return slot < 0 || this.counters === null ? null : this.counters.of(slot);
  }

  labelCounter(label: string): Counter | null {
    const slot = this.labels.get(label);
    return slot === undefined || this.counters === null ? null : this.counters.of(slot);
  }

  missCounter(): Counter | null {
    return this.pipe.missCounter === true ? counterOf(this.missPackets, this.missOctets) : null;
  }

  totalCounter(): Counter | null {
    return this.counters?.total() ?? null;
  }

  private slotOf(id: EntryId): number {
    const slot = this.slots.slotOf(id);
    if (slot < 0) {
      throw new HalError('NOT_FOUND', 'no such entry; it may have been removed', {
        pipe: this.name,
        entry: id,
      });
    }
    return slot;
  }

  private reserve(slot: number): void {
    if (slot >= this.actionIndexes.length) {
      const grown = new Uint8Array(this.actionIndexes.length * 2);
      grown.set(this.actionIndexes);
      this.actionIndexes = grown;
    }
    if (this.forwards !== null && slot >= this.forwards.length) {
      const grown = new Int32Array(this.forwards.length * 2);
      grown.set(this.forwards);
      this.forwards = grown;
    }
  }

  private error(code: 'ALREADY_EXIST' | 'FULL', reason: string, entry: BasicEntry): HalError {
    const place = entry.label === undefined ? { pipe: this.name } : { pipe: this.name, entry: entry.label };
    return new HalError(code, reason, place);
  }
}
