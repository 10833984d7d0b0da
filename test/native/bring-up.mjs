/**
 * What test/native/bring-up.test.ts runs: a device of hal-doca over EAL as the addon starts it, which makes keys and is closed.
 * Arguments: the mapping file, EAL's core mask.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openDocaHal } from '../../dist/hal-doca/device.js';

export const KEYS = 5;

const [, , config, coreMask] = process.argv;
process.env.DOCA_SOFT_CONFIG = config;
const { logAsApplication } = createRequire(import.meta.url)(
  join(dirname(process.env.PSP_GATEWAY_DOCA_ADDON), 'psp_gateway_test_rings.node'),
);

logAsApplication('before the bring-up');
const hal = await openDocaHal({
  pciAddress: '0000:03:00.0',
  representor: 'vf0',
  rssQueues: 1,
  keySlots: 4,
  counters: 1024,
  buffers: 512,
  ealArguments: ['-c', coreMask],
});
logAsApplication('after the bring-up');
await hal.generateKeys(32, KEYS);
await hal.close();
