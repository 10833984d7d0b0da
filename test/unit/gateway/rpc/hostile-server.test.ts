/** The calling end against servers that do what they can: each call ends, with a bounded answer, in bounded time. */
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createVirtualClock } from '../../../../src/base/virtual-clock.js';
import { DOOR_LIMITS, type DoorLimits } from '../../../../src/gateway/doors/door-limits.js';
import { createThrowAwayAuthority } from '../../../../src/gateway/rpc/certificates.js';
import { createGrpcTransport, type GrpcTransport } from '../../../../src/gateway/rpc/grpc-transport.js';
import type { RpcError } from '../../../../src/gateway/rpc/transport.js';
import { parseIp } from '../../../../src/packet/address.js';
import { CONTINUATION, FLOODS, frame, HEADERS, headerBlock, prefix } from '../../../support/raw-http2.js';

const HOST = parseIp('127.0.0.1');
const MESSAGE_OCTETS = 1 << 20;
const DEADLINE_MS = 2000;

const eventually = (what: () => unknown) => expect.poll(what, { timeout: 20_000, interval: 2 });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server, its connections so far, and those that are open. */
interface Hostile {
  readonly port: number;
  connections: number;
  readonly open: Set<Socket>;
}

async function listening(server: Server | Http2Server): Promise<Hostile> {
  const open = new Set<Socket>();
  const hostile: { port: number; connections: number; open: Set<Socket> } = { port: 0, connections: 0, open };
  server.on('connection', (socket: Socket) => {
    hostile.connections++;
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  hostile.port = (server.address() as { port: number }).port;
  ends.push(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return hostile;
}

/** Does with each stream, and each connection's socket, what it likes. */
function http2(onStream: (stream: ServerHttp2Stream, number: number) => void): Promise<Hostile> {
  const server = createHttp2({ maxSendHeaderBlockLength: 1 << 24 });
  let streams = 0;
  server.on('sessionError', () => {});
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    onStream(stream, streams++);
  });
  return listening(server);
}

const OK = { ':status': 200, 'content-type': 'application/grpc' };

function caller(hostile: Hostile, limits: Partial<DoorLimits> = {}) {
  const clock = createVirtualClock(0);
  const transport: GrpcTransport = createGrpcTransport({ messageOctetsMax: MESSAGE_OCTETS, clock, limits });
  ends.push(() => transport.close());
  const call = (deadlineMs = DEADLINE_MS): Promise<string> =>
    transport.call({ host: HOST, port: hostile.port }, 'GetOpState', Uint8Array.of(1), { deadlineMs }).then(
      () => 'OK',
      (error: RpcError) => error.code,
    );
  return {
    clock,
    transport,
    call,
    /** The outcome when the deadline passes once the server has got so far. */
    late: async (until: () => unknown) => {
      const outcome = call();
      await eventually(until).toBeTruthy();
      await clock.advance(DEADLINE_MS);
      return outcome;
    },
  };
}

describe('answers', () => {
  test.each<[string, string, (stream: ServerHttp2Stream) => void]>([
    [
      'announced larger than messages may be',
      'RESOURCE_EXHAUSTED',
      (stream) => {
        stream.respond(OK);
        stream.write(prefix(MESSAGE_OCTETS + 1));
      },
    ],
    [
      'longer than announced',
      'INTERNAL',
      (stream) => {
        stream.respond(OK);
        stream.write(Buffer.concat([prefix(10), Buffer.alloc(11)]));
      },
    ],
    [
      'that end before the message does',
      'INTERNAL',
      (stream) => {
        stream.respond(OK, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.concat([prefix(10), Buffer.alloc(9)]));
      },
    ],
    [
      'with a status of success and no message',
      'INTERNAL',
      (stream) => stream.respond({ ...OK, 'grpc-status': '0' }, { endStream: true }),
    ],
    [
      'with a status that is no number',
      'UNKNOWN',
      (stream) => stream.respond({ ...OK, 'grpc-status': '0x0' }, { endStream: true }),
    ],
    [
      'that are compressed',
      'UNIMPLEMENTED',
      (stream) => {
        stream.respond(OK);
        stream.write(Buffer.of(1, 0, 0, 0, 1, 0));
      },
    ],
    [
      'that point elsewhere',
      'UNKNOWN',
      (stream) => stream.respond({ ':status': 302, location: 'http://127.0.0.1:1/' }, { endStream: true }),
    ],
    ['without end and without a status', 'UNAVAILABLE', (stream) => stream.close()],
    [
      'announced and announced again (1xx)',
      'INTERNAL',
      (stream) => {
        for (let i = 0; i < 100; i++) stream.additionalHeaders({ ':status': 103, link: 'x' });
      },
    ],
    ['that reset the stream', 'UNAVAILABLE', (stream) => stream.close(2)],
    ['that end the session', 'UNAVAILABLE', (stream) => stream.session!.destroy()],
  ])('%s: %s', async (_, code, answer) => {
    const hostile = await http2(answer);
    const { call } = caller(hostile);
    expect(await call()).toBe(code);
    expect(hostile.connections).toBe(1);
  });

  test('that never come, or drip, cost the deadline; then the channel is given up', async () => {
    const dripping: ServerHttp2Stream[] = [];
    const hostile = await http2((stream) => {
      dripping.push(stream);
      stream.respond(OK);
      stream.write(prefix(1000));
    });
    const { late, call, clock } = caller(hostile);
    expect(await late(() => dripping.length === 1)).toBe('DEADLINE_EXCEEDED');
    await eventually(() => hostile.open.size).toBe(0);
    const second = call();
    await eventually(() => dripping.length).toBe(2);
    for (let i = 0; i < 4; i++) {
      dripping[1]!.write(Buffer.alloc(10));
      await clock.advance(DEADLINE_MS / 4);
    }
    expect(await second).toBe('DEADLINE_EXCEEDED');
    expect(hostile.connections).toBe(2);
  });

  test('of many calls at once hold no more octets than one peer may', async () => {
    let streams = 0;
    const hostile = await http2((stream) => {
      streams++;
      stream.respond(OK);
      stream.write(prefix(MESSAGE_OCTETS));
    });
    const { call, clock } = caller(hostile, { octetsPerPeer: 3 * MESSAGE_OCTETS });
    const outcomes: string[] = [];
    const calls = Array.from({ length: 20 }, async () => outcomes.push(await call()));
    await eventually(() => outcomes.length).toBe(17);
    expect(outcomes).toEqual(Array(17).fill('RESOURCE_EXHAUSTED'));
    await clock.advance(DEADLINE_MS);
    await Promise.all(calls);
    expect(outcomes.slice(17)).toEqual(Array(3).fill('DEADLINE_EXCEEDED'));
    expect(streams).toBe(20);
  });
});

describe('connections', () => {
  test('on which nothing is ever said cost the deadline', async () => {
    const hostile = await listening(createServer((socket) => void socket.resume()));
    const { late } = caller(hostile);
    expect(await late(() => hostile.connections === 1)).toBe('DEADLINE_EXCEEDED');
    await eventually(() => hostile.open.size).toBe(0);
  });

  test('that do not get through TLS in time are given up, for all that wait', async () => {
    const hostile = await listening(createServer((socket) => void socket.resume()));
    const clock = createVirtualClock(0);
    const authority = await createThrowAwayAuthority();
    const tls = { caPem: authority.caPem, ...(await authority.issue({ commonName: 'x', ips: [HOST] })) };
    const transport = createGrpcTransport({ messageOctetsMax: MESSAGE_OCTETS, clock, tls });
    ends.push(() => transport.close());
    const calls = [1, 2, 3].map(() =>
      transport
        .call({ host: HOST, port: hostile.port }, 'GetOpState', Uint8Array.of(1), { deadlineMs: 60_000 })
        .catch((error: RpcError) => error.code),
    );
    await eventually(() => hostile.connections).toBe(1);
    await clock.advance(DOOR_LIMITS.openingMs);
    expect(await Promise.all(calls)).toEqual(Array(3).fill('UNAVAILABLE'));
    await eventually(() => hostile.open.size).toBe(0);
    expect(hostile.connections).toBe(1);
  });

  test('that are ended at every call (GOAWAY) are made anew once per call, no more', async () => {
    const hostile = await http2((stream) => stream.session!.goaway(0, 0));
    const { call, clock } = caller(hostile);
    for (let calls = 1; calls <= 5; calls++) {
      const outcome = call();
      await eventually(() => hostile.connections).toBe(calls);
      // Whether the call is refused at once or waits for its answer is the server's affair.
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(DEADLINE_MS);
      expect(['UNAVAILABLE', 'DEADLINE_EXCEEDED']).toContain(await outcome);
    }
    expect(hostile.connections).toBe(5);
    await clock.advance(DOOR_LIMITS.requestMs);
    await eventually(() => hostile.open.size).toBe(0);
  });

  test.each(['ping', 'settings', 'window updates', 'unknown frames'])(
    'that flood us with %s are ended',
    async (kind) => {
      const piece = FLOODS[kind]!;
      const hostile = await listening(
        createServer((socket) => {
          socket.resume();
          socket.write(frame(4, 0, 0));
          const more = () => {
            while (
              !socket.destroyed &&
              socket.write(Buffer.concat(Array.from({ length: 1000 }, () => piece(0))))
            );
          };
          socket.on('drain', more);
          more();
        }),
      );
      const { call, clock } = caller(hostile);
      const outcome = call(1e6);
      const ended = async () => {
        await clock.advance(250);
        return hostile.connections === 1 && hostile.open.size === 0;
      };
      await eventually(ended).toBe(true);
      expect(await outcome).toBe('UNAVAILABLE');
    },
  );

  test('with headers without end are ended', async () => {
    const hostile = await listening(
      createServer((socket) => {
        socket.resume();
        socket.write(
          Buffer.concat([frame(4, 0, 0), frame(HEADERS, 0, 1, headerBlock({ ':status': '200' }))]),
        );
        const timer = setInterval(() => {
          if (socket.destroyed) clearInterval(timer);
          else
            for (let i = 0; i < 100; i++)
              socket.write(frame(CONTINUATION, 0, 1, headerBlock({ 'x-y': 'z' })));
        }, 1);
      }),
    );
    const { call } = caller(hostile);
    expect(await call()).toBe('UNAVAILABLE');
    await eventually(() => hostile.open.size).toBe(0);
  });
});
