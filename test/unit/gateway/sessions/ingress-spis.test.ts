/** SPIs: opened, closed and ended by rotations, whole or not at all, and never given out twice; through the installer. */

import { beforeEach, describe, expect, test } from 'vitest';
import { SLOT_REST_MS } from '../../../../src/gateway/sessions/key-slots.js';
import type { IngressSpi } from '../../../../src/gateway/sessions/session.js';
import { HalError } from '../../../../src/hal/errors.js';
import { type Ipv4Address, ipv4ToNumber } from '../../../../src/packet/address.js';
import {
  B,
  establish,
  InstallerWorld,
  local,
  outcome,
  remote,
  want,
} from '../../../support/installer-world.js';

/** A cookie as pipes match it. */
function cookieOctets(cookie: bigint): Uint8Array {
  const octets = new Uint8Array(8);
  new DataView(octets.buffer).setBigUint64(0, cookie);
  return octets;
}

let world: InstallerWorld;
beforeEach(() => {
  world = new InstallerWorld();
});

describe('offering an SPI', () => {
  test('opens it, and gives its key, which is told of with --debug-keys', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2)]);
    const offers = await installer.offer(sessions, 0);
    expect(
      offers.map(({ parameters: { spi, key, mac, underlayIp, pspVersion, cookie } }) => [
        spi,
        key.join(),
        mac,
        underlayIp,
        pspVersion,
        cookie,
      ]),
    ).toEqual(
      [1, 2].map((spi) => [
        spi,
        new Uint8Array(16).fill(spi).join(),
        '02:00:00:00:00:09',
        '2001:db8::9',
        0,
        0n,
      ]),
    );
    expect(
      sessions.map(({ ingress }) => ingress.map(({ spi, state, generation }) => [spi, state, generation])),
    ).toEqual([[[1, 'offered', 0]], [[2, 'offered', 0]]]);
    expect(world.device.pipes).toEqual(['INGR_ACL_IPV4', 'INGR_ACL_IPV4']);
    expect(world.told).toEqual(['given out 1 1', 'given out 2 2']);
    expect(world.events.at(-1)).toEqual({
      type: 'ingress-opened',
      spi: 2,
      localVip: local(1),
      remoteVip: remote(2),
    });
    const [long] = await installer.offer(sessions.slice(0, 1), 1);
    expect(long!.parameters.key).toHaveLength(32);
  });

  test('with cookies gives random ones, and never 0, which says that there is none', async () => {
    const installer = world.open({ cookies: true });
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    expect(offers.map(({ parameters: { cookie } }) => cookie)).toEqual([1n, 0x0101_0101_0101_0101n]);
  });

  test('that the device refuses leaves nothing open', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2)]);
    world.device.refuse = ({ operation }) =>
      operation === 'add' && world.device.entries.size === 1 ? new HalError('FULL', 'full') : undefined;
    expect(await outcome(installer.offer(sessions, 0))).toBe('FULL');
    expect([world.device.pipes, sessions.map(({ ingress }) => ingress)]).toEqual([[], [[], []]]);
    expect(world.told).toEqual([]);
    world.device.refuse = () => undefined;
    expect((await installer.offer(sessions, 0)).map(({ ingress: { spi } }) => spi)).toEqual([3, 4]);
  });

  test('gives each session its own: entry, key and cookie are of one SPI and one pair', async () => {
    const installer = world.open({ cookies: true });
    const sessions = await installer.open([want(1), want(2, B), want(3)]);
    const offers = await installer.offer(sessions, 0);
    for (const [i, { session, ingress, parameters }] of offers.entries()) {
      expect(session).toBe(sessions[i]);
      expect(session.ingress).toEqual([ingress]);
      expect([ingress.spi, parameters.spi, parameters.key[0]]).toEqual([i + 1, i + 1, i + 1]);
      expect(world.device.entries.get(ingress.entry!)!.match).toEqual({
        'tun.psp.spi': i + 1,
        'tun.psp.vc': cookieOctets(parameters.cookie),
        'inner.ip4.src_ip': ipv4ToNumber(session.remoteVip as Ipv4Address),
        'inner.ip4.dst_ip': ipv4ToNumber(session.localVip as Ipv4Address),
      });
    }
  });

  test('reads no counters while there is room, and needs none without the ingress ACL', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    for (let i = 0; i < 4; i++) await installer.offer([session!], 0);
    expect(world.device.calls).not.toContain('counters');
    expect(session!.ingress[0]).toMatchObject({
      contested: false,
      clearAtMs: 0,
      givenAtMs: 0,
      packetsSeen: 0,
      packetsRead: 0,
    });
    const bare = world.open({ ingressAcl: false });
    const [other] = await bare.open([want(1)]);
    world.device.calls.length = 0;
    for (let i = 0; i < 5; i++) await bare.offer([other!], 0);
    expect(other!.ingress).toHaveLength(4);
    expect(world.device.calls).not.toContain('apply');
  });

  test('that the device can take back only in part holds the SPIs of what is left, and no other', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2), want(3)]);
    const stuck = new HalError('IO_FAILED', 'stuck');
    // The third entry is refused, and of those before it the second stays.
    world.device.refuse = (operation) => {
      if (operation.operation === 'add') return world.device.entries.size === 2 ? stuck : undefined;
      return operation.operation === 'remove' && operation.id === 2 ? stuck : undefined;
    };
    expect(await outcome(installer.offer(sessions, 0))).toBe('IO_FAILED');
    expect([world.device.pipes.length, installer.entriesLeft]).toEqual([1, 1]);
    for (let i = 0; i < 3; i++) await installer.rotate();
    world.device.refuse = () => undefined;
    world.device.spis = [2, 1, 3];
    const offers = await installer.offer(sessions.slice(0, 2), 0);
    expect(offers.map(({ ingress }) => ingress.spi)).toEqual([1, 3]);
  });

  test('of which nobody knows whether the device has it gives its SPIs to nobody for good', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2)]);
    world.device.failing.add('apply');
    expect(await outcome(installer.offer(sessions, 0))).toBe('DRIVER');
    world.device.failing.clear();
    for (let i = 0; i < 3; i++) await installer.rotate();
    await world.clock.advance(10_000);
    world.device.spis = [1, 2, 9, 1, 2, 8];
    const offers = await installer.offer(sessions, 0);
    expect(offers.map(({ ingress }) => ingress.spi)).toEqual([9, 8]);
  });

  test('takes no SPI that the device has given out before under a master key that lives', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2)]);
    const offers = await installer.offer(sessions, 0);
    await installer.close(offers);
    world.device.spis = [1, 2, 7];
    const [again] = await installer.offer(sessions.slice(0, 1), 0);
    expect([again!.ingress.spi, installer.refusedByDevice.spis]).toEqual([7, 2]);
    await installer.rotate();
    world.device.spis = [2, 1, 8];
    const [other] = await installer.offer(sessions.slice(1), 0);
    expect([other!.ingress.spi, installer.refusedByDevice.spis]).toEqual([8, 4]);
    await installer.rotate();
    world.device.spis = [2];
    const [third] = await installer.offer(sessions.slice(1), 0);
    expect(third!.ingress.spi).toBe(2);
  });

  test('to a session that has four closes the one that the peer needs least', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    const states: IngressSpi['state'][] = ['given', 'doubtful', 'retiring', 'offered'];
    for (const state of states) {
      const [offer] = await installer.offer([session!], 0);
      offer!.ingress.state = state;
    }
    const spis = () => session!.ingress.map(({ spi }) => spi);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 2, 4, 5]);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 4, 5, 6]);
    // The one that packets come under is in use, whatever we know.
    world.arrives(session!.ingress[0]!);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([1, 5, 6, 7]);
    world.arrives(session!.ingress[2]!);
    await installer.offer([session!], 0);
    expect(spis()).toEqual([5, 6, 7, 8]);
    expect(world.device.entries.size).toBe(4);
    expect(world.events.filter(({ type }) => type === 'spi-closed')).toHaveLength(4);
  });

  test('ends dormant sessions where the device has no entry left for it', async () => {
    const installer = world.open({ maxTunnels: 1 });
    const [first] = await establish(installer, [want(1)]);
    for (let i = 0; i < 3; i++) await installer.offer([first!], 0);
    const [second] = await installer.open([want(2)]);
    expect(first!.state).toBe('dormant');
    await installer.offer([second!], 0);
    expect([first!.state, world.device.pipes]).toEqual(['removed', ['INGR_ACL_IPV4']]);
    expect(installer.counters.dormantDropped).toBe(1);
  });

  test('ends no dormant session before there is need of its entry', async () => {
    const installer = world.open({ maxTunnels: 2 });
    await establish(installer, [want(1), want(2), want(3)]);
    const [two, three] = [...installer.sessions];
    // 8 entries in all: 3 are there.
    for (let i = 0; i < 3; i++) await installer.offer([two!], 0);
    for (let i = 0; i < 2; i++) await installer.offer([three!], 0);
    expect([
      world.device.pipes.filter((pipe) => pipe.startsWith('INGR')).length,
      installer.sessions.dormant.size,
    ]).toEqual([8, 1]);
    await installer.close([{ session: three!, ingress: three!.ingress[0]! }]);
    await installer.offer([three!], 0);
    expect(installer.sessions.dormant.size).toBe(1);
    await installer.offer([three!], 0);
    expect(installer.sessions.dormant.size).toBe(0);
  });
});

describe('closing SPIs', () => {
  test('takes them out of the device and their sessions, once', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2, B)]);
    const offers = await installer.offer(sessions, 0);
    expect(offers.every((offer) => installer.isOpen(offer))).toBe(true);
    await installer.close(offers);
    await installer.close(offers);
    expect(offers.some((offer) => installer.isOpen(offer))).toBe(false);
    expect(world.device.pipes).toEqual([]);
    expect(world.events.filter(({ type }) => type === 'spi-closed')).toEqual([
      { type: 'spi-closed', spi: 1, localVip: local(1), remoteVip: remote(1) },
      { type: 'spi-closed', spi: 2, localVip: local(1), remoteVip: remote(2) },
    ]);
  });

  test('that the device keeps are tried again each second, and named until they are gone', async () => {
    const installer = world.open();
    const offers = await installer.offer(await installer.open([want(1)]), 0);
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    expect([installer.entriesLeft, installer.refusedByDevice.removals]).toEqual([1, 1]);
    expect(world.leftovers).toEqual([{ type: 'device-leftovers', entries: 1, keys: 0 }]);
    await world.clock.advance(999);
    expect(installer.refusedByDevice.removals).toBe(1);
    await world.clock.advance(1);
    expect(installer.refusedByDevice.removals).toBe(2);
    world.device.refuse = () => undefined;
    await world.clock.advance(1000);
    expect([installer.entriesLeft, world.device.pipes, world.leftovers.length]).toEqual([0, [], 2]);
    await world.clock.advance(10_000);
    expect(world.device.calls.filter((call) => call === 'apply')).toHaveLength(4);
  });

  test('that the device keeps are not tried again when that begins after the stop', async () => {
    const installer = world.open();
    const offers = await installer.offer(await installer.open([want(1)]), 0);
    installer.stop();
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    await world.clock.advance(10_000);
    expect([installer.refusedByDevice.removals, world.leftovers]).toEqual([1, []]);
  });

  test('that the device keeps are given to nobody else meanwhile, through any number of rotations', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    const offers = await installer.offer([session!], 0);
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers);
    for (let i = 0; i < 3; i++) await installer.rotate();
    world.device.spis = [1];
    expect((await installer.offer([session!], 0))[0]!.ingress.spi).toBe(2);
    expect(installer.refusedByDevice.spis).toBe(1);
    world.device.refuse = () => undefined;
    await world.clock.advance(1000);
    world.device.spis = [1];
    expect((await installer.offer([session!], 0))[0]!.ingress.spi).toBe(1);
  });

  test('ends what the next rotation would have waited for', async () => {
    const installer = world.open();
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    await installer.rotate();
    await installer.close(offers.slice(0, 1));
    expect(installer.doomedSpis).toBe(1);
    await installer.close(offers.slice(1));
    expect(installer.doomedSpis).toBe(0);
  });

  test('that the device keeps are left after the stop', async () => {
    const installer = world.open();
    const offers = await installer.offer(await installer.open([want(1), want(2)]), 0);
    world.device.refuse = ({ operation }) =>
      operation === 'remove' ? new HalError('IO_FAILED', 'stuck') : undefined;
    await installer.close(offers.slice(0, 1));
    installer.stop();
    await installer.close(offers.slice(1));
    await world.clock.advance(10_000);
    expect([installer.refusedByDevice.removals, world.leftovers.length]).toEqual([2, 1]);
  });
});

describe('a rotation', () => {
  test('closes what was opened two keys ago, and gives the sessions that have nothing newer', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2), want(3)]);
    await installer.offer(sessions, 0);
    expect(installer.doomedSpis).toBe(0);
    expect(await installer.rotate()).toEqual([]);
    expect([installer.generation, installer.doomedSpis]).toEqual([1, 3]);
    await installer.offer(sessions.slice(1, 2), 0);
    sessions[2]!.ingress[0]!.state = 'retiring';
    const cut = await installer.rotate();
    expect(new Set(cut)).toEqual(new Set(sessions.slice(0, 2)));
    expect(sessions.map(({ ingress }) => ingress.map(({ spi }) => spi))).toEqual([[], [4], []]);
    expect([world.device.pipes.length, installer.doomedSpis]).toEqual([1, 1]);
  });

  test('does not wait for sessions that have lost their place, but ends their SPIs too', async () => {
    const installer = world.open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2), want(3)]);
    await installer.rotate();
    expect([first!.state, installer.doomedSpis]).toEqual(['dormant', 2]);
    await world.clock.advance(SLOT_REST_MS);
    await establish(installer, [want(1)]);
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([2, 2]);
    await installer.rotate();
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([1, 1]);
  });

  test('waits for no SPI of a session that has no place, whatever becomes of that', async () => {
    const installer = world.open({ maxTunnels: 2 });
    const [first] = await establish(installer, [want(1), want(2), want(3)]);
    await installer.offer([first!], 0);
    await installer.rotate();
    expect([first!.ingress.length, installer.doomedSpis]).toEqual([2, 2]);
    await installer.close([{ session: first!, ingress: first!.ingress[0]! }]);
    expect(installer.doomedSpis).toBe(2);
    await installer.remove([first!]);
    expect(installer.doomedSpis).toBe(2);
  });

  test('that the device refuses changes nothing', async () => {
    const installer = world.open();
    await installer.offer(await installer.open([want(1)]), 0);
    world.device.failing.add('rotateMasterKey');
    expect(await outcome(installer.rotate())).toBe('DRIVER');
    expect([installer.generation, installer.doomedSpis, world.device.pipes.length]).toEqual([0, 0, 1]);
  });
});
