/**
 * Traffic that flowed flows again within two seconds of a restart, however large the directory is and however many peers
 * are dead; and what cannot be authenticated makes a gateway act a bounded number of times. Time is virtual, so seconds are
 * exact.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PeerOptions } from '../../../../src/gateway/options.js';
import { UNDER_WAY_MAX } from '../../../../src/gateway/recovery/announcements.js';
import { ANNOUNCEMENTS_BURST } from '../../../../src/gateway/recovery/peer-starts.js';
import { STEPS_BURST } from '../../../../src/gateway/recovery/recovery.js';
import type { StateStore } from '../../../../src/gateway/recovery/state-keeper.js';
import { encodeAnnouncement } from '../../../../src/gateway/rpc/announcement-messages.js';
import type { ControlTransport, RpcError, ServiceAddress } from '../../../../src/gateway/rpc/transport.js';
import { type IpAddress, ipToOctets, parseIp } from '../../../../src/packet/address.js';
import { frameOf } from '../../../../src/verify/inner-packets.js';
import {
  LIMITS,
  likeDoca,
  type NodeOptions,
  packetBetween,
  TestNetwork,
  type TestNode,
  vip,
} from '../../../support/gateways.js';

/** As the flags have them, where that matters here. */
const DEFAULTS = {
  ...LIMITS,
  rpcDeadlineMs: 5_000,
  backoffMinMs: 200,
  backoffMaxMs: 10_000,
  tunnelsPerRequest: 1000,
};
const BACK_WITHIN_MS = 2_000;
const MINUTE_MS = 60_000;

let net: TestNetwork;
/** Service hosts of peers that swallow everything. */
let silent: Set<string>;
/** RPCs by their target. */
let calls: { readonly to: string; readonly atMs: number }[];
function freshNetwork(): TestNetwork {
  const fresh = new TestNetwork();
  fresh.network.fate = (_, { host }) => {
    calls.push({ to: host, atMs: fresh.clock.nowMs() });
    return { delayMs: 0.5, ...(silent.has(host) ? { lost: 'request' as const } : {}) };
  };
  return fresh;
}

beforeEach(() => {
  silent = new Set();
  calls = [];
  net = freshNetwork();
});
afterEach(() => net.stopAll());

const serviceOf = (host: string): ServiceAddress => ({ host: parseIp(host), port: 3000 });

/** Peers that are configured, and are not there. */
function deadPeers(count: number, addressesEach: number): PeerOptions[] {
  return Array.from({ length: count }, (_, i) => {
    const host = `10.9.${i >>> 8}.${i & 255}`;
    silent.add(host);
    const virtualIps = Array.from({ length: addressesEach }, (_, j) =>
      parseIp(`172.${16 + (i >>> 8)}.${i & 255}.${j + 1}`),
    );
    return { serviceAddress: serviceOf(host), virtualIps };
  });
}

/** Addresses of a peer that owns many. */
const manyVips = (count: number): IpAddress[] =>
  Array.from({ length: count }, (_, i) => parseIp(`192.168.${8 + (i >>> 8)}.${i & 255}`));

/** A packet from an address behind node 2 to node 1's workload. */
function packetFrom(source: IpAddress, id: number): Uint8Array {
  return frameOf({ ...packetBetween(2, 1, id), source: ipToOctets(source) });
}

/** What the kernel's disk is for the program. */
function memoryStore(): StateStore & { text: string | undefined } {
  const store = {
    text: undefined as string | undefined,
    load: async () => store.text,
    save: async (text: string) => {
      store.text = text;
    },
    isThere: async () => true,
  };
  return store;
}

/** Inner source addresses, as text, of the packets that a workload was given. */
function sourcesOf(node: TestNode): Set<string> {
  return new Set(node.workload.takeSent().map((frame) => frame.subarray(26, 30).join('.')));
}

interface Outcome {
  /** After the start, for each source that came back. */
  readonly backAfterMs: Map<string, number>;
}

/** Sends a packet from each source every 20 ms until all have come, or the time is over. */
async function untilAllFlow(
  from: TestNode,
  to: TestNode,
  sources: readonly IpAddress[],
  limitMs: number,
): Promise<Outcome> {
  const startMs = net.clock.nowMs();
  const backAfterMs = new Map<string, number>();
  for (let id = 0; net.clock.nowMs() - startMs < limitMs && backAfterMs.size < sources.length; id++) {
    from.workload.inject(sources.map((source) => packetFrom(source, id)));
    await net.run(20);
    for (const source of sourcesOf(to)) {
      if (!backAfterMs.has(source)) backAfterMs.set(source, net.clock.nowMs() - startMs);
    }
  }
  return { backAfterMs };
}

const lastOf = ({ backAfterMs }: Outcome) => Math.max(...backAfterMs.values());

/** Node 1 as it starts, with node 2 as the owner of many addresses among others. */
function owner(
  peerVips: readonly IpAddress[],
  others: readonly PeerOptions[],
  more: NodeOptions = {},
): NodeOptions {
  return {
    ...more,
    limits: { ...DEFAULTS, ...more.limits },
    peers: [...others, { serviceAddress: serviceOf('10.0.0.2'), virtualIps: peerVips }],
  };
}

describe('after kill -9 traffic flows again within two seconds', () => {
  const KINDS = [
    ['of our own kind', (transport: ControlTransport) => transport],
    ['like DOCA', likeDoca],
  ] as const;

  test.each(KINDS)(
    'with 10,000 addresses known and 1,000 peers dead, and a live one %s',
    async (_, wrapTransport) => {
      const vips = manyVips(10);
      const others = deadPeers(1000, 10);
      const state = memoryStore();
      const options = owner(vips, others, { state });
      let a = await net.start(1, [], options);
      const b = await net.start(2, [1], { localVirtualIps: vips, wrapTransport, limits: DEFAULTS });
      expect(lastOf(await untilAllFlow(b, a, vips, BACK_WITHIN_MS))).toBeLessThan(100);
      await net.run(5_000);
      await net.stop(a);
      b.workload.inject([packetFrom(vips[0]!, 0)]);
      await net.run(10_000);
      calls = [];
      a = await net.start(1, [], options);
      const back = await untilAllFlow(b, a, vips, 60_000);
      expect(back.backAfterMs.size).toBe(vips.length);
      expect(lastOf(back)).toBeLessThan(BACK_WITHIN_MS);
      // Who answered last is told first.
      expect(calls[0]!.to).toBe('10.0.0.2');
      await net.run(5_000);
      const { announcementsSent, steps } = a.gateway.view().recovery;
      expect(announcementsSent).toBe(1001);
      expect(steps).toBeLessThanOrEqual(2);
    },
  );

  test('with 1,000 peers dead, nothing kept, and the live one last in line', async () => {
    const vips = manyVips(10);
    const others = deadPeers(1000, 10);
    let a = await net.start(1, [], owner(vips, others));
    const b = await net.start(2, [1], { localVirtualIps: vips, limits: DEFAULTS });
    await untilAllFlow(b, a, vips, BACK_WITHIN_MS);
    await net.run(1_000);
    await net.stop(a);
    calls = [];
    a = await net.start(1, [], owner(vips, others));
    // Every other call before it is swallowed, and each holds up the next one only for a moment.
    const back = await untilAllFlow(b, a, vips, 60_000);
    expect(back.backAfterMs.size).toBe(vips.length);
    expect(lastOf(back)).toBeLessThan(BACK_WITHIN_MS);
    await net.run(1_000);
    expect(calls.filter(({ to }) => to.startsWith('10.9.'))).toHaveLength(1000);
    expect(calls.filter(({ to }) => to.startsWith('10.9.')).at(-1)!.atMs - calls[0]!.atMs).toBeLessThan(1000);
  });

  test('and no more than so many calls to silent peers are ever under way', async () => {
    const others = deadPeers(2500, 1);
    let underWay = 0;
    let most = 0;
    await net.start(1, [], {
      ...owner([], others),
      wrapTransport: (transport) => ({
        ...transport,
        call: (...args) => {
          most = Math.max(most, ++underWay);
          return transport.call(...args).finally(() => underWay--);
        },
      }),
    });
    await net.run(20_000);
    expect(most).toBe(UNDER_WAY_MAX);
    expect(new Set(calls.map(({ to }) => to)).size).toBe(2501);
  });

  test.each(KINDS)(
    'where a live peer %s owns 300 addresses and --max-tunnels has room for 256',
    async (kind, wrapTransport) => {
      const vips = manyVips(300);
      // Those that come last in the directory are in use.
      const used = vips.slice(-40);
      const state = memoryStore();
      const options = owner(vips, [], { state, maxTunnels: 256 });
      let a = await net.start(1, [], options);
      const b = await net.start(2, [1], { localVirtualIps: vips, wrapTransport, limits: DEFAULTS });
      await untilAllFlow(b, a, used, BACK_WITHIN_MS);
      await net.run(5_000);
      await net.stop(a);
      a = await net.start(1, [], options);
      const back = await untilAllFlow(b, a, used, 60_000);
      expect(back.backAfterMs.size).toBe(used.length);
      expect(lastOf(back)).toBeLessThan(BACK_WITHIN_MS);
      const told = a.events.some(({ type }) => type === 'packets-not-let-in');
      expect(told).toBe(kind === 'like DOCA');
      expect(a.logs.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );

  test('on the other side too: a peer with 320 dead peers of its own does not keep the restarted one waiting', async () => {
    const vips = manyVips(5);
    const others = deadPeers(320, 1);
    let a = await net.start(1, [], owner(vips, []));
    const b = await net.start(2, [], {
      localVirtualIps: vips,
      limits: DEFAULTS,
      maxTunnels: 4096,
      peers: [...others, { serviceAddress: serviceOf('10.0.0.1'), virtualIps: [vip(1)] }],
    });
    await untilAllFlow(b, a, vips, BACK_WITHIN_MS);
    void b.gateway.connect(
      others.map(({ virtualIps }) => ({ localVip: vips[0]!, remoteVip: virtualIps[0]! })),
    );
    await net.run(7_000);
    await net.stop(a);
    await net.run(3_000);
    a = await net.start(1, [], owner(vips, []));
    expect(lastOf(await untilAllFlow(b, a, vips, 60_000))).toBeLessThan(BACK_WITHIN_MS);
  });

  test('in transport mode, where packets come from the workloads themselves, and no unknown source is seen', async () => {
    const mode = { mode: 'transport', limits: DEFAULTS } as const;
    let a = await net.start(1, [2], mode);
    const b = await net.start(2, [1], { ...mode, wrapTransport: likeDoca });
    const frame = frameOf(packetBetween(2, 1, 1));
    // Nobody answers ARP for the underlay: the frame carries the other workload's MAC.
    frame.set([2, 0, 0, 0, 1, 1]);
    const received = async () => {
      b.workload.inject([frame]);
      await net.run(20);
      return a.workload.takeSent().length;
    };
    await net.run(100);
    expect(await received()).toBe(1);
    await net.stop(a);
    a = await net.start(1, [2], mode);
    const startMs = net.clock.nowMs();
    while ((await received()) === 0 && net.clock.nowMs() - startMs < 60_000);
    expect(net.clock.nowMs() - startMs).toBeLessThan(BACK_WITHIN_MS);
    expect(a.gateway.view().recovery).toMatchObject({ unknownSourcePackets: 0n, unknownSourceSteps: 0 });
  });

  test('although a request to its former life is still waiting for an answer', async () => {
    const vips = manyVips(1);
    let a = await net.start(1, [], owner(vips, []));
    const b = await net.start(2, [1], { localVirtualIps: vips, limits: DEFAULTS });
    await untilAllFlow(b, a, vips, BACK_WITHIN_MS);
    await net.stop(a);
    silent.add('10.0.0.1');
    void b.gateway.rekey();
    await net.run(1_000);
    silent.delete('10.0.0.1');
    a = await net.start(1, [], owner(vips, []));
    expect(lastOf(await untilAllFlow(b, a, vips, 60_000))).toBeLessThan(BACK_WITHIN_MS);
  });

  // Looks are a second apart in quiet times, and two of them must see it; then the peer looks twice for what sends.
  test.each([
    ['', 20, BACK_WITHIN_MS],
    [', when it sends seldom', 700, 2 * BACK_WITHIN_MS],
  ])('and a tunnel that only one side still has comes back as well%s', async (_, everyMs, withinMs) => {
    const a = await net.start(1, [2], { limits: DEFAULTS });
    const b = await net.start(2, [1], { limits: DEFAULTS });
    net.send(b, 1, [0]);
    await net.run(20_000);
    await a.gateway.removeSession(vip(1), vip(2));
    a.workload.takeSent();
    const startMs = net.clock.nowMs();
    let backAfterMs: number | undefined;
    for (let id = 1; id < 500 && backAfterMs === undefined; id++) {
      net.send(b, 1, [id]);
      await net.run(everyMs);
      if (a.workload.takeSent().length > 0) backAfterMs = net.clock.nowMs() - startMs;
    }
    expect(backAfterMs).toBeLessThan(withinMs);
    expect(a.gateway.view().recovery.steps).toBe(1);
  });
});

describe('a session that sends and gets nothing back', () => {
  test('asks again at once, whoever else is silent', async () => {
    const numbers = [2, 3, 4];
    const a = await net.start(1, numbers, { limits: { ...DEFAULTS, sessionIdleS: 10 } });
    for (const number of numbers) await net.start(number, [1], { limits: DEFAULTS });
    const send = (id: number) => {
      for (const number of numbers) net.send(a, number, [id]);
    };
    send(0);
    await net.run(500);
    expect(a.gateway.view().sessions.map(({ state }) => state)).toEqual(numbers.map(() => 'established'));
    silent.add('10.0.0.2').add('10.0.0.3');
    calls = [];
    for (let id = 1; id < 50; id++) {
      send(id);
      await net.run(100);
    }
    expect(calls.map(({ to }) => to)).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4']);
    // Together with the silent ones, not after their deadlines.
    expect(new Set(calls.map(({ atMs }) => atMs)).size).toBe(1);
  });

  test('while nothing more is sent, asks later and later, and no more once the peer has answered', async () => {
    const a = await net.start(1, [2], { limits: { ...DEFAULTS, sessionIdleS: 0 } });
    await net.start(2, [1], { limits: DEFAULTS });
    net.send(a, 2, [0]);
    await net.run(1_000);
    silent.add('10.0.0.2');
    // Looks are half a minute apart when nothing ever becomes idle: the 2nd asks, then the 4th, 8th, 16th and 32nd.
    for (let id = 1; id < 3; id++) {
      net.send(a, 2, [id]);
      await net.run(30_000);
    }
    calls = [];
    await net.run(15 * MINUTE_MS);
    expect(calls.map(({ atMs }) => Math.round((atMs - calls[0]!.atMs) / 30_000))).toEqual([0, 4, 12, 28]);
    silent.clear();
    calls = [];
    await net.run(120 * MINUTE_MS);
    expect(calls).toHaveLength(1);
  });
});

describe('what cannot be authenticated costs a bounded number of requests', () => {
  const PEERS = 200;
  const UNAWARE = 20;

  /** An on-demand gateway whose peers are all there and silent, some minutes after its start. */
  async function start(limits: NodeOptions['limits'] = {}): Promise<TestNode> {
    const a = await net.start(1, [], owner([], deadPeers(PEERS, 1), { limits }));
    await net.run(10 * MINUTE_MS);
    return a;
  }

  /** PSP datagrams that nobody has the key for, from some underlay addresses. */
  function forge(to: TestNode, sources: readonly string[]): void {
    const frames = sources.map((source) => forgedFrame(to, source));
    net.arrive(to, frames);
  }

  const requestsWithin = async (durationMs: number, each: () => void, everyMs: number) => {
    calls = [];
    for (let atMs = 0; atMs < durationMs; atMs += everyMs) {
      each();
      await net.run(everyMs);
    }
    return calls.length;
  };

  test('one datagram: a few', async () => {
    const counts: number[] = [];
    // The same hour twice: whom it asks again by itself, it asks in either.
    for (const sources of [[], ['2001:db8::666']]) {
      const a = await start();
      forge(a, sources);
      counts.push(await requestsWithin(60 * MINUTE_MS, () => {}, MINUTE_MS));
      expect(a.gateway.view().recovery).toMatchObject({
        unknownSourcePackets: BigInt(sources.length),
        unknownSourceSteps: sources.length,
      });
      await net.stopAll();
      net = freshNetwork();
    }
    expect(counts[1]! - counts[0]!).toBeLessThanOrEqual(2);
    // Of 200 peers that do not answer each is told again every ten minutes at most.
    expect(counts[0]!).toBeLessThanOrEqual(PEERS * 12);
  });

  test.each([0, 4, 12])('thousands from as many sources, for an hour: %i a minute', async (perMinute) => {
    const a = await start({ unknownSourceRequestsPerMinute: perMinute });
    const before = a.gateway.view().recovery;
    let source = 0;
    const flood = () =>
      forge(
        a,
        Array.from({ length: 5 }, () => `2001:db8:6::${(source++ & 0xffff).toString(16)}`),
      );
    await requestsWithin(60 * MINUTE_MS, flood, 5_000);
    const { unknownSourceSteps, unknownSourcePackets, steps } = a.gateway.view().recovery;
    expect(unknownSourcePackets).toBe(BigInt(source));
    expect(steps).toBe(0);
    // What was saved up before the flood, and the hour's own.
    expect(unknownSourceSteps - before.unknownSourceSteps).toBeLessThanOrEqual(perMinute * 61);
    expect(unknownSourceSteps).toBeGreaterThanOrEqual(perMinute * 50);
  });

  test("in the name of every peer's own address, for an hour: a few per peer, and then one a minute at most", async () => {
    const peers = deadPeers(PEERS, 1);
    const state = memoryStore();
    state.text = JSON.stringify({
      version: 1,
      peers: peers.map(({ serviceAddress }, i) => ({
        service: `${serviceAddress.host}:3000`,
        underlay: [`2001:db8:7::${(i + 1).toString(16)}`],
      })),
    });
    // Some can be reached, cannot be told of a start, and answer nothing else: towards them there is no longer and longer wait.
    const unaware = new Set<string>(peers.slice(0, UNAWARE).map(({ serviceAddress }) => serviceAddress.host));
    const wrapTransport = (transport: ControlTransport): ControlTransport => ({
      ...transport,
      call: (...args) => (unaware.has(args[0].host) ? likeDoca(transport) : transport).call(...args),
    });
    const a = await net.start(1, [], owner([], peers, { state, wrapTransport }));
    expect(a.gateway.view().recovery.underlayAddresses).toBe(PEERS);
    await net.run(10 * MINUTE_MS);
    const before = a.gateway.view().recovery.steps;
    const sources = peers.map((_, i) => `2001:db8:7::${(i + 1).toString(16)}`);
    await requestsWithin(60 * MINUTE_MS, () => forge(a, sources), 15_000);
    const { steps, unknownSourcePackets } = a.gateway.view().recovery;
    expect(unknownSourcePackets).toBe(0n);
    const budget = STEPS_BURST + 60;
    // From a second on each wait is twice as long as the one before, and then five minutes.
    const whileSilent = 10 + 60 / 5;
    const requestsTo = countBy(calls.map(({ to }) => to));
    for (const [host, requests] of requestsTo) {
      expect(requests, host).toBeLessThanOrEqual(unaware.has(host) ? budget : whileSilent);
    }
    expect(requestsTo.size).toBeGreaterThanOrEqual(PEERS);
    expect(steps - before).toBeLessThanOrEqual(UNAWARE * budget + (PEERS - UNAWARE) * whileSilent);
    expect(steps - before).toBeGreaterThan(PEERS);
  });

  test('in the name of a peer like DOCA, which answers and is asked: a few, and then one a minute', async () => {
    const a = await net.start(1, [2], { limits: DEFAULTS });
    const b = await net.start(2, [1], { wrapTransport: likeDoca, limits: DEFAULTS });
    net.send(a, 2, [1]);
    net.send(b, 1, [2]);
    await net.run(5_000);
    const [known] = a.gateway.view().peers[0]!.underlay;
    const before = a.gateway.view().recovery.steps;
    const minutes = 20;
    await requestsWithin(minutes * MINUTE_MS, () => forge(a, [known!.address]), 1_000);
    const { steps, unknownSourcePackets } = a.gateway.view().recovery;
    expect(unknownSourcePackets).toBe(0n);
    expect(steps - before).toBeLessThanOrEqual(STEPS_BURST + minutes);
    expect(steps - before).toBeGreaterThan(0);
  });

  test('and not one packet of it comes to the CPU', async () => {
    const received: string[] = [];
    const a = await net.start(1, [], { ...owner([], []), onReceived: (why) => received.push(why) });
    forge(
      a,
      Array.from({ length: 100 }, (_, i) => `2001:db8:6::${i.toString(16)}`),
    );
    await net.run(5_000);
    expect(a.gateway.view().recovery.unknownSourcePackets).toBe(100n);
    expect(received).toEqual([]);
  });
});

describe('a peer that says again and again that it has started', () => {
  test('makes us re-key its sessions a bounded number of times, and nobody else notices', async () => {
    const a = await net.start(1, [2, 3], { limits: DEFAULTS });
    const b = await net.start(2, [1], { limits: DEFAULTS });
    const c = await net.start(3, [1], { limits: DEFAULTS });
    net.send(b, 1, [1]);
    net.send(c, 1, [2]);
    await net.run(1_000);
    const insider = net.network.transport(c.service);
    const requestsTo = (host: string) => calls.filter(({ to }) => to === host).length;
    calls = [];
    const codes: string[] = [];
    for (let i = 0; i < 600; i++) {
      const message = encodeAnnouncement({ ageMs: 0, servicePort: 3000, packetsFail: i % 2 === 0 });
      void insider.call(a.service, 'Announce', message, { deadlineMs: 500 }).then(
        () => codes.push('OK'),
        (error: RpcError) => codes.push(error.code),
      );
      await net.run(100);
    }
    await net.run(5_000);
    const allowed = ANNOUNCEMENTS_BURST + 6;
    expect(codes.filter((code) => code === 'OK').length).toBeLessThanOrEqual(allowed + 1);
    expect(codes.filter((code) => code === 'RESOURCE_EXHAUSTED').length).toBeGreaterThan(500);
    expect(requestsTo('10.0.0.3')).toBeLessThanOrEqual(2 * (allowed + 1));
    expect(requestsTo('10.0.0.2')).toBe(0);
    expect(a.gateway.view().recovery.announcementsRefused).toBeGreaterThan(500);
    await insider.close();
  });

  test('is refused when it is no peer', async () => {
    const a = await net.start(1, [2]);
    for (const transport of [
      net.network.transport(serviceOf('10.0.0.77')),
      net.network.transport(serviceOf('10.0.0.77'), []),
    ]) {
      const call = transport.call(
        a.service,
        'Announce',
        encodeAnnouncement({ ageMs: 0, servicePort: 3000, packetsFail: true }),
        {
          deadlineMs: 500,
        },
      );
      const code = call.then(
        () => 'OK',
        (error: RpcError) => error.code,
      );
      await net.run(10);
      expect(await code).toBe('PERMISSION_DENIED');
    }
  });
});

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Ethernet, IPv6, UDP and a PSP header of an SPI that nobody gave out, over rubbish. */
function forgedFrame(to: TestNode, source: string): Uint8Array {
  const frame = new Uint8Array(14 + 40 + 8 + 16 + 40 + 16).fill(0x5a);
  const mac = to.hal.device.ports[0]!;
  frame.set(mac.mac.split(':').map((octet) => Number.parseInt(octet, 16)));
  frame.set([2, 0, 0, 0, 9, 9, 0x86, 0xdd], 6);
  const view = new DataView(frame.buffer);
  view.setUint32(14, 0x60000000);
  view.setUint16(18, frame.length - 54);
  frame[20] = 17;
  frame[21] = 50;
  frame.set(ipToOctets(parseIp(source)), 22);
  frame.set(ipToOctets(parseIp(mac.ipv6!)), 38);
  view.setUint16(54, 50_000);
  view.setUint16(56, 1000);
  view.setUint16(58, frame.length - 54);
  view.setUint16(60, 0);
  frame.set([4, 1, 5, 0x05, 0, 0, 0x77, 0x77], 62);
  return frame;
}
