/** What becomes of a peer's request, step by step: who may ask for what, what it costs, and that a refusal leaves nothing. */

import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../../../src/base/virtual-clock.js';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { PeerOptions } from '../../../../src/gateway/options.js';
import { type Peer, Peers } from '../../../../src/gateway/peers.js';
import { RpcError, type TunnelRpc } from '../../../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelResponse,
  decodeNewTunnelResponse,
  encodeKeyRotationRequest,
  encodeKeyRotationResponse,
  encodeMultiTunnelRequest,
  encodeNewTunnelRequest,
  type TunnelParameters,
  type TunnelRequest,
} from '../../../../src/gateway/rpc/tunnel-messages.js';
import type { EgressRoute } from '../../../../src/gateway/sessions/egress-routes.js';
import type { Offer } from '../../../../src/gateway/sessions/ingress-spis.js';
import type { Wanted } from '../../../../src/gateway/sessions/places.js';
import { type IngressSpi, newSession, type Session } from '../../../../src/gateway/sessions/session.js';
import { TunnelService } from '../../../../src/gateway/sessions/tunnel-service.js';
import { Versions } from '../../../../src/gateway/sessions/versions.js';
import { HalError } from '../../../../src/hal/errors.js';
import { parseIp } from '../../../../src/packet/address.js';
import { NOT_DRAINING } from '../../../support/peers.js';

const LOCAL = ['192.168.1.1', '192.168.1.2', '192.168.1.3'].map(parseIp);
const remote = (number: number, of = 2) => parseIp(`192.168.${of}.${number}`);
const TUNNELS_MAX = 10;
const BURST = 20;

const parameters = (spi: number, more: Partial<TunnelParameters> = {}): TunnelParameters => ({
  mac: '02:00:00:00:00:01' as never,
  underlayIp: parseIp('203.0.113.2'),
  pspVersion: 0,
  spi,
  key: new Uint8Array(16).fill(spi),
  cookie: 0n,
  ...more,
});
const tunnel = (number: number, reverse?: TunnelParameters, local = 0): TunnelRequest => ({
  virtSource: remote(number),
  virtDestination: LOCAL[local]!,
  reverse,
});

let clock: VirtualClock;
let peers: Peers;
let service: TunnelService;
let versions: Versions;
/** What was done, in order. */
let steps: string[];
let events: GatewayEvent[];
let offered: Offer[];
let closed: Set<IngressSpi>;
let sessions: Map<string, Session>;
let world: {
  failAt: string | undefined;
  error: unknown;
  onConnect: () => void;
  rotate: () => Promise<void>;
};

const step = (what: string) => {
  steps.push(what);
  if (world.failAt === what.split(' ')[0]) throw world.error;
};

beforeEach(() => {
  clock = createVirtualClock();
  steps = [];
  events = [];
  offered = [];
  closed = new Set();
  sessions = new Map();
  world = { failAt: undefined, error: undefined, onConnect: () => {}, rotate: async () => {} };
  const peer = (number: number, more: Partial<PeerOptions> = {}): PeerOptions => ({
    serviceAddress: { host: parseIp(`10.0.0.${number}`), port: 3000 },
    virtualIps: Array.from({ length: 30 }, (_, i) => remote(i + 1, number)),
    ...more,
  });
  peers = new Peers({
    peers: [peer(2, { mayRotate: true }), peer(3), peer(4, { dialect: '2.7' })],
    localVips: LOCAL,
    budgets: { tunnelsPerSecond: 10, tunnelsBurst: BURST, spisPerHour: 1000, rotationIntervalMs: 60_000 },
    mayRotate: false,
    nowMs: () => clock.nowMs(),
  });
  versions = new Versions(1);
  let spi = 100;
  const installer = {
    open: async (wanted: readonly Wanted[], granting: boolean) => {
      expect(granting).toBe(true);
      step(`open ${wanted.length}`);
      return wanted.map(({ localVip, remoteVip, peer: owner, holder }) => {
        const pair = `${localVip} ${remoteVip}`;
        const known = sessions.get(pair) ?? newSession(localVip, remoteVip, owner, holder, 0);
        sessions.set(pair, known);
        return known;
      });
    },
    offer: async (of: readonly Session[], version: number) => {
      step(`offer ${of.length} version ${version}`);
      const offers = of.map((session): Offer => {
        spi++;
        const ingress = { spi, state: 'offered' } as IngressSpi;
        session.ingress = [...session.ingress, ingress];
        return {
          session,
          ingress,
          parameters: parameters(spi, {
            pspVersion: version as 0,
            key: new Uint8Array(version === 0 ? 16 : 32).fill(9),
          }),
        };
      });
      offered.push(...offers);
      return offers;
    },
    connect: async (ways: readonly EgressRoute[]) => {
      step(`connect ${ways.map(({ parameters: way }) => way.spi).join(' ')}`);
      for (const { session } of ways) session.state = 'established';
      world.onConnect();
    },
    close: async (closing: readonly Offer[]) => {
      step(`close ${closing.length}`);
      for (const { session, ingress } of closing)
        session.ingress = session.ingress.filter((one) => one !== ingress);
    },
    remove: async (of: readonly Session[], unwanted: (session: Session) => boolean) => {
      step(`remove ${of.filter(unwanted).length} of ${of.length}`);
    },
    granted: (of: readonly Session[]) => step(`granted ${of.length}`),
    isOpen: ({ ingress }: Offer) => !closed.has(ingress),
  };
  service = new TunnelService({
    installer: installer as never,
    retirement: {
      supersede: (_: Session, { spi: newer }: IngressSpi) => step(`supersede ${newer}`),
    } as never,
    peers,
    limits: { tunnelsPerRequest: TUNNELS_MAX } as never,
    versions,
    checkParameters: (peer, way, field) => step(`check ${way.spi} of ${peer.name} in ${field}`),
    claimUnderlay: (peer, ways) => step(`claim ${ways.length} for ${peer.name}`),
    rotateNow: (issueNewKeys) => {
      step(`rotate ${issueNewKeys}`);
      return world.rotate();
    },
    clock,
    drain: NOT_DRAINING,
    peerListener: { onInstalled: (peer, ways) => step(`tell-granted ${peer.name} ${ways.length}`) },
    sessionListener: { onEstablished: (of) => step(`tell-established ${of.length}`) },
    observe: (event) => events.push(event),
  });
});

/** A caller that has proved to be the peer at 10.0.0.`number`. */
const caller = (number: number) => ({
  authenticated: true,
  names: [{ type: 'ip' as const, value: parseIp(`10.0.0.${number}`) }],
  source: undefined,
  from: `10.0.0.${number}:9`,
});
const call = (method: TunnelRpc, octets: Uint8Array, from = 2) =>
  service.handle(method, octets, caller(from) as never);
const many = (
  tunnels: readonly TunnelRequest[],
  versionsAccepted: readonly number[] = [0],
  dialect: '2.8' | '3.x' = '3.x',
) => encodeMultiTunnelRequest(dialect, { requestId: 5n, versionsAccepted, tunnels });
const askFor = (tunnels: readonly TunnelRequest[], from = 2) =>
  call('RequestMultipleTunnelParams', many(tunnels), from);
/** Nothing of the gateway's was touched. */
const untouched = () => steps.every((one) => /^(check|claim) /.test(one));
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('a request for tunnels', () => {
  test('is granted: sessions, SPIs, ways out, and older SPIs retire before the answer goes', async () => {
    const answer = await askFor([tunnel(1, parameters(7)), tunnel(2)]);
    expect(steps).toEqual([
      'check 7 of 10.0.0.2:3000 in tunnels[0].reverse_params',
      'claim 1 for 10.0.0.2:3000',
      'open 2',
      'offer 2 version 0',
      'connect 7',
      'supersede 101',
      'supersede 102',
      'tell-granted 10.0.0.2:3000 1',
      'tell-established 1',
      'granted 2',
    ]);
    const given = decodeMultiTunnelResponse(answer, 2, 5n);
    expect(given.map(({ spi, key }) => [spi, key[0]])).toEqual([
      [101, 9],
      [102, 9],
    ]);
    expect(events).toEqual([
      { type: 'request-received', from: '10.0.0.2:9', tunnels: 2 },
      { type: 'request-granted', from: '10.0.0.2:9', tunnels: 2 },
    ]);
    expect(service.refused.size).toBe(0);
  });

  test('without a way for the other direction installs none', async () => {
    await askFor([tunnel(1)]);
    expect(steps).toContain('tell-established 0');
    expect(steps.filter((one) => one.startsWith('connect'))).toEqual([]);
  });

  test('in the singular is answered in the singular', async () => {
    const request = encodeNewTunnelRequest(8n, [1], tunnel(1, parameters(7)));
    const answer = await call('RequestTunnelParams', request);
    expect(decodeNewTunnelResponse(answer, 8n)).toMatchObject({ spi: 101, pspVersion: 1 });
  });

  test('gets the first version that it accepts and this gateway speaks', async () => {
    await call('RequestMultipleTunnelParams', many([tunnel(1)], [7, 1, 0]));
    expect(steps).toContain('offer 1 version 1');
  });

  test('of no version that this gateway speaks is refused, with some of those that were asked for', async () => {
    const versions = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    await expect(call('RequestMultipleTunnelParams', many([tunnel(1)], versions))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details:
        'psp_versions_accepted: 2, 3, 4, 5, 6, 7, 8, 9; this gateway speaks 0 and 1 (AES-GMAC leaves payload readable; --psp-version does not ask for it here)',
    });
    await expect(call('RequestMultipleTunnelParams', many([tunnel(1)], [4]))).rejects.toMatchObject({
      details: 'psp_versions_accepted: 4; this gateway speaks 0 and 1',
    });
    expect(untouched()).toBe(true);
  });

  test('is of the peer that owns the address, whom that says to be of a dialect, unless that is configured', async () => {
    await call('RequestMultipleTunnelParams', many([tunnel(1, parameters(7))], [0], '2.8'));
    expect(peers.all[0]!.dialect).toBe('2.8');
    await call('RequestTunnelParams', encodeNewTunnelRequest(8n, [0], tunnel(2)));
    expect(peers.all[0]!.dialect).toBe('2.8');
    const other = { virtSource: remote(1, 4), virtDestination: LOCAL[0]!, reverse: parameters(8) };
    await call('RequestMultipleTunnelParams', many([other], [0]), 4);
    expect(peers.all[2]!.dialect).toBe('2.7');
    expect([...sessions.values()].map(({ peer }) => peer.name)).toEqual([
      '10.0.0.2:3000',
      '10.0.0.2:3000',
      '10.0.0.4:3000',
    ]);
  });

  test('gives a session of an owner that was unknown its peer', async () => {
    await askFor([tunnel(1)]);
    const [session] = [...sessions.values()];
    session!.peer = {} as Peer;
    await askFor([tunnel(1)]);
    expect(session!.peer).toBe(peers.all[0]);
  });

  test.each([
    ['of nobody', () => askFor([tunnel(1)], 9), 'PERMISSION_DENIED', /no configured peer/],
    ['for the address of another peer', () => askFor([tunnel(1)], 3), 'PERMISSION_DENIED', /does not belong/],
    [
      'for an address that is not ours',
      () => askFor([{ ...tunnel(1), virtDestination: remote(7) }]),
      'PERMISSION_DENIED',
      /not behind/,
    ],
    ['for nothing', () => askFor([]), 'INVALID_ARGUMENT', /^tunnels: none asked for$/],
    [
      'for one pair twice',
      () => askFor([tunnel(1), tunnel(2), tunnel(1)]),
      'INVALID_ARGUMENT',
      /^tunnels\[2\]: .* is there twice$/,
    ],
    [
      'for too many',
      () => askFor(numbers(TUNNELS_MAX + 1).map((i) => tunnel(i))),
      'RESOURCE_EXHAUSTED',
      /^tunnels: 11 in one request; at most 10 /,
    ],
    [
      'with a way of a version that this gateway does not speak',
      () => askFor([tunnel(1, parameters(7, { pspVersion: 2 }))]),
      'INVALID_ARGUMENT',
      /^tunnels\[0\].reverse_params.psp_version: 2 \(AES-GMAC leaves payload readable; /,
    ],
    [
      'that is none',
      () => call('RequestMultipleTunnelParams', Uint8Array.of(255, 255)),
      'INVALID_ARGUMENT',
      /./,
    ],
    ['for taking over', () => call('GetOpState', new Uint8Array()), 'UNIMPLEMENTED', /not there yet/],
    ['for handing over', () => call('SetOpState', new Uint8Array()), 'UNIMPLEMENTED', /not there yet/],
  ] as const)('%s is refused before anything is done, and counted', async (_, ask, code, details) => {
    await expect(ask()).rejects.toMatchObject({ code, details: expect.stringMatching(details) });
    expect(untouched()).toBe(true);
    expect(steps.filter((one) => one.startsWith('claim'))).toEqual([]);
    expect([...service.refused]).toEqual([[code, 1]]);
    await expect(ask()).rejects.toThrow();
    expect([...service.refused]).toEqual([[code, 2]]);
  });

  test('for as many as may be asked for at once, or for one remote address from several of ours, is granted', async () => {
    await askFor(numbers(TUNNELS_MAX).map((i) => tunnel(i)));
    await askFor([tunnel(1, undefined, 0), tunnel(1, undefined, 1)]);
    expect(service.refused.size).toBe(0);
  });
});

describe('a request that fails on the way', () => {
  const fail = async (at: string, error: unknown, tunnels = [tunnel(1, parameters(7)), tunnel(2)]) => {
    Object.assign(world, { failAt: at, error });
    return askFor(tunnels).then(
      () => 'granted',
      ({ code, details }: RpcError) => `${code}: ${details}`,
    );
  };

  test('takes back what was done, and what was made for it', async () => {
    expect(await fail('connect', new RpcError('ABORTED', 'gone'))).toBe('ABORTED: gone');
    expect(steps.slice(-4)).toEqual(['connect 7', 'close 2', 'remove 2 of 2', 'granted 2']);
    expect(offered.every(({ parameters: { key } }) => key.every((octet) => octet === 0))).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(['request-received']);
  });

  test('leaves sessions that were there before, or that somebody else has begun to use meanwhile', async () => {
    await askFor([tunnel(1)]);
    steps.length = 0;
    expect(await fail('connect', new RpcError('ABORTED', 'gone'))).toBe('ABORTED: gone');
    expect(steps).toContain('remove 1 of 1');
    for (const change of [{ state: 'requesting' as const }, { ingress: [{} as IngressSpi] }]) {
      steps.length = 0;
      sessions.clear();
      world.failAt = undefined;
      world.onConnect = () => {
        for (const session of sessions.values()) Object.assign(session, { state: 'idle' }, change);
        throw new RpcError('ABORTED', 'gone');
      };
      await expect(askFor([tunnel(1, parameters(7))])).rejects.toThrow();
      expect(steps).toContain('remove 0 of 1');
    }
  });

  test('before anything was opened keeps nobody from taking places, and is not granted', async () => {
    await fail('offer', new RpcError('RESOURCE_EXHAUSTED', 'full'));
    expect(steps.slice(-3)).toEqual(['close 0', 'remove 2 of 2', 'granted 2']);
    steps.length = 0;
    await fail('open', new RpcError('RESOURCE_EXHAUSTED', 'full'));
    expect(steps.at(-1)).toBe('open 2');
  });

  test.each([
    [new HalError('FULL', 'no room'), 'RESOURCE_EXHAUSTED: the device is full'],
    [new HalError('EMPTY', 'no SPIs'), 'RESOURCE_EXHAUSTED: the device is full'],
    [new HalError('IO_FAILED', 'secrets of the device'), 'INTERNAL: internal error'],
    [new Error('a defect of ours'), 'INTERNAL: internal error'],
  ])('tells the peer of %s no more than it may know', async (error, told) => {
    expect(await fail('offer', error)).toBe(told);
    expect([...service.refused.keys()]).toEqual([told.split(':')[0]]);
  });

  test('because a session was removed meanwhile is to be asked again', async () => {
    world.onConnect = () => {
      [...sessions.values()][1]!.state = 'removed';
    };
    await expect(askFor([tunnel(1, parameters(7)), tunnel(2)])).rejects.toMatchObject({ code: 'ABORTED' });
    expect(steps).toContain('close 2');
  });

  test('because the key of an SPI has ended meanwhile leaves the peer its own SPI', async () => {
    world.onConnect = () => void closed.add(offered[1]!.ingress);
    await expect(askFor([tunnel(1, parameters(7)), tunnel(2)])).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(steps.filter((one) => one.startsWith('supersede'))).toEqual([]);
  });

  test('leaves no key in the request, the offers or what was decoded of it', async () => {
    const request = many([tunnel(1, parameters(7))]);
    await call('RequestMultipleTunnelParams', request);
    expect(request.every((octet) => octet === 0)).toBe(true);
    expect(offered[0]!.parameters.key.every((octet) => octet === 0)).toBe(true);
    const refused = many([tunnel(1, parameters(7))]);
    await expect(call('RequestMultipleTunnelParams', refused, 9)).rejects.toThrow();
    expect(refused.every((octet) => octet === 0)).toBe(true);
  });
});

describe('a peer that asks for more than it may', () => {
  const outcome = (asked: Promise<Uint8Array>) => {
    const seen: { at?: number; said?: string } = {};
    asked.then(
      () => Object.assign(seen, { at: clock.nowMs(), said: 'granted' }),
      ({ code, details }: RpcError) =>
        Object.assign(seen, { at: clock.nowMs(), said: `${code}: ${details}` }),
    );
    return seen;
  };

  test('is refused late, with the time to wait, and others are not', async () => {
    for (let i = 0; i < 2; i++) await askFor(numbers(TUNNELS_MAX).map((n) => tunnel(n)));
    const seen = outcome(askFor(numbers(TUNNELS_MAX).map((n) => tunnel(n))));
    await clock.advance(999);
    expect(seen.said).toBeUndefined();
    await clock.advance(1001);
    expect(seen.said).toBe('RESOURCE_EXHAUSTED: too many tunnels asked for; ask again in 1 s');
    expect([service.overBudget, [...service.refused]]).toEqual([1, [['RESOURCE_EXHAUSTED', 1]]]);
    const other = { virtSource: remote(1, 3), virtDestination: LOCAL[0]!, reverse: undefined };
    expect(await askFor([other], 3)).toBeInstanceOf(Uint8Array);
  });

  test('pays for a long message before it is read, whatever is in it', async () => {
    const seen = outcome(call('RequestMultipleTunnelParams', new Uint8Array(256 * BURST + 1).fill(255)));
    await clock.advance(2000);
    expect(seen.said).toBe('RESOURCE_EXHAUSTED: too many tunnels asked for; ask for fewer at once');
    const all = outcome(call('RequestMultipleTunnelParams', new Uint8Array(256 * BURST).fill(255)));
    await clock.advance(0);
    expect(all.said).toMatch(/^INVALID_ARGUMENT/);
    const one = outcome(call('RequestTunnelParams', Uint8Array.of(255)));
    await clock.advance(2000);
    expect(one.said).toMatch(/^INVALID_ARGUMENT|ask again/);
  });

  test('pays for each tunnel, not for each message', async () => {
    await askFor(numbers(TUNNELS_MAX).map((n) => tunnel(n)));
    await askFor(numbers(TUNNELS_MAX - 1).map((n) => tunnel(n)));
    await askFor([tunnel(1)]);
    const seen = outcome(askFor([tunnel(1)]));
    await clock.advance(2000);
    expect(seen.said).toMatch(/ask again in 1 s/);
  });

  test('gets its refusals one after the other and not all at once; more than 1,024 do not wait', async () => {
    for (let i = 0; i < 2; i++) await askFor(numbers(TUNNELS_MAX).map((n) => tunnel(n)));
    const all = Array.from({ length: 1030 }, () =>
      outcome(call('RequestTunnelParams', new Uint8Array(256 * BURST))),
    );
    await clock.advance(0);
    expect(all.filter(({ said }) => said !== undefined)).toHaveLength(6);
    await clock.advance(2000);
    const late = all.filter(({ at }) => at !== undefined && at > 0).map(({ at }) => at!);
    expect(late).toHaveLength(1024);
    expect([Math.min(...late) >= 1000, Math.max(...late) < 2000]).toEqual([true, true]);
    expect(new Set(late).size).toBe(1000);
    // They wait no more, so the next ones do.
    const next = Array.from({ length: 1025 }, () =>
      outcome(call('RequestTunnelParams', new Uint8Array(256 * BURST))),
    );
    await clock.advance(0);
    expect(next.filter(({ said }) => said !== undefined)).toHaveLength(1);
  });
});

describe('a request for a rotation', () => {
  const rotate = (from = 2, issueNewKeys = true) =>
    call('RequestKeyRotation', encodeKeyRotationRequest(6n, issueNewKeys), from);

  test('of a peer that may is granted, with what it asks for', async () => {
    expect(await rotate()).toEqual(encodeKeyRotationResponse(6n));
    await clock.advance(60_000);
    await rotate(2, false);
    expect(steps).toEqual(['rotate true', 'rotate false']);
  });

  test('of another one is refused', async () => {
    await expect(rotate(3)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(rotate(9)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(steps).toEqual([]);
  });

  test('too soon after the last one is refused, with the time to wait', async () => {
    await rotate();
    await clock.advance(10_000);
    await expect(rotate()).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      details: 'the master key was rotated at your request a short while ago; ask again in 50 s',
    });
  });

  test('that was not granted does not count', async () => {
    world.rotate = () => Promise.reject(new RpcError('FAILED_PRECONDITION', 'too early'));
    await expect(rotate()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    world.rotate = async () => {};
    await rotate();
  });
});
