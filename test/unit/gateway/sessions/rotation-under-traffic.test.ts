/** Rotations of the master key between whole gateways: none waits for ever, and none loses a packet. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HalError } from '../../../../src/hal/errors.js';
import { idsOf, LIMITS, TestNetwork } from '../../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe('rotation', () => {
  test('is not held up for ever by a peer that does not answer', async () => {
    const a = await net.start(1, [2, 3]);
    const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
    net.send(b, 1, [1]);
    net.send(c, 1, [2]);
    await net.run(50);
    await a.gateway.rotateMasterKey(false);
    await net.stop(b);
    const asked = [a.gateway.rotateMasterKey(false), a.gateway.rotateMasterKey(true)];
    await net.run(LIMITS.rotationDeadlineMs - 1000);
    expect(a.gateway.view().rotations).toBe(1);
    await net.run(2000);
    await Promise.all(asked);
    // Those that were asked for meanwhile are one.
    expect(a.gateway.view().rotations).toBe(2);
    a.workload.takeSent();
    net.send(c, 1, [3]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([3]);
  });

  test('comes by itself when the master key has no SPIs left, and waits for nobody', async () => {
    let left = 1;
    const a = await net.start(1, [2, 3], {
      wrapHal: (hal) =>
        new Proxy(hal, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target);
            if (name === 'rotateMasterKey') left = 100;
            if (name !== 'generateKeys') return typeof value === 'function' ? value.bind(target) : value;
            return async (octets: 16 | 32, count: number) => {
              if (count > left) throw new HalError('EMPTY', 'no SPIs are left');
              left -= count;
              return target.generateKeys(octets, count);
            };
          },
        }),
    });
    const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
    left = 1;
    net.send(a, 2, [1]);
    await net.run(50);
    expect(a.gateway.view().rotations).toBe(0);
    net.send(a, 3, [2]);
    await net.run(5000);
    expect(a.gateway.view().rotations).toBe(1);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
    expect(idsOf(c.workload.takeSent())).toEqual([2]);
  });

  test('on schedule goes on for days under traffic, and loses nothing', async () => {
    const a = await net.start(1, [2], { limits: { rotationPeriodMs: 60_000 } });
    const b = await net.start(2, [1], { limits: { rotationPeriodMs: 70_000 } });
    for (let id = 0; id < 600; id++) {
      net.send(a, 2, [id]);
      net.send(b, 1, [id]);
      await net.run(997);
    }
    expect(idsOf(b.workload.takeSent())).toEqual(numbers(600));
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(600));
    expect(a.gateway.view().rotations).toBeGreaterThanOrEqual(8);
  });
});
