/**
 * Twenty faults between whole gateways on a virtual clock: `status` of either end names who is at fault and why within five seconds, and
 * nobody else, whoever asks it how often and when. With processes, in real time, they are in test/e2e/status-faults.test.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Finding } from '../../../../src/gateway/diagnosis/finding.js';
import { type Expected, FAULTS, type FaultCase, isFaultyAbout } from '../../../support/fault-cases.js';
import {
  FAULT_AT_MS,
  FAULTY,
  FaultCertificates,
  FaultNetwork,
  HUB,
  NUMBERS,
  THIRD,
  TRAFFIC_AT_MS,
} from '../../../support/fault-network.js';
import { ROOT } from '../../../support/root.js';

const NAMED_WITHIN_MS = 5000;
const ONCE_MS = 1000;
/** Gateways are started so much later for each way of looking: what comes in intervals comes at another time. */
const START_STEP_MS = 900;

interface Looks {
  /** The first one, so long after the fault, or before it. */
  readonly firstMs: number;
  /** Again so long after each answer; absent: once. */
  readonly everyMs?: number;
  readonly hasOldCounters?: true;
}

const LOOKS: Readonly<Record<string, Looks>> = {
  'twice a second': { firstMs: -3000, everyMs: 500 },
  'twice a second, and counters are a second old': { firstMs: -2990, everyMs: 500, hasOldCounters: true },
  'each second': { firstMs: -2600, everyMs: 1000 },
  'each two seconds': { firstMs: -1900, everyMs: 2000 },
  'just before, and again': { firstMs: -1, everyMs: 500 },
  'just after, and again': { firstMs: 1, everyMs: 500 },
  once: { firstMs: ONCE_MS },
};

const WHENS = ['before packets pass', 'while they pass'] as const;
type When = (typeof WHENS)[number];

let certificates: FaultCertificates;
beforeAll(async () => {
  certificates = await FaultCertificates.make();
});

const isOne = (problem: Finding, [cause, about, text]: Expected) =>
  cause.test(problem.cause) && about.test(problem.about) && text.test(problem.text);

/** The longest that it took until the hub and the faulty one had said it, in seconds, by fault and when it came. */
const slowest = new Map<string, [hub: number, own: number]>();

/** What is not right about what was said, and when it was said what is right, where the gateways are started so long after the clock. */
async function run(
  fault: FaultCase,
  when: When,
  { firstMs, everyMs, hasOldCounters }: Looks,
  startMs: number,
) {
  const isLater = when === 'while they pass';
  await using net = new FaultNetwork(certificates);
  net.hasOldCounters = hasOldCounters === true;
  const { well, faulty, inject, prepare, onceMs } = fault;
  prepare?.(net);
  await net.run(startMs);
  await net.begin(HUB, net.hubOptions());
  await net.begin(THIRD);
  await net.begin(FAULTY, (isLater ? well : (faulty ?? well))?.(net));
  const atMs = isLater ? FAULT_AT_MS : TRAFFIC_AT_MS;
  const untilMs = atMs + NAMED_WITHIN_MS;
  const once = onceMs?.[isLater ? 'later' : 'before'];
  const from = atMs + (everyMs === undefined ? (once ?? firstMs) : firstMs);
  const watching = NUMBERS.map((by) => net.watch(by, from, everyMs, untilMs));
  const runTo = (ms: number) => net.run(ms - net.clock.nowMs());
  await runTo(TRAFFIC_AT_MS);
  if (!isLater) await inject?.(net);
  net.traffic();
  if (isLater) {
    await runTo(FAULT_AT_MS);
    if (faulty !== undefined) {
      await net.stop(net.nodes.get(FAULTY)!);
      await net.begin(FAULTY, faulty(net));
    }
    await inject?.(net);
  }
  await runTo(2 * untilMs - atMs);
  await Promise.all(watching);
  vi.restoreAllMocks();
  const hub = (isLater ? fault.hubLater : undefined) ?? fault.hub;
  const after = (by: number, expected: Expected | undefined) => {
    const first = net.said.find(
      (one) => one.by === by && expected && one.problems.some((problem) => isOne(problem, expected)),
    );
    return first === undefined ? 0 : (first.atMs - atMs) / 1000;
  };
  return {
    problems: problemsOf(net, fault, hub, untilMs),
    seconds: [after(HUB, hub), after(FAULTY, fault.own)] as const,
  };
}

function problemsOf(
  net: FaultNetwork,
  { own, alsoNames }: FaultCase,
  hub: Expected | undefined,
  untilMs: number,
): string[] {
  const problems: string[] = [];
  const inTime = net.said.filter(({ atMs }) => atMs <= untilMs);
  for (const [by, expected] of [
    [HUB, hub],
    [FAULTY, own],
  ] as const) {
    const said = inTime.flatMap((one) => (one.by === by ? one.problems : []));
    if (expected === undefined || said.some((one) => isOne(one, expected))) continue;
    problems.push(`${by} has not said ${expected.join(' ')}`, ...said.map(textOf));
  }
  const mayName = (by: number, { cause, about }: Finding) =>
    by === FAULTY
      ? own?.[0].test(cause) === true || alsoNames?.test(cause) === true
      : isFaultyAbout(about) || (by === HUB && hub?.[0].test(cause) === true && hub[1].test(about));
  const wrong = net.said.flatMap(({ by, problems: said }) =>
    said.filter((one) => !mayName(by, one)).map((one) => `${by} should not say ${textOf(one)}`),
  );
  return [...new Set([...problems, ...wrong])];
}

const textOf = ({ cause, about, text }: Finding) => `${cause} [${about}] ${text}`;

describe.each(Object.entries(FAULTS))('%s', (name, fault) => {
  const whens = WHENS.filter(
    (when) => (when === 'while they pass' ? fault.onlyBefore : fault.onlyLater) !== true,
  );
  test.each(whens)('%s', async (when) => {
    for (const [i, [who, looks]] of Object.entries(LOOKS).entries()) {
      const isOnce = looks.everyMs === undefined;
      if (isOnce && when === 'while they pass' && fault.notOnceLater === true) continue;
      const { problems, seconds } = await run(fault, when, looks, i * START_STEP_MS);
      expect({ who, problems }).toEqual({ who, problems: [] });
      if (isOnce) continue;
      const [hub, own] = slowest.get(`${name}, ${when}`) ?? [0, 0];
      slowest.set(`${name}, ${when}`, [Math.max(hub, seconds[0]), Math.max(own, seconds[1])]);
    }
  });
});

test('operations.md says how long it takes, to half a second', () => {
  const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  const cell = (expected: Expected | undefined, seconds: number) =>
    expected === undefined ? '' : (Math.ceil(2 * seconds) / 2).toFixed(1);
  const rows = [...slowest].map(([what, [hub, own]]) => {
    const fault = FAULTS[what.replace(/, [^,]*$/, '')]!;
    return `| ${what} | ${cell(fault.hub, hub)} | ${cell(fault.own, own)} |`;
  });
  expect(rows.filter((row) => !text.includes(`\n${row}\n`))).toEqual([]);
});
