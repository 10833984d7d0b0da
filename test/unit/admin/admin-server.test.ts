/** The admin service on its socket: its answers to good clients, and what bad ones can take. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client, credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../../src/admin/admin-api.js';
import { CALLS_MAX, REQUEST_OCTETS_MAX } from '../../../src/admin/admin-calls.js';
import { AdminClient, NoGatewayError } from '../../../src/admin/admin-client.js';
import {
  AdminServer,
  type AdminServerOptions,
  CONNECTIONS_MAX,
  OPENING_MS,
} from '../../../src/admin/admin-server.js';
import { WATCHERS_MAX } from '../../../src/admin/event-watchers.js';
import { systemClock } from '../../../src/base/clock.js';
import type { GatewayEvent, GatewayObserver } from '../../../src/gateway/events.js';
import { RpcError } from '../../../src/gateway/rpc/transport.js';
import type { GatewayControl, GatewayInsight, TunnelView } from '../../../src/gateway/view.js';
import { HalError } from '../../../src/hal/errors.js';
import { parseIp } from '../../../src/packet/address.js';
import { describeNeeding } from '../../support/needs.js';

const TUNNEL: TunnelView = {
  localVip: parseIp('192.168.1.1'),
  remoteVip: parseIp('192.168.1.2'),
  peer: '10.0.0.2:3000',
  state: 'established',
  ingressSpis: [0x8000_0001],
  egressSpi: 0xffff_fffe,
  readable: false,
  keySlot: 1,
  waitingPackets: 0,
  establishedAtMs: 1000,
  receivedAtMs: undefined,
  failures: 0,
  retryAtMs: undefined,
  holder: 'operator',
  // More than a double holds, and more than a signed number does.
  out: { packets: 2n ** 53n + 1n, octets: 2n ** 64n - 1n },
  in: { packets: 0n, octets: 0n },
};

/** What of a summary the service looks at. */
const SUMMARY = {
  serviceAddress: undefined,
  startedAtMs: undefined,
  device: { hal: 'sim', text: 'a device', ports: [] },
  sessionsByState: {},
  sessionsReadable: 0,
  versionsRefused: { requests: 0, answers: 0 },
  peers: [],
  ports: [],
  tables: { capacity: 8 },
  keySlots: 16,
  keySlotsUsed: 0,
  spis: { given: 0, left: 2 ** 31 - 1 },
  rotation: { nextAtMs: undefined, waiting: undefined },
  rotations: 0,
  entriesLeft: 0,
  refusedToPeers: { requests: 0, rotations: 0 },
  tls: undefined,
};

type Shown = GatewayInsight & GatewayControl;
const gatewayWith = (parts: Partial<Shown> = {}): Shown => ({
  summary: () => SUMMARY as never,
  tunnels: async () => ({ tunnels: [TUNNEL], leftOut: 3 }),
  watch: () => () => {},
  deviceCounters: () => Promise.reject(new HalError('BAD_STATE', 'not yet')),
  program: () => ({ name: 'none', pipes: [] }),
  capture: () => ({ cannotShow: [], leftOut: () => 0n, end() {} }),
  showKeys: () => undefined,
  checkPairs: async () => ({ pairs: [], peers: [], letIn: new Set(), withoutWords: 0 }),
  explain: async () => ({ direction: 'out', verdict: 'goes', facts: [], steps: [] }),
  removeTunnels: async () => 0,
  rekeyTunnels: () => ({ tunnels: 0, done: Promise.resolve() }),
  beginRotation() {},
  drain: (options) => ({ ...options, begunAtMs: 0, endsAtMs: 0, quietSinceMs: 0 }),
  cancelDrain: () => false,
  disconnectPeers: async () => ({ connections: 0, sessions: 0 }),
  ...parts,
});

let folder: string;
let path: string;
let server: AdminServer;
let problems: string[];
const closing: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'psp-admin-'));
  path = join(folder, 'admin.sock');
  problems = [];
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(parts: Partial<Shown> = {}, more: Partial<AdminServerOptions> = {}) {
  server = await AdminServer.listen({
    path,
    gateway: gatewayWith(parts),
    clock: systemClock,
    version: '1.2.3',
    hasTls: true,
    log: { docaLevel: 50, lostLines: 0, setLevel() {} },
    reload: async () => ({ problems: [] }),
    onProblem: (text) => problems.push(text),
    ...more,
  });
}

async function client(): Promise<AdminClient> {
  const made = await AdminClient.connect(path);
  closing.push(() => made.close());
  return made;
}

/** A connection that may say anything. */
function raw(): Promise<Socket> {
  const socket = connect(path);
  closing.push(() => socket.destroy());
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
}

const closed = (socket: Socket) =>
  new Promise<true>((resolve) => {
    socket.resume();
    if (socket.destroyed) resolve(true);
    socket.once('close', () => resolve(true));
  });

const list = (one: AdminClient) => one.call('ListTunnels', { selection: undefined, most: 0 });

describe('answers', () => {
  test('keep every bit of SPIs and 64-bit counters, and what is not known stays unknown', async () => {
    await listen();
    const { tunnels, leftOut } = await list(await client());
    expect(leftOut).toBe(3n);
    expect(tunnels[0]).toMatchObject({
      ingressSpis: [0x8000_0001],
      egressSpi: 0xffff_fffe,
      out: { packets: 2n ** 53n + 1n, octets: 2n ** 64n - 1n },
      in: { packets: 0n, octets: 0n },
      receivedAgoMs: undefined,
    });
    expect(await (await client()).call('Status', { unchecked: false })).toMatchObject({
      version: '1.2.3',
      uptimeMs: undefined,
      nextRotationInMs: undefined,
      problems: [],
      admin: { connectionsRefused: 0n, callsRefused: 0n },
    });
  });

  test('are refusals as the service words them, and of defects only that there was one', async () => {
    let error: Error = new RpcError('NOT_FOUND', 'no such thing');
    await listen({ tunnels: () => Promise.reject(error) });
    const one = await client();
    await expect(list(one)).rejects.toMatchObject({ code: 'NOT_FOUND', details: 'no such thing' });
    error = new Error('secret detail');
    await expect(list(one)).rejects.toMatchObject({
      code: 'INTERNAL',
      details: expect.not.stringContaining('secret'),
    });
    expect(problems).toEqual([expect.stringContaining('secret detail')]);
    await expect(one.call('ListPeers', { peer: '10.9.9.9' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const wrong = { selection: { peer: '', vip: 'nonsense' }, most: 0 };
    await expect(one.call('ListTunnels', wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const many = { selection: undefined, most: 1_000_000 };
    await expect(one.call('ListTunnels', many)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('of its health say when the gateway serves, and reflection names its services', async () => {
    await listen();
    const check = () => healthOf('psp_gateway_admin.Admin');
    expect(await check()).toBe('NOT_SERVING');
    server.started();
    expect(await check()).toBe('SERVING');
    expect(await servicesOf()).toEqual(
      expect.arrayContaining(['psp_gateway_admin.Admin', 'grpc.health.v1.Health']),
    );
  });
});

describe('clients that mean harm, or have run wild', () => {
  test('say what is no HTTP/2, are closed, and take nobody’s answers', async () => {
    await listen();
    for (const octets of [
      randomBytes(100_000),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(1 << 20),
    ]) {
      const socket = await raw();
      socket.write(octets);
      expect(await closed(socket)).toBe(true);
    }
    const prefaceThenGarbage = await raw();
    prefaceThenGarbage.write(
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(50_000)]),
    );
    expect(await closed(prefaceThenGarbage)).toBe(true);
    expect((await list(await client())).tunnels).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  test('open connections up to a limit; more are closed and counted, and there is room again when they go', async () => {
    await listen();
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS_MAX }, raw));
    await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBe(0);
    for (let extra = 0; extra < 3; extra++) expect(await closed(await raw())).toBe(true);
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([]);
    const refused = await client();
    await expect(list(refused)).rejects.toThrow(/^the gateway at .* takes no more connections/);
    refused.close();
    for (const socket of sockets) socket.destroy();
    const one = await client();
    await expect
      .poll(async () => (await one.call('Status', { unchecked: false }).catch(() => undefined))?.admin)
      .toMatchObject({ connectionsRefused: expect.toSatisfy((count: bigint) => count >= 3n) });
  });

  test('that connect and say nothing are closed after a while, others are not', async () => {
    const due: { callback: () => void; delayMs: number }[] = [];
    const clock = {
      nowMs: () => 0,
      setTimer(callback: () => void, delayMs: number) {
        const timer = { callback, delayMs };
        due.push(timer);
        return { cancel: () => void (due.includes(timer) && due.splice(due.indexOf(timer), 1)) };
      },
    };
    await listen({}, { clock });
    const silent = await raw();
    const speaks = await client();
    await list(speaks);
    for (const { callback, delayMs } of [...due]) if (delayMs === OPENING_MS) callback();
    expect(await closed(silent)).toBe(true);
    expect((await list(speaks)).tunnels).toHaveLength(1);
  });

  test('ask for more at once than is worked on, are told so, and are served when that is done', async () => {
    let finish: () => void = () => {};
    const wait = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let under = 0;
    await listen({
      tunnels: async () => {
        under++;
        await wait;
        return { tunnels: [], leftOut: 0 };
      },
    });
    const [first, second] = [await client(), await client()];
    const calls = Array.from({ length: CALLS_MAX }, () => list(first));
    await expect.poll(() => under).toBe(CALLS_MAX);
    await expect(list(second)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    expect(under).toBe(CALLS_MAX);
    finish();
    await Promise.all(calls);
    expect((await second.call('Status', { unchecked: false })).admin).toMatchObject({ callsRefused: 1n });
  });

  test('send a request that is too large, and are refused', async () => {
    await listen();
    const request = { peer: 'x'.repeat(REQUEST_OCTETS_MAX) };
    await expect((await client()).call('ListPeers', request)).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
    });
  });

  describeNeeding('of another user', process.getuid?.() === 0 ? [] : ['root'], () => {
    test('may not even connect, wherever the socket is', async () => {
      await listen();
      chmodSync(folder, 0o777);
      const script = `require('node:net').connect(${JSON.stringify(path)}).on('connect', () => console.log('in')).on('error', ({ code }) => console.log(code))`;
      const as = (uid: number) =>
        spawnSync(process.execPath, ['-e', `${script}.setTimeout(2000, () => process.exit())`], {
          uid,
          encoding: 'utf8',
          cwd: '/',
        });
      expect(as(65_534).stdout).toBe('EACCES\n');
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
    });
  });
});

describe('watchers', () => {
  const EVENT: GatewayEvent = { type: 'peer-seen', peer: '10.0.0.2:3000' };

  /** A gateway whose events the test makes. */
  async function withEvents() {
    const observers = new Set<GatewayObserver>();
    await listen({
      watch(observer) {
        observers.add(observer);
        return () => observers.delete(observer);
      },
    });
    // The diagnosis watches too.
    const before = observers.size;
    return {
      watching: () => observers.size - before,
      happen: (times = 1) => {
        for (let i = 0; i < times; i++) for (const observer of [...observers]) observer(EVENT);
      },
    };
  }

  test('get events in order with their words and fields, until they go', async () => {
    const { watching, happen } = await withEvents();
    const got: Event[] = [];
    const stop = new AbortController();
    const watched = (await client()).watch((event) => got.push(event), stop.signal);
    await expect.poll(watching).toBe(1);
    happen();
    await expect.poll(() => got.length).toBe(1);
    expect(got[0]).toMatchObject({
      type: 'peer-seen',
      level: 'info',
      text: 'peer seen',
      fields: [{ name: 'peer', text: '10.0.0.2:3000' }],
      lostBefore: 0n,
    });
    stop.abort();
    await watched;
    await expect.poll(watching).toBe(0);
  });

  test('are so many and no more, however many connect, and the gateway answers others', async () => {
    const { watching } = await withEvents();
    const clients = await Promise.all(Array.from({ length: 4 }, client));
    const refused: unknown[] = [];
    const stop = new AbortController();
    for (let i = 0; i < 1000; i++)
      clients[i % 4]!.watch(() => {}, stop.signal).catch((error: unknown) => refused.push(error));
    // However many they are, the signal has one listener.
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    await expect.poll(watching, { timeout: 20_000 }).toBe(WATCHERS_MAX);
    await expect
      .poll(() => refused.some((error) => error instanceof RpcError && error.code === 'RESOURCE_EXHAUSTED'))
      .toBe(true);
    expect((await (await client()).call('Status', { unchecked: false })).admin).toMatchObject({
      watchers: BigInt(WATCHERS_MAX),
    });
    stop.abort();
    await expect.poll(watching, { timeout: 20_000 }).toBe(0);
  });

  test('that take nothing lose events, which are counted, and cost the gateway no more than its limit', async () => {
    const { watching, happen } = await withEvents();
    const one = new Client(`unix:${path}`, credentials.createInsecure());
    closing.push(() => one.close());
    const call = one.makeServerStreamRequest(
      '/psp_gateway_admin.Admin/WatchEvents',
      (octets: Buffer) => octets,
      (octets: Buffer) => octets,
      Buffer.alloc(0),
    );
    call.on('error', () => {});
    call.pause();
    await expect.poll(watching).toBe(1);
    const MANY = 50_000;
    happen(MANY);
    const { admin } = await (await client()).call('Status', { unchecked: false });
    expect(Number(admin!.eventsLost)).toBeGreaterThan(MANY / 2);
    call.cancel();
  });
});

describe('the end', () => {
  test('takes the socket away, and ends calls that go on for ever', async () => {
    await listen({ tunnels: () => new Promise(() => {}) });
    const one = await client();
    const endless = list(one).catch((error: unknown) => error);
    await raw();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    expect(existsSync(path)).toBe(false);
    expect(await endless).toBeInstanceOf(Error);
    await expect(AdminClient.connect(path)).rejects.toThrow(NoGatewayError);
  });

  test('of a path that cannot be had leaves nothing that watches the gateway', async () => {
    let watchers = 0;
    const watch = () => {
      watchers++;
      return () => watchers--;
    };
    await listen();
    writeFileSync(join(dirname(path), 'file'), '');
    const log = { docaLevel: 50, lostLines: 0, setLevel() {} };
    const reload = async () => ({ problems: [] });
    const options = { clock: systemClock, version: '', hasTls: false, log, reload, onProblem: () => {} };
    const gateway = gatewayWith({ watch: watch as never });
    await expect(AdminServer.listen({ ...options, gateway, path: join(folder, 'file') })).rejects.toThrow(
      /is no socket/,
    );
    await expect(AdminServer.listen({ ...options, gateway, path })).rejects.toThrow(/answers there/);
    expect(watchers).toBe(0);
  });
});

/** A client that knows nothing of this project but what is asked for by name. */
function stub(files: string[], name: string): Client & Record<string, (...args: never[]) => unknown> {
  let made: unknown = loadPackageDefinition(
    loadSync(files, { enums: String, includeDirs: [dirname(files[0]!)] }),
  );
  for (const part of name.split('.')) made = (made as Record<string, unknown>)[part];
  const one = new (made as new (target: string, as: unknown) => never)(
    `unix:${path}`,
    credentials.createInsecure(),
  ) as Client & Record<string, (...args: never[]) => unknown>;
  closing.push(() => one.close());
  return one;
}

function healthOf(service: string): Promise<string> {
  const health = stub([healthProto], 'grpc.health.v1.Health');
  return new Promise((resolve, reject) =>
    health.check!(
      { service } as never,
      ((error: ServiceError | null, answer: { status: string }) =>
        error === null ? resolve(answer.status) : reject(error)) as never,
    ),
  );
}

/** By the messages of reflection themselves: { list_services: "" } and what its answer holds of names. */
function servicesOf(): Promise<string[]> {
  const one = new Client(`unix:${path}`, credentials.createInsecure());
  closing.push(() => one.close());
  const call = one.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (octets: Buffer) => octets,
    (octets: Buffer) => octets,
  );
  return new Promise((resolve, reject) => {
    call.on('error', reject);
    call.on('data', (octets: Buffer) => {
      resolve(octets.toString('latin1').match(/[a-zA-Z_][\w.]+\.[A-Z]\w+/g) ?? []);
      call.end();
    });
    // Field 7, of no octets.
    call.write(Buffer.from([0x3a, 0]));
  });
}
