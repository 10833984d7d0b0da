import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import type {
  ControlTransport,
  Doorkeeper,
  RpcHandler,
  ServiceAddress,
} from '../../../../src/gateway/rpc/transport.js';
import type { OobPlan } from '../../../../src/topology/model.js';
import { Oob } from '../../../../src/topology/oob.js';
import { impairedTransport } from '../../../../src/topology/real-time/impaired-transport.js';
import { ANYBODY } from '../../../support/doorkeepers.js';
import { gatewayPlan, serviceOf } from '../../../support/topologies.js';

const DEADLINE_MS = 1_000;

/** h1's transport over one that answers after 5 ms with what it was asked, and notes its calls. */
function build(plan: Partial<OobPlan> = {}) {
  const clock = createVirtualClock(0);
  const oob = new Oob(clock, seededRandom(1), { delayMs: 30, jitterMs: 0, lossRatio: 0, ...plan });
  oob.register({ name: 'h2', serviceAddress: serviceOf(2) });
  const calls: { atMs: number; peer: ServiceAddress; method: string; deadlineMs: number }[] = [];
  const seen: unknown[] = [];
  const under: ControlTransport = {
    listen: async (address: ServiceAddress, handler: RpcHandler, doorkeeper: Doorkeeper) => {
      seen.push(['listen', address, handler, doorkeeper]);
      return address;
    },
    forget: (peer) => void seen.push(['forget', peer]),
    close: async () => void seen.push('close'),
    call: (peer, method, request, { deadlineMs }) => {
      calls.push({ atMs: clock.nowMs(), peer, method, deadlineMs });
      if (request[0] === 13) return Promise.reject(new Error('refused'));
      return new Promise((resolve) => clock.setTimer(() => resolve(request), 5));
    },
  };
  const transport = impairedTransport(under, gatewayPlan(1, 2), oob, clock);
  const call = (first = 1, signal?: AbortSignal) => {
    const startMs = clock.nowMs();
    const options = { deadlineMs: DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
    return transport.call(serviceOf(2), 'RequestTunnelParams' as never, Uint8Array.of(first), options).then(
      (answer) => ({ afterMs: clock.nowMs() - startMs, answer: answer[0] }),
      (error: Error & { code?: string }) => ({ afterMs: clock.nowMs() - startMs, error: error.message }),
    );
  };
  return { clock, oob, calls, seen, transport, call };
}

test('a call takes the delay of the OOB network there and back, besides its own time', async () => {
  const { clock, calls, call } = build();
  const answer = call(7);
  await clock.advance(DEADLINE_MS);
  expect(await answer).toEqual({ afterMs: 30 + 5 + 30, answer: 7 });
  // What is left of its time is the call's.
  const [one] = calls;
  expect(one).toEqual({ atMs: 30, peer: serviceOf(2), method: 'RequestTunnelParams', deadlineMs: 970 });
});

test('without a delay it goes at once', async () => {
  const { clock, calls, call } = build({ delayMs: 0 });
  const answer = call();
  expect(calls).toHaveLength(1);
  await clock.advance(5);
  expect(await answer).toEqual({ afterMs: 5, answer: 1 });
});

test('an error of the call is the caller’s, after the way there', async () => {
  const { clock, call } = build();
  const answer = call(13);
  await clock.advance(DEADLINE_MS);
  expect(await answer).toEqual({ afterMs: 30, error: 'refused' });
});

describe('what is lost runs into the deadline of the call', () => {
  const LATE = { afterMs: DEADLINE_MS, error: expect.stringMatching(/DEADLINE_EXCEEDED.*1000 ms/) };

  test('a request: the peer never sees it', async () => {
    const { clock, calls, call } = build({ lossRatio: 1 });
    const answer = call();
    await clock.advance(2 * DEADLINE_MS);
    expect(await answer).toEqual(LATE);
    expect(calls).toEqual([]);
  });

  test('an answer: the peer has done its work, and the caller does not know', async () => {
    const { clock, calls, call, oob } = build();
    oob.fate = () => ({ delayMs: 30, lost: 'response' });
    const answer = call();
    await clock.advance(2 * DEADLINE_MS);
    expect(await answer).toEqual(LATE);
    expect(calls).toHaveLength(1);
  });

  test('a call across a partition, until it heals', async () => {
    const { clock, calls, call, oob } = build();
    oob.partition([['h1'], ['h2']]);
    const answer = call();
    await clock.advance(2 * DEADLINE_MS);
    expect(await answer).toEqual(LATE);
    expect(calls).toEqual([]);
    oob.heal();
    const next = call();
    await clock.advance(DEADLINE_MS);
    expect(await next).toMatchObject({ answer: 1 });
  });

  test('as does what takes too long, on its way there or back', async () => {
    for (const [delayMs, begun] of [
      [1_500, 0],
      [1_000, 0],
      [600, 1],
      [498, 1],
    ] as const) {
      const { clock, calls, call } = build({ delayMs });
      const answer = call();
      await clock.advance(10 * DEADLINE_MS);
      expect(await answer).toEqual(LATE);
      expect(calls).toHaveLength(begun);
    }
  });

  test('or is cancelled with the caller’s signal, at once', async () => {
    for (const fate of [
      { delayMs: 30, lost: 'request' },
      { delayMs: 30, lost: 'response' },
      { delayMs: 200 },
      { delayMs: 80 },
    ] as const) {
      const { clock, call, oob } = build();
      oob.fate = () => fate;
      const stop = new AbortController();
      const answer = call(1, stop.signal);
      await clock.advance(100);
      stop.abort();
      await clock.advance(0);
      expect(await answer).toEqual({ afterMs: 100, error: expect.stringMatching(/CANCELLED/) });
    }
  });
});

test('closing cancels calls that wait, and later ones', async () => {
  const { clock, transport, calls, call } = build({ lossRatio: 1 });
  const answer = call();
  await clock.advance(100);
  await transport.close();
  await clock.advance(0);
  expect(await answer).toEqual({ afterMs: 100, error: expect.stringMatching(/CANCELLED/) });
  expect(await call()).toEqual({ afterMs: 0, error: expect.stringMatching(/CANCELLED/) });
  expect(calls).toEqual([]);
  expect(clock.pending).toBe(0);
});

test('serving and closing are those of the transport itself', async () => {
  const { seen, transport } = build();
  const handler: RpcHandler = async () => new Uint8Array(0);
  expect(await transport.listen(serviceOf(1), handler, ANYBODY)).toEqual(serviceOf(1));
  await transport.close();
  expect(seen).toEqual([['listen', serviceOf(1), handler, ANYBODY], 'close']);
});
