/**
 * Twenty faults between gateways that run, each a process: `status` of either end names who is at fault and why, and nobody else. One
 * gateway, the hub, is well and is the peer of all others; each other one has a fault, but for the third, which is well too and is
 * never named. They all run side by side.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../support/root.js';
import { FaultWorld } from './fault-world.js';
import { type Ends, FAULTS, HUB, hostOf, isGateway, nameOf, THIRD } from './faults-over-sim.js';
import { healthyRuns } from './healthy-runs.js';
import { type Expected, NAMED_WITHIN_MS, type Problem, StatusWatch } from './status-watch.js';

const all = Object.entries(FAULTS);
const HEALTHY_RUNS = 20;
const EXPIRING = FAULTS['expired certificate']!;

let world: FaultWorld;
const watch = new StatusWatch();
/** What runs without a fault say. */
let healthy: Promise<string[]>;
/** When faults came that were not there from the beginning. */
const cameAtMs = new Map<Ends, number>();

beforeAll(async () => {
  world = await FaultWorld.open();
  const [hub, third] = [world.startHub(), world.startThird()];
  await Promise.all([hub, third].map((program) => program.says(/gateway started/)));
  // The first one, whose time is short, does not share the processor with all others that start.
  const expiring = await world.startExpiring(EXPIRING);
  cameAtMs.set(EXPIRING, performance.now() + world.expiresAtMs - Date.now());
  const others = all.flatMap(([, ends]) => (isGateway(ends) && ends !== EXPIRING ? [ends] : []));
  const faulty = [
    { ends: EXPIRING, program: expiring },
    ...others.map((ends) => ({ ends, program: world.startFaulty(ends) })),
  ];
  const started = [
    { number: HUB, program: hub },
    { number: THIRD, program: third },
    ...faulty.map(({ ends: { number }, program }) => ({ number, program })),
  ];
  const connected = await Promise.allSettled(
    started.map(({ number, program }) => watch.connect(number, world.socketOf(number), program)),
  );
  expect(connected.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
  watch.begin();
  healthy = healthyRuns(world.main, world.healthyFolder, HEALTHY_RUNS);
  // Told by its own test.
  healthy.catch(() => {});
  await Promise.all(
    faulty.map(async ({ ends, program }) => {
      await ends.inject?.({ program, client: watch.client(ends.number), world });
      if (ends.inject !== undefined) cameAtMs.set(ends, performance.now());
    }),
  );
}, 2 * 240_000);

afterAll(async () => {
  await watch[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
}, 240_000);

const mayAlsoName = (by: number, cause: string) =>
  all.some(([, { number, alsoNames }]) => number === by && alsoNames?.test(cause) === true);

/** Who may be named by whom, at any time. */
function isRightAbout(by: number, { cause, about }: Problem): boolean {
  if (mayAlsoName(by, cause)) return true;
  const mine = all.find(([, { number }]) => number === by)?.[1];
  if (by === HUB)
    return all.some(
      ([, { number, hub }]) => hub !== undefined && [hub[1], nameOf(number), hostOf(number)].includes(about),
    );
  if (by === THIRD)
    return all.some(
      ([, { number, knowsThird }]) => knowsThird === true && [nameOf(number), hostOf(number)].includes(about),
    );
  const right = mine?.own?.[1];
  if (about === '' || about.endsWith('.pem')) return true;
  return typeof right === 'string' ? right === about : right?.test(about) === true;
}

describe('status names, at both ends, who is at fault and why', () => {
  test.each(all)(
    '%s',
    async (name, ends) => {
      const { number, hub, own } = ends;
      if (hub !== undefined) await watch.names(HUB, hub);
      if (own !== undefined) await watch.names(number, own);
      const seconds = (by: number, expected: Expected | undefined) =>
        expected && watch.secondsUntil(by, expected, cameAtMs.get(ends))?.toFixed(1);
      // Of this machine, on this day: what holds on all is in twenty-faults.test.ts.
      process.stdout.write(`| ${name} | ${seconds(HUB, hub) ?? ''} | ${seconds(number, own) ?? ''} |\n`);
    },
    2 * NAMED_WITHIN_MS,
  );

  test(
    'rotation stuck',
    async () => {
      // One is down, and one does not hear us: neither takes new keys.
      for (let rotations = 0; rotations < 2; rotations++) await watch.client(HUB).call('Rotate', {});
      await watch.names(HUB, [/^rotation-waits$/, nameOf(15), /waits for peer .* to take new keys/]);
    },
    NAMED_WITHIN_MS,
  );

  test('and never names the healthy third, nor anybody else', () => {
    const alwaysThere = [nameOf(HUB), nameOf(THIRD)];
    expect(watch.wrong(alwaysThere, isRightAbout)).toEqual([]);
    expect(
      watch.wrong(
        alwaysThere,
        (by, { cause, text }) => mayAlsoName(by, cause) || !text.includes(nameOf(THIRD)),
      ),
    ).toEqual([]);
  });

  test('nor do twenty healthy runs beside them name anybody', async () => {
    expect(await healthy).toEqual([]);
  });

  test('on the screen as for programs', () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(ROOT, 'dist/cli/main.js'), 'status', '--socket', world.socketOf(HUB)],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect(status).toBe(0);
    const down = nameOf(11).replaceAll('.', '\\.');
    expect(stdout).toMatch(
      new RegExp(`^! peer ${down} (does not answer|has not answered yet), for \\d+ s: `, 'm'),
    );
  });
});
