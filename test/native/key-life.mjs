/**
 * What test/native/keys-in-memory.test.ts looks into: a device with keys, step by step, each of which waits for a line of
 * input. Arguments: sim or doca, a folder for the mapping file, lines for it. The keys go to descriptor 3, from where they are.
 */
import { giveKeys, KEY_OCTETS, KEYS, openDoca, openSim, step } from './key-steps.mjs';

const [, , kind, folder, ...mapping] = process.argv;
const hal = await (kind === 'doca' ? openDoca(folder, mapping) : openSim());

const { spis, keys } = await hal.generateKeys(KEY_OCTETS, KEYS);
giveKeys({ spis, keys });
const slots = Array.from(spis, (_, i) => ({
  cryptoId: i + 1,
  key: keys.subarray(i * KEY_OCTETS, (i + 1) * KEY_OCTETS),
}));
const failed = (await hal.setKeys(slots)).find((error) => error !== null);
if (failed !== undefined) throw failed;
keys.fill(0);
await step('set');
// Each slot gets the key of another.
const next = await hal.generateKeys(KEY_OCTETS, KEYS);
await hal.setKeys(
  slots.map(({ cryptoId }, i) => ({
    cryptoId,
    key: next.keys.subarray(i * KEY_OCTETS, (i + 1) * KEY_OCTETS),
  })),
);
next.keys.fill(0);
await hal.rotateMasterKey();
await hal.rotateMasterKey();
await step('replaced');
await hal.clearKeys(slots.map(({ cryptoId }) => cryptoId));
await step('cleared');
await hal.close();
await step('closed');
process.exit(0);
