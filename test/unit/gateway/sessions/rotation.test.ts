/** When a rotation of the master key happens, who may ask for one, and what becomes of what it ends. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { EventLog } from '../../../../src/gateway/event-log.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Logger } from '../../../../src/gateway/log.js';
import type { GatewayLimits } from '../../../../src/gateway/options.js';
import type { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { encodeKeyRotationRequest } from '../../../../src/gateway/rpc/tunnel-messages.js';
import { Rotation } from '../../../../src/gateway/sessions/rotation.js';
import type { Session } from '../../../../src/gateway/sessions/session.js';
import { HalError } from '../../../../src/hal/errors.js';
import type { PipeHal } from '../../../../src/hal/hal.js';
import { parseIp } from '../../../../src/packet/address.js';
import {
  idsOf,
  LIMITS,
  type NodeOptions,
  TestNetwork,
  type TestNode,
  vip,
} from '../../../support/gateways.js';

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
    const askedMs = net.clock.nowMs();
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
    // What was said first, before the peers had answered, is no longer either.
    const tookMs = net.clock.nowMs() - askedMs;
    expect(Math.abs(tookMs - 1000 * secondsOf(first))).toBeLessThanOrEqual(2000);
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

describe('a rotation by itself', () => {
  const PERIOD_MS = 100_000;
  const DEADLINE_MS = 20_000;
  const GRACE_MS = 5_000;

  /** Sessions in a device that a test describes. Every step that the rotation takes is written down with its time. */
  function open(limits: Partial<GatewayLimits> = {}) {
    const clock = createVirtualClock();
    const steps: string[] = [];
    const events: GatewayEvent[] = [];
    const note = (step: string) => steps.push(`${step} at ${clock.nowMs()}`);
    const world = {
      /** SPIs of the former key, which the next rotation ends. */
      doomed: 0,
      sessions: [] as Session[],
      cut: [] as Session[],
      wait: undefined as { dueMs: number; closedByMs: number } | undefined,
      fail: false,
      rekey: async (_sessions: readonly Session[]): Promise<void> => {},
    };
    const installer = {
      generation: 0,
      spiSupply: { given: 5, left: 7 },
      get doomedSpis() {
        return world.doomed;
      },
      get sessions() {
        return world.sessions;
      },
      async rotate() {
        if (world.fail) throw new Error('broken');
        installer.generation++;
        world.doomed = 0;
        return world.cut;
      },
    };
    const logger: Logger = { log: (level, message) => note(`${level} ${message}`), enabled: () => true };
    const eventLog = new EventLog({ clock, logger });
    const rotation = new Rotation({
      clock,
      observe: (event) => {
        if (event.type === 'rotated') note(`rotated ${event.rotations}`);
        events.push(event);
        eventLog.tell(event);
      },
      installer: installer as never,
      retirement: {
        waitOf: (generation: number) => (generation === installer.generation - 1 ? world.wait : undefined),
        forget: (generation: number) => note(`forgets ${generation}`),
      } as never,
      bringUp: {
        rekey: (sessions: readonly Session[]) => {
          note(`re-keys ${sessions.length}`);
          return world.rekey(sessions);
        },
      } as never,
      limits: {
        rotationPeriodMs: 0,
        rotationDeadlineMs: DEADLINE_MS,
        rekeyGraceMs: GRACE_MS,
        ...limits,
      },
    });
    const run = (durationMs: number) => clock.advance(durationMs);
    /** Without lines of the log. */
    const done = () => steps.filter((step) => !/^(info|warning|error) /.test(step));
    return { clock, rotation, installer, world, steps, events, done, run };
  }
  const session = (state: string, generation: number) =>
    ({ peer: { name: 'h2' }, ingress: [{ state, generation }] }) as never;
  const refusal = (call: () => unknown): string => {
    try {
      call();
      return 'granted';
    } catch (error) {
      return (error as RpcError).details;
    }
  };
  const seconds = (call: () => unknown) => secondsOf(refusal(call));

  test('that ends nothing is made at once, and sessions get keys of the new one where that is asked for', async () => {
    const { rotation, world, steps, run } = open();
    world.sessions = [session('given', 0), session('retiring', 0), session('given', 1)];
    await rotation.rotate(false);
    expect(steps).toEqual(['forgets -1 at 0', 'rotated 1 at 0', 'info master key rotated at 0']);
    steps.length = 0;
    await rotation.rotate(true);
    await run(0);
    // Those of the key before the active one: not those that retire, nor those that are newer.
    expect(steps).toEqual([
      'forgets 0 at 0',
      'rotated 2 at 0',
      'info master key rotated at 0',
      're-keys 2 at 0',
      'info all sessions have new keys at 0',
    ]);
  });

  test('that has ended the key of sessions re-keys those, whoever asked for what, once each', async () => {
    const { rotation, world, steps, run } = open();
    const one = session('given', 0);
    world.sessions = [one];
    world.cut = [one];
    await rotation.rotate(false);
    await rotation.rotate(true);
    await run(0);
    expect(steps.filter((step) => step.startsWith('re-keys'))).toEqual(['re-keys 1 at 0', 're-keys 1 at 0']);
    expect(steps.join()).toContain(
      'warning the key of some sessions has ended before their peers took new ones',
    );
  });

  test('waits until its sessions have new keys and the grace of the old ones is over', async () => {
    const { rotation, world, done, steps, events, run } = open();
    const one = session('given', -1);
    Object.assign(world, { doomed: 1, sessions: [one] });
    let answer = () => {};
    world.rekey = () => new Promise((resolve) => (answer = resolve));
    let isDone = false;
    void rotation.rotate(false).then(() => (isDone = true));
    await run(1_000);
    expect(steps).toEqual([
      'info rotation put off: some sessions would not survive it at 0',
      're-keys 1 at 0',
    ]);
    expect(events).toEqual([{ type: 'rotation-waits', spis: 1, deadlineInMs: DEADLINE_MS, waitsFor: 'h2' }]);
    world.sessions = [];
    world.wait = { dueMs: 1_000 + GRACE_MS, closedByMs: 1_000 + 2 * GRACE_MS };
    answer();
    await run(GRACE_MS - 1);
    world.doomed = 0;
    await run(0);
    expect([isDone, done().length]).toEqual([false, 1]);
    await run(1);
    expect(done()).toEqual(['re-keys 1 at 0', 'forgets -1 at 6000', 'rotated 1 at 6000']);
    expect(isDone).toBe(true);
  });

  test('looks twenty times a second at most whether it may be made', async () => {
    const { rotation, world, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)], wait: { dueMs: -5, closedByMs: 0 } });
    void rotation.rotate(false);
    await run(1_000);
    expect(done().length).toBe(21);
  });

  test('is made at its deadline although a peer is silent, and does not ask that one any more by itself', async () => {
    const { rotation, world, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    void rotation.rotate(false);
    await run(DEADLINE_MS - 1);
    expect(done()).toEqual(['re-keys 1 at 0']);
    await run(1);
    expect(done().slice(1)).toEqual([`forgets -1 at ${DEADLINE_MS}`, `rotated 1 at ${DEADLINE_MS}`]);
    await run(DEADLINE_MS);
    expect(done()).toHaveLength(3);
  });

  test('that is put off takes in those that are asked for meanwhile, with new keys when any of them wants them', async () => {
    const { rotation, world, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    const all = [rotation.rotate(false), rotation.rotate(true), rotation.rotate(false)];
    await run(DEADLINE_MS);
    await Promise.all(all);
    expect(done().filter((step) => step.startsWith('rotated'))).toEqual([`rotated 1 at ${DEADLINE_MS}`]);
    expect(done().at(-1)).toBe(`re-keys 1 at ${DEADLINE_MS}`);
  });

  test('that a peer asks for is refused with the time it takes, and begun to be made ready once for all who ask', async () => {
    const { rotation, world, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    let answer = () => {};
    world.rekey = () => new Promise((resolve) => (answer = resolve));
    const ask = () => rotation.rotateNow(true);
    // Two grace periods: an exchange, and what comes after it.
    expect(refusal(ask)).toBe('sessions have keys that another rotation would end; ask again in 10 s');
    await run(1_000);
    expect(seconds(ask)).toBe(10);
    await run(10_500);
    // Never longer than until the deadline, at which it is granted.
    expect(seconds(ask)).toBe(9);
    world.sessions = [];
    answer();
    world.wait = { dueMs: 14_000, closedByMs: 17_000 };
    await run(2_550);
    expect(seconds(ask)).toBe(3);
    expect(done()).toEqual(['re-keys 1 at 0']);
    world.doomed = 0;
    await rotation.rotateNow(false);
    expect(done().slice(1)).toEqual(['forgets -1 at 14050', 'rotated 1 at 14050']);
  });

  test('that a peer asks for is granted at the deadline, and the next one has one of its own', async () => {
    const { rotation, world, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    const ask = () => rotation.rotateNow(false);
    expect(seconds(ask)).toBe(10);
    await run(DEADLINE_MS - 1);
    expect(seconds(ask)).toBe(1);
    await run(1);
    await ask();
    world.doomed = 1;
    await run(DEADLINE_MS);
    expect(seconds(ask)).toBe(10);
  });

  test('that a peer asks for does not join one that is put off, which may take its time', async () => {
    const { rotation, world, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    const own = rotation.rotate(false);
    await run(10);
    world.doomed = 0;
    expect(refusal(() => rotation.rotateNow(false))).toMatch(/ask again/);
    await run(DEADLINE_MS);
    await own;
  });

  test('that the device refuses is told to who asked, and the next one is made all the same', async () => {
    const { rotation, world, done } = open();
    world.fail = true;
    await expect(rotation.rotate(true)).rejects.toThrow('broken');
    world.fail = false;
    await rotation.rotate(false);
    expect(done()).toEqual(['forgets -1 at 0', 'rotated 1 at 0']);
  });

  test('comes by itself in each period, also after one that failed, and not without a period', async () => {
    const { rotation, world, steps, done, run } = open({ rotationPeriodMs: PERIOD_MS });
    rotation.start();
    world.fail = true;
    await run(PERIOD_MS);
    expect(steps).toEqual([`error rotation of the master key failed: broken at ${PERIOD_MS}`]);
    world.fail = false;
    await run(PERIOD_MS);
    expect(done()).toEqual([
      `forgets -1 at ${2 * PERIOD_MS}`,
      `rotated 1 at ${2 * PERIOD_MS}`,
      `re-keys 0 at ${2 * PERIOD_MS}`,
    ]);
    rotation.stop();
    await run(10 * PERIOD_MS);
    expect(done()).toHaveLength(3);
    const never = open();
    never.rotation.start();
    await never.run(10 * PERIOD_MS);
    expect(never.steps).toEqual([]);
  });

  test('waits for nobody when no SPIs are left, and comes once however often that is found', async () => {
    const { rotation, world, steps, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    rotation.onSpisExhausted();
    rotation.onSpisExhausted();
    await run(0);
    expect(done()).toEqual(['forgets -1 at 0', 'rotated 1 at 0', 're-keys 1 at 0']);
    expect(steps.filter((step) => step.includes('no SPIs left'))).toHaveLength(1);
    world.doomed = 1;
    rotation.onSpisExhausted();
    await run(0);
    expect(done()).toContain('rotated 2 at 0');
  });

  test('that is put off is made at once when no SPIs are left', async () => {
    const { rotation, world, steps, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    void rotation.rotate(false);
    await run(10);
    rotation.onSpisExhausted();
    await run(0);
    expect(done()).toEqual(['re-keys 1 at 0', 'forgets -1 at 10', 'rotated 1 at 10', 're-keys 1 at 10']);
    expect(steps.join()).not.toContain('re-keying failed');
  });

  test('is made in time when few SPIs are left, but waits for everybody', async () => {
    const { rotation, world, steps, done, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    rotation.onSpisLow();
    await run(DEADLINE_MS - 1);
    expect(steps[0]).toBe('warning the master key has few SPIs left; rotating it before its time at 0');
    expect(done()).toEqual(['re-keys 1 at 0']);
  });

  test('tells when its sessions could not get new keys, before it and after it', async () => {
    const { rotation, world, steps, run } = open();
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => Promise.reject(new Error('nobody'));
    await rotation.rotate(true);
    await run(0);
    const line = 'error re-keying failed: nobody at 0';
    expect(steps.filter((step) => step.startsWith('error'))).toEqual([line, line]);
  });

  test('is not made after the stop, and nothing is told then', async () => {
    const { rotation, world, steps, run } = open({ rotationPeriodMs: PERIOD_MS });
    Object.assign(world, { doomed: 1, sessions: [session('given', -1)] });
    world.rekey = () => new Promise(() => {});
    const waiting = rotation.rotate(true);
    await run(10);
    const before = steps.length;
    rotation.stop();
    await waiting;
    rotation.onSpisLow();
    rotation.onSpisExhausted();
    rotation.start();
    await rotation.rotate(false);
    await run(10 * PERIOD_MS);
    expect(steps.slice(before)).toEqual([]);
  });
});
