/** One RPC at the serving end, over a stream in the test's hands: what it answers, when, and what it holds meanwhile. */
import { EventEmitter } from 'node:events';
import { constants } from 'node:http2';
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import { OctetBudget, type OctetShare } from '../../../../src/gateway/doors/octet-budget.js';
import { type CallDeps, refuseCall, serveCall } from '../../../../src/gateway/rpc/grpc-call.js';
import { framed } from '../../../../src/gateway/rpc/grpc-wire.js';
import { RpcError, type RpcHandler } from '../../../../src/gateway/rpc/transport.js';

const OCTETS_MAX = 1000;
const REQUEST_MS = 500;
const HEADERS = {
  ':method': 'POST',
  ':path': '/psp_gateway.PSP_Gateway/GetOpState',
  'content-type': 'application/grpc+proto',
};

/** What a call does with its stream. */
class Stream extends EventEmitter {
  destroyed = false;
  closed = false;
  headersSent = false;
  readableEnded = false;
  /** Headers and trailers that were sent, and how the stream was closed. */
  readonly sent: Record<string, unknown>[] = [];
  readonly closedWith: number[] = [];
  body: Buffer | undefined;

  respond(headers: Record<string, unknown>, options: object): void {
    this.headersSent = true;
    this.sent.push({ ...headers, options });
  }
  sendTrailers(trailers: Record<string, unknown>): void {
    this.sent.push(trailers);
  }
  end(body: Buffer): void {
    this.body = body;
  }
  close(code: number): void {
    this.closedWith.push(code);
    this.closed = true;
  }
  /** The stream is over, whoever has ended it. */
  over(): void {
    this.destroyed = true;
    this.emit('close');
  }
  /** The status that was sent: its number and its text. */
  get status(): unknown[] | undefined {
    const last = this.sent.at(-1);
    return last && [last['grpc-status'], last['grpc-message']];
  }
}

let clock: VirtualClock;
let octets: OctetShare;
/** What the call has told of itself, in order. */
let told: string[];
let counters: { requests: number };
/** Begins the call whose turn it is; undefined: there is no queue. */
let turn: (() => void) | undefined;
let queued: boolean;
let stream: Stream;

const settled = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

function serve(
  handler: RpcHandler = async (_method, request) => request,
  headers: Record<string, string> = {},
  own: Partial<CallDeps> = {},
): Stream {
  stream = new Stream();
  serveCall(stream as never, { ...HEADERS, ...headers } as never, {
    clock,
    handler,
    caller: { names: ['me'] } as never,
    party: {
      host: '10.0.0.2',
      connections: new Set(),
      octets,
      requests: {
        enter: (begin: () => void) => {
          if (queued) turn = begin;
          else begin();
          return () => told.push('left the queue');
        },
      },
    } as never,
    watched: {
      request: () => told.push('request'),
      message: (count: number) => told.push(`message ${count}`),
      reset: () => told.push('reset'),
    } as never,
    requestMs: REQUEST_MS,
    messageOctetsMax: OCTETS_MAX,
    counters,
    onRefused: (why) => told.push(why),
    onEnd: () => told.push('end'),
    ...own,
  });
  return stream;
}

/** The request comes, and ends. */
async function ask(message: Uint8Array = Uint8Array.of(1, 2, 3)): Promise<void> {
  stream.emit('data', framed(message));
  stream.emit('end');
  await settled();
}

beforeEach(() => {
  clock = createVirtualClock(0);
  octets = new OctetBudget(4 * OCTETS_MAX * 1000, 8 * OCTETS_MAX * 1000).share();
  [told, counters, turn, queued] = [[], { requests: 0 }, undefined, false];
});

describe('a call', () => {
  test('is answered by what the handler makes of its request, with status 0 behind it', async () => {
    const seen: unknown[] = [];
    serve(async (method, request, caller) => {
      seen.push(method, [...request], caller);
      return Uint8Array.of(9, ...request);
    });
    expect(counters.requests).toBe(1);
    await ask();
    expect(seen).toEqual(['GetOpState', [1, 2, 3], { names: ['me'] }]);
    expect(stream.sent).toEqual([
      { ':status': 200, 'content-type': 'application/grpc+proto', options: { waitForTrailers: true } },
    ]);
    expect(stream.body).toEqual(framed(Uint8Array.of(9, 1, 2, 3)));
    stream.emit('wantTrailers');
    expect(stream.sent[1]).toEqual({ 'grpc-status': '0' });
    stream.over();
    expect(told).toEqual(['request', 'message 8', 'left the queue', 'end']);
    expect(clock.pending).toBe(0);
    expect(stream.closedWith).toEqual([]);
  });

  test('may come in pieces, and is read when its turn has come', async () => {
    queued = true;
    serve();
    expect([counters.requests, told]).toEqual([0, []]);
    // What comes before is left where it is.
    expect(stream.listenerCount('data')).toBe(0);
    turn!();
    expect([counters.requests, told]).toEqual([1, ['request']]);
    for (const octet of framed(Uint8Array.of(5, 6))) stream.emit('data', Buffer.of(octet));
    stream.emit('end');
    await settled();
    expect(stream.body).toEqual(framed(Uint8Array.of(5, 6)));
  });

  test('leaves neither its answer nor the handler’s own in memory once they are gone', async () => {
    const response = Uint8Array.of(7, 7, 7);
    serve(async () => response);
    await ask();
    expect([...response]).toEqual([0, 0, 0]);
    const { body } = stream;
    expect(body).toEqual(framed(Uint8Array.of(7, 7, 7)));
    stream.over();
    expect(body!.every((octet) => octet === 0)).toBe(true);
  });

  test('holds the octets of its request from when they are said, and of its answer, until it is over', async () => {
    serve(async () => new Uint8Array(20));
    stream.emit('data', framed(new Uint8Array(100)).subarray(0, 10));
    expect(octets.held).toBe(100);
    stream.emit('data', new Uint8Array(95));
    stream.emit('end');
    await settled();
    expect(octets.held).toBe(125);
    stream.over();
    expect(octets.held).toBe(0);
    stream.emit('close');
    expect([octets.held, told.filter((one) => one === 'end')]).toEqual([0, ['end']]);
  });

  test('that the caller takes back while the handler is at it holds its octets until that is done', async () => {
    let answer = (_: Uint8Array) => {};
    serve(() => new Promise((resolve) => (answer = resolve)));
    await ask();
    stream.over();
    expect(told).toEqual(['request', 'message 8', 'reset', 'left the queue']);
    expect(octets.held).toBe(3);
    answer(Uint8Array.of(1));
    await settled();
    expect([octets.held, told.at(-1), stream.sent]).toEqual([0, 'end', []]);
    expect(clock.pending).toBe(0);
  });

  test('whose stream is destroyed ends once, whether its handler or the stream is done first', async () => {
    let answer = (_: Uint8Array) => {};
    serve(() => new Promise((resolve) => (answer = resolve)));
    await ask();
    stream.destroyed = true;
    answer(Uint8Array.of(1));
    await settled();
    stream.emit('close');
    expect(told.filter((one) => one === 'end')).toEqual(['end']);
    expect(octets.held).toBe(0);
  });

  test('whose stream was closed, and not yet destroyed, is neither handled nor answered', async () => {
    let handled = 0;
    serve(async () => {
      handled++;
      stream.closed = true;
      return Uint8Array.of(1);
    });
    await ask();
    expect([handled, stream.sent, stream.body]).toEqual([1, [], undefined]);
    serve(async () => {
      handled++;
      return Uint8Array.of(1);
    });
    stream.closed = true;
    await ask();
    expect([handled, stream.sent]).toEqual([1, []]);
  });
});

describe('a call is refused', () => {
  test.each<[string, Record<string, string>, unknown[]]>([
    ['another method than POST', { ':method': 'GET' }, ['13', 'not a gRPC request']],
    ['another content', { 'content-type': 'text/html' }, ['13', 'not a gRPC request']],
    [
      'an RPC that there is not',
      { ':path': '/psp_gateway.PSP_Gateway/Other' },
      ['12', 'there is no such RPC'],
    ],
    ['a malformed deadline', { 'grpc-timeout': '5' }, ['3', 'grpc-timeout is malformed']],
  ])('at its headers for %s, and is over for its connection', (_, headers, status) => {
    serve(undefined, headers);
    expect(stream.status).toEqual(status);
    expect(stream.sent).toHaveLength(1);
    expect(stream.sent[0]).toMatchObject({ ':status': 200, options: { endStream: true } });
    expect(stream.closedWith).toEqual([constants.NGHTTP2_NO_ERROR]);
    expect(told).toEqual(['end']);
    expect([counters.requests, clock.pending]).toEqual([0, 0]);
    // An error of the stream behind it is nobody's.
    stream.emit('error', new Error('gone'));
  });

  test('without a content type as well', () => {
    serve(undefined, { 'content-type': undefined as never });
    expect(stream.status).toEqual(['13', 'not a gRPC request']);
  });

  test('and any content of gRPC is taken', async () => {
    serve(undefined, { 'content-type': 'application/grpc' });
    await ask();
    expect(stream.body).toBeDefined();
  });

  test('with the status of the handler, or INTERNAL and nothing said', async () => {
    serve(() => Promise.reject(new RpcError('NOT_FOUND', 'no such tunnel')));
    await ask();
    expect(stream.status).toEqual(['5', 'no such tunnel']);
    serve(() => Promise.reject(new Error('secret')));
    await ask();
    expect(stream.status).toEqual(['13', 'internal error']);
    expect(told.filter((one) => one === 'left the queue')).toHaveLength(2);
    stream.over();
    expect([told.at(-1), clock.pending]).toEqual(['end', 0]);
  });

  test('where it is no message, more than one, or less', async () => {
    serve();
    stream.emit('data', Buffer.of(1, 0, 0, 0, 0));
    expect(stream.status![0]).toBe('12');
    // What comes behind it is not looked at, and the handler does not see it.
    const before = told.length;
    stream.emit('data', Buffer.alloc(10));
    stream.emit('end');
    await settled();
    expect([told.length, stream.sent.length]).toEqual([before, 1]);
    serve();
    stream.emit('data', Buffer.concat([framed(Uint8Array.of(1)), Buffer.of(2)]));
    expect(stream.status![0]).toBe('13');
    serve();
    stream.emit('data', Buffer.of(0, 0, 0, 0, 3, 1));
    stream.emit('end');
    await settled();
    expect(stream.status).toEqual(['13', 'the stream ended before its message did']);
  });

  test('where it is larger than messages may be, or its peer holds too much', async () => {
    serve();
    await ask(new Uint8Array(OCTETS_MAX + 1));
    expect(stream.status![0]).toBe('8');
    expect(told).not.toContain('octetsRefused');
    serve();
    await ask(new Uint8Array(OCTETS_MAX));
    expect(stream.body).toHaveLength(OCTETS_MAX + 5);
    octets.add(4 * OCTETS_MAX * 1000);
    const held = octets.held;
    serve();
    await ask();
    expect(stream.status![0]).toBe('8');
    expect(told).toContain('octetsRefused');
    stream.over();
    expect(octets.held).toBe(held);
  });

  test('where its answer is larger than messages may be, to the octet', async () => {
    serve(async () => new Uint8Array(OCTETS_MAX));
    await ask();
    expect(stream.body).toHaveLength(OCTETS_MAX + 5);
    serve(async () => new Uint8Array(OCTETS_MAX + 1));
    await ask();
    expect(stream.status).toEqual(['8', 'the answer is larger than messages may be']);
  });

  test('but not when nothing can be answered any more', () => {
    for (const gone of ['destroyed', 'closed', 'headersSent'] as const) {
      const own = new Stream();
      own[gone] = true;
      refuseCall(own as never, new RpcError('INTERNAL', 'x'));
      expect([own.sent, own.closedWith]).toEqual([[], []]);
      own.emit('error', new Error('gone'));
    }
    // Where the whole request has come, there is nothing to break off.
    const ended = new Stream();
    ended.readableEnded = true;
    refuseCall(ended as never, new RpcError('INTERNAL', '50 %'));
    expect([ended.status, ended.closedWith]).toEqual([['13', '50 %25'], []]);
  });
});

describe('time', () => {
  test('a request that does not come within the limit is refused, and counted, once', async () => {
    serve();
    stream.emit('data', Buffer.of(0, 0));
    await clock.advance(REQUEST_MS - 1);
    expect(stream.sent).toEqual([]);
    await clock.advance(1);
    expect(stream.status).toEqual(['4', 'the request did not arrive in time']);
    expect(told.filter((one) => one === 'requestTimeouts')).toHaveLength(1);
    await clock.advance(10 * REQUEST_MS);
    expect([stream.sent.length, told.filter((one) => one === 'requestTimeouts').length]).toEqual([1, 1]);
  });

  test('counts while the request waits for its turn', async () => {
    queued = true;
    serve();
    await clock.advance(REQUEST_MS);
    expect(stream.status![0]).toBe('4');
    expect(told).toEqual(['requestTimeouts', 'left the queue']);
  });

  test('is the handler’s own while it works, and begins anew with the answer', async () => {
    let answer = (_: Uint8Array) => {};
    serve(() => new Promise((resolve) => (answer = resolve)));
    await ask();
    await clock.advance(10 * REQUEST_MS);
    expect([stream.sent, stream.closedWith]).toEqual([[], []]);
    answer(Uint8Array.of(1));
    await settled();
    await clock.advance(REQUEST_MS - 1);
    expect(stream.closedWith).toEqual([]);
    await clock.advance(1);
    expect(stream.closedWith).toEqual([constants.NGHTTP2_CANCEL]);
    expect(told).toContain('requestTimeouts');
  });

  test('of the caller’s deadline ends the call, whatever it is at; without one there is none', async () => {
    serve(() => new Promise(() => {}), { 'grpc-timeout': '300m' });
    await ask();
    await clock.advance(299);
    expect(stream.sent).toEqual([]);
    await clock.advance(1);
    expect(stream.status).toEqual(['4', 'the deadline has passed']);
    expect(told).not.toContain('requestTimeouts');
    // Of longer ones than a timer can wait as well, which is weeks.
    serve(() => new Promise(() => {}), { 'grpc-timeout': '99999999H' });
    await ask();
    await clock.advance(2 ** 31 - 2);
    expect(stream.sent).toEqual([]);
    await clock.advance(1);
    expect(stream.status![0]).toBe('4');
  });

  test('stands still once the call is over', async () => {
    serve(undefined, { 'grpc-timeout': '300m' });
    await ask();
    stream.over();
    expect(clock.pending).toBe(0);
    // A call that was answered has not been taken back.
    expect(told).not.toContain('reset');
  });
});
