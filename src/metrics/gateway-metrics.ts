/** The metrics of one gateway, put together: what counts, what reads, and the server. */
import type { Clock } from '../base/clock.js';
import type { Gateway } from '../gateway/gateway.js';
import { observedTransport } from '../gateway/rpc/observed-transport.js';
import type { ControlTransport, ServiceAddress } from '../gateway/rpc/transport.js';
import { EventCounts } from './event-counts.js';
import { LoopLag } from './loop-lag.js';
import type { ProgramSample } from './metric.js';
import { MetricsServer } from './metrics-server.js';
import { notReadyReasons } from './readiness.js';
import { Scraper } from './scraper.js';

export interface GatewayMetricsDeps {
  readonly clock: Clock;
  readonly program: () => ProgramSample;
  /** --metrics-per-peer */
  readonly perPeer: boolean;
}

export class GatewayMetrics implements AsyncDisposable {
  readonly #events: EventCounts;
  readonly #lag: LoopLag;
  #server: MetricsServer | undefined;
  #isStopping = false;

  constructor(private readonly deps: GatewayMetricsDeps) {
    const { clock } = deps;
    this.#events = new EventCounts(() => clock.nowMs());
    this.#lag = new LoopLag(clock);
  }

  /** The transport for the gateway, whose RPCs are counted. */
  observed(transport: ControlTransport): ControlTransport {
    return observedTransport(transport, this.deps.clock, this.#events.onRpc);
  }

  /** Serves the gateway's metrics; to be called before it is started, once. Rejects with MetricsListenError. */
  async serve(gateway: Gateway, address: ServiceAddress): Promise<ServiceAddress> {
    const { clock, program, perPeer } = this.deps;
    gateway.watch(this.#events.onEvent);
    const scraper: Scraper = new Scraper({
      clock,
      gateway,
      events: this.#events,
      histograms: [this.#events.rpcDurations, this.#lag.histogram],
      program,
      connectionsRefused: () => server.connectionsRefused,
      perPeer,
    });
    const server: MetricsServer = new MetricsServer({
      clock,
      text: (format) => scraper.text(format),
      notReady: () => notReadyReasons(gateway.summary(), this.#isStopping),
    });
    this.#server = server;
    const bound = await server.listen(address);
    this.#lag.start();
    return bound;
  }

  /** The gateway is about to stop: it is not ready any more. */
  stopping(): void {
    this.#isStopping = true;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#lag.stop();
    await this.#server?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
