/** Captures of gigabytes, told of before a run writes them. */
import { estimatedCaptureOctets } from '../topology/capture-estimate.js';
import { gatewaysOf, type Topology } from '../topology/model.js';
import type { Replay } from '../topology/traffic/replay-frames.js';
import { complain } from './output.js';

/** Above it a run is captured only when asked for. */
export const CAPTURED_GATEWAYS_MAX = 50;
/** Larger captures are told of. */
const CAPTURE_OCTETS_TOLD_MIN = 1_000_000_000;

/** Whether a run of the topology is captured when nobody says. */
export function isCaptured(topology: Topology): boolean {
  return gatewaysOf(topology).length <= CAPTURED_GATEWAYS_MAX;
}

/** Warns of the captures of a run, where they are large. */
export function tellOfLargeCaptures(
  topology: Topology,
  replays: ReadonlyMap<string, Replay>,
  snapOctets = 0,
): void {
  const octets = estimatedCaptureOctets(topology, replays, snapOctets);
  if (octets < CAPTURE_OCTETS_TOLD_MIN) return;
  const less = snapOctets === 0 ? '--snaplen 128 keeps the headers only, ' : '';
  complain(
    `psp-gateway: warning: the captures of a run will take some ${(octets / 1e9).toFixed(1)} GB; ${less}--no-captures writes none`,
  );
}
