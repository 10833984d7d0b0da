/**
 * What is not finished yet on disk, so that none of it stays when the process ends: by itself, by process.exit, or by a
 * signal that nobody else in the process handles. Only paths that this process has made go in here.
 */
import { rmSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const unfinished = new Set<string>();

/** Removes the file, or the folder with all that is in it, when the process ends before `forgetUnfinished`. */
export function noteUnfinished(path: string): void {
  if (unfinished.size === 0) {
    process.on('exit', removeAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  unfinished.add(path);
}

/** It is finished, or removed. */
export function forgetUnfinished(path: string): void {
  if (unfinished.delete(path) && unfinished.size === 0) stopListening();
}

function stopListening(): void {
  process.off('exit', removeAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function removeAll(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true });
  unfinished.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  // Whoever else listens decides how the process ends; `exit` comes then, too.
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  stopListening();
  process.kill(process.pid, signal);
}
