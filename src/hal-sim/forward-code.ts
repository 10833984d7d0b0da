/** A Forward as one number, so that it can stand in a slab and a packet's next step is an integer comparison. */
import type { Forward } from '../hal/program.js';

export const CODE_DROP = 0;
export const CODE_RSS = 1;
export const CODE_KERNEL = 2;
/** The packet could not be processed and is gone; its counter has been raised. */
export const CODE_LOST = 3;
/** CODE_PORT + port id */
export const CODE_PORT = 16;
/** CODE_PIPE + number of the pipe in the program */
export const CODE_PIPE = 1024;

/** The forward that a code stands for, of a program that has these pipes in this order. */
export function forwardOf(code: number, pipeNumbers: ReadonlyMap<string, number>): Forward {
  if (code >= CODE_PIPE) return { to: 'pipe', pipe: [...pipeNumbers.keys()][code - CODE_PIPE] };
  if (code >= CODE_PORT) return { to: 'port', port: code - CODE_PORT };
  return { to: code === CODE_RSS ? 'rss' : code === CODE_KERNEL ? 'kernel' : 'drop' };
}

/** `pipeNumbers` gives a pipe's number by name; the forward has been validated. */
export function forwardCode(forward: Forward, pipeNumbers: ReadonlyMap<string, number>): number {
  switch (forward.to) {
    case 'drop':
      return CODE_DROP;
    case 'rss':
      return CODE_RSS;
    case 'kernel':
      return CODE_KERNEL;
    case 'port':
      return CODE_PORT + forward.port;
    case 'pipe':
      return CODE_PIPE + pipeNumbers.get(forward.pipe)!;
  }
}
