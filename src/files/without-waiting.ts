/** Terminals that are written to without waiting for them. */
import { constants, openSync } from 'node:fs';
import { fstatOf } from './stat.js';

/**
 * Another description of the same terminal, which returns at once where the terminal has been stopped. Those who share the
 * first one, the shell among them, do not expect that of it.
 */
export function withoutWaiting(fd: number): number {
  try {
    if (!fstatOf(fd).isCharacterDevice()) return fd;
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    // No /proc, or a terminal of another user: the program waits with it when it is stopped.
    return fd;
  }
}
