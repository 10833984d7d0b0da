/** Which refusals of peers' requests are counted and told, under which event, and for whom. */
import { expect, test } from 'vitest';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import { RequestRefusals } from '../../../../src/gateway/rpc/request-refusals.js';
import {
  OwnLimitError,
  type RpcCode,
  RpcError,
  type RpcMethod,
} from '../../../../src/gateway/rpc/transport.js';
import { testPeer } from '../../../support/peers.js';

const CALLER = { authenticated: true, names: [], source: undefined, from: '10.0.0.9:4711' };
const NOTHING = new Uint8Array(0);

function open() {
  const events: GatewayEvent[] = [];
  const peer = testPeer(1);
  let known = true;
  const refusals = new RequestRefusals({ peerOf: () => (known ? peer : undefined) }, (event) =>
    events.push(event),
  );
  const refuse = (method: RpcMethod, code: RpcCode) =>
    expect(
      refusals.watched(async () => {
        throw new RpcError(code, 'not yours');
      })(method, NOTHING, CALLER),
    ).rejects.toMatchObject({ code });
  return { events, peer, refusals, refuse, forget: () => (known = false) };
}

const TOLD = ['RESOURCE_EXHAUSTED', 'INVALID_ARGUMENT', 'PERMISSION_DENIED', 'FAILED_PRECONDITION'] as const;

test('requests over a limit, not allowed, malformed, or refused since we drain are counted and told, others are not', async () => {
  const { events, peer, refusals, refuse } = open();
  for (const code of [...TOLD, 'UNAVAILABLE', 'ABORTED', 'INTERNAL', 'UNIMPLEMENTED'] as const)
    await refuse('GetOpState', code);
  expect(events).toEqual(
    TOLD.map((code) => ({
      type: 'request-refused',
      peer: peer.name,
      from: '10.0.0.9:4711',
      method: 'GetOpState',
      code,
      reason: `${code}: not yours`,
    })),
  );
  expect(peer.refused).toEqual({ requests: 4, rotations: 0 });
  expect(refusals).toMatchObject({ requests: 4, rotations: 0 });
});

test('that it is we who have no more of something is told with it', async () => {
  const { events, refusals } = open();
  const handler = refusals.watched(() => Promise.reject(new OwnLimitError('no room')));
  await expect(handler('RequestTunnelParams', NOTHING, CALLER)).rejects.toThrow(
    'RESOURCE_EXHAUSTED: no room',
  );
  expect(events).toMatchObject([{ code: 'RESOURCE_EXHAUSTED', ownLimit: true }]);
});

test('refused rotations are an event of their own, and counted apart as well', async () => {
  const { events, peer, refusals, refuse, forget } = open();
  await refuse('RequestKeyRotation', 'PERMISSION_DENIED');
  await refuse('Announce', 'RESOURCE_EXHAUSTED');
  const told = { from: '10.0.0.9:4711', code: 'PERMISSION_DENIED', reason: 'PERMISSION_DENIED: not yours' };
  expect(events[0]).toEqual({ type: 'rotation-refused', peer: peer.name, ...told });
  expect(peer.refused).toEqual({ requests: 2, rotations: 1 });
  // Nobody knows which of several peers at an address it is: none of them is named.
  forget();
  await refuse('RequestKeyRotation', 'PERMISSION_DENIED');
  expect(events[2]).toEqual({ type: 'rotation-refused', ...told });
  expect(peer.refused).toEqual({ requests: 2, rotations: 1 });
  expect(refusals).toMatchObject({ requests: 3, rotations: 2 });
});

test('an answer goes through as it is, and is not told', async () => {
  const answer = Uint8Array.of(1, 2, 3);
  const { events, refusals } = open();
  expect(await refusals.watched(async () => answer)('Announce', NOTHING, CALLER)).toBe(answer);
  expect([events, refusals.requests]).toEqual([[], 0]);
});
