/** Workloads that are real hosts. */
import { HOST_PLACES, type HostPlan, type WorkloadPlan } from '../model.js';
import type { ParsedWorkload } from './parsed.js';
import type { Place } from './source.js';

type Parsed = Exclude<ParsedWorkload, readonly string[]>;

/** Undefined: a simulated workload, or problems, which are noted. */
export function readHost(parsed: Parsed, place: Place): HostPlan | undefined {
  const given = HOST_PLACES.filter((behind) => parsed[behind] !== undefined);
  if (parsed.kind !== 'host') {
    for (const behind of given)
      place.at(behind).problem('is for a real host; write "kind: host" beside it, or leave it out');
    return undefined;
  }
  place.at('kind').onlyInRealTime('a real host knows no virtual time');
  if (parsed.present === false)
    place.at('present').problem('is for simulated workloads: a real host comes and goes by itself');
  const [behind] = given;
  if (behind === undefined || given.length > 1) {
    if (!place.lostKey)
      place.problem(`is a real host; write one of ${HOST_PLACES.join(', ')}: behind what it is`);
    return undefined;
  }
  return { behind, name: parsed[behind]! };
}

/** All workloads of a gateway share the MAC behind its VF, which is the host's own then. */
export function checkHosts(
  workloads: readonly WorkloadPlan[],
  { macGiven, place }: { readonly macGiven: boolean; readonly place: Place },
): void {
  const real = workloads.find(({ host }) => host !== undefined);
  if (real === undefined) return;
  if (workloads.length > 1)
    place
      .at('workloads')
      .problem(
        `${real.name} is a real host, which has the VF for itself; put the others behind other gateways`,
      );
  if (real.host!.behind === 'interface' && !macGiven)
    place
      .at('workloads', real.name)
      .problem('behind an interface a host keeps its MAC; write it as "workload-mac" of the gateway');
}

/** Why traffic cannot be from a workload; undefined: it can. */
export function whyNotFrom({ name, host }: WorkloadPlan): string | undefined {
  return host === undefined
    ? undefined
    : `${name} is a real host, and its traffic is its own; start it there, or name a simulated workload`;
}

/** Likewise to it, of this type. */
export function whyNotTo({ name, host }: WorkloadPlan, type: string): string | undefined {
  return host === undefined || type === 'ping'
    ? undefined
    : `${name} is a real host, where nobody counts what arrives; only its kernel's answers to "type: ping" are seen`;
}
