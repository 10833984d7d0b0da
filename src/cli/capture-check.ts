/** Captures that flags name, looked at before anything is opened for good or written. */
import { readBegin } from '../files/read-file.js';
import { CAPTURE_BEGIN_OCTETS, mustBeginCapture, STANDARD_STREAM } from '../packet/capture-stream.js';

/**
 * Throws NoCaptureError for a file that is no capture, InputFileError, and what the file system throws. What comes through a pipe shows
 * only when it is read.
 *
 * @returns the link type of all of its frames, where that is known beforehand
 */
export function mustBeCapture(path: string): number | undefined {
  if (path === STANDARD_STREAM) return undefined;
  const begin = readBegin(path, CAPTURE_BEGIN_OCTETS);
  return begin === undefined ? undefined : mustBeginCapture(begin);
}
