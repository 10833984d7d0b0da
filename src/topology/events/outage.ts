/** What restart and crash have in common: gateways that are gone for a time, and how a search draws that. */
import { sleep } from '../../base/clock.js';
import type { EventReading } from '../file/events.js';
import { formatTime, type Quantity } from '../file/quantities.js';
import { type Names, optional, time } from '../file/schema-values.js';
import { timeMs } from '../file/values.js';
import { writeNames } from '../file/write-values.js';
import type { GatewayNode } from '../nodes/gateway-node.js';
import { EVERY, type InTurn } from './in-turn.js';
import type { EventContext } from './kind.js';

/** The gateways are back after this. */
export interface Outage extends InTurn {
  readonly downMs: number;
}

const DOWN_MS = 1000;
export const OUTAGE = { ...EVERY, down: optional(time('until it is back', '1s')) };

export function readOutages(
  written: Names,
  parsed: { readonly every?: Quantity; readonly down?: Quantity },
  reading: EventReading,
): Outage[] {
  const downMs = parsed.down === undefined ? DOWN_MS : timeMs(parsed.down, reading.place.at('down'));
  return reading.inTurn(written, parsed.every).map((turn) => ({ ...turn, downMs }));
}

/** `names`, and the time of the outage. */
export function writeOutage({ nodes, downMs }: Outage): { names: Names; down: string } {
  return { names: writeNames(nodes), down: formatTime(downMs) };
}

export async function takeDownAll(
  { nodes, downMs }: Outage,
  how: 'restart' | 'crash',
  context: EventContext,
): Promise<void> {
  await Promise.all(nodes.map((name) => takeDown(context.gateway(name), how, downMs, context)));
}

/** A gateway that is down already stays so. */
export async function takeDown(
  node: GatewayNode,
  how: 'restart' | 'crash',
  downMs: number,
  { clock, onStop }: Pick<EventContext, 'clock' | 'onStop'>,
): Promise<void> {
  if (node.incarnation === undefined) return;
  // Counts are taken now; nothing waits for them, as a crash waits for nothing.
  void onStop(node);
  await (how === 'crash' ? node.crash() : node.stop());
  if (downMs > 0) await sleep(clock, downMs);
  await node.start();
}
