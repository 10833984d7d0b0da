/**
 * Networks of gateways: topologies are read from YAML, run in virtual time, and reported on. A topology and a report are plain data.
 *
 * @packageDocumentation
 */
import { readTextFile } from '../files/read-file.js';
import {
  type ReadTopologyOptions,
  readTopologyFiles,
  readTopology as readTopologyWith,
} from '../topology/file/read.js';
import { readReplays } from '../topology/file/read-replays.js';
import type { Topology } from '../topology/model.js';
import type { Report } from '../topology/report.js';
import { runVirtually } from '../topology/virtual-run.js';

export type { Verdict } from '../topology/expectations/kind.js';
export { type ReadTopologyOptions, TopologyFileError } from '../topology/file/read.js';
export { topologyToYaml } from '../topology/file/write.js';
export { type GraphOptions, topologyDot, topologyMermaid, topologySvg } from '../topology/graph.js';
export type { Violation, ViolationKind } from '../topology/invariant-checker.js';
export type { Topology } from '../topology/model.js';
export type { Counts } from '../topology/nodes/incarnation.js';
export type { FlowReport, NodeReport, Report } from '../topology/report.js';
export { reportMarkdown } from '../topology/report-markdown.js';
export type { RestraintKind } from '../topology/restraint.js';
export type { Percentiles } from '../topology/traffic/flow.js';

/**
 * Reads a topology file. Throws TopologyFileError with everything that is wrong in it, each as `file:line: reason`, and what the
 * file system throws.
 */
export function readTopology(path: string, options: ReadTopologyOptions = {}): Topology {
  return readTopologyWith(path, readTextFile, options);
}

/** Options of a run. */
export interface RunTopologyOptions extends ReadTopologyOptions {
  /** Ends the run; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a topology file and the captures that its flows replay, and runs it in virtual time: the same files and seed give the same
 * report. Rejects as `readTopology` throws.
 */
export async function runTopology(path: string, options: RunTopologyOptions = {}): Promise<Report> {
  const { topology, replays: sources, problems } = readTopologyFiles(path, readTextFile, options);
  const { signal } = options;
  const replays = await readReplays(sources, path);
  problems.throwIfAny();
  const { report } = await runVirtually(topology!, { replays, ...(signal === undefined ? {} : { signal }) });
  return report;
}
