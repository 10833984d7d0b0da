/** What a gateway's node says of its device. */
import { flagSchema } from '../../gateway/config/config-schema.js';
import { flagNamed } from '../../gateway/config/flags.js';
import { SOFT_RELEASE, SOFT_RELEASES } from '../../hal/native-parts.js';
import { annotated, choice, integer, object, optional, schemaOf } from './schema-values.js';

/** Keys of a device's section of the mapping file that change how the software DOCA behaves; the others belong to the run. */
const MAPPING = object('keys of the mapping file for its device, as in docs/doca-soft.md', {
  completions: optional(
    choice('when operations on entries are done and reported', [
      'queued',
      'late',
      'one',
      'shuffled',
      'control',
      'inside',
    ]),
  ),
  'equal-keys': optional(choice('what becomes of an entry whose key another one has', ['newest', 'refused'])),
  'nr-entries': optional(choice('what the numbers of entries of pipes are', ['hint', 'limit'])),
  crypto: optional(choice('which library encrypts', ['auto', 'ipsec-mb', 'openssl'])),
  buffers: optional(integer('packet buffers', 256, 1_048_576)),
  burst: optional(integer('packets that are taken at once', 1, 64)),
  'derived-keys': optional(integer('keys of received SPIs that are kept', 4, 1 << 24)),
});

/** A flag of the program in the place of a field. */
const flag = (name: string) =>
  optional(
    annotated(schemaOf<string | number>(flagSchema(flagNamed(name)!)), {
      description: `with "hal: doca", as the flag: ${flagNamed(name)!.meaning}`,
    }),
  );

export const DEVICE = {
  hal: optional(
    annotated(
      choice(
        'what is under the gateway: the simulator, or DOCA, in a process of its own and in real time only',
        ['sim', 'doca'],
      ),
      { default: 'sim' },
    ),
  ),
  release: optional(
    schemaOf<string | number>({
      type: ['string', 'number'],
      description: `with "hal: doca", the release of DOCA that the software DOCA presents: ${SOFT_RELEASES.join(', ')}`,
      default: SOFT_RELEASE,
    }),
  ),
  'pci-addr': flag('pci-addr'),
  repr: flag('repr'),
  'core-mask': flag('core-mask'),
  mapping: optional(MAPPING),
};
