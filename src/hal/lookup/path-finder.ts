/**
 * Finds the path of a packet. What is said of actions, mirrors and forwards in program.ts is done here once more, step by step, so that it
 * can be explained; no device has a part in it but by what it lends of its entries.
 */
import { ETHERNET_HEADER_OCTETS } from '../../packet/ethernet.js';
import type { EntryBook } from '../entry-book.js';
import { HalError } from '../errors.js';
import { SYNDROME_OK } from '../fields.js';
import type { PortDescription } from '../hal.js';
import type { ActionTemplate, BasicEntry, ControlEntry, Forward, PipeProgram } from '../program.js';
import { UPLINK_PORT } from '../program.js';
import { applyActions } from './effects.js';
import {
  LOOKUP_STEPS_MAX,
  type LookupCondition,
  type LookupDropReason,
  type LookupEffect,
  type LookupEnd,
  type LookupMirror,
  type LookupPacket,
  type LookupPath,
  type LookupStep,
} from './lookup.js';
import { type KeyLengthOf, PacketState } from './packet-state.js';
import { type Outcome, outcomesOf } from './pipe-outcomes.js';

/** One of the ways to go on; undefined: there is no other. */
interface Alternative {
  readonly condition: LookupCondition | undefined;
}

export class PathFinder {
  private steps = 0;
  private readonly books: ReadonlyMap<string, EntryBook>;

  /** `books` of the program's pipes. */
  constructor(
    private readonly program: PipeProgram,
    books: readonly EntryBook[],
    private readonly keyLengthOf: KeyLengthOf,
    private readonly ports: readonly PortDescription[],
  ) {
    this.books = new Map(books.map((book) => [book.pipe.name, book]));
  }

  /** The packet has been checked. Throws HalError TOO_BIG. */
  find({ frame, port, packetMeta, syndrome }: LookupPacket): LookupPath {
    const domain = port === undefined ? 'egress' : 'default';
    const root = this.program.pipes.find((pipe) => pipe.isRoot === true && pipe.domain === domain)!;
    const packet = new PacketState(frame, port ?? UPLINK_PORT, packetMeta ?? 0, syndrome);
    return this.path(packet, { to: 'pipe', pipe: root.name });
  }

  private path(packet: PacketState, forward: Forward): LookupPath {
    if (forward.to !== 'pipe') return { steps: [], end: this.end(packet, forward) };
    const { context } = packet;
    if (context.hops > this.program.pipes.length) return dropped('circle');
    context.hops++;
    if (context.stale) context.parse();
    const book = this.books.get(forward.pipe)!;
    return forked(packet, outcomesOf(book, context), (outcome, one) => this.inPipe(one, book, outcome));
  }

  /** From a pipe on, of whose look-up the outcome is known. */
  private inPipe(packet: PacketState, book: EntryBook, outcome: Outcome): LookupPath {
    if (templateOf(book, outcome)?.decrypt !== true) return this.through(packet, book, outcome, SYNDROME_OK);
    const syndromes = packet.syndromes();
    const alternatives = syndromes.map((syndrome) => ({
      syndrome,
      condition:
        syndromes.length > 1 ? ({ of: 'syndrome', pipe: book.pipe.name, syndrome } as const) : undefined,
    }));
    return forked(packet, alternatives, ({ syndrome }, one) => this.through(one, book, outcome, syndrome));
  }

  private through(packet: PacketState, book: EntryBook, outcome: Outcome, syndrome: number): LookupPath {
    this.steps++;
    if (this.steps > LOOKUP_STEPS_MAX) {
      throw new HalError('TOO_BIG', `lookup: the packet has more than ${LOOKUP_STEPS_MAX} steps to go`);
    }
    const { pipe } = book;
    const { hit, failed, key } = outcome;
    const forward = forwardOf(book, outcome);
    const effects: LookupEffect[] = [];
    const frameOctets = packet.context.frame.length;
    let lost: LookupDropReason | undefined;
    let mirror: LookupMirror | undefined;
    if (hit !== null) {
      const template = templateOf(book, outcome);
      if (template !== undefined) {
        lost = applyActions(template, hit.entry.values ?? {}, syndrome, packet, effects);
      }
      const name = monitorOf(book, outcome)?.mirror;
      if (lost === undefined && name !== undefined) {
        if (packet.seal(this.keyLengthOf)) mirror = this.copies(packet, name);
        else lost = 'not-encrypted';
      }
    }
    const isCounted = hit === null ? pipe.missCounter === true : monitorOf(book, outcome)?.counter === true;
    const step: LookupStep = {
      ...{ pipe: pipe.name, type: pipe.type, domain: pipe.domain, frameOctets },
      ...{ hit, failed, key, isCounted, effects, forward },
      ...(mirror === undefined ? {} : { mirror }),
    };
    const rest = lost === undefined ? this.path(packet, forward) : dropped(lost);
    return { steps: [step, ...rest.steps], end: rest.end };
  }

  private copies(packet: PacketState, name: string): LookupMirror {
    const { targets } = this.program.mirrors!.find((mirror) => mirror.name === name)!;
    const { encryption } = packet;
    return {
      name,
      ...(encryption === undefined ? {} : { encrypted: encryption }),
      copies: targets.map((target) => ({ target, path: this.path(packet.copy(), target) })),
    };
  }

  private end(packet: PacketState, forward: Exclude<Forward, { to: 'pipe' }>): LookupEnd {
    const { context } = packet;
    switch (forward.to) {
      case 'drop':
        return { end: 'drop', because: 'forward' };
      case 'kernel':
        return { end: 'kernel' };
      case 'rss':
        return { end: 'rss', packetMeta: context.meta[0]!, ...outgoing(packet) };
      case 'port':
        return this.leave(packet, forward.port);
    }
  }

  private leave(packet: PacketState, port: number): LookupEnd {
    if (!packet.seal(this.keyLengthOf)) return { end: 'drop', because: 'not-encrypted' };
    if (packet.isHeldBack(port)) return { end: 'drop', because: 'plaintext' };
    const { length } = packet.context.frame;
    const mtuOctets = this.ports.find(({ id }) => id === port)?.mtuOctets ?? Number.POSITIVE_INFINITY;
    if (length - ETHERNET_HEADER_OCTETS > mtuOctets) return { end: 'drop', because: 'too-long' };
    return { end: 'port', port, ...outgoing(packet) };
  }
}

function outgoing({ context, encryption }: PacketState) {
  return { frame: context.frame.slice(), ...(encryption === undefined ? {} : { encrypted: encryption }) };
}

function dropped(because: LookupDropReason): LookupPath {
  return { steps: [], end: { end: 'drop', because } };
}

/** Goes on with the only alternative, or with a copy of the packet in each. */
function forked<One extends Alternative>(
  packet: PacketState,
  alternatives: readonly One[],
  go: (alternative: One, packet: PacketState) => LookupPath,
): LookupPath {
  if (alternatives.length === 1) return go(alternatives[0]!, packet);
  const branches = alternatives.map((one) => ({ condition: one.condition!, path: go(one, packet.copy()) }));
  return { steps: [], end: { end: 'fork', branches } };
}

function templateOf({ pipe }: EntryBook, { hit }: Outcome): ActionTemplate | undefined {
  if (hit === null) return undefined;
  if (pipe.type === 'control') return (hit.entry as ControlEntry).actions;
  return pipe.actions?.[(hit.entry as BasicEntry).actionIndex ?? 0];
}

function monitorOf({ pipe }: EntryBook, { hit }: Outcome) {
  return pipe.type === 'control' ? (hit?.entry as ControlEntry | undefined)?.monitor : pipe.monitor;
}

function forwardOf({ pipe }: EntryBook, { hit }: Outcome): Forward {
  if (hit === null) return pipe.miss;
  return pipe.type === 'control' || pipe.forward === 'entry' ? hit.entry.forward! : pipe.forward;
}
