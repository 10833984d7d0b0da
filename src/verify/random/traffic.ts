/** The packets that a random case is about: they come again and again, and many of its entries are drawn for them. */

import type { Choose } from '../../base/choose.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { type Aim, aimOf, aimOfOpened, NO_AIM } from './aims.js';
import { type PeerKeys, plainFrame, sealedFrame } from './random-packets.js';

const FLOWS = 6;

export interface Flow {
  readonly port: number;
  readonly frame: Uint8Array;
  /** What came out of `frame` when it was opened, of those that peers have sealed. */
  readonly inside?: { readonly frame: Uint8Array; readonly isTunnel: boolean };
}

export class Traffic {
  readonly flows: readonly Flow[];
  readonly #aims: readonly Aim[];

  constructor(choose: Choose, keys: PeerKeys) {
    this.flows = choose.times(FLOWS, (i) => (i % 2 === 0 ? sealedFlow(choose, keys) : plainFlow(choose)));
    this.#aims = this.flows.flatMap((flow) => [cameAim(flow), openedAim(flow)]);
  }

  pick(choose: Choose, isSealed: boolean): Flow {
    return choose.pick(this.flows.filter(({ inside }) => (inside !== undefined) === isSealed));
  }

  /** For an entry anywhere: most often that of a packet, before or after it was opened. */
  aim(choose: Choose): Aim {
    return choose.once(3) ? NO_AIM : choose.pick(this.#aims);
  }
}

export function cameAim({ frame, port }: Flow): Aim {
  return aimOf(frame, port);
}

export function openedAim(flow: Flow): Aim {
  const { inside } = flow;
  if (inside === undefined) return cameAim(flow);
  return aimOfOpened(cameAim(flow), inside.isTunnel ? inside.frame : undefined);
}

function sealedFlow(choose: Choose, keys: PeerKeys): Flow {
  for (;;) {
    const sealed = sealedFrame(choose, keys);
    if ('frame' in sealed) {
      const { frame, inner, isTunnel } = sealed;
      return { port: UPLINK_PORT, frame, inside: { frame: inner, isTunnel } };
    }
  }
}

function plainFlow(choose: Choose): Flow {
  return { port: choose.pick([VF_PORT, VF_PORT, UPLINK_PORT]), frame: plainFrame(choose) };
}
