/** Shared parts of the topology commands: reading the file, and telling what is wrong with it. */
import { createHash } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import { readTextFile } from '../files/read-file.js';
import type { FileReader } from '../gateway/config/problems.js';
import {
  type ReadTopologyOptions,
  readTopology,
  readTopologyFiles,
  TopologyFileError,
  type TopologyRead,
} from '../topology/file/read.js';
import { type Defect, SABOTAGES } from '../topology/fuzz/sabotage.js';
import type { Topology } from '../topology/model.js';
import { StartError } from '../topology/real-time/machine.js';
import { endAtOnce } from './failure.js';
import type { FlagProblems } from './flag-problems.js';
import { complain, EXIT_FAILED, EXIT_USAGE } from './output.js';
import { OutputFolderError } from './output-folder.js';

/** Reads a topology's files from disk; throws TopologyFileError. */
export function loadTopology(path: string, options: ReadTopologyOptions = {}): Topology {
  return readTopology(path, readTextFile, options);
}

/** Likewise, with what is wrong with the files instead of an error. `topology` is undefined then. */
export function tryLoad(
  path: string,
  options: ReadTopologyOptions = {},
  readFile: FileReader = readTextFile,
): TopologyRead {
  const read = readTopologyFiles(path, readFile, options);
  return { ...read, topology: read.problems.isEmpty ? read.topology : undefined };
}

/** Likewise; throws TopologyFileError, also with what is wrong with flags and, by `more`, with the files that they name. */
export function loadBeside(
  flags: FlagProblems,
  path: string,
  more: readonly (string | undefined)[] = [],
  options: ReadTopologyOptions = {},
  readFile: FileReader = readTextFile,
): Topology {
  const { topology, problems: ofFiles } = tryLoad(path, options, readFile);
  ofFiles.remarks.forEach(complain);
  const problems = [...ofFiles.list, ...flags.list, ...more.filter((problem) => problem !== undefined)];
  if (topology === undefined || problems.length > 0) throw new TopologyFileError(problems);
  return topology;
}

/** Reads text files, and makes a digest of the texts: the same digest for the same files, wherever they are. */
export function digestingReader(): { readonly readFile: FileReader; digest(): string } {
  const hash = createHash('sha256');
  return {
    readFile: (path, octetsMax) => {
      const text = readTextFile(path, octetsMax);
      // With its length, so that what one file ends with is not what the next begins with.
      hash.update(`${text.length}:${text}`);
      return text;
    },
    digest: () => hash.digest('hex'),
  };
}

/** Runs an action that reads a topology. Wrong files are wrong usage: all that is wrong is said, and the exit status is 2. */
export async function withTopology(action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof StartError) {
      complain(`psp-gateway: ${error.message}`);
      process.exit(EXIT_FAILED);
    }
    // After a start that failed half way, sockets are still open.
    if (!(error instanceof TopologyFileError || error instanceof OutputFolderError)) endAtOnce(error);
    for (const line of error instanceof TopologyFileError ? error.problems : [error.message]) complain(line);
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

/** The name of a defect on purpose in the environment; empty: there is none. */
export const sabotageName = (): string => process.env.PSP_GATEWAY_SABOTAGE ?? '';

/**
 * A defect of src/topology/fuzz/sabotage.ts, named in the environment: to see that runs and searches find it. Throws
 * TopologyFileError for a name that is none.
 */
export function sabotage(): { readonly sabotage?: Defect } {
  const name = sabotageName();
  if (name === '') return {};
  const found = SABOTAGES[name];
  if (found !== undefined) return { sabotage: found };
  throw new TopologyFileError([
    `PSP_GATEWAY_SABOTAGE: "${name}" is not one of ${Object.keys(SABOTAGES).join(', ')}`,
  ]);
}
