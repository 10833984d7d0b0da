/**
 * What test/native/addon.test.ts runs: a device whose handler of received packets throws. Arguments: a folder for its
 * mapping file. The addon is the one that the environment names.
 */
import { openDocaHal } from '../../dist/hal-doca/device.js';
import { PCI_ADDRESS, startRingDevice } from './ring-device.mjs';

const rings = startRingDevice(process.argv[2]);
const hal = await openDocaHal({
  pciAddress: PCI_ADDRESS,
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
