/** What peers may claim of the underlay: the policy by itself, over addresses and a clock that a test sets. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEvent } from '../../../../src/gateway/events.js';
import type { Peer } from '../../../../src/gateway/peers.js';
import {
  UNCONFIRMED_HOLD_MS,
  UNDERLAY_ADDRESSES_PER_PEER_MAX,
  UnderlayAddresses,
} from '../../../../src/gateway/underlay/underlay-addresses.js';
import { UnderlayPolicy } from '../../../../src/gateway/underlay/underlay-policy.js';
import { parseIp, parseMac } from '../../../../src/packet/address.js';
import { parsePrefix } from '../../../../src/packet/prefix.js';
import { testPeer } from '../../../support/peers.js';

const UPLINK_MAC = '02:00:00:00:01:01';
const MAC = '02:00:00:00:07:03';
/** A peer whose addresses are configured, and two of which nothing is known; `alias` is at the service address of `b`. */
const [configured, b, c, alias] = [testPeer(1), testPeer(2), testPeer(3), testPeer(2)];
let nowMs: number;
let events: GatewayEvent[];
let addresses: UnderlayAddresses;
let policy: UnderlayPolicy;

function open(uplinkIp = '2001:db8::1', prefixes = ['2001:db8:1::/48', '2001:db8:2::7']): void {
  addresses = new UnderlayAddresses(() => nowMs);
  policy = new UnderlayPolicy({
    prefixes: new Map([[configured, prefixes.map(parsePrefix)]]),
    addresses,
    uplink: { ip: parseIp(uplinkIp), mac: parseMac(UPLINK_MAC) },
    own: [parseIp('2001:db8::11'), parseIp('10.0.0.9')],
    observe: (event) => events.push(event),
  });
}
beforeEach(() => {
  nowMs = 1e9;
  events = [];
  open();
});

const where = (ip: string, mac = MAC) => ({ underlayIp: parseIp(ip), mac: parseMac(mac) });
/** What is said of a claim; undefined: it may be. */
function refusalOf(peer: Peer, ip: string, mac = MAC): string | undefined {
  try {
    policy.check(peer, where(ip, mac), 'at');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
/** What the device is told of a peer's way, as after an exchange. */
function take(peer: Peer, ip: string): void {
  policy.check(peer, where(ip), 'at');
  policy.claim(peer, [where(ip)]);
  policy.installed(peer, [where(ip)]);
}
const prove = (peer: Peer, ip: string) => addresses.confirm(peer, parseIp(ip));

describe('a claim is refused', () => {
  test.each([
    [
      'mac',
      '2001:db8:7::3',
      '01:00:00:00:00:01',
      'INVALID_ARGUMENT: at.mac_addr: 01:00:00:00:00:01 is no unicast MAC',
    ],
    [
      'mac',
      '2001:db8:7::3',
      UPLINK_MAC,
      `INVALID_ARGUMENT: at.mac_addr: ${UPLINK_MAC} is this gateway's own`,
    ],
    [
      'kind',
      'ff02::1',
      MAC,
      'INVALID_ARGUMENT: at.ip_addr: ff02::1 is multicast, no address of a host of the underlay',
    ],
    [
      'kind',
      'fe80::1',
      MAC,
      'INVALID_ARGUMENT: at.ip_addr: fe80::1 is link-local, no address of a host of the underlay',
    ],
    [
      'kind',
      '::1',
      MAC,
      'INVALID_ARGUMENT: at.ip_addr: ::1 is loopback, no address of a host of the underlay',
    ],
    ['own', '2001:db8::1', MAC, "INVALID_ARGUMENT: at.ip_addr: 2001:db8::1 is this gateway's own"],
    ['own', '2001:db8::11', MAC, "INVALID_ARGUMENT: at.ip_addr: 2001:db8::11 is this gateway's own"],
    ['own', '10.0.0.9', MAC, "INVALID_ARGUMENT: at.ip_addr: 10.0.0.9 is this gateway's own"],
    [
      'held',
      '2001:db8:1::5',
      MAC,
      'PERMISSION_DENIED: at.ip_addr: 2001:db8:1::5 is configured for another peer',
    ],
    [
      'held',
      '2001:db8:2::7',
      MAC,
      'PERMISSION_DENIED: at.ip_addr: 2001:db8:2::7 is configured for another peer',
    ],
  ] as const)('(%s) for %s and %s, and counted', (why, ip, mac, text) => {
    for (let times = 1; times <= 3; times++) {
      expect(refusalOf(b, ip, mac)).toBe(text);
      expect(policy.refused).toEqual({ [why]: times });
    }
    // And one that is right is not, before and after it.
    expect(refusalOf(b, '2001:db8:7::3')).toBeUndefined();
    expect(refusalOf(b, ip, mac)).toBe(text);
  });

  test('of an address that its own prefixes lack, and no other of it', () => {
    expect(refusalOf(configured, '2001:db8:7::3')).toBe(
      'PERMISSION_DENIED: at.ip_addr: 2001:db8:7::3 is none of those that are configured for this peer',
    );
    expect(policy.refused).toEqual({ prefix: 1 });
    expect(refusalOf(configured, '2001:db8:1::5')).toBeUndefined();
    expect(refusalOf(configured, '2001:db8:2::7')).toBeUndefined();
    expect(refusalOf(configured, '2001:db8:2::8')).toContain('none of those');
  });

  test('after another of the same peer, address or MAC that was right', () => {
    take(b, '2001:db8:7::3');
    expect(refusalOf(c, '2001:db8:7::3')).toContain('is held by another peer');
    expect(refusalOf(b, '2001:db8::1')).toContain('own');
    expect(refusalOf(b, '2001:db8:7::3')).toBeUndefined();
    expect(refusalOf(b, '2001:db8:7::3', UPLINK_MAC)).toContain('own');
    expect(refusalOf(configured, '2001:db8:7::3')).toContain('none of those');
  });

  test('for loopback and link-local addresses, unless our own is one of that kind', () => {
    open('fe80::99');
    expect(refusalOf(b, 'fe80::1')).toBeUndefined();
    expect(refusalOf(b, '::1')).toContain('is loopback');
    open('127.0.0.1');
    expect(refusalOf(b, '127.0.0.2')).toBeUndefined();
    expect(refusalOf(b, '169.254.0.1')).toContain('is link-local');
    expect(refusalOf(b, '224.0.0.1')).toContain('is multicast');
    // Only those two kinds: what is a group's stays so.
    open('ff02::1');
    expect(refusalOf(b, 'ff02::2')).toContain('is multicast');
  });

  test('where somebody else has proved it, or has claimed it just before; peers of one service are one party', () => {
    take(b, '2001:db8:7::3');
    expect(refusalOf(alias, '2001:db8:7::3')).toBeUndefined();
    expect(refusalOf(c, '2001:db8:7::3')).toBe(
      'PERMISSION_DENIED: at.ip_addr: 2001:db8:7::3 is held by another peer',
    );
    expect(policy.refused).toEqual({ held: 1 });
    expect(events.at(-1)).toEqual({
      type: 'underlay-claimed',
      peer: c.name,
      address: '2001:db8:7::3',
      holder: b.name,
    });
    nowMs += UNCONFIRMED_HOLD_MS;
    expect(refusalOf(c, '2001:db8:7::3')).toBeUndefined();
    prove(b, '2001:db8:7::3');
    // Also when it was found right before.
    expect(refusalOf(c, '2001:db8:7::3')).toContain('is held by another peer');
  });
});

test('prefixes of a peer are those of all peers at its service address', () => {
  expect(refusalOf(testPeer(1), '2001:db8:1::5')).toBeUndefined();
});

test('addresses that are configured by themselves are known from the start, and those of prefixes are not', () => {
  expect([...addresses].map(({ peer, address, origin }) => [peer, address, origin])).toEqual([
    [configured, '2001:db8:2::7', 'configured'],
  ]);
});

test('one message may name as many addresses as a peer may have, and no more; then none of them is taken', () => {
  const some = (count: number) => Array.from({ length: count }, (_, i) => where(`2001:db8:7::${i + 1}`));
  policy.claim(b, [...some(UNDERLAY_ADDRESSES_PER_PEER_MAX), ...some(2)]);
  expect(addresses.of(b)).toHaveLength(UNDERLAY_ADDRESSES_PER_PEER_MAX);
  expect(policy.refused).toEqual({});
  expect(() => policy.claim(c, some(UNDERLAY_ADDRESSES_PER_PEER_MAX + 1))).toThrow(
    'INVALID_ARGUMENT: ip_addr: 5 different ones; at most 4 are taken',
  );
  expect(policy.refused).toEqual({ many: 1 });
  expect(addresses.of(c)).toEqual([]);
});

test('an address is unproved until a packet has come from it, unless the configuration says where the peer is', () => {
  const ip = parseIp('2001:db8:7::3');
  take(b, ip);
  expect([policy.isConfigured(b), policy.isConfigured(configured)]).toEqual([false, true]);
  expect([policy.isUnproved(b, ip), policy.isUnproved(configured, parseIp('2001:db8:1::5'))]).toEqual([
    true,
    false,
  ]);
  expect(policy.viewOf(b)).toEqual([{ address: ip, origin: 'learnt', confirmed: false }]);
  expect(policy.viewOf(configured)).toEqual([
    { address: '2001:db8:2::7', origin: 'configured', confirmed: true },
  ]);
  prove(b, ip);
  expect(policy.isUnproved(b, ip)).toBe(false);
  expect(policy.isUnproved(c, ip)).toBe(true);
  expect(policy.viewOf(b)).toEqual([{ address: ip, origin: 'learnt', confirmed: true }]);
});

describe('the address to which a peer’s packets go', () => {
  test('is told when it is new and when it changes, with the former one, and counted when it changes', () => {
    policy.installed(b, []);
    expect(events).toEqual([]);
    take(b, '2001:db8:7::3');
    take(b, '2001:db8:7::3');
    const place = { peer: b.name, mac: MAC };
    expect([policy.changes, events]).toEqual([
      0,
      [{ type: 'underlay-address', ...place, address: '2001:db8:7::3', confirmed: false }],
    ]);
    policy.claim(b, [where('2001:db8:7::4')]);
    prove(b, '2001:db8:7::4');
    // The last one of a message counts.
    policy.installed(b, [where('2001:db8:7::3'), where('2001:db8:7::4')]);
    expect(policy.changes).toBe(1);
    const changed = { address: '2001:db8:7::4', before: '2001:db8:7::3', confirmed: true };
    expect(events.slice(1)).toEqual([{ type: 'underlay-changed', ...place, ...changed }]);
    take(configured, '2001:db8:1::5');
    const known = { type: 'underlay-address', peer: configured.name, confirmed: true };
    expect(events.at(-1)).toMatchObject(known);
    expect(policy.changes).toBe(1);
  });
});
