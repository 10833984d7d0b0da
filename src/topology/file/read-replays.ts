/** Reads the captures that a topology's replay flows send. */
import { dirname, isAbsolute, join } from 'node:path';
import { fileReason } from '../../files/file-problem.js';
import { captureOctets, STANDARD_STREAM } from '../../packet/capture-stream.js';
import { CaptureError, readCapture } from '../../packet/pcap.js';
import { gatewaysOf, type Topology } from '../model.js';
import { type CapturedFrame, type Replay, replayOf } from '../traffic/replay.js';
import { TopologyFileError } from './read.js';

/**
 * What each replay flow sends, by flow. Paths are relative to the topology's file.
 * @throws TopologyFileError for captures that cannot be read, or in which the workload has sent nothing.
 */
export async function readReplays(topology: Topology, file: string): Promise<Map<string, Replay>> {
  const workloads = gatewaysOf(topology).flatMap((gateway) => gateway.workloads);
  const captures = new Map<string, CapturedFrame[] | string>();
  const replays = new Map<string, Replay>();
  const problems: string[] = [];
  for (const plan of topology.scenario.traffic) {
    if (plan.type !== 'replay') continue;
    const isPlace = isAbsolute(plan.file) || plan.file === STANDARD_STREAM;
    const path = isPlace ? plan.file : join(dirname(file), plan.file);
    if (!captures.has(path)) captures.set(path, await framesOf(path));
    const capture = captures.get(path)!;
    if (typeof capture === 'string') {
      problems.push(`flow ${plan.name}: ${path}: ${capture}`);
      continue;
    }
    const { addresses } = workloads.find(({ name }) => name === plan.from)!;
    const replay = replayOf(addresses, capture);
    if (replay.frames.length === 0) {
      const counts = Object.entries(replay.leftOut).map(([reason, count]) => `${count} ${reason}`);
      problems.push(
        `flow ${plan.name}: ${path}: no packet from ${plan.from} (${addresses.join(', ')}) can be sent: ${counts.join(', ') || 'there is none'}`,
      );
    }
    replays.set(plan.name, replay);
  }
  if (problems.length > 0) throw new TopologyFileError(problems);
  return replays;
}

/** A replay is held whole: frames and octets of one capture. */
const REPLAY_FRAMES_MAX = 1_000_000;
const REPLAY_OCTETS_MAX = 256 * 1024 * 1024;

/** All frames, from the first one's time on; or why there are none. */
async function framesOf(path: string): Promise<CapturedFrame[] | string> {
  const frames: CapturedFrame[] = [];
  try {
    let firstNs: bigint | undefined;
    let octets = 0;
    for await (const { timestampNs, frame, linkType, originalOctets } of readCapture(captureOctets(path))) {
      firstNs ??= timestampNs;
      const atMs = Math.max(frames.at(-1)?.atMs ?? 0, Number(timestampNs - firstNs) / 1e6);
      octets += frame.length;
      if (frames.length === REPLAY_FRAMES_MAX || octets > REPLAY_OCTETS_MAX)
        return `more than ${REPLAY_FRAMES_MAX} frames or ${REPLAY_OCTETS_MAX} octets; replay a part of it`;
      frames.push({ atMs, frame, linkType, originalOctets });
    }
    return frames;
  } catch (error) {
    if (error instanceof CaptureError) return error.message;
    const reason = fileReason(error);
    if (reason === undefined) throw error;
    return reason;
  }
}
