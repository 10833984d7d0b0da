import { readdirSync } from 'node:fs';
import { connect as connectHttp2, createSecureServer as createHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../../src/base/clock.js';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../../../src/gateway/rpc/grpc-transport.js';
import { RpcError, type RpcHandler } from '../../../../src/gateway/rpc/transport.js';
import type { IpAddress } from '../../../../src/packet/address.js';
import { ANYBODY } from '../../../support/doorkeepers.js';

const A = '127.0.0.1' as IpAddress;
const V6 = '::1' as IpAddress;
const open: GrpcTransport[] = [];
const request = Uint8Array.of(1, 2, 3);
const echo: RpcHandler = async (_method, octets) => octets;
const never: RpcHandler = () => new Promise(() => {});
const options = { deadlineMs: 5000 };
const KEEP = { endConnections: false };

afterEach(async () => {
  for (const transport of open.splice(0).reverse()) await transport.close();
});

function transport(tls?: TlsMaterial, clock: Clock = systemClock): GrpcTransport {
  const created = createGrpcTransport({
    messageOctetsMax: 1 << 20,
    clock,
    ...(tls === undefined ? {} : { tls }),
  });
  open.push(created);
  return created;
}

async function newAuthority() {
  const authority = await createThrowAwayAuthority();
  return {
    caPem: authority.caPem,
    issue: async (ip: IpAddress, dnsNames: string[] = [], notAfter?: Date): Promise<TlsMaterial> => ({
      caPem: authority.caPem,
      ...(await authority.issue({
        commonName: ip,
        ips: [ip],
        dnsNames,
        ...(notAfter === undefined ? {} : { notAfter }),
      })),
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
    const { port } = await transport(tls).listen({ host: A, port: 0 }, echo, ANYBODY);
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
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
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
    expect(server.doors()!.untrusted).toBeGreaterThan(0);
    expect(await codeOf(transport(tls).call(address, 'GetOpState', request, options))).toBe('OK');
  });

  test('IPv6 service addresses are checked as IPv4 ones are', async () => {
    const authority = await newAuthority();
    const good = await authority.issue(V6);
    const address = await transport(good).listen({ host: V6, port: 0 }, echo, ANYBODY);
    expect(await codeOf(transport(good).call(address, 'GetOpState', request, options))).toBe('OK');
    const false_ = await transport(await authority.issue('::2' as IpAddress)).listen(
      { host: V6, port: 0 },
      echo,
      ANYBODY,
    );
    expect(await codeOf(transport(good).call(false_, 'GetOpState', request, { deadlineMs: 1000 }))).toBe(
      'UNAVAILABLE',
    );
  });

  test("a server's DNS name that spells an address list does not make it the peer", async () => {
    const authority = await newAuthority();
    const liar = await authority.issue('192.0.2.1' as IpAddress, [`x, IP Address:${A}, y`]);
    const address = await transport(liar).listen({ host: A, port: 0 }, echo, ANYBODY);
    const client = transport(await authority.issue(A));
    expect(await codeOf(client.call(address, 'GetOpState', request, { deadlineMs: 1000 }))).toBe(
      'UNAVAILABLE',
    );
  });

  test('after a reload both ends use the new authority, and the old one is out', async () => {
    const [before, after] = [await newAuthority(), await newAuthority()];
    const server = transport(await before.issue(A));
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    const old = transport(await before.issue(A));
    const client = transport(await before.issue(A));
    const call = (from: GrpcTransport) =>
      codeOf(from.call(address, 'GetOpState', request, { deadlineMs: 1000 }));
    expect([await call(old), await call(client)]).toEqual(['OK', 'OK']);
    server.reloadTls(await after.issue(A), { endConnections: true });
    client.reloadTls(await after.issue(A), { endConnections: true });
    expect(await call(client)).toBe('OK');
    expect(await call(old)).toBe('UNAVAILABLE');
  });

  test('a peer with identities is believed by these, and not by its address', async () => {
    const authority = await createThrowAwayAuthority();
    const named = async (ips: IpAddress[], uris: string[]) => ({
      caPem: authority.caPem,
      ...(await authority.issue({ commonName: 'x', ips, uris })),
    });
    const id = 'spiffe://example.org/gateway/1';
    const client = createGrpcTransport({
      messageOctetsMax: 1 << 20,
      clock: systemClock,
      tls: await named([A], []),
      identitiesOf: () => [{ type: 'uri', value: id }],
    });
    open.push(client);
    const outcomes: string[] = [];
    for (const tls of [await named([], [id]), await named([A], []), await named([A], [`${id}0`])]) {
      const address = await transport(tls).listen({ host: A, port: 0 }, echo, ANYBODY);
      outcomes.push(await codeOf(client.call(address, 'GetOpState', request, options)));
    }
    expect(outcomes).toEqual(['OK', 'UNAVAILABLE', 'UNAVAILABLE']);
  });

  test('after a reload that takes no authority away connections stay, and new ones have the new certificate', async () => {
    const authority = await newAuthority();
    const server = transport(await authority.issue(A));
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    const client = transport(await authority.issue(A));
    const call = () => codeOf(client.call(address, 'GetOpState', request, options));
    expect(await call()).toBe('OK');
    const other = await newAuthority();
    const renewed = await authority.issue(A, ['renewed']);
    server.reloadTls({ ...renewed, caPem: authority.caPem + other.caPem }, KEEP);
    client.reloadTls(await authority.issue(A), KEEP);
    expect(await call()).toBe('OK');
    expect(server.doors()).toMatchObject({ accepted: 1, connections: 1 });
    const shown = await new Promise<string>((resolve, reject) => {
      const socket = connectTls({
        host: A,
        port: address.port,
        ca: authority.caPem,
        cert: renewed.certificatePem,
        key: renewed.keyPem,
        ALPNProtocols: ['h2'],
      });
      socket.once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()!.subjectAltName!);
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(shown).toContain('DNS:renewed');
    // Peers of the added authority get in as well.
    const newcomer = transport({ ...(await other.issue(A)), caPem: authority.caPem + other.caPem });
    expect(await codeOf(newcomer.call(address, 'GetOpState', request, options))).toBe('OK');
  });

  test('who is connecting when an authority is taken away does not get in by it', async () => {
    const [before, after] = [await newAuthority(), await newAuthority()];
    const both = { caPem: before.caPem + after.caPem };
    const server = transport(await before.issue(A));
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    // A relay that holds back what the caller sends after its first octets: its certificate.
    const held: (() => void)[] = [];
    let holding = true;
    const sockets: Socket[] = [];
    const relay = createServer((inward) => {
      const outward = connect(address.port, A);
      sockets.push(inward, outward);
      let chunks = 0;
      inward.on('data', (octets) => {
        const pass = () => outward.write(octets);
        if (holding && chunks++ > 0) held.push(pass);
        else pass();
      });
      outward.on('data', (octets) => inward.write(octets));
      outward.on('close', () => inward.destroy());
      for (const socket of sockets) socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => relay.listen(0, A, resolve));
    const peer = { host: A, port: (relay.address() as AddressInfo).port };
    const old = transport(await before.issue(A));
    try {
      const call = codeOf(old.call(peer, 'GetOpState', request, options));
      await until(() => held.length > 0);
      server.reloadTls({ ...(await after.issue(A)), ...both, caPem: after.caPem }, { endConnections: true });
      holding = false;
      for (const pass of held) pass();
      expect(await call).toBe('UNAVAILABLE');
      expect(server.doors()).toMatchObject({ requests: 0, connections: 0 });
    } finally {
      await old.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    }
  });

  test('a call to a server whose authority is taken away while it connects is not made', async () => {
    const [before, after] = [await newAuthority(), await newAuthority()];
    let requests = 0;
    const server = transport(await before.issue(A));
    const address = await server.listen(
      { host: A, port: 0 },
      async (_method, octets) => {
        requests++;
        return octets;
      },
      ANYBODY,
    );
    const client = transport(await before.issue(A));
    const renewed = await after.issue(A);
    const call = codeOf(client.call(address, 'GetOpState', request, options));
    client.reloadTls(renewed, { endConnections: true });
    expect(await call).toBe('UNAVAILABLE');
    expect(requests).toBe(0);
  });

  test('certificates that do not fit their key are refused and change nothing', async () => {
    const authority = await newAuthority();
    const [one, two] = [await authority.issue(A), await authority.issue(A)];
    const server = transport(one);
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    expect(() => server.reloadTls({ ...one, keyPem: two.keyPem }, KEEP)).toThrow();
    expect(await codeOf(transport(one).call(address, 'GetOpState', request, options))).toBe('OK');
    expect(() => transport().reloadTls(one, KEEP)).toThrow(/plaintext/);
  });
});

describe('a certificate that has ended', () => {
  const LIFE_MS = 300_000;
  /** A whole second, as in certificates. */
  const endMs = () => Math.ceil(Date.now() / 1000) * 1000 + LIFE_MS;

  test('does not live on in sessions that are resumed, before a reload or after it', async () => {
    const { issue } = await newAuthority();
    const tls = await issue(A);
    const server = transport(tls);
    const { port } = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    /** Connects, and resolves with what the server gave for the next time, which comes before HTTP/2's first frame. */
    const connectAs = (session?: Buffer) =>
      new Promise<{ reused: boolean; session: Buffer | undefined }>((resolve, reject) => {
        let given: Buffer | undefined;
        const socket = connectTls({
          host: A,
          port,
          ca: tls.caPem,
          cert: tls.certificatePem,
          key: tls.keyPem,
          ALPNProtocols: ['h2'],
          ...(session === undefined ? {} : { session }),
        });
        socket.on('session', (one: Buffer) => {
          given = one;
        });
        socket.once('error', reject);
        socket.once('data', () => {
          resolve({ reused: socket.isSessionReused(), session: given ?? socket.getSession() });
          socket.destroy();
        });
      });
    const first = await connectAs();
    expect(first.session).toBeDefined();
    expect((await connectAs(first.session)).reused).toBe(false);
    server.reloadTls(tls, { endConnections: true });
    const second = await connectAs(first.session);
    expect(second.reused).toBe(false);
    expect((await connectAs(second.session)).reused).toBe(false);
  });

  test('is not resumed by our own calls, whatever the server offers', async () => {
    const tls = await (await newAuthority()).issue(A);
    const resumed: boolean[] = [];
    const server = createHttp2({
      ca: tls.caPem,
      cert: tls.certificatePem,
      key: tls.keyPem,
      requestCert: true,
    });
    server.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()));
    server.on('stream', (stream) => stream.respond({ ':status': 404 }, { endStream: true }));
    await new Promise<void>((resolve) => server.listen(0, A, resolve));
    const address = { host: A, port: (server.address() as AddressInfo).port };
    const client = transport(tls);
    for (let calls = 0; calls < 2; calls++) {
      expect(await codeOf(client.call(address, 'GetOpState', request, options))).toBe('UNKNOWN');
      client.forget(address);
    }
    expect(resumed).toEqual([false, false]);
    await new Promise((resolve) => server.close(resolve));
  });

  test('of a caller ends its connection', async () => {
    const { issue } = await newAuthority();
    const end = endMs();
    const clock = createVirtualClock(Date.now());
    const server = transport(await issue(A), clock);
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    const caller = transport(await issue(A, [], new Date(end)));
    const call = () => codeOf(caller.call(address, 'GetOpState', request, options));
    expect(await call()).toBe('OK');
    await clock.advance(end - 1 - clock.nowMs());
    expect(await call()).toBe('OK');
    expect(server.doors()).toMatchObject({ connections: 1, accepted: 1 });
    await clock.advance(1);
    await expect.poll(() => server.doors()!.connections, { interval: 1, timeout: 20_000 }).toBe(0);
    expect(server.doors()).toMatchObject({ accepted: 1, idleClosed: 0, requests: 2 });
  });

  test('of our own ends the connections that were made with it, as server and as caller, and not those made after', async () => {
    const { issue } = await newAuthority();
    const end = endMs();
    const clocks = [createVirtualClock(Date.now()), createVirtualClock(Date.now())] as const;
    const old = () => issue(A, [], new Date(end));
    const server = transport(await old(), clocks[0]);
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    // A peer that does not look at the end of our certificate, because its own clock stands still.
    const peer = transport(await issue(A), createVirtualClock(Date.now()));
    const call = (from: GrpcTransport) => codeOf(from.call(address, 'GetOpState', request, options));
    expect(await call(peer)).toBe('OK');
    server.reloadTls(await issue(A), KEEP);
    const later = transport(await issue(A), createVirtualClock(Date.now()));
    expect(await call(later)).toBe('OK');
    expect(server.doors()!.connections).toBe(2);
    await clocks[0].advance(end - clocks[0].nowMs());
    await expect.poll(() => server.doors()!.connections, { interval: 1, timeout: 20_000 }).toBe(1);
    expect(await call(later)).toBe('OK');
    expect(server.doors()!.accepted).toBe(2);

    const still = transport(await issue(A), createVirtualClock(Date.now()));
    const other = await still.listen({ host: A, port: 0 }, echo, ANYBODY);
    const caller = transport(await old(), clocks[1]);
    expect(await codeOf(caller.call(other, 'GetOpState', request, options))).toBe('OK');
    caller.reloadTls(await issue(A), KEEP);
    await clocks[1].advance(end - clocks[1].nowMs());
    await expect.poll(() => still.doors()!.connections, { interval: 1, timeout: 20_000 }).toBe(0);
    expect(await codeOf(caller.call(other, 'GetOpState', request, options))).toBe('OK');
    expect(still.doors()!.accepted).toBe(2);
  });

  test('of a server ends the connection when the calls under way have their answers', async () => {
    const { issue } = await newAuthority();
    const end = endMs();
    const answers: (() => void)[] = [];
    const server = transport(await issue(A, [], new Date(end)));
    const late: RpcHandler = (_method, octets) =>
      new Promise((resolve) => answers.push(() => resolve(octets)));
    const address = await server.listen({ host: A, port: 0 }, late, ANYBODY);
    const clock = createVirtualClock(Date.now());
    const caller = transport(await issue(A), clock);
    const call = () => codeOf(caller.call(address, 'GetOpState', request, { deadlineMs: 2 * LIFE_MS }));
    const answered = async (count: number) => {
      await expect.poll(() => answers.length, { interval: 1, timeout: 20_000 }).toBe(count);
      answers.at(-1)!();
    };
    const first = call();
    await answered(1);
    expect(await first).toBe('OK');
    await clock.advance(end - 1 - clock.nowMs());
    const second = call();
    await expect.poll(() => answers.length, { interval: 1, timeout: 20_000 }).toBe(2);
    expect(server.doors()).toMatchObject({ connections: 1, accepted: 1 });
    await clock.advance(1);
    await answered(2);
    expect(await second).toBe('OK');
    await expect.poll(() => server.doors()!.connections, { interval: 1, timeout: 20_000 }).toBe(0);
    expect(server.doors()!.accepted).toBe(1);
  });
});

describe('a peer in trouble', () => {
  test('calls under way when the transport closes are CANCELLED, later ones too', async () => {
    const address = await transport().listen({ host: A, port: 0 }, never, ANYBODY);
    const client = transport();
    const calls = [1, 2].map(() => codeOf(client.call(address, 'GetOpState', request, options)));
    await client.close();
    expect(await Promise.all(calls)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await codeOf(client.call(address, 'GetOpState', request, options))).toBe('CANCELLED');
  });

  test('a path that swallows everything is left after one deadline, and the next call takes a new one', async () => {
    const server = await transport().listen({ host: A, port: 0 }, echo, ANYBODY);
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
      const { port } = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
      const socket = connect(port, A).resume();
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      await server.close();
      await closed;
    }
  });

  test('an RPC that the service does not have is UNIMPLEMENTED, and octets that are no HTTP/2 harm nobody', async () => {
    const address = await transport().listen({ host: A, port: 0 }, echo, ANYBODY);
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
    const server = createGrpcTransport({ messageOctetsMax: 1 << 20, clock: systemClock, tls });
    const before = socketsOpen();
    const address = await server.listen({ host: A, port: 0 }, echo, ANYBODY);
    const listening = socketsOpen();
    const clients = [1, 2, 3].map(() =>
      createGrpcTransport({ messageOctetsMax: 1 << 20, clock: systemClock, tls }),
    );
    for (const client of clients) await client.call(address, 'GetOpState', request, options);
    expect(socketsOpen()).toBeGreaterThan(listening);
    for (const client of clients) await client.close();
    await expect.poll(socketsOpen, { timeout: 5000 }).toBeLessThanOrEqual(listening);
    await server.close();
    await expect.poll(socketsOpen, { timeout: 5000 }).toBeLessThanOrEqual(before);
  });
});

describe('a peer that has started anew', () => {
  test('is called over a new connection, and calls that its former life was to answer end at once', async () => {
    const sockets: Socket[] = [];
    // It takes connections, and says nothing.
    const silent = createServer((socket) => sockets.push(socket.on('error', () => {}).resume()));
    await new Promise<void>((resolve) => silent.listen(0, A, resolve));
    const { port } = silent.address() as { port: number };
    const caller = transport();
    const peer = { host: A, port };
    const waiting = codeOf(caller.call(peer, 'RequestTunnelParams', request, options));
    await until(() => sockets.length === 1);
    caller.forget(peer);
    expect(await waiting).toBe('CANCELLED');
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded);
    const again = codeOf(caller.call(peer, 'RequestTunnelParams', request, options));
    await until(() => sockets.length === 2);
    caller.forget(peer);
    expect(await again).toBe('CANCELLED');
    // One that there is no connection to is nothing to forget.
    caller.forget(peer);
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  test('a refused connection is tried once for each call, and not on and on', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, A, resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const caller = transport();
    expect(await codeOf(caller.call({ host: A, port }, 'Announce', request, options))).toBe('UNAVAILABLE');
    let connections = 0;
    const later = createServer((socket) => {
      connections++;
      socket.on('error', () => {}).destroy();
    });
    await new Promise<void>((resolve) => later.listen(port, A, resolve));
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(connections).toBe(0);
    await new Promise((resolve) => later.close(resolve));
  });
});

/** Resolves when something holds, which takes a few turns of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}
