/**
 * pcapng files of a run: one per link, with an interface per endpoint, and one per VF. Frames are recorded where they
 * are sent, with what becomes of them as comment. Times are those of the run.
 */

import type { LinkFate } from '../hal-sim/ports/link.js';
import { PcapngWriter } from '../packet/pcapng.js';
import type { LinkPlan } from './model.js';

/** Takes the octets of files, in pieces, in order. */
export interface Sink {
  write(file: string, octets: Uint8Array): void;
}

const COMMENTS: Readonly<Record<LinkFate, string | undefined>> = {
  carried: undefined,
  lost: 'lost on the link',
  duplicated: 'copy made by the link',
  corrupted: 'bit flipped by the link',
  'queue-dropped': 'dropped: the queue of the link is full',
};

export class Captures {
  readonly #writers = new Map<string, PcapngWriter>();

  constructor(
    private readonly sink: Sink,
    /** Since the epoch. */
    private readonly nowMs: () => number,
    /** Octets of each frame that are recorded; 0: all. */
    private readonly snapOctets = 0,
  ) {}

  onLink(plan: LinkPlan, from: 0 | 1, frame: Uint8Array, fate: LinkFate): void {
    const [a, b] = plan.endpoints.map(({ node, port }) => `${node}:${port}`);
    const writer = this.#writer(`link-${a}-${b}.pcapng`, [a!, b!]);
    this.#write(writer, from, frame, COMMENTS[fate]);
  }

  /** `in`: from the workload to the gateway. */
  onVf(node: string, direction: 'in' | 'out', frame: Uint8Array): void {
    const writer = this.#writer(`vf-${node}.pcapng`, [`${node}:vf from workload`, `${node}:vf to workload`]);
    this.#write(writer, direction === 'in' ? 0 : 1, frame, undefined);
  }

  #writer(name: string, interfaces: readonly string[]): PcapngWriter {
    const file = name.replaceAll(':', '_');
    const known = this.#writers.get(file);
    if (known !== undefined) return known;
    const writer = new PcapngWriter((octets) => this.sink.write(file, octets), this.snapOctets);
    for (const one of interfaces) writer.addInterface(one);
    this.#writers.set(file, writer);
    return writer;
  }

  #write(writer: PcapngWriter, interfaceIndex: number, frame: Uint8Array, comment: string | undefined): void {
    writer.write({
      interfaceIndex,
      timestampNs: BigInt(Math.round(this.nowMs() * 1000)) * 1000n,
      frame,
      ...(comment === undefined ? {} : { comment }),
    });
  }
}
