import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { MemoryNetwork, type RpcFate } from '../../../../src/gateway/rpc/memory-transport.js';
import { RpcError, type RpcHandler, type ServiceAddress } from '../../../../src/gateway/rpc/transport.js';
import type { IpAddress } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const A: ServiceAddress = { host: '10.0.0.1' as IpAddress, port: 3000 };
const B: ServiceAddress = { host: '10.0.0.2' as IpAddress, port: 3000 };
const request = Uint8Array.of(1, 2, 3);
const options = { deadlineMs: 1000 };
const echo: RpcHandler = async (_method, octets) => octets;

function network() {
  const clock = createVirtualClock();
  const net = new MemoryNetwork({ clock });
  return { clock, net, a: net.transport(A), b: net.transport(B) };
}

/** The outcome of a call and the virtual time at which it came. */
function outcome(call: Promise<Uint8Array>, clock: { nowMs(): number }) {
  return call.then(
    (octets) => ({ atMs: clock.nowMs(), result: [...octets] as unknown }),
    (error: unknown) => ({ atMs: clock.nowMs(), result: (error as RpcError).code as unknown }),
  );
}

test('an RPC takes its delay twice, and the handler sees who calls', async () => {
  const { clock, net, a, b } = network();
  net.fate = () => ({ delayMs: 7 });
  let seen: unknown;
  await b.listen(
    B,
    async (method, octets, caller) => {
      seen = { method, caller, atMs: clock.nowMs() };
      return octets;
    },
    ANYBODY,
  );
  const call = outcome(a.call(B, 'GetOpState', request, options), clock);
  await clock.advance(2000);
  expect(await call).toEqual({ atMs: 14, result: [1, 2, 3] });
  expect(seen).toMatchObject({
    method: 'GetOpState',
    atMs: 7,
    caller: { authenticated: true, names: [{ type: 'ip', value: A.host }], source: A.host },
  });
});

test.each<[string, RpcFate, number]>([
  ['request', { delayMs: 1, lost: 'request' }, 0],
  ['response', { delayMs: 1, lost: 'response' }, 1],
])('a lost %s costs the caller its deadline', async (_, fate, handled) => {
  const { clock, net, a, b } = network();
  net.fate = () => fate;
  let calls = 0;
  await b.listen(
    B,
    async (_method, octets) => {
      calls++;
      return octets;
    },
    ANYBODY,
  );
  const call = outcome(a.call(B, 'GetOpState', request, options), clock);
  await clock.advance(2000);
  expect(await call).toEqual({ atMs: 1000, result: 'DEADLINE_EXCEEDED' });
  expect(calls).toBe(handled);
  expect(clock.pending).toBe(0);
});

test('where nobody serves is UNAVAILABLE; what a handler throws comes through, other errors as INTERNAL', async () => {
  const { clock, a, b } = network();
  const call = async () => {
    const pending = outcome(a.call(B, 'GetOpState', request, options), clock);
    await clock.advance(2000);
    return (await pending).result;
  };
  expect(await call()).toBe('UNAVAILABLE');
  let error: Error = new RpcError('RESOURCE_EXHAUSTED', 'full');
  await b.listen(
    B,
    async () => {
      throw error;
    },
    ANYBODY,
  );
  expect(await call()).toBe('RESOURCE_EXHAUSTED');
  error = new Error('secret');
  expect(await call()).toBe('INTERNAL');
  await b.close();
  expect(await call()).toBe('UNAVAILABLE');
});

test('abort and close end calls under way, and leave no timer of theirs', async () => {
  const { clock, net, a, b } = network();
  net.fate = () => ({ delayMs: 0, lost: 'request' });
  await b.listen(B, echo, ANYBODY);
  const abort = new AbortController();
  const aborted = outcome(a.call(B, 'GetOpState', request, { ...options, signal: abort.signal }), clock);
  const closed = outcome(a.call(B, 'GetOpState', request, options), clock);
  abort.abort();
  expect((await aborted).result).toBe('CANCELLED');
  await a.close();
  expect((await closed).result).toBe('CANCELLED');
  expect(clock.pending).toBe(0);
  expect((await outcome(a.call(B, 'GetOpState', request, options), clock)).result).toBe('CANCELLED');
});

test('hundreds of calls at once are no cause for a warning', async () => {
  const { clock, a, b } = network();
  await b.listen(B, echo, ANYBODY);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const calls = Array.from({ length: 300 }, () =>
      outcome(a.call(B, 'GetOpState', request, options), clock),
    );
    await clock.advance(2000);
    expect((await Promise.all(calls)).every(({ result }) => Array.isArray(result))).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', onWarning);
  }
});

test('caller and handler do not share memory', async () => {
  const { clock, a, b } = network();
  const kept: Uint8Array[] = [];
  await b.listen(
    B,
    async (_method, octets) => {
      kept.push(octets);
      octets.fill(9);
      return octets;
    },
    ANYBODY,
  );
  const own = Uint8Array.of(1, 2, 3);
  const call = a.call(B, 'GetOpState', own, options);
  await clock.advance(2000);
  const response = await call;
  response.fill(0);
  expect([...own]).toEqual([1, 2, 3]);
  expect([...kept[0]!]).toEqual([9, 9, 9]);
});

test('a peer that is forgotten answers none of the calls that are under way to it, and others do', async () => {
  const { clock, net, a, b } = network();
  const C: ServiceAddress = { host: '10.0.0.3' as IpAddress, port: 3000 };
  await b.listen(B, echo, ANYBODY);
  await net.transport(C).listen(C, echo, ANYBODY);
  a.forget(B);
  const calls = [B, B, C].map((to) => outcome(a.call(to, 'GetOpState', request, options), clock));
  a.forget(B);
  await clock.advance(2000);
  const results = (await Promise.all(calls)).map(({ result }) => result);
  expect(results).toEqual(['CANCELLED', 'CANCELLED', [1, 2, 3]]);
  const later = outcome(a.call(B, 'GetOpState', request, options), clock);
  await clock.advance(2000);
  expect((await later).result).toEqual([1, 2, 3]);
});

test('an end of the gateway ends all calls to a peer, and a caller without names has proved none', async () => {
  const { clock, net, b } = network();
  const bare = net.transport(A, []);
  const callers: unknown[] = [];
  await b.listen(
    B,
    async (_method, octets, caller) => {
      callers.push(caller);
      return octets;
    },
    ANYBODY,
  );
  const call = outcome(bare.call(B, 'GetOpState', request, options), clock);
  await clock.advance(2000);
  await call;
  expect(callers).toEqual([{ authenticated: false, names: [], source: A.host, from: '10.0.0.1:3000' }]);
  const both = [0, 1].map(() => outcome(bare.call(B, 'GetOpState', request, options), clock));
  await bare.close();
  expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['CANCELLED', 'CANCELLED']);
});

test('a call that was aborted before is none', async () => {
  const { clock, a, b } = network();
  let calls = 0;
  const handler: RpcHandler = async (_method, octets) => {
    calls++;
    return octets;
  };
  await b.listen(B, handler, ANYBODY);
  const call = outcome(a.call(B, 'GetOpState', request, { ...options, signal: AbortSignal.abort() }), clock);
  await clock.advance(2000);
  expect([(await call).result, calls, clock.pending]).toEqual(['CANCELLED', 0, 0]);
});

test('one serves at an address at a time', async () => {
  const { net, b } = network();
  await b.listen(B, echo, ANYBODY);
  const other = net.transport(B);
  await expect(other.listen(B, echo, ANYBODY)).rejects.toThrow('10.0.0.2:3000 is in use');
  await b.close();
  await expect(other.listen(B, echo, ANYBODY)).resolves.toBe(B);
});
