/** ARP, neighbor discovery and listener discovery to the letter, and nothing else of what their senders could say. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ipv6Address } from '../../../src/packet/address.js';
import { solicitedNode } from '../../../src/packet/icmpv6.js';
import { claimsToBeSegmentMessage, readSegmentMessage } from '../../../src/packet/segment.js';
import type { SegmentFault } from '../../../src/packet/segment-message.js';
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
} from '../../support/segment-frames.js';

const A = { ip: '192.168.1.1', ip6: 'fd00::1', link: 'fe80::1', mac: '02:00:00:00:00:01' };
const B = { ip: '192.168.1.2', ip6: 'fd00::2', link: 'fe80::2', mac: '02:00:00:00:00:02' };
const GROUP = solicitedNode(A.ip6 as Ipv6Address).group;
const ROUTERS = 'ff02::2';
const NODES = 'ff02::1';
const to6 = { ip: B.ip6, mac: B.mac };

const rs = (source: string, options: readonly number[]) =>
  icmpv6Frame([133, 0, 0, 0, 0, 0, 0, 0, ...options], { source, destination: ROUTERS, mac: A.mac });

const RIGHT: readonly [string, Uint8Array][] = [
  ['an ARP request', arpRequest(A.ip, B.ip, A.mac)],
  ['an ARP request to one host', changed(arpRequest(A.ip, B.ip, A.mac), 0, 2, 0, 0, 0, 0, 2)],
  ['an ARP probe', arpRequest('0.0.0.0', A.ip, A.mac)],
  ['an ARP announcement', arpRequest(A.ip, A.ip, A.mac)],
  ['an ARP reply', arpReply(A.ip, A.mac, B)],
  ['an ARP reply to a probe', arpReply(A.ip, A.mac, { ip: '0.0.0.0', mac: B.mac })],
  ['a solicitation', solicitation(A.ip6, B.ip6, A.mac)],
  [
    'a solicitation to its target',
    solicitation(A.ip6, B.ip6, A.mac, { destination: B.ip6, destinationMac: B.mac }),
  ],
  ['duplicate address detection', solicitation('::', A.ip6, A.mac)],
  ['an advertisement', advertisement(A.ip6, to6, A.mac)],
  [
    'an unsolicited advertisement',
    advertisement(A.ip6, { ip: NODES, mac: '33:33:00:00:00:01' }, A.mac, 0x20),
  ],
  ['a router solicitation', rs(A.link, linkLayerOption(1, A.mac))],
  ['a router solicitation of nobody', rs('::', [])],
  ['a router advertisement', routerAdvertisement(A.link, A.mac)],
  ['a redirect', redirect(A.link, A.mac, to6, 'fe80::9', 'fd00::9')],
  ['a report of version 2', listenerReport(A.link, A.mac, [GROUP])],
  ['a report of nobody', listenerReport('::', A.mac, [GROUP])],
  ['a report of version 1', listenerMessage(131, A.link, A.mac, GROUP, GROUP)],
  ['a done', listenerMessage(132, A.link, A.mac, GROUP, ROUTERS)],
  ['a general query', listenerMessage(130, A.link, A.mac, '::', NODES)],
  ['a query of a group', listenerMessage(130, A.link, A.mac, GROUP, GROUP)],
];

const WRONG: readonly [string, SegmentFault, Uint8Array][] = [
  ['ARP that is cut off', 'size', arpRequest(A.ip, B.ip, A.mac).subarray(0, 41)],
  [
    'ARP with 1000 octets behind it',
    'size',
    followedBy(arpRequest(A.ip, B.ip, A.mac), ...Array<number>(1000).fill(7)),
  ],
  [
    'ARP in one octet more than the least frame',
    'size',
    followedBy(arpRequest(A.ip, B.ip, A.mac), ...Array<number>(19).fill(0)),
  ],
  ['ARP whose padding says something', 'padding', followedBy(arpRequest(A.ip, B.ip, A.mac), 0, 0, 7)],
  ['ARP of another hardware', 'header', changed(arpRequest(A.ip, B.ip, A.mac), 14, 0, 6)],
  ['ARP of another protocol', 'header', changed(arpRequest(A.ip, B.ip, A.mac), 16, 0x86, 0xdd)],
  ['ARP with long MACs', 'header', changed(arpRequest(A.ip, B.ip, A.mac), 18, 8)],
  ['ARP with long addresses', 'header', changed(arpRequest(A.ip, B.ip, A.mac), 19, 16)],
  ['reverse ARP', 'header', changed(arpRequest(A.ip, B.ip, A.mac), 20, 0, 3)],
  [
    'anything of the type of ARP',
    'header',
    changed(new Uint8Array(60).fill(0), 0, ...Array<number>(6).fill(2), ...Array<number>(6).fill(2), 8, 6),
  ],
  ['ARP from a group', 'addresses', changed(arpRequest(A.ip, B.ip, A.mac), 6, 1)],
  ['ARP that names a group', 'addresses', changed(arpRequest(A.ip, B.ip, A.mac), 22, 1)],
  ['ARP to a group', 'addresses', changed(arpRequest(A.ip, B.ip, A.mac), 0, 1, 0, 0x5e)],
  ['ARP for a group', 'scope', arpRequest(A.ip, '224.0.0.1', A.mac)],
  ['ARP of loopback', 'scope', arpRequest('127.0.0.1', B.ip, A.mac)],
  ['an ARP reply of nobody', 'scope', arpReply('0.0.0.0', A.mac, B)],
  ['a solicitation with hop limit 64', 'hop-limit', solicitation(A.ip6, B.ip6, A.mac, { hopLimit: 64 })],
  ['a solicitation with code 1', 'code', solicitationWith(1, 1)],
  [
    'a solicitation with a wrong checksum',
    'checksum',
    solicitation(A.ip6, B.ip6, A.mac, { badChecksum: true }),
  ],
  [
    'a solicitation without target',
    'size',
    icmpv6Frame([135, 0, 0, 0, 0, 0, 0, 0], { source: A.ip6, destination: GROUP, mac: A.mac }),
  ],
  ['a solicitation for a group', 'scope', solicitation(A.ip6, NODES, A.mac)],
  [
    'a solicitation to somebody else',
    'scope',
    solicitation(A.ip6, B.ip6, A.mac, { destination: 'fd00::3', destinationMac: B.mac }),
  ],
  ['a solicitation to all nodes', 'scope', solicitation(A.ip6, B.ip6, A.mac, { destination: NODES })],
  ['a solicitation of a group', 'scope', solicitation('ff02::5', B.ip6, A.mac)],
  [
    'a solicitation of nobody that names a MAC',
    'options',
    solicitation('::', B.ip6, A.mac, { options: linkLayerOption(1, A.mac) }),
  ],
  [
    'an option of no length',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, { options: [1, 0, 0, 0, 0, 0, 0, 0] }),
  ],
  [
    'an option that is cut off',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, { options: [1, 2, 0, 0, 0, 0, 0, 0] }),
  ],
  [
    'an option and half of one',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, { options: [...linkLayerOption(1, A.mac), 1] }),
  ],
  [
    'a MAC of sixteen octets',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, { options: [1, 2, ...Array<number>(14).fill(2)] }),
  ],
  [
    'two MACs',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, {
      options: [...linkLayerOption(1, A.mac), ...linkLayerOption(1, B.mac)],
    }),
  ],
  [
    'a MAC of a group',
    'options',
    solicitation(A.ip6, B.ip6, A.mac, { options: linkLayerOption(1, '03:00:00:00:00:01') }),
  ],
  ['octets behind the packet', 'padding', followedBy(solicitation(A.ip6, B.ip6, A.mac), 0)],
  [
    'a group that is sent to another MAC',
    'addresses',
    solicitation(A.ip6, B.ip6, A.mac, { destinationMac: B.mac }),
  ],
  [
    'neighbor discovery behind options',
    'hop-limit',
    solicitation(A.ip6, B.ip6, A.mac, { extensions: [58, 0, 5, 2, 0, 0, 1, 0] }),
  ],
  [
    'neighbor discovery behind other options',
    'header',
    solicitation(A.ip6, B.ip6, A.mac, { extensions: [58, 0, 1, 4, 7, 7, 7, 7] }),
  ],
  [
    'a solicited advertisement to all',
    'scope',
    advertisement(A.ip6, { ip: NODES, mac: '33:33:00:00:00:01' }, A.mac),
  ],
  [
    'an advertisement to a group',
    'scope',
    advertisement(A.ip6, { ip: ROUTERS, mac: '33:33:00:00:00:02' }, A.mac, 0x20),
  ],
  ['an advertisement of a group', 'scope', changedIcmp(advertisement(A.ip6, to6, A.mac), 'ff02::9')],
  [
    'a router solicitation to all nodes',
    'scope',
    icmpv6Frame([133, 0, 0, 0, 0, 0, 0, 0], { source: A.link, destination: NODES, mac: A.mac }),
  ],
  ['a router advertisement from afar', 'scope', routerAdvertisement(A.ip6, A.mac)],
  [
    'a router advertisement with hop limit 64',
    'hop-limit',
    routerAdvertisement(A.link, A.mac, { hopLimit: 64 }),
  ],
  ['a redirect from afar', 'scope', redirect(A.ip6, A.mac, to6, 'fe80::9', 'fd00::9')],
  ['a redirect to what is not on the link', 'scope', redirect(A.link, A.mac, to6, 'fd00::8', 'fd00::9')],
  ['a report with hop limit 64', 'hop-limit', listenerReport(A.link, A.mac, [GROUP], { hopLimit: 64 })],
  ['a report without router alert', 'hop-limit', listenerReport(A.link, A.mac, [GROUP], { extensions: [] })],
  [
    'a report without router alert, as if of neighbors',
    'header',
    listenerReport(A.link, A.mac, [GROUP], { extensions: [], hopLimit: 255 }),
  ],
  ['a report from afar', 'scope', listenerReport(A.ip6, A.mac, [GROUP])],
  ['a report of no group', 'size', listenerReport(A.link, A.mac, [])],
  ['a report of other groups', 'group', listenerReport(A.link, A.mac, ['ff05::1234:5678'])],
  ['a report to somebody else', 'scope', listenerReport(A.link, A.mac, [GROUP], { destination: ROUTERS })],
  [
    'a report of version 1 of another group',
    'group',
    listenerMessage(131, A.link, A.mac, 'ff02::fb', 'ff02::fb'),
  ],
  ['a done of nobody', 'scope', listenerMessage(132, '::', A.mac, GROUP, ROUTERS)],
  ['a query from afar', 'scope', listenerMessage(130, A.ip6, A.mac, '::', NODES)],
  [
    'an echo request',
    'kind',
    icmpv6Frame([128, 0, 0, 0, 0, 0, 0, 0], {
      source: A.ip6,
      destination: B.ip6,
      destinationMac: B.mac,
      mac: A.mac,
    }),
  ],
];

function solicitationWith(at: number, value: number): Uint8Array {
  const message = [135, 0, 0, 0, 0, 0, 0, 0, ...octetsOf(B.ip6)];
  message[at] = value;
  return icmpv6Frame(message, {
    source: A.ip6,
    destination: solicitedNode(B.ip6 as Ipv6Address).group,
    mac: A.mac,
  });
}

/** An advertisement of another target, from the same source. */
function changedIcmp(frame: Uint8Array, target: string): Uint8Array {
  return icmpv6Frame([136, 0, 0, 0, 0x60, 0, 0, 0, ...octetsOf(target)], {
    source: A.ip6,
    destination: B.ip6,
    destinationMac: B.mac,
    mac: `02:00:00:00:00:0${frame[11]}`,
  });
}

test.each(RIGHT)('%s is read, and comes out as it was', (_, frame) => {
  const message = readSegmentMessage(frame);
  expect(typeof message).not.toBe('string');
  if (typeof message === 'string') return;
  expect(Buffer.from(message.frame).toString('hex')).toBe(Buffer.from(frame).toString('hex'));
  expect(claimsToBeSegmentMessage(frame)).toBe(true);
});

test.each(WRONG)('%s is refused: %s', (_, fault, frame) => {
  expect(readSegmentMessage(frame)).toBe(fault);
});

describe('what the sender could choose does not come out', () => {
  const same = (frame: Uint8Array, as: Uint8Array) => {
    const message = readSegmentMessage(frame);
    expect(typeof message).not.toBe('string');
    if (typeof message !== 'string') expect(Buffer.compare(message.frame, as)).toBe(0);
  };

  test('whom an ARP request takes its target for; zero octets of padding', () => {
    const plain = arpRequest(A.ip, B.ip, A.mac);
    same(followedBy(changed(plain, 32, 1, 2, 3, 4, 5, 6), ...Array<number>(18).fill(0)), plain);
  });

  test('traffic class, flow label, reserved octets, options that neighbor discovery does not define', () => {
    const plain = solicitation(A.ip6, B.ip6, A.mac);
    const nonce = [14, 1, 1, 2, 3, 4, 5, 6];
    same(solicitation(A.ip6, B.ip6, A.mac, { options: [...nonce, ...linkLayerOption(1, A.mac)] }), plain);
    same(changed(solicitation(A.ip6, B.ip6, A.mac, { trafficClass: 0xff }), 15, 0xff, 0xab, 0xcd), plain);
    const reserved = [135, 0, 0, 0, 9, 9, 9, 9, ...octetsOf(B.ip6), ...linkLayerOption(1, A.mac)];
    const group = solicitedNode(B.ip6 as Ipv6Address).group;
    same(icmpv6Frame(reserved, { source: A.ip6, destination: group, mac: A.mac }), plain);
  });

  test('groups and sources of a report that have nothing to do with neighbors', () => {
    const plain = listenerReport(A.link, A.mac, [GROUP]);
    same(listenerReport(A.link, A.mac, ['ff02::fb', GROUP, 'ff0e::dead:beef']), plain);
  });

  test('no more than eight groups of one report', () => {
    const groups = Array.from({ length: 40 }, (_, i) => `ff02::1:ff00:${(i + 1).toString(16)}`);
    same(listenerReport(A.link, A.mac, groups), listenerReport(A.link, A.mac, groups.slice(0, 8)));
  });
});

test('whatever the octets: refused, or the same again when it is read again', () => {
  const seeds = [...RIGHT, ...WRONG].map((one) => one.at(-1) as Uint8Array);
  const damaged = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(130), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.nat(3),
    )
    .map(([seed, edits, cut]) => {
      const frame = seed.slice(0, seed.length - cut);
      for (const [at, value] of edits) if (at < frame.length) frame[at] = value;
      return frame;
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (frame) => {
      const message = readSegmentMessage(frame);
      if (typeof message === 'string') return;
      expect(message.frame.length).toBeLessThanOrEqual(frame.length);
      const again = readSegmentMessage(message.frame);
      expect(again).toEqual(message);
    }),
    { numRuns: 3000 },
  );
});
