/** Opens what `verify` looks at: the simulator, or a device of DOCA between two interfaces of this machine. */
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Clock, systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import { readTextFile } from '../files/read-file.js';
import { openDocaHal } from '../hal-doca/device.js';
import { openPacketPort } from '../hal-sim/ports/packet-socket.js';
import { loadPortsAddon } from '../hal-sim/ports/ports-addon.js';
import { FarSide, outsideHarness } from '../verify/outside.js';
import type { Measured } from '../verify/property.js';
import type { VerifiedDevice } from '../verify/run.js';
import { simulatedDevice } from '../verify/sim-device.js';
import { coresOf } from './check-run.js';
import { libraryRows, pciRows } from './verify-machine.js';

export interface DeviceFlags {
  readonly hal: 'sim' | 'doca';
  readonly pciAddr?: string;
  readonly repr?: string;
  readonly uplink?: string;
  readonly vf?: string;
  readonly coreMask: string;
  readonly settle: number;
}

export interface OpenedDevice {
  readonly device: VerifiedDevice;
  /** What the report says of it, once it was open. */
  rows(): readonly Measured[];
  close(): Promise<void>;
}

/** More arguments for DPDK's EAL, separated by blanks; the gateway's variable. */
const EAL_ENVIRONMENT = 'PSP_GATEWAY_EAL_ARGUMENTS';
const KEY_SLOTS = 1024;
const COUNTERS = 1 << 16;
/** Where there are no huge pages. */
const MEMORY_MEGABYTES = 1024;
const RSS_QUEUES_MAX = 8;
const SYSFS_OCTETS = 4096;

/** What is wrong with the flags, or with the interfaces that they name: a line for each. */
export function deviceProblems(flags: DeviceFlags): string[] {
  if (flags.hal === 'sim') {
    const given = (['pciAddr', 'repr', 'uplink', 'vf'] as const).filter((name) => flags[name] !== undefined);
    return given.map(
      (name) => `${flagOf(name)}: the simulator has its ports in memory; it goes with --hal=doca`,
    );
  }
  const missing = (['pciAddr', 'repr', 'uplink', 'vf'] as const).filter((name) => flags[name] === undefined);
  const problems = missing.map((name) => `${flagOf(name)}: --hal=doca needs it`);
  if (flags.uplink !== undefined && flags.uplink === flags.vf)
    problems.push('--vf: is the same interface as --uplink');
  for (const name of ['uplink', 'vf'] as const) {
    const problem = flags[name] === undefined ? undefined : interfaceProblem(flags[name]);
    if (problem !== undefined) problems.push(`--${name}: ${problem}`);
  }
  return problems;
}

const flagOf = (name: 'pciAddr' | 'repr' | 'uplink' | 'vf') =>
  name === 'pciAddr' ? '--pci-addr' : `--${name}`;

/** Its kernel would speak in between, and be counted. One that is not there yet, as of a TAP, comes with the device. */
function interfaceProblem(name: string): string | undefined {
  const addresses = (networkInterfaces()[name] ?? []).map(({ address }) => address);
  const quiet = `sysctl -w net.ipv6.conf.${name}.disable_ipv6=1`;
  if (addresses.length > 0)
    return `${name} has addresses (${addresses.join(', ')}), so that the kernel would speak in between; take them off: ip addr flush dev ${name}; ${quiet}`;
  let state: string;
  try {
    state = readTextFile(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, SYSFS_OCTETS).trim();
  } catch {
    return undefined;
  }
  return state === '1'
    ? undefined
    : `the kernel speaks IPv6 on ${name}, and would in between; first: ${quiet}`;
}

export function openDevice(flags: DeviceFlags, clock: Clock = systemClock): OpenedDevice {
  if (flags.hal === 'sim') {
    const device = simulatedDevice(clock, systemRandom());
    return { device, rows: () => [{ what: 'device', value: device.name }], close: async () => {} };
  }
  return docaDevice(flags, clock);
}

function docaDevice(flags: DeviceFlags, clock: Clock): OpenedDevice {
  const { pciAddr = '', repr = '', uplink = '', vf = '', coreMask, settle } = flags;
  const addon = loadPortsAddon();
  const given = (process.env[EAL_ENVIRONMENT] ?? '').split(/\s+/).filter((argument) => argument !== '');
  let ageMs = 0;
  let quietMs = settle;
  let text = pciAddr;
  let ports: readonly Measured[] = [];
  // A TAP's interface comes and goes with the device; others stay, and so do their sockets, which take long to close.
  const isThere = [uplink, vf].every((name) => existsSync(`/sys/class/net/${name}`));
  let lasting: FarSide | undefined;
  const farSide = () => {
    const [near, far] = [uplink, vf].map((name) => openPacketPort({ addon, clock, name }));
    return FarSide.start({ uplink: near!, vf: far! }, clock);
  };
  const device: VerifiedDevice = {
    name: `the device ${pciAddr}`,
    waitForCounters(age) {
      ageMs = age;
    },
    waitLonger(factor) {
      quietMs = settle * factor;
    },
    async open() {
      const hal = await openDocaHal({
        pciAddress: pciAddr,
        representor: repr,
        rssQueues: Math.min(RSS_QUEUES_MAX, coresOf(coreMask)),
        keySlots: KEY_SLOTS,
        counters: COUNTERS,
        ealArguments: ['-c', coreMask, ...given],
        memoryMegabytes: MEMORY_MEGABYTES,
      });
      text = hal.device.text;
      ports = hal.device.ports.map(({ kind, name, mac, mtuOctets }) => ({
        what: `port ${kind}`,
        value: `${name}, ${mac}, MTU ${mtuOctets}`,
      }));
      const close = hal.close.bind(hal);
      try {
        const side = lasting ?? (await farSide());
        if (isThere) lasting = side;
        let isOpen = true;
        hal.close = async () => {
          await close();
          if (isOpen && !isThere) await side.close();
          isOpen = false;
        };
        return outsideHarness(hal, side, { clock, quietMs: () => quietMs, counterAgeMs: () => ageMs });
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
  return {
    device,
    rows: () => [
      { what: 'device', value: text },
      ...pciRows(pciAddr),
      ...ports,
      { what: 'interfaces', value: `${uplink} at the uplink, ${vf} at the VF` },
      ...libraryRows(),
    ],
    close: async () => lasting?.close(),
  };
}
