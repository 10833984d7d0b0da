/** The one place that chooses what is under the gateway, from --hal, --sim-wire and --sim-vf. */
import { readFileSync } from 'node:fs';
import { cpus, networkInterfaces } from 'node:os';
import type { FlagChecks, RunOptions } from '../gateway/config/read-options.js';
import type { GatewayOptions } from '../gateway/options.js';
import { systemClock } from '../hal/clock.js';
import { HalError } from '../hal/errors.js';
import type { PipeHal } from '../hal/hal.js';
import { systemRandom } from '../hal/random.js';
import { openDocaHal } from '../hal-doca/device.js';
import { openSimHal, type SimHalOptions } from '../hal-sim/device.js';
import { createVirtualHost, type VirtualHost } from '../hal-sim/ports/host.js';
import { createPcapPort, type PcapPort, PcapPortError } from '../hal-sim/ports/pcap-port.js';
import { loadPortsAddon, PortsAddonError, portsAddonIsBuilt } from '../hal-sim/ports/ports-addon.js';
import { parseSimVf, parseSimWire, SimSpecError } from '../hal-sim/ports/spec.js';
import { openTapPort, type TapPort, TapPortError } from '../hal-sim/ports/tap.js';
import { createUdpWire, UdpWireError } from '../hal-sim/ports/udp-wire.js';
import {
  type IpAddress,
  ipFamily,
  type MacAddress,
  macFromOctets,
  parseIp,
  parseMac,
} from '../packet/address.js';

export interface OpenHal {
  readonly hal: PipeHal;
  /** The workload, where it is a host in this process. */
  readonly host?: VirtualHost;
  /** Ports that can come to an end: captures that are read, interfaces that somebody may remove. */
  readonly ending: readonly { readonly name: string; readonly done: Promise<void> }[];
  close(): Promise<void>;
}

/** The device cannot be had. */
export class OpenHalError extends Error {
  override readonly name = 'OpenHalError';
}

/** What only the simulator knows to be wrong. */
export const SIM_FLAG_CHECKS: FlagChecks = {
  'sim-wire': (text) => specProblem(() => parseSimWire(text)),
  'sim-vf': (text) => specProblem(() => parseSimVf(text)),
};

function specProblem(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof SimSpecError) return error.message;
    throw error;
  }
}

/** Another file of the native ports than the checkout's own. */
const PORTS_PATH = process.env.PSP_GATEWAY_PORTS || undefined;
const PCAP_MTU_OCTETS = 9000;
/** Outer addresses of an uplink that is a pair of capture files. */
const PCAP_IPV4 = parseIp('192.0.2.1');
const PCAP_IPV6 = parseIp('2001:db8::1');

export async function openHal(options: GatewayOptions, run: RunOptions): Promise<OpenHal> {
  try {
    return await (options.hal === 'doca' ? openDoca(options, run) : openSim(options, run));
  } catch (error) {
    if (error instanceof TapPortError || error instanceof PortsAddonError)
      throw new OpenHalError(`--sim-vf: ${error.message}`);
    if (error instanceof UdpWireError || error instanceof PcapPortError)
      throw new OpenHalError(error.message);
    throw error;
  }
}

/** Pipes that hold an entry of every tunnel, some of them several, and what counters the other pipes take. */
const COUNTERS_PER_TUNNEL = 16;
const COUNTERS_FIXED = 4096;
const KEY_SLOTS_PER_TUNNEL = 2;
const RSS_QUEUES_MAX = 8;
/** Memory for DPDK where there are no huge pages. */
const MEMORY_FIXED_MEGABYTES = 512;
const TUNNELS_PER_MEGABYTE = 256;
/** More arguments for DPDK's EAL, separated by blanks. */
const EAL_ENVIRONMENT = 'PSP_GATEWAY_EAL_ARGUMENTS';

async function openDoca(options: GatewayOptions, run: RunOptions): Promise<OpenHal> {
  const { maxTunnels, vfName, decapDmac, localVirtualIps } = options;
  const cores = coresOf(options.coreMask);
  const vfMac = vfName === undefined ? undefined : macOf(vfName);
  const given = (process.env[EAL_ENVIRONMENT] ?? '').split(/\s+/).filter((argument) => argument !== '');
  const addresses = [...localVirtualIps, ...(vfName === undefined ? [] : addressesOf(vfName))];
  try {
    const hal = await openDocaHal({
      pciAddress: options.pciAddress,
      representor: options.representor,
      rssQueues: Math.min(RSS_QUEUES_MAX, cores),
      keySlots: maxTunnels * KEY_SLOTS_PER_TUNNEL,
      counters: maxTunnels * COUNTERS_PER_TUNNEL + COUNTERS_FIXED,
      ealArguments: ['-c', options.coreMask, ...given],
      memoryMegabytes: MEMORY_FIXED_MEGABYTES + Math.ceil(maxTunnels / TUNNELS_PER_MEGABYTE),
      logLevel: run.sdkLogLevel,
      workload: (vf) => ({ mac: decapDmac ?? vfMac ?? vf.mac, addresses: [...new Set(addresses)] }),
    });
    return { hal, ending: [], close: () => hal.close() };
  } catch (error) {
    if (!(error instanceof HalError)) throw error;
    throw new OpenHalError(`--hal=doca: ${error.message}`);
  }
}

/** How many cores a mask in hex names. EAL takes only cores that there are. */
function coresOf(mask: string): number {
  const bits = BigInt(`0x${mask.replace(/^0x/i, '')}`).toString(2);
  const count = cpus().length;
  if (bits.length > count || bits === '0') {
    const named = bits === '0' ? 'no core' : `core ${bits.length - 1}`;
    const all = `0x${((1n << BigInt(count)) - 1n).toString(16)}`;
    throw new OpenHalError(
      `--core-mask: ${mask} names ${named}; this machine has cores 0 to ${count - 1}, all of them are ${all}`,
    );
  }
  return bits.replaceAll('0', '').length;
}

/** Of an interface of this machine that is the workload's. */
function addressesOf(name: string): IpAddress[] {
  return (networkInterfaces()[name] ?? [])
    .filter(({ address }) => !address.startsWith('fe80:'))
    .map(({ address }) => parseIp(address));
}

/** The same interface's, with or without addresses. */
function macOf(name: string): MacAddress {
  try {
    return parseMac(readFileSync(`/sys/class/net/${name}/address`, 'utf8').trim());
  } catch {
    throw new OpenHalError(
      `--vf-name: this machine has no network device "${name}" with a MAC; where the VF is elsewhere, say --decap-dmac and --local-virt-ip`,
    );
  }
}

async function openSim(options: GatewayOptions, run: RunOptions): Promise<OpenHal> {
  const clock = systemClock;
  const ending: (PcapPort | TapPort)[] = [];
  const pcapPort = (spec: { input: string; output?: string }) => {
    const port = createPcapPort({ ...spec, clock, mtuOctets: PCAP_MTU_OCTETS });
    ending.push(port);
    return port;
  };
  const uplinkMac = randomMac();
  const wire = parseSimWire(run.simWire);
  const uplink: SimHalOptions['uplink'] =
    wire.kind === 'pcap'
      ? { port: pcapPort(wire), mac: uplinkMac, ipv4: PCAP_IPV4, ipv6: PCAP_IPV6 }
      : udpUplink(wire.address ?? ownAddress(options.outerFamily), wire.port, uplinkMac, options);

  const open = (vf: SimHalOptions['vf']) => openSimHal({ clock, random: systemRandom(), uplink, vf });
  const spec = parseSimVf(run.simVf);
  if (run.ping !== undefined && spec.kind !== 'host')
    throw new OpenHalError('--ping needs a host as workload; say --sim-vf host:IP');
  const workloadMac = options.decapDmac ?? randomMac();
  const given = options.localVirtualIps;
  if (spec.kind === 'pcap') {
    const workload = { mac: workloadMac, addresses: given };
    const hal = await open({ port: pcapPort(spec), mac: uplinkMac, workload });
    return { hal, ending, close: () => hal.close() };
  }
  const addresses = spec.addresses.length > 0 ? spec.addresses : given;
  if (addresses.length === 0) {
    const better = spec.kind === 'tap' ? `tap:${spec.name},IP` : 'host:IP';
    throw new OpenHalError(`the workload has no address; give it one, --sim-vf ${better}`);
  }
  if (spec.kind === 'tap') {
    const port = openTapPort({ addon: loadPortsAddon(PORTS_PATH), ...spec });
    ending.push(port);
    const hal = await open({ port, mac: uplinkMac, workload: { mac: port.mac, addresses } });
    return { hal, ending, close: () => hal.close() };
  }
  const host = createVirtualHost({ clock, mac: workloadMac, addresses });
  const hal = await open({ port: host.port, mac: uplinkMac, workload: { mac: workloadMac, addresses } });
  return { hal, host, ending, close: () => hal.close() };
}

function udpUplink(
  address: IpAddress,
  port: number,
  mac: MacAddress,
  options: GatewayOptions,
): SimHalOptions['uplink'] {
  const family = ipFamily(address);
  if (options.mode === 'tunnel' && family !== options.outerFamily) {
    throw new OpenHalError(
      `--sim-wire: ${address} is IPv${family}, but tunnels are over IPv${options.outerFamily}; say --outer-ip-type ipv${family}`,
    );
  }
  const ports = portsAddonIsBuilt(PORTS_PATH) ? loadPortsAddon(PORTS_PATH) : undefined;
  const wire = createUdpWire({ address, port, mac, ...(ports === undefined ? {} : { ports }) });
  return { port: wire, mac, ...(family === 4 ? { ipv4: address } : { ipv6: address }) };
}

/** The first address of this machine that others can reach. */
function ownAddress(family: 4 | 6): IpAddress {
  const found = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(
      (entry) => !entry.internal && entry.family === `IPv${family}` && !entry.address.startsWith('fe80:'),
    );
  if (found === undefined) {
    throw new OpenHalError(
      `--sim-wire: this machine has no IPv${family} address but loopback; give one, udp:ADDRESS, or change --outer-ip-type`,
    );
  }
  return parseIp(found.address);
}

/** A locally administered MAC address, so that two gateways on one machine differ. */
function randomMac(): MacAddress {
  const octets = new Uint8Array(6);
  systemRandom().fill(octets);
  octets[0] = 0x02;
  return macFromOctets(octets);
}
