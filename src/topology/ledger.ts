/** Totals over all lives of a gateway: counters of those that ended, and counts of events. */
import type { GatewayEvent } from '../gateway/events.js';
import type { Counter } from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import type { Counts, LifeSnapshot } from './nodes/life.js';

export class NodeLedger {
  readonly rpcs = { asked: 0, answered: 0, failed: 0, received: 0, granted: 0 };
  /** New keys for a tunnel that was there: re-keys, and exchanges that both ends began at once. */
  egressUpdates = 0;
  rotations = 0;
  staticTunnelsUp = 0;
  /** Time from the first packet without a tunnel, or the first request, to the tunnel. */
  readonly setUpMs: number[] = [];
  readonly psp: Counts = {};
  readonly fates: Counts = {};
  readonly slowPath: Counts = {};
  /** Counters of the pipes, under the names of collectCounters. */
  readonly counters = new Map<string, Counter>();
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
        if (since === INSTALLED) this.egressUpdates++;
        else this.setUpMs.push(nowMs - (since ?? nowMs));
        remotes.set(event.remoteVip, INSTALLED);
        break;
      }
      case 'session-removed':
        this.#remotesOf(event.localVip).delete(event.remoteVip);
        break;
      case 'request-sent':
        this.rpcs.asked++;
        break;
      case 'request-answered':
        this.rpcs.answered++;
        break;
      case 'request-failed':
        this.rpcs.failed++;
        break;
      case 'request-received':
        this.rpcs.received++;
        break;
      case 'request-granted':
        this.rpcs.granted++;
        break;
      case 'rotated':
        this.rotations++;
        break;
      case 'static-tunnels-up':
        this.staticTunnelsUp++;
        break;
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

  /** A life ends, or the run does: what it has counted is added. */
  close(snapshot: LifeSnapshot): void {
    this.#tunnels.clear();
    this.program = snapshot.program;
    addAll(this.fates, snapshot.fates);
    addAll(this.psp, snapshot.psp);
    addAll(this.slowPath, snapshot.slowPath);
    for (const [key, { packets, octets }] of snapshot.counters) {
      const sum = this.counters.get(key);
      this.counters.set(key, {
        packets: packets + (sum?.packets ?? 0n),
        octets: octets + (sum?.octets ?? 0n),
      });
    }
  }
}

const INSTALLED = -1;

function addAll(sum: Counts, more: Counts): void {
  for (const [key, value] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + value;
}
