/** `--aead`: the engine that is named is the one that works. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkRun } from '../../../src/cli/check-run.js';
import { openHal } from '../../../src/cli/open-hal.js';
import { readGatewayOptions } from '../../../src/gateway/config/read-options.js';
import { parseIp } from '../../../src/packet/address.js';
import { AEAD_ENGINES } from '../../../src/psp/aead-engines.js';
import { encapsulate } from '../../../src/psp/encapsulate.js';
import { countedEngine } from '../../support/counted-engine.js';
import { COUNTS, DecryptFolder, p0 } from '../../support/decrypt.js';
import { outerHeaderTo } from '../../support/psp-frames.js';
import { PING_FRAME } from '../../support/real-frames.js';
import { ROOT } from '../../support/root.js';

let folder: DecryptFolder;
beforeAll(() => {
  folder = new DecryptFolder();
});
afterAll(() => folder.close());

test.each(['openssl', 'noble'] as const)('of a gateway over the simulator: %s', async (aead) => {
  const argv = [
    '--insecure',
    '-s',
    '127.0.0.1',
    '-t',
    '127.0.0.2:192.168.1.2',
    '--sim-vf',
    'host:192.168.1.1',
  ];
  const wire = ['--sim-wire', `pcap:${ROOT}/examples/traffic/v1-v2.pcap`];
  const { options, run } = readGatewayOptions([...argv, ...wire, '--aead', aead], () => '', {
    check: checkRun,
  });
  const opened = await openHal(options, run);
  expect(opened.hal.device.text).toBe(`simulated device, AES-GCM by ${aead}`);
  await opened.close();
});

test.each(Object.values(AEAD_ENGINES))('of decrypting by keys: $name', async (given) => {
  const engine = countedEngine(given);
  const key = new Uint8Array(16).fill(7);
  const frame = encapsulate(PING_FRAME, {
    engine,
    ...{ spi: 7, version: 0, key, iv: 1n, cryptOffsetWords: 0, sourcePort: 50_000 },
    outerHeader: outerHeaderTo(parseIp('2001:db8::1')),
  });
  const { counts } = await folder.decrypt(p0({ frame }), [{ spi: 7, version: 0, key }], engine);
  expect(counts).toEqual({ ...COUNTS, decrypted: 1 });
  expect([engine.sealed, engine.opened]).toEqual([1, 1]);
});
