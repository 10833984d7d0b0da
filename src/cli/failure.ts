/** The lines with which a command ends that cannot go on, and its exit status. Users never see a stack. */

import { constants } from 'node:os';
import { type FileProblem, fileProblem } from '../files/file-problem.js';
import { ListenError } from '../gateway/rpc/transport.js';
import { complain, EXIT_FAILED, EXIT_USAGE } from './output.js';

/** Exit status of a program that SIGPIPE has ended, as shells count it. */
const EXIT_PIPE = 128 + constants.signals.SIGPIPE;
const FRAMES_SHOWN = 4;

/**
 * Says what is wrong with a file or an address, and sets the exit status: EXIT_USAGE for a path that is wrong, EXIT_FAILED for a
 * machine that cannot. Throws what is no error of a file.
 * @param path where the error does not know it itself
 */
export function failAtFile(error: unknown, path?: string): void {
  const problem = fileProblem(error, path) ?? listenProblem(error);
  if (problem === undefined) throw error;
  complain(`psp-gateway: ${problem.text}`);
  process.exitCode = problem.isWrongPath ? EXIT_USAGE : EXIT_FAILED;
}

/** The problem of a tunnel service that cannot listen; undefined: it is another error. An address of another machine is wrong usage. */
export function listenProblem(error: unknown): FileProblem | undefined {
  if (!(error instanceof ListenError)) return undefined;
  return { text: error.message, isWrongPath: error.code === 'EADDRNOTAVAIL' };
}

/** Ends the program with one line on standard error: what is wrong with a file or an address, or else that this is a defect. */
export function endAtOnce(error: unknown): never {
  try {
    failAtFile(error);
  } catch {
    complain(`psp-gateway: this is a defect of psp-gateway, please report it: ${onOneLine(error)}`);
    process.exitCode = EXIT_FAILED;
  }
  // Sockets and timers may still be open.
  process.exit();
}

/** The error and its place, for whoever mends it. */
function onOneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const places = frames.slice(0, FRAMES_SHOWN).map((line) => line.trim().replace(/^at /, ''));
  return `${error.name}: ${error.message.replaceAll('\n', ' ')} (${places.join(' < ')})`;
}

type OnOutputLost = (error: NodeJS.ErrnoException, status: number) => void;
let onOutputLost: OnOutputLost | undefined;

/** Calls `handler` when standard output takes no more, instead of ending at once. */
export function whenOutputIsLost(handler: OnOutputLost): void {
  onOutputLost = handler;
}

let isOutputLost = false;

/** Standard output takes no more: the program ends with a status that says so, or `whenOutputIsLost` decides. Once. */
export function outputFailed(error: NodeJS.ErrnoException): void {
  if (isOutputLost) return;
  isOutputLost = true;
  // The reader of our output may have seen enough, as head(1) does; but not all has been done.
  const hasReader = error.code !== 'EPIPE';
  const status = hasReader ? EXIT_FAILED : EXIT_PIPE;
  if (onOutputLost !== undefined) {
    onOutputLost(error, status);
    return;
  }
  if (hasReader) complain(`psp-gateway: ${fileProblem(error, 'standard output')?.text}`);
  process.exit(status);
}

/**
 * From now on a standard output that is full or that nobody reads ends the program with a status that says so, and a
 * standard error that takes nothing is not missed.
 */
export function watchStandardStreams(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', outputFailed);
}
