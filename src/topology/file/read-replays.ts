/** Reads the captures that a topology's replay flows send. */
import { dirname, isAbsolute, join } from 'node:path';
import { fileReason } from '../../files/file-problem.js';
import { captureOctets, STANDARD_STREAM } from '../../packet/capture-stream.js';
import { CaptureError, readCapture } from '../../packet/pcap.js';
import { type CapturedFrame, type Replay, replayOf } from '../traffic/replay-frames.js';
import type { ReplaySource } from './traffic.js';

/**
 * What each replay flow sends, by flow; paths are relative to the topology's file. Captures that cannot be read, or in which the workload
 * has sent nothing, are noted with what else is wrong with that file.
 */
export async function readReplays(
  sources: readonly ReplaySource[],
  topologyFile: string,
): Promise<Map<string, Replay>> {
  const captures = new Map<string, CapturedFrame[] | string>();
  const replays = new Map<string, Replay>();
  for (const { file, place, flows } of sources) {
    const isPlace = isAbsolute(file) || file === STANDARD_STREAM;
    const path = isPlace ? file : join(dirname(topologyFile), file);
    if (!captures.has(path)) captures.set(path, await framesOf(path));
    const capture = captures.get(path)!;
    if (typeof capture === 'string') {
      place.problem(`${path}: ${capture}`);
      continue;
    }
    for (const { name, from } of flows) {
      const replay = replayOf(from.addresses, capture);
      if (replay.frames.length === 0) {
        const counts = Object.entries(replay.leftOut).map(([reason, count]) => `${count} ${reason}`);
        place.problem(
          `${path}: no packet from ${from.name} (${from.addresses.join(', ')}) can be sent: ${counts.join(', ') || 'there is none'}`,
        );
      }
      replays.set(name, replay);
    }
  }
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
