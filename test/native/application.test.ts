/**
 * A program with the calls of NVIDIA's psp_gateway in its order, and what it sees of DPDK's ports: native/doca-soft/test/application.cc,
 * a process per case.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { describeOnNative } from '../support/needs.js';
import {
  buildSoftProgram,
  CASE_TIMEOUT_MS,
  folderOfPrograms,
  runCase,
  softIsBuilt,
} from '../support/soft-program.js';

const RELEASES = ['3.1', '3.3'];
const CASES = ['order', 'two-devices', 'one-lcore', 'twelve-lcores', 'thirty-lcores'];

/** What goes out by a port comes back in by it. */
const ONE_DEVICE =
  '[device 03:00.0]\nport = net_ring0\nmtu = 1500\nbuffers = 1024\nipv6 = 2001:db8::1\n' +
  '[representor vf0]\nport = net_ring1\nmtu = 1500\n';
const TWO_DEVICES =
  '[device 03:00.0]\nport = net_null0\nbuffers = 1024\n[representor vf0]\nport = net_null1\n' +
  '[device 03:00.1]\nport = net_null2\nbuffers = 1024\n[representor vf1]\nport = net_null3\n';

function body(): void {
  const folder = folderOfPrograms('application');
  const mapping = join(folder, 'mapping.conf');

  describe.each(RELEASES)('DOCA %s', (release) => {
    let program: string;

    test('builds', () => {
      program = buildSoftProgram('application.cc', release, folder, ['-lrte_net_ring']);
    }, 60_000);

    test.each(CASES)(
      '%s',
      (name) => {
        writeFileSync(mapping, name === 'two-devices' ? TWO_DEVICES : ONE_DEVICE);
        runCase(program, name, mapping);
      },
      CASE_TIMEOUT_MS,
    );
  });
}

describeOnNative("an application of NVIDIA's kind", softIsBuilt(RELEASES), body);
