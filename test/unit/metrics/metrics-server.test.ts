/** The server of metrics: what it answers, and that whoever can reach it can take no more than a little of it. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import type { ServiceAddress } from '../../../src/gateway/rpc/transport.js';
import type { Format } from '../../../src/metrics/exposition.js';
import { MetricsListenError } from '../../../src/metrics/listen-error.js';
import { MetricsServer, type MetricsServerLimits } from '../../../src/metrics/metrics-server.js';
import { notReadyReasons } from '../../../src/metrics/readiness.js';
import { parseIp } from '../../../src/packet/address.js';

const ANY_PORT: ServiceAddress = { host: parseIp('127.0.0.1'), port: 0 };

let server: MetricsServer;
let address: ServiceAddress;
let notReady: string[];
let text: (format: Format) => Promise<string>;
let sockets: Socket[];

async function open(limits: Partial<MetricsServerLimits> = {}): Promise<void> {
  server = new MetricsServer({
    clock: systemClock,
    text: (format) => text(format),
    notReady: () => notReady,
    limits,
  });
  address = await server.listen(ANY_PORT);
}

beforeEach(() => {
  notReady = [];
  sockets = [];
  text = async (format) => `as ${format}\n`;
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${address.port}${path}`, init);

/** A connection on which `said` grows, and which may be `closed`. */
function connection() {
  const socket = connect(address.port, '127.0.0.1');
  sockets.push(socket);
  const seen = {
    said: '',
    socket,
    closed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
  };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    seen.said += chunk;
  });
  return seen;
}

describe('the pages', () => {
  beforeEach(() => open());

  test('metrics come in the format that was asked for, with its type', async () => {
    const plain = await get('/metrics');
    expect(await plain.text()).toBe('as prometheus\n');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const open = await get('/metrics?x=1', { headers: { accept: 'application/openmetrics-text' } });
    expect(await open.text()).toBe('as openmetrics\n');
    expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1.0.0/);
  });

  test('the process lives, and the gateway is ready or says why it is not', async () => {
    expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([200, 200]);
    notReady = ['port eth0 is gone', 'the gateway is stopping'];
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe('port eth0 is gone\nthe gateway is stopping\n');
    expect((await get('/healthz')).status).toBe(200);
  });

  test('there are no others, and nothing can be sent there', async () => {
    for (const path of ['/', '/metrics/', '/%6detrics', '/../metrics.txt'])
      expect((await get(path)).status).toBe(404);
    const posted = await get('/metrics', { method: 'POST', body: 'x'.repeat(1 << 20) }).catch(
      () => undefined,
    );
    // The answer may come, or the connection end, before all of the body has gone.
    expect([405, undefined]).toContain(posted?.status);
    const head = await get('/healthz', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('metrics that cannot be read are an error of this request alone', async () => {
    text = () => Promise.reject(new Error('a defect'));
    const answer = await get('/metrics');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('a defect');
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('limits', () => {
  test('one connection more than there may be is closed and counted; the next finds a place when one goes', async () => {
    await open({ connections: 2 });
    const first = connection();
    const second = connection();
    await Promise.all(
      [first, second].map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))),
    );
    const third = connection();
    await third.closed;
    expect(server.connectionsRefused).toBe(1);
    first.socket.destroy();
    await expect.poll(async () => (await get('/healthz').catch(() => undefined))?.status).toBe(200);
  });

  test('a connection takes one request', async () => {
    await open();
    const pipelined = connection();
    pipelined.socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3));
    await pipelined.closed;
    expect(pipelined.said.match(/HTTP\/1.1 200/g)).toHaveLength(1);
    expect(pipelined.said).toMatch(/^Connection: close\r$/m);
  });

  test('a request whose headers are larger than they may be is refused', async () => {
    await open({ headerOctets: 1024 });
    const request = (octets: number) => {
      const one = connection();
      one.socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(octets)}\r\n\r\n`);
      return one.closed.then(() => one.said);
    };
    expect(await request(512)).toMatch(/^HTTP\/1.1 200/);
    expect(await request(2048)).toMatch(/^HTTP\/1.1 431/);
  });

  test('whoever says nothing, says it slowly, or does not take the answer is gone when its time is over', async () => {
    await open({ requestMs: 300 });
    text = async () => 'x'.repeat(64 << 20);
    const silent = connection();
    const slow = connection();
    slow.socket.write('GET /healthz HTTP/1.1\r\n');
    const drip = setInterval(() => slow.socket.write('x: y\r\n'), 50);
    const deaf = connection();
    deaf.socket.pause();
    deaf.socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    await Promise.all([silent.closed, slow.closed]);
    clearInterval(drip);
    deaf.socket.resume();
    await deaf.closed;
    expect([silent.said, slow.said]).toEqual(['', '']);
    expect(deaf.said.length).toBeLessThan(64 << 20);
  });
});

describe('an address', () => {
  let other: Server;
  beforeEach(async () => {
    await open();
    other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => other.close());

  const failureAt = async (where: ServiceAddress) => {
    const second = new MetricsServer({ clock: systemClock, text, notReady: () => [] });
    const error = await second.listen(where).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MetricsListenError);
    return error as MetricsListenError;
  };

  test('that another program has is an error that says what to do', async () => {
    const { port } = other.address() as { port: number };
    const { message, isWrongAddress } = await failureAt({ ...ANY_PORT, port });
    expect(message).toBe(
      `cannot serve metrics at 127.0.0.1:${port}: another program listens there; give another PORT, or end that program (\`ss -ltnp\` names it)`,
    );
    expect(isWrongAddress).toBe(false);
  });

  test('of another machine is a wrong one', async () => {
    const { message, isWrongAddress } = await failureAt({ host: parseIp('192.0.2.1'), port: 9464 });
    expect(message).toContain('this machine has no such address');
    expect(isWrongAddress).toBe(true);
  });
});

test('a gateway is ready when it has started, is not stopping, and its ports are there or nothing would tell', async () => {
  await open();
  const started = {
    startedAtMs: 1,
    ports: [
      { name: 'a', state: 'present' },
      { name: 'b', state: 'unwatched' },
    ],
  };
  const reasons = (changes: object, isStopping = false) =>
    notReadyReasons({ ...started, ...changes } as never, isStopping);
  expect(reasons({})).toEqual([]);
  expect(reasons({ startedAtMs: undefined })).toEqual(['the gateway is starting']);
  expect(reasons({}, true)).toEqual(['the gateway is stopping']);
  expect(reasons({ ports: [{ name: 'a', state: 'waited-for' }] })).toEqual(['port a is waited-for']);
});
