/**
 * The simulator against hal-doca over the software DOCA: two implementations that share no code below PipeHAL. A
 * case is a random program, entries, keys, rotations and packets, in random order, through both: the same frames
 * out of the same ports, the same RSS packets with the same metadata, the same counters, the same errors. The same
 * over a device that refuses operations on entries, or fails them later: what failed has changed nothing. Most programs
 * are drawn so that packets of the case are sealed, or opened, and leave; how many are is asserted.
 *
 * Left out, because PipeHAL leaves it open or DOCA cannot be asked for it: slots without a key; an update of a control
 * pipe's entry that shares its priority; a condition on a field that the same entry matches; parts of the port's
 * number; decap with encap, or decrypt with encrypt, in one action template; frames of `transmit` beyond the MTU.
 */
import { expect } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { SYNDROME_OK } from '../../src/hal/fields.js';
import type { EntryOperation, PipeHal } from '../../src/hal/hal.js';
import type { PipeProgram } from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { deriveKey } from '../../src/psp/key-derivation.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { opened } from '../../src/verify/opened.js';
import { carryingProgram, SLOT_KEYS } from '../../src/verify/random/carries.js';
import { KEY_SLOTS } from '../../src/verify/random/random-actions.js';
import { randomBasicEntry } from '../../src/verify/random/random-entries.js';
import { drawsNumbers, RandomOperations } from '../../src/verify/random/random-operations.js';
import {
  damaged,
  keysOfMasters,
  randomFrame,
  randomPspFrame,
} from '../../src/verify/random/random-packets.js';
import { Traffic } from '../../src/verify/random/traffic.js';
import { type LongRelease, startRings } from '../support/doca-harness.js';
import { describeCases } from './cases.js';
import { FaultyPair } from './faulty-pair.js';
import { openPair } from './open-pair.js';
import { Pair } from './pair.js';

const UPLINK_MTU_OCTETS = 1500;
const VF_MTU_OCTETS = 1400;
const CASES_PER_TEST = 500;
const BURST_FRAMES_MAX = 32;
/** Of so many cases one compares look-ups at its end; those over a device that fails do so after every batch. */
const LOOKUP_CASES = 4;
/** Below so many cases their shares say nothing. */
const CASES_MIN = 100;
/** Of the cases: some packet is sealed, is opened, leaves. */
const SEALED_SHARE_MIN = 1 / 3;
const OPENED_SHARE_MIN = 1 / 3;
const OUTPUT_SHARE_MIN = 0.9;

/** With `faults` the device fails now and then. */
type Kind = 'differential' | 'faults';

/** `file`: the test file's name, without its release. */
export function describeDifferential(
  kind: Kind,
  release: LongRelease,
  cases: number,
  file: string = kind,
): void {
  const device = `the software DOCA ${release}`;
  describeCases({
    kind: file,
    release,
    against: kind === 'faults' ? `${device} that fails now and then` : device,
    cases,
    casesPerTest: CASES_PER_TEST,
    runCase: (seed) => runCase(kind, release, seed),
    check: (reached) => checkReached(kind, reached),
  });
}

/** Fixed seeds: what their cases reach is known. */
function checkReached(kind: Kind, reached: readonly Reached[]): void {
  const shareOf = (has: (one: Reached) => boolean) => reached.filter(has).length / reached.length;
  expect(shareOf(({ failed }) => failed > 0) > 0).toBe(kind === 'faults');
  if (reached.length < CASES_MIN) return;
  expect(shareOf(({ sealed }) => sealed)).toBeGreaterThanOrEqual(SEALED_SHARE_MIN);
  expect(shareOf(({ opened }) => opened)).toBeGreaterThanOrEqual(OPENED_SHARE_MIN);
  expect(shareOf(({ output }) => output)).toBeGreaterThanOrEqual(OUTPUT_SHARE_MIN);
}

/** What a case has reached. */
interface Reached {
  /** Operations that were made to fail. */
  readonly failed: number;
  readonly sealed: boolean;
  readonly opened: boolean;
  /** Frames that left, and packets that went to RSS. */
  readonly output: boolean;
}

async function runCase(kind: Kind, release: LongRelease, seed: number): Promise<Reached> {
  const choose = new Choose(seed * 2 + 1);
  const randomSeed = choose.uint32();
  const firstSpi = choose.once(3) ? 0x7ffffffe : 1;
  const rssQueues = 1 + (seed % 2);
  // In bursts numbers are drawn, and copies are made, in an order that is open.
  const inBursts = kind === 'differential' && choose.once(2);
  const { sim, doca } = await openPair(release, {
    randomSeed,
    firstSpi,
    uplinkMtuOctets: UPLINK_MTU_OCTETS,
    vfMtuOctets: VF_MTU_OCTETS,
    keySlots: KEY_SLOTS,
    burst: inBursts ? BURST_FRAMES_MAX : 1,
    rssQueues,
  });
  const { setFaults } = startRings(release);
  const faulty = kind === 'faults' ? new FaultyPair(sim, doca, rssQueues, setFaults) : undefined;
  const pair = faulty ?? new Pair(sim, doca, rssQueues);
  try {
    const traffic = new Traffic(choose, keysOfMasters(MASTER_KEYS));
    const program = await carryingProgram(
      choose,
      traffic,
      (one) => !inBursts || (one.mirrors === undefined && !drawsNumbers(one)),
    );
    await pair.both(({ hal }) => hal.build(program));
    await pair.both(({ hal }) => hal.setKeys(SLOT_KEYS));
    const steps = new Steps(choose, pair, program, traffic, inBursts);
    faulty?.start(randomSeed);
    await steps.run();
    faulty?.stop();
    await pair.compareCounters(program);
    if (seed % LOOKUP_CASES === 0) steps.compareLookups();
    if (faulty !== undefined) await steps.refill();
    const { txPackets, rxPackets } = await sim.hal.statistics();
    return {
      failed: faulty?.failed ?? 0,
      sealed: txPackets! > 0n,
      opened: rxPackets! > 0n,
      output: pair.outputs > 0,
    };
  } finally {
    faulty?.stop();
    await sim.hal.close();
    await doca.hal.close();
  }
}

/** What is done to the pair, step by step. */
class Steps {
  private readonly operations: RandomOperations;

  constructor(
    private readonly choose: Choose,
    private readonly pair: Pair,
    private readonly program: PipeProgram,
    private readonly traffic: Traffic,
    private readonly inBursts: boolean,
  ) {
    const options = { random: !inBursts, tiedUpdates: false };
    this.operations = new RandomOperations(choose, program, traffic, options);
  }

  async run(): Promise<void> {
    await this.flows();
    await this.entries();
    for (let step = this.choose.between(4, 10); step > 0; step--) {
      const kind = this.choose.below(10);
      if (kind < 2) await this.entries();
      else if (kind === 2) await this.keys();
      else if (kind === 3) await this.transmit();
      else await this.receive();
    }
  }

  /** Of all that the case is about, as a peer that knows the keys would ask. */
  compareLookups(): void {
    for (const { port, frame } of this.traffic.flows) {
      const plain = opened(frame, (spi, version) => deriveKey(MASTER_KEYS[spi >>> 31]!, spi, version));
      this.pair.compareLookup({
        ...{ port, frame: plain?.frame ?? frame },
        ...(plain === undefined ? {} : { syndrome: SYNDROME_OK }),
      });
    }
  }

  /** Every pipe is emptied, and filled: nothing that failed before takes a place. */
  async refill(): Promise<void> {
    const { choose, pair, program } = this;
    await pair.apply(this.operations.live.map(({ id }): EntryOperation => ({ operation: 'remove', id })));
    this.operations.live = [];
    for (const pipe of program.pipes) {
      const operations = choose.times(pipe.sizeEntries + 2, (): EntryOperation => {
        const entry =
          pipe.type === 'control'
            ? this.operations.controlEntry(pipe, undefined)
            : randomBasicEntry(choose, program, pipe, this.traffic.aim(choose));
        return { operation: 'add', pipe: pipe.name, entry };
      });
      await pair.apply(operations);
    }
    await this.receive();
  }

  private async receive(): Promise<void> {
    const { choose } = this;
    const port = choose.pick([UPLINK_PORT, UPLINK_PORT, VF_PORT]);
    const count = choose.between(1, this.inBursts ? BURST_FRAMES_MAX : 4);
    await this.inject(
      port,
      choose.times(count, () => this.frame(port)),
    );
  }

  /** All that the case is about, as it is. */
  private async flows(): Promise<void> {
    for (const port of [UPLINK_PORT, VF_PORT]) {
      const flows = this.traffic.flows.filter((flow) => flow.port === port);
      await this.inject(
        port,
        flows.map(({ frame }) => frame),
      );
    }
  }

  private frame(port: number): Uint8Array {
    const { choose } = this;
    const flows = this.traffic.flows.filter((flow) => flow.port === port);
    if (flows.length > 0 && choose.once(2)) {
      const { frame } = choose.pick(flows);
      return choose.once(4) ? damaged(choose, frame) : frame;
    }
    return port === UPLINK_PORT && !choose.once(3)
      ? randomPspFrame(choose, keysOfMasters(MASTER_KEYS))
      : randomFrame(choose);
  }

  private async inject(port: number, frames: readonly Uint8Array[]): Promise<void> {
    const { pair } = this;
    for (const harness of [pair.sim, pair.doca]) {
      harness.inject(
        port,
        frames.map((frame) => frame.slice()),
      );
    }
    await pair.compareTraffic();
  }

  private async transmit(): Promise<void> {
    const { choose, pair } = this;
    const packets = choose.times(choose.between(1, 3), () => ({
      frame: randomFrame(choose).subarray(0, UPLINK_MTU_OCTETS),
      ...(choose.once(2) ? { packetMeta: choose.below(3) } : {}),
    }));
    const transmit = async ({ hal }: { hal: PipeHal }) => hal.transmit(packets);
    await pair.bothOrError(transmit);
    await pair.compareTraffic();
  }

  private async keys(): Promise<void> {
    const { choose, pair } = this;
    const kind = choose.below(3);
    if (kind === 0) {
      await pair.both(({ hal }) => hal.rotateMasterKey());
    } else if (kind === 1) {
      const octets = choose.pick([16, 32] as const);
      const count = choose.between(1, 3);
      const algorithm = choose.pick(['gcm', 'gmac'] as const);
      await pair.bothOrError(({ hal }) => hal.generateKeys(octets, count, algorithm));
    } else {
      const slots = choose.times(choose.between(1, 3), () => ({
        cryptoId: choose.once(6) ? choose.pick([0, KEY_SLOTS + 1]) : choose.between(1, KEY_SLOTS),
        key: choose.octets(choose.once(8) ? 24 : choose.pick([16, 32])),
      }));
      await pair.both(({ hal }) => hal.setKeys(slots));
    }
  }

  private async entries(): Promise<void> {
    const { operations, pair } = this;
    const batch = operations.batch();
    operations.done(batch, await pair.apply(batch));
    for (const { id } of operations.live) await pair.compareCounterOf(id);
    if (pair instanceof FaultyPair) this.compareLookups();
  }
}
