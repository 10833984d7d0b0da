/** What a gateway shows of itself, and what it does when its operator asks for it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DoorView } from '../../../src/gateway/doors/door-view.js';
import type { PeerOptions } from '../../../src/gateway/options.js';
import { RpcError } from '../../../src/gateway/rpc/transport.js';
import { GatewayStartError } from '../../../src/gateway/surroundings.js';
import type { TunnelSelection } from '../../../src/gateway/view.js';
import type { PortStatus } from '../../../src/hal/hal.js';
import { parseIp } from '../../../src/packet/address.js';
import { parsePrefix } from '../../../src/packet/prefix.js';
import { idsOf, TestNetwork, type TestNode, vip } from '../../support/gateways.js';

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });

/** Names of two addresses and a prefix, and of one address and a dialect. */
const PEERS: PeerOptions[] = [
  {
    serviceAddress: serviceOf(2),
    virtualIps: [vip(2), vip(22)],
    virtualPrefixes: [parsePrefix('10.1.0.0/24')],
  },
  { serviceAddress: serviceOf(3), virtualIps: [vip(3)], dialect: '2.8' },
];
const pair = (number: number, local = 1) => ({ localVip: vip(local), remoteVip: vip(number) });
const callsFrom = (node: TestNode, number: number) =>
  node.events.filter((event) => event.type === 'request-sent' && event.peer === `10.0.0.${number}:3000`)
    .length;

describe('the view', () => {
  test('of a gateway that has just started names its peers, and else nothing but zeros', async () => {
    const ports: PortStatus[] = [{ name: 'p0', state: 'gone' }];
    const doors = { connections: 7 } as unknown as DoorView;
    const a = await net.start(1, [], {
      peers: PEERS,
      maxTunnels: 8,
      ports: () => ports,
      wrapTransport: (transport) => ({ ...transport, doors: () => doors }),
    });
    const view = a.gateway.view();
    expect(view).toMatchObject({
      serviceAddress: serviceOf(1),
      sessions: [],
      peers: [
        {
          name: '10.0.0.2:3000',
          virtualIps: 2,
          virtualPrefixes: 1,
          dialect: undefined,
          answeredAtMs: undefined,
        },
        { name: '10.0.0.3:3000', virtualIps: 1, virtualPrefixes: 0, dialect: '2.8', answeredAtMs: undefined },
      ],
      underlay: { refused: {}, changes: 0, watched: 0, watchRefused: 0, heldPassed: 0 },
      tables: { capacity: 8, share: 8, holders: 0, dormant: 0, refused: 0 },
      slowPath: { misses: 0, overflowed: 0, expired: 0 },
      segment: undefined,
      refused: {},
      refusedByDevice: { removals: 0, spis: 0 },
      recovery: {
        announcementsSent: 2,
        announcementsAnswered: 0,
        underlayAddresses: 0,
        unknownSourcePackets: 0n,
      },
    });
    expect(view.ports).toBe(ports);
    expect(view.doors).toBe(doors);
    for (const name of [
      'keySlotsUsed',
      'spisRetiring',
      'spisOfFormerKey',
      'entriesLeft',
      'rotations',
      'refusedOverBudget',
    ] as const)
      expect(view[name], name).toBe(0);
  });

  test('where nobody watches ports, and no control plane has doors, says so', async () => {
    const { ports, doors } = (await net.start(1, [2])).gateway.view();
    expect([ports, doors]).toEqual([[], undefined]);
  });

  test('tells of each session, peer and address what has become of it, as each end sees it', async () => {
    const a = await net.start(1, [], { peers: PEERS, maxTunnels: 8 });
    const b = await net.start(2, [1]);
    net.send(a, 2, [1, 2]);
    net.send(a, 3, [3, 4, 5]);
    await net.run(3000);
    const [here, there] = [a.gateway.view(), b.gateway.view()];
    expect(here.sessions).toEqual([
      {
        ...pair(2),
        peer: '10.0.0.2:3000',
        state: 'established',
        ingressSpis: [1],
        egressSpi: there.sessions[0]!.ingressSpis[0],
        readable: false,
        keySlot: 1,
        waitingPackets: 0,
        establishedAtMs: expect.any(Number),
        receivedAtMs: undefined,
        failures: 0,
        retryAtMs: undefined,
        holder: vip(1),
      },
      {
        ...pair(3),
        peer: '10.0.0.3:3000',
        state: 'backing-off',
        ingressSpis: expect.anything(),
        egressSpi: undefined,
        readable: false,
        keySlot: undefined,
        waitingPackets: 3,
        establishedAtMs: undefined,
        receivedAtMs: undefined,
        failures: expect.any(Number),
        retryAtMs: expect.any(Number),
        holder: vip(1),
      },
    ]);
    expect(here.peers).toEqual([
      {
        name: '10.0.0.2:3000',
        virtualIps: 2,
        virtualPrefixes: 1,
        owns: { addresses: [vip(2), vip(22)], prefixes: [parsePrefix('10.1.0.0/24')] },
        identities: [{ type: 'ip', value: '10.0.0.2' }],
        dialect: undefined,
        failures: 0,
        answeredAtMs: expect.any(Number),
        heardAtMs: expect.any(Number),
        silentSinceMs: undefined,
        silentReason: undefined,
        silentProblem: undefined,
        failure: undefined,
        established: 1,
        sessions: 1,
        mayRotate: true,
        refused: { requests: 0, rotations: 0 },
        spisGiven: 0,
        underlay: [{ address: '2001:db8::2', origin: 'learnt', confirmed: false }],
      },
      {
        name: '10.0.0.3:3000',
        virtualIps: 1,
        virtualPrefixes: 0,
        owns: { addresses: [vip(3)], prefixes: [] },
        identities: [{ type: 'ip', value: '10.0.0.3' }],
        dialect: '2.8',
        failures: expect.any(Number),
        answeredAtMs: undefined,
        heardAtMs: undefined,
        silentSinceMs: expect.any(Number),
        silentReason: expect.any(String),
        silentProblem: undefined,
        failure: {
          atMs: expect.any(Number),
          code: 'UNAVAILABLE',
          reason: expect.stringContaining('UNAVAILABLE'),
        },
        established: 0,
        sessions: 1,
        mayRotate: true,
        refused: { requests: 0, rotations: 0 },
        spisGiven: 0,
        underlay: [],
      },
    ]);
    expect(here.peers[1]!.failures).toBe(callsFrom(a, 3));
    expect(here).toMatchObject({
      sessionsByState: { established: 1, 'backing-off': 1 },
      device: { hal: 'sim' },
      keySlots: 16,
      spis: { given: expect.any(Number), left: 2 ** 31 - 1 - here.spis.given },
      rotation: { nextAtMs: undefined, waiting: undefined },
      eventLinesLeftOut: 0,
      keySlotsUsed: 1,
      underlay: { watched: 1 },
      tables: { holders: 1 },
      slowPath: { misses: 5, resubmitted: 2 },
      recovery: {
        announcementsSent: 2,
        announcementsAnswered: 1,
        announcementsFailed: 1,
        announcementsReceived: 1,
        underlayAddresses: 1,
      },
    });
    expect(there.sessions).toMatchObject([{ localVip: vip(2), remoteVip: vip(1), holder: '10.0.0.1:3000' }]);
    expect(there.peers).toMatchObject([
      { spisGiven: 1, dialect: '3.x', underlay: [{ address: '2001:db8::1', confirmed: true }] },
    ]);
  });

  test('in transport mode tells what of the segment has passed, and nothing of proofs', async () => {
    const a = await net.start(1, [2], { mode: 'transport' });
    await net.start(2, [1], { mode: 'transport' });
    await Promise.all([a.gateway.connect([pair(2)]), net.run(500)]);
    const { segment, underlay } = a.gateway.view();
    expect(segment).toBeDefined();
    expect(underlay).toMatchObject({ watched: 0, watchRefused: 0 });
  });

  test('counts retiring SPIs, those of the former master key, and rotations', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    await Promise.all([a.gateway.connect([pair(2)]), net.run(500)]);
    await Promise.all([a.gateway.rotateMasterKey(false), net.run(200)]);
    expect(a.gateway.view()).toMatchObject({ rotations: 1, spisOfFormerKey: 1, spisRetiring: 0 });
    await Promise.all([a.gateway.rekey(), net.run(500)]);
    expect(a.gateway.view()).toMatchObject({ rotations: 1, spisRetiring: 1 });
    await net.run(10_000);
    expect(a.gateway.view()).toMatchObject({ spisOfFormerKey: 0, spisRetiring: 0 });
  });
});

describe('what others see of a running gateway', () => {
  test('are its sessions by peer and address, used last first, and how many more there are', async () => {
    const a = await net.start(1, [], { peers: PEERS });
    const b = await net.start(2, [1], { localVirtualIps: [vip(22)] });
    await Promise.all([a.gateway.connect([pair(2), pair(22)]), net.run(1000)]);
    net.send(a, 3, [9]);
    net.send(b, 1, [1, 2, 3]);
    await net.run(1000);
    const of = async (selection: TunnelSelection, most = 10) => {
      const { tunnels, leftOut } = await a.gateway.tunnels(selection, most);
      return [tunnels.map(({ remoteVip }) => remoteVip).sort(), leftOut];
    };
    expect(await of({})).toEqual([[vip(2), vip(22), vip(3)], 0]);
    expect(await of({ peer: '10.0.0.2:3000' })).toEqual([[vip(2), vip(22)], 0]);
    expect(await of({ peer: '10.0.0.3' })).toEqual([[vip(3)], 0]);
    expect(await of({ peer: '10.0.0.2', vip: vip(22) })).toEqual([[vip(22)], 0]);
    expect(await of({ vip: vip(1) })).toEqual([[vip(2), vip(22), vip(3)], 0]);
    expect(await of({ vip: vip(4) })).toEqual([[], 0]);
    expect((await a.gateway.tunnels({}, 2)).leftOut).toBe(1);
    const [tunnel] = (await a.gateway.tunnels({ vip: vip(2) }, 1)).tunnels;
    expect(tunnel).toMatchObject({ in: { packets: 3n }, out: { packets: 0n }, state: 'established' });
    expect(net.clock.nowMs() - tunnel!.receivedAtMs!).toBeLessThan(2000);
    const [other] = (await a.gateway.tunnels({ vip: vip(22) }, 1)).tunnels;
    expect(other!.receivedAtMs).toBeUndefined();
  });

  test('is what a rotation waits for, and for whom, and when the next one is due', async () => {
    const a = await net.start(1, [2], { limits: { rotationPeriodMs: 3_600_000 } });
    const b = await net.start(2, [1]);
    await Promise.all([a.gateway.connect([pair(2)]), net.run(500)]);
    expect(a.gateway.summary().rotation).toEqual({
      nextAtMs: a.gateway.summary().startedAtMs! + 3_600_000,
      waiting: undefined,
    });
    await Promise.all([a.gateway.rotateMasterKey(false), net.run(200)]);
    await b.gateway.stop();
    void a.gateway.rotateMasterKey(false).catch(() => {});
    await net.run(2000);
    expect(a.gateway.summary().rotation.waiting).toEqual({
      spis: 1,
      sinceMs: expect.any(Number),
      deadlineAtMs: expect.any(Number),
      peers: ['10.0.0.2:3000'],
    });
  });

  test('is everything that happens, until they look away', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    const [first, second]: string[][] = [[], []];
    const end = a.gateway.watch(({ type }) => first!.push(type));
    a.gateway.watch(({ type }) => second!.push(type));
    await Promise.all([a.gateway.connect([pair(2)]), net.run(500)]);
    expect(first).toContain('tunnel-established');
    const before = first!.length;
    end();
    await Promise.all([a.gateway.removeSession(vip(1), vip(2)), net.run(10)]);
    expect(second).toContain('session-removed');
    expect(first).toHaveLength(before);
  });
});

test('counters are those of the sessions that were used last, the last one first', async () => {
  const a = await net.start(1, [], { peers: PEERS });
  await net.start(2, [1], { localVirtualIps: [vip(22)] });
  await Promise.all([a.gateway.connect([pair(2), pair(22)]), net.run(1000)]);
  net.send(a, 2, [1, 2]);
  net.send(a, 22, [3]);
  await net.run(10);
  const of = async (most: number) =>
    (await a.gateway.sessionCounters(most)).map(({ remoteVip, out }) => [remoteVip, out?.packets]);
  expect(await of(10)).toEqual([
    [vip(22), 1n],
    [vip(2), 2n],
  ]);
  expect(await of(1)).toEqual([[vip(22), 1n]]);
});

describe('sessions that the operator asks for', () => {
  test('are there when the call ends, and are asked for once', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    for (let times = 0; times < 2; times++) {
      await Promise.all([a.gateway.connect([pair(2)]), net.run(1000)]);
      expect(a.gateway.view().sessions).toMatchObject([{ state: 'established', holder: 'operator' }]);
    }
    expect(callsFrom(a, 2)).toBe(1);
  });

  test('are refused to addresses that nobody owns, and none is made', async () => {
    const a = await net.start(1, [2]);
    const wanted = [pair(2), { localVip: vip(1), remoteVip: vip(99) }];
    const reason = `no peer owns ${vip(99)}`;
    await expect(a.gateway.connect(wanted)).rejects.toThrow(GatewayStartError);
    await expect(a.gateway.connect(wanted)).rejects.toThrow(reason);
    await expect(a.gateway.connectNow(wanted)).rejects.toThrow(reason);
    expect(a.gateway.view().sessions).toEqual([]);
  });

  test('at once are asked for in requests of so many, and not when somebody asks for them already', async () => {
    const numbers = Array.from({ length: 5 }, (_, i) => 30 + i);
    const service = serviceOf(2);
    const a = await net.start(1, [], {
      peers: [{ serviceAddress: service, virtualIps: numbers.map((number) => vip(number)) }],
      limits: { tunnelsPerRequest: 2 },
    });
    await net.start(2, [1], { localVirtualIps: numbers.map((number) => vip(number)) });
    const pairs = numbers.map((number) => pair(number));
    await Promise.all([a.gateway.connectNow(pairs), net.run(1000)]);
    expect(a.events.flatMap((event) => (event.type === 'request-sent' ? [event.tunnels] : []))).toEqual([
      2, 2, 1,
    ]);
    expect(a.gateway.view().sessions.filter(({ state }) => state === 'established')).toHaveLength(5);
    // What others ask for is theirs.
    await Promise.all([a.gateway.removeSession(vip(1), vip(30)), net.run(10)]);
    net.network.fate = () => ({ delayMs: 100 });
    void a.gateway.connectNow([pair(30)]);
    await net.run(50);
    const before = callsFrom(a, 2);
    await Promise.all([a.gateway.connectNow([pair(30)]), net.run(10)]);
    expect(callsFrom(a, 2)).toBe(before);
    await net.run(1000);
  });

  test('at once say what the peer has said, and leave nothing; what was there before stays', async () => {
    const a = await net.start(1, [2, 3]);
    await net.start(2, [1]);
    await Promise.all([a.gateway.connect([pair(2)]), net.run(1000)]);
    const failed = a.gateway.connectNow([pair(2), pair(3)]).catch((error: unknown) => error);
    await net.run(3000);
    expect(await failed).toBeInstanceOf(RpcError);
    expect((await failed) as RpcError).toMatchObject({ code: 'UNAVAILABLE' });
    await net.run(20_000);
    expect(a.gateway.view()).toMatchObject({
      sessions: [{ remoteVip: vip(2) }],
      keySlotsUsed: 1,
      spisRetiring: 0,
    });
    // What a static tunnel or a re-key goes on asking for is not taken from it.
    void a.gateway.connect([pair(3)]);
    await net.run(1000);
    await Promise.all([a.gateway.connectNow([pair(3)]).catch(() => {}), net.run(3000)]);
    expect(a.gateway.view().sessions.map(({ remoteVip }) => remoteVip)).toEqual([vip(2), vip(3)]);
  });

  test('at once leave none of those that come behind the one that failed, and take none from the packets that wait', async () => {
    const a = await net.start(1, [2, 3, 4]);
    await net.start(2, [1]);
    net.send(a, 4, [1]);
    await net.run(20);
    expect(a.gateway.view().sessions).toMatchObject([{ remoteVip: vip(4), waitingPackets: 1 }]);
    for (const pairs of [
      [pair(3), pair(2)],
      [pair(4), pair(2), pair(3)],
    ]) {
      const failed = a.gateway.connectNow(pairs).catch((error: RpcError) => error.code);
      await net.run(2000);
      expect(await failed).toBe('UNAVAILABLE');
      expect(a.gateway.view().sessions).toMatchObject([{ remoteVip: vip(4), waitingPackets: 1 }]);
    }
    // Those before it are there.
    const failed = a.gateway.connectNow([pair(2), pair(3), pair(4)]).catch((error: RpcError) => error.code);
    await net.run(2000);
    expect(await failed).toBe('UNAVAILABLE');
    const states = a.gateway.view().sessions.map(({ remoteVip, state }) => [remoteVip, state]);
    expect(states.toSorted()).toEqual([
      [vip(2), 'established'],
      [vip(4), expect.not.stringMatching('established')],
    ]);
  });

  test('get new keys all together, or those of one address', async () => {
    const a = await net.start(1, [2, 3]);
    await net.start(2, [1]);
    await net.start(3, [1]);
    await Promise.all([a.gateway.connect([pair(2), pair(3)]), net.run(1000)]);
    const spis = () => a.gateway.view().sessions.map(({ egressSpi }) => egressSpi);
    const [two, three] = spis();
    await Promise.all([a.gateway.rekey(vip(2)), net.run(1000)]);
    expect(spis()).toEqual([expect.anything(), three]);
    expect(spis()[0]).not.toBe(two);
    const [second] = spis();
    await Promise.all([a.gateway.rekey(), net.run(1000)]);
    expect(spis()[0]).not.toBe(second);
    expect(spis()[1]).not.toBe(three);
  });

  test('are removed, with all that they held, and only once', async () => {
    const a = await net.start(1, [2]);
    await net.start(2, [1]);
    await Promise.all([a.gateway.connect([pair(2)]), net.run(1000)]);
    expect(await a.gateway.removeSession(vip(1), vip(3))).toBe(false);
    expect(a.gateway.view().sessions).toHaveLength(1);
    expect(await a.gateway.removeSession(vip(1), vip(2))).toBe(true);
    expect(a.gateway.view()).toMatchObject({ sessions: [], keySlotsUsed: 0 });
    expect(await a.gateway.removeSession(vip(1), vip(2))).toBe(false);
  });
});

describe('static tunnels', () => {
  const told = (node: TestNode) =>
    node.logs
      .filter(({ message }) => message.includes('static tunnels'))
      .map(({ level, message, fields }) => [level, message, fields]);

  test('are told once all are up, from one address or from all of ours', async () => {
    for (const [from, tunnels] of [
      [vip(1), 1],
      ['all', 2],
    ] as const) {
      const a = await net.start(1, [2], { staticTunnels: from });
      const b = await net.start(2, [1]);
      await net.run(3000);
      expect(told(a)).toEqual([
        ['info', 'all static tunnels are up', { event: 'static-tunnels-up', tunnels }],
      ]);
      expect(a.events.filter(({ type }) => type === 'static-tunnels-up')).toEqual([
        { type: 'static-tunnels-up', tunnels },
      ]);
      const { sessions } = a.gateway.view();
      expect(sessions.map(({ localVip, state }) => [localVip, state])).toEqual(
        [vip(1), vip(1, 6)].slice(0, tunnels).map((localVip) => [localVip, 'established']),
      );
      await net.stop(a);
      await net.stop(b);
    }
  });

  test('of a prefix are left out where the peer refuses them, and that is told; those named are asked for again', async () => {
    const a = await net.start(1, [], {
      peers: [
        {
          serviceAddress: serviceOf(2),
          virtualIps: [vip(22)],
          virtualPrefixes: [parsePrefix('192.168.1.0/29')],
        },
      ],
      staticTunnels: vip(1),
    });
    await net.start(2, [1], { localVirtualIps: [vip(22)] });
    await net.run(5000);
    const { sessions } = a.gateway.view();
    expect(sessions.map(({ remoteVip }) => remoteVip).toSorted()).toEqual([vip(2), vip(22)]);
    const [line] = told(a);
    expect(line).toEqual([
      'info',
      'all static tunnels are up',
      { event: 'static-tunnels-up', tunnels: 2, refused: expect.any(Number) },
    ]);
    // The other addresses of the prefix, but for ours.
    expect((line![2] as { refused: number }).refused).toBeGreaterThanOrEqual(5);
  });

  test('are told of neither when the gateway stops before, nor as failed', async () => {
    const a = await net.start(1, [2], { staticTunnels: vip(1) });
    await net.run(500);
    await net.stop(a);
    await net.run(5000);
    expect(told(a)).toEqual([]);
    expect(a.events.filter(({ type }) => type === 'static-tunnels-up')).toEqual([]);
  });

  test('that the table has no room for are told of as an error, and the gateway goes on', async () => {
    const a = await net.start(1, [2, 3], { staticTunnels: 'all', maxTunnels: 1 });
    const b = await net.start(2, [1]);
    await net.run(3000);
    expect(told(a)).toEqual([
      [
        'error',
        expect.stringMatching(/^making static tunnels failed: ./),
        { event: 'work-failed', work: 'static-tunnels' },
      ],
    ]);
    net.send(a, 2, [1]);
    await net.run(50);
    expect(idsOf(b.workload.takeSent())).toEqual([1]);
  });
});
