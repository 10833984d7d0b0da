/** A recording on disk: its parts, and its records one after the other. */
import { octetsOfGrowing } from '../files/growing-file.js';
import { LineCutter } from '../files/line-cutter.js';
import { OLDER_PART } from '../files/ring-file.js';
import { statIfThere } from '../files/stat.js';
import { type ReadLine, RecordingError, type RecordingHead, readHead, readRecord } from './records.js';

/** Limit on a line: a batch of some hundred thousand entries. */
export const LINE_OCTETS_MAX = 64 * 1024 * 1024;

export interface RecordingFile {
  /** Of the first part that is there. */
  readonly head: RecordingHead;
  /** Records that are missing before the first one. */
  readonly lost: number;
  records(): AsyncGenerator<ReadLine>;
}

/** Throws RecordingError, which names the line, InputFileError, and what the file system throws. */
export async function openRecording(path: string): Promise<RecordingFile> {
  const head = await headOf(path);
  const older = path + OLDER_PART;
  const paths = [path];
  let first = head;
  if (head.part > 1 && statIfThere(older) !== undefined) {
    const before = await headOf(older);
    if (before.id === head.id && before.part === head.part - 1) {
      paths.unshift(older);
      first = before;
    }
  }
  return { head: first, lost: first.recordsBefore, records: () => recordsOf(paths) };
}

async function headOf(path: string): Promise<RecordingHead> {
  for await (const line of linesOf(path)) return named(path, 1, () => readHead(line));
  throw new RecordingError(`${path} is empty`);
}

async function* recordsOf(paths: readonly string[]): AsyncGenerator<ReadLine> {
  for (const path of paths) {
    let number = 0;
    for await (const line of linesOf(path)) {
      number++;
      if (number === 1) continue;
      const read = named(path, number, () => readRecord(line));
      if (read !== undefined) yield read;
    }
  }
}

/** Whole lines: what has no end yet was being written when the gateway ended. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const cutter = new LineCutter(LINE_OCTETS_MAX);
  for await (const octets of octetsOfGrowing(path, () => false)) {
    for (const line of cutter.cut(octets)) {
      if (line.length > LINE_OCTETS_MAX)
        throw new RecordingError(`${path}: a line has more than ${LINE_OCTETS_MAX} octets`);
      yield line.toString('utf8');
    }
  }
}

function named<T>(path: string, line: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    throw new RecordingError(`${path}: line ${line}: ${error.message}`);
  }
}
