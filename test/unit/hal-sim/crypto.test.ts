import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SYNDROME_ICV_FAIL } from '../../../src/hal/fields.js';
import type { BasicPipe, PipeProgram } from '../../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../../src/hal/program.js';
import { randomFirstIv } from '../../../src/psp/iv.js';
import { deriveKey } from '../../../src/psp/key-derivation.js';
import { frameOf, type InnerPacket, ipPacketOf, V1, V2 } from '../../../src/verify/inner-packets.js';
import { openSimHarness, type SimHarness, type SimHarnessOptions } from '../../../src/verify/sim-harness.js';
import { egressEntry, ingressEntry, pspProgram, tunnelHeader } from '../../support/psp-program.js';

const number = (octets: Uint8Array) => new DataView(octets.buffer, octets.byteOffset).getUint32(0);
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

/** Ethernet, IPv4, UDP of tunnelHeader. */
const PSP_AT = 14 + 20 + 8;
const CRYPTO_ID = 3;

const packet = (length = 100): InnerPacket => ({
  family: 4,
  source: V1[4],
  destination: V2[4],
  protocol: 253,
  payload: new Uint8Array(length).fill(0x61),
  trafficClass: 0,
  ttl: 64,
});

interface Pair {
  readonly sender: SimHarness;
  readonly receiver: SimHarness;
  readonly spi: number;
  readonly key: Uint8Array;
  /** Frames on the wire for packets of the sender's workload. */
  encrypt(...packets: InnerPacket[]): Uint8Array[];
}

interface PairOptions {
  readonly program?: PipeProgram;
  readonly sender?: SimHarnessOptions;
  readonly receiver?: SimHarnessOptions;
  readonly cryptOffsetWords?: number;
}

/** A sender and a receiver with one IPv4 session from V1 to V2 under AES-256. */
async function openPair(options: PairOptions = {}): Promise<Pair> {
  const sender = await openSimHarness(options.sender);
  const receiver = await openSimHarness(options.receiver);
  await sender.hal.build(options.program ?? pspProgram());
  await receiver.hal.build(pspProgram());
  const { spis, keys } = await receiver.hal.generateKeys(32, 1);
  await sender.hal.setKeys([{ cryptoId: CRYPTO_ID, key: keys }]);
  const header = tunnelHeader({
    outer: 'ipv4',
    innerFamily: 4,
    version: 1,
    spi: spis[0],
    cryptOffsetWords: options.cryptOffsetWords ?? 5,
  });
  const entry = egressEntry(4, number(V2[4]), header, CRYPTO_ID);
  await sender.hal.apply([{ operation: 'add', pipe: 'EGR_ACL_V4', entry }]);
  await receiver.hal.apply([
    { operation: 'add', pipe: 'INGR_ACL_V4', entry: ingressEntry(4, spis[0], number(V1[4])) },
  ]);
  return {
    sender,
    receiver,
    spi: spis[0],
    key: keys,
    encrypt(...packets) {
      sender.inject(
        VF_PORT,
        packets.map((one) => frameOf(one)),
      );
      return sender.takeSent(UPLINK_PORT);
    },
  };
}

function expectDelivered(receiver: SimHarness, packets: readonly InnerPacket[]): void {
  const delivered = receiver.takeSent(VF_PORT).map((frame) => hex(frame.subarray(14)));
  expect(delivered).toEqual(packets.map((one) => hex(ipPacketOf(one))));
}

describe('deferred encryption', () => {
  test('covers header changes of later pipes: the S bit that is set after encrypt is authenticated', async () => {
    const { receiver, encrypt } = await openPair({ program: pspProgram({ sample: true }) });
    const [wire] = encrypt(packet());
    expect(wire[PSP_AT + 3] & 0x80).toBe(0x80);
    const forged = wire.slice();
    forged[PSP_AT + 3] &= 0x7f;
    receiver.inject(UPLINK_PORT, [forged, wire]);
    expectDelivered(receiver, [packet()]);
    expect(await receiver.hal.statistics()).toMatchObject({ rxPackets: 1n, rxBytes: 120n, rxAuthFail: 1n });
  });

  test('runs once for a mirrored packet: the copy and the packet are the same octets, with one IV', async () => {
    const { sender, encrypt } = await openPair({ program: pspProgram({ sample: true }) });
    const wire = encrypt(packet(), packet());
    await sender.settle();
    const copies = sender.takeRss();
    expect(copies.map(({ frame }) => hex(frame))).toEqual(wire.map(hex));
    expect(copies.map(({ packetMeta }) => packetMeta)).toEqual([0x43434343, 0x43434343]);
    expect(hex(wire[0].subarray(PSP_AT + 8, PSP_AT + 16))).not.toBe(
      hex(wire[1].subarray(PSP_AT + 8, PSP_AT + 16)),
    );
    expect(await sender.hal.statistics()).toMatchObject({ txPackets: 2n, txBytes: 2n * 120n, txError: 0n });
    expect(sender.hal.fates()).toMatchObject({ in: 2, copies: 2, uplink: 2, rss: 2 });
  });

  test('a packet whose slot has no key, or one of the wrong length, is dropped and counted, never sent', async () => {
    const { sender, encrypt, key } = await openPair();
    await sender.hal.clearKeys([CRYPTO_ID]);
    expect(encrypt(packet())).toEqual([]);
    await sender.hal.setKeys([{ cryptoId: CRYPTO_ID, key: key.subarray(0, 16) }]);
    expect(encrypt(packet())).toEqual([]);
    await sender.hal.setKeys([{ cryptoId: CRYPTO_ID, key }]);
    expect(encrypt(packet()).length).toBe(1);
    expect(await sender.hal.statistics()).toMatchObject({ txPackets: 1n, txError: 2n });
    expect(sender.hal.fates()).toMatchObject({ in: 3, uplink: 1, lost: 2 });
  });

  test('a crypt offset beyond the payload is dropped and counted; one that leaves nothing to encrypt is not', async () => {
    const { sender, receiver, encrypt } = await openPair({ cryptOffsetWords: 10 });
    const fitting = packet(20);
    const wire = encrypt(packet(19), fitting);
    expect(wire.length).toBe(1);
    receiver.inject(UPLINK_PORT, wire);
    expectDelivered(receiver, [fitting]);
    expect(await sender.hal.statistics()).toMatchObject({ txError: 1n });
  });

  test('a packet that is too large for the port once it is encapsulated is dropped and counted', async () => {
    const { sender, encrypt } = await openPair({ sender: { uplinkMtuOctets: 1000 } });
    const overhead = 20 + 8 + 16 + 16 + 20;
    expect(encrypt(packet(1000 - overhead)).map((frame) => frame.length)).toEqual([1014]);
    expect(encrypt(packet(1001 - overhead))).toEqual([]);
    expect(await sender.hal.statistics()).toMatchObject({ portDropped: 1n });
  });

  test('what was encapsulated and not encrypted, or decrypted and not decapsulated, never reaches the network', async () => {
    const base = pspProgram();
    const without: PipeProgram = {
      ...base,
      pipes: base.pipes.map((pipe) =>
        pipe.name === 'EGR_ACL_V4'
          ? {
              ...(pipe as BasicPipe),
              actions: [{ encap: { netType: 'psp-tunnel', outer: 'ipv4', cookie: false } }],
            }
          : pipe.name === 'INNER_CLASSIFIER'
            ? {
                ...(pipe as BasicPipe),
                entries: [
                  { match: { 'tun.psp.nexthdr': 4 }, forward: { to: 'port', port: UPLINK_PORT } },
                  { match: { 'tun.psp.nexthdr': 41 }, forward: { to: 'pipe', pipe: 'INGR_ACL_V6' } },
                ],
              }
            : pipe,
      ),
    };
    const { encrypt, receiver } = await openPair();
    const [wire] = encrypt(packet());
    const device = await openSimHarness({ masterKeys: KNOWN_MASTER_KEYS });
    await device.hal.build({
      ...without,
      pipes: without.pipes.filter((pipe) => pipe.name !== 'INGR_ACL_V4'),
    });
    const { encapHeader } = egressEntry(
      4,
      number(V2[4]),
      tunnelHeader({ outer: 'ipv4', innerFamily: 4, version: 1, spi: 5 }),
      1,
    ).values!;
    await device.hal.apply([
      {
        operation: 'add',
        pipe: 'EGR_ACL_V4',
        entry: { match: { 'outer.ip4.dst_ip': number(V2[4]) }, values: { encapHeader: encapHeader! } },
      },
    ]);
    device.inject(VF_PORT, [frameOf(packet())]);
    expect(device.takeSent(UPLINK_PORT)).toEqual([]);
    expect(await device.hal.statistics()).toMatchObject({ txError: 1n });
    // Not decrypted: it may go on as it came. Decrypted: not.
    device.inject(UPLINK_PORT, [wire.slice()]);
    expect(device.takeSent(UPLINK_PORT).map(hex)).toEqual([hex(wire)]);
    await receiver.hal.close();
    const known = await openPair({ receiver: { masterKeys: KNOWN_MASTER_KEYS } });
    device.inject(UPLINK_PORT, known.encrypt(packet()));
    expect(device.takeSent(UPLINK_PORT)).toEqual([]);
    expect(await device.hal.statistics()).toMatchObject({ rxPackets: 1n, txError: 2n });
  });
});

const KNOWN_MASTER_KEYS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;

test('IVs begin in the lower half, whatever is drawn', () => {
  expect(randomFirstIv((octets) => octets.fill(0xff))).toBe(2n ** 63n - 1n);
});

test('when IVs have run out nothing is sent any more, and each packet is counted', async () => {
  const { sender, encrypt } = await openPair({ sender: { firstIv: 2n ** 64n - 2n } });
  const wire = encrypt(packet(), packet(), packet());
  expect(wire.map((frame) => hex(frame.subarray(PSP_AT + 8, PSP_AT + 16)))).toEqual([
    'fffffffffffffffe',
    'ffffffffffffffff',
  ]);
  expect(await sender.hal.statistics()).toMatchObject({ txPackets: 2n, txError: 1n });
});

describe('decryption', () => {
  test('ends where UDP and IP say, not where the frame ends: Ethernet padding is no part of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 20, max: 60 }),
        async (padding, length) => {
          const { receiver, encrypt } = await openPair();
          const [wire] = encrypt(packet(length));
          receiver.inject(UPLINK_PORT, [Uint8Array.from([...wire, ...padding])]);
          expectDelivered(receiver, [packet(length)]);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('pads of the workload do not get into the tunnel', async () => {
    const { sender, receiver } = await openPair();
    sender.inject(VF_PORT, [Uint8Array.from([...frameOf(packet(20)), ...new Uint8Array(26).fill(0xaa)])]);
    receiver.inject(UPLINK_PORT, sender.takeSent(UPLINK_PORT));
    expectDelivered(receiver, [packet(20)]);
  });

  /** What happens to the one packet, and which counter says so. */
  const failures: readonly {
    readonly name: string;
    readonly change: (wire: Uint8Array) => Uint8Array;
    readonly label: string;
    readonly counter: 'rxAuthFail' | 'rxError' | 'rxBad';
  }[] = [
    {
      name: 'a flipped bit of the payload',
      change: flip(PSP_AT + 60),
      label: 'icv-fail',
      counter: 'rxAuthFail',
    },
    { name: 'a flipped bit of the ICV', change: flip(-1), label: 'icv-fail', counter: 'rxAuthFail' },
    { name: 'a foreign SPI', change: flip(PSP_AT + 6), label: 'icv-fail', counter: 'rxAuthFail' },
    {
      name: 'a reserved version',
      change: set(PSP_AT + 3, (4 << 2) | 1),
      label: 'icv-fail',
      counter: 'rxBad',
    },
    {
      name: 'an SPI of zero',
      change: (wire) => [4, 5, 6, 7].reduce((frame, i) => set(PSP_AT + i, 0)(frame), wire),
      label: 'icv-fail',
      counter: 'rxBad',
    },
    {
      name: 'a header longer than the packet',
      change: set(PSP_AT + 1, 40),
      label: 'icv-fail',
      counter: 'rxError',
    },
    {
      name: 'a crypt offset past the end',
      change: set(PSP_AT + 2, 63),
      label: 'icv-fail',
      counter: 'rxError',
    },
    {
      name: 'a UDP length beyond the IP packet',
      change: set(PSP_AT - 4, 9),
      label: 'icv-fail',
      counter: 'rxError',
    },
    {
      name: 'a datagram of a UDP header alone',
      change: udpLength(8),
      label: 'bad-trailer',
      counter: 'rxError',
    },
    { name: 'a UDP length below the header', change: udpLength(7), label: 'icv-fail', counter: 'rxError' },
    {
      name: 'a datagram too short for header and ICV',
      change: udpLength(8 + 31),
      label: 'bad-trailer',
      counter: 'rxError',
    },
  ];

  for (const failure of failures) {
    test(`${failure.name} is dropped, counted once as ${failure.counter}, and leaves the packet as it came`, async () => {
      const { receiver, encrypt } = await openPair();
      const wire = failure.change(encrypt(packet())[0]);
      const before = hex(wire);
      receiver.inject(UPLINK_PORT, [wire]);
      expect(receiver.takeSent(VF_PORT)).toEqual([]);
      expect(hex(wire)).toBe(before);
      const statistics = await receiver.hal.statistics();
      for (const counter of ['rxAuthFail', 'rxError', 'rxBad'] as const) {
        expect([counter, statistics[counter]]).toEqual([counter, counter === failure.counter ? 1n : 0n]);
      }
      expect(statistics.rxPackets).toBe(0n);
      const [stats] = await receiver.hal.counters([{ pipe: 'SYNDROME_STATS', label: failure.label }]);
      expect(stats.packets).toBe(1n);
    });
  }

  test('what is no UDP fails, is counted, and stays as it was', async () => {
    const { hal, inject, takeSent } = await openSimHarness();
    const one = { type: 'basic', sizeEntries: 1, match: {}, miss: { to: 'drop' }, entries: [{}] } as const;
    await hal.build({
      name: 'decrypt',
      pipes: [
        { ...one, name: 'ROOT', domain: 'default', isRoot: true, forward: { to: 'pipe', pipe: 'OPEN' } },
        {
          ...one,
          name: 'OPEN',
          domain: 'secure-ingress',
          actions: [{ decrypt: true }],
          forward: { to: 'pipe', pipe: 'FAILED' },
        },
        {
          ...one,
          name: 'FAILED',
          domain: 'secure-ingress',
          match: { 'parser_meta.psp_syndrome': { value: SYNDROME_ICV_FAIL } },
          forward: { to: 'port', port: VF_PORT },
        },
      ],
    });
    // To PSP's port as if it were UDP, and long enough for a header and an ICV.
    const tcp = frameOf({ ...packet(), protocol: 6, payload: Uint8Array.from([0, 0, 3, 232, 0, 100]) });
    const frames = [tcp, frameOf(packet()), new Uint8Array(60), new Uint8Array(0)];
    inject(
      UPLINK_PORT,
      frames.map((frame) => frame.slice()),
    );
    expect(takeSent(VF_PORT).map(hex)).toEqual(frames.map(hex));
    expect(await hal.statistics()).toMatchObject({ rxPackets: 0n, rxError: 4n, rxBad: 0n, rxAuthFail: 0n });
  });

  test('decap of a packet that was not authenticated is a loss, counted, and delivers nothing', async () => {
    const base = pspProgram();
    const acl = base.pipes.find((pipe) => pipe.name === 'INGR_ACL_V4') as BasicPipe;
    const anything: BasicPipe = { ...acl, name: 'INNER_CLASSIFIER', match: {}, entries: [{}] };
    const program = {
      ...base,
      pipes: base.pipes
        .filter((pipe) => !pipe.name.startsWith('INGR_ACL'))
        .map((pipe) => (pipe.name === 'INNER_CLASSIFIER' ? anything : pipe)),
    };
    const receiver = await openSimHarness({ masterKeys: KNOWN_MASTER_KEYS });
    await receiver.hal.build(program);
    const { encrypt } = await openPair({ receiver: { masterKeys: KNOWN_MASTER_KEYS } });
    const [good, bad] = encrypt(packet(), packet());
    receiver.inject(UPLINK_PORT, [flip(-1)(bad), good]);
    expectDelivered(receiver, [packet()]);
    expect(receiver.hal.fates()).toMatchObject({ in: 2, vf: 1, lost: 1 });
  });
});

test('a tunnel packet without an IP packet of its next header inside is a loss, though it was authenticated', async () => {
  const base = pspProgram();
  const acl = base.pipes.find((pipe) => pipe.name === 'INGR_ACL_V4') as BasicPipe;
  const receiver = await openSimHarness({ masterKeys: KNOWN_MASTER_KEYS });
  await receiver.hal.build({
    ...base,
    pipes: base.pipes
      .filter((pipe) => !pipe.name.startsWith('INGR_ACL'))
      .map((pipe) =>
        pipe.name === 'INNER_CLASSIFIER' ? { ...acl, name: pipe.name, match: {}, entries: [{}] } : pipe,
      ),
  });
  const sender = await openSimHarness();
  await sender.hal.build(pspProgram());
  await sender.hal.setKeys([{ cryptoId: 1, key: deriveKey(KNOWN_MASTER_KEYS[0], 5, 1) }]);
  const add = async (remote: number, innerFamily: 4 | 6) => {
    const header = tunnelHeader({ outer: 'ipv4', innerFamily, version: 1, spi: 5 });
    await sender.hal.apply([
      { operation: 'add', pipe: 'EGR_ACL_V4', entry: egressEntry(4, remote, header, 1) },
    ]);
  };
  await add(number(V2[4]), 6);
  await add(number(V1[4]), 4);
  sender.inject(VF_PORT, [frameOf(packet()), frameOf({ ...packet(), destination: V1[4] })]);
  receiver.inject(UPLINK_PORT, sender.takeSent(UPLINK_PORT));
  expect(receiver.takeSent(VF_PORT).length).toBe(1);
  expect(receiver.hal.fates()).toMatchObject({ in: 2, vf: 1, lost: 1 });
  expect(await receiver.hal.statistics()).toMatchObject({ rxPackets: 2n });
});

describe('keys', () => {
  test('work after one rotation of the master key and not after two', async () => {
    const { receiver, encrypt } = await openPair();
    receiver.inject(UPLINK_PORT, encrypt(packet()));
    expectDelivered(receiver, [packet()]);
    await receiver.hal.rotateMasterKey();
    receiver.inject(UPLINK_PORT, encrypt(packet()));
    expectDelivered(receiver, [packet()]);
    await receiver.hal.rotateMasterKey();
    receiver.inject(UPLINK_PORT, encrypt(packet()));
    expectDelivered(receiver, []);
    expect(await receiver.hal.statistics()).toMatchObject({
      keyRotations: 2n,
      rxPackets: 2n,
      rxAuthFail: 1n,
    });
  });

  test('SPIs come in sequence, bit 31 names the master key, and when they run out nothing is given', async () => {
    const { hal } = await openSimHarness({ firstSpi: 0x7ffffffe });
    await expect(hal.generateKeys(32, 3)).rejects.toMatchObject({ code: 'EMPTY' });
    const { spis } = await hal.generateKeys(16, 2);
    expect([...spis]).toEqual([0x7ffffffe, 0x7fffffff]);
    await expect(hal.generateKeys(32, 1)).rejects.toMatchObject({ code: 'EMPTY' });
    await hal.rotateMasterKey();
    expect([...(await hal.generateKeys(32, 3)).spis]).toEqual([0x80000001, 0x80000002, 0x80000003]);
  });

  test('a batch that is made in slices has the same keys as one by one', async () => {
    const a = await openSimHarness({ masterKeys: KNOWN_MASTER_KEYS });
    const b = await openSimHarness({ masterKeys: KNOWN_MASTER_KEYS });
    const count = 20_000;
    const whole = await a.hal.generateKeys(32, count);
    expect(whole.spis).toEqual(Uint32Array.from({ length: count }, (_, i) => i + 1));
    for (const part of [1, 999, 19_000]) {
      const first = part === 1 ? 0 : part === 999 ? 1 : 1000;
      const { keys } = await b.hal.generateKeys(32, part);
      expect(hex(whole.keys.subarray(first * 32, (first + part) * 32))).toBe(hex(keys));
    }
  });

  test('a slot is re-keyed in place', async () => {
    const { sender, receiver, encrypt, key } = await openPair();
    await sender.hal.setKeys([{ cryptoId: CRYPTO_ID, key: new Uint8Array(32) }]);
    receiver.inject(UPLINK_PORT, encrypt(packet()));
    await sender.hal.setKeys([{ cryptoId: CRYPTO_ID, key }]);
    receiver.inject(UPLINK_PORT, encrypt(packet()));
    expectDelivered(receiver, [packet()]);
  });
});

test('arbitrary octets into both ports never throw, and every packet has one fate', async () => {
  const { encrypt, receiver } = await openPair();
  const valid = [...encrypt(packet(), packet(30)), frameOf(packet())];
  const frames = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc
      .tuple(
        fc.constantFrom(...valid),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 3 }),
        fc.nat(200),
      )
      .map(([frame, changes, length]) => {
        const changed = frame.slice(0, length);
        for (const [at, octet] of changes) if (at < changed.length) changed[at] = octet;
        return changed;
      }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(UPLINK_PORT, VF_PORT), frames), { maxLength: 40 }),
      async (bursts) => {
        for (const [port, frame] of bursts) receiver.inject(port, [frame]);
        receiver.hal.transmit(bursts.map(([port, frame]) => ({ frame, packetMeta: port })));
        await receiver.settle();
        receiver.takeSent(VF_PORT);
        receiver.takeSent(UPLINK_PORT);
        const { in: received, copies, ...fates } = receiver.hal.fates();
        expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(received + copies);
      },
    ),
    { numRuns: 500 },
  );
});

function flip(at: number): (wire: Uint8Array) => Uint8Array {
  return (wire) => {
    const changed = wire.slice();
    changed[at < 0 ? changed.length + at : at] ^= 1;
    return changed;
  };
}

function set(at: number, octet: number): (wire: Uint8Array) => Uint8Array {
  return (wire) => {
    const changed = wire.slice();
    changed[at] = octet;
    return changed;
  };
}

function udpLength(octets: number): (wire: Uint8Array) => Uint8Array {
  return (wire) => set(PSP_AT - 4, 0)(set(PSP_AT - 3, octets)(wire));
}
