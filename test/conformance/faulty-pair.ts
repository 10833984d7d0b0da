/**
 * A pair whose hal-doca runs over a device that fails now and then. What failed there is not asked of the simulator;
 * everything else must be as if it had never been asked of either.
 */
import { expect } from 'vitest';
import type { EntryId, EntryOperation, EntryResult } from '../../src/hal/hal.js';
import type { HalHarness } from '../../src/verify/harness.js';
import { outcome, Pair, plain } from './pair.js';

const FAULTS_PER_THOUSAND = 150;

export class FaultyPair extends Pair {
  private readonly docaIds = new Map<EntryId, EntryId>();
  private faulty = false;
  /** Operations that were made to fail. */
  failed = 0;

  /** `setFaults` as the rings have it. */
  constructor(
    sim: HalHarness,
    doca: HalHarness,
    rssQueues: number,
    private readonly setFaults: (seed: number, perThousand: number) => void,
  ) {
    super(sim, doca, rssQueues);
  }

  start(seed: number): void {
    this.faulty = true;
    this.setFaults(seed, FAULTS_PER_THOUSAND);
  }

  stop(): void {
    this.faulty = false;
    this.setFaults(0, 0);
  }

  override async apply(operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    const docaResults = await this.doca.hal.apply(
      operations.map((operation) =>
        'id' in operation ? { ...operation, id: this.docaIdOf(operation.id) } : operation,
      ),
    );
    const asked = operations.map((_, i) => !this.faulty || !('error' in docaResults[i]!));
    const simResults = (await this.sim.hal.apply(operations.filter((_, i) => asked[i]))).values();
    return docaResults.map((doca, i) => {
      if ('error' in doca && doca.error.code === 'DRIVER') this.failed++;
      if (!asked[i]) return doca;
      const sim = simResults.next().value!;
      expect('error' in doca ? plain(doca.error) : 'done', `operation ${i}`).toEqual(
        'error' in sim ? plain(sim.error) : 'done',
      );
      if ('id' in sim && 'id' in doca) this.docaIds.set(sim.id, doca.id);
      return sim;
    });
  }

  override async compareCounterOf(id: EntryId): Promise<void> {
    const sim = await outcome(() => this.sim.hal.counters([{ id }]));
    const doca = await outcome(() => this.doca.hal.counters([{ id: this.docaIdOf(id) }]));
    if ('result' in sim && 'result' in doca) expect(plain(doca)).toEqual(plain(sim));
    else expect('error' in doca).toBe('error' in sim);
  }

  private docaIdOf(id: EntryId): EntryId {
    return this.docaIds.get(id) ?? id;
  }
}
