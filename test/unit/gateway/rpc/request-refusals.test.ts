import { expect, test } from 'vitest';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import { tellingRefusals } from '../../../../src/gateway/rpc/request-refusals.js';
import { type RpcCode, RpcError } from '../../../../src/gateway/rpc/transport.js';

const CALLER = { authenticated: true, names: [], source: undefined, from: '10.0.0.9:4711' };

test('requests that are over a limit, not allowed or malformed are told with their reason, others are not', async () => {
  const events: GatewayEvent[] = [];
  const codes: RpcCode[] = [
    'RESOURCE_EXHAUSTED',
    'UNAVAILABLE',
    'INVALID_ARGUMENT',
    'ABORTED',
    'PERMISSION_DENIED',
  ];
  for (const code of codes) {
    const handler = tellingRefusals(
      async () => {
        throw new RpcError(code, 'not yours');
      },
      (event) => events.push(event),
    );
    await expect(handler('GetOpState', new Uint8Array(0), CALLER)).rejects.toMatchObject({ code });
  }
  expect(events).toEqual(
    (['RESOURCE_EXHAUSTED', 'INVALID_ARGUMENT', 'PERMISSION_DENIED'] as const).map((code) => ({
      type: 'request-refused',
      from: '10.0.0.9:4711',
      method: 'GetOpState',
      code,
      reason: expect.stringContaining('not yours'),
    })),
  );
});

test('an answer goes through as it is, and is not told', async () => {
  const answer = Uint8Array.of(1, 2, 3);
  const handler = tellingRefusals(
    async () => answer,
    () => expect.unreachable(),
  );
  expect(await handler('Announce', new Uint8Array(0), CALLER)).toBe(answer);
});
