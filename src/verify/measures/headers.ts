/** What a device writes into headers as it likes: UDP source port, IPv4 identification, IV. */
import { IPV4_IDENTIFICATION } from '../../packet/ipv4.js';
import { frameOf } from '../inner-packets.js';
import { flowOf } from '../packets.js';
import type { Measure, Measured } from '../property.js';
import { RIG_DEFAULTS, setKey } from '../rig.js';
import { pspOffset } from '../rig-cases.js';
import { sendUnder } from '../rig-changes.js';
import { ivOf } from '../wire.js';
import type { World } from '../world.js';

const FLOWS = 24;
const PACKETS_PER_FLOW = 4;
const PACKETS = 40;
/** IVs that follow each other within so much: one counter. */
const NEAR = 1n << 32n;

const word = (frame: Uint8Array, at: number) => (frame[at]! << 8) | frame[at + 1]!;
const hex = (value: bigint | number, digits: number) => `0x${value.toString(16).padStart(digits, '0')}`;

/** Numbers in a row, in words. */
export function inWords(numbers: readonly (number | bigint)[]): string {
  const values = numbers.map(BigInt);
  const [first, ...rest] = values;
  if (first === undefined) return 'none seen';
  if (rest.every((value) => value === first)) return `always ${first}`;
  const steps = new Set(rest.map((value, i) => value - values[i]!));
  if (steps.size === 1) return `each ${[...steps][0]} more than the one before`;
  if (values.every((value, i) => i === 0 || value > values[i - 1]!)) return 'rising, by steps that differ';
  return `${new Set(values).size} different of ${values.length}, in no order`;
}

async function sourcePorts(world: World): Promise<Measured[]> {
  const rows: Measured[] = [];
  for (const outerFamily of [4, 6] as const) {
    const options = { ...RIG_DEFAULTS, outerFamily };
    await using rig = await world.rig('sender', options);
    const udp = pspOffset(options) - 8;
    const ports: number[] = [];
    const checksums = new Set<number>();
    let steady = 0;
    for (let flow = 0; flow < FLOWS; flow++) {
      const packets = flowOf(4, PACKETS_PER_FLOW, 64, 30_000 + 7 * flow);
      const wire = await rig.encapsulate(packets.map((packet) => frameOf(packet)));
      const seen = new Set(wire.map((frame) => word(frame, udp)));
      if (seen.size === 1) steady++;
      ports.push(...seen);
      for (const frame of wire) checksums.add(word(frame, udp + 6));
    }
    const range = ports.length === 0 ? 'none seen' : `${Math.min(...ports)} to ${Math.max(...ports)}`;
    rows.push(
      {
        what: `source ports over IPv${outerFamily}`,
        value: `${range}, ${new Set(ports).size} different of ${FLOWS} flows`,
      },
      { what: `flows over IPv${outerFamily} that keep one source port`, value: `${steady} of ${FLOWS}` },
      {
        what: `UDP checksum over IPv${outerFamily}`,
        value: checksums.size === 1 && checksums.has(0) ? 'always 0' : 'computed',
      },
    );
  }
  return rows;
}

async function identifications(world: World): Promise<Measured[]> {
  const options = { ...RIG_DEFAULTS, outerFamily: 4 as const };
  await using rig = await world.rig('sender', options);
  const wire = await rig.encapsulate(flowOf(4, PACKETS).map((packet) => frameOf(packet)));
  const [frame] = wire;
  if (frame === undefined) return [{ what: 'IPv4 identification', value: 'no frame seen' }];
  const given = rig.encapHeader;
  const same = (at: number, mask = 0xff) =>
    (frame[at]! & mask) === (given[at]! & mask) ? "the given header's" : `changed, ${hex(frame[at]!, 2)}`;
  return [
    { what: 'IPv4 identification', value: inWords(wire.map((one) => word(one, 14 + IPV4_IDENTIFICATION))) },
    { what: "IPv4 flags, don't fragment and more fragments", value: same(14 + 6, 0xe0) },
    { what: 'time to live', value: same(14 + 8) },
    { what: 'type of service', value: same(14 + 1) },
  ];
}

async function ivs(world: World): Promise<Measured[]> {
  const psp = pspOffset(RIG_DEFAULTS);
  const lives: bigint[][] = [];
  const other: bigint[] = [];
  const times: number[] = [];
  for (let life = 0; life < 2; life++) {
    await using rig = await world.rig('sender');
    const frames = flowOf(4, PACKETS).map((packet) => frameOf(packet));
    times.push(world.clock.nowMs());
    const seen = (await rig.encapsulate(frames)).map((frame) => ivOf(frame, psp));
    lives.push(seen);
    if (life > 0) continue;
    const cryptoId = rig.cryptoId + 1;
    await setKey(rig.a.hal, cryptoId, rig.key);
    await sendUnder(rig, rig.encapHeader, { id: rig.headerEntry, cryptoId });
    other.push(...(await rig.encapsulate(frames)).map((frame) => ivOf(frame, psp)));
  }
  const [first, second] = lives as [bigint[], bigint[]];
  const gap = (from: bigint | undefined, to: bigint | undefined) =>
    from === undefined || to === undefined ? undefined : BigInt.asUintN(64, to - from);
  const acrossSlots = gap(first.at(-1), other[0]);
  const acrossLives = gap(first[0], second[0]);
  const ps = BigInt(Math.round((times[1]! - times[0]!) * 1e9));
  const follows = (distance: bigint | undefined) =>
    distance === undefined ? 'not seen' : distance < NEAR ? 'goes on where it was' : 'begins anew';
  return [
    { what: 'IVs of one slot', value: inWords(first) },
    { varies: true, what: 'first IV', value: first[0] === undefined ? 'none seen' : hex(first[0], 16) },
    { what: 'the same key in another slot', value: follows(acrossSlots) },
    {
      what: 'the device opened again',
      value:
        acrossLives !== undefined && ps > 0n && acrossLives > ps / 2n && acrossLives < ps * 2n
          ? 'goes on as a clock of picoseconds would'
          : follows(acrossLives),
    },
  ];
}

export const HEADER_MEASURES: readonly Measure[] = [
  {
    kind: 'measure',
    name: 'udp-source-port',
    group: 'measured',
    title: 'UDP source port and checksum of what the device sends',
    measure: sourcePorts,
  },
  {
    kind: 'measure',
    name: 'ipv4-header',
    group: 'measured',
    title: 'IPv4 identification, flags, time to live and type of service of the outer header',
    measure: identifications,
  },
  {
    kind: 'measure',
    name: 'iv',
    group: 'measured',
    title: 'Where IVs begin, and how they go on',
    measure: ivs,
  },
];
