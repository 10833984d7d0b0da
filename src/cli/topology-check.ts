/** Everything that is wrong with a topology's files and the flags beside it, before anything runs or is written. */
import { fileProblem } from '../files/file-problem.js';
import { TopologyFileError, type TopologyRead } from '../topology/file/read.js';
import { readReplays } from '../topology/file/read-replays.js';
import { externalsOf, gatewaysOf, type Topology } from '../topology/model.js';
import { lookAtOutside } from '../topology/real-time/outside.js';
import type { Replay } from '../topology/traffic/replay-frames.js';
import type { FlagProblems } from './flag-problems.js';
import { complain } from './output.js';
import { OutputFolderError } from './output-folder.js';
import { tryLoad } from './topology-file.js';
import { certificateHost, certificateProblems, type PlaceFlags, placeProblems } from './topology-places.js';

export interface TopologyRequest extends PlaceFlags {
  readonly file: string;
  /** Values that were not taken. */
  readonly wrong: FlagProblems;
  readonly scenarioPath?: string | undefined;
  readonly seed?: number | undefined;
  /** On the machine's clock; false: in virtual time; absent: nothing is to run. */
  readonly inRealTime?: boolean;
  /** Whether it is only written for other machines. */
  readonly deployed?: boolean;
  /** The gateway that runs here alone, whose certificate is needed; absent: those of all of them. */
  readonly alone?: string;
  /** Further checks, which throw TopologyFileError, OutputFolderError, and what the file system throws. */
  readonly more?: readonly (() => void)[];
}

export interface TopologyChecked {
  /** Undefined where its files are wrong. */
  readonly topology: Topology | undefined;
  readonly replays: ReadonlyMap<string, Replay>;
  readonly fileProblems: readonly string[];
  /** What its files had better write otherwise. */
  readonly warnings: readonly string[];
  /** A file that the command line names cannot be read. */
  readonly isWrongPath: boolean;
  readonly flagProblems: readonly string[];
}

const CERTIFICATES_UNUSED =
  '--certificates: is for gateways on other machines, which --where names; a run makes its own for all others';

/** The files of the topology alone, without the captures that they name. */
export function tryTopology({ file, scenarioPath, seed, inRealTime }: TopologyRequest): TopologyRead {
  return tryLoad(file, {
    inVirtualTime: inRealTime === false,
    ...(scenarioPath === undefined ? {} : { scenarioPath }),
    ...(seed === undefined ? {} : { seed }),
  });
}

export async function checkTopology(
  request: TopologyRequest,
  { topology, replays: captures, outside, problems }: TopologyRead = tryTopology(request),
): Promise<TopologyChecked> {
  const flagProblems = [...request.wrong.list];
  const replays = await readReplays(captures, request.file);
  // Interfaces are of the machine that the run is on.
  if (
    topology !== undefined &&
    request.inRealTime === true &&
    request.alone === undefined &&
    request.deployed !== true
  )
    await lookAtOutside(topology, outside);
  const fileProblems = [...problems.list];
  if (topology !== undefined) {
    if (request.inRealTime === true && topology.epochMs !== undefined)
      fileProblems.push('epoch is of virtual time only; real time is that of the machine');
  }
  flagProblems.push(
    ...placeProblems(topology, request, request.wrong),
    ...placesToCertify(topology, request),
  );
  for (const look of request.more ?? []) noted(flagProblems, look);
  const { isWrongPath, warnings } = problems;
  problems.remarks.forEach(complain);
  return { topology, replays, fileProblems, warnings, isWrongPath, flagProblems };
}

function placesToCertify(topology: Topology | undefined, request: TopologyRequest): string[] {
  const { certificates, where, alone, wrong } = request;
  if (certificates === undefined || wrong.has('--where') || wrong.has('--where-file') || wrong.has('--core'))
    return [];
  const isNeeded = where.size > 0 || (topology !== undefined && externalsOf(topology).length > 0);
  if (alone === undefined && !isNeeded) return [CERTIFICATES_UNUSED];
  if (topology === undefined) return [];
  // Those elsewhere have their own there.
  const needed = gatewaysOf(topology).filter(({ name }) =>
    alone === undefined ? !where.has(name) : name === alone,
  );
  return certificateProblems(
    certificates,
    // Without --core the gateways that --where does not name have no place.
    needed.flatMap(({ name }) => certificateHost(topology, request, name) ?? []),
  );
}

/** Likewise; throws TopologyFileError with all of it. */
export async function rightTopology(
  request: TopologyRequest,
  loaded: TopologyRead,
): Promise<{ topology: Topology; replays: ReadonlyMap<string, Replay> }> {
  const { topology, replays, fileProblems, flagProblems } = await checkTopology(request, loaded);
  const problems = [...fileProblems, ...flagProblems];
  if (topology === undefined || problems.length > 0) throw new TopologyFileError(problems);
  return { topology, replays };
}

function noted(problems: string[], look: () => void): void {
  try {
    look();
  } catch (error) {
    noteProblem(problems, error);
  }
}

function noteProblem(problems: string[], error: unknown): void {
  if (error instanceof TopologyFileError) problems.push(...error.problems);
  else {
    const text = error instanceof OutputFolderError ? error.message : fileProblem(error)?.text;
    if (text === undefined) throw error;
    problems.push(text);
  }
}
