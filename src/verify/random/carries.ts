/** Random programs that do something for the packets that a case is about. */

import type { Choose } from '../../base/choose.js';
import type { PipeProgram } from '../../hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { MASTER_KEYS } from '../master-keys.js';
import { openSimHarness, type SimHarness } from '../sim-harness.js';
import { KEY_SLOTS } from './random-actions.js';
import { randomProgram } from './random-programs.js';
import type { WayKind } from './random-ways.js';
import type { Traffic } from './traffic.js';

/** Now and then, where packets go is left to chance. */
const KINDS: readonly (WayKind | undefined)[] = [
  undefined,
  ...(['seal', 'seal', 'seal', 'seal', 'seal'] as const),
  ...(['open', 'open', 'open', 'open'] as const),
  ...(['open and seal', 'open and seal', 'open and seal', 'open and seal'] as const),
];

/** Of slots 1 to KEY_SLOTS. */
export const SLOT_KEYS = Array.from({ length: KEY_SLOTS }, (_, i) => ({
  cryptoId: i + 1,
  key: new Uint8Array(i % 2 === 0 ? 32 : 16).fill(i + 1),
}));

/**
 * One that `fits` and does what its kind says; most do at the first attempt.
 * @param open a simulator on which it is tried
 */
export async function carryingProgram(
  choose: Choose,
  traffic: Traffic,
  fits: (program: PipeProgram) => boolean,
  open = () => openSimHarness({ masterKeys: MASTER_KEYS, keySlots: KEY_SLOTS }),
): Promise<PipeProgram> {
  const kind = choose.pick(KINDS);
  for (;;) {
    const program = randomProgram(choose, traffic, kind);
    if (fits(program) && (kind === undefined || (await carries(program, traffic, kind, open))))
      return program;
  }
}

/** On a simulator of its own. What the simulator does wrongly shows when the devices are compared. */
async function carries(
  program: PipeProgram,
  { flows }: Traffic,
  kind: WayKind,
  open: () => Promise<SimHarness>,
): Promise<boolean> {
  const harness = await open();
  await using hal = harness.hal;
  await hal.build(program);
  await hal.setKeys(SLOT_KEYS);
  for (const { port, frame } of flows) harness.inject(port, [frame.slice()]);
  await harness.settle();
  const { txPackets, rxPackets } = await hal.statistics();
  const outputs = [...harness.takeSent(UPLINK_PORT), ...harness.takeSent(VF_PORT), ...harness.takeRss()];
  return outputs.length > 0 && (kind === 'open' || txPackets! > 0n) && (kind === 'seal' || rxPackets! > 0n);
}
