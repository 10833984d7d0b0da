/**
 * What an output may take the place of: nothing, an empty file, or one of its own kind. Everything else is somebody's, and
 * stays. Links, pipes and devices are none of this: a link itself is replaced, and into the others is written.
 */
import { fileProblem } from '../files/file-problem.js';
import { mustTakeFile } from '../files/folders.js';
import { InputFileError, readBegin } from '../files/read-file.js';
import { OutputFileError } from '../files/replace-file.js';
import { lstatIfThere } from '../files/stat.js';
import { STANDARD_STREAM } from '../packet/capture-stream.js';
import { NoCaptureError } from '../packet/pcap.js';
import { KeysFileError } from '../psp/keys-file.js';
import { FORMAT_BEGIN } from '../recording/records.js';
import { mustBeCapture } from './capture-check.js';
import { readKeysFile } from './keys-file.js';

/**
 * `drawing`: whatever `pipes`, `topology graph` and `demo` draw, in any format; `found`: what `topology fuzz` has found; `shard`: lines
 * about its seeds; `report`: of `verify`, as JSON or as a page.
 */
export type OutputKind = 'capture' | 'keys' | 'drawing' | 'found' | 'shard' | 'recording' | 'report';

/** Begins the first line of a topology that a search has found. */
export const FOUND_HEADING = '# Found by topology fuzz under seed ';

/** Begins the first line of a shard of a search. */
export const SHARD_BEGIN = '{"shard":';

/** Beginnings of drawings: Mermaid, DOT, SVG, and a pipe program as JSON. */
const DRAWINGS: readonly RegExp[] = [
  /^(?:flowchart (?:LR|TD)|sequenceDiagram)\n/,
  /^(?:digraph ".*" \{\n {2}rankdir=LR;|graph ".*" \{\n {2}graph \[nodesep=0\.8, ranksep=1\];)\n/,
  /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d. ]+" width="\d+" height="\d+" font-family="ui-sans-serif, system-ui, sans-serif" font-size="11">\n/,
  /^\{\n {2}"name": ".*",\n {2}"pipes": \[\n/,
];
const DRAWING_BEGIN_OCTETS = 1024;
const REPORT = /^\{\n {2}"format": "psp-gateway verify",\n|<title>psp-gateway verify: /;

class ForeignFileError extends OutputFileError {
  constructor(path: string, kind: string) {
    super(`${path} is there and is no ${kind}; it would be replaced: name another file, or remove it`);
  }
}

/** Whether an output can be written under this name. Throws OutputFileError, and what the file system throws. */
export async function mustTakeOutput(path: string, kind: OutputKind): Promise<void> {
  if (path === STANDARD_STREAM)
    throw new OutputFileError('"-" is standard output for captures only; name a file');
  await mustTakeFile(path);
  mustBeReplaceable(path, kind);
}

/** What is wrong with an output, with the name of its flag; undefined: it can be written. Throws what is no error of a file. */
export async function outputProblem(
  path: string,
  kind: OutputKind,
  flag = '--output',
): Promise<string | undefined> {
  try {
    await mustTakeOutput(path, kind);
    return undefined;
  } catch (error) {
    const text = fileProblem(error, path)?.text;
    if (text === undefined) throw error;
    return `${flag}: ${text}`;
  }
}

/** Throws OutputFileError for a file that is not of this kind, and what the file system throws. */
export function mustBeReplaceable(path: string, kind: OutputKind): void {
  const there = lstatIfThere(path);
  if (there?.isFile() === true && there.size > 0) MUST_BE[kind](path);
}

const MUST_BE: Readonly<Record<OutputKind, (path: string) => void>> = {
  capture(path) {
    try {
      mustBeCapture(path);
    } catch (error) {
      throw error instanceof NoCaptureError ? new ForeignFileError(path, 'capture') : error;
    }
  },
  keys(path) {
    try {
      readKeysFile(path);
    } catch (error) {
      const isOther = error instanceof KeysFileError || error instanceof InputFileError;
      throw isOther ? new ForeignFileError(path, 'keys file') : error;
    }
  },
  drawing(path) {
    const begin = readBegin(path, DRAWING_BEGIN_OCTETS)?.toString('utf8') ?? '';
    if (!DRAWINGS.some((pattern) => pattern.test(begin)))
      throw new ForeignFileError(path, 'drawing of psp-gateway');
  },
  recording(path) {
    if (readBegin(path, FORMAT_BEGIN.length)?.toString('utf8') !== FORMAT_BEGIN)
      throw new ForeignFileError(path, 'recording');
  },
  found(path) {
    if (readBegin(path, FOUND_HEADING.length)?.toString('utf8') !== FOUND_HEADING)
      throw new OutputFileError(`${path} is there, and no search has written it; name another file`);
  },
  shard(path) {
    if (readBegin(path, SHARD_BEGIN.length)?.toString('utf8') !== SHARD_BEGIN)
      throw new OutputFileError(`${path} is there, and is no shard; name another folder`);
  },
  report(path) {
    const begin = readBegin(path, DRAWING_BEGIN_OCTETS)?.toString('utf8') ?? '';
    if (!REPORT.test(begin)) throw new ForeignFileError(path, 'report of psp-gateway verify');
  },
};
