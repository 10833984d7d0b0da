/**
 * Ends the process when one execution does not end: nothing in the same thread could. It names what was being executed, so
 * that it can be run again.
 */
import { Worker } from 'node:worker_threads';

/** No execution takes a hundredth of it. */
const PATIENCE_MS = 30_000;

const WATCH = `
  const { workerData: { progress, patienceMs } } = require('node:worker_threads');
  let seen = -1;
  setInterval(() => {
    const now = Atomics.load(progress, 0);
    if (now === seen && Atomics.load(progress, 1) === 1) {
      const place = Buffer.from(progress.buffer, 8).toString('utf8').replace(/\\0+$/, '');
      require('node:fs').writeSync(2, 'an execution does not end: ' + place + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    seen = now;
  }, patienceMs);`;
const NAME_OCTETS = 256;

/** Count of executions, whether one is under way, and where. */
let progress: Int32Array | undefined;

function started(): Int32Array {
  if (progress === undefined) {
    progress = new Int32Array(new SharedArrayBuffer(8 + NAME_OCTETS));
    new Worker(WATCH, { eval: true, workerData: { progress, patienceMs: PATIENCE_MS } }).unref();
  }
  return progress;
}

/** To be called around an execution. `name` is how it is run again. */
export async function watched<T>(name: () => string, work: () => T | Promise<T>): Promise<T> {
  const cells = started();
  const text = Buffer.from(cells.buffer, 8);
  text.fill(0);
  text.write(name().slice(0, NAME_OCTETS - 1));
  Atomics.add(cells, 0, 1);
  Atomics.store(cells, 1, 1);
  try {
    return await work();
  } finally {
    Atomics.store(cells, 1, 0);
  }
}
