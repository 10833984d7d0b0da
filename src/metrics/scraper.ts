/**
 * Reads a gateway for those who ask for its metrics. A scrape costs calls of the device and of the gateway: all who ask within the least
 * interval share one, and a device that does not answer keeps nobody waiting.
 */
import type { Histogram } from 'prom-client';
import type { Clock } from '../base/clock.js';
import type { Gateway } from '../gateway/gateway.js';
import type { DeviceCounters } from '../gateway/pipeline/device-counters.js';
import type { EventCounts } from './event-counts.js';
import { expose, type Format } from './exposition.js';
import type { ProgramSample, Scrape } from './metric.js';

/** Least time between two scrapes; who asks sooner gets the one before. */
export const SCRAPE_INTERVAL_MIN_MS = 500;
/** Time for the device to tell its counters; after it the scrape goes without them. */
export const DEVICE_READ_MS = 2000;

export interface ScraperDeps {
  readonly clock: Clock;
  readonly gateway: Pick<Gateway, 'summary' | 'deviceCounters'>;
  readonly events: EventCounts;
  readonly histograms: readonly Histogram<string>[];
  readonly program: () => ProgramSample;
  readonly connectionsRefused: () => number;
  readonly perPeer: boolean;
}

interface Shared {
  readonly atMs: number;
  readonly scrape: Promise<Scrape>;
  readonly texts: Map<Format, Promise<string>>;
}

export class Scraper {
  #shared: Shared | undefined;
  /** A read of the device that has not ended. */
  #reading: Promise<DeviceCounters | undefined> | undefined;

  constructor(private readonly deps: ScraperDeps) {}

  /** The metrics as they are, or were SCRAPE_INTERVAL_MIN_MS ago at most. */
  text(format: Format): Promise<string> {
    const nowMs = this.deps.clock.nowMs();
    if (this.#shared === undefined || nowMs - this.#shared.atMs >= SCRAPE_INTERVAL_MIN_MS) {
      this.#shared = { atMs: nowMs, scrape: this.#scrape(), texts: new Map() };
    }
    const { scrape, texts } = this.#shared;
    let text = texts.get(format);
    if (text === undefined) {
      text = scrape.then((read) => expose(read, this.deps.histograms, format));
      texts.set(format, text);
    }
    return text;
  }

  async #scrape(): Promise<Scrape> {
    const { gateway, events, program, connectionsRefused, perPeer } = this.deps;
    const device = await this.#readDevice();
    return {
      gateway: gateway.summary(),
      device,
      events,
      program: program(),
      connectionsRefused: connectionsRefused(),
      perPeer,
    };
  }

  /** undefined: it fails, or does not answer in time; then nothing more is asked of it before it has answered. */
  #readDevice(): Promise<DeviceCounters | undefined> {
    const { clock, gateway } = this.deps;
    if (this.#reading === undefined) {
      // What is wrong with the device is told by those who need it to carry packets.
      const reading = gateway.deviceCounters().catch(() => undefined);
      this.#reading = reading;
      void reading.then(() => {
        this.#reading = undefined;
      });
    }
    const reading = this.#reading;
    return new Promise((resolve) => {
      const late = clock.setTimer(() => resolve(undefined), DEVICE_READ_MS);
      void reading.then((counters) => {
        late.cancel();
        resolve(counters);
      });
    });
  }
}
