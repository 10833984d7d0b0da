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
import type { FieldName } from '../../src/hal/fields.js';
import type { EntryId, EntryOperation, PipeHal } from '../../src/hal/hal.js';
import type { BasicPipe, ControlEntry, ControlPipe, PipeProgram } from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { Choose } from '../support/choose.js';
import { type DocaRelease, startRings } from '../support/doca-harness.js';
import { carryingProgram, SLOT_KEYS } from './carries.js';
import { describeCases } from './cases.js';
import { FaultyPair } from './faulty-pair.js';
import { MASTER_KEYS } from './master-keys.js';
import { openPair } from './open-pair.js';
import { Pair } from './pair.js';
import { KEY_SLOTS } from './random-actions.js';
import { entryForward, randomBasicEntry, randomControlEntry } from './random-entries.js';
import { damaged, randomFrame, randomPspFrame } from './random-packets.js';
import { Traffic } from './traffic.js';

const UPLINK_MTU_OCTETS = 1500;
const VF_MTU_OCTETS = 1400;
const CASES_PER_TEST = 500;
const BURST_FRAMES_MAX = 32;
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
  release: DocaRelease,
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

interface LiveEntry {
  readonly id: EntryId;
  readonly pipe: string;
  readonly priority: number;
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

async function runCase(kind: Kind, release: DocaRelease, seed: number): Promise<Reached> {
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
    const traffic = new Traffic(choose, MASTER_KEYS as never);
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
  private live: LiveEntry[] = [];
  private removed: EntryId[] = [];
  /** Control pipes' entries that the batch in the making adds. */
  private adding: { readonly pipe: string; readonly priority: number }[] = [];
  private labels = 0;

  constructor(
    private readonly choose: Choose,
    private readonly pair: Pair,
    private readonly program: PipeProgram,
    private readonly traffic: Traffic,
    private readonly inBursts: boolean,
  ) {}

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

  /** Every pipe is emptied, and filled: nothing that failed before takes a place. */
  async refill(): Promise<void> {
    const { choose, pair, program } = this;
    await pair.apply(this.live.map(({ id }): EntryOperation => ({ operation: 'remove', id })));
    this.live = [];
    for (const pipe of program.pipes) {
      const operations = choose.times(pipe.sizeEntries + 2, (): EntryOperation => {
        const entry =
          pipe.type === 'control'
            ? this.controlEntry(pipe, undefined)
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
      ? randomPspFrame(choose, MASTER_KEYS as never)
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
      await pair.bothOrError(({ hal }) => hal.generateKeys(octets, count));
    } else {
      const slots = choose.times(choose.between(1, 3), () => ({
        cryptoId: choose.once(6) ? choose.pick([0, KEY_SLOTS + 1]) : choose.between(1, KEY_SLOTS),
        key: choose.octets(choose.once(8) ? 24 : choose.pick([16, 32])),
      }));
      await pair.both(({ hal }) => hal.setKeys(slots));
    }
  }

  private async entries(): Promise<void> {
    const { choose, pair } = this;
    this.adding = [];
    const operations = choose.times(choose.between(1, 6), () => this.operation());
    const results = await pair.apply(operations);
    for (const [i, operation] of operations.entries()) {
      const result = results[i]!;
      if ('error' in result) continue;
      if (operation.operation === 'add') {
        const priority = 'priority' in operation.entry ? operation.entry.priority : -1;
        this.live.push({ id: result.id, pipe: operation.pipe, priority });
      } else if (operation.operation === 'remove') {
        this.live = this.live.filter(({ id }) => id !== operation.id);
        this.removed.push(operation.id);
      }
    }
    for (const { id } of this.live) await pair.compareCounterOf(id);
  }

  private operation(): EntryOperation {
    const { choose, program } = this;
    const kind = choose.below(8);
    if (kind === 0 && this.live.length > 0) return { operation: 'remove', id: choose.pick(this.live).id };
    if (kind === 1 && this.removed.length > 0) {
      const id = choose.pick(this.removed);
      return choose.once(2) ? { operation: 'remove', id } : { operation: 'update', id };
    }
    if (kind < 4 && this.live.length > 0) {
      const update = this.update(choose.pick(this.live));
      if (update !== undefined) return update;
    }
    const pipe = choose.pick(program.pipes);
    const label = choose.once(4) ? `d${choose.once(4) ? 0 : this.labels++}` : undefined;
    const name = choose.once(40) ? 'NOWHERE' : pipe.name;
    if (pipe.type === 'control') {
      const entry = this.controlEntry(pipe, label);
      this.adding.push({ pipe: pipe.name, priority: entry.priority });
      return { operation: 'add', pipe: name, entry: damagedEntry(choose, entry) };
    }
    return {
      operation: 'add',
      pipe: name,
      entry: damagedEntry(choose, randomBasicEntry(choose, program, pipe, this.traffic.aim(choose), label)),
    };
  }

  private controlEntry(pipe: ControlPipe, label: string | undefined): ControlEntry {
    return until(
      () => randomControlEntry(this.choose, this.program, pipe, this.traffic.aim(this.choose), label),
      (entry) => {
        const { decap, encap, decrypt, encrypt } = entry.actions ?? {};
        if (decap !== undefined && encap !== undefined) return false;
        if (decrypt === true && encrypt !== undefined) return false;
        return !this.inBursts || !looksAtRandom(entry);
      },
    );
  }

  private update({ id, pipe: name, priority }: LiveEntry): EntryOperation | undefined {
    const { choose, program } = this;
    const pipe = program.pipes.find((one) => one.name === name)!;
    if (pipe.type === 'control') {
      // Static entries' priorities count as well.
      const tied =
        [...this.live, ...this.adding].filter((one) => one.pipe === name && one.priority === priority)
          .length > 1 || pipe.entries?.some((entry) => entry.priority === priority) === true;
      if (tied || priority < 0) return undefined;
      return { operation: 'update', id, forward: entryForward(choose, program, pipe) };
    }
    // Which action template it has is not known here; where values differ, both must refuse alike.
    const { values } = randomBasicEntry(choose, program, pipe as BasicPipe, this.traffic.aim(choose));
    return {
      operation: 'update',
      id,
      ...(values === undefined || choose.once(4) ? {} : { values }),
      ...(pipe.forward === 'entry' && choose.once(2) ? { forward: entryForward(choose, program, pipe) } : {}),
    };
  }
}

function until<Made>(make: () => Made, fits: (made: Made) => boolean): Made {
  for (;;) {
    const made = make();
    if (fits(made)) return made;
  }
}

const RANDOM: FieldName = 'parser_meta.random';

function looksAtRandom({ match, condition }: Partial<Pick<ControlEntry, 'match' | 'condition'>>): boolean {
  return (match !== undefined && RANDOM in match) || condition?.field === RANDOM;
}

function drawsNumbers({ pipes }: PipeProgram): boolean {
  return pipes.some((pipe) =>
    pipe.type === 'control'
      ? pipe.entries?.some(looksAtRandom) === true
      : looksAtRandom({ match: pipe.match }),
  );
}

/** Now and then an entry that must be refused. */
function damagedEntry<Entry extends object>(choose: Choose, entry: Entry): Entry {
  if (!choose.once(12)) return entry;
  return choose.pick([
    { ...entry, match: { ...('match' in entry ? (entry.match as object) : {}), 'outer.ip4.src_ip': -1 } },
    { ...entry, forward: { to: 'pipe', pipe: 'GONE' } },
    { ...entry, values: { cryptoId: KEY_SLOTS + 1 } },
    { ...entry, actionIndex: 9, priority: 9 },
  ]) as Entry;
}
