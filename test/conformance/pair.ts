/** The simulator and hal-doca, of which the same is asked. */
import { expect } from 'vitest';
import type { CounterSelector, EntryId, EntryOperation, EntryResult } from '../../src/hal/hal.js';
import type { LookupPacket, LookupPath } from '../../src/hal/lookup/lookup.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import type { HalHarness } from '../../src/verify/harness.js';

/** The two devices. Whatever is asked of them must have the same result. */
export class Pair {
  /** Frames that have left, and packets that have gone to RSS. */
  outputs = 0;

  /** `rssQueues` of hal-doca: between them the order of packets is open. */
  constructor(
    readonly sim: HalHarness,
    readonly doca: HalHarness,
    private readonly rssQueues: number,
  ) {}

  async both<Result>(ask: (harness: HalHarness) => Promise<Result>): Promise<Result> {
    const sim = await this.same(ask);
    if ('error' in sim) throw sim.error;
    return sim.result;
  }

  /** The same, of something that may fail. */
  async bothOrError(ask: (harness: HalHarness) => Promise<unknown>): Promise<void> {
    await this.same(ask);
  }

  private async same<Result>(ask: (harness: HalHarness) => Promise<Result>): Promise<Outcome<Result>> {
    const [sim, doca] = await Promise.all([outcome(() => ask(this.sim)), outcome(() => ask(this.doca))]);
    expect(plain(doca)).toEqual(plain(sim));
    return sim;
  }

  /** Ids are those of the simulator. */
  apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    return this.both(({ hal }) => hal.apply(operations));
  }

  compareCounterOf(id: EntryId): Promise<void> {
    return this.bothOrError(({ hal }) => hal.counters([{ id }]));
  }

  async compareTraffic(): Promise<void> {
    await this.sim.settle();
    await this.doca.settle();
    for (const port of [UPLINK_PORT, VF_PORT]) {
      const sent = this.sim.takeSent(port).map(hex);
      expect(this.doca.takeSent(port).map(hex), `sent by port ${port}`).toEqual(sent);
      this.outputs += sent.length;
    }
    const rss = (harness: HalHarness) => {
      const packets = harness.takeRss();
      const texts = packets.map(({ frame, packetMeta }) => `${packetMeta.toString(16)} ${hex(frame)}`);
      return this.rssQueues > 1 ? texts.sort() : texts;
    };
    const received = rss(this.sim);
    expect(rss(this.doca), 'RSS').toEqual(received);
    this.outputs += received.length;
  }

  /** What would become of a packet, but for the ids of entries. */
  compareLookup(packet: LookupPacket): LookupPath {
    const answer = this.sim.hal.lookup(packet);
    expect(withoutIds(this.doca.hal.lookup(packet))).toEqual(withoutIds(answer));
    return answer;
  }

  async compareCounters(program: PipeProgram): Promise<void> {
    const selectors = program.pipes.flatMap((pipe): CounterSelector[] => [
      { pipe: pipe.name, miss: true },
      { pipe: pipe.name, total: true },
      ...(pipe.entries ?? []).map(({ label }) => ({ pipe: pipe.name, label: label! })),
    ]);
    for (const selector of selectors) await this.bothOrError(({ hal }) => hal.counters([selector]));
  }
}

type Outcome<Result> = { readonly result: Result } | { readonly error: Error };

export async function outcome<Result>(ask: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { result: await ask() };
  } catch (error) {
    return { error: error as Error };
  }
}

/** Errors as their messages, octets as hex, so that differences can be read. */
export function plain(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  if (value instanceof Uint8Array) return hex(value);
  if (value instanceof Uint32Array || Array.isArray(value))
    return Array.from(value as ArrayLike<unknown>, plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

function withoutIds(answer: LookupPath): unknown {
  return JSON.parse(JSON.stringify(plain(answer), (key, value) => (key === 'id' ? undefined : value)));
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
}
