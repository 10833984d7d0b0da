/**
 * A control pipe made executable: a short list of entries, each with its own match, tried by priority and, within
 * one priority, in the order in which they were added.
 */
import { HalError } from '../hal/errors.js';
import type { FieldName } from '../hal/fields.js';
import type { Counter, EntryId } from '../hal/hal.js';
import type {
  ActionTemplate,
  ActionValues,
  ControlEntry,
  ControlPipe,
  FieldMatch,
  Forward,
  MatchCondition,
} from '../hal/program.js';
import { SlotPool } from '../hal/slot-pool.js';
import { CompiledActions } from './actions.js';
import { type FieldReader, fieldReader, fieldWords, fullMask, valueToWords } from './fields-access.js';
import { CODE_LOST, forwardCode } from './forward-code.js';
import type { PacketContext } from './packet-context.js';
import { counterOf, type PipeContext, type PipeTable } from './pipe-table.js';
import { RecordSlab } from './record-slab.js';

/** Widest field: 128 bits. */
const FIELD_WORDS_MAX = 4;

interface FixedMatch {
  readonly read: FieldReader;
  readonly value: Uint32Array;
  readonly mask: Uint32Array;
}

interface CompiledEntry {
  readonly slot: number;
  readonly priority: number;
  readonly label: string | undefined;
  readonly matches: readonly FixedMatch[];
  readonly condition: { readonly read: FieldReader; readonly holds: (value: number) => boolean } | null;
  readonly template: ActionTemplate;
  /** null: it does nothing to the packet. */
  readonly actions: CompiledActions | null;
  /** Its values, in one record. */
  readonly slab: RecordSlab;
  forward: number;
  readonly counted: boolean;
  readonly mirror: number;
  readonly looksAtRandom: boolean;
  packets: number;
  octets: number;
}

export class ControlPipeTable implements PipeTable {
  readonly name: string;
  private readonly slots: SlotPool;
  /** The entries in the order in which they are tried. */
  private readonly order: CompiledEntry[] = [];
  private readonly bySlot = new Map<number, CompiledEntry>();
  private readonly byLabel = new Map<string, CompiledEntry>();
  private readonly miss: number;
  private readonly words = new Uint32Array(FIELD_WORDS_MAX);
  /** Entries that look at the packet's random number. */
  private lookingAtRandom = 0;
  private missPackets = 0;
  private missOctets = 0;
  private formerPackets = 0;
  private formerOctets = 0;

  constructor(
    private readonly pipe: ControlPipe,
    private readonly context: PipeContext,
    number: number,
  ) {
    this.name = pipe.name;
    this.slots = new SlotPool(pipe.sizeEntries, number, context.pipeNumbers.size);
    this.miss = forwardCode(pipe.miss, context.pipeNumbers);
  }

  process(packet: PacketContext): number {
    const { order, words } = this;
    if (this.lookingAtRandom > 0) packet.random = this.context.drawRandom();
    for (let i = 0; i < order.length; i++) {
      const entry = order[i];
      if (!matches(entry, packet, words)) continue;
      entry.packets++;
      entry.octets += packet.frame.length;
      if (entry.actions !== null && !entry.actions.run(packet, this.context.crypto, entry.slab, 0)) {
        return CODE_LOST;
      }
      if (entry.mirror >= 0 && !this.context.copyToMirror(packet, entry.mirror)) return CODE_LOST;
      return entry.forward;
    }
    this.missPackets++;
    this.missOctets += packet.frame.length;
    return this.miss;
  }

  add(entry: ControlEntry): EntryId {
    const place = entry.label === undefined ? { pipe: this.name } : { pipe: this.name, entry: entry.label };
    if (entry.label !== undefined && this.byLabel.has(entry.label)) {
      throw new HalError('ALREADY_EXIST', 'an entry with this label exists already', place);
    }
    const slot = this.slots.take();
    if (slot < 0) {
      throw new HalError('FULL', `the pipe holds ${this.pipe.sizeEntries} entries, as many as it can`, place);
    }
    const compiled = this.compile(entry, slot);
    let position = this.order.length;
    while (position > 0 && this.order[position - 1].priority > compiled.priority) position--;
    this.order.splice(position, 0, compiled);
    this.bySlot.set(slot, compiled);
    if (compiled.looksAtRandom) this.lookingAtRandom++;
    if (entry.label !== undefined) this.byLabel.set(entry.label, compiled);
    return this.slots.idOf(slot);
  }

  /** The action template of an entry; for checks of an update. Throws HalError NOT_FOUND. */
  actionsOf(id: EntryId): ActionTemplate {
    return this.entryOf(id).template;
  }

  update(id: EntryId, values: ActionValues | undefined, forward: Forward | undefined): void {
    const entry = this.entryOf(id);
    if (values !== undefined) entry.actions?.store(values, entry.slab, 0);
    if (forward !== undefined) entry.forward = forwardCode(forward, this.context.pipeNumbers);
  }

  remove(id: EntryId): void {
    const entry = this.entryOf(id);
    this.order.splice(this.order.indexOf(entry), 1);
    this.bySlot.delete(entry.slot);
    if (entry.looksAtRandom) this.lookingAtRandom--;
    if (entry.label !== undefined) this.byLabel.delete(entry.label);
    if (entry.counted) {
      this.formerPackets += entry.packets;
      this.formerOctets += entry.octets;
    }
    this.slots.release(entry.slot);
  }

  entryCounter(id: EntryId): Counter | null {
    return counterIf(this.bySlot.get(this.slots.slotOf(id)));
  }

  labelCounter(label: string): Counter | null {
    return counterIf(this.byLabel.get(label));
  }

  missCounter(): Counter | null {
    return this.pipe.missCounter === true ? counterOf(this.missPackets, this.missOctets) : null;
  }

  totalCounter(): Counter | null {
    let packets = this.formerPackets;
    let octets = this.formerOctets;
    for (const entry of this.order) {
      if (!entry.counted) continue;
      packets += entry.packets;
      octets += entry.octets;
    }
    return counterOf(packets, octets);
  }

  private entryOf(id: EntryId): CompiledEntry {
    const entry = this.bySlot.get(this.slots.slotOf(id));
    if (entry === undefined) {
      throw new HalError('NOT_FOUND', 'no such entry; it may have been removed', {
        pipe: this.name,
        entry: id,
      });
    }
    return entry;
  }

  private compile(entry: ControlEntry, slot: number): CompiledEntry {
    const { pipeNumbers, mirrorNumbers } = this.context;
    const template = entry.actions ?? {};
    const actions = Object.keys(template).length === 0 ? null : new CompiledActions(template, 0);
    const slab = new RecordSlab(actions?.valueOctets ?? 0);
    actions?.store(entry.values, slab, 0);
    const fields = Object.entries(entry.match) as [FieldName, FieldMatch][];
    return {
      slot,
      priority: entry.priority,
      label: entry.label,
      matches: fields.map(([field, match]) => compileMatch(field, match)),
      condition: entry.condition === undefined ? null : compileCondition(entry.condition),
      template,
      actions,
      slab,
      forward: forwardCode(entry.forward, pipeNumbers),
      counted: entry.monitor?.counter === true,
      mirror: entry.monitor?.mirror === undefined ? -1 : mirrorNumbers.get(entry.monitor.mirror)!,
      looksAtRandom: 'parser_meta.random' in entry.match || entry.condition?.field === 'parser_meta.random',
      packets: 0,
      octets: 0,
    };
  }
}

function matches(entry: CompiledEntry, packet: PacketContext, words: Uint32Array): boolean {
  for (let i = 0; i < entry.matches.length; i++) {
    const { read, value, mask } = entry.matches[i];
    if (!read(packet, words, 0)) return false;
    for (let word = 0; word < mask.length; word++) {
      if (((words[word] ^ value[word]) & mask[word]) !== 0) return false;
    }
  }
  const { condition } = entry;
  return condition === null || (condition.read(packet, words, 0) && condition.holds(words[0]));
}

function compileMatch(field: FieldName, match: FieldMatch): FixedMatch {
  const value = new Uint32Array(fieldWords(field));
  const mask = new Uint32Array(value.length);
  if (match.value !== 'entry') valueToWords(field, match.value, value, 0);
  fullMask(field, mask, 0);
  if (match.mask !== undefined) valueToWords(field, match.mask, mask, 0);
  return { read: fieldReader(field), value, mask };
}

const COMPARISONS: Readonly<Record<MatchCondition['operation'], (field: number, value: number) => boolean>> =
  {
    lt: (field, value) => field < value,
    le: (field, value) => field <= value,
    gt: (field, value) => field > value,
    ge: (field, value) => field >= value,
    ne: (field, value) => field !== value,
  };

function compileCondition({ field, operation, value }: MatchCondition) {
  const compare = COMPARISONS[operation];
  return { read: fieldReader(field), holds: (word: number) => compare(word, value) };
}

function counterIf(entry: CompiledEntry | undefined): Counter | null {
  return entry?.counted === true ? counterOf(entry.packets, entry.octets) : null;
}
