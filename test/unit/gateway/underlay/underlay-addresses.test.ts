import { beforeEach, describe, expect, test } from 'vitest';
import type { Peer } from '../../../../src/gateway/peers.js';
import {
  HOLD_INTERVAL_MS,
  KEPT_HOLD_MS,
  UNCONFIRMED_HOLD_MS,
  UNDERLAY_ADDRESSES_PER_PEER_MAX,
  UnderlayAddresses,
  type UnderlayOrigin,
} from '../../../../src/gateway/underlay/underlay-addresses.js';
import { parseIp } from '../../../../src/packet/address.js';
import { testPeer } from '../../../support/peers.js';

const address = (number: number) => parseIp(`2001:db8::${number}`);

const [ONE, TWO] = [testPeer(1), testPeer(2)];
let known: UnderlayAddresses;
let nowMs: number;
beforeEach(() => {
  nowMs = 1_000_000;
  known = new UnderlayAddresses(() => nowMs);
});
const listOf = (of: Peer) => known.of(of).map((one) => `${one.address} ${one.origin}`);

describe('underlay addresses of peers', () => {
  test('are found by address and by peer, the one learnt last first', () => {
    expect(known.note(ONE, address(1), 'learnt')).toBe(true);
    expect(known.note(ONE, address(2), 'learnt')).toBe(true);
    expect(known.note(TWO, address(3), 'kept')).toBe(true);
    expect(listOf(ONE)).toEqual(['2001:db8::2 learnt', '2001:db8::1 learnt']);
    expect(known.holderOf(address(1))?.peer).toBe(ONE);
    expect(known.holderOf(address(9))).toBeUndefined();
    expect([...known].map(({ peer: holder }) => holder)).toEqual([ONE, ONE, TWO]);
    known.note(ONE, address(1), 'learnt');
    expect(listOf(ONE)).toEqual(['2001:db8::1 learnt', '2001:db8::2 learnt']);
  });

  test('are not taken from who has proved to have them, in the last life for a minute after the start', () => {
    known.note(ONE, address(1), 'kept');
    expect(known.note(TWO, address(1), 'kept')).toBe(false);
    expect(known.note(TWO, address(1), 'learnt')).toBe(false);
    nowMs += KEPT_HOLD_MS;
    expect(known.note(TWO, address(1), 'learnt')).toBe(true);
    expect(listOf(ONE)).toEqual([]);
    for (const origin of ['configured', 'kept', 'learnt'] satisfies UnderlayOrigin[]) {
      expect(known.note(ONE, address(1), origin)).toBe(false);
    }
    expect(listOf(TWO)).toEqual(['2001:db8::1 learnt']);
  });

  test('wait ten seconds for the peer that claims them, once in ten minutes, whatever it claims in between', () => {
    expect(known.note(ONE, address(1), 'learnt')).toBe(true);
    expect(known.note(TWO, address(1), 'learnt')).toBe(false);
    // Pushed out by others, and claimed again.
    const claimAnew = () => {
      for (let i = 2; i <= UNDERLAY_ADDRESSES_PER_PEER_MAX + 1; i++) known.note(ONE, address(i), 'learnt');
      expect(known.holderOf(address(1))).toBeUndefined();
      known.note(ONE, address(1), 'learnt');
    };
    claimAnew();
    expect(known.note(TWO, address(1), 'learnt')).toBe(true);
    // The other one has its ten seconds, too.
    expect(known.note(ONE, address(1), 'learnt')).toBe(false);
    nowMs += UNCONFIRMED_HOLD_MS;
    expect(known.note(ONE, address(1), 'learnt')).toBe(true);
    expect(known.note(TWO, address(1), 'learnt')).toBe(true);
    nowMs += HOLD_INTERVAL_MS;
    known.note(ONE, address(9), 'learnt');
    expect(known.note(TWO, address(9), 'learnt')).toBe(false);
  });

  test('of a peer that proves them are its own from then on', () => {
    known.note(ONE, address(1), 'learnt');
    expect(known.confirm(TWO, address(1))).toBe(false);
    expect(known.confirm(ONE, address(1))).toBe(true);
    nowMs += HOLD_INTERVAL_MS;
    expect(known.note(TWO, address(1), 'learnt')).toBe(false);
  });

  test('are a few per peer: the one learnt longest ago goes, a configured one never', () => {
    known.note(ONE, address(0), 'configured');
    for (let i = 1; i <= UNDERLAY_ADDRESSES_PER_PEER_MAX; i++) known.note(ONE, address(i), 'learnt');
    expect(known.size).toBe(UNDERLAY_ADDRESSES_PER_PEER_MAX);
    expect(listOf(ONE)).toEqual([
      '2001:db8::4 learnt',
      '2001:db8::3 learnt',
      '2001:db8::2 learnt',
      '2001:db8:: configured',
    ]);
    expect(known.holderOf(address(1))).toBeUndefined();
    for (let i = 0; i < UNDERLAY_ADDRESSES_PER_PEER_MAX; i++) known.note(TWO, address(10 + i), 'configured');
    expect(known.note(TWO, address(20), 'learnt')).toBe(false);
    expect(known.holderOf(address(20))).toBeUndefined();
  });
  test('tell of changes to the set, and of nothing else', () => {
    const steps = [
      () => known.note(ONE, address(1), 'kept'),
      () => known.note(ONE, address(1), 'learnt'),
      () => known.note(ONE, address(1), 'learnt'),
      () => known.note(ONE, address(2), 'learnt'),
      () => known.note(ONE, address(1), 'learnt'),
      () => known.note(TWO, address(1), 'learnt'),
    ];
    const changed = steps.map((step) => {
      const before = known.version;
      step();
      return known.version !== before;
    });
    expect(changed).toEqual([true, false, false, true, false, false]);
  });
});

describe('an underlay address', () => {
  const SAME_HOST = testPeer(1);
  const all = Array.from({ length: UNDERLAY_ADDRESSES_PER_PEER_MAX }, (_, i) => address(100 + i));

  test('is not taken from its holder by a peer that has no place for it, and nothing is changed', () => {
    for (const ip of all) known.note(ONE, ip, 'configured');
    known.note(TWO, address(1), 'kept');
    nowMs += KEPT_HOLD_MS;
    const { version } = known;
    expect(known.note(ONE, address(1), 'learnt')).toBe(false);
    expect([known.holderOf(address(1))?.peer, known.version, known.size]).toEqual([
      TWO,
      version,
      all.length + 1,
    ]);
    expect(known.note(ONE, address(2), 'learnt')).toBe(false);
    expect([known.version, listOf(ONE).length]).toEqual([version, all.length]);
  });

  test('that is configured stays, and what was learnt longest ago makes room', () => {
    known.note(ONE, all[0]!, 'configured');
    for (const ip of all.slice(1)) known.note(ONE, ip, 'learnt');
    const { version } = known;
    expect(known.note(ONE, address(1), 'learnt')).toBe(true);
    expect(known.holderOf(all[0]!)).toMatchObject({ origin: 'configured' });
    expect(known.holderOf(all[1]!)).toBeUndefined();
    expect(known.version).toBeGreaterThan(version);
    expect(known.size).toBe(all.length);
    expect(known.note(ONE, all[0]!, 'learnt')).toBe(true);
    expect(listOf(ONE)[0]).toBe(`${all[0]} configured`);
  });

  test('that was kept is learnt when its peer proves it, and is not kept again after that', () => {
    known.note(ONE, address(1), 'kept');
    known.note(ONE, address(1), 'learnt');
    expect(listOf(ONE)).toEqual(['2001:db8::1 learnt']);
    known.note(ONE, address(2), 'learnt');
    known.note(ONE, address(1), 'kept');
    expect(listOf(ONE)).toEqual(['2001:db8::1 learnt', '2001:db8::2 learnt']);
    // For as long as it would have been kept for it.
    expect(known.holderOf(address(1))!.heldUntilMs).toBe(nowMs + KEPT_HOLD_MS);
    nowMs += KEPT_HOLD_MS - 1;
    known.note(TWO, address(7), 'kept');
    nowMs += KEPT_HOLD_MS - 1;
    known.note(TWO, address(7), 'learnt');
    expect(known.holderOf(address(7))!.heldUntilMs).toBe(nowMs + UNCONFIRMED_HOLD_MS);
  });

  test('that is configured for one peer is taken from whom it was kept for, and from nobody else', () => {
    known.note(TWO, address(1), 'kept');
    expect(known.note(ONE, address(1), 'configured')).toBe(true);
    known.note(TWO, address(2), 'learnt');
    expect(known.note(ONE, address(2), 'configured')).toBe(false);
    expect([
      known.mayHold(TWO, address(1)),
      known.mayHold(ONE, address(1)),
      known.mayHold(ONE, address(9)),
    ]).toEqual([false, true, true]);
    nowMs += 1e9;
    expect(known.mayHold(TWO, address(1))).toBe(false);
  });

  test('is proved once, by a packet of the peer or of one that shares its service address', () => {
    known.note(ONE, address(1), 'learnt');
    known.note(ONE, address(2), 'learnt');
    expect([known.confirm(TWO, address(1)), known.confirm(ONE, address(9))]).toEqual([false, false]);
    expect(known.isConfirmed(ONE, address(1))).toBe(false);
    expect([known.confirm(SAME_HOST, address(1)), known.confirm(ONE, address(1))]).toEqual([true, false]);
    expect([ONE, SAME_HOST, TWO].map((peer) => known.isConfirmed(peer, address(1)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(known.isConfirmed(ONE, address(9))).toBe(false);
    expect(known.of(ONE).map(({ confirmed }) => confirmed)).toEqual([false, true]);
    nowMs += 1e9;
    expect([known.mayHold(TWO, address(1)), known.mayHold(TWO, address(2))]).toEqual([false, true]);
    known.note(ONE, address(1), 'learnt');
    expect(known.of(ONE)[0]).toMatchObject({ address: address(1), confirmed: true });
  });

  test('of a peer is left to another one at the same service address', () => {
    known.note(ONE, address(1), 'learnt');
    expect(known.note(SAME_HOST, address(1), 'learnt')).toBe(true);
    expect([known.holderOf(address(1))?.peer, known.of(SAME_HOST)]).toEqual([ONE, []]);
  });

  test('that goes over to another peer leaves nothing with the former one', () => {
    known.note(ONE, address(1), 'learnt');
    known.note(ONE, address(2), 'learnt');
    nowMs += UNCONFIRMED_HOLD_MS;
    expect(known.note(TWO, address(1), 'learnt')).toBe(true);
    expect([listOf(ONE), listOf(TWO), known.size]).toEqual([
      ['2001:db8::2 learnt'],
      ['2001:db8::1 learnt'],
      2,
    ]);
    expect(known.note(TWO, address(2), 'learnt')).toBe(true);
    expect([known.of(ONE), known.size]).toEqual([[], 2]);
  });
});
