/** What one peer may take: refused before anything is done for it, and while others do not notice. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PeerBudget } from '../../../../src/gateway/doors/peer-budget.js';
import type { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { encodeMultiTunnelRequest } from '../../../../src/gateway/rpc/tunnel-messages.js';
import type { PipeHal } from '../../../../src/hal/hal.js';
import { parseIp } from '../../../../src/packet/address.js';
import { type NodeOptions, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';

const HOUR_MS = 3600_000;

describe('a budget', () => {
  const limits = { tunnelsPerSecond: 10, tunnelsBurst: 40, spisPerHour: 100, rotationIntervalMs: 1000 };
  const open = () => {
    const clock = { nowMs: 0 };
    return { clock, budget: new PeerBudget(limits, () => clock.nowMs) };
  };

  test('is one per second and one per hour, and what one of them refuses costs nothing of the other', () => {
    const { clock, budget } = open();
    expect(budget.take(41)).toBe(false);
    expect(budget.take(40)).toBe(true);
    expect(budget.take(1)).toBe(false);
    expect(budget.waitMs(10)).toBe(1000);
    clock.nowMs = 4000;
    expect(budget.take(40)).toBe(true);
    clock.nowMs = 8000;
    // 20 of the hour are left, and a few have come since.
    expect(budget.take(21)).toBe(false);
    expect(budget.take(20)).toBe(true);
    expect(budget.spisTaken).toBe(100);
    clock.nowMs = 12_000;
    expect(budget.take(1)).toBe(false);
    expect(budget.waitMs(1)).toBeGreaterThan(20_000);
    expect(budget.waitMs(101)).toBe(Number.POSITIVE_INFINITY);
  });

  test('of an hour is given back in an hour', () => {
    const { clock, budget } = open();
    let taken = 0;
    for (clock.nowMs = 0; clock.nowMs < 10 * HOUR_MS; clock.nowMs += 500) if (budget.take(1)) taken++;
    expect(taken).toBeGreaterThanOrEqual(1090);
    expect(taken).toBeLessThanOrEqual(1101);
  });
});

describe('a peer at its limit', () => {
  let net: TestNetwork;
  beforeEach(() => {
    net = new TestNetwork();
  });
  afterEach(() => net.stopAll());

  /** Calls of a device, and how many operations they had. */
  const counted =
    (calls: string[], device = { delayMs: 0 }) =>
    (hal: PipeHal) =>
      new Proxy(hal, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          if (!['apply', 'setKeys', 'clearKeys', 'generateKeys'].includes(String(name)))
            return value.bind(target);
          return async (...args: unknown[]) => {
            calls.push(String(name));
            const { delayMs } = device;
            if (delayMs > 0) await new Promise<void>((done) => void net.clock.setTimer(done, delayMs));
            return value.apply(target, args);
          };
        },
      });

  /** A request of a peer for both of its tunnels, or so many octets that are none. */
  const ask = (peer: number, of: TestNode, octets?: Uint8Array) => {
    const asked = { status: undefined as string | undefined, atMs: 0 };
    const request =
      octets ??
      encodeMultiTunnelRequest('3.x', {
        requestId: 1n,
        versionsAccepted: [1],
        tunnels: ([4, 6] as const).map((family) => ({
          virtSource: vip(peer, family),
          virtDestination: vip(1, family),
          reverse: undefined,
        })),
      });
    const end = (status: string) => {
      asked.status = status;
      asked.atMs = net.clock.nowMs();
    };
    net.network
      .transport({ host: parseIp(`10.0.0.${peer}`), port: 3000 })
      .call(of.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 600_000 })
      .then(
        () => end('OK'),
        (error: unknown) => end((error as RpcError).code),
      );
    return asked;
  };
  const limited = (more: NodeOptions = {}): NodeOptions => ({ maxTunnels: 4, ...more });
  const PER_HOUR = { tunnelsPerPeerPerSecond: 1000, spisPerPeerPerHour: 20 };

  test('is refused before the device is asked for anything, and later than others are answered', async () => {
    const calls: string[] = [];
    const a = await net.start(1, [2, 3], limited({ limits: PER_HOUR, wrapHal: counted(calls) }));
    const granted = Array.from({ length: 10 }, () => ask(2, a));
    await net.run(100);
    expect(granted.map(({ status }) => status)).toEqual(granted.map(() => 'OK'));
    expect(a.gateway.view().peers.map(({ spisGiven }) => spisGiven)).toEqual([20, 0]);
    await net.run(60_000);
    calls.length = 0;
    const refused = Array.from({ length: 500 }, () => ask(2, a));
    const beganMs = net.clock.nowMs();
    const other = ask(3, a);
    await net.run(5000);
    expect(other.status).toBe('OK');
    expect(other.atMs - beganMs).toBeLessThan(10);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set(['RESOURCE_EXHAUSTED']));
    // An answer that is held back holds back the next request; they are spread over time.
    expect(new Set(refused.map(({ atMs }) => Math.floor(atMs))).size).toBeGreaterThan(400);
    expect(Math.min(...refused.map(({ atMs }) => atMs)) - beganMs).toBeGreaterThanOrEqual(1000);
    expect(a.gateway.view()).toMatchObject({ refusedOverBudget: 500, refused: { RESOURCE_EXHAUSTED: 500 } });
    // What the device did, it did for the other.
    expect(calls.filter((name) => name === 'generateKeys')).toHaveLength(1);
    expect(calls.filter((name) => name === 'apply').length).toBeLessThanOrEqual(3);
    await net.run(HOUR_MS);
    const again = ask(2, a);
    await net.run(100);
    expect(again.status).toBe('OK');
  });

  test('pays for the size of what it sends before it is decoded, whatever that is', async () => {
    const a = await net.start(1, [2], limited({ limits: PER_HOUR }));
    const rubbish = new Uint8Array(256 * 10).fill(0xff);
    const asked = [ask(2, a, rubbish), ask(2, a, rubbish), ask(2, a, rubbish)];
    await net.run(5000);
    expect(asked.map(({ status }) => status)).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
      'RESOURCE_EXHAUSTED',
    ]);
    expect(a.gateway.view().refusedOverBudget).toBe(1);
  });

  test('has none of its refusals held beyond a number of them', async () => {
    const a = await net.start(1, [2], limited({ limits: { ...PER_HOUR, spisPerPeerPerHour: 1 } }));
    const asked = Array.from({ length: 1100 }, () => ask(2, a));
    await net.run(100);
    expect(asked.filter(({ status }) => status !== undefined)).toHaveLength(1100 - 1024);
    await net.run(2000);
    expect(asked.filter(({ status }) => status === undefined)).toHaveLength(0);
  });

  test('that queues a lot of work makes another wait for one piece of it at each step', async () => {
    const DEVICE_MS = 10;
    const device = { delayMs: 0 };
    const a = await net.start(1, [2, 3], limited({ wrapHal: counted([], device) }));
    device.delayMs = DEVICE_MS;
    const alone = ask(3, a);
    const beganAloneMs = net.clock.nowMs();
    await net.run(5000);
    const aloneMs = alone.atMs - beganAloneMs;
    const burning = Array.from({ length: 200 }, () => ask(2, a));
    await net.run(5);
    const other = ask(3, a);
    const beganMs = net.clock.nowMs();
    for (let i = 0; i < 100 && burning.some(({ status }) => status === undefined); i++) await net.run(1000);
    expect(other.status).toBe('OK');
    expect(burning.every(({ status }) => status === 'OK')).toBe(true);
    // Each of its steps waits for one step of the other peer's; in the order of the calls it would be hundreds.
    expect(other.atMs - beganMs).toBeLessThan(3 * aloneMs + 5 * DEVICE_MS);
  });
});
