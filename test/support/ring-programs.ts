/** Programs of cases over a device whose ports are rings (native/doca-soft/test/world.h): their mapping file, and a test for each case. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { buildSoftProgram, CASE_TIMEOUT_MS, runCase } from './soft-program.js';

/** The mapping of a device of rings with one representor; `lines`: what is said of the device besides, `suffix`: of its rings' names. */
export function ringDevice({
  pci = '03:00.0',
  representor = 'vf0',
  suffix = '',
  lines = [] as readonly string[],
} = {}): string {
  return [
    ...[`[device ${pci}]`, `port = net_ring_wire${suffix}`, 'mtu = 1500', 'buffers = 1024', ...lines],
    ...[`[representor ${representor}]`, `port = net_ring_vf${suffix}`, 'mtu = 1500', ''],
  ].join('\n');
}

/** Writes the mapping file of some devices into `folder`; returns its path. */
export function writeMapping(folder: string, ...devices: readonly string[]): string {
  const path = join(folder, 'mapping.conf');
  writeFileSync(path, devices.join(''));
  return path;
}

/** A test that builds `NAME.cc` for a release, and a test for each of its cases. */
export function testBuiltProgram(
  name: string,
  release: string,
  folder: string,
  mapping: string,
  cases: readonly string[],
): void {
  let program: string;

  test('builds', () => {
    program = buildSoftProgram(`${name}.cc`, release, folder, ['-lrte_net_ring']);
  }, 60_000);

  testCases(() => program, mapping, cases);
}

/** A test for each case of a program, which is asked for when the first one runs. */
export function testCases(program: () => string, mapping: string, cases: readonly string[]): void {
  test.each(cases)('%s', (one) => void runCase(program(), one, mapping), CASE_TIMEOUT_MS);
}
