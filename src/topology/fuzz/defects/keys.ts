/** Defects of keys, SPIs and IVs: at the device. */
import { sleep } from '../../../base/clock.js';
import { delegateHal } from '../../../hal/delegate.js';
import type { EntryId, EntryOperation, SpiKeyBatch } from '../../../hal/hal.js';
import type { Defects } from './defect.js';

/** How long the device keeps entries that were removed: for a whole run. */
const ACL_LINGERS_MS = 3_600_000;
/** IVs that are left: not enough for a run. */
const IVS_LEFT = 150n;

export const KEY_DEFECTS: Defects = {
  'repeat-keys-after-rotation': {
    text: 'after a rotation the device gives out keys that it has given out before',
    foundAs: 'key-reuse',
    hal: (_node, hal) => {
      let rotated = false;
      const given = new Map<number, SpiKeyBatch>();
      return delegateHal(hal, {
        rotateMasterKey: () => {
          rotated = true;
          return hal.rotateMasterKey();
        },
        generateKeys: async (lengthOctets, count, algorithm) => {
          const before = given.get(count);
          if (rotated && before !== undefined)
            return { ...before, spis: before.spis.slice(), keys: before.keys.slice() };
          const batch = await hal.generateKeys(lengthOctets, count, algorithm);
          given.set(count, { ...batch, spis: batch.spis.slice(), keys: batch.keys.slice() });
          return batch;
        },
      });
    },
  },
  'acl-outlives-key': {
    text: "entries of the ingress ACL stay after their master key's death, and SPIs are given out again",
    point: 1,
    foundAs: 'impersonated',
    hal: (node, hal) => {
      const acl = new Set<EntryId>();
      return delegateHal(hal, {
        apply: async (operations) => {
          const lingering = (operation: EntryOperation) =>
            operation.operation === 'remove' && acl.has(operation.id);
          const now = operations.filter((operation) => !lingering(operation));
          const later = operations.filter(lingering);
          if (later.length > 0)
            void sleep(node.clock, ACL_LINGERS_MS)
              .then(() => hal.apply(later))
              .catch(() => undefined);
          const results = now.length === 0 ? [] : await hal.apply(now);
          let at = 0;
          return operations.map((operation) => {
            if (operation.operation === 'remove' && acl.has(operation.id)) return { id: operation.id };
            const result = results[at++]!;
            if (operation.operation === 'add' && operation.pipe.startsWith('INGR_ACL') && 'id' in result)
              acl.add(result.id);
            return result;
          });
        },
      });
    },
  },
  'ivs-end': {
    text: 'the IVs of a device come to their end while it is in use',
    point: 4,
    foundAs: 'recovered',
    device: { firstIv: (1n << 64n) - IVS_LEFT },
  },
};
