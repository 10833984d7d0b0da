/** Transport mode: what passes between workload and underlay in clear, both ways, through a whole gateway. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SOURCES_MAX, SourceRates } from '../../../../src/gateway/doors/source-rates.js';
import { buildPipeline } from '../../../../src/gateway/pipeline/pipeline.js';
import { Segment } from '../../../../src/gateway/slow-path/segment.js';
import { LINK_LOCALS_MAX } from '../../../../src/gateway/slow-path/workload-addresses.js';
import type { SimHal } from '../../../../src/hal-sim/device.js';
import { type IpAddress, macFromOctets } from '../../../../src/packet/address.js';
import { claimsToBeSegmentMessage } from '../../../../src/packet/segment.js';
import { frameOf, WORKLOAD_MAC } from '../../../../src/verify/inner-packets.js';
import { packetBetween, TestNetwork, type TestNode, vip } from '../../../support/gateways.js';
import { pipelineOptions } from '../../../support/pipelines.js';
import {
  advertisement,
  arpReply,
  arpRequest,
  changed,
  followedBy,
  icmpv6Frame,
  linkLayerOption,
  listenerMessage,
  listenerReport,
  octetsOf,
  redirect,
  routerAdvertisement,
  solicitation,
} from '../../../support/segment-frames.js';

const OURS = { ip: vip(1), ip6: vip(1, 6), link: 'fe80::1', mac: macFromOctets(WORKLOAD_MAC) };
const THEIRS = { ip: vip(2), ip6: vip(2, 6), link: 'fe80::2', mac: '02:00:00:00:00:02' };
const ROUTER = { link: 'fe80::99', mac: '02:00:00:00:00:99' };
const OUR_GROUP = 'ff02::1:ff00:1';
/** Of the workload's MAC, which is 02:00:00:00:00:11. */
const OUR_LINK_BY_MAC = 'fe80::ff:fe00:11';
const BROADCAST = Array<number>(6).fill(0xff);
const TOLD: Readonly<Record<string, RegExp>> = {
  ours: /dropped: it claims an address that is the workload's$/,
  probe: /dropped: it asks whether an address is free that is the workload's$/,
};
const ALL_NODES = { ip: 'ff02::1', mac: '33:33:00:00:00:01' };

let net: TestNetwork;
let node: TestNode<SimHal>;

beforeEach(async () => {
  net = new TestNetwork();
  node = await net.start(1, [2], { mode: 'transport', allowRouters: [ROUTER.link as IpAddress] });
});
afterEach(() => net.stopAll());

/** What comes out on the underlay of what the workload sends. */
async function outwards(...frames: Uint8Array[]): Promise<Uint8Array[]> {
  net.wire.length = 0;
  node.workload.inject(frames);
  await net.run(10);
  return [...net.wire];
}

/** What the workload gets of what somebody on the underlay sends. */
async function inwards(...frames: Uint8Array[]): Promise<Uint8Array[]> {
  node.workload.takeSent();
  net.arrive(node, frames);
  await net.run(10);
  return node.workload.takeSent();
}

/** Unsolicited, from an address that need not be the one that it is about. */
function advertisementFrom(source: string, target: string, mac: string): Uint8Array {
  const message = [136, 0, 0, 0, 0x20, 0, 0, 0, ...octetsOf(target), ...linkLayerOption(2, mac)];
  return icmpv6Frame(message, { source, destination: ALL_NODES.ip, mac });
}

const hex = (frames: readonly Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString('hex'));
const dropped = () => node.gateway.view().segment!.dropped;
const lines = () => node.logs.filter(({ level }) => level === 'warning').map(({ message }) => message);

describe('to the letter, and nothing else', () => {
  test('what hosts need to find each other passes both ways, octet for octet', async () => {
    const out = [
      arpRequest(OURS.ip, THEIRS.ip, OURS.mac),
      arpRequest('0.0.0.0', OURS.ip, OURS.mac),
      arpReply(OURS.ip, OURS.mac, THEIRS),
      solicitation(OURS.ip6, THEIRS.ip6, OURS.mac),
      solicitation('::', OURS.ip6, OURS.mac),
      advertisement(OURS.ip6, { ip: THEIRS.ip6, mac: THEIRS.mac }, OURS.mac),
      listenerReport(OURS.link, OURS.mac, [OUR_GROUP]),
    ];
    expect(hex(await outwards(...out))).toEqual(hex(out));
    const into = [
      arpRequest(THEIRS.ip, OURS.ip, THEIRS.mac),
      arpReply(THEIRS.ip, THEIRS.mac, OURS),
      solicitation(THEIRS.ip6, OURS.ip6, THEIRS.mac),
      solicitation(THEIRS.link, OURS.link, THEIRS.mac),
      solicitation(THEIRS.link, OUR_LINK_BY_MAC, THEIRS.mac),
      solicitation('::', THEIRS.ip6, THEIRS.mac),
      arpRequest('0.0.0.0', THEIRS.ip, THEIRS.mac),
      advertisement(THEIRS.ip6, { ip: OURS.ip6, mac: OURS.mac }, THEIRS.mac),
      listenerMessage(130, THEIRS.link, THEIRS.mac, '::', 'ff02::1'),
    ];
    expect(hex(await inwards(...into))).toEqual(hex(into));
    expect(node.gateway.view().segment).toEqual({
      passed: { out: out.length, in: into.length },
      dropped: { out: {}, in: {} },
    });
  });

  const secret = [0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef];
  const carriers = (from: typeof THEIRS, to: typeof THEIRS): [string, Uint8Array][] => [
    [
      'anything of the type of ARP',
      Uint8Array.from([
        2,
        2,
        2,
        2,
        2,
        2,
        2,
        0,
        0,
        0,
        0,
        1,
        8,
        6,
        ...secret,
        ...Array<number>(1000).fill(0x77),
      ]),
    ],
    ['ARP with something behind it', followedBy(arpRequest(from.ip, to.ip, from.mac), ...secret)],
    ['a solicitation of hop limit 64', solicitation(from.ip6, to.ip6, from.mac, { hopLimit: 64 })],
    [
      'a solicitation with a megabit behind it',
      followedBy(solicitation(from.ip6, to.ip6, from.mac), ...secret),
    ],
    [
      'a solicitation whose checksum is wrong',
      solicitation(from.ip6, to.ip6, from.mac, { badChecksum: true }),
    ],
    ['a report of any group', listenerReport(from.link, from.mac, ['ff05::dead:beef'])],
  ];

  test.each(carriers(OURS, THEIRS))('%s does not leave', async (_, frame) => {
    expect(await outwards(frame)).toEqual([]);
    expect(Object.values(dropped().out)).toEqual([1]);
  });

  test.each(carriers(THEIRS, OURS))('%s does not come in', async (_, frame) => {
    expect(await inwards(frame)).toEqual([]);
    expect(Object.values(dropped().in)).toEqual([1]);
  });

  test('what a sender may choose is not in what leaves', async () => {
    const frame = solicitation(OURS.ip6, THEIRS.ip6, OURS.mac, {
      options: [14, 2, ...secret, 0, 0, 0, 0, 0, 0, 1, 1, ...WORKLOAD_MAC],
      trafficClass: 0xde,
    });
    expect(hex(await outwards(frame))).toEqual(hex([solicitation(OURS.ip6, THEIRS.ip6, OURS.mac)]));
    const arp = changed(arpRequest(OURS.ip, THEIRS.ip, OURS.mac), 32, 0xde, 0xad, 0xbe, 0xef, 0xde, 0xad);
    expect(hex(await outwards(arp))).toEqual(hex([arpRequest(OURS.ip, THEIRS.ip, OURS.mac)]));
  });

  test('frames of other types, with tags, and IP that is none, leave neither for the underlay nor for the kernel', async () => {
    const ip = frameOf(packetBetween(1, 2, 7));
    const frames = [
      changed(ip, 12, 0x81, 0x00),
      changed(ip, 12, 0x88, 0xcc),
      changed(ip, 14, 0x55),
      ip.subarray(0, 20),
      new Uint8Array(13),
    ];
    expect(await outwards(...frames)).toEqual([]);
    expect(node.hal.fates().kernel).toBe(0);
  });
});

describe('who may say what', () => {
  test('router advertisements and redirects come in from routers that --allow-router names only, and it is told', async () => {
    const to = { ip: OURS.ip6, mac: OURS.mac };
    const rogue = [
      routerAdvertisement('fe80::bad', THEIRS.mac),
      redirect('fe80::bad', THEIRS.mac, to, 'fe80::bad', 'fd00::9'),
    ];
    expect(await inwards(...rogue)).toEqual([]);
    expect(dropped().in).toEqual({ router: 2 });
    expect(lines()).toEqual([
      'router-advertisement dropped: no --allow-router names its source',
      'redirect dropped: no --allow-router names its source',
    ]);
    const named = [
      routerAdvertisement(ROUTER.link, ROUTER.mac),
      redirect(ROUTER.link, ROUTER.mac, to, 'fe80::98', 'fd00::9'),
    ];
    expect(hex(await inwards(...named))).toEqual(hex(named));
  });

  test('however many come, the log says it a few times', async () => {
    for (let i = 0; i < 100; i++) await inwards(routerAdvertisement('fe80::bad', THEIRS.mac));
    expect(dropped().in).toEqual({ router: 100 });
    expect(lines().length).toBeLessThanOrEqual(6);
  });

  test('the workload is no router', async () => {
    const frames = [
      routerAdvertisement(OURS.link, OURS.mac),
      redirect(OURS.link, OURS.mac, { ip: THEIRS.ip6, mac: THEIRS.mac }, OURS.link, 'fd00::9'),
      listenerMessage(130, OURS.link, OURS.mac, '::', 'ff02::1'),
    ];
    expect(await outwards(...frames)).toEqual([]);
    expect(dropped().out).toEqual({ router: 3 });
    const asRouter = advertisement(OURS.ip6, { ip: THEIRS.ip6, mac: THEIRS.mac }, OURS.mac, 0xe0);
    const asHost = advertisement(OURS.ip6, { ip: THEIRS.ip6, mac: THEIRS.mac }, OURS.mac, 0x60);
    expect(hex(await outwards(asRouter))).toEqual(hex([asHost]));
  });

  test("the workload speaks for its own addresses and its own MAC, and nobody else for the workload's", async () => {
    const frames = [
      arpReply(THEIRS.ip, OURS.mac, { ip: vip(3), mac: '02:00:00:00:00:03' }),
      arpRequest(THEIRS.ip, vip(3), OURS.mac),
      arpRequest('0.0.0.0', THEIRS.ip, OURS.mac),
      advertisement(THEIRS.ip6, { ip: vip(3, 6), mac: '02:00:00:00:00:03' }, OURS.mac),
      solicitation('::', THEIRS.ip6, OURS.mac),
      solicitation(THEIRS.ip6, vip(3, 6), OURS.mac),
      changed(arpRequest(OURS.ip, THEIRS.ip, OURS.mac), 6, 2, 0, 0, 0, 0, 0x77),
      changed(arpRequest(OURS.ip, THEIRS.ip, OURS.mac), 22, 2, 0, 0, 0, 0, 0x77),
      solicitation(OURS.ip6, THEIRS.ip6, OURS.mac, { options: linkLayerOption(1, '02:00:00:00:00:77') }),
      advertisementFrom(OURS.ip6, THEIRS.ip6, OURS.mac),
      arpRequest(OURS.ip, THEIRS.ip, '02:00:00:00:00:77'),
      solicitation(OURS.ip6, THEIRS.ip6, '02:00:00:00:00:77'),
      solicitation('::', OURS.ip6, '02:00:00:00:00:77'),
    ];
    expect(await outwards(...frames)).toEqual([]);
    expect(dropped().out).toEqual({ 'not-ours': frames.length });
  });

  const claimsOf = (ip: string): [string, string, string, Uint8Array][] => [
    ['ours', 'an advertisement for', ip, advertisement(ip, { ip: OURS.ip6, mac: OURS.mac }, THEIRS.mac)],
    ['ours', 'an unsolicited advertisement for', ip, advertisement(ip, ALL_NODES, THEIRS.mac, 0)],
    ['ours', 'one that overrides what is known of', ip, advertisement(ip, ALL_NODES, THEIRS.mac, 0x20)],
    ['ours', "an advertisement in another's name for", ip, advertisementFrom(THEIRS.link, ip, THEIRS.mac)],
    ['ours', 'a solicitation from', ip, solicitation(ip, THEIRS.ip6, THEIRS.mac)],
    ['ours', 'an advertisement of another address from', ip, advertisementFrom(ip, THEIRS.ip6, THEIRS.mac)],
    ['probe', 'duplicate address detection for', ip, solicitation('::', ip, THEIRS.mac)],
    // A switch that sends the workload's own question back.
    ['probe', "the workload's own duplicate address detection for", ip, solicitation('::', ip, OURS.mac)],
  ];

  test.each([
    ['ours', 'an ARP reply of', OURS.ip, arpReply(OURS.ip, THEIRS.mac, OURS)],
    [
      'ours',
      'an ARP reply to all of',
      OURS.ip,
      changed(arpReply(OURS.ip, THEIRS.mac, OURS), 0, ...BROADCAST),
    ],
    ['ours', 'an ARP request from', OURS.ip, arpRequest(OURS.ip, THEIRS.ip, THEIRS.mac)],
    ['ours', 'an ARP announcement of', OURS.ip, arpRequest(OURS.ip, OURS.ip, THEIRS.mac)],
    ['probe', 'an ARP probe for', OURS.ip, arpRequest('0.0.0.0', OURS.ip, THEIRS.mac)],
    ...claimsOf(OURS.ip6),
    ...claimsOf(OUR_LINK_BY_MAC),
    ...claimsOf(OURS.link),
  ])("nobody else speaks for the workload's addresses (%s): %s %s", async (why, _, ip, frame) => {
    // What its own link-local address is, the workload has shown.
    if (ip === OURS.link) await outwards(solicitation(OURS.link, THEIRS.ip6, OURS.mac));
    expect(await inwards(frame)).toEqual([]);
    expect(dropped()).toEqual({ out: {}, in: { [why]: 1 } });
    expect(lines()).toEqual([expect.stringMatching(TOLD[why]!)]);
  });

  test("an address that the workload has only asked for may be somebody else's, who is heard", async () => {
    expect(await outwards(solicitation('::', OURS.link, OURS.mac))).toHaveLength(1);
    const defence = advertisement(OURS.link, ALL_NODES, THEIRS.mac, 0x20);
    expect(hex(await inwards(defence))).toEqual(hex([defence]));
    await outwards(listenerReport(OURS.link, OURS.mac, [OUR_GROUP]));
    expect(await inwards(defence)).toEqual([]);
  });

  test('new link-local addresses of the workload: a few, then one a minute, and the last ones are known', async () => {
    const links = Array.from({ length: 2 * LINK_LOCALS_MAX }, (_, i) => `fe80::1:${i + 1}`);
    const questions = links.map((link) => solicitation(link, THEIRS.ip6, OURS.mac));
    const answers = links.map((link) => advertisement(link, ALL_NODES, OURS.mac, 0x20));
    expect(hex(await outwards(...questions))).toEqual(hex(questions.slice(0, LINK_LOCALS_MAX)));
    expect(dropped().out).toEqual({ 'not-ours': LINK_LOCALS_MAX });
    expect(hex(await outwards(...answers))).toEqual(hex(answers.slice(0, LINK_LOCALS_MAX)));
    // Nor is an answer for a new one another way. That of its MAC always has room.
    expect(await outwards(answers.at(-1)!)).toEqual([]);
    expect(await outwards(solicitation(OUR_LINK_BY_MAC, THEIRS.ip6, OURS.mac))).toHaveLength(1);
    await net.run(60_000);
    expect(hex(await outwards(...questions.slice(LINK_LOCALS_MAX)))).toEqual(
      hex([questions[LINK_LOCALS_MAX]!]),
    );
    // The first one has made room.
    expect(await inwards(solicitation('::', links[1]!, THEIRS.mac))).toEqual([]);
    expect(await inwards(solicitation('::', links[0]!, THEIRS.mac))).toHaveLength(1);
  });
});

describe('not faster than hosts need it', () => {
  const LIMITS = { neighborsPerSourcePerSecond: 10, neighborsPerSecond: 30 };
  const request = (i: number, source: number) =>
    arpRequest(`10.0.${source}.1`, OURS.ip, `02:00:00:00:03:${(10 + (i % 80)).toString(16)}`);

  beforeEach(async () => {
    await net.stopAll();
    net = new TestNetwork();
    node = await net.start(1, [2], { mode: 'transport', limits: LIMITS });
  });

  test('of one source so many a second, exactly, and as many more in the next', async () => {
    const flood = Array.from({ length: 200 }, () => arpRequest(THEIRS.ip, OURS.ip, THEIRS.mac));
    expect(await inwards(...flood)).toHaveLength(10);
    await net.run(1000);
    expect(await inwards(...flood)).toHaveLength(10);
    expect(
      await outwards(...Array.from({ length: 200 }, () => arpRequest(OURS.ip, THEIRS.ip, OURS.mac))),
    ).toHaveLength(10);
    expect(dropped()).toEqual({ out: { rate: 190 }, in: { rate: 380 } });
  });

  test('of all sources together so many, and answers to what the workload asked get through all the same', async () => {
    const flood = Array.from({ length: 500 }, (_, i) => request(i, i % 250));
    expect(await inwards(...flood)).toHaveLength(30);
    expect(await outwards(arpRequest(OURS.ip, THEIRS.ip, OURS.mac))).toHaveLength(1);
    expect(await inwards(...flood, arpReply(THEIRS.ip, THEIRS.mac, OURS))).toHaveLength(1);
    // Nobody asked for this one.
    expect(await inwards(arpReply(vip(3), '02:00:00:00:00:03', OURS))).toEqual([]);
  });

  test('invented sources take no more memory than their bound', () => {
    const rates = new SourceRates(10, 1_000_000, () => 0);
    for (let i = 0; i < 3 * SOURCES_MAX; i++) rates.take(`source ${i}`);
    expect(rates.size).toBe(SOURCES_MAX);
  });
});

test('a flood of them fills the queue of the CPU and no more, and sessions go on', async () => {
  const peer = await net.start(2, [1], { mode: 'transport' });
  const toPeer = (id: number) => changed(frameOf(packetBetween(1, 2, id)), 0, 2, 0, 0, 0, 1, 2);
  node.workload.inject([toPeer(1)]);
  await net.run(50);
  const flood = Array.from({ length: 20_000 }, () => changed(new Uint8Array(60), 12, 8, 6));
  net.arrive(node, flood);
  expect(node.hal.rssWaiting).toBeLessThanOrEqual(4096);
  node.workload.inject([toPeer(2)]);
  await net.run(50);
  expect(peer.workload.takeSent()).toHaveLength(2);
  expect((await node.hal.statistics()).rssDropped).toBe(20_000n - 4096n);
});

test('no pipeline of either mode lets anything but PSP and what the CPU passes leave, or the workload reach the kernel', () => {
  for (const mode of ['tunnel', 'transport'] as const) {
    const { pipes } = buildPipeline(pipelineOptions({ mode }));
    const root = pipes.find(({ name }) => name === 'ROOT')!;
    const entries = root.type === 'control' ? (root.entries ?? []) : [];
    const fromVf = entries.filter(({ match }) => match['parser_meta.port_id']?.value === 1);
    expect(fromVf.at(-1)).toMatchObject({
      forward: { to: 'drop' },
      match: { 'parser_meta.port_id': { value: 1 } },
    });
    expect(fromVf.filter(({ forward }) => forward.to === 'port' || forward.to === 'kernel')).toEqual([]);
    const direct = pipes.flatMap((pipe) =>
      pipe.type === 'control'
        ? (pipe.entries ?? []).filter(({ forward }) => forward.to === 'port' && forward.port === 0)
        : [],
    );
    for (const { match } of direct) expect(match['meta.pkt_meta']?.value).toBe(0x12121212);
    expect(direct.length).toBe(mode === 'tunnel' ? 0 : 10);
  }
});

test('whatever kind of frame goes to the CPU as one of the segment is one that it knows', () => {
  const segment = new Segment({
    allowRouters: [],
    localVips: new Set<IpAddress>([OURS.ip]),
    workloadMac: OURS.mac,
    perSource: 1,
    total: 1,
    nowMs: () => 0,
    observe: () => {},
  });
  const echo = changed(solicitation(OURS.ip6, THEIRS.ip6, OURS.mac), 54, 128);
  expect(claimsToBeSegmentMessage(echo)).toBe(false);
  expect(segment.pass('out', echo)).toBeUndefined();
});
