/**
 * Two gateways over devices, whose master keys rotate again and again while workloads send both ways: every packet arrives,
 * once. Time is virtual, and messages, packets and the device's answers take as long as a seed says.
 */
import { describe, expect, test } from 'vitest';
import { Choose } from '../../src/base/choose.js';
import { sleep } from '../../src/base/clock.js';
import { seededRandom } from '../../src/base/random.js';
import { createVirtualClock } from '../../src/base/virtual-clock.js';
import { Gateway } from '../../src/gateway/gateway.js';
import { MemoryNetwork } from '../../src/gateway/rpc/memory-transport.js';
import type { PipeHal } from '../../src/hal/hal.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { parseIp, parseMac } from '../../src/packet/address.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import { CallsUnderWay } from '../support/calls-under-way.js';
import { gatewayOptions, idsOf, LIMITS, packetBetween, vip } from '../support/gateways.js';

const STEP_MS = 20;
/** Steps with packets between two silences, on average. */
const SENDING_STEPS = 40;
const FAMILIES = [4, 6] as const;
const NUMBERS = [1, 2] as const;
type SideNumber = (typeof NUMBERS)[number];
const SLOW_CALLS = ['apply', 'setKeys', 'clearKeys', 'generateKeys', 'rotateMasterKey'] as const;

const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });
const other = (number: SideNumber): SideNumber => (number === 1 ? 2 : 1);

/** The longest times, in milliseconds: of a message between the gateways one way, a packet on the underlay, a call of a device. */
const DELAYS = { message: 100, packet: 60, device: 40 };
/**
 * What must hold is: longer than a peer may take from the moment when it is answered to the moment when it goes by that, and its
 * last packet under the key before to arrive. Here that is a message, the dozen calls of its device that may wait before, and a packet.
 */
const GRACE_MS = 1000;
const PERIOD_MS = 1500;
/** Of each gateway. */
const ROTATIONS = 6;

interface Side {
  readonly number: SideNumber;
  readonly harness: HalHarness;
  readonly gateway: Gateway;
  /** Ids of packets that its workload got, in their order. */
  readonly received: number[];
  /** Steps in which its workload sends nothing any more. */
  silentSteps: number;
}

class World {
  readonly clock = createVirtualClock(1_700_000_000_000);
  readonly sides: Side[] = [];
  readonly sent: number[] = [];
  readonly #calls = new CallsUnderWay();
  readonly #network: MemoryNetwork;
  readonly #choose: Choose;
  readonly #flying: { readonly to: SideNumber; readonly dueMs: number; readonly frame: Uint8Array }[] = [];
  #id = 1;

  constructor(private readonly seed: number) {
    this.#choose = new Choose(seed);
    this.#network = new MemoryNetwork({
      clock: this.clock,
      fate: () => ({ delayMs: this.#choose.below(DELAYS.message + 1) }),
    });
  }

  async start(number: SideNumber, harness: HalHarness): Promise<void> {
    const peer = other(number);
    const gateway = new Gateway({
      hal: this.#slow(this.#calls.wrap(onUnderlay(harness.hal, number))),
      transport: this.#network.transport(serviceOf(number)),
      clock: this.clock,
      random: seededRandom(this.seed + number),
      logger: { log: () => {}, enabled: () => false },
      options: {
        ...gatewayOptions(serviceOf(number), [
          { serviceAddress: serviceOf(peer), virtualIps: FAMILIES.map((family) => vip(peer, family)) },
        ]),
        localVirtualIps: FAMILIES.map((family) => vip(number, family)),
        decapDmac: parseMac('02:00:00:00:00:11'),
        limits: { ...LIMITS, rekeyGraceMs: GRACE_MS, rotationPeriodMs: PERIOD_MS },
      },
    });
    this.sides.push({ number, harness, gateway, received: [], silentSteps: 0 });
    await this.whileTimePasses(gateway.start());
  }

  async whileTimePasses(what: Promise<unknown>): Promise<void> {
    let over = false;
    void what.finally(() => {
      over = true;
    });
    while (!over) await this.#step();
    await what;
  }

  async connect(): Promise<void> {
    const [first] = this.sides;
    const pairs = FAMILIES.map((family) => ({ localVip: vip(1, family), remoteVip: vip(2, family) }));
    await this.whileTimePasses(first!.gateway.connect(pairs));
  }

  /** Of the gateway that has had fewer. */
  get rotations(): number {
    return Math.min(...this.sides.map(({ gateway }) => gateway.view().rotations));
  }

  /** What the workloads send in one step. */
  async traffic(): Promise<void> {
    for (const side of this.sides) {
      if (side.silentSteps > 0) side.silentSteps--;
      else {
        // Often for longer than the grace: who sends nothing does not show which key it has.
        if (this.#choose.once(SENDING_STEPS)) side.silentSteps = this.#choose.below((3 * GRACE_MS) / STEP_MS);
        const ids = this.#choose.times(this.#choose.below(4), () => this.#id++);
        if (ids.length === 0) continue;
        this.sent.push(...ids);
        await this.#give(
          side,
          VF_PORT,
          ids.map((id) =>
            frameOf(packetBetween(side.number, other(side.number), id, this.#choose.pick(FAMILIES))),
          ),
        );
      }
    }
    await this.#step();
  }

  /** What is under way arrives. */
  async arrive(): Promise<void> {
    for (let ms = 0; ms <= DELAYS.packet + 2 * STEP_MS; ms += STEP_MS) await this.#step();
  }

  async stop(): Promise<void> {
    for (const { gateway } of this.sides) await this.whileTimePasses(gateway.stop());
  }

  async #step(): Promise<void> {
    await this.#carry();
    await this.clock.advance(STEP_MS);
    await this.#calls.quiet(this.clock);
  }

  /** Packets on the underlay arrive. */
  async #carry(): Promise<void> {
    const nowMs = this.clock.nowMs();
    const due = this.#flying.filter(({ dueMs }) => dueMs <= nowMs);
    const later = this.#flying.filter(({ dueMs }) => dueMs > nowMs);
    this.#flying.splice(0, Infinity, ...later);
    for (const side of this.sides) {
      const frames = due.filter(({ to }) => to === side.number).map(({ frame }) => frame);
      if (frames.length > 0) await this.#give(side, UPLINK_PORT, frames);
      this.#collect(side);
    }
  }

  async #give(side: Side, port: number, frames: Uint8Array[]): Promise<void> {
    side.harness.inject(port, frames);
    await side.harness.settle();
    this.#collect(side);
  }

  #collect({ number, harness, received }: Side): void {
    received.push(...idsOf(harness.takeSent(VF_PORT)));
    for (const frame of harness.takeSent(UPLINK_PORT)) {
      const dueMs = this.clock.nowMs() + this.#choose.below(DELAYS.packet + 1);
      this.#flying.push({ to: other(number), dueMs, frame });
    }
  }

  #slow(hal: PipeHal): PipeHal {
    const { clock } = this;
    return new Proxy(hal, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (!SLOW_CALLS.some((slow) => slow === name)) return value.bind(target);
        return async (...args: unknown[]) => {
          await sleep(clock, this.#choose.below(DELAYS.device + 1));
          return value.apply(target, args);
        };
      },
    });
  }
}

/** The same device at an address of its own. */
function onUnderlay(hal: PipeHal, number: SideNumber): PipeHal {
  const device = {
    ...hal.device,
    ports: hal.device.ports.map((port) =>
      port.kind === 'uplink'
        ? {
            ...port,
            mac: `02:00:00:00:01:0${number}`,
            ipv4: `192.0.2.${number}`,
            ipv6: `2001:db8::${number}`,
          }
        : port,
    ),
  };
  return new Proxy(hal, {
    get: (target, name) => {
      if (name === 'device') return device;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export function describeRotation(implementation: HalUnderTest, cases: number): void {
  describe(`rotations under traffic over ${implementation.name}`, () => {
    test.each(Array.from({ length: cases }, (_, seed) => seed))(
      'at both ends again and again lose nothing and double nothing, seed %i',
      async (seed) => {
        const world = new World(seed);
        try {
          for (const number of NUMBERS) await world.start(number, await implementation.open());
          await world.connect();
          while (world.rotations < ROTATIONS) await world.traffic();
          await world.arrive();
          const received = world.sides.flatMap((side) => side.received);
          expect(world.sent.length).toBeGreaterThan(50);
          expect(received.sort((a, b) => a - b)).toEqual(world.sent);
        } finally {
          await world.stop();
        }
      },
    );
  });
}
