/**
 * The one way in which whole files are read here: regular files, and pipes (process substitution, /dev/stdin), up to a
 * size that the reader names. Nothing is waited for without end, and nothing is held that is larger than that.
 */
import { isUtf8 } from 'node:buffer';
import { accessSync, type BigIntStats, closeSync, constants, openSync, readSync } from 'node:fs';
import { fstatOf, statOf } from './stat.js';

/** A file that is not what it should be: too large, of a kind that has no end, or a pipe into which nobody writes. */
export class InputFileError extends Error {
  override readonly name = 'InputFileError';
  constructor(
    path: string,
    /** What is said of it, without its name. */
    readonly reason: string,
  ) {
    super(`${path} ${reason}`);
  }
}

/** Octets read at once where the size is not known beforehand. */
const CHUNK_OCTETS = 64 * 1024;
/** A pipe is asked so often before it counts as one into which nobody writes: 5 s. */
const PIPE_WAITS_MAX = 500;
const PIPE_WAIT_MS = 10;

/**
 * The text of a UTF-8 file of up to `octetsMax` octets, without a byte-order mark, its lines ended by \n however the file ends
 * them. `links`: whether a link in place of the file is one. Throws InputFileError, which names the file, the limit and what to do, and what the file system throws.
 */
export function readTextFile(
  path: string,
  octetsMax: number,
  links: 'followed' | 'refused' = 'followed',
): string {
  const noLinks = links === 'refused' ? constants.O_NOFOLLOW : 0;
  // O_NONBLOCK: a FIFO without writer would hold `open` for ever.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | noLinks);
  try {
    const stats = fstatOf(descriptor);
    const isPipe = stats.isFIFO();
    if (!stats.isFile() && !isPipe) throw new InputFileError(path, `is ${kindOf(stats)}; name a file`);
    if (stats.isFile() && stats.size > octetsMax) throw tooLarge(path, `${stats.size} octets`, octetsMax);
    return textOf(path, readUpTo(path, descriptor, octetsMax, isPipe));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The first octets of a file, all where it has no more. Undefined where they can be read only once, by whoever reads all of them: of
 * a pipe or a device. Throws InputFileError for a folder, and what the file system throws.
 */
export function readBegin(path: string, octetsMax: number): Buffer | undefined {
  const stats = statOf(path);
  if (stats.isDirectory()) throw new InputFileError(path, `is ${kindOf(stats)}; name a file`);
  if (!stats.isFile()) {
    accessSync(path, constants.R_OK);
    return undefined;
  }
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOCTTY);
  try {
    const octets = Buffer.alloc(octetsMax);
    let filled = 0;
    for (let count = -1; count !== 0 && filled < octetsMax; filled += count)
      count = readSync(descriptor, octets, filled, octetsMax - filled, filled);
    return octets.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

const UTF_8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF_16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
const UTF_32_MARKS = [Buffer.from([0xff, 0xfe, 0, 0]), Buffer.from([0, 0, 0xfe, 0xff])];

/** Removes marks that editors of other systems add, so that no reader has to know of them. */
function textOf(path: string, octets: Buffer): string {
  const begins = (mark: Buffer) => octets.subarray(0, mark.length).equals(mark);
  if (UTF_32_MARKS.some(begins) || isUtf32Letter(octets)) {
    throw new InputFileError(path, 'is UTF-32; save it as UTF-8');
  }
  if (UTF_16_MARKS.some(begins) || (octets.length > 1 && (octets[0] === 0) !== (octets[1] === 0))) {
    throw new InputFileError(path, 'is UTF-16; save it as UTF-8');
  }
  if (!isUtf8(octets)) {
    throw new InputFileError(
      path,
      'is not UTF-8, but perhaps Latin-1 or another code page; save it as UTF-8',
    );
  }
  const text = octets.subarray(begins(UTF_8_MARK) ? UTF_8_MARK.length : 0).toString('utf8');
  return text.replaceAll('\r\n', '\n');
}

/** Without a mark: a letter of ASCII comes first, in four octets. */
function isUtf32Letter(octets: Buffer): boolean {
  if (octets.length < 4) return false;
  const [first, second, third, fourth] = octets;
  const isOne = (letter: number, ...rest: number[]) => letter !== 0 && rest.every((octet) => octet === 0);
  return isOne(first!, second!, third!, fourth!) || isOne(fourth!, first!, second!, third!);
}

/** Its size may not be that of its status: it grows, or is one of the kernel's. */
function readUpTo(path: string, descriptor: number, octetsMax: number, isPipe: boolean): Buffer {
  const chunks: Buffer[] = [];
  let octets = 0;
  let waits = 0;
  for (;;) {
    const chunk = Buffer.alloc(Math.min(CHUNK_OCTETS, octetsMax + 1 - octets));
    const count = readSome(descriptor, chunk);
    // Nothing yet, or, before the first octet, perhaps nobody who has opened the other end yet.
    if (count === undefined || (count === 0 && isPipe && octets === 0)) {
      if (++waits > PIPE_WAITS_MAX) {
        const seconds = (PIPE_WAITS_MAX * PIPE_WAIT_MS) / 1000;
        throw new InputFileError(path, `is a pipe into which nobody has written for ${seconds} s`);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_WAIT_MS);
      continue;
    }
    if (count === 0) return Buffer.concat(chunks, octets);
    octets += count;
    waits = 0;
    if (octets > octetsMax) throw tooLarge(path, 'more', octetsMax);
    chunks.push(chunk.subarray(0, count));
  }
}

/** Octets read; undefined: a pipe has none yet. */
function readSome(descriptor: number, into: Buffer): number | undefined {
  try {
    return readSync(descriptor, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

function tooLarge(path: string, what: string, octetsMax: number): InputFileError {
  return new InputFileError(
    path,
    `has ${what}, and at most ${octetsMax} octets are read here; is it the right file? Otherwise make it smaller`,
  );
}

function kindOf(stats: BigIntStats): string {
  return stats.isDirectory() ? 'a folder' : 'a device';
}
