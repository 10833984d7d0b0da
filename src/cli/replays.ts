/** Reads the captures that a topology's replay flows send. */
import { createReadStream } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { CaptureError, readCapture } from '../packet/pcap.js';
import { TopologyFileError } from '../topology/file/read.js';
import { gatewaysOf, type Topology } from '../topology/model.js';
import { framesSentBy, type ReplayFrame } from '../topology/traffic/replay.js';

/**
 * What each replay flow sends, by flow. Paths are relative to the topology's file.
 * @throws TopologyFileError for captures that cannot be read, or in which the workload has sent nothing.
 */
export async function readReplays(topology: Topology, file: string): Promise<Map<string, ReplayFrame[]>> {
  const workloads = gatewaysOf(topology).flatMap((gateway) => gateway.workloads);
  const captures = new Map<string, ReplayFrame[] | string>();
  const replays = new Map<string, ReplayFrame[]>();
  const problems: string[] = [];
  for (const plan of topology.scenario.traffic) {
    if (plan.type !== 'replay') continue;
    const path = isAbsolute(plan.file) ? plan.file : join(dirname(file), plan.file);
    if (!captures.has(path)) captures.set(path, await framesOf(path));
    const capture = captures.get(path)!;
    if (typeof capture === 'string') {
      problems.push(`flow ${plan.name}: ${path}: ${capture}`);
      continue;
    }
    const { addresses } = workloads.find(({ name }) => name === plan.from)!;
    const frames = framesSentBy(addresses, capture);
    if (frames.length === 0)
      problems.push(
        `flow ${plan.name}: ${path}: no packet comes from ${plan.from} (${addresses.join(', ')})`,
      );
    replays.set(plan.name, frames);
  }
  if (problems.length > 0) throw new TopologyFileError(problems);
  return replays;
}

/** All frames, from the first one's time on; or why there are none. */
async function framesOf(path: string): Promise<ReplayFrame[] | string> {
  const frames: ReplayFrame[] = [];
  try {
    let firstNs: bigint | undefined;
    for await (const { timestampNs, frame } of readCapture(createReadStream(path))) {
      firstNs ??= timestampNs;
      const atMs = Math.max(frames.at(-1)?.atMs ?? 0, Number(timestampNs - firstNs) / 1e6);
      frames.push({ atMs, frame });
    }
    return frames;
  } catch (error) {
    if (error instanceof CaptureError) return error.message;
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code === 'ENOENT' ? 'there is no such file' : code;
  }
}
