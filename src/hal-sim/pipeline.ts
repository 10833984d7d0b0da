/**
 * A built program: its pipes as tables, its mirrors, and the walk of a packet from a root to its fate.
 */

import type { Random } from '../base/random.js';
import type { LossKind } from '../hal/frame-tap.js';
import type { Counter } from '../hal/hal.js';
import { PacketContext } from '../hal/packet/packet-context.js';
import { type EntryIndex, type EntryWriter, MISS_COUNTER, TOTAL_COUNTER } from '../hal/pipe-device.js';
import {
  type ActionValues,
  type BasicEntry,
  type ControlEntry,
  type Forward,
  type PipeProgram,
  UPLINK_PORT,
} from '../hal/program.js';
import { BasicPipeTable } from './basic-pipe.js';
import { ControlPipeTable } from './control-pipe.js';
import type { CryptoUnit } from './crypto-unit.js';
import { CODE_DROP, CODE_KERNEL, CODE_PIPE, CODE_PORT, CODE_RSS, forwardCode } from './forward-code.js';
import type { PipeContext } from './pipe-table.js';
import type { DeviceStatistics } from './statistics.js';

const RANDOM_MASK = 0xffff;

/** Where packets leave the pipeline. The frame belongs to the exit from then on. */
export interface PipelineExits {
  /** The frame is as it shall be on the wire; `mirrored`: a mirror has made copies of it. False: the port cannot carry it. */
  toPort(port: number, frame: Uint8Array, mirrored: boolean): boolean;
  /** False: there is no room. */
  toRss(frame: Uint8Array, packetMeta: number): boolean;
  /** `port`: the one that the frame has come in by. False: there is no kernel that takes it. */
  toKernel(frame: Uint8Array, port: number): boolean;
}

/** Told of a packet that did not get through; `pipe`: the number of the last one that it came to, negative where it came to none. */
export type LossListener = (kind: LossKind, pipe: number, packet: PacketContext) => void;

export class Pipeline implements EntryWriter {
  /** null: nobody wants to know. Not called for copies that mirrors make. */
  onLoss: LossListener | null = null;
  private readonly pipes: readonly (BasicPipeTable | ControlPipeTable)[];
  private readonly ingressRoot: number;
  private readonly egressRoot: number;
  /** Forward codes of each mirror's targets. */
  private readonly mirrors: readonly (readonly number[])[];
  /** One per depth: the packet in hand, and the copies that mirrors make while it waits. */
  private readonly contexts: PacketContext[] = [new PacketContext()];
  private depth = 0;

  /** `program` is valid; its static entries are left to whoever writes entries. */
  constructor(
    program: PipeProgram,
    random: Random,
    private readonly crypto: CryptoUnit,
    private readonly statistics: DeviceStatistics,
    private readonly exits: PipelineExits,
  ) {
    const mirrors = program.mirrors ?? [];
    const pipeNumbers = new Map(program.pipes.map((pipe, i) => [pipe.name, i]));
    this.mirrors = mirrors.map(({ targets }) => targets.map((target) => forwardCode(target, pipeNumbers)));
    const context: PipeContext = {
      pipeNumbers,
      mirrorNumbers: new Map(mirrors.map((mirror, i) => [mirror.name, i])),
      crypto,
      drawRandom: () => random.uint32() & RANDOM_MASK,
      copyToMirror: (packet, mirror) => this.copyToMirror(packet, mirror),
    };
    this.pipes = program.pipes.map((pipe) =>
      pipe.type === 'basic' ? new BasicPipeTable(pipe, context) : new ControlPipeTable(pipe, context),
    );
    this.ingressRoot = program.pipes.findIndex((pipe) => pipe.isRoot === true && pipe.domain === 'default');
    this.egressRoot = program.pipes.findIndex((pipe) => pipe.isRoot === true && pipe.domain === 'egress');
  }

  /** The indexes of the pipes; null of control pipes. */
  get indexes(): (EntryIndex | null)[] {
    return this.pipes.map((pipe) => (pipe instanceof BasicPipeTable ? pipe : null));
  }

  add(pipe: number, slot: number, entry: BasicEntry): void {
    (this.pipes[pipe] as BasicPipeTable).add(slot, entry);
  }

  update(
    pipe: number,
    slot: number,
    actionIndex: number,
    values: ActionValues | undefined,
    forward: Forward | undefined,
  ): void {
    (this.pipes[pipe] as BasicPipeTable).update(slot, actionIndex, values, forward);
  }

  addControl(pipe: number, slot: number, entry: ControlEntry): void {
    (this.pipes[pipe] as ControlPipeTable).add(slot, entry);
  }

  updateControl(pipe: number, slot: number, entry: ControlEntry): void {
    (this.pipes[pipe] as ControlPipeTable).update(slot, entry);
  }

  remove(pipe: number, slot: number): void {
    this.pipes[pipe].remove(slot);
  }

  /** `slot`, or MISS_COUNTER or TOTAL_COUNTER. */
  counter(pipe: number, slot: number): Counter {
    const table = this.pipes[pipe];
    if (slot === MISS_COUNTER) return table.missCounter();
    return slot === TOTAL_COUNTER ? table.totalCounter() : table.entryCounter(slot);
  }

  /** A frame that came in by a port. */
  receive(frame: Uint8Array, port: number): void {
    this.statistics.packetsIn++;
    const packet = this.contexts[0];
    packet.load(frame, port, 0);
    this.walk(packet, CODE_PIPE + this.ingressRoot);
    packet.release();
  }

  /** A frame for the egress root. */
  transmit(frame: Uint8Array, packetMeta: number): void {
    this.statistics.packetsIn++;
    const packet = this.contexts[0];
    packet.load(frame, UPLINK_PORT, packetMeta);
    this.walk(packet, CODE_PIPE + this.egressRoot);
    packet.release();
  }

  private walk(packet: PacketContext, start: number): void {
    let code = start;
    let pipe = -1;
    while (code >= CODE_PIPE) {
      // Validation excludes cycles of the program's own; entries that were added later might close one.
      if (packet.hops++ > this.pipes.length) {
        this.statistics.dropped++;
        this.lose('loop', pipe, packet);
        return;
      }
      if (packet.stale) packet.parse();
      pipe = code - CODE_PIPE;
      code = this.pipes[pipe].process(packet);
    }
    if (code >= CODE_PORT) this.leaveByPort(packet, code - CODE_PORT, pipe);
    else if (code === CODE_RSS) {
      if (!this.exits.toRss(packet.frame, packet.meta[0])) this.lose('queue-full', pipe, packet);
    } else if (code === CODE_DROP) {
      this.statistics.dropped++;
      this.lose('dropped', pipe, packet);
    } else if (code === CODE_KERNEL) {
      this.statistics.toKernel++;
      if (!this.exits.toKernel(packet.frame, packet.portId)) this.lose('no-kernel', pipe, packet);
    }
    // Has been counted by what lost it.
    else this.lose('unprocessed', pipe, packet);
  }

  private leaveByPort(packet: PacketContext, port: number, pipe: number): void {
    if (packet.cryptoId !== 0 && !packet.sealed) {
      if (!this.crypto.seal(packet)) {
        this.lose('not-encrypted', pipe, packet);
        return;
      }
    } else if (port === UPLINK_PORT && (packet.exposed || (packet.encapOffset >= 0 && !packet.sealed))) {
      // Plaintext in a PSP envelope never goes to the network.
      this.statistics.txError++;
      this.lose('not-encrypted', pipe, packet);
      return;
    }
    if (!this.exits.toPort(port, packet.frame, packet.mirrored)) this.lose('too-big', pipe, packet);
  }

  private lose(kind: LossKind, pipe: number, packet: PacketContext): void {
    if (this.onLoss !== null && this.depth === 0) this.onLoss(kind, pipe, packet);
  }

  private copyToMirror(packet: PacketContext, mirror: number): boolean {
    if (packet.cryptoId !== 0 && !packet.sealed && !this.crypto.seal(packet)) return false;
    packet.mirrored = true;
    for (const target of this.mirrors[mirror]) {
      this.depth++;
      let copy = this.contexts[this.depth];
      if (copy === undefined) {
        copy = new PacketContext();
        this.contexts.push(copy);
      }
      copy.copyFrom(packet);
      this.statistics.copies++;
      this.walk(copy, target);
      copy.release();
      this.depth--;
    }
    return true;
  }
}
