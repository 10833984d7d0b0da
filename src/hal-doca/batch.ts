/**
 * Packs entry operations for the addon (native/addon/batch.h). Little-endian; per operation:
 *
 *     operation (1) | detail (1): 1 values, 2 forward, of an update | pipe (2) | slot (4)
 *
 * then, of an add or update, the action index (1) and what the entry gives: match, values of `set`, Ethernet header,
 * encapsulation header, crypto_id (4), forward (kind 1, target 4); of a control entry its position in a list (4).
 */
import { enlarged } from '../base/enlarged.js';
import { encapHeaderLengthOctets } from '../hal/check-entry.js';
import type { FieldName, FieldValue, WritableFieldName } from '../hal/fields.js';
import type { ActionTemplate, ActionValues, BasicEntry, BasicPipe, Forward } from '../hal/program.js';
import type { NativeControlEntry } from './native.js';
import { entryFields, fieldOctets, nativeForward, type PipeIndex, writeValue } from './program.js';

const ADD = 0;
const UPDATE = 1;
const REMOVE = 2;
const ADD_CONTROL = 3;
const REPLACE_CONTROL = 4;
const WITH_VALUES = 1;
const WITH_FORWARD = 2;

const START_OCTETS = 4096;
const ETHERNET_HEADER_OCTETS = 14;

/** The values that entries of an action template give, in their order. */
interface ActionPlan {
  readonly set: readonly WritableFieldName[];
  readonly ethernetHeader: boolean;
  readonly encapOctets: number;
  readonly cryptoId: boolean;
}

/** How a basic pipe's entries are packed. */
export class EntryPlan {
  private readonly match: readonly FieldName[];
  private readonly actions: readonly ActionPlan[];
  readonly matchOctets: number;
  readonly forwardOfEntry: boolean;
  readonly octetsMax: number;
  private readonly key: Uint8Array;

  constructor(pipe: BasicPipe) {
    this.match = entryFields(pipe.match);
    this.matchOctets = this.match.reduce((sum, field) => sum + fieldOctets(field), 0);
    this.actions = (pipe.actions ?? []).map(planOf);
    this.forwardOfEntry = pipe.forward === 'entry';
    const valueOctets = this.actions.map(
      ({ set, encapOctets }) =>
        set.reduce((sum, field) => sum + fieldOctets(field), ETHERNET_HEADER_OCTETS) + encapOctets + 4,
    );
    this.key = new Uint8Array(this.matchOctets);
    this.octetsMax = 16 + this.matchOctets + Math.max(0, ...valueOctets);
  }

  /** The octets by which the pipe finds the entry, under the template's masks; valid until the next call. */
  keyOf(entry: BasicEntry): Uint8Array {
    let at = 0;
    for (let i = 0; i < this.match.length; i++) {
      const field = this.match[i]!;
      writeValue(field, entry.match![field] as FieldValue, this.key, at);
      at += fieldOctets(field);
    }
    return this.key;
  }

  /** Values of a checked entry. */
  writeValues(actionIndex: number, values: ActionValues | undefined, out: Uint8Array, at: number): number {
    const plan = this.actions[actionIndex];
    if (plan === undefined) return at;
    let end = at;
    for (const field of plan.set) {
      writeValue(field, values!.set![field]!, out, end);
      end += fieldOctets(field);
    }
    if (plan.ethernetHeader) {
      out.set(values!.ethernetHeader!, end);
      end += ETHERNET_HEADER_OCTETS;
    }
    if (plan.encapOctets > 0) {
      out.set(values!.encapHeader!, end);
      end += plan.encapOctets;
    }
    if (plan.cryptoId) {
      for (let shift = 0; shift < 32; shift += 8) out[end++] = values!.cryptoId! >>> shift;
    }
    return end;
  }
}

function planOf(template: ActionTemplate): ActionPlan {
  return {
    set: entryFields(template.set ?? {}),
    ethernetHeader: template.decap?.ethernetHeader === 'entry',
    encapOctets: template.encap === undefined ? 0 : encapHeaderLengthOctets(template.encap),
    cryptoId: template.encrypt?.cryptoId === 'entry',
  };
}

/** A batch in the making. */
export class BatchWriter {
  private octets = new Uint8Array(START_OCTETS);
  private at = 0;
  private operations = 0;
  readonly controls: NativeControlEntry[] = [];

  constructor(private readonly numbers: PipeIndex) {}

  get length(): number {
    return this.operations;
  }

  /** A view of what was written. */
  get packed(): Uint8Array {
    return this.octets.subarray(0, this.at);
  }

  /** `key` is the plan's, of this entry. */
  add(pipe: number, slot: number, plan: EntryPlan, key: Uint8Array, entry: BasicEntry): void {
    this.begin(ADD, 0, pipe, slot, plan.octetsMax);
    const actionIndex = entry.actionIndex ?? 0;
    this.octets[this.at++] = actionIndex;
    this.octets.set(key, this.at);
    this.at += key.length;
    this.at = plan.writeValues(actionIndex, entry.values, this.octets, this.at);
    if (plan.forwardOfEntry) this.writeForward(entry.forward!);
  }

  update(
    pipe: number,
    slot: number,
    plan: EntryPlan,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    const detail = (values === undefined ? 0 : WITH_VALUES) | (forward === undefined ? 0 : WITH_FORWARD);
    this.begin(UPDATE, detail, pipe, slot, plan.octetsMax);
    this.octets[this.at++] = actionIndex;
    if (values !== undefined) this.at = plan.writeValues(actionIndex, values, this.octets, this.at);
    if (forward !== undefined) this.writeForward(forward);
  }

  remove(pipe: number, slot: number): void {
    this.begin(REMOVE, 0, pipe, slot, 0);
  }

  addControl(pipe: number, slot: number, entry: NativeControlEntry): void {
    this.putControl(ADD_CONTROL, pipe, slot, entry);
  }

  replaceControl(pipe: number, slot: number, entry: NativeControlEntry): void {
    this.putControl(REPLACE_CONTROL, pipe, slot, entry);
  }

  private putControl(operation: number, pipe: number, slot: number, entry: NativeControlEntry): void {
    this.begin(operation, 0, pipe, slot, 4);
    this.writeNumber(this.controls.length);
    this.controls.push(entry);
  }

  private begin(operation: number, detail: number, pipe: number, slot: number, octetsMax: number): void {
    this.octets = enlarged(this.octets, this.at + 8 + octetsMax);
    this.operations++;
    this.octets[this.at++] = operation;
    this.octets[this.at++] = detail;
    this.octets[this.at++] = pipe & 0xff;
    this.octets[this.at++] = pipe >>> 8;
    this.writeNumber(slot);
  }

  private writeForward(forward: Forward): void {
    const { kind, target } = nativeForward(forward, this.numbers);
    this.octets[this.at++] = kind;
    this.writeNumber(target);
  }

  private writeNumber(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.octets[this.at++] = value >>> shift;
  }
}
