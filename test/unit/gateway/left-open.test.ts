/** What the DOCA application leaves open, point by point; gateway.test.ts and features.test.ts hold the others. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RpcFate } from '../../../src/gateway/rpc/memory-transport.js';
import { type ControlTransport, RpcError } from '../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../../src/gateway/rpc/tunnel-messages.js';
import { HalError } from '../../../src/hal/errors.js';
import type { PipeHal } from '../../../src/hal/hal.js';
import { type IpAddress, parseIp } from '../../../src/packet/address.js';
import { idsOf, LIMITS, TestNetwork, type TestNode, vip } from '../../support/gateways.js';
import { HalLedger } from '../../support/hal-ledger.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);
const requestsOf = (node: TestNode) => node.events.filter(({ type }) => type === 'request-sent').length;

/** A transport whose peers' answers are changed on the way. */
const changeAnswers =
  (change: (parameters: TunnelParameters) => TunnelParameters) =>
  (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: async (...args) => {
      const { requestId } = decodeMultiTunnelRequest(args[2]);
      const answers = decodeMultiTunnelResponse(await transport.call(...args), 1, requestId);
      return encodeMultiTunnelResponse(requestId, answers.map(change));
    },
  });

/** Sends a request as peer 2 and gives the status. */
async function askAsPeer2(
  to: TestNode,
  pairs: readonly (readonly [source: IpAddress, destination: IpAddress])[],
  versionsAccepted: readonly number[] = [1],
): Promise<string> {
  const client = net.network.transport({ host: parseIp('10.0.0.2'), port: 3000 });
  const request = encodeMultiTunnelRequest('3.x', {
    requestId: 1n,
    versionsAccepted,
    tunnels: pairs.map(([virtSource, virtDestination]) => ({
      virtSource,
      virtDestination,
      reverse: undefined,
    })),
  });
  let status: string | undefined;
  void client.call(to.service, 'RequestMultipleTunnelParams', request, { deadlineMs: 5000 }).then(
    () => {
      status = 'OK';
    },
    (error: unknown) => {
      status = (error as RpcError).code;
    },
  );
  await net.run(50);
  while (status === undefined) await net.run(50);
  return status;
}

describe('restarts and repetitions', () => {
  test('a peer that restarts again and again takes one key slot, and its old SPIs are closed', async () => {
    const ledger = new HalLedger();
    const a = await net.start(1, [2], { wrapHal: (hal) => ledger.wrap(hal) });
    for (let life = 0; life < 10; life++) {
      const b = await net.start(2, [1]);
      net.send(b, 1, [life]);
      await net.run(200);
      await net.stop(b);
    }
    await net.run(60_000);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(10));
    expect(a.gateway.view()).toMatchObject({ keySlotsUsed: 1, spisRetiring: 0 });
    expect(a.gateway.view().sessions.flatMap(({ ingressSpis }) => ingressSpis)).toHaveLength(1);
    expect(ledger.entries.filter((pipe) => pipe.startsWith('INGR_ACL'))).toHaveLength(1);
    expect(ledger.entries.filter((pipe) => pipe.startsWith('EGR_ACL'))).toHaveLength(1);
    expect(ledger.keySlots).toHaveLength(1);
  });

  test('a second request for a pair replaces the first, in one session', async () => {
    const a = await net.start(1, [2]);
    for (let i = 0; i < 5; i++) expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
    expect(a.gateway.view().sessions).toHaveLength(1);
    await net.run(60_000);
    expect(a.gateway.view().sessions[0]!.ingressSpis).toEqual([5]);
  });
});

describe('exchanges that overlap', () => {
  test('an SPI on offer stays open when a crossing request of the peer is answered first', async () => {
    const limits = { rekeyGraceMs: 20 };
    const a = await net.start(1, [2], { limits });
    const b = await net.start(2, [1], { limits });
    net.network.fate = () => ({ delayMs: 300 });
    net.send(a, 2, [0]);
    await net.run(5);
    net.send(b, 1, [0]);
    // The peer has our offer from 300 ms on; its own request gets here at 305 and its answer there at 605.
    for (let id = 1; id < 80; id++) {
      await net.run(10);
      net.send(b, 1, [id]);
    }
    await net.run(1000);
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(80));
  });

  test('many re-keys at once lose no packet', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1]);
    net.send(b, 1, [0]);
    await net.run(50);
    net.network.fate = () => ({ delayMs: 50 });
    for (let i = 0; i < 12; i++) void a.gateway.rekey();
    for (let id = 1; id < 400; id++) {
      net.send(b, 1, [id]);
      await net.run(1);
    }
    expect(idsOf(a.workload.takeSent())).toEqual(numbers(400));
  });

  test('however many exchanges fail, and whichever half of them is lost, no packet is', async () => {
    const exchange = fc.record({
      asks: fc.constantFrom(1, 2),
      fate: fc.constantFrom<RpcFate>(
        { delayMs: 1 },
        { delayMs: 1, lost: 'request' },
        { delayMs: 1, lost: 'response' },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(exchange, { maxLength: 20 }), async (exchanges) => {
        await net.stopAll();
        net = new TestNetwork();
        const limits = { rpcDeadlineMs: 20 };
        const nodes = [await net.start(1, [2], { limits }), await net.start(2, [1], { limits })] as const;
        const sendBoth = async (id: number) => {
          net.send(nodes[0], 2, [id]);
          net.send(nodes[1], 1, [id]);
          await net.run(5);
        };
        await sendBoth(0);
        for (const [i, { asks, fate }] of exchanges.entries()) {
          net.network.fate = () => fate;
          const pair = { localVip: vip(asks), remoteVip: vip(3 - asks) };
          const over = nodes[asks - 1]!.gateway.connectNow([pair]).catch(() => {});
          await net.run(25);
          await over;
          await sendBoth(i + 1);
        }
        for (const { workload } of nodes)
          expect(idsOf(workload.takeSent())).toEqual(numbers(exchanges.length + 1));
      }),
      { numRuns: 150 },
    );
  });

  /** Lets so many promise reactions run. */
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await Promise.resolve();
  };

  test.each(numbers(24))(
    'a session removed %i steps into our exchange leaves nothing in the device',
    async (steps) => {
      const ledger = new HalLedger();
      const a = await net.start(1, [2], { wrapHal: (hal) => ledger.wrap(hal) });
      await net.start(2, [1]);
      const pair = { localVip: vip(1, 6), remoteVip: vip(2, 6) };
      net.send(a, 2, [1], 6);
      await net.run(50);
      const again = a.gateway.connectNow([pair]).catch(() => {});
      await turns(steps);
      const removed = a.gateway.removeSession(pair.localVip, pair.remoteVip);
      await net.run(100);
      await Promise.all([again, removed]);
      await a.gateway.removeSession(pair.localVip, pair.remoteVip);
      expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
      expect(ledger.entries).toEqual([]);
      expect(ledger.keySlots).toEqual([]);
    },
  );

  test.each(numbers(24))(
    "a session removed %i steps into a peer's exchange leaves nothing in the device",
    async (steps) => {
      const ledger = new HalLedger();
      let armed = false;
      let removed: Promise<unknown> = Promise.resolve();
      const a: TestNode = await net.start(1, [2], {
        wrapHal: (hal) => ledger.wrap(hal),
        wrapTransport: (transport) => ({
          ...transport,
          listen: (address, handler, doorkeeper) =>
            transport.listen(
              address,
              (...request) => {
                const answer = handler(...request);
                if (armed) removed = turns(steps).then(() => a.gateway.removeSession(vip(1, 6), vip(2, 6)));
                return answer;
              },
              doorkeeper,
            ),
        }),
      });
      await net.start(2, [1]);
      net.send(a, 2, [1], 6);
      await net.run(50);
      armed = true;
      await askAsPeer2(a, [[vip(2, 6), vip(1, 6)]]);
      await removed;
      await a.gateway.removeSession(vip(1, 6), vip(2, 6));
      expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
      expect(ledger.entries).toEqual([]);
      expect(ledger.keySlots).toEqual([]);
    },
  );
});

describe('cookies', () => {
  const COOKIE_OFFSET = 14 + 40 + 8 + 16;

  test('every tunnel has one of its own, each way', async () => {
    const a = await net.start(1, [2], { cookies: true });
    const b = await net.start(2, [1], { cookies: true });
    for (const family of [4, 6] as const) {
      net.send(a, 2, [1], family);
      await net.run(50);
      net.send(b, 1, [2], family);
      await net.run(50);
    }
    const cookies = net.wire.map((frame) =>
      Buffer.from(frame.subarray(COOKIE_OFFSET, COOKIE_OFFSET + 8)).toString('hex'),
    );
    expect(new Set(cookies).size).toBe(4);
    expect(cookies).not.toContain('0000000000000000');
  });

  test('a packet with another cookie than its tunnel has is dropped, although it authenticates', async () => {
    const a = await net.start(1, [2], {
      cookies: true,
      wrapTransport: changeAnswers((parameters) => ({ ...parameters, cookie: parameters.cookie ^ 1n })),
    });
    const b = await net.start(2, [1], { cookies: true });
    net.send(a, 2, [1]);
    await net.run(50);
    expect(net.wire).toHaveLength(1);
    expect(b.workload.takeSent()).toEqual([]);
    expect(await b.hal.statistics()).toMatchObject({ rxPackets: 1n, rxAuthFail: 0n });
  });

  test('a peer that wants one is refused without --cookie, but not the one that DOCA always announces', async () => {
    const b = await net.start(2, [1]);
    let cookie = 0x1234n;
    const a = await net.start(1, [2], {
      wrapTransport: changeAnswers((parameters) => ({ ...parameters, cookie })),
    });
    net.send(a, 2, [1]);
    await net.run(50);
    expect(net.wire).toEqual([]);
    expect(a.gateway.view().sessions).toMatchObject([{ state: 'backing-off' }]);
    cookie = 0x778899aabbccddeen;
    await net.run(5000);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
  });
});

describe('limits', () => {
  test('static tunnels to a peer that is not there are tried later and later, and one RPC makes both directions', async () => {
    const a = await net.start(1, [2], { staticTunnels: vip(1) });
    await net.run(60_000);
    const tried = requestsOf(a);
    // Each second would be sixty; backoffMaxMs is two seconds, with jitter from one on.
    expect(tried).toBeGreaterThan(25);
    expect(tried).toBeLessThan(65);
    const b = await net.start(2, [1]);
    await net.run(5000);
    net.send(b, 1, [7]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([7]);
    expect(requestsOf(b)).toBe(0);
  });

  test('a tunnel that the peer refuses, and a peer that takes fewer at once, do not keep the others from being made', async () => {
    const nowhere = parseIp('192.168.1.77');
    const service = { host: parseIp('10.0.0.2'), port: 3000 };
    const remoteVips = [...numbers(20, 200).map((n) => vip(n)), nowhere, vip(2)];
    const b = await net.start(2, [1], {
      limits: { tunnelsPerRequest: 4 },
      peers: [
        { serviceAddress: { host: parseIp('10.0.0.1'), port: 3000 }, virtualIps: [vip(1)] },
        // Names of ours that only a session file knows.
        {
          serviceAddress: { host: parseIp('10.0.0.9'), port: 3000 },
          virtualIps: [vip(9)],
          pairs: numbers(20, 200).map((n) => ({ localVip: vip(n), remoteVip: vip(9) })),
        },
      ],
    });
    const a = await net.start(1, [], {
      peers: [{ serviceAddress: service, virtualIps: remoteVips }],
      staticTunnels: vip(1),
    });
    await net.run(3000);
    const { sessions } = a.gateway.view();
    expect(sessions.filter(({ state }) => state === 'established')).toHaveLength(21);
    expect(sessions.filter(({ state }) => state !== 'established').map(({ remoteVip }) => remoteVip)).toEqual(
      [nowhere],
    );
    expect(b.gateway.view().sessions).toHaveLength(21);
  });

  test('a peer gets so many tunnels per second, and others are not touched by it', async () => {
    // At once it may ask twice for all tunnels that there can be.
    const a = await net.start(1, [2, 3], { maxTunnels: 2, limits: { tunnelsPerPeerPerSecond: 2 } });
    const c = await net.start(3, [1]);
    for (let i = 0; i < 4; i++) expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
    expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('RESOURCE_EXHAUSTED');
    net.send(c, 1, [1]);
    await net.run(50);
    expect(idsOf(a.workload.takeSent())).toEqual([1]);
    await net.run(1000);
    expect(await askAsPeer2(a, [[vip(2), vip(1)]])).toBe('OK');
  });

  test('a request for too many tunnels, for one pair twice, for none or for unknown versions changes nothing', async () => {
    const a = await net.start(1, [2], { limits: { tunnelsPerRequest: 2 } });
    const pair = [vip(2), vip(1)] as const;
    expect(await askAsPeer2(a, [pair, [vip(2, 6), vip(1, 6)], pair])).toBe('RESOURCE_EXHAUSTED');
    expect(await askAsPeer2(a, [pair, pair])).toBe('INVALID_ARGUMENT');
    expect(await askAsPeer2(a, [])).toBe('INVALID_ARGUMENT');
    expect(await askAsPeer2(a, [pair], [2, 3])).toBe('INVALID_ARGUMENT');
    expect(a.gateway.view()).toMatchObject({
      sessions: [],
      keySlotsUsed: 0,
      refused: { RESOURCE_EXHAUSTED: 1, INVALID_ARGUMENT: 3 },
    });
    expect(await askAsPeer2(a, [pair], [3, 0, 1])).toBe('OK');
  });

  test('packets that wait are bounded over all sessions together', async () => {
    const a = await net.start(1, [2, 3, 4], {
      limits: { missedPacketsTotal: 5, missedPacketsPerSession: 3 },
    });
    for (const to of [2, 3, 4]) net.send(a, to, numbers(3));
    await net.run(10);
    const view = a.gateway.view();
    expect(view.sessions.reduce((sum, { waitingPackets }) => sum + waitingPackets, 0)).toBe(5);
    expect(view.slowPath.overflowed).toBe(4);
  });

  test('a device that loses an entry does not make its packets go round for ever', async () => {
    let swallow = false;
    const a = await net.start(1, [2], {
      wrapHal: (hal) =>
        new Proxy(hal, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target);
            if (name !== 'apply') return typeof value === 'function' ? value.bind(target) : value;
            return async (...[operations]: Parameters<PipeHal['apply']>) => {
              const results = await target.apply(operations);
              for (const [i, result] of results.entries()) {
                const operation = operations[i]!;
                const lost = operation.operation === 'add' && operation.pipe.startsWith('EGR_ACL');
                if (swallow && lost && 'id' in result) {
                  await target.apply([{ operation: 'remove', id: result.id }]);
                }
              }
              return results;
            };
          },
        }),
    });
    await net.start(2, [1]);
    swallow = true;
    net.send(a, 2, [1]);
    await net.run(10_000);
    const { misses, looping } = a.gateway.view().slowPath;
    expect(looping).toBe(1);
    await net.run(10_000);
    expect(a.gateway.view().slowPath.misses).toBe(misses);
  });
});

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

test('a peer of 2.8 does not see what 3.x offers it, asks back, and is spoken to in its own form from then on', async () => {
  const dialects: (string | undefined)[] = [];
  const a = await net.start(1, [2]);
  const b = await net.start(2, [], {
    peers: [{ serviceAddress: a.service, virtualIps: [vip(1), vip(1, 6)], dialect: '2.8' }],
    wrapTransport: (transport) => ({
      ...transport,
      listen: (address, handler, doorkeeper) =>
        transport.listen(
          address,
          (method, octets, caller) => {
            if (method === 'Announce') throw new RpcError('UNIMPLEMENTED', 'no such RPC');
            const { dialect, ...request } = decodeMultiTunnelRequest(octets);
            dialects.push(dialect);
            // To 2.8, field 3 as a number and field 4 are unknown fields.
            const tunnels = request.tunnels.map((tunnel) =>
              dialect === '2.8' ? tunnel : { ...tunnel, reverse: undefined },
            );
            return handler(method, encodeMultiTunnelRequest('2.8', { ...request, tunnels }), caller);
          },
          doorkeeper,
        ),
    }),
  });
  net.send(a, 2, [1]);
  await net.run(50);
  net.send(b, 1, [2]);
  await net.run(50);
  net.send(a, 2, [3], 6);
  await net.run(50);
  net.send(b, 1, [4], 6);
  await net.run(50);
  expect(idsOf(b.workload.takeSent())).toEqual([1, 3]);
  expect(idsOf(a.workload.takeSent())).toEqual([2, 4]);
  expect(dialects).toEqual(['3.x', '2.8']);
  expect(a.gateway.view().peers).toMatchObject([{ dialect: '2.8', failures: 0 }]);
});

test('a peer that goes by an older answer than we think is asked anew before its SPI is closed', async () => {
  const a = await net.start(1, [2]);
  const b = await net.start(2, [1]);
  // Our first request reaches the peer after the second one, which has long been answered.
  let rpcs = 0;
  net.network.fate = () => (rpcs++ === 0 ? { delayMs: 4000 } : { delayMs: 0.5 });
  net.send(a, 2, [0]);
  const sent: number[] = [];
  for (let id = 1; id <= 120; id++) {
    net.send(b, 1, [id]);
    sent.push(id);
    await net.run(500);
  }
  expect(idsOf(a.workload.takeSent())).toEqual(sent);
  await net.run(60_000);
  expect(a.gateway.view()).toMatchObject({ spisRetiring: 0, keySlotsUsed: 1 });
});

test('an SPI that the peer may have taken stays open when the peer says that a session was removed meanwhile', async () => {
  let abort = false;
  const wrapTransport = (transport: ControlTransport): ControlTransport => ({
    ...transport,
    call: async (...args) => {
      const response = await transport.call(...args);
      if (abort) throw new RpcError('ABORTED', 'a session was removed in the meantime; ask again');
      return response;
    },
  });
  const a = await net.start(1, [2], { wrapTransport });
  const b = await net.start(2, [1]);
  net.send(a, 2, [0]);
  await net.run(50);
  abort = true;
  const rekeyed = a.gateway.rekey();
  const sent: number[] = [];
  for (let id = 1; id <= 500; id++) {
    net.send(b, 1, [id]);
    sent.push(id);
    await net.run(1);
    abort &&= b.gateway.view().peers[0]!.spisGiven < 2;
  }
  await net.run(5000);
  await rekeyed;
  expect(idsOf(a.workload.takeSent())).toEqual(sent);
});
