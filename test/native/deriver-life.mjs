/**
 * What test/native/keys-in-memory.test.ts looks into: keys that were derived from a master key, and wiped. The keys go to
 * descriptor 3, from where they are.
 */
import { randomFillSync } from 'node:crypto';
import { KeyDeriver, MASTER_KEY_OCTETS } from '../../dist/psp/key-derivation.js';
import { secretOctets } from '../../dist/psp/secret.js';
import { giveKeys, KEYS, step } from './key-steps.mjs';

const masterKey = secretOctets(MASTER_KEY_OCTETS);
randomFillSync(masterKey);
const deriver = new KeyDeriver(masterKey);
masterKey.fill(0);
const spis = Uint32Array.from({ length: KEYS }, (_, i) => i + 1);
const keys = deriver.deriveMany(spis, 1);
giveKeys({ spis, keys });
keys.fill(0);
// In blocks of memory of different lengths, of which some are not taken again by what comes after.
for (let count = 1; count <= KEYS; count++) deriver.deriveMany(spis.subarray(0, count), 1).fill(0);
await step('derived');
deriver.wipe();
await step('wiped');
process.exit(0);
