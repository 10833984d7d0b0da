/**
 * The one place that chooses what is under the gateway, from --hal, --sim-wire and --sim-vf, which checkRun has found to be
 * right.
 */

import { systemClock } from '../base/clock.js';
import { systemRandom } from '../base/random.js';
import type { RunOptions } from '../gateway/config/read-options.js';
import type { GatewayOptions } from '../gateway/options.js';
import { FAILED_SOURCES_MAX } from '../gateway/pipeline/ingress-pipes.js';
import { tunnelLimits } from '../gateway/pipeline/limits.js';
import { HalError } from '../hal/errors.js';
import type { FrameTap, ShowFrames } from '../hal/frame-tap.js';
import type { PipeHal, PortStatus } from '../hal/hal.js';
import { NativePartError } from '../hal/native-parts.js';
import { openDocaHal } from '../hal-doca/device.js';
import { watchKernelPorts } from '../hal-doca/kernel-ports.js';
import { openSimHal, type SimHal, type SimHalOptions } from '../hal-sim/device.js';
import { createVirtualHost, type VirtualHost } from '../hal-sim/ports/host.js';
import { createPcapPort, type PcapPort, PcapPortError } from '../hal-sim/ports/pcap-port.js';
import { loadPortsAddon, portsAddonIsThere } from '../hal-sim/ports/ports-addon.js';
import { parseSimVf, parseSimWire } from '../hal-sim/ports/spec.js';
import { openTapPort, type TapPort, TapPortError } from '../hal-sim/ports/tap.js';
import { createUdpWire, UdpWireError } from '../hal-sim/ports/udp-wire.js';
import { type IpAddress, ipFamily, type MacAddress, macFromOctets, parseIp } from '../packet/address.js';
import { AEAD_ENGINES } from '../psp/aead-engines.js';
import { addressesOfInterface, coresOf, macOfInterface, ownAddress, workloadAddresses } from './check-run.js';
import { docaPortStates, PortStates } from './port-states.js';

export interface OpenHal {
  readonly hal: PipeHal;
  /** The workload, where it is a host in this process. */
  readonly host?: VirtualHost;
  /**
   * Ports that can come to an end: captures that are read, interfaces that somebody may remove. One whose `done` rejects
   * does not come back in this process.
   */
  readonly ending: readonly { readonly name: string; readonly done: Promise<void> }[];
  /** Has the device show its ports' frames; absent: it cannot. */
  readonly showFrames?: ShowFrames;
  /** Lines of the device's own log that were lost; absent: it has none. */
  readonly lostLogLines?: () => number;
  /** Whether its ports are there. */
  ports(): readonly PortStatus[];
  close(): Promise<void>;
}

/** The device cannot be had. */
export class OpenHalError extends Error {
  override readonly name = 'OpenHalError';

  constructor(
    message: string,
    /** Flags, or files that they name, are wrong, and not the machine. */
    readonly isWrongUsage = false,
  ) {
    super(message);
  }
}

/** Whether a socket was refused an address because this machine does not have it. */
function isForeignAddress(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'EADDRNOTAVAIL';
}

const PCAP_MTU_OCTETS = 9000;
/** Outer addresses of an uplink that is a pair of capture files. */
const PCAP_IPV4 = parseIp('192.0.2.1');
const PCAP_IPV6 = parseIp('2001:db8::1');

/** Parts of the program that opening a device uses. */
export interface AroundHal {
  /** Gets changes of ports that live on, for the log. */
  readonly say: (level: 'warning' | 'info', text: string) => void;
  /** Gets the memory of the simulator's key tables. */
  readonly protect: (octets: Uint8Array) => void;
}

const NOTHING_AROUND: AroundHal = { say: () => {}, protect: () => {} };

export async function openHal(
  options: GatewayOptions,
  run: RunOptions,
  around: AroundHal = NOTHING_AROUND,
): Promise<OpenHal> {
  try {
    return await (options.hal === 'doca' ? openDoca(options, run) : openSim(options, run, around));
  } catch (error) {
    if (error instanceof NativePartError)
      throw new OpenHalError(`${flagOfNativePart(options, run)}: ${error.reason}`);
    if (error instanceof TapPortError) throw new OpenHalError(`--sim-vf: ${error.message}`);
    if (error instanceof UdpWireError || error instanceof PcapPortError)
      throw new OpenHalError(error.message, isForeignAddress(error.cause));
    throw error;
  }
}

/** The flag that asks for the native part that cannot be had. */
function flagOfNativePart({ hal }: GatewayOptions, { simVf }: RunOptions): string {
  if (hal === 'doca') return '--hal=doca';
  return parseSimVf(simVf).kind === 'tap' ? '--sim-vf' : '--sim-wire';
}

/** Pipes that hold an entry of every tunnel, some of them several, and what counters the other pipes take. */
const COUNTERS_PER_TUNNEL = 16;
const COUNTERS_FIXED = 4096 + 2 * FAILED_SOURCES_MAX;
const RSS_QUEUES_MAX = 8;
/** Memory for DPDK where there are no huge pages. */
const MEMORY_FIXED_MEGABYTES = 512;
const TUNNELS_PER_MEGABYTE = 256;
/** More arguments for DPDK's EAL, separated by blanks. */
const EAL_ENVIRONMENT = 'PSP_GATEWAY_EAL_ARGUMENTS';
/** The mapping file of the software DOCA, which says itself what is wrong with it. */
const MAPPING_ENVIRONMENT = 'DOCA_SOFT_CONFIG';

/** A device of DOCA's, as --pci-addr, --repr and --core-mask have it. Rejects with OpenHalError, and with NativePartError without an addon. */
export async function openDoca(
  options: GatewayOptions,
  run: Pick<RunOptions, 'sdkLogLevel'>,
): Promise<OpenHal> {
  const { maxTunnels, vfName, decapDmac, localVirtualIps } = options;
  const cores = coresOf(options.coreMask);
  const vfMac = vfName === undefined ? undefined : macOfInterface(vfName);
  const given = (process.env[EAL_ENVIRONMENT] ?? '').split(/\s+/).filter((argument) => argument !== '');
  const addresses = [...localVirtualIps, ...(vfName === undefined ? [] : addressesOfInterface(vfName))];
  try {
    const hal = await openDocaHal({
      pciAddress: options.pciAddress,
      representor: options.representor,
      rssQueues: Math.min(RSS_QUEUES_MAX, cores),
      keySlots: tunnelLimits(maxTunnels).keySlots,
      counters: maxTunnels * COUNTERS_PER_TUNNEL + COUNTERS_FIXED,
      ealArguments: ['-c', options.coreMask, ...given],
      memoryMegabytes: MEMORY_FIXED_MEGABYTES + Math.ceil(maxTunnels / TUNNELS_PER_MEGABYTE),
      logLevel: run.sdkLogLevel,
      pspWords: options.extensionRequired !== undefined,
      workload: (vf) => ({ mac: decapDmac ?? vfMac ?? vf.mac, addresses: [...new Set(addresses)] }),
    });
    const watch = watchKernelPorts(systemClock);
    const close = () => {
      watch.close();
      return hal.close();
    };
    const ports = () => docaPortStates(watch.states(), hal.device.ports.length);
    const ending = [{ name: "the device's port", done: watch.done }];
    return { hal, ending, lostLogLines: () => hal.lostLogLines, ports, close };
  } catch (error) {
    if (!(error instanceof HalError) || error instanceof NativePartError) throw error;
    const isMapping = error.code === 'BAD_CONFIG' && process.env[MAPPING_ENVIRONMENT] !== undefined;
    throw new OpenHalError(`--hal=doca: ${error.message}`, isMapping);
  }
}

async function openSim(
  options: GatewayOptions,
  run: RunOptions,
  { say, protect }: AroundHal,
): Promise<OpenHal> {
  const clock = systemClock;
  const ending: (PcapPort | TapPort)[] = [];
  const states = new PortStates();
  const ports = () => states.all();
  const endsWith = (port: PcapPort | TapPort) => {
    ending.push(port);
    states.follow(port.name, port.done);
  };
  const pcapPort = (spec: { input: string; output?: string }) => {
    const port = createPcapPort({
      ...spec,
      clock,
      mtuOctets: PCAP_MTU_OCTETS,
      snapOctets: run.snapOctets,
    });
    endsWith(port);
    const sayWhatIsMissing = () => {
      for (const [reason, count] of port.counters.skipped)
        say('warning', `${spec.input}: ${count} frames do not come in: ${reason}`);
    };
    port.done.then(sayWhatIsMissing, () => {});
    return port;
  };
  const uplinkMac = randomMac();
  const wire = parseSimWire(run.simWire);
  const uplink: SimHalOptions['uplink'] =
    wire.kind === 'pcap'
      ? { port: pcapPort(wire), mac: uplinkMac, ipv4: PCAP_IPV4, ipv6: PCAP_IPV6 }
      : udpUplink(
          wire.address ?? options.localPip ?? ownAddress(options.outerFamily)!,
          wire.port,
          uplinkMac,
          say,
          states,
        );

  const open = (vf: SimHalOptions['vf']) =>
    openSimHal({ clock, random: systemRandom(), aead: AEAD_ENGINES[options.aead], uplink, vf, protect });
  const spec = parseSimVf(run.simVf);
  const workloadMac = options.decapDmac ?? randomMac();
  if (spec.kind === 'pcap') {
    const workload = { mac: workloadMac, addresses: options.localVirtualIps };
    const hal = await open({ port: pcapPort(spec), mac: uplinkMac, workload });
    return { ...shown(hal), ending, ports };
  }
  const addresses = workloadAddresses(spec, options);
  if (spec.kind === 'tap') {
    const port = openTapPort({ addon: loadPortsAddon(), ...spec });
    endsWith(port);
    const hal = await open({ port, mac: uplinkMac, workload: { mac: port.mac, addresses } });
    return { ...shown(hal), ending, ports };
  }
  const host = createVirtualHost({ clock, mac: workloadMac, addresses });
  states.set(host.port.name, 'present');
  const hal = await open({ port: host.port, mac: uplinkMac, workload: { mac: workloadMac, addresses } });
  return { ...shown(hal), host, ending, ports };
}

const shown = (hal: SimHal) => ({
  hal,
  showFrames: (tap: FrameTap | null) => hal.showFrames(tap),
  close: () => hal.close(),
});

function udpUplink(
  address: IpAddress,
  port: number,
  mac: MacAddress,
  say: (level: 'warning' | 'info', text: string) => void,
  states: PortStates,
): SimHalOptions['uplink'] {
  const ports = portsAddonIsThere() ? loadPortsAddon() : undefined;
  const wire = createUdpWire({
    address,
    port,
    mac,
    onState: (reason) => {
      const { name } = wire;
      states.set(name, reason === undefined ? 'present' : 'waited-for');
      if (reason === undefined) say('info', `${name}: sends again`);
      else say('warning', `${name}: cannot send (${reason}); waits for the address and its interface`);
    },
    ...(ports === undefined ? {} : { ports }),
  });
  states.set(wire.name, 'present');
  return { port: wire, mac, ...(ipFamily(address) === 4 ? { ipv4: address } : { ipv6: address }) };
}

/** A locally administered MAC address, so that two gateways on one machine differ. */
function randomMac(): MacAddress {
  const octets = new Uint8Array(6);
  systemRandom().fill(octets);
  octets[0] = 0x02;
  return macFromOctets(octets);
}
