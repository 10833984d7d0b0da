import { readdirSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { createThrowAwayAuthority } from '../../../src/gateway/certificates.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../../src/gateway/grpc-transport.js';
import { RpcError, type RpcHandler } from '../../../src/gateway/transport.js';
import type { IpAddress } from '../../../src/packet/address.js';

const A = '127.0.0.1' as IpAddress;
const V6 = '::1' as IpAddress;
const open: GrpcTransport[] = [];
const request = Uint8Array.of(1, 2, 3);
const echo: RpcHandler = async (_method, octets) => octets;
const never: RpcHandler = () => new Promise(() => {});
const options = { deadlineMs: 5000 };

afterEach(async () => {
  for (const transport of open.splice(0).reverse()) await transport.close();
});

function transport(tls?: TlsMaterial): GrpcTransport {
  const created = createGrpcTransport({ messageOctetsMax: 1 << 20, ...(tls === undefined ? {} : { tls }) });
  open.push(created);
  return created;
}

async function newAuthority() {
  const authority = await createThrowAwayAuthority();
  return {
    caPem: authority.caPem,
    issue: async (ip: IpAddress, dnsNames: string[] = []): Promise<TlsMaterial> => ({
      caPem: authority.caPem,
      ...(await authority.issue({ commonName: ip, ips: [ip], dnsNames })),
    }),
  };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof RpcError ? error.code : String(error);
  }
}

describe('TLS', () => {
  test('1.2 is not spoken', async () => {
    const tls = await (await newAuthority()).issue(A);
    const { port } = await transport(tls).listen({ host: A, port: 0 }, echo);
    const attempt = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>((resolve) => {
        const socket = connectTls({
          host: A,
          port,
          ca: tls.caPem,
          cert: tls.certificatePem,
          key: tls.keyPem,
          maxVersion,
          ALPNProtocols: ['h2'],
        });
        const end = (outcome: string) => {
          socket.destroy();
          resolve(outcome);
        };
        socket.once('secureConnect', () => end(socket.getProtocol() ?? 'none'));
        socket.once('error', () => end('refused'));
      });
    expect(await attempt('TLSv1.3')).toBe('TLSv1.3');
    expect(await attempt('TLSv1.2')).toBe('refused');
  });

  test('a client without certificate fails, is counted, and does not disturb the others', async () => {
    const authority = await newAuthority();
    const tls = await authority.issue(A);
    const server = transport(tls);
    const address = await server.listen({ host: A, port: 0 }, echo);
    const anonymous = new Client(
      `${A}:${address.port}`,
      credentials.createSsl(Buffer.from(authority.caPem), null, null, {
        checkServerIdentity: () => undefined,
      }),
      { 'grpc.ssl_target_name_override': 'psp-gateway' },
    );
    const code = await new Promise((resolve) =>
      anonymous.makeUnaryRequest(
        '/psp_gateway.PSP_Gateway/GetOpState',
        (octets: Buffer) => octets,
        (octets: Buffer) => octets,
        Buffer.from(request),
        new Metadata(),
        { deadline: Date.now() + 1500 },
        (error) => resolve(error?.code),
      ),
    );
    anonymous.close();
    expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain(code);
    expect(server.handshakeFailures).toBeGreaterThan(0);
    expect(await codeOf(transport(tls).call(address, 'GetOpState', request, options))).toBe('OK');
  });

  test('IPv6 service addresses are checked as IPv4 ones are', async () => {
    const authority = await newAuthority();
    const good = await authority.issue(V6);
    const address = await transport(good).listen({ host: V6, port: 0 }, echo);
    expect(await codeOf(transport(good).call(address, 'GetOpState', request, options))).toBe('OK');
    const false_ = await transport(await authority.issue('::2' as IpAddress)).listen(
      { host: V6, port: 0 },
      echo,
    );
    expect(await codeOf(transport(good).call(false_, 'GetOpState', request, { deadlineMs: 1000 }))).toBe(
      'UNAVAILABLE',
    );
  });

  test("a server's DNS name that spells an address list does not make it the peer", async () => {
    const authority = await newAuthority();
    const liar = await authority.issue('192.0.2.1' as IpAddress, [`x, IP Address:${A}, y`]);
    const address = await transport(liar).listen({ host: A, port: 0 }, echo);
    const client = transport(await authority.issue(A));
    expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1000 }))).toBe(
      'UNAVAILABLE',
    );
  });

  test('after a reload both ends use the new authority, and the old one is out', async () => {
    const [before, after] = [await newAuthority(), await newAuthority()];
    const server = transport(await before.issue(A));
    const address = await server.listen({ host: A, port: 0 }, echo);
    const old = transport(await before.issue(A));
    const client = transport(await before.issue(A));
    const call = (from: GrpcTransport) =>
      codeOf(from.call(address, 'GetOpState', request, { deadlineMs: 1000 }));
    expect([await call(old), await call(client)]).toEqual(['OK', 'OK']);
    server.reloadTls(await after.issue(A));
    client.reloadTls(await after.issue(A));
    expect(await call(client)).toBe('OK');
    expect(await call(old)).toBe('UNAVAILABLE');
  });

  test('certificates that do not fit their key are refused and change nothing', async () => {
    const authority = await newAuthority();
    const [one, two] = [await authority.issue(A), await authority.issue(A)];
    const server = transport(one);
    const address = await server.listen({ host: A, port: 0 }, echo);
    expect(() => server.reloadTls({ ...one, keyPem: two.keyPem })).toThrow();
    expect(await codeOf(transport(one).call(address, 'GetOpState', request, options))).toBe('OK');
    expect(() => transport().reloadTls(one)).toThrow(/plaintext/);
  });
});

describe('a peer in trouble', () => {
  test('calls under way when the transport closes are CANCELLED, later ones too', async () => {
    const address = await transport().listen({ host: A, port: 0 }, never);
    const client = transport();
    const calls = [1, 2].map(() => codeOf(client.call(address, 'GetOpState', request, options)));
    await client.close();
    expect(await Promise.all(calls)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await codeOf(client.call(address, 'GetOpState', request, options))).toBe('CANCELLED');
  });

  test('a path that swallows everything is left after one deadline, and the next call takes a new one', async () => {
    const server = await transport().listen({ host: A, port: 0 }, echo);
    // A relay: its first connection goes silent after the first call, as if the path had died without a word.
    const sockets: Socket[] = [];
    let silent = false;
    const relay = createServer((inward) => {
      const outward = connect(server.port, A);
      const mine = sockets.length === 0;
      sockets.push(inward, outward);
      inward.on('data', (octets) => (mine && silent ? undefined : outward.write(octets)));
      outward.on('data', (octets) => (mine && silent ? undefined : inward.write(octets)));
      for (const socket of [inward, outward]) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => relay.listen(0, A, resolve));
    const peer = { host: A, port: (relay.address() as { port: number }).port };
    const client = transport();
    try {
      expect(await codeOf(client.call(peer, 'GetOpState', request, options))).toBe('OK');
      silent = true;
      expect(await codeOf(client.call(peer, 'GetOpState', request, { deadlineMs: 200 }))).toBe(
        'DEADLINE_EXCEEDED',
      );
      expect(await codeOf(client.call(peer, 'GetOpState', request, options))).toBe('OK');
    } finally {
      await client.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    }
  });

  test('a connection that never speaks does not hold up closing', async () => {
    for (const tls of [undefined, await (await newAuthority()).issue(A)]) {
      const server = transport(tls);
      const { port } = await server.listen({ host: A, port: 0 }, echo);
      const socket = connect(port, A).resume();
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await server.close();
      await closed;
    }
  });

  test('an RPC that the service does not have is UNIMPLEMENTED, and octets that are no HTTP/2 harm nobody', async () => {
    const address = await transport().listen({ host: A, port: 0 }, echo);
    const session = connectHttp2(`http://${A}:${address.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/psp_gateway.PSP_Gateway/Nonsense',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const grpcStatus = await new Promise((resolve) => {
      stream.on('response', (headers) => resolve(headers['grpc-status']));
      stream.end();
    });
    session.destroy();
    expect(Number(grpcStatus)).toBe(status.UNIMPLEMENTED);
    const garbage = connect(address.port, A).resume();
    const closed = new Promise((resolve) => garbage.once('close', resolve));
    garbage.on('error', () => {});
    garbage.write('GET / HTTP/1.1\r\n\r\n'.repeat(10));
    await closed;
    expect(await codeOf(transport().call(address, 'GetOpState', request, options))).toBe('OK');
  });

  test('nothing is left open after close', async () => {
    const socketsOpen = () => {
      // Descriptors of sockets; elsewhere than on Linux Node's own list has to do.
      try {
        return readdirSync('/proc/self/fd').length;
      } catch {
        return process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name)).length;
      }
    };
    const tls = await (await newAuthority()).issue(A);
    const server = createGrpcTransport({ messageOctetsMax: 1 << 20, tls });
    const before = socketsOpen();
    const address = await server.listen({ host: A, port: 0 }, echo);
    const listening = socketsOpen();
    const clients = [1, 2, 3].map(() => createGrpcTransport({ messageOctetsMax: 1 << 20, tls }));
    for (const client of clients) await client.call(address, 'GetOpState', request, options);
    expect(socketsOpen()).toBeGreaterThan(listening);
    for (const client of clients) await client.close();
    await expect.poll(socketsOpen, { timeout: 5000 }).toBeLessThanOrEqual(listening);
    await server.close();
    await expect.poll(socketsOpen, { timeout: 5000 }).toBeLessThanOrEqual(before);
  });
});
