/**
 * Three gateways on a virtual clock for the faults that `status` is to name: the hub, which is well, a faulty one, and a third that is
 * well too. They read and write real files where a fault is one of files: no time passes while they do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminService, type AdminServiceDeps } from '../../src/admin/admin-service.js';
import { sleep } from '../../src/base/clock.js';
import { createVirtualClock, type VirtualClock } from '../../src/base/virtual-clock.js';
import { flagNamed } from '../../src/gateway/config/flags.js';
import type { Finding } from '../../src/gateway/diagnosis/finding.js';
import type { PeerDialect } from '../../src/gateway/options.js';
import { type Authority, createThrowAwayAuthority } from '../../src/gateway/rpc/certificates.js';
import { tlsSource } from '../../src/gateway/rpc/grpc-tls.js';
import type { ServiceAddress, TlsMaterial } from '../../src/gateway/rpc/transport.js';
import type { Counter, PipeHal } from '../../src/hal/hal.js';
import type { SimHal } from '../../src/hal-sim/device.js';
import { parseIp } from '../../src/packet/address.js';
import { frameOf } from '../../src/verify/inner-packets.js';
import { NO_ADMIN_COUNTERS } from './admin-counters.js';
import {
  GatewayNetwork,
  type NodeOptions,
  packetBetween,
  type TestNode,
  vip,
  vipOctets,
} from './gateways.js';
import { MemoryTls } from './memory-tls.js';
import { SimDevices } from './node-devices.js';

export const HUB = 1;
export const FAULTY = 2;
export const THIRD = 3;
export const NUMBERS = [HUB, FAULTY, THIRD] as const;

/** A whole minute, so that what is kept to the minute changes at the same time in each run. */
export const START_MS = Math.floor(Date.now() / 60_000) * 60_000;
/** When packets begin to pass, and when faults that come later come. */
export const TRAFFIC_AT_MS = START_MS + 6000;
export const FAULT_AT_MS = START_MS + 12_000;
const PACKET_INTERVAL_MS = 250;
const LARGE_OCTETS = 1360;
const COUNTERS_AGE_MS = 1000;

export const serviceOf = (number: number): ServiceAddress => ({
  host: parseIp(`10.0.0.${number}`),
  port: 3000,
});

const numberOf = (name: string) => Number(flagNamed(name)!.default);
/** As users have them who say nothing of them: tests of other things have shorter ones. */
const PROGRAM_LIMITS = {
  rpcDeadlineMs: numberOf('rpc-deadline'),
  backoffMinMs: numberOf('backoff-min'),
  backoffMaxMs: numberOf('backoff-max'),
};

/** Simulated devices on a clock that stands still while files are read and written. */
class DevicesBesideFiles extends SimDevices {
  readonly #underWay = new Set<Promise<unknown>>();
  override readonly clock = createVirtualClock(START_MS, () => this.#settle());

  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #settle(): Promise<void> {
    do {
      await Promise.allSettled(this.#underWay);
      await new Promise<void>((resolve) => process.nextTick(resolve));
    } while (this.#underWay.size > 0);
  }
}

/** Certificates are made once: it takes longer than a run. */
export class FaultCertificates {
  private constructor(
    readonly ours: Authority,
    readonly other: Authority,
    /** By a gateway's number. */
    readonly materials: ReadonlyMap<number, TlsMaterial>,
    /** Those of the faulty one: of the other authority, and one that ends when faults come. */
    readonly strange: TlsMaterial,
    readonly ending: TlsMaterial,
  ) {}

  static async make(): Promise<FaultCertificates> {
    const [ours, other] = await Promise.all([createThrowAwayAuthority(), createThrowAwayAuthority()]);
    const issue = async (authority: Authority, number: number, notAfter?: Date): Promise<TlsMaterial> => ({
      caPem: authority.caPem,
      ...(await authority.issue({
        commonName: `gateway ${number}`,
        ips: [serviceOf(number).host],
        ...(notAfter === undefined ? {} : { notAfter }),
      })),
    });
    const materials = new Map<number, TlsMaterial>();
    for (const number of NUMBERS) materials.set(number, await issue(ours, number));
    const ending = await issue(ours, FAULTY, new Date(FAULT_AT_MS));
    return new FaultCertificates(ours, other, materials, await issue(other, FAULTY), ending);
  }
}

/** What one gateway has said, and when its answer was there. */
export interface Said {
  readonly by: number;
  readonly atMs: number;
  readonly problems: readonly Finding[];
}

/** A device that looks at its counters once a second, as hardware does: what it tells is up to a second old. */
function withOldCounters(hal: PipeHal, clock: VirtualClock): PipeHal {
  const known = new Map<string, { readonly atMs: number; readonly counter: Counter }>();
  const counters: PipeHal['counters'] = async (selectors) => {
    const now = await hal.counters(selectors);
    return now.map((counter, i) => {
      const key = JSON.stringify(selectors[i]);
      const before = known.get(key);
      if (before !== undefined && clock.nowMs() - before.atMs < COUNTERS_AGE_MS) return before.counter;
      known.set(key, { atMs: clock.nowMs(), counter });
      return counter;
    });
  };
  return new Proxy(hal, {
    get(target, name) {
      if (name === 'counters') return counters;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

export interface FaultyOptions extends NodeOptions {
  /** Peers that it has; absent: both others. */
  readonly knows?: readonly number[];
  readonly material?: TlsMaterial;
  readonly log?: AdminServiceDeps['log'];
}

export class FaultNetwork extends GatewayNetwork<SimHal> {
  readonly folder = mkdtempSync(join(tmpdir(), 'psp-gateway-fault-'));
  readonly said: Said[] = [];
  /** Sources of packets that are not the sender's own. */
  readonly sourceOf = new Map<number, number>();
  /** Whether packets of one go to another. */
  speaks: (from: number, to: number) => boolean = () => true;
  /** Families of packets between two. */
  families: (from: number, to: number) => readonly (4 | 6)[] = () => [4];
  /** What the hub is told of its peers' dialects. */
  readonly dialects = new Map<number, PeerDialect>();
  /** A device, or a disk, takes nothing any more. */
  isRefusing = false;
  hasOldCounters = false;
  readonly #services = new Map<number, AdminService>();
  readonly #tls: MemoryTls;
  readonly #files: DevicesBesideFiles;

  constructor(
    readonly certificates: FaultCertificates,
    seed = 1,
    files = new DevicesBesideFiles(),
  ) {
    super(files, seed);
    this.#files = files;
    this.#tls = new MemoryTls(this.clock);
  }

  /** No time passes while it is under way. */
  track<T>(work: Promise<T>): Promise<T> {
    return this.#files.track(work);
  }

  /** Of the hub, which knows its peers' dialects. */
  hubOptions(): FaultyOptions {
    return {
      peers: [FAULTY, THIRD].map((number) => {
        const dialect = this.dialects.get(number);
        return {
          serviceAddress: serviceOf(number),
          virtualIps: [vip(number, 4), vip(number, 6)],
          ...(dialect === undefined ? {} : { dialect }),
        };
      }),
    };
  }

  async begin(number: number, options: FaultyOptions = {}): Promise<TestNode<SimHal>> {
    const { knows = NUMBERS.filter((one) => one !== number), material, log, ...rest } = options;
    const own = material ?? this.certificates.materials.get(number)!;
    const files = { caPath: `ca-${number}.pem`, certificatePath: `${number}.pem`, keyPath: `${number}.key` };
    const source = tlsSource(files, own, () => this.clock.nowMs());
    const node = await this.start(number, knows, {
      tlsSource: {
        ...source,
        stamps: async () => ({ text: 'as it was', special: undefined }),
        read: () => own,
      },
      ...rest,
      wrapHal: (hal) => {
        const wrapped = rest.wrapHal?.(hal) ?? hal;
        return this.hasOldCounters ? withOldCounters(wrapped, this.clock) : wrapped;
      },
      wrapTransport: (transport) => {
        const wrapped = rest.wrapTransport?.(transport) ?? transport;
        return this.#tls.wrap(serviceOf(number), own, files)(wrapped);
      },
      limits: { ...PROGRAM_LIMITS, ...rest.limits },
    });
    this.#services.set(
      number,
      new AdminService({
        gateway: node.gateway,
        clock: rest.wrapClock?.(this.clock) ?? this.clock,
        version: '1.2.3',
        hasTls: true,
        log: log ?? { docaLevel: 50, lostLines: 0, setLevel() {} },
        reload: async () => ({ problems: [] }),
        counters: () => NO_ADMIN_COUNTERS,
      }),
    );
    return node;
  }

  override async stop(node: TestNode): Promise<void> {
    this.#services.delete(node.number);
    await super.stop(node);
  }

  /** Asks a gateway, or who has its place by then, from `fromMs` on: again so long after each answer, or once where that is not given. */
  async watch(by: number, fromMs: number, everyMs: number | undefined, untilMs: number): Promise<void> {
    await sleep(this.clock, fromMs - this.clock.nowMs());
    for (;;) {
      const answer = await this.#services
        .get(by)
        ?.status()
        .catch(() => undefined);
      const atMs = this.clock.nowMs();
      if (answer !== undefined) this.said.push({ by, atMs, problems: answer.problems });
      if (everyMs === undefined || atMs + everyMs > untilMs) return;
      await sleep(this.clock, everyMs);
    }
  }

  /** Each sends to each of the others, four packets a second, of which two are large. */
  traffic(): void {
    let ticks = 0;
    const send = () => {
      ticks++;
      for (const from of this.nodes.values()) for (const to of NUMBERS) this.#packets(from, to, ticks);
      this.clock.setTimer(send, PACKET_INTERVAL_MS);
    };
    send();
  }

  #packets(from: TestNode, to: number, id: number): void {
    if (from.number === to || !this.speaks(from.number, to)) return;
    for (const family of this.families(from.number, to)) {
      const { payload, ...packet } = packetBetween(from.number, to, id, family);
      const source = vipOctets(this.sourceOf.get(from.number) ?? from.number, family);
      const large = new Uint8Array(LARGE_OCTETS);
      large.set(payload);
      new DataView(large.buffer).setUint16(4, large.length);
      from.workload.inject([frameOf({ ...packet, source, payload: id % 2 === 0 ? payload : large })]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
