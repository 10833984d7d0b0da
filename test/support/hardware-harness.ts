/**
 * hal-doca over a device that the test cannot look into: PSP_TEST_PCI and PSP_TEST_REPR name it, a BlueField or one of
 * the software DOCA's mapping file. Frames reach it as they would in life: by PSP_TEST_UPLINK, the interface at the
 * other end of the uplink's cable, and by PSP_TEST_VF, the VF's own interface. Each is bridged with a TAP interface.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RssPacket } from '../../src/hal/hal.js';
import { UPLINK_PORT } from '../../src/hal/program.js';
import { openDocaHal } from '../../src/hal-doca/device.js';
import type { PortsAddon } from '../../src/hal-sim/ports/ports-addon.js';
import type { HalHarness } from '../../src/verify/harness.js';
import { UPLINK_MAC } from '../../src/verify/sim-harness.js';
import { nameOfThisRun } from './kernel.js';
import { PORTS_ADDON } from './root.js';

/** Nothing has come for so long: everything has had its fate. */
const QUIET_MS = 150;
const MTU_OCTETS = 1500;

export interface HardwareUnderTest {
  readonly pci: string;
  readonly representor: string;
  readonly uplink: string;
  readonly vf: string;
}

/** undefined: none is named. Throws when only a part is. */
export function hardwareUnderTest(): HardwareUnderTest | undefined {
  const {
    PSP_TEST_PCI: pci,
    PSP_TEST_REPR: representor,
    PSP_TEST_UPLINK: uplink,
    PSP_TEST_VF: vf,
  } = process.env;
  if (pci === undefined) return undefined;
  if (representor === undefined || uplink === undefined || vf === undefined) {
    throw new Error(
      'PSP_TEST_PCI needs PSP_TEST_REPR, PSP_TEST_UPLINK and PSP_TEST_VF; see docs/hardware.md',
    );
  }
  return { pci, representor, uplink, vf };
}

/** The software DOCA in the place of a device, its ports at the ends of two cables of the kernel's. */
export function softwareUnderTest(): HardwareUnderTest & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'psp-gateway-cables-'));
  const cables = ['u', 'v'].map((cable) => [nameOfThisRun(`${cable}0`), nameOfThisRun(`${cable}1`)] as const);
  ip(...cables.map(([near, far]) => `link add ${near} type veth peer name ${far}`));
  withoutIpv6(...cables.flat());
  ip(...cables.flat().map((end) => `link set ${end} up`));
  const [[uplink, uplinkPeer], [vf, vfPeer]] = cables as [
    readonly [string, string],
    readonly [string, string],
  ];
  const path = join(folder, 'mapping.conf');
  writeFileSync(
    path,
    [
      '[device 0000:03:00.0]',
      `port = net_af_packet0,iface=${uplink}`,
      `mtu = ${MTU_OCTETS}`,
      `mac = ${UPLINK_MAC}`,
      'ipv4 = 192.0.2.1',
      'ipv6 = 2001:db8::1',
      '[representor vf0]',
      `port = net_af_packet1,iface=${vf}`,
      `mtu = ${MTU_OCTETS}`,
    ].join('\n'),
  );
  process.env.DOCA_SOFT_CONFIG = path;
  return {
    pci: '03:00.0',
    representor: '[0]',
    uplink: uplinkPeer,
    vf: vfPeer,
    remove() {
      ip(...cables.map(([near]) => `link del ${near}`));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * One program for all commands of ip's: this process has so much memory that to start one takes longer than most of what it does.
 */
const ip = (...commands: string[]) =>
  execFileSync('ip', ['-batch', '-'], { input: commands.join('\n'), stdio: ['pipe', 'ignore', 'pipe'] });

/** The kernel has nothing to say on these interfaces. */
function withoutIpv6(...names: readonly string[]): void {
  for (const name of names) writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
}

/** A TAP interface on a bridge with `interfaceName`, once `connect` has put them there. */
class Access {
  private received: Uint8Array[] = [];
  lastMs = Date.now();
  readonly bridge: string;
  private readonly tap: InstanceType<PortsAddon['Tap']>;

  constructor(
    readonly name: string,
    readonly interfaceName: string,
  ) {
    const { Tap } = createRequire(import.meta.url)(PORTS_ADDON) as PortsAddon;
    this.bridge = `${name}-br`;
    this.tap = new Tap(name);
    this.tap.mtuOctets = MTU_OCTETS;
  }

  listen(): void {
    this.tap.start(
      (frames) => {
        this.lastMs = Date.now();
        this.received.push(...frames);
      },
      () => undefined,
    );
  }

  send(frames: readonly Uint8Array[]): void {
    this.lastMs = Date.now();
    this.tap.send(frames);
  }

  take(): Uint8Array[] {
    return this.received.splice(0);
  }

  close(): void {
    this.tap.close();
  }
}

/** The accesses with their bridges, all up. */
function openAccesses(device: HardwareUnderTest): { readonly accesses: readonly Access[]; close(): void } {
  const accesses: Access[] = [];
  const bridges: string[] = [];
  const close = () => {
    for (const access of accesses) access.close();
    if (bridges.length > 0) ip(...bridges.map((bridge) => `link del ${bridge}`));
  };
  try {
    accesses.push(new Access(nameOfThisRun('t0'), device.uplink));
    accesses.push(new Access(nameOfThisRun('t1'), device.vf));
    ip(...accesses.map(({ bridge }) => `link add ${bridge} type bridge stp_state 0 mcast_snooping 0`));
    bridges.push(...accesses.map(({ bridge }) => bridge));
    withoutIpv6(...accesses.flatMap(({ name, interfaceName, bridge }) => [name, interfaceName, bridge]));
    ip(
      ...accesses.flatMap(({ name, interfaceName, bridge }) => [
        ...[name, interfaceName].map((member) => `link set ${member} master ${bridge} up`),
        `link set ${bridge} up`,
      ]),
    );
    for (const access of accesses) access.listen();
    return { accesses, close };
  } catch (error) {
    close();
    throw error;
  }
}

export async function openHardwareHarness(device: HardwareUnderTest): Promise<HalHarness> {
  const { accesses, close: closeAccesses } = openAccesses(device);
  const received: RssPacket[] = [];
  const hal = await openDocaHal({
    pciAddress: device.pci,
    representor: device.representor,
    rssQueues: 1,
    keySlots: 256,
    counters: 1 << 16,
    memoryMegabytes: 1024,
  }).catch((error) => {
    closeAccesses();
    throw error;
  });
  hal.onReceive((packets) => {
    for (const access of accesses) access.lastMs = Date.now();
    received.push(...packets);
  });
  const close = hal.close.bind(hal);
  let open = true;
  hal.close = async () => {
    if (!open) return;
    open = false;
    await close();
    closeAccesses();
  };
  const accessOf = (portId: number) => accesses[portId === UPLINK_PORT ? 0 : 1]!;
  return {
    hal,
    inject: (portId, frames) => accessOf(portId).send(frames),
    takeSent: (portId) => accessOf(portId).take(),
    takeRss: () => received.splice(0),
    async settle() {
      while (accesses.some(({ lastMs }) => Date.now() - lastMs < QUIET_MS)) await sleep(QUIET_MS / 3);
    },
  };
}
