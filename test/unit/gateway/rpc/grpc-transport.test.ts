import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import { createGrpcTransport, type TlsMaterial } from '../../../../src/gateway/rpc/grpc-transport.js';
import {
  type CallerIdentity,
  type ControlTransport,
  RpcError,
  type RpcHandler,
  type ServiceAddress,
} from '../../../../src/gateway/rpc/transport.js';
import type { IpAddress } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const A = '127.0.0.1' as IpAddress;
const B = '127.0.0.2' as IpAddress;
const OCTETS_MAX = 4096;
const open: ControlTransport[] = [];

afterEach(async () => {
  for (const transport of open.splice(0).reverse()) await transport.close();
});

function transport(tls?: TlsMaterial): ControlTransport {
  const created = createGrpcTransport({
    messageOctetsMax: OCTETS_MAX,
    clock: systemClock,
    ...(tls === undefined ? {} : { tls }),
  });
  open.push(created);
  return created;
}

async function newAuthority() {
  const authority = await createThrowAwayAuthority();
  const { caPem } = authority;
  const issue = async (ips: IpAddress[]): Promise<TlsMaterial> => ({
    caPem,
    ...(await authority.issue({ commonName: ips[0]!, ips })),
  });
  return { caPem, issue };
}

const echo: RpcHandler = async (_method, request) => request;

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof RpcError ? error.code : String(error);
  }
}

const callOptions = { deadlineMs: 5000 };
const request = Uint8Array.of(1, 2, 3);

describe('gRPC over mutual TLS', () => {
  test('bytes go there and back, and the caller is known by its certificate', async () => {
    const authority = await newAuthority();
    let seen: CallerIdentity | undefined;
    const server = transport(await authority.issue([B]));
    const address = await server.listen(
      { host: B, port: 0 },
      async (method, bytes, caller) => {
        seen = caller;
        return Uint8Array.from([...bytes, method.length]);
      },
      ANYBODY,
    );
    const client = transport(await authority.issue([A, 'fd00::1' as IpAddress]));
    const response = await client.call(address, 'RequestTunnelParams', request, callOptions);
    expect([...response]).toEqual([1, 2, 3, 'RequestTunnelParams'.length]);
    expect(seen).toMatchObject({
      authenticated: true,
      names: [
        { type: 'ip', value: A },
        { type: 'ip', value: 'fd00::1' },
      ],
      source: A,
    });
  });

  test('a server under another address than its certificate says is not talked to', async () => {
    const authority = await newAuthority();
    const server = transport(await authority.issue([A]));
    const address = await server.listen({ host: B, port: 0 }, echo, ANYBODY);
    const client = transport(await authority.issue([A]));
    expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1500 }))).toBe(
      'UNAVAILABLE',
    );
  });

  test('a caller of another authority, or without certificate, or in plaintext, does not reach the service', async () => {
    const authority = await newAuthority();
    const other = await newAuthority();
    let calls = 0;
    const server = transport(await authority.issue([B]));
    const address = await server.listen(
      { host: B, port: 0 },
      async (_, bytes) => {
        calls++;
        return bytes;
      },
      ANYBODY,
    );
    const stranger = { ...(await other.issue([A])), caPem: authority.caPem };
    for (const client of [transport(stranger), transport()]) {
      expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1500 }))).not.toBe('OK');
    }
    expect(calls).toBe(0);
  });
});

describe('gRPC in plaintext', () => {
  async function pair(handler: RpcHandler): Promise<{ client: ControlTransport; address: ServiceAddress }> {
    const address = await transport().listen({ host: A, port: 0 }, handler, ANYBODY);
    return { client: transport(), address };
  }

  test('nobody is authenticated', async () => {
    let seen: CallerIdentity | undefined;
    const { client, address } = await pair(async (_, bytes, caller) => {
      seen = caller;
      return bytes;
    });
    await client.call(address, 'GetOpState', request, callOptions);
    expect(seen).toMatchObject({ authenticated: false, names: [], source: A });
  });

  test('a status that the handler throws reaches the caller; anything else is INTERNAL and says nothing', async () => {
    const { client, address } = await pair(async (method) => {
      if (method === 'SetOpState') throw new RpcError('RESOURCE_EXHAUSTED', 'no key slot is left');
      throw new Error('secret detail');
    });
    await expect(client.call(address, 'SetOpState', request, callOptions)).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      details: 'no key slot is left',
    });
    await expect(client.call(address, 'GetOpState', request, callOptions)).rejects.toMatchObject({
      code: 'INTERNAL',
      details: expect.not.stringContaining('secret'),
    });
  });

  test('a request above the limit is refused before the handler sees it', async () => {
    let calls = 0;
    const { address } = await pair(async (_, bytes) => {
      calls++;
      return bytes;
    });
    const generous = createGrpcTransport({ messageOctetsMax: 10 * OCTETS_MAX, clock: systemClock });
    open.push(generous);
    const large = new Uint8Array(OCTETS_MAX + 1);
    expect(await codeOf(generous.call(address, 'GetOpState', large, callOptions))).toBe('RESOURCE_EXHAUSTED');
    expect(calls).toBe(0);
  });

  test('a handler that never answers costs the caller its deadline and no more', async () => {
    const { client, address } = await pair(() => new Promise(() => {}));
    expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 100 }))).toBe(
      'DEADLINE_EXCEEDED',
    );
  });

  test('an abort cancels the call', async () => {
    const { client, address } = await pair(() => new Promise(() => {}));
    const abort = new AbortController();
    const call = client.call(address, 'GetOpState', request, { deadlineMs: 5000, signal: abort.signal });
    abort.abort();
    expect(await codeOf(call)).toBe('CANCELLED');
  });

  test('a peer that is away is UNAVAILABLE, and is reached again once it is back', async () => {
    const first = transport();
    const address = await first.listen({ host: A, port: 0 }, echo, ANYBODY);
    const client = transport();
    await client.call(address, 'GetOpState', request, callOptions);
    await first.close();
    expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1000 }))).toBe(
      'UNAVAILABLE',
    );
    await transport().listen(address, echo, ANYBODY);
    let code = '';
    while (code !== 'OK') {
      await new Promise((resolve) => setTimeout(resolve, 50));
      code = await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1000 }));
    }
    expect(code).toBe('OK');
  });

  test('an address that is taken cannot be listened on', async () => {
    const address = await transport().listen({ host: A, port: 0 }, echo, ANYBODY);
    await expect(transport().listen(address, echo, ANYBODY)).rejects.toThrow(/cannot listen on 127.0.0.1/);
  });
});
