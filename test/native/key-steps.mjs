/** What processes have in common whose memory test/native/keys-in-memory.test.ts looks through. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../dist/base/clock.js';
import { systemRandom } from '../../dist/base/random.js';

export const KEYS = 32;
export const KEY_OCTETS = 32;

export async function openDoca(folder, mapping) {
  const { openDocaHal } = await import('../../dist/hal-doca/device.js');
  const { PCI_ADDRESS, startRingDevice } = await import('./ring-device.mjs');
  startRingDevice(folder, ['ipv4 = 192.0.2.1', 'buffers = 256', 'derived-keys = 256', ...mapping]);
  const device = { pciAddress: PCI_ADDRESS, representor: 'vf0', rssQueues: 1, keySlots: 64, counters: 4096 };
  return openDocaHal({ ...device, buffers: 256 });
}

export async function openSim(number = 2) {
  const { openSimHal } = await import('../../dist/hal-sim/device.js');
  const port = (name) => ({
    port: { name, mtuOctets: 1500, start: async () => {}, send: () => {}, close: async () => {} },
    mac: `02:00:00:00:00:0${number}`,
    ipv4: `192.0.2.${number}`,
  });
  return openSimHal({ clock: systemClock, random: systemRandom(), uplink: port('uplink'), vf: port('vf') });
}

let given = 0;

/** To descriptor 3, from where they are, so that no copy is made: the SPI and the key of each, KEYS of all that come. */
export function giveKeys({ spis, keys }) {
  for (let i = 0; i < spis.length && given < KEYS; i++, given++) {
    writeSync(3, new Uint8Array(spis.buffer, spis.byteOffset + 4 * i, 4));
    writeSync(3, keys.subarray(i * KEY_OCTETS, (i + 1) * KEY_OCTETS));
  }
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Says that a step is reached, and waits for a line of input. */
export async function step(name) {
  process.stdout.write(`${name}\n`);
  await lines.next();
}
