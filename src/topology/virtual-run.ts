/** Runs in virtual time: one process, no waiting, and the same to the byte for the same topology. */
import { systemClock } from '../base/clock.js';
import { createVirtualClock } from '../base/virtual-clock.js';
import { TopologyFileError } from './file/source.js';
import { gatewaysOf, type Topology } from './model.js';
import { type RunOptions, type RunResult, runTopology } from './run.js';

/** When a run begins, unless it is told: 2026-01-01 00:00 UTC. */
export const EPOCH_MS = 1_767_225_600_000;
/** Virtual time between two looks at whether the run is over, and at the caller's signal. */
const STEP_MS = 20;
/** Real time after which the run lets the event loop turn. */
const YIELD_MS = 50;

/** How a topology runs in virtual time. */
export type VirtualRunOptions = Omit<RunOptions, 'clock'> & {
  /** Ends the run; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
};

/** Runs a topology without waiting, the same to the byte each time. Rejects with the reason of `signal`. */
export async function runVirtually(topology: Topology, options: VirtualRunOptions = {}): Promise<RunResult> {
  const real = [
    ...gatewaysOf(topology).flatMap(({ name, doca, workloads }) => [
      ...(doca === undefined ? [] : [`${name} runs over DOCA, in real time only`]),
      ...workloads.flatMap((one) =>
        one.host === undefined ? [] : [`${one.name} is a real host, in real time only`],
      ),
    ]),
    ...topology.links.flatMap(({ name, outside }) =>
      outside === undefined ? [] : [`link "${name}": interfaces of this machine know no virtual time`],
    ),
  ];
  if (real.length > 0) throw new TopologyFileError(real);
  const clock = createVirtualClock(topology.epochMs ?? EPOCH_MS);
  let over = false;
  const run = runTopology(topology, { ...options, clock }).finally(() => {
    over = true;
  });
  run.catch(() => undefined);
  for (let yieldedMs = systemClock.nowMs(); !over; ) {
    await clock.advance(STEP_MS);
    if (systemClock.nowMs() - yieldedMs < YIELD_MS) continue;
    // Signals and the terminal get their turn.
    yieldedMs = systemClock.nowMs();
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
  }
  return await run;
}
