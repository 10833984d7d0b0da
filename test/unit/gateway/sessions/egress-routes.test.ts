/** Egress routes in the device, with their keys and slots: whole or not at all, and nothing left behind; through the installer. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { GatewayOptions } from '../../../../src/gateway/options.js';
import { SLOT_REST_MS } from '../../../../src/gateway/sessions/key-slots.js';
import { HalError } from '../../../../src/hal/errors.js';
import { type IpAddress, type Ipv4Address, ipv4ToNumber, parseIp } from '../../../../src/packet/address.js';
import {
  A,
  establish,
  InstallerWorld,
  local,
  MapDevice,
  outcome,
  parameters,
  remote,
  states,
  want,
} from '../../../support/installer-world.js';

let world: InstallerWorld;
beforeEach(() => {
  world = new InstallerWorld();
});

describe('a way out', () => {
  test('has a key slot and an entry, and its key is in the slot and nowhere else', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    session!.failures = 3;
    const way = parameters(77);
    await installer.connect([{ session: session!, parameters: way }]);
    expect(session).toMatchObject({
      state: 'established',
      failures: 0,
      egress: { cryptoId: 1, spi: 77, peerStart: 0, underlayIp: '2001:db8::2', held: false },
    });
    expect(session!.egress).not.toHaveProperty('encryptEntry');
    expect([...world.device.keys]).toEqual([[1, new Uint8Array(16).fill(77).join()]]);
    expect(way.key.every((octet) => octet === 0)).toBe(true);
    expect(world.device.pipes).toEqual(['EGR_ACL_IPV4']);
    expect(world.told).toEqual(['received 77 77']);
    expect(world.events.at(-1)).toEqual({
      type: 'egress-installed',
      spi: 77,
      cryptoId: 1,
      localVip: local(1),
      remoteVip: remote(1),
    });
    expect(installer.keySlotsUsed).toBe(1);
  });

  test('of several in one step each has its own slot, key, header and pair', async () => {
    const installer = world.open({ sampleRateLog2: 3 });
    const sessions = await installer.open([want(1), want(2), want(3)]);
    const macs = ['02:00:00:00:00:21', '02:00:00:00:00:22', '02:00:00:00:00:23'];
    await installer.connect(
      sessions.map((session, i) => ({
        session,
        parameters: parameters(70 + i, { mac: macs[i] as never }),
      })),
    );
    const { entries, keys } = world.device;
    for (const [i, { egress }] of sessions.entries()) {
      const { entry, encryptEntry, cryptoId, spi } = egress!;
      expect([cryptoId, spi]).toEqual([i + 1, 70 + i]);
      expect(keys.get(cryptoId)).toBe(new Uint8Array(16).fill(70 + i).join());
      expect(entries.get(entry)!.match).toMatchObject({
        'outer.ip4.dst_ip': ipv4ToNumber(remote(i + 1) as Ipv4Address),
      });
      const values = entries.get(entry)!.values as { encapHeader: Uint8Array; set: object };
      expect([values.encapHeader[5], values.set]).toEqual([0x21 + i, { 'meta.pkt_meta': cryptoId }]);
      expect(entries.get(encryptEntry!)).toMatchObject({
        match: { 'meta.pkt_meta': cryptoId },
        values: { cryptoId },
      });
    }
  });

  test('that takes the place of another is put into the same entry; the former key is wiped', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    const { entry } = session!.egress!;
    session!.packetsSeen = 9;
    await installer.connect([{ session: session!, parameters: parameters(78) }]);
    expect(session!.egress).toMatchObject({ entry, cryptoId: 2, spi: 78 });
    expect(session!.packetsSeen).toBe(9);
    expect([...world.device.keys.keys()]).toEqual([2]);
    expect(world.device.entries.get(entry)!.values).toMatchObject({ cryptoId: 2 });
    expect(installer.keySlotsUsed).toBe(1);
  });

  test('is not made for a session that has lost its place meanwhile, whose key is wiped all the same', async () => {
    const installer = world.open();
    const [session] = await installer.open([want(1)]);
    await installer.remove([session!]);
    const way = parameters(77);
    await installer.connect([{ session: session!, parameters: way }]);
    expect([world.device.pipes, world.device.keys.size, way.key[0]]).toEqual([[], 0, 0]);
  });

  test.each([
    ['a key', 'INVALID_VALUE'],
    ['an entry', 'FULL'],
  ] as const)(
    'of which the device refuses %s is not made, nor those that were to come with it',
    async (what, code) => {
      const installer = world.open({ sampleRateLog2: 3 });
      const sessions = await installer.open([want(1), want(2)]);
      const error = new HalError(code, 'no');
      if (what === 'a key') world.device.refuseKey = (slot) => (slot === 2 ? error : null);
      else {
        world.device.refuse = ({ operation }) =>
          operation !== 'remove' && world.device.pipes.includes('EGR_ACL_IPV4') ? error : undefined;
      }
      const ways = sessions.map((session, i) => ({ session, parameters: parameters(70 + i) }));
      expect(await outcome(installer.connect(ways))).toBe(code);
      expect(states(sessions)).toEqual(['idle', 'idle']);
      expect([world.device.pipes, world.device.keys.size, installer.keySlotsUsed]).toEqual([[], 0, 0]);
      expect(ways.map(({ parameters: { key } }) => key[0])).toEqual([0, 0]);
    },
  );

  test('that could not be replaced is as it was before', async () => {
    const installer = world.open();
    const sessions = await establish(installer, [want(1), want(2)]);
    const before = structuredClone(world.device.entries);
    let updates = 0;
    world.device.refuse = ({ operation }) =>
      operation === 'update' && ++updates === 2 ? new HalError('IO_FAILED', 'no') : undefined;
    const ways = sessions.map((session, i) => ({ session, parameters: parameters(70 + i) }));
    expect(await outcome(installer.connect(ways))).toBe('IO_FAILED');
    expect(world.device.entries).toEqual(before);
    expect(sessions.map(({ egress }) => egress!.spi)).toEqual([200, 201]);
    expect([...world.device.keys.keys()]).toEqual([1, 2]);
  });

  test('waits for a key slot that rests, and is refused when all are taken', async () => {
    world.device.device.limits.keySlots = 2;
    const installer = world.open({ maxTunnels: 9 });
    expect(installer.capacity).toBe(1);
    const [session] = await establish(installer, [want(1)]);
    const connect = (spi: number) => installer.connect([{ session: session!, parameters: parameters(spi) }]);
    await connect(70);
    let done = false;
    void connect(71).then(() => (done = true));
    await world.clock.advance(SLOT_REST_MS - 1);
    expect(done).toBe(false);
    await world.clock.advance(1);
    expect(done).toBe(true);
    world.device.device.limits.keySlots = 1;
    const small = world.open();
    const [one] = await small.open([want(1)]);
    await small.connect([{ session: one!, parameters: parameters(1) }]);
    expect(await outcome(small.connect([{ session: one!, parameters: parameters(2) }]))).toBe(
      'RESOURCE_EXHAUSTED',
    );
    expect(one!.egress!.spi).toBe(1);
  });

  test('is encrypted by an entry of its own with sampling, which goes with it', async () => {
    const installer = world.open({ sampleRateLog2: 3 });
    const [session] = await establish(installer, [want(1)]);
    expect(world.device.pipes).toEqual(['INGR_ACL_IPV4', 'PSP_ENCRYPT', 'EGR_ACL_IPV4']);
    const { encryptEntry } = session!.egress!;
    expect(world.device.entries.get(encryptEntry!)!.pipe).toBe('PSP_ENCRYPT');
    await installer.connect([{ session: session!, parameters: parameters(78) }]);
    expect(world.device.entries.has(encryptEntry!)).toBe(false);
    expect(world.device.pipes.sort()).toEqual(['EGR_ACL_IPV4', 'INGR_ACL_IPV4', 'PSP_ENCRYPT']);
    await installer.remove([session!]);
    expect([world.device.pipes, world.device.keys.size]).toEqual([[], 0]);
  });

  test('whose key the device would not wipe keeps its slot until it does', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    world.device.failing.add('clearKeys');
    await installer.remove([session!]);
    expect(installer.keySlotsUsed).toBe(1);
    expect(world.leftovers).toHaveLength(1);
    await world.clock.advance(1000);
    expect(installer.keySlotsUsed).toBe(1);
    world.device.failing.clear();
    await world.clock.advance(1000);
    expect([installer.keySlotsUsed, world.device.keys.size]).toEqual([0, 0]);
    await world.clock.advance(10_000);
    expect(world.leftovers).toHaveLength(2);
  });

  test('whose entry of PSP_ENCRYPT the device keeps leaves its slot to nobody until that is gone', async () => {
    const installer = world.open({ sampleRateLog2: 3 });
    const [session] = await establish(installer, [want(1)]);
    world.device.refuse = (operation) =>
      operation.operation === 'remove' && world.device.entries.get(operation.id)?.pipe === 'PSP_ENCRYPT'
        ? new HalError('IO_FAILED', 'stuck')
        : undefined;
    await installer.remove([session!]);
    expect([installer.keySlotsUsed, world.device.keys.size, installer.entriesLeft]).toEqual([1, 0, 1]);
    world.device.refuse = () => undefined;
    await world.clock.advance(1000);
    expect([installer.keySlotsUsed, installer.entriesLeft, world.device.pipes]).toEqual([0, 0, []]);
  });

  test('comes after what an attempt before has left in the device for the same pair', async () => {
    const installer = world.open();
    const sessions = await installer.open([want(1), want(2)]);
    const ways = (spi: number) =>
      sessions.map((session, i) => ({ session, parameters: parameters(spi + i) }));
    const stuck = new HalError('IO_FAILED', 'stuck');
    world.device.refuse = ({ operation }) =>
      operation === 'remove' || world.device.entries.size > 0 ? stuck : undefined;
    expect(await outcome(installer.connect(ways(5)))).toBe('IO_FAILED');
    expect([world.device.pipes, installer.entriesLeft, installer.keySlotsUsed]).toEqual([
      ['EGR_ACL_IPV4'],
      1,
      1,
    ]);
    const done: string[] = [];
    world.device.refuse = ({ operation }) => {
      done.push(operation);
      return undefined;
    };
    await installer.connect(ways(7));
    expect(done).toEqual(['remove', 'add', 'add']);
    expect([installer.entriesLeft, installer.keySlotsUsed]).toEqual([0, 2]);
    await installer.connect(ways(9));
    expect(done.slice(3)).toEqual(['update', 'update']);
  });

  test('to an address that is not proved is held until it is', async () => {
    const proved = new Set<IpAddress>();
    const installer = world.open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const [one, two, other] = await establish(installer, [want(1), want(2)]).then(async (sessions) => {
      const [third] = await installer.open([want(3)]);
      await installer.connect([
        { session: third!, parameters: parameters(9, { underlayIp: parseIp('2001:db8::7') }) },
      ]);
      return [...sessions, third!];
    });
    expect(world.device.pipes.filter((pipe) => pipe === 'EGR_TRIAL')).toHaveLength(3);
    expect(one!.egress!.held).toBe(true);
    one!.packetsSeen = 5;
    // A way that is still held takes the place of another by an entry of its own.
    await installer.connect([{ session: two!, parameters: parameters(8) }]);
    expect(world.device.pipes.filter((pipe) => pipe === 'EGR_TRIAL')).toHaveLength(3);
    const ip = parseIp('2001:db8::2');
    expect(await installer.release(A, ip)).toEqual([]);
    proved.add(ip);
    expect(await installer.release(A, ip)).toEqual([one, two]);
    expect([one!.egress!.held, other!.egress!.held, one!.packetsSeen]).toEqual([false, true, 0]);
    expect(world.device.entries.get(one!.egress!.entry)!.pipe).toBe('EGR_ACL_IPV4');
    expect(world.device.pipes.filter((pipe) => pipe.startsWith('EGR')).sort()).toEqual([
      'EGR_ACL_IPV4',
      'EGR_ACL_IPV4',
      'EGR_TRIAL',
    ]);
    expect([...world.device.keys.keys()].sort()).toHaveLength(3);
    expect(await installer.release(A, ip)).toEqual([]);
  });

  test('to an address that is proved by now gets an entry of the other pipe, or stays as it is', async () => {
    const proved = new Set<IpAddress>();
    const installer = world.open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const sessions = await establish(installer, [want(1), want(2)]);
    proved.add(parseIp('2001:db8::2'));
    const ways = () => sessions.map((session, i) => ({ session, parameters: parameters(50 + i) }));
    const before = [...world.device.entries.keys()];
    world.device.refuse = ({ operation }) =>
      operation === 'add' && world.device.pipes.includes('EGR_ACL_IPV4')
        ? new HalError('FULL', 'full')
        : undefined;
    expect(await outcome(installer.connect(ways()))).toBe('FULL');
    expect([...world.device.entries.keys()]).toEqual(before);
    expect(sessions.map(({ egress }) => egress!.held)).toEqual([true, true]);
    world.device.refuse = () => undefined;
    await installer.connect(ways());
    expect(world.device.pipes.filter((pipe) => pipe.startsWith('EGR'))).toEqual([
      'EGR_ACL_IPV4',
      'EGR_ACL_IPV4',
    ]);
    expect(sessions.map(({ egress }) => [egress!.held, egress!.spi])).toEqual([
      [false, 50],
      [false, 51],
    ]);
    expect([...world.device.keys.keys()]).toHaveLength(2);
  });

  test('of which nobody knows whether the device has it keeps its slot for good', async () => {
    const proved = new Set<IpAddress>();
    const installer = world.open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const [session] = await establish(installer, [want(1)]);
    proved.add(parseIp('2001:db8::2'));
    world.device.failing.add('apply');
    expect(await outcome(installer.release(A, parseIp('2001:db8::2')))).toBe('DRIVER');
    expect(session!.egress!.held).toBe(true);
    const [other] = await installer.open([want(2)]);
    expect(await outcome(installer.connect([{ session: other!, parameters: parameters(5) }]))).toBe('DRIVER');
    world.device.failing.clear();
    await installer.remove([session!, other!]);
    await world.clock.advance(10_000);
    // Their keys are gone all the same.
    expect([installer.keySlotsUsed, world.device.keys.size]).toEqual([2, 0]);
  });

  test('whose entry of EGR_TRIAL the device keeps leaves its slot to nobody until that is gone', async () => {
    const proved = new Set<IpAddress>();
    const installer = world.open({ confirmUnderlay: true, isHeld: (_, ip) => !proved.has(ip) });
    const [session] = await establish(installer, [want(1)]);
    proved.add(parseIp('2001:db8::2'));
    world.device.refuse = (operation) =>
      operation.operation === 'remove' && world.device.entries.get(operation.id)?.pipe === 'EGR_TRIAL'
        ? new HalError('IO_FAILED', 'stuck')
        : undefined;
    await installer.release(A, parseIp('2001:db8::2'));
    await installer.remove([session!]);
    expect([installer.keySlotsUsed, world.device.keys.size, installer.entriesLeft]).toEqual([1, 0, 1]);
    await world.clock.advance(10_000);
    expect(installer.keySlotsUsed).toBe(1);
    world.device.refuse = () => undefined;
    await world.clock.advance(1000);
    expect([installer.keySlotsUsed, installer.entriesLeft]).toEqual([0, 0]);
  });

  test('of whose entries of PSP_ENCRYPT nobody knows anything keep their slots for good', async () => {
    const installer = world.open({ sampleRateLog2: 3 });
    const sessions = await installer.open([want(1), want(2)]);
    world.device.failing.add('apply');
    const routes = sessions.map((session, i) => ({ session, parameters: parameters(5 + i) }));
    expect(await outcome(installer.connect(routes))).toBe('DRIVER');
    world.device.failing.clear();
    await world.clock.advance(10_000);
    expect([installer.keySlotsUsed, world.device.keys.size]).toEqual([2, 0]);
  });

  test('whose change could not be undone needs no undoing once it is gone, and its slots are free', async () => {
    const installer = world.open();
    const sessions = await establish(installer, [want(1), want(2)]);
    const [first, second] = sessions.map(({ egress }) => egress!.entry);
    let updates = 0;
    // The second update is refused, and so is the undoing of the first.
    world.device.refuse = ({ operation }) =>
      operation === 'update' && ++updates > 1 ? new HalError('IO_FAILED', 'stuck') : undefined;
    const routes = sessions.map((session, i) => ({ session, parameters: parameters(5 + i) }));
    expect(await outcome(installer.connect(routes))).toBe('IO_FAILED');
    expect(sessions.map(({ egress }) => egress!.entry)).toEqual([first, second]);
    expect([installer.entriesLeft, installer.keySlotsUsed]).toEqual([1, 3]);
    await installer.remove(sessions);
    expect([installer.entriesLeft, installer.keySlotsUsed, world.device.keys.size]).toEqual([0, 0, 0]);
  });

  test('that the device may have lost, or kept, is there still, whatever kind of error says so', async () => {
    const installer = world.open();
    const [session] = await establish(installer, [want(1)]);
    const { egress } = session!;
    const { apply } = world.device;
    world.device.apply = async () => {
      throw new Error('not of the device');
    };
    await expect(installer.remove([session!])).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.stringContaining('not of the device'),
    });
    expect(session!.egress).toBe(egress);
    world.device.apply = apply;
    await installer.remove([session!]);
    expect(session!.state).toBe('removed');
  });

  test('has the crypt offset that is asked for, or the usual one, and leaves by the next hop', async () => {
    const headerOf = async (options: Partial<GatewayOptions>, family: 4 | 6 = 4) => {
      world.device = new MapDevice();
      const installer = world.open(options as never);
      const [session] = await establish(installer, [want(1, A, A, family)]);
      return (world.device.entries.get(session!.egress!.entry)!.values as { encapHeader: Uint8Array })
        .encapHeader;
    };
    const PSP = 14 + 40 + 8;
    const offset = (header: Uint8Array, psp = PSP) => header[psp + 2]! & 0x3f;
    expect(offset(await headerOf({}))).toBe(5);
    expect(offset(await headerOf({}, 6))).toBe(10);
    expect(offset(await headerOf({ cryptOffsetWords: 0 }))).toBe(0);
    expect(offset(await headerOf({ mode: 'transport' }), 8)).toBe(0);
    const plain = await headerOf({});
    const routed = await headerOf({ nexthopDmac: '02:00:00:00:00:77' as never });
    expect([plain[5], routed[5]]).toEqual([2, 0x77]);
  });
});
