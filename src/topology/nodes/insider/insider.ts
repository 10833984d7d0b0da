/**
 * An insider: a configured peer with everything that a peer may have, a name that the gateways' authority has signed,
 * a place on the underlay, keys that it was given; and no honesty. Written below the gateway, of messages, PSP and
 * packets, so that it can do what no gateway would. While no event has it act, it answers as an honest peer does.
 */

import { sleep } from '../../../base/clock.js';
import type { Doorkeeper, RpcMethod } from '../../../gateway/rpc/transport.js';
import { parseIp } from '../../../packet/address.js';
import type { InsiderPlan } from '../../model.js';
import { pace } from '../../pace.js';
import { INSIDER_ACTS, type InsiderAct, type InsiderParts } from './acts.js';
import { Answering } from './answering.js';
import { Asking } from './asking.js';
import { InsiderContext, type InsiderCounters, type InsiderDeps } from './context.js';
import { Sending } from './sending.js';

/** It lets everybody in, as one. */
const EVERYBODY: Doorkeeper = { peersAt: () => 1, admit: () => parseIp('0.0.0.0') };

export class Insider {
  readonly #parts: InsiderParts;

  constructor(private readonly deps: InsiderDeps) {
    const context = new InsiderContext(deps);
    this.#parts = {
      context,
      asking: new Asking(context),
      answering: new Answering(context),
      sending: new Sending(context),
    };
  }

  get plan(): InsiderPlan {
    return this.deps.plan;
  }

  get counters(): InsiderCounters {
    return this.#parts.context.counters;
  }

  async start(): Promise<void> {
    const { uplink, transport, plan } = this.deps;
    await uplink.start((frames) => {
      this.counters.frames += frames.length;
    });
    const serve = (method: RpcMethod, request: Uint8Array) =>
      plan.silent ? new Promise<Uint8Array>(() => undefined) : this.#parts.answering.serve(method, request);
    await transport.listen(plan.serviceAddress, serve, EVERYBODY);
  }

  stop(): Promise<void> {
    return this.deps.transport.close();
  }

  /** Acts for a time; then it is honest again. */
  async run(does: readonly InsiderAct[], actsPerSecond: number, durationMs: number): Promise<void> {
    const { clock } = this.deps;
    const endMs = clock.nowMs() + durationMs;
    await pace(clock, actsPerSecond, durationMs, () => this.#act(this.#parts.context.pick(does)));
    await sleep(clock, endMs - clock.nowMs());
    this.#parts.answering.beHonest();
  }

  #act(act: InsiderAct): void {
    const { context } = this.#parts;
    context.counters.acts++;
    INSIDER_ACTS[act].perform(this.#parts, context.pick(this.deps.targets));
  }
}
