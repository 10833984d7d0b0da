/** One exchange of ours with a peer: what is offered, what is installed, and what a failure at each step leaves behind. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import { RpcError, type RpcMethod } from '../../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeNewTunnelRequest,
  encodeMultiTunnelResponse,
  encodeNewTunnelResponse,
  type TunnelParameters,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import type { EgressRoute } from '../../../../src/gateway/sessions/egress-routes.js';
import type { Offer } from '../../../../src/gateway/sessions/ingress-spis.js';
import { type IngressSpi, newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import { TunnelClient } from '../../../../src/gateway/sessions/tunnel-client.js';
import { Versions } from '../../../../src/gateway/sessions/versions.js';
import { parseIp } from '../../../../src/packet/address.js';
import { NOT_DRAINING, testPeer } from '../../../support/peers.js';

const NOW_MS = 1_000_000;
const [BACKOFF_MIN_MS, BACKOFF_MAX_MS] = [100, 1000];

const parameters = (spi: number, more: Partial<TunnelParameters> = {}): TunnelParameters => ({
  mac: '02:00:00:00:00:01' as never,
  underlayIp: parseIp('203.0.113.2'),
  pspVersion: 0,
  spi,
  key: new Uint8Array(16).fill(spi),
  cookie: 0n,
  ...more,
});

let clock: VirtualClock;
let steps: string[];
let events: GatewayEvent[];
let peer: Peer;
let silent: unknown[][];
let answers: number;
let sessions: Session[];
let offers: Offer[];
let ways: EgressRoute[];
let calls: { method: RpcMethod; request: Uint8Array; response: Uint8Array | undefined }[];
let world: { failAt: string; error: Error; closed: Set<IngressSpi>; during: () => void | Promise<void> };
/** The peer: gives SPI 50, 51, ... of the version that is asked for. */
let answer: (method: RpcMethod, request: Uint8Array) => Uint8Array;
let client: TunnelClient;
let versions: Versions;

const step = (what: string) => {
  steps.push(what);
  if (world.failAt === what.split(' ')[0]) throw world.error;
};
const wiped = (octets: Uint8Array) => octets.every((octet) => octet === 0);

beforeEach(() => {
  silent = [];
  answers = 0;
  clock = createVirtualClock(NOW_MS);
  [steps, events, offers, ways, calls] = [[], [], [], [], []];
  peer = testPeer(2);
  sessions = [1, 2].map((number) =>
    newSession(parseIp('192.168.1.1'), parseIp(`192.168.2.${number}`), peer, peer, 0),
  );
  versions = new Versions(0);
  world = { failAt: '', error: new Error('no'), closed: new Set(), during: () => {} };
  answer = (method, request) => {
    if (method === 'RequestTunnelParams') {
      const { requestId } = decodeNewTunnelRequest(request);
      return encodeNewTunnelResponse(requestId, parameters(50 + Number(requestId)));
    }
    const { requestId, tunnels } = decodeMultiTunnelRequest(request);
    return encodeMultiTunnelResponse(
      requestId,
      tunnels.map((_, i) => parameters(50 + i)),
    );
  };
  client = new TunnelClient({
    clock,
    drain: NOT_DRAINING,
    random: { fill: () => {}, uint32: () => 0xffff_ffff },
    installer: {
      offer: async (of: readonly Session[]) => {
        step(`offer ${of.length}`);
        offers = of.map((session, i): Offer => {
          const ingress = { spi: i + 1, state: 'offered' } as IngressSpi;
          return { session, ingress, parameters: parameters(i + 1) };
        });
        return offers;
      },
      connect: async (some: readonly EgressRoute[]) => {
        step('connect');
        ways = some.map(({ session, parameters: way }) => ({
          session,
          parameters: { ...way, key: way.key.slice() },
        }));
        for (const { session, parameters: way } of some) {
          if (session.state === 'removed') continue;
          session.state = 'established';
          session.egress = { spi: way.spi } as never;
        }
      },
      close: async (some: readonly Offer[]) =>
        step(`close ${some.map(({ ingress }) => ingress.spi).join(' ')}`),
      isOpen: ({ ingress }: Offer) => !world.closed.has(ingress),
    } as never,
    retirement: {
      supersede: (_: Session, { spi }: IngressSpi, askedAtMs: number) =>
        step(`supersede ${spi} asked at ${askedAtMs - NOW_MS}`),
    } as never,
    transport: {
      call: async (
        _: unknown,
        method: RpcMethod,
        request: Uint8Array,
        { deadlineMs }: { deadlineMs: number },
      ) => {
        step(`call ${method} in ${deadlineMs}`);
        const one: (typeof calls)[number] = { method, request: request.slice(), response: undefined };
        calls.push(Object.assign(one, { live: request }));
        await clock.advance(30);
        await world.during();
        one.response = answer(method, request);
        return one.response;
      },
    } as never,
    limits: { rpcDeadlineMs: 700, backoffMinMs: BACKOFF_MIN_MS, backoffMaxMs: BACKOFF_MAX_MS } as never,
    versions,
    checkParameters: (_, { spi }, field) => step(`check ${spi} ${field}`),
    claimUnderlay: (_, all) => step(`claim ${all.length}`),
    peerListener: {
      onInstalled: (_, all) => step(`answered ${all.length}`),
      onAnswered: () => void answers++,
      onSilent: (_, ...why) => silent.push(why),
    },
    sessionListener: { onEstablished: (all) => step(`established ${all.length}`) },
    rekeyListener: { onRekeyNeeded: (all) => step(`dead ${all.length}`) },
    observe: (event) => events.push(event),
    signal: new AbortController().signal,
  });
});

const exchange = () =>
  client.exchange(peer, sessions).then(
    () => 'done',
    (error: RpcError) => `${error.code ?? 'error'}: ${error.details ?? error.message}`,
  );

describe('an exchange that succeeds', () => {
  test('offers SPIs, checks the answer, installs the ways out, and then retires older SPIs', async () => {
    peer.failures = 4;
    expect(await exchange()).toBe('done');
    expect(steps).toEqual([
      'offer 2',
      'call RequestMultipleTunnelParams in 700',
      'check 50 tunnels_params[0]',
      'check 51 tunnels_params[1]',
      'claim 2',
      'connect',
      'supersede 1 asked at 0',
      'supersede 2 asked at 0',
      'answered 2',
      'close ',
      'established 2',
    ]);
    expect(ways.map(({ session, parameters: { spi, key } }) => [session, spi, key[0]])).toEqual([
      [sessions[0], 50, 50],
      [sessions[1], 51, 51],
    ]);
    expect(peer).toMatchObject({ failures: 0, answeredAtMs: NOW_MS + 30 });
    expect(events).toEqual([
      { type: 'request-sent', peer: peer.name, tunnels: 2, method: 'RequestMultipleTunnelParams' },
      { type: 'request-answered', peer: peer.name, tunnels: 2 },
      ...[1, 2].map((number) => ({
        type: 'tunnel-established',
        peer: peer.name,
        localVip: sessions[number - 1]!.localVip,
        remoteVip: sessions[number - 1]!.remoteVip,
        spi: 49 + number,
        ingressSpi: number,
        cryptoId: undefined,
        askedBy: 'us',
      })),
    ]);
    expect(sessions.map(({ asking }) => asking)).toEqual([false, false]);
  });

  test('leaves no key in the request, the response or the offers', async () => {
    await exchange();
    const [call] = calls as unknown as { live: Uint8Array; response: Uint8Array }[];
    expect([wiped(call!.live), wiped(call!.response)]).toEqual([true, true]);
    expect(offers.every(({ parameters: { key } }) => wiped(key))).toBe(true);
  });

  test('asks for the way from us to each remote address, with the SPI for the other direction', async () => {
    await exchange();
    const request = decodeMultiTunnelRequest(calls[0]!.request);
    expect(request).toMatchObject({ requestId: 1n, versionsAccepted: [0], dialect: '3.x' });
    expect(
      request.tunnels.map(({ virtSource, virtDestination, reverse }) => [
        virtSource,
        virtDestination,
        reverse?.spi,
      ]),
    ).toEqual([
      ['192.168.1.1', '192.168.2.1', 1],
      ['192.168.1.1', '192.168.2.2', 2],
    ]);
  });

  test('is marked as under way meanwhile, and none is begun for a session that is asked for already', async () => {
    world.during = () =>
      expect(sessions.map(({ state, asking }) => [state, asking])).toEqual([
        ['requesting', true],
        ['requesting', true],
      ]);
    expect(await exchange()).toBe('done');
    sessions[1]!.asking = true;
    steps.length = 0;
    expect(await exchange()).toBe('ABORTED: a session is being asked for already, or gone');
    expect([steps, sessions[0]!.asking]).toEqual([[], false]);
  });

  test('closes what it offered for a session that was removed meanwhile', async () => {
    world.during = () => {
      sessions[1]!.state = 'removed';
    };
    expect(await exchange()).toBe('done');
    expect(steps).toContain('close 2');
    expect(steps).toContain('established 1');
    expect(steps.join()).not.toContain('dead');
  });

  test('tells of SPIs whose master key has ended meanwhile', async () => {
    world.during = () => void world.closed.add(offers[1]!.ingress);
    expect(await exchange()).toBe('done');
    expect(steps.at(-1)).toBe('dead 1');
  });
});

describe('a peer of another dialect', () => {
  const unknownRpc = (method: RpcMethod, request: Uint8Array) => {
    if (method === 'RequestMultipleTunnelParams') throw new RpcError('UNIMPLEMENTED', 'unknown');
    const { requestId } = decodeNewTunnelRequest(request);
    return encodeNewTunnelResponse(requestId, parameters(50 + Number(requestId)));
  };

  test('that does not know the plural is asked in the singular, now and from then on', async () => {
    answer = unknownRpc;
    expect(await exchange()).toBe('done');
    expect(peer.dialect).toBe('2.7');
    expect(calls.map(({ method }) => method)).toEqual([
      'RequestMultipleTunnelParams',
      'RequestTunnelParams',
      'RequestTunnelParams',
    ]);
    // Each with an id of its own.
    expect(ways.map(({ parameters: { spi } }) => spi)).toEqual([52, 53]);
    calls.length = 0;
    await exchange();
    expect(calls.map(({ method }) => method)).toEqual(['RequestTunnelParams', 'RequestTunnelParams']);
  });

  test('is not taken for another one where that is configured, or where it only fails', async () => {
    answer = unknownRpc;
    Object.assign(peer, { dialect: '3.x', dialectFixed: true });
    expect(await exchange()).toBe('UNIMPLEMENTED: unknown');
    Object.assign(peer, { dialectFixed: false });
    answer = () => {
      throw new RpcError('UNAVAILABLE', 'down');
    };
    for (const session of sessions) session.state = 'idle';
    expect(await exchange()).toBe('UNAVAILABLE: down');
    expect(peer.dialect).toBe('3.x');
  });

  test('of 2.8 gets its fields', async () => {
    peer.dialect = '2.8';
    await exchange();
    expect(decodeMultiTunnelRequest(calls[0]!.request).dialect).toBe('2.8');
  });
});

describe('an exchange that fails', () => {
  test.each([
    ['DEADLINE_EXCEEDED', true],
    ['UNAVAILABLE', true],
    ['CANCELLED', true],
    ['UNKNOWN', true],
    ['INTERNAL', true],
    ['ABORTED', true],
    ['PERMISSION_DENIED', false],
    ['RESOURCE_EXHAUSTED', false],
  ] as const)('with %s: SPIs that the peer may have stay open: %s', async (code, stays) => {
    answer = () => {
      throw new RpcError(code, 'failed', 'unreachable');
    };
    expect(await exchange()).toBe(`${code}: failed`);
    expect(steps.at(-1)).toBe(stays ? 'close ' : 'close 1 2');
    expect(offers.map(({ ingress }) => ingress.state)).toEqual(['doubtful', 'doubtful']);
    expect(sessions).toMatchObject([
      { state: 'backing-off', failures: 1, asking: false },
      { state: 'backing-off', failures: 1, asking: false },
    ]);
    expect(events.at(-1)).toEqual({
      type: 'request-failed',
      peer: peer.name,
      reason: expect.stringContaining('failed'),
    });
    expect(peer.failures).toBe(1);
    const isSilent = code === 'DEADLINE_EXCEEDED' || code === 'UNAVAILABLE';
    expect(silent).toEqual(isSilent ? [[`${code}: failed`, 'unreachable']] : []);
    expect(answers).toBe(isSilent || code === 'CANCELLED' ? 0 : 1);
    expect(peer.failure).toMatchObject({ code });
  });

  test('is told to be silence after three seconds, although an answer may come, and not where the peer is heard of', async () => {
    const slow = () => {
      throw new RpcError('DEADLINE_EXCEEDED', 'no answer within 5000 ms');
    };
    answer = slow;
    world.during = () => clock.advance(2970);
    await exchange();
    expect(silent).toEqual([
      ['no answer within 3000 ms'],
      ['DEADLINE_EXCEEDED: no answer within 5000 ms', undefined],
    ]);
    silent.length = 0;
    world.during = () => clock.advance(2969);
    await exchange();
    expect(silent).toHaveLength(1);
    silent.length = 0;
    world.during = () => {
      peer.heardAtMs = clock.nowMs();
      return clock.advance(2970);
    };
    await exchange();
    expect(silent).toHaveLength(1);
  });

  test('waits for longer each time', async () => {
    answer = () => {
      throw new RpcError('UNAVAILABLE', 'down');
    };
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      await exchange();
      waits.push(Math.round(sessions[0]!.retryAtMs - clock.nowMs()));
    }
    expect(waits).toEqual([100, 200, 400, 800, 1000]);
  });

  test('before anything was sent closes what was opened, and wipes the keys', async () => {
    Object.assign(world, { failAt: 'call', error: new Error('no') });
    expect(await exchange()).toBe('error: no');
    expect(steps.at(-1)).toBe('close 1 2');
    expect(offers.every(({ parameters: { key } }) => wiped(key))).toBe(true);
    Object.assign(world, { failAt: 'offer' });
    expect(await exchange()).toBe('error: no');
  });

  test('after the answer leaves the SPIs open, which the peer has', async () => {
    for (const at of ['check', 'claim', 'connect']) {
      steps.length = 0;
      for (const session of sessions) session.state = 'idle';
      world.failAt = at;
      expect(await exchange()).toBe('error: no');
      expect(steps.at(-1)).toBe('close ');
      expect(steps.join()).not.toContain('supersede');
    }
  });

  test.each([
    ['offer', undefined, 0],
    ['check', 'RESOURCE_EXHAUSTED', 1],
    ['connect', undefined, 1],
  ] as const)(
    'at the step %s: the failure has the code %s, and the peer has answered %i times',
    async (failAt, code, times) => {
      Object.assign(world, { failAt, error: new RpcError('RESOURCE_EXHAUSTED', 'none free') });
      await exchange();
      expect(peer.failure).toEqual({
        atMs: expect.any(Number),
        code,
        reason: 'RESOURCE_EXHAUSTED: none free',
      });
      expect(answers).toBe(times);
    },
  );

  test('because the answer is of another version, of another number, or none', async () => {
    answer = (_, request) => {
      const { requestId, tunnels } = decodeMultiTunnelRequest(request);
      const other = { pspVersion: 1 as const, key: new Uint8Array(32) };
      return encodeMultiTunnelResponse(
        requestId,
        tunnels.map((_one, i) => parameters(50 + i, i === 1 ? other : {})),
      );
    };
    expect(await exchange()).toBe('INVALID_ARGUMENT: psp_version 1 was not asked for');
    expect(versions.refused).toEqual({ requests: 0, answers: 1 });
    expect(steps.join()).not.toContain('connect');
    let response = new Uint8Array();
    answer = (_, request) => {
      response = encodeMultiTunnelResponse(decodeMultiTunnelRequest(request).requestId, [
        parameters(50),
      ]) as never;
      return response;
    };
    expect(await exchange()).not.toBe('done');
    expect(wiped(response)).toBe(true);
  });

  test('leaves a session as it is that has been removed, or that the peer established meanwhile', async () => {
    world.during = () => {
      sessions[0]!.state = 'removed';
      sessions[1]!.state = 'established';
      throw new RpcError('PERMISSION_DENIED', 'no');
    };
    await exchange();
    expect(sessions.map(({ state }) => state)).toEqual(['removed', 'established']);
    expect(sessions[0]!.failures).toBe(0);
    sessions[0]!.state = 'idle';
    world.during = () => {
      sessions[0]!.state = 'removed';
      throw new RpcError('UNAVAILABLE', 'no');
    };
    await exchange();
    expect(steps.at(-1)).toBe('close 1');
  });
});
