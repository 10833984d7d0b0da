import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.js';
import { createVirtualClock } from '../../../src/base/virtual-clock.js';
import { createLink } from '../../../src/hal-sim/ports/link.js';
import { PSP_SPI } from '../../../src/psp/header.js';
import { Attacker } from '../../../src/topology/attacker.js';
import type { EventPlan } from '../../../src/topology/model.js';
import { locatePsp } from '../../../src/topology/packets.js';
import { inner, psp } from '../../support/invariants.js';

type Attack = Extract<EventPlan, { type: 'attack' }>;

const CALM: Attack = {
  type: 'attack',
  atMs: 0,
  link: 'l',
  durationMs: 10_000,
  replayRatio: 0,
  forgeRatio: 0,
  spoofsPerSecond: 0,
};
/** Replays and forgeries come up to a second later. */
const DELAY_MAX_MS = 1_000;

/** A link with an attacker, and what comes out at both ends. */
async function build(seed = 1) {
  const clock = createVirtualClock(0);
  const random = seededRandom(seed);
  const link = createLink({
    clock,
    random,
    name: 'l',
    mtuOctets: 9000,
    observe: (from, frame, fate) => {
      if (fate === 'carried') attacker.see(from, frame);
    },
  });
  const attacker = new Attacker(link, random);
  const out: { at: 0 | 1; atMs: number; frame: Uint8Array }[] = [];
  for (const at of [0, 1] as const)
    await link.ports[at].start((frames) => {
      for (const frame of frames) {
        out.push({ at, atMs: clock.nowMs(), frame: frame.slice() });
        // Who receives a frame may change it.
        frame.fill(0);
      }
    });
  const send = (from: 0 | 1, frame: Uint8Array) => link.ports[from].send([frame.slice()]);
  /** What came out at `at` and is none of `frames`. */
  const others = (at: 0 | 1, frames: readonly Uint8Array[]) =>
    out
      .filter((one) => one.at === at)
      .map(({ frame }) => frame)
      .filter((frame) => !frames.some((known) => Buffer.compare(known, frame) === 0));
  return { clock, attacker, out, send, others };
}

const frames = (count: number) => Array.from({ length: count }, (_, i) => psp({ iv: BigInt(i) }));
const ones = (octets: Uint8Array) =>
  [...octets].reduce((sum, octet) => sum + octet.toString(2).split('1').length - 1, 0);

test('without an attack it does nothing', async () => {
  const { clock, attacker, out, send } = await build();
  for (const frame of frames(20)) send(0, frame);
  await clock.advance(20_000);
  expect([attacker.injected, out.length]).toEqual([0, 20]);
});

describe('replays', () => {
  test('each frame comes once more, the same way, within a second, as it was', async () => {
    const { clock, attacker, out, send } = await build();
    void attacker.run({ ...CALM, replayRatio: 1 }, clock);
    const sent = frames(20);
    for (const [i, frame] of sent.entries()) send((i % 2) as 0 | 1, frame);
    await clock.advance(DELAY_MAX_MS);
    expect(attacker.injected).toBe(20);
    for (const [i, frame] of sent.entries()) {
      const came = out.filter((one) => Buffer.compare(one.frame, frame) === 0);
      expect(came.map(({ at }) => at)).toEqual(i % 2 === 0 ? [1, 1] : [0, 0]);
      expect(came[0]!.atMs).toBe(0);
      expect(came[1]!.atMs).toBeLessThan(DELAY_MAX_MS);
    }
    expect(Math.max(...out.map(({ atMs }) => atMs))).toBeGreaterThan(DELAY_MAX_MS / 2);
    expect(new Set(out.map(({ atMs }) => atMs)).size).toBeGreaterThan(15);
  });

  test('a share of them, as it is told', async () => {
    const { clock, attacker, send } = await build();
    void attacker.run({ ...CALM, replayRatio: 0.3 }, clock);
    for (const frame of frames(1_000)) send(0, frame);
    await clock.advance(DELAY_MAX_MS);
    expect(Math.abs(attacker.injected - 300)).toBeLessThan(5 * Math.sqrt(1_000 * 0.3 * 0.7));
  });

  test('its own frames it does not attack again, and others than PSP not at all', async () => {
    const { clock, attacker, out, send } = await build();
    void attacker.run({ ...CALM, replayRatio: 1, forgeRatio: 1, durationMs: 60_000 }, clock);
    send(0, psp());
    send(0, inner());
    await clock.advance(50_000);
    expect(attacker.injected).toBe(2);
    expect(out).toHaveLength(4);
  });
});

describe('forgeries', () => {
  test('come besides the frame itself, with one bit flipped, from the PSP header on', async () => {
    const { clock, attacker, out, send, others } = await build();
    void attacker.run({ ...CALM, forgeRatio: 1 }, clock);
    const sent = psp();
    for (let i = 0; i < 400; i++) send(1, sent);
    await clock.advance(DELAY_MAX_MS);
    expect([attacker.injected, out.length]).toEqual([400, 800]);
    const forged = others(0, [sent]);
    expect(forged).toHaveLength(400);
    const { at } = locatePsp(sent)!;
    const flipped = forged.map((frame) => {
      const difference = sent.map((octet, i) => octet ^ frame[i]!);
      expect(ones(difference)).toBe(1);
      return difference.findIndex((value) => value !== 0);
    });
    expect(Math.min(...flipped)).toBeGreaterThanOrEqual(at);
    expect(Math.min(...flipped)).toBeLessThan(at + 4);
    expect(Math.max(...flipped)).toBeGreaterThanOrEqual(sent.length - 4);
  });
});

describe('spoofs', () => {
  test('are made up evenly over the time, like a frame that was seen, and from where it came', async () => {
    const { clock, attacker, out, send, others } = await build();
    const model = psp({ spi: 0x1234 });
    const over = attacker.run({ ...CALM, spoofsPerSecond: 100 }, clock);
    send(1, model);
    await clock.advance(CALM.durationMs);
    await over;
    expect(attacker.injected).toBe(1000);
    const spoofed = others(0, [model]);
    expect(spoofed).toHaveLength(1000);
    const { at } = locatePsp(model)!;
    let sameSpi = 0;
    for (const frame of spoofed) {
      expect(frame.length).toBe(model.length);
      // All that is before the SPI is as it was; what follows it is made up.
      expect(frame.subarray(0, at + PSP_SPI)).toEqual(model.subarray(0, at + PSP_SPI));
      expect(frame.subarray(at + 8)).not.toEqual(model.subarray(at + 8));
      if (Buffer.compare(frame.subarray(at + 4, at + 8), model.subarray(at + 4, at + 8)) === 0) sameSpi++;
    }
    expect(Math.abs(sameSpi - 500)).toBeLessThan(5 * Math.sqrt(250));
    expect(new Set(spoofed.map((frame) => Buffer.from(frame).toString('hex'))).size).toBe(1000);
    const times = out.slice(1).map(({ atMs }) => atMs);
    expect(times.every((atMs, i) => Math.abs(atMs - 10 * i) < 0.001)).toBe(true);
  });

  test('nothing seen, nothing made up', async () => {
    const { clock, attacker, send } = await build();
    void attacker.run({ ...CALM, spoofsPerSecond: 100 }, clock);
    send(0, inner());
    await clock.advance(CALM.durationMs);
    expect(attacker.injected).toBe(0);
  });
});

test('when its time is over it lets everything pass, and says so', async () => {
  const { clock, attacker, send } = await build();
  let over = false;
  void attacker.run({ ...CALM, replayRatio: 1, durationMs: 500 }, clock).then(() => {
    over = true;
  });
  await clock.advance(499);
  expect(over).toBe(false);
  send(0, psp());
  await clock.advance(2);
  expect(over).toBe(true);
  send(0, psp({ iv: 2n }));
  await clock.advance(10_000);
  expect(attacker.injected).toBe(1);
});

test('a second attack takes the place of the first, whose end does not end it', async () => {
  const { clock, attacker, send } = await build();
  void attacker.run({ ...CALM, replayRatio: 1, durationMs: 500 }, clock);
  await clock.advance(400);
  void attacker.run({ ...CALM, forgeRatio: 1, replayRatio: 1, durationMs: 10_000 }, clock);
  await clock.advance(400);
  send(0, psp());
  await clock.advance(2_000);
  expect(attacker.injected).toBe(2);
});
