/**
 * Packs entry operations for the addon (native/addon/batch.h). Little-endian; per operation:
 *
 *     operation (1) | detail (1): 1 values, 2 forward, of an update | pipe (2) | slot (4)
 *
 * then, of an add or update, the action index (1) and what the entry gives: match, values of `set`, Ethernet header,
 * encapsulation header, crypto_id (4), forward (kind 1, target 4); of a control entry its position in a list (4).
 */
import { enlarged } from '../base/enlarged.js';
import type { EntryWriter } from '../hal/pipe-device.js';
import type { ActionValues, BasicEntry, ControlEntry, Forward } from '../hal/program.js';
import { type EntryUpdate, FormerRecords } from './entry-updates.js';
import type { KeyIndex } from './key-index.js';
import type { NativeControlEntry } from './native.js';
import { nativeControlEntry, nativeForward, type PipeIndex } from './program.js';

const ADD = 0;
const UPDATE = 1;
const REMOVE = 2;
const ADD_CONTROL = 3;
const REPLACE_CONTROL = 4;
const WITH_VALUES = 1;
const WITH_FORWARD = 2;

const START_OCTETS = 4096;

interface UpdateUnderWay {
  readonly index: KeyIndex;
  readonly slot: number;
  readonly update: EntryUpdate;
}

/** A batch in the making, and what of it is to be taken back where it fails. */
export class BatchWriter implements EntryWriter {
  private octets = new Uint8Array(START_OCTETS);
  private at = 0;
  private operations = 0;
  readonly controls: NativeControlEntry[] = [];
  /** Updates of basic pipes' entries, by the number of the operation. */
  private readonly updates = new Map<number, UpdateUnderWay>();
  private readonly former = new FormerRecords();

  /** `indexes` of the program's pipes, null of control pipes. */
  constructor(
    private readonly numbers: PipeIndex,
    private readonly indexes: readonly (KeyIndex | null)[],
  ) {}

  get length(): number {
    return this.operations;
  }

  /** A view of what was written. */
  get packed(): Uint8Array {
    return this.octets.subarray(0, this.at);
  }

  add(pipe: number, slot: number, entry: BasicEntry): void {
    const index = this.indexes[pipe]!;
    const { plan } = index;
    this.begin(ADD, 0, pipe, slot, plan.octetsMax);
    const actionIndex = entry.actionIndex ?? 0;
    this.octets[this.at++] = actionIndex;
    this.octets.set(plan.key, this.at);
    this.at += plan.key.length;
    const valuesAt = this.at;
    this.at = plan.writeValues(actionIndex, entry.values, this.octets, this.at);
    const forwardAt = this.at;
    if (plan.forwardOfEntry) this.writeForward(entry.forward!);
    index.write(slot, actionIndex, this.octets, valuesAt, forwardAt, this.at);
  }

  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    const index = this.indexes[pipe]!;
    const { plan } = index;
    const detail = (values === undefined ? 0 : WITH_VALUES) | (forward === undefined ? 0 : WITH_FORWARD);
    this.begin(UPDATE, detail, pipe, slot, plan.octetsMax);
    this.octets[this.at++] = actionIndex;
    const valuesAt = this.at;
    if (values !== undefined) this.at = plan.writeValues(actionIndex, values, this.octets, this.at);
    const forwardAt = this.at;
    if (forward !== undefined) this.writeForward(forward);
    // What is written stays as it is: a slice has a writer of its own.
    const update = index.update(slot, this.octets, valuesAt, forwardAt, this.at, this.former);
    this.updates.set(this.operations - 1, { index, slot, update });
  }

  /** The operation of that number has failed. */
  hasFailed(operation: number): void {
    const failed = this.updates.get(operation);
    failed?.index.endUpdate(failed.slot, failed.update, 'failed');
  }

  /** All operations that have not failed are done. */
  end(): void {
    for (const { index, slot, update } of this.updates.values()) index.endUpdate(slot, update, 'done');
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

  private putControl(operation: number, pipe: number, slot: number, entry: ControlEntry): void {
    this.begin(operation, 0, pipe, slot, 4);
    this.writeNumber(this.controls.length);
    this.controls.push(nativeControlEntry(entry, this.numbers));
  }

  private begin(operation: number, detail: number, pipe: number, slot: number, octetsMax: number): void {
    const octets = this.at + 8 + octetsMax;
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
