/**
 * The tunnel service's doors with real sockets at their limits: what is asserted is counted, and time passes on a
 * clock in the test's hands.
 */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { BURST_S, DOOR_LIMITS, type DoorLimits } from '../../../../src/gateway/doors/door-limits.js';
import {
  DOOR_REFUSAL_TEXTS,
  type DoorRefusal,
  type DoorView,
  type ToldOneByOne,
} from '../../../../src/gateway/doors/door-view.js';
import type { Refusal } from '../../../../src/gateway/doors/doors.js';
import { QUIET_MS } from '../../../../src/gateway/doors/refusal-log.js';
import type { CallerRefusal, GatewayEvent, GatewayObserver } from '../../../../src/gateway/events.js';
import type { LogFields, Logger } from '../../../../src/gateway/log.js';
import {
  createThrowAwayAuthority,
  type ThrowAwayAuthority,
} from '../../../../src/gateway/rpc/certificates.js';
import { CONCURRENT_STREAMS_MAX } from '../../../../src/gateway/rpc/grpc-server.js';
import {
  createGrpcTransport,
  type GrpcTransport,
  type TlsMaterial,
} from '../../../../src/gateway/rpc/grpc-transport.js';
import {
  type CertificateName,
  type Doorkeeper,
  RpcError,
  type RpcHandler,
} from '../../../../src/gateway/rpc/transport.js';
import { type IpAddress, parseIp } from '../../../../src/packet/address.js';
import { askingPeer, CONNECTIONS_AT_ONCE } from '../../../support/asking-peer.js';
import { peersAt } from '../../../support/doorkeepers.js';
import { TEST_BUDGETS } from '../../../support/peers.js';
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  FLOODS,
  frame,
  GRPC_HEADERS,
  HEADERS,
  HELLO,
  headerBlock,
  INITIAL_WINDOW_SIZE,
  openStream,
  PING,
  PREFACE,
  parseFrames,
  prefix,
  type RawClient,
  type RawFrame,
  type RawOptions,
  RST_STREAM,
  rawClient,
  SETTINGS,
  settingOf,
  WINDOW_UPDATE,
} from '../../../support/raw-http2.js';

const SERVER = parseIp('127.0.0.1');
const PEER = parseIp('127.0.0.9');
const MESSAGE_OCTETS = 4 << 20;
/** Takes the request on stream 1 back with NO_ERROR, after which what came of it is still read. */
const TAKE_BACK = frame(RST_STREAM, 0, 1, Buffer.alloc(4));
const echo: RpcHandler = async (_method, octets) => octets;

let authority: ThrowAwayAuthority;
/** Of the server, of the peer, and of somebody whom the authority knows and no gateway. */
let server: TlsMaterial;
let peer: TlsMaterial;
let nobody: TlsMaterial;
/** What another authority says that the peer is. */
let forged: TlsMaterial;

beforeAll(async () => {
  authority = await createThrowAwayAuthority();
  const issue = async (ip: IpAddress) => ({
    caPem: authority.caPem,
    ...(await authority.issue({ commonName: PEER, ips: [ip], dnsNames: [PEER] })),
  });
  const other = await createThrowAwayAuthority();
  forged = { caPem: authority.caPem, ...(await other.issue({ commonName: PEER, ips: [PEER] })) };
  [server, peer, nobody] = [await issue(SERVER), await issue(PEER), await issue(parseIp('127.0.0.66'))];
});

const open: GrpcTransport[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const transport of open.splice(0).reverse()) await transport.close();
});

interface Setup {
  readonly tls?: boolean;
  readonly limits?: Partial<DoorLimits>;
  readonly handler?: RpcHandler;
  readonly doorkeeper?: Doorkeeper;
  readonly logger?: Logger;
  readonly observe?: GatewayObserver;
}

async function serve({
  tls = true,
  limits = {},
  handler = echo,
  doorkeeper = peersAt(PEER),
  logger,
  observe,
}: Setup = {}) {
  const clock = createVirtualClock(0);
  const transport = createGrpcTransport({
    ...(tls ? { tls: server } : {}),
    messageOctetsMax: MESSAGE_OCTETS,
    clock,
    limits,
    ...(logger === undefined ? {} : { logger }),
  });
  open.push(transport);
  const address = await transport.listen({ host: SERVER, port: 0 }, handler, doorkeeper, observe);
  const view = (): DoorView => transport.doors()!;
  return {
    clock,
    transport,
    address,
    view,
    /** Resolves when the count is there; it does not pass it by. */
    seen: (what: (view: DoorView) => number, count: number) =>
      expect.poll(() => what(view()), { timeout: 20_000, interval: 2 }).toBe(count),
    raw: async (options: Omit<RawOptions, 'port'> = {}): Promise<RawClient> => {
      const client = await rawClient({ port: address.port, ...options });
      sockets.push(client.socket);
      return client;
    },
    /** Connects and says nothing. */
    hold: (from: string, count: number) => {
      for (let i = 0; i < count; i++) {
        const socket = connect({ host: SERVER, port: address.port, localAddress: from });
        socket.on('error', () => {});
        sockets.push(socket);
      }
    },
    /** A gateway's own client, which comes from `from`. */
    client: async (material: TlsMaterial | undefined, from: IpAddress = PEER) => {
      const caller = createGrpcTransport({
        ...(material === undefined ? {} : { tls: material }),
        messageOctetsMax: MESSAGE_OCTETS,
        clock: createVirtualClock(0),
      });
      open.push(caller);
      await caller.listen({ host: from, port: 0 }, echo, peersAt());
      return caller;
    },
    call: (caller: GrpcTransport) =>
      codeOf(caller.call(address, 'GetOpState', Uint8Array.of(1), { deadlineMs: 60_000 })),
  };
}

/** Gives the frames that a connection has brought so far; it must not be read by anybody else. */
function framesOf({ socket }: RawClient): () => RawFrame[] {
  const received: Buffer[] = [];
  socket.on('data', (octets: Buffer) => received.push(octets));
  return () => parseFrames(Buffer.concat(received));
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof RpcError ? `${error.code}: ${error.details}` : String(error);
  }
}

describe('half-open connections', () => {
  test.each([true, false])('are destroyed at the time-out, counted, and make room (TLS: %s)', async (tls) => {
    // Without TLS it is the peers who come in at all beyond a refusal; they too must begin HTTP/2 in time.
    const { clock, view, seen, raw } = await serve({
      tls,
      limits: { openingsPerPeer: 3, connectionsPerPeer: 3 },
    });
    const held = [];
    for (let i = 0; i < 3; i++) held.push(await rawClientWithoutTls(raw, PEER));
    await seen((now) => now.connections, 3);
    if (tls) {
      const fourth = await rawClientWithoutTls(raw, PEER);
      await fourth.closed;
      expect(view().refused.peer).toBe(1);
    }
    await clock.advance(DOOR_LIMITS.openingMs - 1);
    expect(view()).toMatchObject({ connections: 3, openingTimeouts: 0 });
    await clock.advance(1);
    for (const { closed } of held) await closed;
    await seen((now) => now.connections, 0);
    expect(view().openingTimeouts).toBe(3);
    expect(clock.pending).toBe(0);
  });

  test.each<[string, Buffer]>([
    ['says nothing after TLS', Buffer.alloc(0)],
    ['sends half of HTTP/2’s preface', PREFACE.subarray(0, 10)],
    ['sends its preface and no settings', PREFACE],
  ])('a peer that %s is cut off at the time-out', async (_, octets) => {
    const { clock, view, seen, raw } = await serve();
    const client = await raw({ from: PEER, tls: peer });
    await client.send(octets);
    await seen((now) => now.connections, 1);
    await clock.advance(DOOR_LIMITS.openingMs);
    await client.closed;
    expect(view().openingTimeouts).toBe(1);
  });

  test('a stranger that has been let through TLS and asks nothing is gone at the time-out, idle or not', async () => {
    const { clock, view, seen, raw } = await serve();
    const client = await raw({ from: '127.0.0.66', tls: nobody });
    await client.send(HELLO);
    await seen((now) => now.notPeers, 1);
    expect(view().strangers).toBe(1);
    await clock.advance(DOOR_LIMITS.openingMs);
    await client.closed;
    await seen((now) => now.strangers, 0);
  });

  test('a handshake in single octets costs its time and no more', async () => {
    const { clock, raw, seen } = await serve();
    const client = await rawClientWithoutTls(raw, '127.0.0.50');
    await seen((now) => now.strangers, 1);
    // The first octets of a record that would be 16 KiB.
    for (const octet of [0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc]) await client.send(Uint8Array.of(octet));
    await clock.advance(DOOR_LIMITS.openingMs);
    await client.closed;
    await seen((now) => now.strangers, 0);
  });

  test('rubbish instead of a handshake is counted and closed', async () => {
    const { raw, seen, clock } = await serve();
    const client = await rawClientWithoutTls(raw, '127.0.0.50');
    await client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await client.closed;
    await seen((now) => now.handshakeFailures, 1);
    await seen((now) => now.connections, 0);
    expect(clock.pending).toBe(0);
  });

  /** A connection on which no TLS is begun, whatever the server expects. */
  function rawClientWithoutTls(raw: (options: Omit<RawOptions, 'port'>) => Promise<RawClient>, from: string) {
    return raw({ from });
  }
});

describe('while strangers hold and try all that they can', () => {
  const SOURCES = 40;
  const TRIES = 2000;

  test('what is over a limit is closed before TLS, and a peer connects', async () => {
    const limits = {
      strangers: 64,
      strangersPerSource: 4,
      strangersPerSecond: 1000,
      strangersPerSourcePerSecond: 100,
    };
    const { view, seen, hold, client, call } = await serve({ limits });
    for (let i = 0; i < TRIES; i++) hold(`127.0.1.${1 + (i % SOURCES)}`, 1);
    await seen((now) => now.accepted, TRIES);
    const { strangers, refused, handshakeFailures } = view();
    expect(strangers).toBe(64);
    // Each of them found the whole full, or its own source.
    expect(refused.strangers + refused.source + refused.rate).toBe(TRIES - 64);
    expect(handshakeFailures).toBe(0);
    const caller = await client(peer);
    const calls = await Promise.all(Array.from({ length: 37 }, () => call(caller)));
    expect(calls).toEqual(Array(37).fill('OK'));
    // A second one that is still trying does not lose its place to more of them.
    hold('127.0.1.1', 200);
    expect(await call(await client(peer))).toBe('OK');
  });

  test('a peer from an address that is not its service’s takes part once it has shown who it is', async () => {
    const { view, client, call } = await serve({ limits: { strangers: 1, strangersPerSource: 1 } });
    const callers = [];
    for (let i = 0; i < 3; i++) {
      const caller = await client(peer, parseIp('127.0.0.77'));
      expect(await call(caller)).toBe('OK');
      callers.push(caller);
    }
    expect(view()).toMatchObject({ strangers: 0, connections: 3, notPeers: 0 });
  });
});

describe('a caller that is no peer', () => {
  test('is refused at the headers of its request, before any of it is read, and put out', async () => {
    let handled = 0;
    const { view, seen, raw } = await serve({
      handler: async () => {
        handled++;
        return new Uint8Array(0);
      },
    });
    const client = await raw({ from: '127.0.0.66', tls: nobody });
    // 256 streams of 4 MiB each, as far as anybody takes them.
    const pieces = Array.from({ length: 256 }, (_, i) =>
      Buffer.concat([
        openStream(2 * i + 1),
        frame(DATA, 0, 2 * i + 1, prefix(MESSAGE_OCTETS)),
        ...Array.from({ length: 4 }, () => frame(DATA, 0, 2 * i + 1, Buffer.alloc(16_384))),
      ]),
    );
    await client.send(HELLO);
    for (const piece of pieces) await client.send(piece);
    await client.closed;
    await seen((now) => now.connections, 0);
    expect(view()).toMatchObject({ requests: 0, octetsHeld: 0, octetsHeldPeak: 0, notPeers: 1 });
    expect(handled).toBe(0);
  });

  test('is never asked for octets beyond its headers: its window is 0, and stays so', async () => {
    const { raw } = await serve();
    const client = await raw({ from: '127.0.0.66', tls: nobody, reads: false });
    const framesSoFar = framesOf(client);
    // More than half of a connection's own window (RFC 9113, section 6.9.2): whoever reads it opens the window again.
    const body = Array.from({ length: 3 }, () => frame(DATA, 0, 1, Buffer.alloc(16_384)));
    await client.send(Buffer.concat([HELLO, openStream(1), ...body]));
    await client.closed;
    const frames = framesSoFar();
    const settings = frames.filter(({ type, flags }) => type === SETTINGS && flags === 0);
    expect(settings.map((one) => settingOf(one, INITIAL_WINDOW_SIZE))).toEqual([0]);
    const types = frames.map(({ type }) => type);
    expect(types).toContain(HEADERS);
    expect(types).not.toContain(WINDOW_UPDATE);
  });

  test('is told so', async () => {
    const { view, client, call } = await serve();
    const caller = await client(nobody, parseIp('127.0.0.66'));
    const answer = await call(caller);
    expect(answer).toMatch(
      /^PERMISSION_DENIED: no configured peer is named ip:127\.0\.0\.66, dns:127\.0\.0\.9$/,
    );
    expect(view().requests).toBe(0);
  });

  test('a peer that is taken out of the directory is refused at its next request; one that is put in comes in', async () => {
    const hosts = new Set<IpAddress>([PEER]);
    const doorkeeper: Doorkeeper = {
      peersAt: (source) => (hosts.has(source) ? 1 : 0),
      admit: ({ names }) => {
        const name = names.find((one): one is CertificateName & { type: 'ip' } =>
          hosts.has(one.value as IpAddress),
        );
        if (name === undefined) throw new RpcError('PERMISSION_DENIED', 'not any more');
        return name.value;
      },
    };
    const { client, call } = await serve({ doorkeeper });
    const caller = await client(peer);
    expect(await call(caller)).toBe('OK');
    hosts.clear();
    expect(await call(caller)).toBe('PERMISSION_DENIED: not any more');
    hosts.add(PEER);
    await expect.poll(() => call(caller), { interval: 1, timeout: 20_000 }).toBe('OK');
  });
});

describe('connections of a peer', () => {
  test.each([true, false])(
    'end at once when it is a peer no more, idle or in a call (TLS: %s)',
    async (tls) => {
      const other = parseIp('127.0.0.10');
      const directory = peersAt(PEER, other);
      const otherTls = {
        caPem: authority.caPem,
        ...(await authority.issue({ commonName: other, ips: [other], dnsNames: [] })),
      };
      const handler: RpcHandler = (_method, octets) =>
        octets[0] === 1 ? Promise.resolve(octets) : new Promise(() => {});
      const { transport, client, call, view, seen, address } = await serve({
        tls,
        doorkeeper: directory,
        handler,
      });
      const [caller, stays] = [
        await client(tls ? peer : undefined),
        await client(tls ? otherTls : undefined, other),
      ];
      expect([await call(caller), await call(stays)]).toEqual(['OK', 'OK']);
      const underWay = codeOf(caller.call(address, 'GetOpState', Uint8Array.of(2), { deadlineMs: 60_000 }));
      await seen(({ requests }) => requests, 3);
      // Nothing has changed for them.
      transport.peersChanged?.();
      expect(await call(caller)).toBe('OK');
      directory.reconfigure(
        [{ serviceAddress: { host: other, port: 3001 }, virtualIps: [parseIp('10.1.0.2')] }],
        TEST_BUDGETS,
      );
      transport.peersChanged?.();
      expect(await underWay).toMatch(/^UNAVAILABLE/);
      await seen(({ connections }) => connections, 1);
      expect(await call(stays)).toBe('OK');
      expect(view().accepted).toBe(2);
    },
  );

  test('end at once when it is meant, and no other', async () => {
    const { transport, client, call, view } = await serve();
    const caller = await client(peer);
    expect(await call(caller)).toBe('OK');
    expect(transport.disconnect?.(({ names }) => names.length === 0)).toBe(0);
    expect(await call(caller)).toBe('OK');
    expect(view().accepted).toBe(1);
    expect(transport.disconnect?.(({ names }) => names.some(({ value }) => value === PEER))).toBe(1);
    // It may come back.
    await expect.poll(() => call(caller), { interval: 1, timeout: 20_000 }).toBe('OK');
    expect(view().accepted).toBe(2);
  });
});

describe('without TLS a caller is the peer whose service address it comes from', () => {
  test('others are refused, and nothing of theirs is read', async () => {
    const names: unknown[] = [];
    const { view, client, call } = await serve({
      tls: false,
      handler: async (_method, octets, caller) => {
        names.push(caller);
        return octets;
      },
    });
    expect(await call(await client(undefined))).toBe('OK');
    expect(names).toMatchObject([{ authenticated: false, names: [], source: PEER }]);
    const answer = await call(await client(undefined, parseIp('127.0.0.66')));
    expect(answer).toBe('PERMISSION_DENIED: no configured peer is at 127.0.0.66');
    expect(view()).toMatchObject({ requests: 1, notPeers: 1 });
  });

  test('the same bounds hold', async () => {
    const { seen, hold, view, client, call } = await serve({
      tls: false,
      limits: { strangers: 8, strangersPerSource: 4 },
    });
    for (let i = 0; i < 300; i++) hold(`127.0.1.${1 + (i % 3)}`, 1);
    await seen((now) => now.accepted, 300);
    expect(view().strangers).toBe(8);
    expect(await call(await client(undefined))).toBe('OK');
  });
});

describe('a peer at its limits', () => {
  test('holds its share of octets and no more, which is there again when it is gone', async () => {
    const limits = { octetsPerPeer: 3 * MESSAGE_OCTETS, connectionsPerPeer: 8 };
    const { view, seen, raw } = await serve({ limits });
    for (let connection = 0; connection < 2; connection++) {
      const client = await raw({ from: PEER, tls: peer });
      await client.send(HELLO);
      for (let i = 0; i < CONCURRENT_STREAMS_MAX; i++) {
        await client.send(
          Buffer.concat([openStream(2 * i + 1), frame(DATA, 0, 2 * i + 1, prefix(MESSAGE_OCTETS))]),
        );
      }
    }
    await seen((now) => now.octetsRefused, 2 * CONCURRENT_STREAMS_MAX - 3);
    expect(view()).toMatchObject({ octetsHeld: 3 * MESSAGE_OCTETS, octetsHeldPeak: 3 * MESSAGE_OCTETS });
    for (const socket of sockets) socket.destroy();
    await seen((now) => now.octetsHeld, 0);
    expect(view().octetsHeldPeak).toBe(3 * MESSAGE_OCTETS);
  });

  test('does not keep another from a small request, although all octets are taken', async () => {
    const other = parseIp('127.0.0.10');
    const { seen, raw, client, call } = await serve({
      doorkeeper: peersAt(PEER, other),
      limits: { octetsPerPeer: MESSAGE_OCTETS, octetsInAll: MESSAGE_OCTETS },
    });
    const greedy = await raw({ from: PEER, tls: peer });
    await greedy.send(Buffer.concat([HELLO, openStream(1), frame(DATA, 0, 1, prefix(MESSAGE_OCTETS))]));
    await seen((now) => now.octetsHeld, MESSAGE_OCTETS);
    const material = {
      caPem: authority.caPem,
      ...(await authority.issue({ commonName: 'x', ips: [other] })),
    };
    expect(await call(await client(material, other))).toBe('OK');
  });

  test('a request that drips is ended when its time is over, and its octets are free', async () => {
    const { clock, view, seen, raw } = await serve();
    const client = await raw({ from: PEER, tls: peer });
    await client.send(Buffer.concat([HELLO, openStream(1), frame(DATA, 0, 1, prefix(1000))]));
    await seen((now) => now.octetsHeld, 1000);
    for (let i = 0; i < 9; i++) {
      await client.send(frame(DATA, 0, 1, Buffer.alloc(10)));
      await clock.advance(DOOR_LIMITS.requestMs / 10);
    }
    expect(view().octetsHeld).toBe(1000);
    await clock.advance(DOOR_LIMITS.requestMs / 10);
    await seen((now) => now.octetsHeld, 0);
    expect(view().requestTimeouts).toBe(1);
  });

  test('an answer that is not taken is given up when its time is over', async () => {
    const { clock, view, seen, raw } = await serve({ handler: async () => new Uint8Array(1 << 20) });
    const client = await raw({ from: PEER, tls: peer, reads: false });
    await client.send(Buffer.concat([HELLO, openStream(1), frame(DATA, END_STREAM, 1, prefix(0))]));
    await seen((now) => now.octetsHeld, (1 << 20) + 5);
    await clock.advance(DOOR_LIMITS.requestMs);
    await seen((now) => now.octetsHeld, 0);
    expect(view().requestTimeouts).toBe(1);
  });

  test('its requests beyond the rate wait, are answered in turn, and cost nothing while they wait', async () => {
    const { clock, view, seen, client, call } = await serve({ limits: { requestsPerPeerPerSecond: 2 } });
    const caller = await client(peer);
    let answered = 0;
    const calls = Array.from({ length: 20 }, async () => {
      const code = await call(caller);
      answered++;
      return code;
    });
    await seen((now) => now.requests, 8);
    await expect.poll(() => answered, { timeout: 20_000 }).toBe(8);
    await clock.advance(2000);
    await seen((now) => now.requests, 12);
    await clock.advance(4000);
    expect(await Promise.all(calls)).toEqual(Array(20).fill('OK'));
    expect(view().requestTimeouts).toBe(0);
  });

  test('of its connections the one used least recently makes room for a new one; one with a request stays', async () => {
    const never: RpcHandler = () => new Promise(() => {});
    const { clock, view, seen, raw } = await serve({ handler: never, limits: { connectionsPerPeer: 2 } });
    const busy = await raw({ from: PEER, tls: peer });
    await busy.send(Buffer.concat([HELLO, openStream(1), frame(DATA, END_STREAM, 1, prefix(0))]));
    await seen((now) => now.requests, 1);
    await clock.advance(10);
    const idle = await raw({ from: PEER, tls: peer });
    await idle.send(HELLO);
    await seen((now) => now.connections, 2);
    const third = await raw({ from: PEER, tls: peer });
    await idle.closed;
    await third.send(Buffer.concat([HELLO, openStream(1), frame(DATA, END_STREAM, 1, prefix(0))]));
    await seen((now) => now.requests, 2);
    expect(view()).toMatchObject({ connections: 2, replaced: 1 });
    // Both are busy now: there is nothing to replace.
    const fourth = await raw({ from: PEER, tls: peer });
    await fourth.closed;
    expect(view().refused.peer).toBe(1);
    expect(busy.socket.destroyed || third.socket.destroyed).toBe(false);
  });

  test('of its connections without a request the one used least recently goes, however old it is', async () => {
    const { clock, view, seen, raw } = await serve({ limits: { connectionsPerPeer: 3 } });
    const connect = async () => {
      const client = await raw({ from: PEER, tls: peer });
      await client.send(HELLO);
      return client;
    };
    let requests = 0;
    const use = async (client: RawClient, stream: number) => {
      await clock.advance(10);
      await client.send(Buffer.concat([openStream(stream), frame(DATA, END_STREAM, stream, prefix(0))]));
      await seen((now) => now.requests, ++requests);
      await seen((now) => now.octetsHeld, 0);
    };
    const clients = [await connect(), await connect(), await connect()];
    for (const client of clients) await use(client, 1);
    await use(clients[0]!, 3);
    const closed: number[] = [];
    clients.forEach((client, i) => void client.closed.then(() => closed.push(i)));
    for (const count of [1, 2]) {
      await use(await connect(), 1);
      await expect.poll(() => closed, { timeout: 20_000 }).toHaveLength(count);
    }
    expect(closed).toEqual([1, 2]);
    expect(view()).toMatchObject({ connections: 3, replaced: 2 });
  });

  test('a connection without requests is closed in the end', async () => {
    const { clock, view, seen, client, call } = await serve();
    const caller = await client(peer);
    expect(await call(caller)).toBe('OK');
    await seen((now) => now.octetsHeld, 0);
    await clock.advance(DOOR_LIMITS.idleMs - 1);
    expect(view().connections).toBe(1);
    await clock.advance(1);
    await seen((now) => now.connections, 0);
    expect(view().idleClosed).toBe(1);
    // A request that is on its way to a connection that is being closed is refused, until the caller knows of it.
    await expect.poll(() => call(caller)).toBe('OK');
  });

  test('a connection is not idle while a request is under way, and is from the end of the last one on', async () => {
    const idleMs = 20_000;
    let begun = 0;
    let answer = () => {};
    const { clock, view, seen, client, call } = await serve({
      limits: { idleMs },
      handler: async (_method, octets) => {
        if (++begun === 2) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        return octets;
      },
    });
    const caller = await client(peer);
    expect(await call(caller)).toBe('OK');
    await seen((now) => now.octetsHeld, 0);
    await clock.advance(idleMs - 1);
    const slow = call(caller);
    await expect.poll(() => begun, { timeout: 20_000 }).toBe(2);
    const heldBySlow = view().octetsHeld;
    await clock.advance(idleMs);
    // Another one that ends meanwhile does not make it idle.
    expect(await call(caller)).toBe('OK');
    await seen((now) => now.octetsHeld, heldBySlow);
    await clock.advance(idleMs);
    expect(view()).toMatchObject({ connections: 1, idleClosed: 0 });
    answer();
    expect(await slow).toBe('OK');
    await seen((now) => now.octetsHeld, 0);
    await clock.advance(idleMs - 1);
    expect(view().idleClosed).toBe(0);
    await clock.advance(1);
    expect(view()).toMatchObject({ accepted: 1, idleClosed: 1 });
  });

  test.each<[string, readonly Buffer[], number]>([
    [
      'is refused at its headers',
      [frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock({ ...GRPC_HEADERS, ':method': 'GET' }))],
      0,
    ],
    ['is taken back before it is whole', [openStream(1), TAKE_BACK], 0],
    [
      'is taken back while it is handled',
      [
        Buffer.concat([
          openStream(1),
          frame(DATA, END_STREAM, 1, Buffer.concat([prefix(8), Buffer.alloc(8)])),
        ]),
        TAKE_BACK,
      ],
      1,
    ],
  ])('a connection whose request %s is idle from then on', async (_, pieces, handled) => {
    const answers: (() => void)[] = [];
    const handler: RpcHandler = (_method, octets) =>
      new Promise((resolve) => answers.push(() => resolve(octets)));
    const { clock, view, seen, raw } = await serve({ handler });
    const client = await raw({ from: PEER, tls: peer, reads: false });
    const frames = framesOf(client);
    await client.send(HELLO);
    for (const [i, piece] of pieces.entries()) {
      // Its answer comes when the piece has been seen.
      await client.send(Buffer.concat([piece, frame(PING, 0, 0, Buffer.alloc(8))]));
      await expect
        .poll(() => frames().filter(({ type }) => type === PING), { timeout: 20_000 })
        .toHaveLength(i + 1);
    }
    expect(answers).toHaveLength(handled);
    for (const answer of answers) answer();
    await seen((now) => now.octetsHeld, 0);
    await clock.advance(DOOR_LIMITS.idleMs - 1);
    expect(view()).toMatchObject({ connections: 1, idleClosed: 0 });
    await clock.advance(1);
    expect(view().idleClosed).toBe(1);
  });
});

describe('floods by a configured peer end its connection, whatever their kind', () => {
  const PIECES_MAX = 400_000;

  test.each(Object.keys(FLOODS))('%s', async (kind) => {
    const { clock, view, raw, seen, client, call } = await serve({
      limits: { requestsPerPeerPerSecond: 1e6 },
    });
    const flooder = await raw({ from: PEER, tls: peer });
    await flooder.send(HELLO);
    await seen((now) => now.connections, 1);
    const piece = FLOODS[kind]!;
    let sent = 0;
    for (; sent < PIECES_MAX && !flooder.socket.destroyed; ) {
      const pieces = Array.from({ length: 1000 }, () => piece(sent++));
      await flooder.send(Buffer.concat(pieces));
      // The watch looks on its own time; virtual time passes much faster than here.
      await clock.advance(250);
    }
    await flooder.closed;
    const now = view();
    expect(now.floods + now.protocolErrors, `after ${sent} pieces`).toBeGreaterThan(0);
    expect(sent).toBeLessThan(PIECES_MAX);
    expect(now.octetsHeldPeak).toBeLessThanOrEqual(MESSAGE_OCTETS);
    expect(await call(await client(peer))).toBe('OK');
    await seen((after) => after.octetsHeld, 0);
  });
});

test('the peer of the benches is never refused, however late it is answered', async () => {
  const answers: (() => void)[] = [];
  const late: RpcHandler = (_method, octets) =>
    new Promise((resolve) => answers.push(() => resolve(octets.slice(0, 1))));
  const { view, seen, address } = await serve({ handler: late });
  const asking = await askingPeer({
    tls: peer,
    from: PEER,
    gateway: address,
    clock: createVirtualClock(0),
    deadlineMs: 60_000,
    virtualIp: parseIp('10.1.0.1'),
    gatewayVirtualIp: parseIp('10.0.0.1'),
    connectsAnew: true,
  });
  const asked = Array.from({ length: 20 }, () => asking.ask());
  await seen(({ requests }) => requests, CONNECTIONS_AT_ONCE);
  for (let answered = 0; answered < 20; answered++) {
    await expect.poll(() => answers.length, { interval: 1, timeout: 20_000 }).toBeGreaterThan(0);
    answers.shift()!();
  }
  await Promise.all(asked);
  await asking.close();
  expect([asking.failures, asking.latenciesMs.length]).toEqual([[], 20]);
  const { accepted, refused } = view();
  expect({ accepted, refused }).toEqual({
    accepted: 20,
    refused: { strangers: 0, source: 0, rate: 0, peer: 0 },
  });
});

describe('what is refused is told when it begins and when it is over, with a count and an address', () => {
  type Served = Awaited<ReturnType<typeof serve>>;
  const held =
    (from: string) =>
    async ({ hold, seen }: Served) => {
      hold(from, 3);
      await seen(({ accepted }) => accepted, 3);
    };
  /** How each is brought about, once or more, from 127.0.0.9 or 127.0.1.1; the kernel's own refusals are not. */
  const WAYS: Readonly<
    Record<
      Exclude<DoorRefusal, 'acceptErrors' | ToldOneByOne>,
      readonly [Partial<DoorLimits>, (served: Served) => unknown]
    >
  > = {
    'refused.strangers': [{ strangers: 1 }, held('127.0.1.1')],
    'refused.source': [{ strangersPerSource: 1 }, held('127.0.1.1')],
    'refused.rate': [{ strangersPerSourcePerSecond: 1 / BURST_S }, held('127.0.1.1')],
    'refused.peer': [{ openingsPerPeer: 1 }, held(PEER)],
    openingTimeouts: [
      {},
      async ({ hold, seen, clock }) => {
        hold('127.0.1.1', 2);
        await seen(({ connections }) => connections, 2);
        await clock.advance(DOOR_LIMITS.openingMs);
      },
    ],
    floods: [
      {},
      async ({ raw, clock }) => {
        const flooder = await raw({ from: PEER, tls: peer });
        await flooder.send(HELLO);
        while (!flooder.socket.destroyed) {
          await flooder.send(Buffer.concat(Array.from({ length: 1000 }, () => FLOODS['unknown frames']!(0))));
          await clock.advance(1);
        }
      },
    ],
    protocolErrors: [
      {},
      async ({ raw }) => (await raw({ from: PEER, tls: peer })).send(Buffer.from('GET /\r\n\r\n'.repeat(9))),
    ],
    requestTimeouts: [
      {},
      async ({ raw, seen, clock }) => {
        const client = await raw({ from: PEER, tls: peer });
        await client.send(Buffer.concat([HELLO, openStream(1), frame(DATA, 0, 1, prefix(1000))]));
        await seen(({ octetsHeld }) => octetsHeld, 1000);
        await clock.advance(DOOR_LIMITS.requestMs);
      },
    ],
    octetsRefused: [
      { octetsPerPeer: MESSAGE_OCTETS },
      async ({ raw }) => {
        const client = await raw({ from: PEER, tls: peer });
        await client.send(HELLO);
        for (const id of [1, 3, 5]) {
          await client.send(Buffer.concat([openStream(id), frame(DATA, 0, id, prefix(MESSAGE_OCTETS))]));
        }
      },
    ],
  };

  test.each(Object.entries(WAYS))('%s', async (kind, [limits, provoke]) => {
    const lines: (LogFields & { readonly line: string })[] = [];
    const logger: Logger = {
      log: (level, message, fields) => lines.push({ line: `${level} ${message}`, ...fields }),
      enabled: () => true,
    };
    const served = await serve({ limits, logger });
    const counted = () => {
      const view = served.view();
      const [name, reason] = kind.split('.');
      return reason === undefined ? view[name as 'floods'] : view.refused[reason as Refusal];
    };
    await provoke(served);
    await expect.poll(counted, { timeout: 20_000, interval: 2 }).toBeGreaterThan(0);
    for (const socket of sockets.splice(0)) socket.destroy();
    await served.seen(({ connections }) => connections, 0);
    await served.clock.advance(2 * QUIET_MS);
    const text = DOOR_REFUSAL_TEXTS[kind as keyof typeof WAYS];
    expect(lines.filter((line) => line.kind === kind)).toEqual([
      { line: `warning refused: ${text}`, kind, from: expect.stringMatching(/^127\.0\.(0\.9|1\.1)\b/) },
      { line: `info no longer refused: ${text}`, kind, count: counted(), seconds: expect.any(Number) },
    ]);
    expect(served.clock.pending).toBe(0);
  });

  test.each<[CallerRefusal, ToldOneByOne, string, (served: Served) => unknown]>([
    [
      'handshake',
      'handshakeFailures',
      PEER,
      async ({ raw }) => (await raw({ from: PEER })).send(Buffer.from('GET /\r\n\r\n')),
    ],
    ['untrusted', 'untrusted', PEER, ({ client, call }) => client(forged, PEER).then(call)],
    [
      'not-a-peer',
      'notPeers',
      '127.0.1.1',
      ({ client, call }) => client(nobody, parseIp('127.0.1.1')).then(call),
    ],
  ])('but each caller that is refused for what it is: %s', async (why, counter, from, provoke) => {
    const told: GatewayEvent[] = [];
    const served = await serve({ observe: (event) => told.push(event) });
    for (let times = 1; times < 3; times++) {
      await provoke(served);
      await served.seen((view) => view[counter], times);
    }
    const problem = why === 'not-a-peer' ? {} : { problem: expect.any(String) };
    const event = { type: 'caller-refused', from, why, reason: expect.any(String), ...problem };
    expect(told).toEqual([event, event]);
  });
});
