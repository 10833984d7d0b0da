/** What the topology commands share: the file and what is said when it is wrong. */
import { readFileSync } from 'node:fs';
import { type ReadTopologyOptions, readTopology, TopologyFileError } from '../topology/file/read.js';
import type { Topology } from '../topology/model.js';
import { EXIT_USAGE } from './output.js';

/** Reads a topology's files from disk; throws TopologyFileError. */
export function loadTopology(path: string, options: ReadTopologyOptions = {}): Topology {
  return readTopology(path, (file) => readFileSync(file, 'utf8'), options);
}

/** Runs an action that reads a topology. Wrong files are wrong usage: all that is wrong is said, and the exit status is 2. */
export async function withTopology(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof TopologyFileError)) throw error;
    for (const problem of error.problems) console.error(problem);
    process.exitCode = EXIT_USAGE;
  }
}
