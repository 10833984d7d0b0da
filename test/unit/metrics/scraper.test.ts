/** Scrapes share what they read, and a device that does not answer holds none of them up. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DeviceCounters } from '../../../src/gateway/pipeline/device-counters.js';
import { EventCounts } from '../../../src/metrics/event-counts.js';
import { DEVICE_READ_MS, SCRAPE_INTERVAL_MIN_MS, Scraper } from '../../../src/metrics/scraper.js';
import { samplesOf } from '../../support/exposition.js';
import { TestNetwork, type TestNode } from '../../support/gateways.js';

let net: TestNetwork;
let node: TestNode;
let reads: number;
let summaries: number;
/** Answers in the place of the device. */
let answer: (() => Promise<DeviceCounters>) | undefined;
let scraper: Scraper;

beforeEach(async () => {
  net = new TestNetwork();
  node = await net.start(1, [2]);
  reads = 0;
  summaries = 0;
  answer = undefined;
  scraper = new Scraper({
    clock: net.clock,
    gateway: {
      summary: () => {
        summaries++;
        return node.gateway.summary();
      },
      deviceCounters: () => {
        reads++;
        return answer?.() ?? node.gateway.deviceCounters();
      },
    },
    events: new EventCounts(() => net.clock.nowMs()),
    histograms: [],
    program: () => ({
      version: '1',
      startedAtS: 0,
      cpuS: 0,
      residentOctets: 0,
      loopIterations: 1,
      logLinesLost: 0,
      captures: undefined,
    }),
    connectionsRefused: () => 0,
    perPeer: false,
  });
});
afterEach(() => net.stopAll());

const isUp = async () => samplesOf(await scraper.text('prometheus')).get('psp_gateway_device_up');

test('who asks at once, or within the least interval, gets the same scrape, in either format', async () => {
  const texts = await Promise.all([1, 2, 3].map(() => scraper.text('prometheus')));
  expect(new Set(texts).size).toBe(1);
  await scraper.text('openmetrics');
  await net.run(SCRAPE_INTERVAL_MIN_MS - 1);
  await scraper.text('prometheus');
  expect([reads, summaries]).toEqual([1, 1]);
  await net.run(1);
  await scraper.text('prometheus');
  expect([reads, summaries]).toEqual([2, 2]);
});

test('a device that fails has no counters in it, and those of the next scrape are there again', async () => {
  answer = () => Promise.reject(new Error('gone'));
  expect(await isUp()).toBe(0);
  answer = undefined;
  await net.run(SCRAPE_INTERVAL_MIN_MS);
  expect(await isUp()).toBe(1);
});

test('a device that does not answer is waited for so long, and not asked again before it has answered', async () => {
  let release = (_: DeviceCounters) => {};
  answer = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  for (let i = 0; i < 3; i++) {
    const late = isUp();
    await net.run(DEVICE_READ_MS - 1);
    expect(await Promise.race([late, Promise.resolve('waits')])).toBe('waits');
    await net.run(1);
    expect(await late).toBe(0);
  }
  expect(reads).toBe(1);
  release(await node.gateway.deviceCounters());
  answer = undefined;
  await net.run(SCRAPE_INTERVAL_MIN_MS);
  expect(await isUp()).toBe(1);
  expect(reads).toBe(2);
});
