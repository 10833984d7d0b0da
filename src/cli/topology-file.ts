/** What the topology commands share: the file and what is said when it is wrong. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { type ReadTopologyOptions, readTopology, TopologyFileError } from '../topology/file/read.js';
import { SABOTAGES, type Sabotage } from '../topology/fuzz/sabotage.js';
import type { Topology } from '../topology/model.js';
import { EXIT_USAGE } from './output.js';
import { OutputFolderError } from './output-folder.js';

/** Reads a topology's files from disk; throws TopologyFileError. */
export function loadTopology(path: string, options: ReadTopologyOptions = {}): Topology {
  return readTopology(path, (file) => readFileSync(file, 'utf8'), options);
}

/** Runs an action that reads a topology. Wrong files are wrong usage: all that is wrong is said, and the exit status is 2. */
export async function withTopology(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof TopologyFileError || error instanceof OutputFolderError)) throw error;
    console.error(error.message);
    process.exitCode = EXIT_USAGE;
  }
}

/** A seed as commander's parser of an option. */
export function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffff_ffff)
    throw new InvalidArgumentError('expected a number from 0 to 4294967295.');
  return seed;
}

/**
 * A defect of src/topology/fuzz/sabotage.ts, named in the environment: to see that runs and searches find it. Throws
 * TopologyFileError for a name that is none.
 */
export function sabotage(): { readonly sabotage?: Sabotage } {
  const name = process.env.PSP_GATEWAY_SABOTAGE ?? '';
  if (name === '') return {};
  const found = SABOTAGES[name];
  if (found !== undefined) return { sabotage: found };
  throw new TopologyFileError([
    `PSP_GATEWAY_SABOTAGE: "${name}" is not one of ${Object.keys(SABOTAGES).join(', ')}`,
  ]);
}
