/** What a gateway has done over all its incarnations: device counters of those that ended, and counts of events. */
import type { GatewayEvent } from '../gateway/events.js';
import { buildPipeline } from '../gateway/pipeline.js';
import type { Counter } from '../hal/hal.js';
import type { PipeProgram } from '../hal/program.js';
import { collectCounters } from '../hal/render.js';
import type { Fates } from '../hal-sim/statistics.js';
import type { Incarnation } from './nodes/gateway-node.js';

export type Counts = Record<string, number>;

export class NodeLedger {
  readonly rpcs = { asked: 0, answered: 0, failed: 0, received: 0, granted: 0 };
  /** New keys for a tunnel that was there: re-keys, and exchanges that both ends began at once. */
  egressUpdates = 0;
  rotations = 0;
  staticTunnelsUp = 0;
  /** From the first packet without a tunnel, or the first request, to the tunnel. */
  readonly setUpMs: number[] = [];
  readonly psp: Counts = {};
  readonly fates: Counts = {};
  readonly slowPath: Counts = {};
  /** Of the pipes, as collectCounters names them. */
  readonly counters = new Map<string, Counter>();
  /** That of the last incarnation that ended. */
  program: PipeProgram | undefined;
  readonly #wanted = new Map<string, number>();
  readonly #installed = new Set<string>();

  onEvent(event: GatewayEvent, nowMs: number): void {
    switch (event.type) {
      case 'miss':
      case 'ingress-opened': {
        const pair = `${event.localVip} ${event.remoteVip}`;
        if (!this.#installed.has(pair) && !this.#wanted.has(pair)) this.#wanted.set(pair, nowMs);
        break;
      }
      case 'egress-installed': {
        const pair = `${event.localVip} ${event.remoteVip}`;
        if (this.#installed.has(pair)) this.egressUpdates++;
        else this.#installed.add(pair);
        const since = this.#wanted.get(pair);
        if (since !== undefined) this.setUpMs.push(nowMs - since);
        this.#wanted.delete(pair);
        break;
      }
      case 'session-removed':
        this.#installed.delete(`${event.localVip} ${event.remoteVip}`);
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

  /** An incarnation ends, or the run does: its device's counters are added. Before the device is closed. */
  async close({ gateway, hal }: Incarnation): Promise<void> {
    this.#installed.clear();
    this.#wanted.clear();
    const fates: Fates = hal.fates();
    const { slowPath } = gateway.view();
    this.program = buildPipeline(gateway.pipelineOptions);
    // Both are asked for before anything is waited for: then the device may be gone.
    const [counters, psp] = await Promise.all([collectCounters(hal, this.program), hal.statistics()]);
    addAll(this.fates, fates);
    addAll(this.psp, psp);
    addAll(this.slowPath, slowPath);
    for (const [key, { packets, octets }] of counters) {
      const sum = this.counters.get(key);
      this.counters.set(key, {
        packets: packets + (sum?.packets ?? 0n),
        octets: octets + (sum?.octets ?? 0n),
      });
    }
  }
}

function addAll(sum: Counts, more: object): void {
  for (const [key, value] of Object.entries(more) as [string, number | bigint | null][])
    sum[key] = (sum[key] ?? 0) + Number(value ?? 0);
}
