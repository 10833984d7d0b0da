/** Where packets of random programs go. */

import type { Choose } from '../../base/choose.js';
import type { Domain, Forward, MissForward } from '../../hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';

/** Where packets may go from pipe number `from`: only to later pipes, so that there is no circle. */
export function randomForward(choose: Choose, pipes: readonly Plan[], from: number): Forward {
  const own = pipes[from]!;
  const later = pipes.slice(from + 1).filter(({ domain, isRoot }) => mayFollow(own, domain, isRoot));
  if (later.length > 0 && !choose.once(3)) return { to: 'pipe', pipe: choose.pick(later).name };
  const kind = choose.below(own.isRoot && own.domain === 'default' ? 7 : 6);
  if (kind === 0) return { to: 'drop' };
  if (kind < 3) return { to: 'rss' };
  if (kind === 6) return { to: 'kernel' };
  return { to: 'port', port: choose.pick([UPLINK_PORT, VF_PORT]) };
}

export function randomMiss(choose: Choose, pipes: readonly Plan[], from: number): MissForward {
  const forward = randomForward(choose, pipes, from);
  return forward.to === 'pipe' || forward.to === 'drop' || forward.to === 'kernel' ? forward : { to: 'drop' };
}

/** A pipe in the making. */
export interface Plan {
  readonly name: string;
  readonly domain: Domain;
  readonly isRoot: boolean;
}

const NEXT: Readonly<Record<Domain, readonly Domain[]>> = {
  default: ['default', 'secure-ingress', 'egress'],
  'secure-ingress': ['secure-ingress', 'default'],
  egress: ['egress', 'secure-egress'],
  'secure-egress': ['secure-egress', 'egress'],
};

function mayFollow(from: Plan, domain: Domain, isRoot: boolean): boolean {
  if (!NEXT[from.domain].includes(domain)) return false;
  return !isRoot || (domain === 'egress' && !from.domain.includes('egress'));
}
