/**
 * The compiled program with faults that no flag makes: a copy whose lines are changed, each of which an environment variable
 * switches on.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/root.js';

/** Where it is, what stands there, and what stands there instead. */
const FAULTS: readonly (readonly [file: string, before: string, after: string])[] = [
  [
    'base/clock.js',
    'performance.timeOrigin + performance.now()',
    'performance.timeOrigin + performance.now() + Number(process.env.FAULT_CLOCK_MS ?? 0)',
  ],
  [
    'gateway/sessions/spi-book.js',
    'return this.#active.count;',
    'return this.#active.count + Number(process.env.FAULT_SPIS ?? 0);',
  ],
  [
    'hal-sim/device.js',
    'perform(batch) {',
    "perform(batch) { if (process.env.FAULT_ENTRIES && this.isBuilt && batch.count > 0) return Promise.reject(new HalError('IO_FAILED', 'the entry is not taken'));",
  ],
  // From the end of the start on the software DOCA refuses all; the file is that of the tests' addon that has it do so.
  [
    'hal-doca/device.js',
    'await install(this.indexes);',
    "await install(this.indexes); if (process.env.FAULT_DOCA) process.getBuiltinModule('node:module').createRequire(import.meta.url)(process.env.FAULT_DOCA).setFaults(1, 1000);",
  ],
  // Beside the small ones, ten large ones a second.
  [
    'cli/ping.js',
    'const { sent, received, rttMs } = await host.ping(destination, {',
    'if (process.env.FAULT_LARGE) void host.ping(destination, { count, intervalMs: 100, timeoutMs: TIMEOUT_MS, sizeOctets: Number(process.env.FAULT_LARGE), signal: interrupt });\n' +
      'const { sent, received, rttMs } = await host.ping(destination, {',
  ],
];

/** Makes it in `folder`; the path of its main file. */
export function makeFaultyProgram(folder: string): string {
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const name of ['node_modules', 'proto', 'schema']) symlinkSync(join(ROOT, name), join(folder, name));
  for (const [file, before, after] of FAULTS) {
    const path = join(folder, 'dist', file);
    const text = readFileSync(path, 'utf8');
    const parts = text.split(before);
    if (parts.length !== 2) throw new Error(`${file} does not have "${before}" once`);
    writeFileSync(path, parts.join(after));
  }
  return join(folder, 'dist/cli/main.js');
}
