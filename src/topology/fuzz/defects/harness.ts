/** Defects of the harness itself, which must not pass for the gateway's. */
import type { Defects } from './defect.js';

export const HARNESS_DEFECTS: Defects = {
  'switches-learn-damage': {
    text: 'bits flip in MAC addresses too, and switches learn from such frames',
    point: 17,
    foundAs: 'recovered',
    link: { corruptibleFrom: 0 },
  },
};
