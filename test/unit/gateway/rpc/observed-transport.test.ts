/** RPCs are told with their side, method, status and time, and pass through as they are. */
import { expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { MemoryNetwork } from '../../../../src/gateway/rpc/memory-transport.js';
import { observedTransport, type RpcEnd } from '../../../../src/gateway/rpc/observed-transport.js';
import type { ControlTransport } from '../../../../src/gateway/rpc/transport.js';
import { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { parseIp } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const A = { host: parseIp('10.0.0.1'), port: 3000 };
const B = { host: parseIp('10.0.0.2'), port: 3000 };
const OPTIONS = { deadlineMs: 1000 };
const DOORKEEPER = { peersAt: () => 1, admit: () => A.host };

function open() {
  const clock = createVirtualClock();
  const network = new MemoryNetwork({ clock, fate: () => ({ delayMs: 5 }) });
  const ends: { client: RpcEnd[]; server: RpcEnd[] } = { client: [], server: [] };
  const client = observedTransport(network.transport(A), clock, (end) => ends.client.push(end));
  const server = observedTransport(network.transport(B), clock, (end) => ends.server.push(end));
  return { clock, client, server, ends };
}

test('an RPC that is answered is told at both ends, each with its own time', async () => {
  const { clock, client, server, ends } = open();
  const echo = async (_: string, request: Uint8Array) => {
    await new Promise<void>((resolve) => clock.setTimer(resolve, 20));
    return request;
  };
  await server.listen(B, echo, DOORKEEPER);
  const answer = client.call(B, 'RequestKeyRotation', Uint8Array.of(7), OPTIONS);
  await clock.advance(100);
  expect([...(await answer)]).toEqual([7]);
  expect(ends.server).toEqual([
    { side: 'server', method: 'RequestKeyRotation', status: 'OK', durationMs: expect.closeTo(20, 6) },
  ]);
  expect(ends.client).toEqual([
    { side: 'client', method: 'RequestKeyRotation', status: 'OK', durationMs: expect.closeTo(30, 6) },
  ]);
});

test('refusals, failures of the service and deadlines are told by their status, and thrown as they are', async () => {
  const { clock, client, server, ends } = open();
  const failures = [new RpcError('PERMISSION_DENIED', 'not you'), new Error('a defect')];
  await server.listen(B, () => Promise.reject(failures.shift()), DOORKEEPER);
  const call = async (peer = B) => {
    const result = client.call(peer, 'Announce', new Uint8Array(), OPTIONS).catch((error) => error.code);
    await clock.advance(2000);
    return result;
  };
  expect(await call()).toBe('PERMISSION_DENIED');
  expect(await call()).toBe('INTERNAL');
  expect(await call({ ...B, port: 1 })).toBe('UNAVAILABLE');
  await client.close();
  expect(await call()).toBe('CANCELLED');
  const statuses = (side: 'client' | 'server') => ends[side].map(({ method, status }) => [method, status]);
  expect(statuses('server')).toEqual([
    ['Announce', 'PERMISSION_DENIED'],
    ['Announce', 'INTERNAL'],
  ]);
  expect(statuses('client').map(([, status]) => status)).toEqual([
    'PERMISSION_DENIED',
    'INTERNAL',
    'UNAVAILABLE',
    'CANCELLED',
  ]);
});

test('whatever else a transport does it does when it is observed: it takes certificates, and tells its service’s refusals', async () => {
  const taken: unknown[] = [];
  const listening: unknown[] = [];
  const inner: ControlTransport = {
    listen: async (address, ...rest) => {
      listening.push(rest.slice(1));
      return address;
    },
    call: async () => new Uint8Array(),
    forget: (peer) => taken.push(['forget', peer]),
    reloadTls: (tls, options) => taken.push([tls, options]),
    doors: () => undefined,
    close: async () => {},
  };
  const observed = observedTransport(inner, createVirtualClock(0), () => {});
  const tls = { caPem: 'a', certificatePem: 'b', keyPem: 'c' };
  observed.reloadTls!(tls, { endConnections: true });
  observed.forget(A);
  expect(taken).toEqual([
    [tls, { endConnections: true }],
    ['forget', A],
  ]);
  const doorkeeper = ANYBODY;
  const observe = () => {};
  await observed.listen(A, async (_, octets) => octets, doorkeeper, observe);
  expect(listening).toEqual([[doorkeeper, observe]]);
});
