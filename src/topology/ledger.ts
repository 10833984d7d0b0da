/** Totals over all incarnations of a gateway: counters of those that ended, and counts of events. */
import type { GatewayEvent } from '../gateway/events.js';
import type { Counter } from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import {
  COUNTED_BY_INCARNATIONS,
  COUNTED_FROM_EVENTS,
  type CountedByIncarnations,
  type CounterGroup,
  RPCS,
  type RpcCounter,
} from './counter-groups.js';
import type { Counts, IncarnationSnapshot } from './nodes/incarnation.js';

export class NodeLedger {
  readonly rpcs: Record<RpcCounter, number> = zerosOf(RPCS);
  /** Counts of events; egress updates are re-keys, and exchanges that both ends began at once. */
  readonly events: Record<keyof typeof COUNTED_FROM_EVENTS, number> = zerosOf(COUNTED_FROM_EVENTS);
  staticTunnelsUp = 0;
  /** Time from the first packet without a tunnel, or the first request, to the tunnel. */
  readonly setUpMs: number[] = [];
  /** What all incarnations together have counted. */
  readonly counts: Readonly<Record<CountedByIncarnations, Counts>> = emptyCounts();
  /** Counters of the pipes, under the names of collectCounters. */
  readonly pipeCounters = new Map<string, Counter>();
  /** That of the last incarnation that ended. */
  program: PipeProgram | undefined;
  /** By local and remote address: the time since when a tunnel is wanted, or a mark that it is there. */
  readonly #tunnels = new Map<string, Map<string, number>>();

  onEvent(event: GatewayEvent, nowMs: number): void {
    switch (event.type) {
      case 'miss':
      case 'ingress-opened': {
        const remotes = this.#remotesOf(event.localVip);
        if (!remotes.has(event.remoteVip)) remotes.set(event.remoteVip, nowMs);
        break;
      }
      case 'egress-installed': {
        const remotes = this.#remotesOf(event.localVip);
        const since = remotes.get(event.remoteVip);
        if (since === INSTALLED) this.events.egressUpdates++;
        else this.setUpMs.push(nowMs - (since ?? nowMs));
        remotes.set(event.remoteVip, INSTALLED);
        break;
      }
      case 'session-removed':
        this.#remotesOf(event.localVip).delete(event.remoteVip);
        break;
      case 'rotated':
        this.events.rotations++;
        break;
      case 'static-tunnels-up':
        this.staticTunnelsUp++;
        break;
      default: {
        const rpc = RPC_EVENTS[event.type];
        if (rpc !== undefined) this.rpcs[rpc]++;
      }
    }
  }

  #remotesOf(localVip: string): Map<string, number> {
    let remotes = this.#tunnels.get(localVip);
    if (remotes === undefined) {
      remotes = new Map();
      this.#tunnels.set(localVip, remotes);
    }
    return remotes;
  }

  /** An incarnation ends, or the run does: what it has counted is added. */
  close(snapshot: IncarnationSnapshot): void {
    this.#tunnels.clear();
    this.program = snapshot.program;
    for (const [group, counts] of Object.entries(snapshot.counts))
      addAll(this.counts[group as CountedByIncarnations], counts);
    for (const [key, { packets, octets }] of snapshot.pipeCounters) {
      const sum = this.pipeCounters.get(key);
      this.pipeCounters.set(key, {
        packets: packets + (sum?.packets ?? 0n),
        octets: octets + (sum?.octets ?? 0n),
      });
    }
  }
}

const INSTALLED = -1;

const RPC_EVENTS: Readonly<Partial<Record<GatewayEvent['type'], RpcCounter>>> = {
  'request-sent': 'asked',
  'request-answered': 'answered',
  'request-failed': 'failed',
  'request-received': 'received',
  'request-granted': 'granted',
};

const zerosOf = <Name extends string>(group: CounterGroup<Name>): Record<Name, number> =>
  Object.fromEntries(Object.keys(group).map((name) => [name, 0])) as Record<Name, number>;

/** The groups of what incarnations count, without any count. */
export const emptyCounts = (): Record<CountedByIncarnations, Counts> =>
  Object.fromEntries(Object.keys(COUNTED_BY_INCARNATIONS).map((group) => [group, {}])) as Record<
    CountedByIncarnations,
    Counts
  >;

function addAll(sum: Counts, more: Counts): void {
  for (const [key, value] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + value;
}
