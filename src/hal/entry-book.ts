/**
 * What is known of the entries of one pipe besides what the device keeps: which slots they take, their ids and labels. Match keys
 * are in the device's own index (pipe-device.ts).
 */
import { enlarged } from '../base/enlarged.js';
import { HalError, type HalErrorPlace } from './errors.js';
import type { EntryId } from './hal.js';
import type { EntryIndex } from './pipe-device.js';
import type { BasicEntry, ControlEntry, Pipe } from './program.js';
import { SlotPool } from './slot-pool.js';

/** A removed entry, with all that `restore` needs to put it back. */
export interface RemovedEntry {
  readonly slot: number;
  readonly id: EntryId;
  /** As the index has returned it. */
  readonly key: Uint8Array | undefined;
  readonly actionIndex: number;
  readonly control: ControlEntry | undefined;
  /** Where an entry of a control pipe stands among those of its priority. */
  readonly turn: number;
  readonly label: string | undefined;
}

/** What the entry in `slot` gets back when the one in slot `holder`, which has it now, goes. */
interface Claim {
  readonly slot: number;
  readonly holder: number;
  readonly key?: Uint8Array;
  readonly label?: string;
}

/** What each failed update of a control entry would have replaced, by what it would have put there: of all books. */
const formerOfFailed = new WeakMap<ControlEntry, ControlEntry>();

export class EntryBook {
  private readonly slots: SlotPool;
  /** Whether the entries of a basic pipe are counted. */
  private readonly isCounted: boolean;
  /** By slot, which action template of a basic pipe each entry has; the first, where there is nothing. */
  private actionIndices = new Uint8Array(0);
  /** The current entries of a control pipe, by slot. */
  private readonly controls: (ControlEntry | undefined)[] = [];
  /** By slot: entries of a control pipe have ascending numbers, in the order in which they were added. */
  private readonly turns: number[] = [];
  private nextTurn = 0;
  private readonly slotOfLabel = new Map<string, number>();
  private readonly labelOfSlot = new Map<number, string>();
  // A device that never fails needs none of these, and a process may have many books.
  /** Removed entries that the device has kept, by slot, where another entry has taken the slot meanwhile: its add will fail. */
  private pendingRestore: Map<number, RemovedEntry> | undefined;
  /** Slots of entries that the device has perhaps added: it did not answer. */
  private doubtful: Set<number> | undefined;
  /** Keys and labels of entries that the device has kept, each of which another entry has taken meanwhile. */
  private claims: Claim[] = [];

  /** `number` of `pipes` pipes; `index`: the device's, of a basic pipe. */
  constructor(
    readonly pipe: Pipe,
    readonly number: number,
    pipes: number,
    private readonly index: EntryIndex | null,
  ) {
    this.slots = new SlotPool(pipe.sizeEntries, number, pipes);
    this.isCounted = pipe.type === 'basic' && pipe.monitor?.counter === true;
  }

  /** Takes a slot for a checked entry; one of a control pipe belongs to the book from then on. Throws HalError ALREADY_EXIST or FULL, and changes nothing then. */
  add(entry: BasicEntry | ControlEntry): number {
    const { label } = entry;
    if (this.index !== null && this.index.find(entry as BasicEntry) >= 0) {
      const reason = 'an entry with this key exists already; update it, or remove it first';
      throw new HalError('ALREADY_EXIST', reason, this.place(label));
    }
    if (label !== undefined && this.slotOfLabel.has(label)) {
      throw new HalError('ALREADY_EXIST', 'an entry with this label exists already', this.place(label));
    }
    const slot = this.slots.take();
    if (slot < 0) {
      const reason = `the pipe holds ${this.pipe.sizeEntries} entries, as many as it can`;
      throw new HalError('FULL', reason, this.place(label));
    }
    if (this.index === null) {
      this.controls[slot] = entry as ControlEntry;
      this.turns[slot] = this.nextTurn++;
    } else {
      this.index.put(slot);
      this.setActionIndex(slot, (entry as BasicEntry).actionIndex ?? 0);
    }
    if (label !== undefined) this.setLabel(slot, label);
    return slot;
  }

  /** Takes an entry out of the book and frees its slot. */
  remove(slot: number): RemovedEntry {
    const claimed = this.claims.length === 0 ? {} : this.withdrawClaims(slot);
    const label = this.labelOfSlot.get(slot) ?? claimed.label;
    const removed: RemovedEntry = {
      slot,
      id: this.slots.idOf(slot),
      key: claimed.key ?? this.index?.take(slot),
      actionIndex: this.actionIndexOf(slot),
      control: this.controls[slot],
      turn: this.turns[slot] ?? 0,
      label,
    };
    if (this.index === null) this.controls[slot] = undefined;
    if (label !== undefined && this.labelOfSlot.delete(slot)) this.slotOfLabel.delete(label);
    this.slots.release(slot);
    this.doubtful?.delete(slot);
    const pendingRestore = this.pendingRestore?.get(slot);
    if (pendingRestore !== undefined) {
      this.pendingRestore!.delete(slot);
      this.restore(pendingRestore);
    }
    if (this.claims.length > 0) this.settleClaims(slot);
    return removed;
  }

  /** Takes out an entry that the device has failed to add. */
  takeBack(id: EntryId): void {
    const slot = this.slots.slotOf(id);
    // Somebody may have guessed the id and removed it meanwhile.
    if (slot >= 0) this.remove(slot);
  }

  /** Whether a removed entry waits for its slot. */
  get isRestoring(): boolean {
    return this.pendingRestore !== undefined && this.pendingRestore.size > 0;
  }

  /** The device has added the entry, so that the one whose slot it took is not there. */
  hasAdded(id: EntryId): void {
    this.pendingRestore?.delete(this.slots.slotOf(id));
  }

  /** Nobody knows whether the device has added an entry. It stays, unless the one whose slot it took has to. */
  hasPerhapsAdded(id: EntryId): void {
    const slot = this.slots.slotOf(id);
    if (slot < 0) return;
    if (this.pendingRestore?.has(slot) === true) this.remove(slot);
    else {
      this.doubtful ??= new Set();
      this.doubtful.add(slot);
    }
  }

  /** Puts a removed entry back: the device has failed to remove it, or nobody knows whether it has. */
  restore(removed: RemovedEntry): void {
    const { slot, id, key, actionIndex, control, turn, label } = removed;
    if (!this.slots.restore(slot, id)) {
      // Of several that had the slot the first one is there: the others took its place.
      this.pendingRestore ??= new Map();
      if (!this.pendingRestore.has(slot)) this.pendingRestore.set(slot, removed);
      if (this.doubtful?.has(slot) === true) this.remove(slot);
      return;
    }
    if (key === undefined) {
      this.controls[slot] = this.standing(control!);
      this.turns[slot] = turn;
    } else {
      this.reclaimKey(slot, key);
      this.setActionIndex(slot, actionIndex);
    }
    if (label !== undefined) this.reclaimLabel(slot, label);
  }

  idOf(slot: number): EntryId {
    return this.slots.idOf(slot);
  }

  /** Throws HalError NOT_FOUND. */
  slotOf(id: EntryId): number {
    const slot = this.slots.slotOf(id);
    if (slot < 0) {
      const place = { pipe: this.pipe.name, entry: id };
      throw new HalError('NOT_FOUND', 'no such entry; it may have been removed', place);
    }
    return slot;
  }

  /** The action template of a basic pipe's entry. */
  actionIndexOf(slot: number): number {
    return this.actionIndices[slot] ?? 0;
  }

  labelOf(slot: number): string | undefined {
    return this.labelOfSlot.get(slot);
  }

  /** The slot of a basic pipe's entry with these values, which lie under the pipe's masks; -1: there is none. */
  slotOfMatch(match: NonNullable<BasicEntry['match']>): number {
    return this.index!.find({ match });
  }

  /** The entry of a basic pipe, with its values. */
  entryAt(slot: number): BasicEntry {
    return this.index!.entryAt(slot);
  }

  /** The slots of a control pipe's entries, in the order in which they are tried. */
  slotsInOrder(): number[] {
    const { controls, turns } = this;
    return [...this.slots.slots()].sort(
      (a, b) => controls[a]!.priority - controls[b]!.priority || turns[a]! - turns[b]!,
    );
  }

  controlOf(slot: number): ControlEntry {
    return this.controls[slot]!;
  }

  /**
   * Replaces a control pipe's entry by an object that is new to the book, which keeps it as it is. Returns what takes this back
   * when the device has failed to do it. That changes nothing of what came later: a further update, whose entry is in the device
   * as a whole, or another entry in the slot.
   */
  replaceControl(slot: number, entry: ControlEntry): () => void {
    const former = this.controlOf(slot);
    this.controls[slot] = entry;
    return () => {
      formerOfFailed.set(entry, former);
      if (this.controls[slot] === entry) this.controls[slot] = this.standing(entry);
    };
  }

  /** The slot whose counter is meant; -1: there is none. */
  countedSlot(by: { readonly id: EntryId } | { readonly label: string }): number {
    const slot = 'id' in by ? this.slots.slotOf(by.id) : (this.slotOfLabel.get(by.label) ?? -1);
    if (slot < 0) return -1;
    const counted = this.index === null ? this.controlOf(slot).monitor?.counter === true : this.isCounted;
    return counted ? slot : -1;
  }

  /** Whether the pipe has a total: basic pipes with a counter, and all control pipes. */
  get hasTotal(): boolean {
    return this.index === null || this.isCounted;
  }

  /** The entry itself or, if an update that has failed would have put it there, the one that the device has instead. */
  private standing(entry: ControlEntry): ControlEntry {
    let standing = entry;
    for (;;) {
      const former = formerOfFailed.get(standing);
      if (former === undefined) return standing;
      standing = former;
    }
  }

  /** At once, or when the entry that has an equal key goes. */
  private reclaimKey(slot: number, key: Uint8Array): void {
    const holder = this.index!.putBack!(slot, key);
    if (holder >= 0) this.claims.push({ slot, holder, key });
  }

  private reclaimLabel(slot: number, label: string): void {
    const holder = this.slotOfLabel.get(label);
    if (holder === undefined) this.setLabel(slot, label);
    else this.claims.push({ slot, holder, label });
  }

  /** What the entry in `slot` waits for goes with it. */
  private withdrawClaims(slot: number): Pick<Claim, 'key' | 'label'> {
    const own = this.claims.filter((claim) => claim.slot === slot);
    this.claims = this.claims.filter((claim) => claim.slot !== slot);
    return Object.assign({}, ...own) as Claim;
  }

  /** The entry in slot `holder` has gone. */
  private settleClaims(holder: number): void {
    const claims = this.claims.filter((claim) => claim.holder === holder);
    this.claims = this.claims.filter((claim) => claim.holder !== holder);
    for (const { slot, key, label } of claims) {
      if (key !== undefined) this.reclaimKey(slot, key);
      if (label !== undefined) this.reclaimLabel(slot, label);
    }
  }

  private place(label: string | undefined): HalErrorPlace {
    return label === undefined ? { pipe: this.pipe.name } : { pipe: this.pipe.name, entry: label };
  }

  private setLabel(slot: number, label: string): void {
    this.slotOfLabel.set(label, slot);
    this.labelOfSlot.set(slot, label);
  }

  private setActionIndex(slot: number, actionIndex: number): void {
    // Most pipes have one template, and need nothing written down.
    if (actionIndex === 0 && slot >= this.actionIndices.length) return;
    this.actionIndices = enlarged(this.actionIndices, slot + 1);
    this.actionIndices[slot] = actionIndex;
  }
}
