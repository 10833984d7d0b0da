/** Packets that fail to authenticate, between whole gateways. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { idsOf, TestNetwork, type TestNode } from '../../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const requestsOf = (node: TestNode) => node.events.filter(({ type }) => type === 'request-sent').length;

describe('packets that fail to authenticate', () => {
  test('never tear a working session down, and lead to a re-key only once in a long while', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    for (const family of [4, 6] as const) {
      net.send(a, 2, [0], family);
      await net.run(50);
    }
    let frames = 0;
    net.lose = (frame) => {
      if (frames++ % 2 === 0) frame[frame.length - 1]! ^= 1;
      return false;
    };
    b.workload.takeSent();
    const before = requestsOf(b);
    for (let id = 0; id < 600; id++) {
      net.send(a, 2, [id]);
      await net.run(1000);
    }
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(600).filter((id) => id % 2 === 1));
    expect((await b.hal.statistics()).rxAuthFail).toBe(300n);
    expect(requestsOf(b) - before).toBeLessThanOrEqual(3);
  });

  test('make no tunnels for a directory that is larger than --max-tunnels; those that are there are re-keyed', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1, 3], { maxTunnels: 1 });
    net.send(a, 2, [0]);
    await net.run(50);
    net.lose = (frame) => {
      frame[frame.length - 1]! ^= 1;
      return false;
    };
    net.send(a, 2, [1]);
    await net.run(20_000);
    // One packet may have been on its way under an SPI that was just closed.
    expect(requestsOf(a)).toBe(1);
    for (let id = 2; id < 12; id++) {
      net.send(a, 2, [id]);
      await net.run(500);
    }
    expect(b.gateway.view().sessions).toHaveLength(1);
    // The peer knows its sessions, and re-keys them when it is told.
    expect(requestsOf(b)).toBe(0);
    expect(requestsOf(a)).toBe(2);
    expect(b.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('tell a restarted gateway whom to ask, later and later while that one does not answer', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(a, 2, [0]);
    await net.run(50);
    await net.stop(b);
    const again = await net.start(2, [1], { limits: { backoffMinMs: 20_000, backoffMaxMs: 20_000 } });
    const lost = new Map<string, number>();
    net.network.fate = ({ host }) => {
      lost.set(host, (lost.get(host) ?? 0) + 1);
      return { delayMs: 1, lost: 'request' };
    };
    for (let id = 0; id < 60; id++) {
      net.send(a, 2, [id]);
      await net.run(1000);
    }
    expect(lost.get(again.service.host)).toBeGreaterThan(1);
    expect(lost.get(again.service.host)).toBeLessThanOrEqual(8);
    expect(again.workload.takeSent()).toEqual([]);
    net.network.fate = () => ({ delayMs: 1 });
    const delivered: number[] = [];
    for (let id = 100; id < 400 && delivered.length === 0; id++) {
      net.send(a, 2, [id]);
      await net.run(100);
      delivered.push(...idsOf(again.workload.takeSent()));
    }
    expect(delivered).toHaveLength(1);
  });
});
