/**
 * Where captures are read from and written to: files, and standard input or output by the name `-`; compressed with gzip
 * (RFC 1952) where the octets, or on the way out the name, say so.
 */
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGunzip, gunzipSync, gzip } from 'node:zlib';
import { CAPTURE_HEAD_OCTETS, CaptureError, linkTypeOf, NoCaptureError } from './pcap.js';

/** Standard input or output. */
export const STANDARD_STREAM = '-';
const READ_OCTETS = 256 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;
const GZIP_NAME = /\.gz$/i;
const gzipMember = promisify<Uint8Array, Buffer>(gzip);

/**
 * The octets of a capture, decompressed where they are gzip's. Throws CaptureError for gzip that is damaged or ends early, and
 * what the file system throws. Early return closes the file.
 *
 * @param onRead gets how many octets of the file have been read, now and then
 */
export async function* captureOctets(
  path: string,
  onRead: (octets: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const raw =
    path === STANDARD_STREAM ? process.stdin : createReadStream(path, { highWaterMark: READ_OCTETS });
  let octets = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of raw as AsyncIterable<Uint8Array>) {
      octets += chunk.length;
      onRead(octets);
      yield chunk;
    }
  }
  const source = counted();
  try {
    let head = new Uint8Array(0);
    let ended = false;
    while (head.length < GZIP_MAGIC.length && !ended) {
      const next = await source.next();
      ended = next.done === true;
      if (next.done !== true) head = Buffer.concat([head, next.value]);
    }
    if (!isGzip(head)) {
      if (head.length > 0) yield head;
      yield* source;
      return;
    }
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield head;
      yield* source;
    }
    const gunzip = createGunzip();
    // Errors come out of the iteration.
    pipeline(Readable.from(whole()), gunzip, () => {});
    let given = false;
    try {
      for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
        given = true;
        yield chunk;
      }
    } catch (error) {
      const reason = gzipReason(error);
      throw given ? new CaptureError(reason, octets) : new NoCaptureError(reason, octets);
    }
  } finally {
    await source.return(undefined);
  }
}

function isGzip(octets: Uint8Array): boolean {
  return GZIP_MAGIC.every((octet, i) => octets[i] === octet);
}

/** What is wrong with compressed octets; throws what is no error of those. */
function gzipReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('Z_') !== true) throw error;
  return `gzip: ${message}`;
}

/** Of a file, to know by `mustBeginCapture`: of what they decompress to there are enough. */
export const CAPTURE_BEGIN_OCTETS = 4096;

/**
 * Whether a file that begins so is a capture, by its first CAPTURE_BEGIN_OCTETS, or all that it has. Throws NoCaptureError.
 *
 * @returns the link type of all of its frames, where they have one
 */
export function mustBeginCapture(begin: Uint8Array): number | undefined {
  return linkTypeOf(decompressed(begin).subarray(0, CAPTURE_HEAD_OCTETS));
}

function decompressed(begin: Uint8Array): Uint8Array {
  if (!isGzip(begin)) return begin;
  try {
    // What is cut is no mistake here.
    return gunzipSync(begin, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw new NoCaptureError(gzipReason(error), 0);
  }
}

/** The transformation of octets that are written to a file of this name: gzip for .gz. */
export function compressionFor(path: string): (octets: Uint8Array) => Promise<Uint8Array> {
  if (!GZIP_NAME.test(path)) return (octets) => Promise.resolve(octets);
  return async (octets) => (octets.length === 0 ? octets : await gzipMember(octets));
}
