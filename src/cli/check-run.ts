/**
 * What is wrong with the flags of a gateway beyond their form: with the files and the machine that they name, and with
 * each other. Looked at before anything is opened or written, so that it is told together, and nothing is half done.
 */
import { cpus, networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { fileReason } from '../files/file-problem.js';
import { mustTakeFiles } from '../files/folders.js';
import { readTextFile } from '../files/read-file.js';
import { isSameFile } from '../files/same-file.js';
import { statIfThere, statOf } from '../files/stat.js';
import { socketPathProblem } from '../files/unix-socket.js';
import { networkIpProblem, ownIpProblem } from '../gateway/config/addresses.js';
import { type OptionsRead, type ProblemOf, staticTunnelsProblem } from '../gateway/config/read-options.js';
import type { GatewayOptions } from '../gateway/options.js';
import { serviceText } from '../gateway/rpc/transport.js';
import { DOCA_ADDON, NativePartError, namedFile, PORTS } from '../hal/native-parts.js';
import { loadAddon } from '../hal-doca/native.js';
import { loadPortsAddon } from '../hal-sim/ports/ports-addon.js';
import {
  type HostSpec,
  type PcapSpec,
  parseSimVf,
  parseSimWire,
  SimSpecError,
  type TapSpec,
  type UdpSpec,
} from '../hal-sim/ports/spec.js';
import { type IpAddress, ipFamily, type MacAddress, parseIp, parseMac } from '../packet/address.js';
import { ipKind, isUnicastMac } from '../packet/address-kind.js';
import { STANDARD_STREAM } from '../packet/capture-stream.js';
import { isRead, linkTypeText } from '../packet/link-type.js';
import { NoCaptureError } from '../packet/pcap.js';
import { mustBeCapture } from './capture-check.js';
import { mustBeReplaceable } from './replaceable.js';
import { stateFileProblem } from './state-store.js';

/** Limit on the kernel's text for an attribute. */
const SYSFS_OCTETS = 4096;

/** Notes what is wrong with the flags that say what is under the gateway and around it. */
export function checkRun(read: OptionsRead, problem: ProblemOf): void {
  const { options, run } = read;
  const { statePath } = options;
  if (statePath !== undefined) noteIfWrong('state-file', problem, () => checkStateFile(statePath, problem));
  const { admin, record } = run;
  if (record !== undefined) {
    noteIfWrong('record', problem, () => {
      mustTakeName(record.path);
      mustBeReplaceable(record.path, 'recording');
      if (statePath !== undefined && isSameFile(record.path, statePath))
        problem('record', '--state-file names the same file; name another one');
    });
  }
  if (typeof admin === 'object') {
    noteIfWrong('admin', problem, () => {
      const wrong = socketPathProblem(admin.path);
      if (wrong !== undefined) problem('admin', wrong);
      else mustTakeFiles(dirname(admin.path));
    });
  }
  checkNamedAddon(options.hal, problem);
  checkOwnService(options, problem);
  if (options.hal === 'doca') {
    const cores = coresProblem(options.coreMask);
    if (cores !== undefined) problem('core-mask', cores);
    const { vfName, localVirtualIps } = options;
    if (vfName !== undefined && macOfInterface(vfName) === undefined) {
      problem(
        'vf-name',
        `this machine has no network device "${vfName}" with a MAC; where the VF is elsewhere, say --decap-dmac and --local-virt-ip`,
      );
    }
    const ofVf = vfName === undefined ? [] : addressesOfInterface(vfName);
    checkNotOfPeers('vf-name', ofVf, options, problem);
    checkStaticTunnels(options, [...localVirtualIps, ...ofVf], problem);
    return;
  }
  const wire = parsed('sim-wire', problem, () => parseSimWire(run.simWire));
  const vf = parsed('sim-vf', problem, () => parseSimVf(run.simVf));
  if (wire?.kind === 'pcap') checkCaptures('sim-wire', wire, problem);
  if (wire?.kind === 'udp') checkUdp(wire, options, problem);
  if (vf?.kind === 'pcap') checkCaptures('sim-vf', vf, problem);
  else if (vf !== undefined) checkWorkload(vf, options, problem);
  if (vf !== undefined) {
    checkStaticTunnels(
      options,
      vf.kind === 'pcap' ? options.localVirtualIps : workloadAddresses(vf, options),
      problem,
    );
  }
  if (
    run.snapOctets > 0 &&
    wire !== undefined &&
    vf !== undefined &&
    !writesCapture(wire) &&
    !writesCapture(vf)
  ) {
    problem('snaplen', 'is for captures, and no port writes one; say --sim-wire or --sim-vf pcap:IN,OUT');
  }
  if (run.ping !== undefined && vf !== undefined) checkPing(run.ping, vf, options, problem);
  if (wire?.kind === 'pcap' && vf?.kind === 'pcap') checkBoth(wire, vf, problem);
  for (const [flag, spec] of [
    ['sim-wire', wire],
    ['sim-vf', vf],
  ] as const) {
    if (statePath !== undefined && spec?.kind === 'pcap' && isSameOutput(statePath, spec.output))
      problem('state-file', `--${flag} writes ${spec.output} too; name another file`);
  }
}

const writesCapture = (spec: UdpSpec | HostSpec | TapSpec | PcapSpec): boolean =>
  spec.kind === 'pcap' && spec.output !== undefined;

/** A native part that an environment variable names. Of one that is not named, what needs it says that it is missing. */
function checkNamedAddon(hal: GatewayOptions['hal'], problem: ProblemOf): void {
  const [part, load] = hal === 'doca' ? [DOCA_ADDON, loadAddon] : [PORTS, loadPortsAddon];
  if (namedFile(part) === undefined) return;
  try {
    load();
  } catch (error) {
    if (!(error instanceof NativePartError)) throw error;
    problem(part.variable, error.reason);
  }
}

function parsed<Spec>(flag: string, problem: ProblemOf, parse: () => Spec): Spec | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SimSpecError)) throw error;
    problem(flag, error.message);
    return undefined;
  }
}

function noteIfWrong(flag: string, problem: ProblemOf, look: () => void): void {
  try {
    look();
  } catch (error) {
    const reason = fileReason(error);
    if (reason === undefined) throw error;
    const { path } = error as NodeJS.ErrnoException;
    problem(flag, path === undefined ? reason : `${path}: ${reason}`);
  }
}

function checkCaptures(flag: string, { input, output }: PcapSpec, problem: ProblemOf): void {
  noteIfWrong(flag, problem, () => {
    try {
      const linkType = mustBeCapture(input);
      if (linkType !== undefined && !isRead(linkType))
        problem(flag, `${input} has no frame that could come in: ${linkTypeText(linkType)}: not read`);
    } catch (error) {
      if (!(error instanceof NoCaptureError)) throw error;
      problem(flag, `${input} is no capture: ${error.message}; name a pcap or pcapng file`);
    }
  });
  if (output !== undefined && output !== STANDARD_STREAM) {
    noteIfWrong(flag, problem, () => {
      mustTakeName(output);
      mustBeReplaceable(output, 'capture');
      if (isSameOutput(input, output))
        problem(flag, `${output} is the capture that is read; write to another file`);
    });
  }
}

function checkStateFile(path: string, problem: ProblemOf): void {
  mustTakeName(path);
  const reason = stateFileProblem(path);
  if (reason !== undefined) problem('state-file', reason);
}

/** A file can be put under the name, in a folder that is there. */
function mustTakeName(path: string): void {
  const folder = dirname(path);
  statOf(folder);
  const there = statIfThere(path);
  if (there?.isDirectory() === true) {
    const error: NodeJS.ErrnoException = new Error(`EISDIR: ${path}`);
    throw Object.assign(error, { code: 'EISDIR', syscall: 'open', path });
  }
  if (there === undefined || there.isFile()) mustTakeFiles(folder);
}

/** Two ports at the same files. */
function checkBoth(wire: PcapSpec, vf: PcapSpec, problem: ProblemOf): void {
  if (wire.output !== undefined && isSameOutput(wire.output, vf.output))
    problem('sim-vf', `--sim-wire writes ${vf.output} too; write to another file`);
  for (const [flag, { input }, { output }] of [
    ['sim-vf', wire, vf],
    ['sim-wire', vf, wire],
  ] as const) {
    if (isSameOutput(input, output)) problem(flag, `would overwrite ${input}, which the other port reads`);
  }
}

/** Standard input and output are no file, and not the same. */
function isSameOutput(path: string, output: string | undefined): boolean {
  if (output === undefined || (path === STANDARD_STREAM) !== (output === STANDARD_STREAM)) return false;
  return path === output || isSameFile(path, output);
}

function checkUdp(
  { address }: UdpSpec,
  { mode, outerFamily, localPip }: GatewayOptions,
  problem: ProblemOf,
): void {
  if (mode === 'transport') {
    problem(
      'sim-wire',
      "udp: carries what goes from one gateway's address to another's, and packets of --mode=transport have the workloads' addresses; say --mode=tunnel, or run a topology (psp-gateway topology run)",
    );
    return;
  }
  if (localPip !== undefined && address !== undefined && address !== localPip) {
    problem('local-pip', `is ${localPip}, and the socket of --sim-wire is at ${address}; name one address`);
    return;
  }
  if (address === undefined) {
    if ((localPip ?? ownAddress(outerFamily)) === undefined) {
      problem(
        'sim-wire',
        `this machine has no IPv${outerFamily} address but loopback; give one, udp:ADDRESS, or change --outer-ip-type`,
      );
    }
    return;
  }
  const nobodys = ownIpProblem(address);
  if (nobodys !== undefined) {
    problem('sim-wire', nobodys);
    return;
  }
  const family = ipFamily(address);
  if (family !== outerFamily) {
    problem(
      'sim-wire',
      `${address} is IPv${family}, but tunnels are over IPv${outerFamily}; say --outer-ip-type ipv${family}`,
    );
  }
}

/** The addresses of a workload that is no capture. */
export function workloadAddresses(vf: HostSpec | TapSpec, options: GatewayOptions): readonly IpAddress[] {
  return vf.addresses.length > 0 ? vf.addresses : options.localVirtualIps;
}

/** With 0.0.0.0 as service address, none of this machine's addresses can be a peer's, on that port. */
function checkOwnService({ serviceAddress, peers }: GatewayOptions, problem: ProblemOf): void {
  if (ipKind(serviceAddress.host) !== 'unspecified') return;
  const addresses = new Set(
    Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []),
  );
  for (const peer of peers) {
    const { host, port } = peer.serviceAddress;
    if (port !== serviceAddress.port || !addresses.has(host)) continue;
    problem(
      'svc-addr',
      `serves at ${serviceText(peer.serviceAddress)} too, which is listed as a peer; leave it out`,
    );
  }
}

/** Addresses of the workload are ours alone. */
function checkNotOfPeers(
  flag: string,
  addresses: readonly IpAddress[],
  { peers }: GatewayOptions,
  problem: ProblemOf,
): void {
  for (const { serviceAddress, virtualIps } of peers) {
    const listed = new Set(virtualIps);
    for (const ip of addresses) {
      if (listed.has(ip))
        problem(
          flag,
          `${ip} is listed as an address of peer ${serviceText(serviceAddress)}; leave it out of one`,
        );
    }
  }
}

function checkWorkload(vf: HostSpec | TapSpec, options: GatewayOptions, problem: ProblemOf): void {
  for (const ip of vf.addresses) {
    const reason = networkIpProblem(ip);
    if (reason !== undefined) problem('sim-vf', reason);
  }
  checkNotOfPeers('sim-vf', vf.addresses, options, problem);
  if (workloadAddresses(vf, options).length > 0) return;
  const better = vf.kind === 'tap' ? `tap:${vf.name},IP` : 'host:IP';
  problem('sim-vf', `the workload has no address; give it one, --sim-vf ${better}`);
}

/** Now that all of the workload's addresses are known. */
function checkStaticTunnels(
  options: GatewayOptions,
  addresses: readonly IpAddress[],
  problem: ProblemOf,
): void {
  const { peers, staticTunnels } = options;
  const hasOwn = peers.some(({ pairs }) => pairs?.some(({ localVip }) => localVip !== undefined));
  if (staticTunnels === 'all' && addresses.length === 0 && !hasOwn) {
    problem(
      'static-tunnels',
      'no address of the workload is known, from which they could be; say --static-tunnels=IP, or --local-virt-ip IP',
    );
    return;
  }
  // A problem that was noted before all addresses were known is told once.
  const tooMany = staticTunnelsProblem(options, addresses);
  if (tooMany !== undefined) problem('max-tunnels', tooMany);
}

function checkPing(
  destination: IpAddress,
  vf: HostSpec | TapSpec | PcapSpec,
  options: GatewayOptions,
  problem: ProblemOf,
): void {
  if (vf.kind !== 'host') {
    problem('ping', 'needs a host in this process as workload; say --sim-vf host:IP');
    return;
  }
  const family = ipFamily(destination);
  if (!options.innerFamilies.includes(family)) {
    const carried = options.innerFamilies[0];
    problem(
      'ping',
      `${destination} is IPv${family}, and the tunnels carry IPv${carried}; say --inner ipv${family} or both`,
    );
  }
  const addresses = workloadAddresses(vf, options);
  if (addresses.length > 0 && !addresses.some((address) => ipFamily(address) === family)) {
    problem(
      'ping',
      `${destination} is IPv${family}, and the workload has no such address; give it one, --sim-vf host:IP`,
    );
  }
}

/** The first address of this machine that others can reach; undefined: it has none. */
export function ownAddress(family: 4 | 6): IpAddress | undefined {
  const found = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(
      (entry) => !entry.internal && entry.family === `IPv${family}` && !entry.address.startsWith('fe80:'),
    );
  return found === undefined ? undefined : parseIp(found.address);
}

/** MAC of an interface of this machine; undefined: there is no interface of this name, or it has no MAC. */
export function macOfInterface(name: string): MacAddress | undefined {
  try {
    const mac = parseMac(readTextFile(`/sys/class/net/${name}/address`, SYSFS_OCTETS).trim());
    // That of the loopback interface is zero.
    return isUnicastMac(mac) ? mac : undefined;
  } catch {
    return undefined;
  }
}

/** Addresses of an interface of this machine that is the workload's; none where there is no such interface. */
export function addressesOfInterface(name: string): IpAddress[] {
  return (networkInterfaces()[name] ?? [])
    .filter(({ address }) => !address.startsWith('fe80:'))
    .map(({ address }) => parseIp(address));
}

/** The cores that a mask in hex names, as bits. */
const coreBits = (mask: string): string => BigInt(`0x${mask.replace(/^0x/i, '')}`).toString(2);

/** EAL takes only cores that there are. */
function coresProblem(mask: string): string | undefined {
  const bits = coreBits(mask);
  const count = cpus().length;
  if (bits.length <= count && bits !== '0') return undefined;
  const named = bits === '0' ? 'no core' : `core ${bits.length - 1}`;
  const all = `0x${((1n << BigInt(count)) - 1n).toString(16)}`;
  return `${mask} names ${named}; this machine has cores 0 to ${count - 1}, all of them are ${all}`;
}

/** Number of cores in a mask. */
export function coresOf(mask: string): number {
  return coreBits(mask).replaceAll('0', '').length;
}
