/**
 * What test/native/addon.test.ts runs: a device whose handler of received packets throws. Arguments: a folder for its
 * mapping file. The addon is the one that the environment names.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openDocaHal } from '../../dist/hal-doca/device.js';

const [folder] = process.argv.slice(2);
const rings = createRequire(import.meta.url)(
  join(dirname(process.env.PSP_GATEWAY_DOCA_ADDON), 'psp_gateway_test_rings.node'),
);
rings.start(['test', '-a00:00.0', '--no-huge', '--no-shconf', '-m', '1024', '--log-level=*:error']);
for (const name of ['p0u', 'p0v']) rings.createPort(name);
const mapping = join(folder, 'throws.conf');
writeFileSync(
  mapping,
  '[device 0000:00:00.0]\nport = net_ring_p0u\n[representor vf0]\nport = net_ring_p0v\n',
);
process.env.DOCA_SOFT_CONFIG = mapping;
const hal = await openDocaHal({
  pciAddress: '0000:00:00.0',
  representor: 'vf0',
  rssQueues: 1,
  keySlots: 16,
  counters: 1024,
});
await hal.build({
  name: 'to-the-cpu',
  mirrors: [],
  pipes: [
    {
      name: 'ROOT',
      type: 'basic',
      domain: 'default',
      isRoot: true,
      sizeEntries: 1,
      match: {},
      forward: { to: 'rss' },
      miss: { to: 'drop' },
      entries: [{ label: 'any' }],
    },
  ],
});
hal.onReceive(() => {
  throw new Error('of the handler');
});
rings.inject('p0v', [new Uint8Array(60)]);
// It is the end of the process long before.
setTimeout(() => process.exit(0), 10_000);
