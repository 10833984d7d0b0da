/** What else a device decides: samples and their S bit, packets of a slot that is being set, age of counters, and speeds. */
import { type Clock, sleep } from '../../base/clock.js';
import { UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { FLAG_S, PSP_FLAGS } from '../../psp/header.js';
import { contains, frameOf, MARKER } from '../inner-packets.js';
import { opened } from '../opened.js';
import { flowOf } from '../packets.js';
import type { Measure, Measured } from '../property.js';
import { install, RIG_DEFAULTS } from '../rig.js';
import { pspOffset } from '../rig-cases.js';
import type { World } from '../world.js';

const VARIES = { varies: true } as const;
const SAMPLED_PACKETS = 64;

const shareText = (some: number, all: number) =>
  some === 0 ? 'none' : some === all ? 'all' : `${some} of ${all}`;
const copiesText = (copies: number, sampled: number) =>
  copies === sampled ? 'one of each sampled packet' : `${copies} of ${sampled} sampled packets`;

async function samples(world: World): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const sampleBeforeEncryption of [false, true]) {
    const when = sampleBeforeEncryption ? 'sampled before encryption' : 'sampled after encryption';
    const options = { ...RIG_DEFAULTS, sampleRateLog2: 1, sampleBeforeEncryption };
    await using rig = await world.rig('sender', options);
    rig.a.takeRss();
    const wire = await rig.encapsulate(flowOf(4, SAMPLED_PACKETS).map((packet) => frameOf(packet)));
    const psp = pspOffset(options);
    const sampled = wire.filter((frame) => (frame[psp + PSP_FLAGS]! & FLAG_S) !== 0);
    const copies = rig.a.takeRss().map(({ frame }) => frame);
    const clear = copies.filter((frame) => contains(frame, MARKER)).length;
    const onWire = new Set(wire.map((frame) => Buffer.from(frame).toString('hex')));
    const same = copies.filter((frame) => onWire.has(Buffer.from(frame).toString('hex'))).length;
    const authentic = (frames: readonly Uint8Array[]) =>
      frames.filter((frame) => opened(frame, () => rig.key) !== undefined).length;
    const withoutS = sampled.map((frame) => {
      const other = frame.slice();
      other[psp + PSP_FLAGS]! ^= FLAG_S;
      return other;
    });
    const verdict =
      sampled.length === 0
        ? 'no packet has it'
        : authentic(sampled) === sampled.length
          ? 'is authenticated'
          : authentic(withoutS) === sampled.length
            ? 'is set behind the authentication, and receivers drop such packets'
            : 'leaves packets that nobody can authenticate';
    rows.push(
      { what: `S bit, ${when}`, value: verdict },
      {
        what: `copies, ${when}`,
        value: `${copiesText(copies.length, sampled.length)}; ${shareText(clear, copies.length)} in clear, ${shareText(same, copies.length)} as on the wire`,
      },
    );
  }
  return rows;
}

const CHANGES = 10;
const PACKETS_PER_CHANGE = 64;

/** Two keys take turns in one slot while packets go through it. */
async function keyChange(world: World): Promise<Measured[]> {
  await using rig = await world.rig('sender');
  const fresh = await rig.b.hal.generateKeys(32, 1);
  const keys = [rig.key, fresh.keys] as const;
  const counts = { former: 0, next: 0, neither: 0, lost: 0, clear: 0 };
  const frames = flowOf(4, PACKETS_PER_CHANGE).map((packet) => frameOf(packet));
  for (let change = 0; change < CHANGES; change++) {
    const [former, next] = change % 2 === 0 ? keys : [keys[1], keys[0]];
    const half = frames.length >> 1;
    rig.a.takeSent(UPLINK_PORT);
    rig.a.inject(
      VF_PORT,
      frames.slice(0, half).map((frame) => frame.slice()),
    );
    const setting = rig.a.hal.setKeys([{ cryptoId: rig.cryptoId, key: next }]);
    rig.a.inject(
      VF_PORT,
      frames.slice(half).map((frame) => frame.slice()),
    );
    await setting;
    await rig.a.settle();
    const wire = rig.a.takeSent(UPLINK_PORT);
    counts.lost += frames.length - wire.length;
    for (const frame of wire) {
      if (contains(frame, MARKER)) counts.clear++;
      else if (opened(frame, () => former) !== undefined) counts.former++;
      else if (opened(frame, () => next) !== undefined) counts.next++;
      else counts.neither++;
    }
  }
  return [
    { what: 'packets around the change', value: `${CHANGES * PACKETS_PER_CHANGE}` },
    { ...VARIES, what: 'under the former key', value: `${counts.former}` },
    { ...VARIES, what: 'under the next key', value: `${counts.next}` },
    { what: 'under neither of them', value: `${counts.neither}` },
    { what: 'in clear', value: `${counts.clear}` },
    { what: 'lost', value: `${counts.lost}` },
  ];
}

const AGE_MAX_MS = 5000;
const AGE_STEP_MS = 10;

/** After how long a counter tells of a packet that was sent through the device; undefined: not within AGE_MAX_MS. */
export async function counterAge(world: World): Promise<number | undefined> {
  await using rig = await world.rig('sender');
  const packetsOf = async () => (await rig.a.hal.counters([{ id: rig.headerEntry }]))[0]!.packets;
  const before = await packetsOf();
  const startMs = world.clock.nowMs();
  rig.a.inject(
    VF_PORT,
    flowOf(4, 1).map((packet) => frameOf(packet)),
  );
  for (;;) {
    const packets = await packetsOf();
    const ageMs = world.clock.nowMs() - startMs;
    if (packets > before) return ageMs;
    if (ageMs > AGE_MAX_MS) return undefined;
    await sleep(world.clock, AGE_STEP_MS);
  }
}

async function perSecond(clock: Clock, count: number, does: () => Promise<unknown>): Promise<string> {
  const startMs = clock.nowMs();
  await does();
  const seconds = Math.max((clock.nowMs() - startMs) / 1000, 1e-6);
  return `${Math.round(count / seconds).toLocaleString('en')} per second`;
}

const ENTRIES = 60;
const ROUNDS = 20;
const KEYS = 1000;
const BURSTS = 20;
const BURST = 64;

async function speeds(world: World): Promise<Measured[]> {
  const { clock } = world;
  await using rig = await world.rig('receiver');
  const { hal } = rig.b;
  const [localVip, remoteVip] = rig.vips;
  const adding = async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const operations = Array.from({ length: ENTRIES }, (_, i) =>
        rig.pipeline.ingress({ spi: 0x70000000 + i, localVip: remoteVip, remoteVip: localVip }),
      );
      const ids = await install(hal, operations);
      await install(
        hal,
        ids.map((id) => ({ operation: 'remove', id })),
      );
    }
  };
  const rows: Measured[] = [
    {
      ...VARIES,
      what: 'entries added and removed',
      value: await perSecond(clock, 2 * ROUNDS * ENTRIES, adding),
    },
    {
      ...VARIES,
      what: 'SPIs and keys generated',
      value: await perSecond(clock, KEYS, () => hal.generateKeys(32, KEYS)),
    },
    {
      ...VARIES,
      what: 'key slots set, one call each',
      value: await perSecond(clock, ROUNDS, async () => {
        for (let i = 0; i < ROUNDS; i++) await hal.setKeys([{ cryptoId: 2, key: rig.key }]);
      }),
    },
    {
      ...VARIES,
      what: 'rotations of the master key',
      value: await perSecond(clock, 4, async () => {
        for (let i = 0; i < 4; i++) await hal.rotateMasterKey();
      }),
    },
  ];
  return rows;
}

async function throughput(world: World): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const octets of [64, 1200]) {
    await using rig = await world.rig('sender');
    const frames = flowOf(4, BURST, octets).map((packet) => frameOf(packet));
    rig.a.takeSent(UPLINK_PORT);
    const startMs = world.clock.nowMs();
    for (let burst = 0; burst < BURSTS; burst++) {
      rig.a.inject(
        VF_PORT,
        frames.map((frame) => frame.slice()),
      );
      await sleep(world.clock, 1);
    }
    const sentMs = world.clock.nowMs() - startMs;
    await rig.a.settle();
    const arrived = rig.a.takeSent(UPLINK_PORT).length;
    const offered = Math.round((BURSTS * BURST * 1000) / Math.max(sentMs, 1));
    rows.push({
      ...VARIES,
      what: `datagrams of ${octets} octets, offered at ${offered.toLocaleString('en')} per second`,
      value: `${arrived} of ${BURSTS * BURST} left encrypted`,
    });
  }
  return rows;
}

export const DEVICE_MEASURES: readonly Measure[] = [
  {
    kind: 'measure',
    name: 'samples',
    group: 'measured',
    title: 'Copies of sampled packets, in clear or not, and whether their S bit is authenticated',
    measure: samples,
  },
  {
    kind: 'measure',
    name: 'key-change',
    group: 'measured',
    title: 'What becomes of packets while their key slot is set',
    measure: keyChange,
  },
  {
    kind: 'measure',
    name: 'speeds',
    group: 'measured',
    title: 'Entries, keys and rotations per second',
    measure: speeds,
  },
  {
    kind: 'measure',
    name: 'offered-load',
    group: 'measured',
    title: 'What of an offered load leaves encrypted; this end is what limits it, not a device',
    measure: throughput,
  },
];
