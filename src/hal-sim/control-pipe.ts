/**
 * A control pipe made executable: a short list of entries, each with its own match, tried by priority and, within
 * one priority, in the order in which they were added.
 */
import type { FieldName } from '../hal/fields.js';
import type { Counter } from '../hal/hal.js';
import {
  type FieldReader,
  fieldReader,
  fieldWords,
  fullMask,
  valueToWords,
} from '../hal/packet/fields-access.js';
import type { PacketContext } from '../hal/packet/packet-context.js';
import type { ControlEntry, ControlPipe, FieldMatch, MatchCondition } from '../hal/program.js';
import { CompiledActions } from './actions.js';
import { CODE_LOST, forwardCode } from './forward-code.js';
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
  readonly priority: number;
  readonly matches: readonly FixedMatch[];
  readonly condition: { readonly read: FieldReader; readonly holds: (value: number) => boolean } | null;
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
  /** The entries in the order in which they are tried. */
  private readonly order: CompiledEntry[] = [];
  private readonly bySlot = new Map<number, CompiledEntry>();
  private readonly miss: number;
  private readonly words = new Uint32Array(FIELD_WORDS_MAX);
  /** Entries that look at the packet's random number. */
  private lookingAtRandom = 0;
  private missPackets = 0;
  private missOctets = 0;
  private formerPackets = 0;
  private formerOctets = 0;

  constructor(
    pipe: ControlPipe,
    private readonly context: PipeContext,
  ) {
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

  add(slot: number, entry: ControlEntry): void {
    const compiled = this.compile(entry);
    let position = this.order.length;
    while (position > 0 && this.order[position - 1].priority > compiled.priority) position--;
    this.order.splice(position, 0, compiled);
    this.bySlot.set(slot, compiled);
    if (compiled.looksAtRandom) this.lookingAtRandom++;
  }

  /** The values and the forward of `entry`, which is otherwise the one that the slot has. */
  update(slot: number, { values, forward }: ControlEntry): void {
    const entry = this.entryOf(slot);
    if (values !== undefined) entry.actions?.store(values, entry.slab, 0);
    entry.forward = forwardCode(forward, this.context.pipeNumbers);
  }

  remove(slot: number): void {
    const entry = this.entryOf(slot);
    this.order.splice(this.order.indexOf(entry), 1);
    this.bySlot.delete(slot);
    if (entry.looksAtRandom) this.lookingAtRandom--;
    if (entry.counted) {
      this.formerPackets += entry.packets;
      this.formerOctets += entry.octets;
    }
  }

  entryCounter(slot: number): Counter {
    const { packets, octets } = this.entryOf(slot);
    return counterOf(packets, octets);
  }

  missCounter(): Counter {
    return counterOf(this.missPackets, this.missOctets);
  }

  totalCounter(): Counter {
    let packets = this.formerPackets;
    let octets = this.formerOctets;
    for (const entry of this.order) {
      if (!entry.counted) continue;
      packets += entry.packets;
      octets += entry.octets;
    }
    return counterOf(packets, octets);
  }

  private entryOf(slot: number): CompiledEntry {
    return this.bySlot.get(slot)!;
  }

  private compile(entry: ControlEntry): CompiledEntry {
    const { pipeNumbers, mirrorNumbers } = this.context;
    const template = entry.actions ?? {};
    const actions = Object.keys(template).length === 0 ? null : new CompiledActions(template, 0);
    const slab = new RecordSlab(actions?.valueOctets ?? 0);
    actions?.store(entry.values, slab, 0);
    const fields = Object.entries(entry.match) as [FieldName, FieldMatch][];
    return {
      priority: entry.priority,
      matches: fields.map(([field, match]) => compileMatch(field, match)),
      condition: entry.condition === undefined ? null : compileCondition(entry.condition),
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
