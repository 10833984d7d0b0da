/**
 * Defects on purpose, to see that the search finds them: a check that never fails proves nothing. They are made around
 * a gateway, below what watches it: at its device, its calls and its options. No code of the gateway knows of them.
 */
import type { Defects } from './defects/defect.js';
import { HARNESS_DEFECTS } from './defects/harness.js';
import { KEY_DEFECTS } from './defects/keys.js';
import { PACKET_DEFECTS } from './defects/packets.js';
import { PEER_DEFECTS } from './defects/peers.js';
import { TABLE_DEFECTS } from './defects/tables.js';

export type { Defect } from './defects/defect.js';

export const SABOTAGES: Defects = {
  ...KEY_DEFECTS,
  ...PACKET_DEFECTS,
  ...TABLE_DEFECTS,
  ...PEER_DEFECTS,
  ...HARNESS_DEFECTS,
};
