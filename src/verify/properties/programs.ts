/** Random programs: the same pipes, entries and packets on the device and on the simulator, which must do the same with them. */
import { Choose } from '../../base/choose.js';
import type { CounterSelector, EntryResult, RssPacket } from '../../hal/hal.js';
import { type PipeProgram, UPLINK_PORT, VF_PORT } from '../../hal/program.js';
import { PSP_FLAGS } from '../../psp/header.js';
import type { HalHarness } from '../harness.js';
import { DeviceKeys } from '../judge.js';
import { unpadded } from '../outside.js';
import { hexOf, must, mustBeFrames, mustEqual, type Property, property } from '../property.js';
import { carryingProgram, SLOT_KEYS } from '../random/carries.js';
import { programText } from '../random/program-text.js';
import { KEY_SLOTS } from '../random/random-actions.js';
import { drawsNumbers, RandomOperations } from '../random/random-operations.js';
import { damaged, plainFrame, randomPspFrame } from '../random/random-packets.js';
import { Traffic } from '../random/traffic.js';
import { setKey } from '../rig.js';
import { normalized } from '../wire.js';
import type { World } from '../world.js';

interface ProgramCase {
  readonly seed: number;
  /** Which of the case's packets are sent, by number; absent: all. */
  readonly packets?: readonly number[];
  /** Batches of changes of entries, between packets. */
  readonly batches: number;
  readonly rotates: boolean;
}

interface Packet {
  readonly port: number;
  readonly frame: Uint8Array;
}

const MORE_PACKETS = 10;
/** Keys that slots get later are of these octets, and those that follow. */
const NEXT_KEYS = 0x80;
const KEYS_OF_EACH_LENGTH = 3;
/** What every interface carries, without padding of its own and without being too large once it is sealed. */
const [FRAME_MIN_OCTETS, FRAME_MAX_OCTETS] = [60, 1300];
const UPLINK_MTU_OCTETS = 1500;
const UDP_OCTETS = 8;
/** Ethernet, IPv4, UDP and PSP. Headers of transport mode, UDP and PSP alone, are shorter whatever they have besides. */
const TUNNEL_OCTETS_MIN = 14 + 20 + UDP_OCTETS + 16;

export const PROGRAMS: readonly Property[] = [
  property<ProgramCase>({
    name: 'random-programs',
    group: 'programs',
    title:
      'A random program does with random packets what the simulator does: frames, copies for the CPU, counters',
    cases: { quick: 12, usual: 200 },
    draw: (choose) => ({ seed: choose.uint32(), batches: choose.below(3), rotates: choose.once(4) }),
    text: ({ seed, packets, batches, rotates }) =>
      `seed ${seed}, ${packets === undefined ? 'all packets' : `packets ${packets.join(', ')}`}, ${batches} batches of changes${rotates ? ', a rotation' : ''}`,
    smaller: (one) => {
      const { packets = Array.from({ length: 6 + MORE_PACKETS }, (_, i) => i), batches, rotates } = one;
      const half = packets.length >> 1;
      return [
        ...(batches > 0 ? [{ ...one, batches: 0 }] : []),
        ...(rotates ? [{ ...one, rotates: false }] : []),
        ...(packets.length > 1
          ? [packets.slice(0, half), packets.slice(half), packets.slice(1), packets.slice(0, -1)].map(
              (some) => ({
                ...one,
                packets: some,
              }),
            )
          : []),
      ];
    },
    check,
  }),
];

async function check(one: ProgramCase, world: World): Promise<void> {
  const choose = new Choose(one.seed);
  const device = await world.open();
  await using _device = { [Symbol.asyncDispose]: () => device.hal.close() };
  const keys = new DeviceKeys();
  await keys.ask(device.hal, KEYS_OF_EACH_LENGTH);
  const judge = await keys.judge(KEY_SLOTS, UPLINK_MTU_OCTETS);
  await using _judge = { [Symbol.asyncDispose]: () => judge.hal.close() };

  const traffic = new Traffic(choose, keys.peers);
  const program = await carryingProgram(choose, traffic, isForDevices, () =>
    keys.judge(KEY_SLOTS, UPLINK_MTU_OCTETS),
  );
  const both = new Both(judge, device, program);
  try {
    // The device first: what it refuses is no difference.
    await device.hal.build(program);
    await judge.hal.build(program);
    for (const { hal } of [device, judge])
      for (const failed of await hal.setKeys(SLOT_KEYS)) if (failed) throw failed;
    const all = packetsOf(choose, traffic, keys);
    const packets = (one.packets?.map((i) => all[i]!) ?? all).filter(isCarried);
    const operations = new RandomOperations(choose, program, traffic, { random: false, tiedUpdates: false });
    await both.send(packets);
    for (let batch = 0; batch < one.batches; batch++) {
      const changes = operations.batch().map(withoutGmac);
      operations.done(changes, await both.apply(changes));
      const { cryptoId, key } = choose.pick(SLOT_KEYS);
      await both.setKey(cryptoId, new Uint8Array(key.length).fill(NEXT_KEYS + batch));
      await both.send(packets);
    }
    if (one.rotates) {
      for (let rotation = 0; rotation < 2; rotation++) {
        for (const { hal } of [device, judge]) await hal.rotateMasterKey();
        keys.rotated();
        await both.send(packets);
      }
    }
    await both.compareCounters();
  } catch (error) {
    if (error instanceof Error && error.name === 'Violation')
      error.message += `; the program: ${programText(program)}`;
    throw error;
  }
}

function packetsOf(choose: Choose, { flows }: Traffic, keys: DeviceKeys): Packet[] {
  const more = choose.times(MORE_PACKETS, (): Packet => {
    const port = choose.pick([UPLINK_PORT, UPLINK_PORT, VF_PORT]);
    if (port === VF_PORT) return { port, frame: plainFrame(choose) };
    const frame = randomPspFrame(choose, keys.peers);
    return { port, frame: choose.once(3) ? damaged(choose, frame) : frame };
  });
  return [...flows, ...more].map(({ port, frame }) => ({ port, frame: padded(frame) }));
}

function padded(frame: Uint8Array): Uint8Array {
  if (frame.length >= FRAME_MIN_OCTETS) return frame;
  const whole = new Uint8Array(FRAME_MIN_OCTETS);
  whole.set(frame);
  return whole;
}

/**
 * Not with a length in the place of its type, nor with a tag, which cards take for themselves, nor a fragment of IPv4, which kernels keep
 * until they have the whole of it (packet sockets of DPDK's af_packet ask for that).
 */
function isCarried({ frame }: Packet): boolean {
  const type = (frame[12]! << 8) | frame[13]!;
  const isTagged = type === 0x8100 || type === 0x88a8;
  const isFragment = type === 0x0800 && (((frame[20]! & 0x3f) << 8) | frame[21]!) !== 0;
  const isMulticast = (frame[0]! & 1) !== 0;
  return frame.length <= FRAME_MAX_OCTETS && type >= 0x600 && !isTagged && !isFragment && !isMulticast;
}

/** Without chance, without words that other libraries do not look at; headers are of versions that devices have. */
function isForDevices(program: PipeProgram): boolean {
  if (drawsNumbers(program)) return false;
  withoutGmac(program);
  return !JSON.stringify(program).includes('tun.psp.dw');
}

/** The same value, in whose encap headers versions 2 and 3 are 0 and 1. */
function withoutGmac<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  for (const [name, member] of Object.entries(value)) {
    if (name === 'encapHeader' && member instanceof Uint8Array) member[flagsAt(member)]! &= ~0x38;
    else withoutGmac(member);
  }
  return value;
}

/** Where the flags of an encap header's PSP header are. */
function flagsAt(header: Uint8Array): number {
  const isTunnel = header.length >= TUNNEL_OCTETS_MIN;
  const psp = !isTunnel ? UDP_OCTETS : header[12] === 0x08 ? 14 + 20 + UDP_OCTETS : 14 + 40 + UDP_OCTETS;
  return psp + PSP_FLAGS;
}

/** The device and its judge, of which the same is asked. */
class Both {
  /** By slot, from slot 1 on. */
  readonly #keys: Uint8Array[] = SLOT_KEYS.map(({ key }) => key);

  constructor(
    private readonly judge: HalHarness,
    private readonly device: HalHarness,
    private readonly program: PipeProgram,
  ) {}

  async send(packets: readonly Packet[]): Promise<void> {
    for (const port of [UPLINK_PORT, VF_PORT]) {
      const frames = packets.filter((packet) => packet.port === port).map(({ frame }) => frame);
      if (frames.length === 0) continue;
      for (const harness of [this.device, this.judge]) {
        harness.inject(
          port,
          frames.map((frame) => frame.slice()),
        );
        await harness.settle();
      }
      for (const out of [UPLINK_PORT, VF_PORT])
        mustBeFrames(
          `frames that left by the ${out === UPLINK_PORT ? 'uplink' : 'VF'}`,
          this.#comparable(this.device.takeSent(out)),
          this.#comparable(this.judge.takeSent(out)),
        );
      const [got, expected] = [this.device, this.judge].map((harness) => this.#copies(harness.takeRss()));
      const at = got!.findIndex((text, i) => text !== expected![i]);
      must(
        at < 0 && got!.length === expected!.length,
        `packets for the CPU: ${got!.length}, and the simulator has ${expected!.length}; ${got![at] ?? ''} and ${expected![at] ?? expected![got!.length] ?? ''}`,
      );
    }
  }

  async apply(operations: Parameters<HalHarness['hal']['apply']>[0]): Promise<EntryResult[]> {
    const expected = await this.judge.hal.apply(operations);
    const got = await this.device.hal.apply(operations);
    for (const [i, result] of expected.entries()) {
      const own = got[i]!;
      if ('error' in own && !('error' in result)) throw own.error;
      must('error' in own === 'error' in result, `operation ${i + 1} was done, and the simulator refuses it`);
    }
    return expected;
  }

  async setKey(cryptoId: number, key: Uint8Array): Promise<void> {
    // What still comes under the former one cannot be opened, which is a difference.
    this.#keys[cryptoId - 1] = key;
    for (const { hal } of [this.device, this.judge]) await setKey(hal, cryptoId, key);
  }

  async compareCounters(): Promise<void> {
    const selectors = this.program.pipes.flatMap((pipe): CounterSelector[] => [
      { pipe: pipe.name, miss: true },
      ...(pipe.entries ?? []).flatMap(({ label }) =>
        label === undefined ? [] : [{ pipe: pipe.name, label }],
      ),
    ]);
    for (const selector of selectors) {
      const [expected] = await this.judge.hal.counters([selector]).catch(() => []);
      if (expected === undefined) continue;
      const [got] = await this.device.hal.counters([selector]);
      const name = 'label' in selector ? `entry ${selector.label}` : 'misses';
      mustEqual(
        `packets that ${'pipe' in selector ? selector.pipe : ''}, ${name}, has counted`,
        got!.packets,
        expected.packets,
      );
    }
  }

  /** In an order of their own: between a packet and its copies it is open. */
  #comparable(frames: readonly Uint8Array[]): Uint8Array[] {
    return frames
      .map((frame) => normalized(unpadded(frame), this.#keys))
      .sort((a, b) => Buffer.compare(a, b));
  }

  #copies(packets: readonly RssPacket[]): string[] {
    return packets
      .map(({ frame, packetMeta }) => `mark ${packetMeta}, ${hexOf(normalized(unpadded(frame), this.#keys))}`)
      .sort();
  }
}
