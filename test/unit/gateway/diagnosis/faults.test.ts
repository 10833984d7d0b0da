/**
 * Faults between whole gateways on a virtual clock, over simulated devices: who is named within five seconds of traffic both ways,
 * and that nobody else is, the healthy third gateway least of all.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AdminService } from '../../../../src/admin/admin-service.js';
import { sleep } from '../../../../src/base/clock.js';
import { parseIp } from '../../../../src/packet/address.js';
import { frameOf } from '../../../../src/verify/inner-packets.js';
import { NO_ADMIN_COUNTERS } from '../../../support/admin-counters.js';
import {
  likeDoca,
  type NodeOptions,
  packetBetween,
  TestNetwork,
  type TestNode,
  vip,
} from '../../../support/gateways.js';

const NAMED_WITHIN_MS = 5000;
const PACKET_INTERVAL_MS = 250;

let net: TestNetwork;
beforeEach(() => {
  net = new TestNetwork();
});
afterEach(() => net.stopAll());

const serviceOf = ({ gateway }: TestNode) =>
  new AdminService({
    gateway,
    clock: net.clock,
    version: '1.2.3',
    hasTls: false,
    log: { docaLevel: 50, lostLines: 0, setLevel() {} },
    reload: async () => ({ problems: [] }),
    counters: () => NO_ADMIN_COUNTERS,
  });

/** What all of them say is wrong, each asked at the same time. */
async function problemsOf(services: readonly AdminService[]) {
  let answers: Awaited<ReturnType<AdminService['status']>>[] | undefined;
  const asked = Promise.all(services.map((service) => service.status())).then((all) => (answers = all));
  while (answers === undefined) await net.run(10);
  return (await asked).map(({ problems }) => problems);
}

/** Both send to both of the others, four packets a second, of which two are large. */
function traffic(
  nodes: readonly TestNode[],
  speaks: (from: number, to: number) => boolean = () => true,
): void {
  let ticks = 0;
  const send = () => {
    ticks++;
    for (const from of nodes) {
      for (const to of nodes) {
        if (from === to || !speaks(from.number, to.number)) continue;
        const { payload, ...packet } = packetBetween(from.number, to.number, ticks);
        const large = new Uint8Array(1100);
        large.set(payload);
        new DataView(large.buffer).setUint16(4, large.length);
        const fits = ticks % 2 === 0 ? payload : large;
        from.workload.inject([frameOf({ ...packet, payload: fits })]);
      }
    }
    net.clock.setTimer(send, PACKET_INTERVAL_MS);
  };
  send();
}

/** Three gateways, each of which is a peer of the others. */
async function three(ofOther: NodeOptions = {}): Promise<[TestNode, TestNode, TestNode]> {
  const a = await net.start(1, [2, 3]);
  const b = await net.start(2, [1, 3], ofOther);
  return [a, b, await net.start(3, [1, 2])];
}

/** From its last three octets an outer IPv6 destination is known: 2001:db8::n. */
const isBetween = (frame: Uint8Array, from: number, to: number) => frame[37] === from && frame[53] === to;

interface Fault {
  readonly inject: () => void;
  readonly cause: string;
  readonly text: RegExp;
  /** What the first and the second gateway name; undefined: nobody. */
  readonly about: readonly [string | undefined, string | undefined];
  /** What the second one says, where it is not the same. */
  readonly textThere?: RegExp;
  /** Somebody has asked just before. */
  readonly hasLooked?: true;
  /** Others have to do with it as well. */
  readonly thirdToo?: boolean;
  readonly speaks?: (from: number, to: number) => boolean;
  readonly options?: NodeOptions;
}

const PAIR = [`${vip(1)} - ${vip(2)}`, `${vip(2)} - ${vip(1)}`] as const;

const FAULTS: Readonly<Record<string, Fault>> = {
  'the underlay is cut': {
    inject: () => (net.lose = (frame) => isBetween(frame, 1, 2) || isBetween(frame, 2, 1)),
    cause: 'packets-lost',
    about: PAIR,
    text: /no packet passes between .* underlay/,
  },
  'the underlay is cut one way': {
    inject: () => (net.lose = (frame) => isBetween(frame, 1, 2)),
    cause: 'packets-lost',
    about: PAIR,
    text: /none was let in there.* on the way there/,
    textThere: /none was let in here.* on the way here/,
  },
  'large packets do not fit': {
    inject: () => (net.lose = (frame) => frame.length > 600 && isBetween(frame, 2, 1)),
    cause: 'mtu-too-small',
    about: PAIR,
    text: /MTU of the underlay on the way here/,
    textThere: /MTU of the underlay on the way there/,
  },
  'a workload is silent': {
    inject: () => {},
    speaks: (from, to) => from !== 2 || to !== 1,
    cause: 'workload-silent',
    about: [vip(2), vip(2)],
    text: /^the workload at .* sends none/,
    textThere: /^our workload at .* sends none/,
  },
  'the peer is down': {
    inject: () => void net.stop(net.nodes.get(2)!),
    cause: 'peer-silent',
    about: ['10.0.0.2:3000', undefined],
    text: /does not answer, for \d+ s: UNAVAILABLE: nobody serves/,
    thirdToo: true,
  },
  'the peer is down, as somebody sees who has looked before': {
    hasLooked: true,
    inject: () => void net.stop(net.nodes.get(2)!),
    cause: 'peer-silent',
    about: ['10.0.0.2:3000', undefined],
    text: /does not answer, for \d+ s: UNAVAILABLE: nobody serves/,
    thirdToo: true,
  },
  'the OOB network is cut': {
    inject: () => {
      net.network.fate = (from, to) => {
        const ends = [from, to].map(({ host }) => host);
        const isCut = ends.includes(parseIp('10.0.0.1')) && ends.includes(parseIp('10.0.0.2'));
        return { delayMs: 0.5, ...(isCut ? { lost: 'request' } : {}) };
      };
    },
    cause: 'peer-silent',
    about: ['10.0.0.2:3000', '10.0.0.1:3000'],
    text: /its packets come: the OOB network/,
  },
  'a peer of another kind, and the underlay is cut': {
    options: { wrapTransport: likeDoca },
    inject: () => (net.lose = (frame) => isBetween(frame, 1, 2) || isBetween(frame, 2, 1)),
    cause: 'packets-lost',
    about: PAIR,
    text: /none was let in from there.* does not say which/,
  },
  'a clock is off by more than a minute': {
    options: { wrapClock: (clock) => ({ ...clock, nowMs: () => clock.nowMs() - 60_011 }) },
    inject: () => {},
    cause: 'clocks-differ',
    about: ['10.0.0.2:3000', ''],
    thirdToo: true,
    text: /the clock of peer 10.0.0.2:3000 is 60 s behind ours/,
    textThere: /our clock is wrong: .* those of all 2 peers that were asked are 60 s ahead of it/,
  },
};

describe('within five seconds of traffic both ways, both ends name who is at fault, and why, and nobody else', () => {
  test.each(Object.entries(FAULTS))('%s', async (_, { inject, about, thirdToo = false, ...fault }) => {
    const nodes = await three(fault.options);
    const services = nodes.map(serviceOf);
    traffic(nodes, fault.speaks);
    await net.run(10_000);
    if (fault.hasLooked === true) {
      await problemsOf(services);
      await net.run(1500);
    }
    inject();
    const atMs = net.clock.nowMs();
    const isNamed = [about[0] === undefined, about[1] === undefined];
    /** Asks one of them again and again, and takes what it says in time. */
    const watch = async (service: AdminService, number: number) => {
      const right = number === 3 ? (thirdToo ? about[0] : undefined) : about[number - 1];
      for (;;) {
        const { problems } = await service.status();
        if (net.clock.nowMs() > atMs + NAMED_WITHIN_MS) return;
        for (const one of problems) {
          expect({ number, ...one }).toMatchObject({ about: right, cause: fault.cause });
          expect(one.text).toMatch((number === 2 && fault.textThere) || fault.text);
          if (number < 3) isNamed[number - 1] = true;
        }
        await sleep(net.clock, 500);
      }
    };
    const watching = services.flatMap((service, i) => (net.nodes.has(i + 1) ? [watch(service, i + 1)] : []));
    await Promise.all([...watching, net.run(2 * NAMED_WITHIN_MS)]);
    expect(isNamed).toEqual([true, true]);
  });

  test('why a peer does not answer is what its last silence says, and not the first', async () => {
    const nodes = await three();
    const asked = [serviceOf(nodes[0])];
    traffic(nodes);
    net.network.fate = () => ({ delayMs: 0.5, lost: 'request' });
    await net.run(20_000);
    const [hanging] = await problemsOf(asked);
    expect(hanging!.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/2:3000 .*no answer within/),
    );
    await net.stop(nodes[1]);
    net.network.fate = () => ({ delayMs: 0.5 });
    await net.run(20_000);
    const [down] = await problemsOf(asked);
    expect(down!.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/2:3000 .*nobody serves there/),
    );
  });

  test('a peer that has places for half of its sessions is named, and not its workload', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1], { maxTunnels: 1 });
    const services = [a, b].map(serviceOf);
    let ids = 0;
    const sendAlways = (from: TestNode, to: number, family: 4 | 6) => {
      net.send(from, to, [ids++], family);
      net.clock.setTimer(() => sendAlways(from, to, family), PACKET_INTERVAL_MS);
    };
    // The second session takes the place of the first one, whose peer goes on sending.
    for (const family of [4, 6] as const) {
      sendAlways(a, 2, family);
      await net.run(1000);
    }
    for (const family of [4, 6] as const) sendAlways(b, 1, family);
    const said = new Set<string>();
    for (let looks = 0; looks < 20; looks++) {
      await net.run(500);
      for (const [i, problems] of (await problemsOf(services)).entries())
        for (const { cause, about } of problems) said.add(`${i + 1}: ${cause} [${about}]`);
    }
    // What comes for the first one is let in still, and what its workload sends finds no place.
    expect(b.gateway.view().sessionsByState).toEqual({ established: 1, dormant: 1 });
    expect([...said].sort()).toEqual(['1: no-tunnel-back [10.0.0.2:3000]', '2: table-full []']);
  });

  test('a gateway whose answers a peer refuses names that peer, as that one does it', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1], { cookies: true });
    const services = [a, b].map(serviceOf);
    // The first one asks, and has tunnels from the answer that the second one goes on with.
    net.send(a, 2, [1]);
    await net.run(1000);
    traffic([a, b]);
    await net.run(NAMED_WITHIN_MS);
    const said = (await problemsOf(services)).map((problems) =>
      problems.map(({ cause, about, text }) => ({ cause, about, text })),
    );
    expect(said).toEqual([
      [{ cause: 'peer-refuses', about: '10.0.0.2:3000', text: expect.stringContaining('without cookies') }],
      [
        {
          cause: 'no-tunnel-back',
          about: '10.0.0.1:3000',
          text: expect.stringMatching(/leave, and peer 10\.0\.0\.1:3000 has no tunnel for any back/),
        },
      ],
    ]);
  });

  test('packets that lack the words that peers must send are told as such where they come, and as lost there where they leave', async () => {
    const a = await net.start(1, [2], { extensionRequired: [7] });
    const b = await net.start(2, [1]);
    const services = [a, b].map(serviceOf);
    traffic([a, b]);
    await net.run(NAMED_WITHIN_MS);
    const said = (await problemsOf(services)).map((problems) =>
      problems.map(({ cause, about, text }) => ({ cause, about, text })),
    );
    expect(said).toEqual([
      [
        {
          cause: 'words-missing',
          about: '',
          text: expect.stringMatching(/are dropped: \d+ while we looked/),
        },
      ],
      [
        {
          cause: 'packets-lost',
          about: PAIR[1],
          text: expect.stringMatching(/none was let in there.*, or that gateway drops them$/),
        },
      ],
    ]);
  });

  test('who asks for more at once than there are places, of which none is taken, is not at fault', async () => {
    const a = await net.start(1, [2]);
    const b = await net.start(2, [1], { maxTunnels: 1 });
    const asked = [serviceOf(b)];
    const pairs = ([4, 6] as const).map((family) => ({
      localVip: vip(1, family),
      remoteVip: vip(2, family),
    }));
    const refused = expect(a.gateway.connectNow(pairs)).rejects.toThrow('more than 1 tunnels');
    await net.run(50);
    await refused;
    const [problems] = await problemsOf(asked);
    expect(problems).toMatchObject([{ cause: 'table-full', about: '' }]);
  });

  test('a peer that lets in whatever it can decrypt, and counts none of it, is not taken for one that loses packets', async () => {
    const nodes = await three({ ingressAcl: false });
    traffic(nodes);
    for (let looks = 0; looks < 5; looks++) {
      await net.run(1000);
      expect(await problemsOf(nodes.map(serviceOf))).toEqual([[], [], []]);
    }
  });

  test.each(Array.from({ length: 20 }, (_, i) => [i + 1]))(
    'healthy gateways name nobody (seed %i)',
    async (seed) => {
      await net.stopAll();
      net = new TestNetwork(seed);
      const nodes = await three(seed % 2 === 0 ? { wrapTransport: likeDoca } : {});
      const services = nodes.map(serviceOf);
      traffic(nodes);
      for (let looks = 0; looks < 5; looks++) {
        expect(await problemsOf(services)).toEqual([[], [], []]);
        // In the midst of it all keys are new.
        if (looks === 3) nodes[seed % 3]!.gateway.beginRotation();
        await net.run(200 * (1 + (seed % 7)));
      }
    },
  );
});
