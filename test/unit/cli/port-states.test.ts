import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkRun } from '../../../src/cli/check-run.js';
import { openHal } from '../../../src/cli/open-hal.js';
import { docaPortStates } from '../../../src/cli/port-states.js';
import { readGatewayOptions } from '../../../src/gateway/config/read-options.js';
import { pcapHeader } from '../../../src/packet/pcap.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-gateway-ports-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the simulator’s ports are there until they say that they are gone', async () => {
  const damaged = join(folder, 'damaged.pcap');
  writeFileSync(damaged, Buffer.concat([pcapHeader(), Buffer.alloc(16, 0xff)]));
  const argv = [
    '--insecure',
    '-s',
    '127.0.0.1',
    '-t',
    '127.0.0.2:192.168.1.2',
    '--sim-vf',
    'host:192.168.1.1',
  ];
  const { options, run } = readGatewayOptions([...argv, '--sim-wire', `pcap:${damaged}`], () => '', {
    check: checkRun,
  });
  const opened = await openHal(options, run);
  const [uplink] = opened.ending;
  await expect(uplink!.done).rejects.toThrow();
  expect(opened.ports()).toEqual([
    { name: `pcap ${damaged}`, state: 'gone' },
    { name: 'host 192.168.1.1', state: 'present' },
  ]);
  await opened.close();
});

test('over DOCA the kernel’s interfaces are known, and nothing of the rest', () => {
  const [tap, veth] = [
    { name: 'vf0', state: 'present' },
    { name: 'up0', state: 'gone' },
  ] as const;
  expect(docaPortStates([tap, veth], 2)).toEqual([tap, veth]);
  expect(docaPortStates([tap], 2)).toEqual([tap, { name: 'other ports', state: 'unwatched' }]);
  expect(docaPortStates([], 2)).toEqual([{ name: 'all ports', state: 'unwatched' }]);
});
