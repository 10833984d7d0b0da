/**
 * Whose key opens which entry: a gateway over a real device, among peers of which each may be an insider. Whatever they
 * ask for, in whatever order, while the device refuses this and that, no entry lets an SPI in for another peer than the
 * one that holds the key which opens it. Seen in the books of the device, and with packets.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.js';
import { createVirtualClock } from '../../src/base/virtual-clock.js';
import { Gateway } from '../../src/gateway/gateway.js';
import type { GatewayLimits } from '../../src/gateway/options.js';
import {
  type CallerIdentity,
  type ControlTransport,
  RpcError,
  type RpcHandler,
  type RpcMethod,
} from '../../src/gateway/rpc/transport.js';
import {
  decodeMultiTunnelRequest,
  decodeMultiTunnelResponse,
  encodeKeyRotationRequest,
  encodeMultiTunnelRequest,
  encodeMultiTunnelResponse,
  type TunnelParameters,
} from '../../src/gateway/rpc/tunnel-messages.js';
import { HalError } from '../../src/hal/errors.js';
import type { EntryId, EntryOperation, EntryResult, KeySlot, PipeHal } from '../../src/hal/hal.js';
import type { BasicEntry } from '../../src/hal/program.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { type IpAddress, ipFromOctets, parseIp, parseMac } from '../../src/packet/address.js';
import { opensslEngine } from '../../src/psp/aead-openssl.js';
import { encapsulate } from '../../src/psp/encapsulate.js';
import type { HalHarness, HalUnderTest } from '../../src/verify/harness.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import { gatewayOptions, idsOf, LIMITS, packetBetween, vip, vipOctets } from '../support/gateways.js';
import { outerHeaderTo } from '../support/psp-frames.js';

const PEERS = [2, 3, 4] as const;
type PeerNumber = (typeof PEERS)[number];
type Family = 4 | 6;
const OUR_UNDERLAY = parseIp('2001:db8::1');
/** Turns of the event loop without a call of the device under way, after which nothing is. */
const QUIET_TURNS = 3;

const serviceOf = (number: number) => ({ host: parseIp(`10.0.0.${number}`), port: 3000 });

/** What the device does besides what it is told; each is a chance in 1000. */
interface Faults {
  readonly seed: number;
  /** Removals that are refused, and such that are done and reported as failed. */
  readonly keep: number;
  readonly lie: number;
  /** Additions and updates, key slots, and rotations that are refused. */
  readonly refuse: number;
  /** Calls that fail as a whole after they have been done. */
  readonly lost: number;
  /** SPIs and keys that are given out again. */
  readonly repeat: number;
}

const NO_FAULTS: Faults = { seed: 0, keep: 0, lie: 0, refuse: 0, lost: 0, repeat: 0 };

interface GivenKey {
  readonly spi: number;
  readonly key: Uint8Array;
  /** Rotations of the device before it. */
  readonly generation: number;
  readonly holders: Set<PeerNumber>;
}

/** The device's books, kept below the gateway: what is really there, whatever the device says. */
class Books {
  /** By entry, of the ingress ACL. */
  readonly entries = new Map<EntryId, { readonly spi: number; readonly owner: PeerNumber }>();
  readonly keys = new Map<string, GivenKey>();
  rotations = 0;
  underWay = 0;
  /** What the device has done that it should not have been asked for. */
  readonly wrong: string[] = [];
  faults: Faults = NO_FAULTS;
  #random = seededRandom(1);
  readonly #batches: Awaited<ReturnType<PipeHal['generateKeys']>>[] = [];

  begin(faults: Faults): void {
    this.faults = faults;
    this.#random = seededRandom(faults.seed);
  }

  /** A peer has got an SPI and key. */
  given(peer: PeerNumber, { spi, key }: TunnelParameters): void {
    const known = this.keys.get(hex(key));
    expect(known?.spi).toBe(spi);
    known!.holders.add(peer);
    this.check('a key was given');
  }

  isAlive({ generation }: GivenKey): boolean {
    return generation >= this.rotations - 1;
  }

  check(when: string): void {
    for (const { spi, holders, generation } of this.keys.values()) {
      if (holders.size > 1) this.wrong.push(`${when}: peers ${[...holders].join(', ')} share a key`);
      if (generation < this.rotations - 1) continue;
      for (const entry of this.entries.values()) {
        if (entry.spi !== spi) continue;
        for (const holder of holders) {
          if (holder === entry.owner) continue;
          this.wrong.push(
            `${when}: peer ${holder} holds the key of SPI ${spi}, which lets in peer ${entry.owner}`,
          );
        }
      }
    }
  }

  wrap(hal: PipeHal): PipeHal {
    return new Proxy(hal, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const counted =
          <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
          (...args: A) => {
            this.underWay++;
            return call(...args).finally(() => this.underWay--);
          };
        switch (name) {
          case 'apply':
            return counted((operations: readonly EntryOperation[]) => this.#apply(target, operations));
          case 'setKeys':
            return counted(async (slots: readonly KeySlot[]) =>
              this.#happens('refuse') ? slots.map(() => broken()) : target.setKeys(slots),
            );
          case 'clearKeys':
            return counted(async (ids: readonly number[]) => {
              await target.clearKeys(ids);
              if (this.#happens('lost')) throw broken();
            });
          case 'generateKeys':
            return counted((octets: 16 | 32, count: number) => this.#generate(target, octets, count));
          case 'rotateMasterKey':
            return counted(() => this.#rotate(target));
          case 'counters':
            return counted(value.bind(target) as PipeHal['counters']);
          default:
            return value.bind(target);
        }
      },
    });
  }

  #happens(fault: Exclude<keyof Faults, 'seed'>): boolean {
    return this.faults[fault] > 0 && this.#random.uint32() % 1000 < this.faults[fault];
  }

  async #apply(hal: PipeHal, operations: readonly EntryOperation[]): Promise<EntryResult[]> {
    const results: EntryResult[] = [];
    for (const operation of operations) {
      const isRemoval = operation.operation === 'remove';
      if (this.#happens(isRemoval ? 'keep' : 'refuse')) {
        results.push({ error: broken() });
        continue;
      }
      const [result] = await hal.apply([operation]);
      if ('id' in result!) this.#note(operation, result.id);
      const lies = isRemoval && this.#happens('lie');
      results.push(lies ? { error: broken() } : result!);
    }
    this.check('entries changed');
    if (this.#happens('lost')) throw broken();
    return results;
  }

  #note(operation: EntryOperation, id: EntryId): void {
    if (operation.operation === 'remove') this.entries.delete(id);
    if (operation.operation !== 'add' || !operation.pipe.startsWith('INGR_ACL')) return;
    const match = (operation.entry as BasicEntry).match!;
    const source = (match['inner.ip4.src_ip'] ?? match['inner.ip6.src_ip'])!;
    const last = typeof source === 'number' ? source & 0xff : source[15]!;
    this.entries.set(id, { spi: match['tun.psp.spi'] as number, owner: last as PeerNumber });
  }

  async #generate(hal: PipeHal, octets: 16 | 32, count: number) {
    const generation = this.rotations;
    const again = this.#batches.at(-1);
    if (again?.spis.length === count && again.keyLengthOctets === octets && this.#happens('repeat')) {
      return { ...again, spis: again.spis.slice(), keys: again.keys.slice() };
    }
    const batch = await hal.generateKeys(octets, count);
    batch.spis.forEach((spi, i) => {
      const key = batch.keys.slice(i * octets, (i + 1) * octets);
      this.keys.set(hex(key), { spi, key, generation, holders: new Set() });
    });
    this.#batches.push({ ...batch, spis: batch.spis.slice(), keys: batch.keys.slice() });
    return batch;
  }

  async #rotate(hal: PipeHal): Promise<void> {
    if (this.#happens('refuse')) throw broken();
    await hal.rotateMasterKey();
    this.rotations++;
    this.#batches.length = 0;
    if (this.#happens('lost')) throw broken();
  }
}

const broken = () => new HalError('IO_FAILED', 'the device is broken');
const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

/** Gateway 1 over the device, and its peers, which are the test. */
class World {
  readonly clock = createVirtualClock(1_700_000_000_000);
  readonly books = new Books();
  gateway!: Gateway;
  /** Requests of peers that were granted. */
  granted = 0;
  /** What a peer does when it is asked. */
  answer: (peer: PeerNumber) => 'answers' | 'refuses' | 'is silent' = () => 'answers';
  #handler!: RpcHandler;
  #theirSpi = 1000;
  #iv = 1n;
  #requestId = 0n;

  constructor(readonly harness: HalHarness) {}

  async start(limits: Partial<GatewayLimits>, options: { ingressAcl?: boolean; cookies?: boolean } = {}) {
    const peers = PEERS.map((number) => ({
      serviceAddress: serviceOf(number),
      virtualIps: [vip(number, 4), vip(number, 6)],
    }));
    this.gateway = new Gateway({
      hal: this.books.wrap(this.harness.hal),
      transport: this.#transport(),
      clock: this.clock,
      random: seededRandom(7),
      logger: { log: () => {}, enabled: () => false },
      options: {
        ...gatewayOptions(serviceOf(1), peers),
        localVirtualIps: [vip(1, 4), vip(1, 6)],
        decapDmac: parseMac('02:00:00:00:00:11'),
        maxTunnels: 16,
        ...options,
        limits: { ...LIMITS, ...limits },
      },
    });
    await this.gateway.start();
  }

  /** A request of a peer, as its certificate allows it; gives the status. */
  async request(peer: PeerNumber, method: RpcMethod, request: Uint8Array): Promise<string> {
    const { host } = serviceOf(peer);
    const caller: CallerIdentity = {
      authenticated: true,
      names: [{ type: 'ip', value: host }],
      source: host,
      from: `${host}:1`,
    };
    // The service wipes what it was sent.
    const count =
      method === 'RequestMultipleTunnelParams' ? decodeMultiTunnelRequest(request).tunnels.length : 0;
    try {
      const response = await this.#handler(method, request, caller);
      if (count > 0) {
        for (const parameters of decodeMultiTunnelResponse(response, count))
          this.books.given(peer, parameters);
      }
      this.granted++;
      return 'OK';
    } catch (error) {
      if (error instanceof RpcError) return error.code;
      throw error;
    }
  }

  tunnels(peer: PeerNumber, families: readonly Family[], reverse: boolean): Uint8Array {
    return encodeMultiTunnelRequest('3.x', {
      requestId: ++this.#requestId,
      versionsAccepted: [1],
      tunnels: families.map((family) => ({
        virtSource: vip(peer, family),
        virtDestination: vip(1, family),
        reverse: reverse ? this.#parameters(peer) : undefined,
      })),
    });
  }

  rotation(peer: PeerNumber, issueNewKeys = true): Promise<string> {
    return this.request(
      peer,
      'RequestKeyRotation',
      encodeKeyRotationRequest(++this.#requestId, issueNewKeys),
    );
  }

  /** Lets time pass, and the device do what it is told meanwhile. */
  async run(durationMs: number): Promise<void> {
    const steps = 8;
    for (let i = 0; i < steps; i++) {
      await this.quiet();
      await this.clock.advance(durationMs / steps);
    }
    await this.quiet();
  }

  async quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.clock.advance(0);
      if (this.books.underWay > 0) turns = -1;
    }
  }

  /** What the workload gets of packets under a key, from an inner source. */
  async letIn(key: GivenKey, from: number, family: Family, cookie?: Uint8Array): Promise<number[]> {
    const { harness } = this;
    harness.takeSent(VF_PORT);
    const id = Number(this.#iv);
    const frame = encapsulate(frameOf(packetBetween(from, 1, id, family)), {
      engine: opensslEngine,
      version: 1,
      spi: key.spi,
      key: key.key,
      iv: this.#iv++,
      cryptOffsetWords: 0,
      sourcePort: 50_000,
      outerHeader: outerHeaderTo(OUR_UNDERLAY),
      ...(cookie === undefined ? {} : { cookie }),
    } as never);
    harness.inject(UPLINK_PORT, [frame]);
    await harness.settle();
    return idsOf(harness.takeSent(VF_PORT));
  }

  #parameters(peer: PeerNumber): TunnelParameters {
    const key = new Uint8Array(32);
    seededRandom(this.#theirSpi).fill(key);
    return {
      mac: parseMac(`02:00:00:00:01:0${peer}`),
      underlayIp: parseIp(`2001:db8::${peer}`),
      pspVersion: 1,
      spi: this.#theirSpi++,
      key,
      cookie: 0n,
    };
  }

  #transport(): ControlTransport {
    return {
      listen: async (address, handler) => {
        this.#handler = handler;
        return address;
      },
      call: async (service, _method, octets) => {
        const peer = Number(service.host.split('.').at(-1)) as PeerNumber;
        const request = decodeMultiTunnelRequest(octets);
        const outcome = this.answer(peer);
        if (outcome === 'refuses') throw new RpcError('RESOURCE_EXHAUSTED', 'not now');
        // An insider keeps what it was offered, whatever it answers.
        for (const { reverse } of request.tunnels) this.books.given(peer, reverse!);
        if (outcome === 'is silent') throw new RpcError('DEADLINE_EXCEEDED', 'nothing was heard');
        return encodeMultiTunnelResponse(
          request.requestId,
          request.tunnels.map(() => this.#parameters(peer)),
        );
      },
      forget: () => {},
      close: async () => {},
    } as ControlTransport;
  }
}

export function describeIdentity(implementation: HalUnderTest, runs: number): void {
  describe(`whose key opens which entry: ${implementation.name}`, () => {
    let world: World | undefined;
    const open = async (limits: Partial<GatewayLimits>, options = {}) => {
      world = new World(await implementation.open());
      await world.start(limits, options);
      return world;
    };
    afterEach(async () => {
      await world?.gateway.stop();
      world = undefined;
    });

    /** All that peer 3 holds, tried with peer 2's address. */
    const asPeer2 = async (of: World) => {
      const ids: number[] = [];
      for (const key of of.books.keys.values()) {
        if (!key.holders.has(3)) continue;
        for (const family of [4, 6] as const) ids.push(...(await of.letIn(key, 2, family)));
      }
      return ids;
    };

    test.each([
      ['while the grace of the old SPIs goes on', { rekeyGraceMs: 3_600_000, rotationDeadlineMs: 2000 }],
      ['with the usual limits', {}],
    ])(
      'an insider that rotates twice and gets the number of another SPI cannot send in its name, %s',
      async (_, limits) => {
        const net = await open({ rotationRequestIntervalMs: 100, ...limits });
        // The numbers of peer 2's last two are higher than re-keying takes after a rotation, in whatever order.
        for (const peer of [2, 2, 2, 3] as const) {
          expect(
            await net.request(peer, 'RequestMultipleTunnelParams', net.tunnels(peer, [4, 6], true)),
          ).toBe('OK');
        }
        const first = [...net.books.keys.values()][4];
        for (let granted = 0, asked = 0; granted < 2; asked++) {
          if ((await net.rotation(3)) === 'OK') granted++;
          await net.run(1000);
          expect(asked).toBeLessThan(100);
        }
        expect(net.books.rotations).toBe(2);
        // As many as there were.
        for (let i = 0; i < 6; i++) {
          expect(await net.request(3, 'RequestMultipleTunnelParams', net.tunnels(3, [4, 6], true))).toBe(
            'OK',
          );
        }
        expect(
          [...net.books.keys.values()].some(({ spi, holders }) => spi === first!.spi && holders.has(3)),
        ).toBe(true);
        expect(await asPeer2(net)).toEqual([]);
        expect(net.books.wrong).toEqual([]);
        // And a key that has ended opens nothing for its former holder either.
        expect(await net.letIn(first!, 2, 4)).toEqual([]);
        expect(net.gateway.view().refusedByDevice).toEqual({ removals: 0, spis: 0 });
      },
    );

    test('an SPI whose entry the device will not remove is given to nobody, and comes back when it is gone', async () => {
      const net = await open({ rekeyGraceMs: 100, rotationRequestIntervalMs: 100 });
      expect(await net.request(2, 'RequestMultipleTunnelParams', net.tunnels(2, [4], true))).toBe('OK');
      const [first] = net.books.keys.values();
      net.books.begin({ ...NO_FAULTS, keep: 1000 });
      for (let i = 0; i < 2; i++) {
        const rotated = net.gateway.rotateMasterKey(true);
        await net.run(2000);
        await rotated;
      }
      expect(net.gateway.view()).toMatchObject({ rotations: 2 });
      expect(net.gateway.view().entriesLeft).toBeGreaterThan(0);
      expect(await net.request(3, 'RequestMultipleTunnelParams', net.tunnels(3, [4], true))).toBe('OK');
      expect(await asPeer2(net)).toEqual([]);
      expect(net.books.wrong).toEqual([]);
      expect(net.gateway.view().refusedByDevice.spis).toBe(1);
      const given = [...net.books.keys.values()].filter(({ holders }) => holders.size > 0);
      expect(given.filter(({ spi }) => spi === first!.spi)).toHaveLength(1);
      net.books.begin(NO_FAULTS);
      await net.run(2000);
      expect(net.gateway.view().entriesLeft).toBe(0);
    });

    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('ask' as const),
          peer: fc.constantFrom(...PEERS),
          families: fc.constantFrom<readonly Family[]>([4], [6], [4, 6]),
          reverse: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('rotation' as const), peer: fc.constantFrom(...PEERS) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('rotate' as const), issueNewKeys: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('rekey' as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('remove' as const), peer: fc.constantFrom(...PEERS) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
      {
        weight: 5,
        arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3000 }) }),
      },
    );
    const chance = fc.constantFrom(0, 0, 20, 200, 700);
    const faults = fc.record<Faults>({
      seed: fc.nat(),
      keep: chance,
      lie: chance,
      refuse: fc.constantFrom(0, 0, 20, 200),
      lost: fc.constantFrom(0, 0, 20, 100),
      repeat: chance,
    });

    test('no entry ever lets an SPI in for another than the holder of its key, whatever is asked and whatever fails', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            steps: fc.array(step, { minLength: 5, maxLength: 40 }),
            faults,
            answers: fc.array(fc.constantFrom('answers' as const, 'refuses' as const, 'is silent' as const), {
              maxLength: 10,
            }),
            limits: fc.record({
              rekeyGraceMs: fc.constantFrom(100, 1000, 600_000),
              rotationDeadlineMs: fc.constantFrom(100, 2000, 60_000),
              rotationRequestIntervalMs: fc.constantFrom(100, 5000),
            }),
            ingressAcl: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
          }),
          async ({ steps, faults: drawn, answers, limits, ingressAcl }) => {
            const net = await open(limits, { ingressAcl });
            try {
              let asked = 0;
              net.answer = () => answers[asked++] ?? 'answers';
              net.books.begin(drawn);
              const running: Promise<unknown>[] = [];
              for (const one of steps) {
                if (one.kind === 'ask') {
                  const request = net.tunnels(one.peer, one.families, one.reverse);
                  running.push(net.request(one.peer, 'RequestMultipleTunnelParams', request));
                } else if (one.kind === 'rotation') running.push(net.rotation(one.peer));
                else if (one.kind === 'rotate') net.gateway.rotateMasterKey(one.issueNewKeys).catch(() => {});
                else if (one.kind === 'rekey') void net.gateway.rekey();
                else if (one.kind === 'remove') {
                  const local: IpAddress = ipFromOctets(vipOctets(1, 4), 0, 4);
                  // A device that will not let go of a way out keeps its session.
                  running.push(net.gateway.removeSession(local, vip(one.peer)).catch(() => {}));
                } else await net.run(one.kind === 'wait' ? one.ms : 0);
              }
              await net.run(5000);
              await Promise.all(running);
              expect(net.books.wrong).toEqual([]);
              if (ingressAcl) expect(await asPeer2(net)).toEqual([]);
              net.books.begin(NO_FAULTS);
              await net.run(5000);
              expect(net.gateway.view().entriesLeft).toBe(0);
              expect(net.books.wrong).toEqual([]);
            } finally {
              await net.gateway.stop();
              world = undefined;
            }
          },
        ),
        { numRuns: runs },
      );
    }, 300_000);
  });
}
