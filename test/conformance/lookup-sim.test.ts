/**
 * What `lookup` says of a packet against what becomes of it in the simulator, over random programs, entries and packets: one of the ways
 * that the answer leaves open is the one that all counters, and all that comes out, show; and there is one only where nothing is random.
 */
import { expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { SYNDROME_ICV_FAIL, SYNDROME_OK } from '../../src/hal/fields.js';
import type { CounterSelector, EntryId } from '../../src/hal/hal.js';
import type { LookupPacket, LookupPath, LookupStep } from '../../src/hal/lookup/lookup.js';
import type { ControlEntry, PipeProgram } from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import {
  encryptStart,
  PSP_ICV_OCTETS,
  PSP_IV,
  PSP_WORD_9_END,
  type PspVersion,
  pspHeaderLengthOctets,
} from '../../src/psp/header.js';
import { deriveKey } from '../../src/psp/key-derivation.js';
import { MASTER_KEYS } from '../../src/verify/master-keys.js';
import { opened } from '../../src/verify/opened.js';
import { carryingProgram, SLOT_KEYS } from '../../src/verify/random/carries.js';
import { KEY_SLOTS } from '../../src/verify/random/random-actions.js';
import { drawsNumbers, RandomOperations } from '../../src/verify/random/random-operations.js';
import {
  damaged,
  keysOfMasters,
  randomFrame,
  randomPspFrame,
} from '../../src/verify/random/random-packets.js';
import { Traffic } from '../../src/verify/random/traffic.js';
import { openSimHarness, type SimHarness } from '../../src/verify/sim-harness.js';
import { again } from '../support/again.js';
import { type Counts, type Output, type Walk, walksOf } from './walks.js';

const UPLINK_MTU_OCTETS = 1500;
const VF_MTU_OCTETS = 1400;
const CASES = Number(process.env.PSP_DIFFERENTIAL_CASES ?? 300);
/** Below so many cases their shares say nothing. */
const CASES_MIN = 100;
const ROUNDS = 4;
const PACKETS_PER_ROUND = 6;

const derivedKey = (spi: number, version: PspVersion) =>
  deriveKey((MASTER_KEYS as never as readonly Uint8Array[])[spi >>> 31]!, spi, version);
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

/** The same program with every counter that there may be. */
function counting(program: PipeProgram): PipeProgram {
  return {
    ...program,
    pipes: program.pipes.map((pipe) =>
      pipe.type === 'basic'
        ? { ...pipe, missCounter: true, monitor: { ...pipe.monitor, counter: true } }
        : { ...pipe, missCounter: true, entries: (pipe.entries ?? []).map(countingEntry) },
    ),
  };
}

function countingEntry<Entry extends object>(entry: Entry): Entry {
  return 'priority' in entry
    ? { ...entry, monitor: { ...(entry as never as ControlEntry).monitor, counter: true } }
    : entry;
}

/** What is in question of all cases together. */
interface Reached {
  packets: number;
  forks: number;
  ways: number;
  encrypted: number;
  decapsulated: number;
  copies: number;
  lost: number;
  updatedHits: number;
}

class Case {
  private readonly choose: Choose;
  private readonly updated = new Set<EntryId>();

  constructor(
    seed: number,
    private readonly reached: Reached,
  ) {
    this.choose = new Choose(seed * 2 + 1);
  }

  async run(): Promise<void> {
    const { choose } = this;
    const harness = await openSimHarness({
      ...{ masterKeys: MASTER_KEYS, keySlots: KEY_SLOTS, random: new Choose(choose.uint32()) },
      ...{ uplinkMtuOctets: UPLINK_MTU_OCTETS, vfMtuOctets: VF_MTU_OCTETS },
    });
    await using hal = harness.hal;
    const traffic = new Traffic(choose, keysOfMasters(MASTER_KEYS));
    const drawing = choose.once(4);
    const program = counting(await carryingProgram(choose, traffic, (one) => !drawing || drawsNumbers(one)));
    await hal.build(program);
    await hal.setKeys(SLOT_KEYS);
    if (choose.once(8)) await hal.clearKeys([choose.between(1, KEY_SLOTS)]);
    const entries = new RandomOperations(choose, program, traffic, { random: true, tiedUpdates: true });
    for (const { port, frame } of traffic.flows) await this.check(harness, program, entries, { frame, port });
    for (let round = 0; round < ROUNDS; round++) {
      const batch = entries
        .batch()
        .map((one) => (one.operation === 'add' ? { ...one, entry: countingEntry(one.entry) } : one));
      const results = await hal.apply(batch);
      entries.done(batch, results);
      for (const [i, result] of results.entries()) {
        if ('id' in result && batch[i]!.operation === 'update') this.updated.add(result.id);
      }
      for (let i = 0; i < PACKETS_PER_ROUND; i++) {
        await this.check(harness, program, entries, this.packet(traffic));
      }
    }
  }

  private packet(traffic: Traffic): LookupPacket {
    const { choose } = this;
    if (choose.once(5)) {
      const frame = randomFrame(choose);
      return choose.once(2) ? { frame, packetMeta: choose.below(3) } : { frame };
    }
    const flow = choose.pick(traffic.flows);
    if (choose.once(2)) return flow;
    const { port } = flow;
    if (choose.once(2)) return { port, frame: damaged(choose, flow.frame) };
    return {
      port,
      frame: port === UPLINK_PORT ? randomPspFrame(choose, keysOfMasters(MASTER_KEYS)) : randomFrame(choose),
    };
  }

  /** Sends a packet, and compares. */
  private async check(
    { hal, inject, settle, takeRss, takeSent }: SimHarness,
    program: PipeProgram,
    entries: RandomOperations,
    { frame, port, packetMeta }: LookupPacket,
  ): Promise<void> {
    const plain = opened(frame, derivedKey);
    // The device compares it as it is before `decrypt`, the look-up as it is after.
    if (plain !== undefined && hasEncryptedHeader(plain)) return;
    const ask = (asked: Uint8Array) =>
      hal.lookup({
        frame: asked,
        syndrome: plain === undefined ? SYNDROME_ICV_FAIL : SYNDROME_OK,
        ...(port === undefined ? {} : { port }),
        ...(packetMeta === undefined ? {} : { packetMeta }),
      });
    const opening = ask(plain?.frame ?? frame);
    const decrypts = stepsOf(opening).some(({ effects }) =>
      effects.some((one) => one.effect === 'decrypt' && one.syndrome === SYNDROME_OK),
    );
    // Where nobody opens it, it stays as it is on the wire.
    const path = decrypts ? opening : ask(frame);
    const selectors = selectorsOf(program, entries, path);
    const [countsBefore, fatesBefore] = [await hal.counters([...selectors.values()]), hal.fates()];
    if (port === undefined) hal.transmit([{ frame, ...(packetMeta === undefined ? {} : { packetMeta }) }]);
    else inject(port, [frame.slice()]);
    await settle();
    const [countsAfter, fates] = [await hal.counters([...selectors.values()]), hal.fates()];
    const counts: Counts = new Map(
      [...selectors.keys()].flatMap((counter, i) => {
        const packets = Number(countsAfter[i]!.packets - countsBefore[i]!.packets);
        const octets = Number(countsAfter[i]!.octets - countsBefore[i]!.octets);
        return packets === 0 ? [] : [[counter, [packets, octets]] as const];
      }),
    );
    const outputs = [
      ...[UPLINK_PORT, VF_PORT].flatMap((id) =>
        takeSent(id).map((sent) => ({ to: `port ${id}`, frame: sent })),
      ),
      ...takeRss().map(({ frame: sent, packetMeta: mark }) => ({ to: `rss ${mark}`, frame: sent })),
    ];
    const more = (fate: 'drop' | 'lost' | 'portDropped' | 'kernel') => fates[fate] - fatesBefore[fate];
    const seen: Walk = {
      ...{ counts, outputs, drop: more('drop'), lost: more('lost') },
      ...{ portDropped: more('portDropped'), kernel: more('kernel') },
    };
    const walks = walksOf(path);
    if (walks === undefined) return;
    checkForks(program, path);
    const matching = walks.filter((walk) => numbersOf(walk) === numbersOf(seen));
    if (matching.length === 0) expect(walks.map(numbersOf)).toEqual([numbersOf(seen)]);
    // A packet that goes on as it came while its copies are opened is as on the wire.
    const asOnTheWire =
      plain === undefined ? [] : (walksOf(ask(frame)) ?? []).flatMap((walk) => walk.outputs);
    const exact = matching.filter((walk) => sameOutputs(walk.outputs, seen.outputs, asOnTheWire));
    if (exact.length === 0 && !changesWhatIsSealed(path))
      expect(textsOf(matching[0]!.outputs)).toEqual(textsOf(seen.outputs));
    this.count(path, walks.length, seen);
  }

  private count(path: LookupPath, walks: number, seen: Walk): void {
    const { reached } = this;
    const steps = stepsOf(path);
    reached.packets++;
    reached.ways += walks;
    if (walks > 1) reached.forks++;
    if (seen.lost > 0) reached.lost++;
    if (steps.some(({ effects }) => effects.some(({ effect }) => effect === 'encrypt'))) reached.encrypted++;
    if (steps.some(({ effects }) => effects.some(({ effect }) => effect === 'decap'))) reached.decapsulated++;
    if (steps.some(({ mirror }) => mirror !== undefined)) reached.copies++;
    if (steps.some(({ hit }) => hit !== null && this.updated.has(hit.id))) reached.updatedHits++;
  }
}

/**
 * Whether a packet that was sealed for a copy is written to afterwards, or put into another envelope: nobody can open it then, and so
 * compare it with the readable one that a look-up tells.
 */
function changesWhatIsSealed(
  { steps, end }: LookupPath,
  state = { hasKey: false, isSealed: false },
): boolean {
  let { hasKey, isSealed } = state;
  for (const { effects, mirror } of steps) {
    for (const one of effects) {
      if (isSealed && one.effect === 'encap') return true;
      if (isSealed && one.effect === 'set' && one.field.startsWith('tun.psp.')) return true;
      if (one.effect === 'encrypt') hasKey = true;
    }
    if (mirror === undefined) continue;
    isSealed ||= hasKey;
    if (mirror.copies.some(({ path }) => changesWhatIsSealed(path, { hasKey, isSealed }))) return true;
  }
  return (
    end.end === 'fork' && end.branches.some(({ path }) => changesWhatIsSealed(path, { hasKey, isSealed }))
  );
}

function hasEncryptedHeader({ frame, pspAt }: { frame: Uint8Array; pspAt: number }): boolean {
  const end = pspAt + Math.min(pspHeaderLengthOctets(frame, pspAt), PSP_WORD_9_END);
  return encryptStart(frame, pspAt, frame.length) < end;
}

/** All counters that there are, under the names that walks give them. Static entries are known by label alone. */
function selectorsOf(
  program: PipeProgram,
  entries: RandomOperations,
  path: LookupPath,
): Map<string, CounterSelector> {
  const ids = new Map<string, EntryId>();
  for (const { pipe, hit } of stepsOf(path))
    if (hit?.label !== undefined) ids.set(`${pipe} ${hit.label}`, hit.id);
  const selectors = new Map<string, CounterSelector>();
  for (const pipe of program.pipes) {
    const { name } = pipe;
    selectors.set(`${name} miss`, { pipe: name, miss: true });
    selectors.set(`${name} total`, { pipe: name, total: true });
    for (const { label } of pipe.entries ?? []) {
      selectors.set(`${name} ${ids.get(`${name} ${label}`) ?? label}`, { pipe: name, label: label! });
    }
  }
  for (const { pipe, id } of entries.live) selectors.set(`${pipe} ${id}`, { id });
  return selectors;
}

function stepsOf({ steps, end }: LookupPath): LookupStep[] {
  return [
    ...steps.flatMap((step) => [step, ...(step.mirror?.copies ?? []).flatMap(({ path }) => stepsOf(path))]),
    ...(end.end === 'fork' ? end.branches.flatMap(({ path }) => stepsOf(path)) : []),
  ];
}

/** Every fork has its reason, and its branches are all that there are. */
function checkForks(program: PipeProgram, { steps, end }: LookupPath, wasDecapsulated = false): void {
  let isRebuilt = wasDecapsulated;
  for (const { effects, mirror } of steps) {
    isRebuilt ||= effects.some(({ effect }) => effect === 'decap');
    for (const { path } of mirror?.copies ?? []) checkForks(program, path, isRebuilt);
  }
  if (end.end !== 'fork') return;
  let probability = 0;
  for (const { condition, path } of end.branches) {
    if (condition.of === 'syndrome') expect(isRebuilt).toBe(true);
    else {
      const pipe = program.pipes.find(({ name }) => name === condition.pipe)!;
      if (pipe.type === 'basic') expect(pipe.match).toHaveProperty(['parser_meta.random']);
      expect(condition.probability).toBeGreaterThan(0);
      probability += condition.probability;
      expect(path.steps[0]?.pipe ?? condition.pipe).toBe(condition.pipe);
    }
    checkForks(program, path, isRebuilt);
  }
  if (probability > 0) expect(probability).toBeCloseTo(1, 9);
}

function numbersOf({ counts, outputs, drop, lost, portDropped, kernel }: Walk): string {
  const counters = [...counts].map(([counter, [packets, octets]]) => `${counter}: ${packets}, ${octets}`);
  const sent = byPlace(outputs).map(({ to, frame }) => `${to} (${frame.length})`);
  return JSON.stringify({ counters: counters.sort(), sent, drop, lost, portDropped, kernel }, null, 1);
}

/** Ports first, as they are taken; in order at each. */
function byPlace(outputs: readonly Output[]): Output[] {
  const placeOf = ({ to }: Output) => (to.startsWith('rss') ? 'rss' : to);
  return [...outputs].sort((a, b) => Number(placeOf(a) > placeOf(b)) - Number(placeOf(a) < placeOf(b)));
}

function textsOf(outputs: readonly Output[]): string[] {
  return byPlace(outputs).map(({ to, frame }) => `${to}: ${hex(frame)}`);
}

function sameOutputs(told: readonly Output[], seen: readonly Output[], more: readonly Output[]): boolean {
  const others = byPlace(seen);
  return byPlace(told).every((output, i) => {
    const { to, frame } = others[i]!;
    return isSame(output, frame) || more.some((one) => one.to === to && isSame(one, frame));
  });
}

function isSame({ frame, encrypted }: Output, seen: Uint8Array): boolean {
  if (encrypted === undefined) {
    // What nobody has opened on the way is still encrypted.
    return hex(frame) === hex(seen) || hex(frame) === hex(opened(seen, derivedKey)?.frame ?? seen);
  }
  const { key } = SLOT_KEYS[encrypted.cryptoId - 1]!;
  const plain = opened(seen, () => key);
  if (plain === undefined) return false;
  const filled = frame.slice();
  filled.set(plain.frame.subarray(plain.pspAt + PSP_IV, plain.pspAt + PSP_IV + 8), plain.pspAt + PSP_IV);
  filled.set(plain.frame.subarray(-PSP_ICV_OCTETS), frame.length - PSP_ICV_OCTETS);
  return hex(filled) === hex(plain.frame);
}

const only = process.env.PSP_DIFFERENTIAL_SEED;
const seeds = only === undefined ? Array.from({ length: CASES }, (_, i) => i) : [Number(only)];

test('what the counters show is one of the ways that a look-up tells, and the only one where nothing is random', async () => {
  const reached: Reached = {
    ...{ packets: 0, forks: 0, ways: 0, encrypted: 0 },
    ...{ decapsulated: 0, copies: 0, lost: 0, updatedHits: 0 },
  };
  for (const seed of seeds) {
    try {
      await new Case(seed, reached).run();
    } catch (error) {
      const repeat = again({ PSP_DIFFERENTIAL_SEED: seed }, 'test/conformance/lookup-sim.test.ts');
      (error as Error).message = `${repeat}\n${(error as Error).message}`;
      throw error;
    }
  }
  if (seeds.length < CASES_MIN) return;
  const { packets } = reached;
  expect(reached.encrypted / packets).toBeGreaterThan(0.05);
  expect(reached.decapsulated / packets).toBeGreaterThan(0.05);
  expect(reached.copies / packets).toBeGreaterThan(0.02);
  expect(reached.lost / packets).toBeGreaterThan(0.02);
  expect(reached.forks / packets).toBeGreaterThan(0.01);
  expect(reached.updatedHits).toBeGreaterThan(0);
}, 120_000);
