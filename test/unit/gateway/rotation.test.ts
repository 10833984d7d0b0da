/** When a rotation of the master key happens, who may ask for one, and what becomes of what it ends. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayLimits } from '../../../src/gateway/options.js';
import type { RpcError } from '../../../src/gateway/transport.js';
import { encodeKeyRotationRequest } from '../../../src/gateway/tunnel-messages.js';
import { HalError } from '../../../src/hal/errors.js';
import type { PipeHal } from '../../../src/hal/hal.js';
import { parseIp } from '../../../src/packet/address.js';
import { idsOf, LIMITS, type NodeOptions, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const service = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });
const requestsOf = (node: TestNode) => node.events.filter(({ type }) => type === 'request-sent').length;

/** A peer asks for a rotation; gives 'OK', or the status and what it says. */
async function rotateAs(peer: number, of: TestNode, issueNewKeys = true): Promise<string> {
  let answer: string | undefined;
  void net.network
    .transport(service(peer))
    .call(of.service, 'RequestKeyRotation', encodeKeyRotationRequest(1n, issueNewKeys), {
      deadlineMs: 60_000,
    })
    .then(
      () => {
        answer = 'OK';
      },
      (error: unknown) => {
        answer = `${(error as RpcError).code}: ${(error as RpcError).details}`;
      },
    );
  await net.run(20);
  return answer ?? 'no answer';
}

const secondsOf = (answer: string) => Number(/ask again in (\d+) s/.exec(answer)?.[1]);

/** Gateway 1, and peers with a session each, under the master key before the active one. */
async function withOldSessions(limits: Partial<GatewayLimits> = {}, more: NodeOptions = {}) {
  const a = await net.start(1, [2, 3], { ...more, limits: { rotationRequestIntervalMs: 100, ...limits } });
  const [b, c] = [await net.start(2, [1]), await net.start(3, [1])];
  net.send(b, 1, [1]);
  net.send(c, 1, [2]);
  await net.run(100);
  expect(await rotateAs(3, a, false)).toBe('OK');
  await net.run(200);
  return { a, b, c };
}

describe('a rotation that a peer asks for', () => {
  test('is refused while a session would lose its key by it, with the time that is left, which is true', async () => {
    const { a, b } = await withOldSessions();
    expect(a.gateway.view()).toMatchObject({ rotations: 1, spisOfFormerKey: 2 });
    const before = requestsOf(a);
    const first = await rotateAs(3, a);
    expect(first).toMatch(/^FAILED_PRECONDITION: .*another rotation would end; ask again in \d+ s$/);
    // Those sessions get new keys by it, once.
    for (let i = 0; i < 20; i++) expect(await rotateAs(2, a)).toMatch(/^FAILED_PRECONDITION/);
    await net.run(1000);
    expect(requestsOf(a) - before).toBe(2);
    const left = secondsOf(await rotateAs(3, a));
    expect(left).toBeLessThanOrEqual((2 * LIMITS.rekeyGraceMs) / 1000);
    await net.run((left - 2) * 1000);
    expect(await rotateAs(3, a)).toMatch(/^FAILED_PRECONDITION/);
    await net.run(2000);
    expect(await rotateAs(3, a)).toBe('OK');
    expect(a.gateway.view().rotations).toBe(2);
    a.workload.takeSent();
    net.send(b, 1, [7]);
    await net.run(20);
    expect(idsOf(a.workload.takeSent())).toEqual([7]);
  });

  test('is granted after the deadline although a peer is dead; that one comes back by itself', async () => {
    const { a, b } = await withOldSessions({ rotationDeadlineMs: 20_000 });
    await net.stop(b);
    expect(secondsOf(await rotateAs(3, a))).toBeLessThanOrEqual(20);
    await net.run(19_000);
    expect(secondsOf(await rotateAs(3, a))).toBe(1);
    await net.run(1000);
    expect(await rotateAs(3, a)).toBe('OK');
    expect(a.gateway.view()).toMatchObject({ rotations: 2 });
    // The SPI of the dead key is closed; the peer is asked on and on.
    expect(a.events).toContainEqual({ type: 'spi-closed', spi: 1, localVip: vip(1), remoteVip: vip(2) });
    const again = await net.start(2, [1]);
    await net.run(10_000);
    a.workload.takeSent();
    net.send(again, 1, [8]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([8]);
  });

  test('counts against the limit of that peer, and against nobody else', async () => {
    const interval = { rotationRequestIntervalMs: 300_000, rekeyGraceMs: 100 };
    const a = await net.start(1, [2, 3], { limits: interval });
    expect(await rotateAs(2, a)).toBe('OK');
    for (let i = 0; i < 50; i++) {
      expect(await rotateAs(2, a)).toMatch(/^RESOURCE_EXHAUSTED: .*at your request.*ask again in \d+ s$/);
    }
    expect(await rotateAs(3, a)).toBe('OK');
    expect(a.gateway.view().rotations).toBe(2);
    await net.run(300_000);
    expect(await rotateAs(2, a)).toBe('OK');
  });

  test('that was refused as too early does not count', async () => {
    const { a } = await withOldSessions({ rotationRequestIntervalMs: 60_000 });
    for (let i = 0; i < 5; i++) expect(await rotateAs(2, a)).toMatch(/^FAILED_PRECONDITION/);
    await net.run(11_000);
    expect(await rotateAs(2, a)).toBe('OK');
  });

  test('is a right that a peer has or not', async () => {
    const peers = (rights: readonly (boolean | undefined)[]) =>
      rights.map((mayRotate, i) => ({
        serviceAddress: service(2 + i),
        virtualIps: [vip(2 + i)],
        ...(mayRotate === undefined ? {} : { mayRotate }),
      }));
    const rights = [undefined, true, false];
    const a = await net.start(1, [], { peers: peers(rights) });
    const denied = 'PERMISSION_DENIED: rotations of the master key are not granted to this peer';
    expect([await rotateAs(2, a), await rotateAs(3, a), await rotateAs(4, a)]).toEqual(['OK', 'OK', denied]);
    expect(a.gateway.view().peers.map(({ mayRotate }) => mayRotate)).toEqual([true, true, false]);
    await net.stop(a);
    // Whoever reaches the port can call from a peer's address then.
    const insecure = await net.start(1, [], { peers: peers(rights), insecure: true });
    expect(insecure.gateway.view().peers.map(({ mayRotate }) => mayRotate)).toEqual([false, true, false]);
    expect(await rotateAs(2, insecure)).toBe(denied);
    expect(await rotateAs(3, insecure)).toBe('OK');
  });

  test('and many peers together rotate no faster than the grace of old SPIs allows', async () => {
    const numbers = Array.from({ length: 30 }, (_, i) => i + 2);
    const a = await net.start(1, numbers, { limits: { rotationRequestIntervalMs: 100, rekeyGraceMs: 5000 } });
    const b = await net.start(2, [1]);
    const MINUTE_S = 60;
    let sent = 0;
    net.send(b, 1, [sent++]);
    await net.run(1000);
    for (let second = 0; second < MINUTE_S; second++) {
      net.send(b, 1, [sent++]);
      for (const number of numbers) {
        const request = encodeKeyRotationRequest(1n, true);
        const asked = net.network.transport(service(number)).call(a.service, 'RequestKeyRotation', request, {
          deadlineMs: 60_000,
        });
        asked.catch(() => {});
      }
      await net.run(1000);
    }
    // The first is free: there was no older key. Each of the others waited for the grace.
    expect(a.gateway.view().rotations).toBeGreaterThan(2);
    expect(a.gateway.view().rotations).toBeLessThanOrEqual(2 + MINUTE_S / 5);
    expect(idsOf(a.workload.takeSent())).toEqual(Array.from({ length: sent }, (_, i) => i));
  });
});

describe('a rotation', () => {
  test('that is scheduled waits for peers that take their time, and loses nothing', async () => {
    const a = await net.start(1, [2], { limits: { rotationPeriodMs: 12_000, rekeyGraceMs: 1000 } });
    const b = await net.start(2, [1]);
    let [sent, slow] = [0, true];
    net.network.fate = () => ({ delayMs: slow ? 400 : 0.5 });
    for (let i = 0; i < 300; i++) {
      slow = i % 40 < 20;
      net.send(b, 1, [sent++]);
      await net.run(500);
    }
    expect(a.gateway.view().rotations).toBeGreaterThan(8);
    await net.run(5000);
    expect(idsOf(a.workload.takeSent())).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  /** A device that refuses or delays what a test says. */
  const broken = (state: { rotate?: boolean }) => (hal: PipeHal) =>
    new Proxy(hal, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'rotateMasterKey') {
          return async () => {
            if (state.rotate) throw new HalError('DRIVER', 'no');
            return target.rotateMasterKey();
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

  test('that the device refuses changes nothing, and the next one is made', async () => {
    const state = { rotate: false };
    const { a, b } = await withOldSessions({ rekeyGraceMs: 100 }, { wrapHal: broken(state) });
    state.rotate = true;
    const failed = a.gateway.rotateMasterKey(true);
    failed.catch(() => {});
    await net.run(2000);
    await expect(failed).rejects.toThrow(/DRIVER/);
    expect(a.gateway.view().rotations).toBe(1);
    state.rotate = false;
    const made = a.gateway.rotateMasterKey(true);
    await net.run(2000);
    await made;
    expect(a.gateway.view().rotations).toBe(2);
    a.workload.takeSent();
    net.send(b, 1, [9]);
    await net.run(20);
    expect(idsOf(a.workload.takeSent())).toEqual([9]);
  });

  test('does not gather attempts to reach a peer that is dead', async () => {
    const { a, b } = await withOldSessions({ rotationDeadlineMs: 1000, rekeyGraceMs: 100 });
    await net.stop(b);
    for (let i = 0; i < 10; i++) {
      const made = a.gateway.rotateMasterKey(true);
      await net.run(3000);
      await made;
    }
    const before = a.events.filter(
      (event) => event.type === 'request-sent' && event.peer.startsWith('10.0.0.2'),
    );
    await net.run(60_000);
    const after = a.events.filter(
      (event) => event.type === 'request-sent' && event.peer.startsWith('10.0.0.2'),
    );
    // One run asks every two seconds; ten of them would ask three hundred times.
    expect(after.length - before.length).toBeLessThan(70);
  });

  test('twice while an answer is under way: the peer is asked anew, since what it was offered has died', async () => {
    const limits = { rotationDeadlineMs: 100, rekeyGraceMs: 100, rpcDeadlineMs: 20_000 };
    const a = await net.start(1, [2], { limits });
    const b = await net.start(2, [1]);
    net.network.fate = () => ({ delayMs: 3000 });
    net.send(a, 2, [1]);
    await net.run(10);
    net.network.fate = () => ({ delayMs: 0.5 });
    for (let i = 0; i < 2; i++) {
      const made = a.gateway.rotateMasterKey(false);
      await net.run(500);
      await made;
    }
    expect(a.gateway.view().rotations).toBe(2);
    await net.run(8000);
    // The peer sends under what it has got last, and that is let in.
    net.send(b, 1, [2]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([2]);
    expect(a.gateway.view().spisOfFormerKey).toBe(0);
  });
});
