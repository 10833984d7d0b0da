/**
 * hal-doca over the software DOCA, in this process: its ports are rings whose far ends the test holds. One release
 * per process, since a process has one DOCA.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RssPacket } from '../../src/hal/hal.js';
import { DOCA_ADDON, type SoftRelease } from '../../src/hal/native-parts.js';
import { UPLINK_PORT, VF_PORT } from '../../src/hal/program.js';
import { type DocaHal, openDocaHal } from '../../src/hal-doca/device.js';
import { type HalHarness, type HarnessOptions, KERNEL_PORT } from '../../src/verify/harness.js';
import { ANY_PLACE } from '../../src/verify/sim-harness.js';
import { ROOT } from './root.js';

export type DocaRelease = SoftRelease;
/** Those that long tests run over. */
export type LongRelease = '3.1' | '3.3';

export interface DeviceSetUp {
  readonly promiscuous: boolean;
  readonly defaultRss: readonly number[];
  /** DOMAINS of src/hal-doca/native.ts; -1: there is none. */
  readonly egressRootDomain: number;
}

/** native/test/rings.cc */
interface Rings {
  start(ealArguments: readonly string[]): void;
  createPort(name: string): string;
  inject(port: string, frames: readonly Uint8Array[]): void;
  take(port: string): Uint8Array[];
  drain(port: string): void;
  quiesce(): void;
  rssPackets(dpdkPort: number): number;
  /** How the program has set the device of a DPDK port up (doca_soft.h). */
  setUp(dpdkPort: number): DeviceSetUp;
  /** From now on so many of 1000 operations on entries fail, as the seed says. */
  setFaults(seed: number, perThousand: number): void;
  measureAead(
    crypto: string,
    octets: number,
    open: boolean,
    seconds: number,
  ): { perSecond: number; engine: string };
  createNull(number: string, receives: boolean): string;
  attachSource(nullPort: string): void;
  /**
   * Frames into one net_null device and out of another, over and over. Each is `frame` with a patch of `patches` at
   * `at`, or without patches one of `frames`. Packets that came out per second of the device's time, without the time
   * that it took to make the frames.
   */
  flood(
    into: string,
    out: string,
    frames: readonly Uint8Array[],
    patches: readonly Uint8Array[],
    at: number,
    seconds: number,
  ): number;
  /** How many packet buffers per second are taken from their pool, and given back. */
  measureBuffers(seconds: number): number;
}

const MTU_OCTETS = 9000;
/** Devices of tests come and go; what `mapping` says holds. */
const SMALL = ['buffers = 1024', 'derived-keys = 256', 'queue-packets = 4096'];
/** Opening a device costs time for every slot: with 65,536 of them it took as long again as most tests. */
const SLOTS_DEFAULT = 1 << 10;
/** As the product has it by default. Between two queues the order of packets is open. */
const RSS_QUEUES = 2;
const SETTLE_MS_MAX = 10_000;

const keyOf = (line: string) => line.split(' ')[0];
/** Names another build of the addon, which test/native/sanitizers.test.ts has the tests run over. */
export const TEST_BUILD_ENVIRONMENT = 'PSP_TEST_ADDON_BUILD';
const folderOf = (build: string) => join(ROOT, 'build/native', build, 'Release');
const buildOf = (release: DocaRelease) => process.env[TEST_BUILD_ENVIRONMENT] ?? `addon-${release}`;

/** A folder of build/native. */
export function isBuilt(build: string): boolean {
  return existsSync(join(folderOf(build), 'psp_gateway_test_rings.node'));
}

/** The file of a release's addon. */
export function docaAddon(release: DocaRelease): string {
  return join(folderOf(buildOf(release)), 'psp_gateway_doca.node');
}

/** The file of what tests of a release need of the software DOCA. */
export function docaRings(release: DocaRelease): string {
  return join(folderOf(buildOf(release)), 'psp_gateway_test_rings.node');
}

export function docaIsBuilt(release: DocaRelease): boolean {
  return isBuilt(buildOf(release));
}

/** What the mapping file can have a device do otherwise. */
export interface Behaviour {
  readonly completions: 'queued' | 'late' | 'one' | 'shuffled' | 'control' | 'inside';
  readonly 'equal-keys'?: 'newest' | 'refused';
  readonly 'nr-entries'?: 'hint' | 'limit';
}
/** Has devices complete operations on entries in another way, where the test does not say. */
export const TEST_COMPLETIONS_ENVIRONMENT = 'PSP_TEST_COMPLETIONS';
let behaviour: Readonly<Record<string, string>> = {
  completions: process.env[TEST_COMPLETIONS_ENVIRONMENT] ?? 'queued',
};
let rings: Rings | undefined;
let running: DocaRelease | undefined;
/** Pairs of ring ports that no device uses. */
const freePairs: [string, string][] = [];
/** Those beside uplinks that have been made. */
const kernelPorts = new Set<string>();
let pairs = 0;

export function startRings(release: DocaRelease, memoryMegabytes = 2048): Rings {
  if (running !== undefined && running !== release) throw new Error(`this process runs DOCA ${running}`);
  if (rings !== undefined) return rings;
  running = release;
  process.env[DOCA_ADDON.variable] = docaAddon(release);
  rings = createRequire(import.meta.url)(docaRings(release)) as Rings;
  const memory = hugePages() ? ['--in-memory'] : ['--no-huge', '--no-shconf', '-m', `${memoryMegabytes}`];
  const quiet = ['--log-level=*:error', '--file-prefix', `psp-gateway-test-${process.pid}`];
  rings.start(['test', '-a00:00.0', ...memory, ...quiet]);
  // What EAL leaves of every process.
  process.on('exit', () => {
    rmSync(`/var/run/dpdk/psp-gateway-test-${process.pid}`, { recursive: true, force: true });
  });
  return rings;
}

/** Whether the machine has set any aside. */
export function hugePages(): boolean {
  return !/^HugePages_Total:\s+0$/m.test(readFileSync('/proc/meminfo', 'utf8'));
}

export interface DocaHarnessOptions extends HarnessOptions {
  /** Lines for the device's section of the mapping file. */
  readonly mapping?: readonly string[];
  /** RSS_QUEUES when absent. */
  readonly rssQueues?: number;
  /** Ports of net_null in the place of rings: uplink, VF. */
  readonly nullPorts?: readonly [string, string];
  /** Master keys 0 and 1 that the device has from an earlier run; with `masterKeys` only. Those when absent. */
  readonly earlierMasterKeys?: readonly [Uint8Array, Uint8Array];
}

export interface DocaHarness extends HalHarness {
  readonly hal: DocaHal;
  /** Closes the device while packets are in it, and in its rings. */
  closeAsItIs(): Promise<void>;
}

/** From now on devices that are opened behave in this way. */
export function behave(as: Behaviour): void {
  behaviour = { ...as };
}

export async function openDocaHarness(
  release: DocaRelease,
  options: DocaHarnessOptions = {},
): Promise<DocaHarness> {
  const far = startRings(release);
  let pair = freePairs.pop();
  if (pair === undefined) {
    const number = pairs++;
    pair = [`p${number}u`, `p${number}v`];
    for (const name of pair) far.createPort(name);
  }
  const [uplink, vf] = pair;
  const behind = `${uplink}k`;
  if (options.kernel === true && !kernelPorts.has(behind)) {
    far.createPort(behind);
    kernelPorts.add(behind);
  }
  const { masterKeys, firstSpi, firstIv, randomSeed, mapping = [] } = options;
  const { rssQueues = RSS_QUEUES, place = ANY_PLACE } = options;
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
  // Two to begin with, which the rotations at the start replace: key 1, then key 0, which is active then.
  const { earlierMasterKeys = masterKeys } = options;
  const keys = masterKeys === undefined ? [] : [...(earlierMasterKeys ?? []), masterKeys[1], masterKeys[0]];
  const pci = `0000:${uplink.slice(1, -1).padStart(2, '0')}:00.0`;
  // Read while the device is opened. Processes of tests are killed at their end, so that nothing can be left for that.
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-doca-'));
  const path = join(folder, 'mapping.conf');
  writeFileSync(
    path,
    [
      `[device ${pci}]`,
      `port = ${options.nullPorts?.[0] ?? `net_ring_${uplink}`}`,
      `mtu = ${options.uplinkMtuOctets ?? MTU_OCTETS}`,
      `mac = ${place.uplink.mac}`,
      `ipv4 = ${place.uplink.ipv4}`,
      `ipv6 = ${place.uplink.ipv6}`,
      `queues = ${rssQueues}`,
      ...Object.entries(behaviour).map(([key, value]) => `${key} = ${value}`),
      ...SMALL.filter((line) => !mapping.some((other) => keyOf(other) === keyOf(line))),
      ...(options.kernel === true ? [`kernel = net_ring_${behind}`] : []),
      ...(keys.length === 0 ? [] : [`test-master-keys = ${keys.map(hex).join(',')}`]),
      ...(firstSpi === undefined ? [] : [`test-first-spi = ${firstSpi}`]),
      ...(firstIv === undefined ? [] : [`test-first-iv = ${firstIv}`]),
      ...(randomSeed === undefined ? [] : [`test-random-seed = ${randomSeed}`]),
      ...mapping,
      '[representor vf0]',
      `port = ${options.nullPorts?.[1] ?? `net_ring_${vf}`}`,
      `mtu = ${options.vfMtuOctets ?? MTU_OCTETS}`,
      `mac = ${place.vf.mac}`,
    ].join('\n'),
  );
  process.env.DOCA_SOFT_CONFIG = path;
  const hal = await openDocaHal({
    pciAddress: pci,
    representor: 'vf0',
    rssQueues,
    keySlots: options.keySlots ?? SLOTS_DEFAULT,
    counters: 1 << 20,
    devices: 4,
    buffers: 512,
    pspWords: true,
    workload: () => place.vf.workload,
  }).finally(() => rmSync(folder, { recursive: true, force: true }));
  let received: RssPacket[] = [];
  let handed = 0;
  const listen = hal.onReceive.bind(hal);
  // Whoever listens: a gateway does so in our place.
  hal.onReceive = (handler) =>
    listen((packets) => {
      handed += packets.length;
      handler(packets);
    });
  hal.onReceive((packets) => received.push(...packets));
  const close = hal.close.bind(hal);
  let open = true;
  const drain = () => {
    for (const name of [...pair, ...(options.kernel === true ? [behind] : [])]) far.drain(name);
  };
  hal.close = async () => {
    if (open) {
      open = false;
      far.quiesce();
      // The device's buffers go with it.
      drain();
      await close();
      freePairs.push(pair);
    }
  };
  const ports = { [UPLINK_PORT]: uplink, [VF_PORT]: vf, [KERNEL_PORT]: behind };
  const portOf = (portId: number) => ports[portId as keyof typeof ports];
  return {
    hal,
    async closeAsItIs() {
      open = false;
      await close();
      drain();
      freePairs.push(pair);
    },
    inject: (portId, frames) => far.inject(portOf(portId), frames),
    takeSent: (portId) => far.take(portOf(portId)),
    takeRss() {
      const taken = received;
      received = [];
      return taken;
    },
    async settle() {
      far.quiesce();
      const expected = far.rssPackets(hal.dpdkPorts[0]!);
      const deadline = performance.now() + SETTLE_MS_MAX;
      while (handed < expected) {
        if (performance.now() > deadline) {
          throw new Error(
            `after ${SETTLE_MS_MAX} ms ${expected - handed} of ${expected} RSS packets are missing`,
          );
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
