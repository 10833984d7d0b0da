/** `psp-gateway topology` with files and runs in a folder of the test file's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { askedAlone, askedWithin } from '../support/asked-within.js';
import { ROOT } from '../support/root.js';

export const MAIN = join(ROOT, 'dist/cli/main.js');

/** A scenario. */
export const PINGS = `  traffic:
    A: {type: ping, from: "*", to: "*", count: 10, interval: 100ms, timeout: 2s}
  expect:
    - {flow: "*", delivered: 50%}
`;

/** The folder goes with the last test of the file. */
export function topologyFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-topology-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);

  return {
    folder,
    path,
    topology: (...args: readonly string[]) => askedWithin(['topology', ...args], ROOT),
    /** In a process of its own, as runs with other processes need it. */
    topologyAlone: (...args: readonly string[]) => askedAlone(['topology', ...args], ROOT),

    /** Writes a topology of three gateways with this scenario. */
    file: (name: string, scenario: string, seed = 1): string => {
      writeFileSync(
        path(name),
        `name: three
seed: ${seed}
topology:
  kinds: {link: {delay: 50us, jitter: 20us, loss: 1%}}
  full-mesh: {gateways: 3, static: false, flags: {inner: both}}
scenario:
${scenario}`,
      );
      return path(name);
    },
  };
}
