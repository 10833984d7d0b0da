/**
 * Packs entry operations for the addon (native/addon/batch.h). Little-endian; per operation:
 *
 *     operation (1) | detail (1): 1 values, 2 forward, of an update | pipe (2) | slot (4)
 *
 * then, of an add or update, the action index (1) and what the entry gives: match, values of `set`, Ethernet header,
 * encapsulation header, crypto_id (4), forward (kind 1, target 4); of a control entry its position in a list (4).
 */
import { enlarged } from '../base/enlarged.js';
import type { DocaErrorName } from '../hal/errors.js';
import type { EntryWriter } from '../hal/pipe-device.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward } from '../hal/program.js';
import { type Given, type GivenTarget, type PackedBatch, Unanswered } from './entry-values.js';
import type { KeyIndex } from './key-index.js';
import type { NativeControlEntry } from './native.js';
import { FORWARD_OCTETS, nativeControlEntry, nativeForward, type PipeIndex } from './program.js';

const ADD = 0;
const UPDATE = 1;
const REMOVE = 2;
const ADD_CONTROL = 3;
const REPLACE_CONTROL = 4;
const WITH_VALUES = 1;
const WITH_FORWARD = 2;

const HEADER_OCTETS = 8;
const CONTROL_OCTETS = 4;
const START_OCTETS = 4096;

/** A batch in the making, and later what of it is to be noted of the entries. */
export class BatchWriter implements EntryWriter, PackedBatch {
  private at = 0;
  private operations = 0;
  readonly controls: NativeControlEntry[] = [];
  /** By number, the operations that have failed; true: the entry that was to be removed is not there. */
  private readonly failed = new Map<number, boolean>();

  /** `indexes` of the program's pipes, null of control pipes; `octets`: memory to begin with. */
  constructor(
    private readonly numbers: PipeIndex,
    private readonly indexes: readonly (KeyIndex | null)[],
    private octets: Uint8Array<ArrayBuffer> = new Uint8Array(START_OCTETS),
  ) {}

  get length(): number {
    return this.operations;
  }

  /** A view of what was written. */
  get packed(): Uint8Array {
    return this.octets.subarray(0, this.at);
  }

  /** The memory that it was written to, for another batch when this one is over. */
  get memory(): Uint8Array<ArrayBuffer> {
    return this.octets;
  }

  add(pipe: number, slot: number, entry: BasicEntry): void {
    const { plan } = this.indexes[pipe]!;
    this.begin(ADD, 0, pipe, slot, plan.octetsMax);
    const actionIndex = entry.actionIndex ?? 0;
    this.octets[this.at++] = actionIndex;
    this.octets.set(plan.key, this.at);
    this.at += plan.key.length;
    this.at = plan.writeValues(actionIndex, entry.values, this.octets, this.at);
    if (plan.forwardOfEntry) this.writeForward(entry.forward!);
  }

  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    const { plan } = this.indexes[pipe]!;
    const detail = (values === undefined ? 0 : WITH_VALUES) | (forward === undefined ? 0 : WITH_FORWARD);
    this.begin(UPDATE, detail, pipe, slot, plan.octetsMax);
    this.octets[this.at++] = actionIndex;
    if (values !== undefined) this.at = plan.writeValues(actionIndex, values, this.octets, this.at);
    if (forward !== undefined) this.writeForward(forward);
  }

  remove(pipe: number, slot: number): void {
    this.begin(REMOVE, 0, pipe, slot, 0);
  }

  addControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.putControl(ADD_CONTROL, pipe, slot, entry);
  }

  /** DOCA cannot update a control pipe's entry: another takes its place. */
  updateControl(pipe: number, slot: number, entry: ControlEntry): void {
    this.putControl(REPLACE_CONTROL, pipe, slot, entry);
  }

  /** The operation of that number has failed. */
  hasFailed(operation: number, code: DocaErrorName): void {
    this.failed.set(operation, code === 'NOT_FOUND');
  }

  /** The device has answered: what the operations that have not failed gave is what entries have. */
  note(): void {
    this.replay(this.indexes.map((index) => index?.values));
  }

  /** Nobody will ever know what the operations have done. */
  noteUnanswered(): void {
    this.replay(this.indexes.map((index) => (index === null ? undefined : new Unanswered(index.values))));
  }

  replay(targets: readonly (GivenTarget | undefined)[]): void {
    const { octets, indexes } = this;
    const given: Given = { actionIndex: 0, octets, from: 0, forwardFrom: 0, to: 0 };
    let at = 0;
    for (let number = 0; at < this.at; number++) {
      const operation = octets[at]!;
      const detail = octets[at + 1]!;
      const pipe = octets[at + 2]! | (octets[at + 3]! << 8);
      const slot =
        octets[at + 4]! | (octets[at + 5]! << 8) | (octets[at + 6]! << 16) | (octets[at + 7]! << 24);
      at += HEADER_OCTETS;
      const plan = indexes[pipe]?.plan;
      if (operation === ADD_CONTROL || operation === REPLACE_CONTROL) at += CONTROL_OCTETS;
      else if (operation !== REMOVE) {
        const isNew = operation === ADD;
        given.actionIndex = octets[at]!;
        given.from = at + 1 + (isNew ? plan!.key.length : 0);
        const hasValues = isNew || (detail & WITH_VALUES) !== 0;
        const hasForward = isNew ? plan!.forwardOfEntry : (detail & WITH_FORWARD) !== 0;
        given.forwardFrom = given.from + (hasValues ? plan!.valueOctetsOf(given.actionIndex) : 0);
        at = given.forwardFrom + (hasForward ? FORWARD_OCTETS : 0);
        given.to = at;
      }
      const target = targets[pipe];
      const isGone = this.failed.size === 0 ? undefined : this.failed.get(number);
      if (target === undefined || (isGone !== undefined && !(operation === REMOVE && isGone))) continue;
      if (operation === REMOVE) target.removed(slot);
      else if (operation === ADD) target.added(slot, given);
      else target.updated(slot, given);
    }
  }

  private putControl(operation: number, pipe: number, slot: number, entry: ControlEntry): void {
    this.begin(operation, 0, pipe, slot, CONTROL_OCTETS);
    this.writeNumber(this.controls.length);
    this.controls.push(nativeControlEntry(entry, this.numbers));
  }

  private begin(operation: number, detail: number, pipe: number, slot: number, octetsMax: number): void {
    const octets = this.at + HEADER_OCTETS + octetsMax;
    if (this.octets.length < octets) this.octets = enlarged(this.octets, octets);
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
