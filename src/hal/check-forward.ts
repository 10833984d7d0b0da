/**
 * Where packets may go from a pipe. The same checks hold for a program and for entries that come later, so that no entry sends packets
 * where the program itself could not.
 */
import type { Report } from './errors.js';
import { type Domain, type Forward, type Mirror, type Pipe, UPLINK_PORT, VF_PORT } from './program.js';

/** The parts of a program that a forward is checked against. */
export interface ForwardContext {
  readonly pipes: ReadonlyMap<string, Pipe>;
  readonly mirrors: ReadonlyMap<string, Mirror>;
}

/** How packets come to the forward: as a hit, as a miss, or as copies that a mirror makes. Errors name it as their field. */
export type ForwardKind = 'forward' | 'miss' | 'mirror';

/** Which domain a packet may go to from which (the edges that DOCA's application uses). */
const NEXT_DOMAINS: Readonly<Record<Domain, readonly Domain[]>> = {
  default: ['default', 'secure-ingress', 'egress'],
  'secure-ingress': ['secure-ingress', 'default'],
  egress: ['egress', 'secure-egress'],
  'secure-egress': ['secure-egress', 'egress'],
};
const PORTS: readonly number[] = [UPLINK_PORT, VF_PORT];

const isEgress = (domain: Domain) => domain === 'egress' || domain === 'secure-egress';

/** Checks where packets go from pipe `from`. */
export function checkForward(
  from: Pipe,
  forward: Forward,
  kind: ForwardKind,
  { pipes }: ForwardContext,
  report: Report,
): void {
  if (forward.to === 'port' && !PORTS.includes(forward.port)) {
    report(`there is no port ${forward.port}; ports are ${PORTS.join(' and ')}`, kind);
  }
  if (forward.to === 'kernel' && !(from.isRoot === true && from.domain === 'default')) {
    report('only the ingress root can leave packets to the kernel', kind);
  }
  if (kind === 'miss' && (forward.to === 'port' || forward.to === 'rss')) {
    report(`a miss cannot go to ${forward.to}; use a pipe that forwards everything there`, kind);
  }
  if (forward.to !== 'pipe') return;
  const target = pipes.get(forward.pipe);
  if (target === undefined) {
    report(`there is no pipe ${forward.pipe}`, kind);
    return;
  }
  if (target.isRoot === true && !(target.domain === 'egress' && !isEgress(from.domain))) {
    report(`${target.name} is a root; nothing forwards back to it`, kind);
  }
  // A mirror's copy of an egress packet may come to the CPU through an ingress-side pipe.
  if (kind !== 'mirror' && !NEXT_DOMAINS[from.domain].includes(target.domain)) {
    report(`${target.name} is in domain ${target.domain}, which cannot follow ${from.domain}`, kind);
  }
}

/** Checks the mirror that pipe `from`, or an entry of it, has its packets copied by, if any. */
export function checkMirror(
  from: Pipe,
  name: string | undefined,
  context: ForwardContext,
  report: Report,
): void {
  if (name === undefined) return;
  const mirror = context.mirrors.get(name);
  if (mirror === undefined) report(`there is no mirror ${name}`, 'monitor');
  else for (const target of mirror.targets) checkForward(from, target, 'mirror', context, report);
}
