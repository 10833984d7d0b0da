/** What is kept of peers, as text: what of it is written, what is taken over, and what is said of a text that is none. */
import { describe, expect, test } from 'vitest';
import type { PeerDialect } from '../../../../src/gateway/options.js';
import { Peers } from '../../../../src/gateway/peers.js';
import {
  applyState,
  encodeState,
  mustBeState,
  STATE_OCTETS_MAX,
} from '../../../../src/gateway/recovery/state-file.js';
import {
  UNDERLAY_ADDRESSES_PER_PEER_MAX,
  UnderlayAddresses,
} from '../../../../src/gateway/underlay/underlay-addresses.js';
import { parseIp } from '../../../../src/packet/address.js';
import { TEST_BUDGETS } from '../../../support/peers.js';

const STATE_PEERS_MAX = 16_384;
const MINUTE_MS = 60_000;
const AT_MS = 1_700_000_040_000;

/** Peers with these dialects; undefined: that of none is configured. */
function open(...dialects: (PeerDialect | undefined)[]) {
  const peers = new Peers({
    peers: dialects.map((dialect, i) => ({
      serviceAddress: { host: parseIp(`10.0.0.${i + 1}`), port: 3000 },
      virtualIps: [],
      ...(dialect === undefined ? {} : { dialect }),
    })),
    localVips: [],
    budgets: TEST_BUDGETS,
    mayRotate: true,
    nowMs: () => 0,
  });
  const addresses = new UnderlayAddresses();
  const encode = (formerly = new Map()) => encodeState(peers, addresses, formerly);
  return { peers, all: peers.all, addresses, encode };
}
const service = (number: number) => `10.0.0.${number}:3000`;
const textOf = (...peers: object[]) => JSON.stringify({ version: 1, peers });

describe('it is written', () => {
  test('of each peer of which anything is known, the one that answered last first', () => {
    const { all, addresses, encode } = open(undefined, undefined, undefined, '2.7', undefined);
    const [one, , three, four] = all as [never, never, never, never] & typeof all;
    all[0]!.answeredAtMs = AT_MS + 59_999;
    all[1]!.heardAtMs = AT_MS + 2 * MINUTE_MS;
    all[1]!.answeredAtMs = AT_MS;
    all[1]!.dialect = '2.8';
    addresses.note(three, parseIp('192.0.2.3'), 'kept');
    all[2]!.dialect = '3.x';
    for (const [peer, address, origin] of [
      [one, '192.0.2.1', 'learnt'],
      [one, '192.0.2.2', 'configured'],
      [four, '192.0.2.4', 'configured'],
    ] as const)
      addresses.note(peer, parseIp(address), origin);
    expect(encode(new Map([[four, AT_MS + 5 * MINUTE_MS]]))).toBe(
      `${[
        '{"version":1,"peers":[',
        // Of a configured dialect nothing is kept, nor of configured and unproved addresses.
        `{"service":"${service(4)}","underlay":[],"answeredAtMs":${AT_MS + 5 * MINUTE_MS}},`,
        `{"service":"${service(2)}","underlay":[],"dialect":"2.8","answeredAtMs":${AT_MS + 2 * MINUTE_MS}},`,
        `{"service":"${service(1)}","underlay":[],"answeredAtMs":${AT_MS}},`,
        `{"service":"${service(3)}","underlay":["192.0.2.3"],"dialect":"3.x"}`,
        ']}',
      ].join('\n')}\n`,
    );
  });

  test('of nobody where nothing is known', () => {
    expect(open(undefined).encode()).toBe('{"version":1,"peers":[\n\n]}\n');
    mustBeState(open(undefined).encode());
  });

  test('of so many peers at most, those that answered last', () => {
    const all = Array.from({ length: STATE_PEERS_MAX + 2 }, (_, i) => ({
      name: `${i}`,
      heardAtMs: i * MINUTE_MS,
    }));
    const text = encodeState({ all } as never, { of: () => [] } as never, new Map());
    const kept = (JSON.parse(text) as { peers: { service: string }[] }).peers;
    expect([kept.length, kept[0]!.service, kept.at(-1)!.service]).toEqual([
      STATE_PEERS_MAX,
      `${STATE_PEERS_MAX + 1}`,
      '2',
    ]);
  });

  test('of so many octets at most as are read again, however long all of its addresses are', () => {
    const [address] = ['fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'].map(parseIp);
    const peer = { name: `[${address}]:65535`, answeredAtMs: AT_MS, heardAtMs: 0, dialect: '3.x' };
    const known = Array(UNDERLAY_ADDRESSES_PER_PEER_MAX).fill({ address, origin: 'kept' });
    const octets = (count: number) =>
      encodeState({ all: Array(count).fill(peer) } as never, { of: () => known } as never, new Map()).length;
    const each = octets(2) - octets(1);
    expect(octets(1) + (STATE_PEERS_MAX - 1) * each).toBeLessThanOrEqual(STATE_OCTETS_MAX);
  });
});

describe('it is taken over', () => {
  test('as far as the configuration says nothing, and the peer has not been met yet', () => {
    const { peers, all, addresses } = open(undefined, '2.8', undefined, undefined);
    all[2]!.dialect = '2.8';
    const answered = applyState(
      textOf(
        { service: service(1), underlay: [], dialect: '2.7', answeredAtMs: 5 },
        { service: service(2), underlay: [], dialect: '2.7' },
        { service: service(3), underlay: [], dialect: '2.7' },
        { service: service(4), underlay: ['192.0.2.1', '2001:db8::1'] },
      ),
      peers,
      addresses,
    );
    expect(all.map(({ dialect }) => dialect)).toEqual(['2.7', '2.8', '2.8', undefined]);
    expect([...answered]).toEqual([[all[0], 5]]);
    expect(addresses.of(all[3]!).map(({ address, origin }) => `${origin} ${address}`)).toEqual([
      'kept 192.0.2.1',
      'kept 2001:db8::1',
    ]);
  });

  test('with as many addresses, and as many octets, as it may have', () => {
    const { peers } = open(undefined);
    const text = textOf({
      service: service(1),
      underlay: ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'],
    });
    applyState(text.padEnd(STATE_OCTETS_MAX), peers, new UnderlayAddresses());
    expect(() => mustBeState(text.padEnd(STATE_OCTETS_MAX + 1))).toThrow(
      `more than ${STATE_OCTETS_MAX} octets`,
    );
  });
});

describe('it is refused, and said what is wrong, when it is', () => {
  const wrong = (field: string) => `peers[1].${field}: not what is written there`;
  const peer = { service: service(1), underlay: [] };
  const second = (change: object) => textOf(peer, { ...peer, ...change });
  test.each([
    ['no JSON', '{"version":1,', 'not JSON'],
    ['a list', '[]', 'not an object where one is written'],
    ['a text', '"x"', 'not an object where one is written'],
    ['nothing', 'null', 'not an object where one is written'],
    ['of another version', '{"version":2,"peers":[]}', 'not of version 1'],
    ['without peers', '{"version":1}', 'peers: not a list of at most 16384'],
    ['of peers that are none', '{"version":1,"peers":[[]]}', 'not an object where one is written'],
    [
      'of too many peers',
      textOf(...Array(STATE_PEERS_MAX + 1).fill(peer)),
      'peers: not a list of at most 16384',
    ],
    ['of a wrong service', second({ service: 7 }), wrong('service')],
    ['of wrong addresses', second({ underlay: {} }), wrong('underlay')],
    ['of an address that is none', second({ underlay: ['x'] }), wrong('underlay')],
    ['of five addresses', second({ underlay: Array(5).fill('192.0.2.1') }), wrong('underlay')],
    ['of a dialect that is none', second({ dialect: '4.x' }), wrong('dialect')],
    ['of a time that is none', second({ answeredAtMs: 1.5 }), wrong('answeredAtMs')],
  ])('%s', (_, text, reason) => {
    expect(() => mustBeState(text)).toThrow(reason);
  });
});
