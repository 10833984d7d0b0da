/**
 * From command line and files to GatewayOptions, checked. Everything that is wrong is reported at once, each with
 * the flag, or the file's line, and the reason.
 */

import { type IpAddress, type IpFamily, parseIp } from '../../packet/address.js';
import type { PspVersion } from '../../psp/header.js';
import { countPairs, countStatic } from '../directory.js';
import type { GatewayOptions } from '../options.js';
import type { ServiceAddress } from '../rpc/transport.js';
import { parseList, parseNetworkIp, parseOwnMac, parseWatchAddress } from './addresses.js';
import { readConfigFile, withConfigFile } from './config-flags.js';
import type { ConfigFile, ConfigFileParser } from './configured-peers.js';
import { readDevices } from './device-flags.js';
import { readExtension } from './extension-flags.js';
import { checkInner, checkTogether } from './flag-conflicts.js';
import { FlagReader, optional, whereOf } from './flag-reader.js';
import { readFlagValues } from './flag-values.js';
import { flagNamed } from './flags.js';
import { readLimits } from './limit-flags.js';
import { TUNNELS_LISTED_MAX } from './limits.js';
import {
  type RecordOptions,
  readAdmin,
  readLocalPip,
  readPerfPrint,
  readRecord,
  readRouters,
  readServiceAddress,
  readSessionFile,
  readSnapOctets,
  readStaticTunnels,
  readTls,
} from './option-values.js';
import { readPeers } from './peer-flags.js';
import { ConfigError, type FileReader, Problems } from './problems.js';
import { peersOfSessions } from './session-file.js';

/** Options of the program around the gateway. */
export interface RunOptions {
  readonly logLevel: number;
  readonly logFormat: 'text' | 'json';
  /** Level of the SDK's own messages, as DOCA counts levels. */
  readonly sdkLogLevel: number;
  readonly allowCoreDumps: boolean;
  /** Path of the admin socket; off: none; absent: at its usual place, if that is possible. */
  readonly admin?: { readonly path: string } | 'off';
  /** The values as written; src/cli opens them. */
  readonly simWire: string;
  readonly simVf: string;
  /** Octets of each frame that capture files get; 0: all. */
  readonly snapOctets: number;
  /** Where metrics are served; absent: nowhere. */
  readonly metrics?: ServiceAddress;
  readonly metricsPerPeer: boolean;
  readonly ping?: IpAddress;
  readonly pingCount: number;
  /** Where the gateway is recorded; absent: nowhere. */
  readonly record?: RecordOptions;
  /** Remarks about correct flags that are worth a line in the log. */
  readonly remarks: readonly string[];
}

/** Stand for the workload's own addresses, one of each family, before those are known. */
const WORKLOAD_NOT_KNOWN = [parseIp('0.0.0.0'), parseIp('::')];
/** Places for sessions, when nobody says how many. */
const TUNNELS_LEAST = 256;

export interface OptionsRead {
  readonly options: GatewayOptions;
  readonly run: RunOptions;
}

/** The same, with the flags as they were given, on the command line and in files. */
export interface FlagsRead extends OptionsRead {
  readonly flags: FlagReader;
}

/**
 * Notes what is wrong with a flag, which is named as it was given, on the command line or in a file; or with an environment
 * variable.
 */
export type ProblemOf = (flag: string, reason: string) => void;

/** What a caller of readGatewayOptions may hand over. */
export interface ReadSettings {
  /** Notes what only the caller understands to be wrong. Where a value is wrong it gets the default. */
  readonly check?: (read: FlagsRead, problem: ProblemOf) => void;
  /** Places for sessions where --max-tunnels is not given: a gateway that runs has them already. Absent: by the peers listed. */
  readonly maxTunnels?: number;
  /** Reads YAML files of --config. Absent: there are none here; they cost a library that most commands need not load. */
  readonly parseConfigFile?: ConfigFileParser;
}

/** Reads the options. Throws ConfigError with all problems, those that `check` notes among them. */
export function readGatewayOptions(
  argv: readonly string[],
  read: FileReader,
  { check, parseConfigFile, maxTunnels }: ReadSettings = {},
): FlagsRead {
  const problems = new Problems();
  const given = readFlagValues(argv, read, problems);
  const file = readConfigFile(given, read, problems, parseConfigFile);
  const values = withConfigFile(given, file, problems);
  const flags = new FlagReader(values, problems);
  const result = { ...readOptions(flags, read, file, maxTunnels), flags };
  check?.(result, (flag, reason) => {
    problems.add(whereOf(values, flag), reason);
  });
  if (!problems.isEmpty) throw new ConfigError(problems.list);
  return result;
}

/** Why static tunnels do not fit, from these addresses of ours besides those that the session file names. */
export function staticTunnelsProblem(
  options: Pick<GatewayOptions, 'peers' | 'staticTunnels' | 'maxTunnels'>,
  locals: readonly IpAddress[],
): string | undefined {
  const count = countStatic(options, locals);
  const { maxTunnels } = options;
  if (count <= maxTunnels) return undefined;
  const [, most] = flagNamed('max-tunnels')!.range!;
  const instead =
    count <= most
      ? `say --max-tunnels ${count}, or leave out --static-tunnels: sessions are then made at their first packet`
      : `at most ${most} can be; name longer prefixes, or leave out --static-tunnels: sessions are then made at their first packet`;
  return `${count} static tunnels are configured, ${maxTunnels} allowed; ${instead}`;
}

function readOptions(
  flags: FlagReader,
  readFile: FileReader,
  file: ConfigFile,
  tunnelsThere: number | undefined,
): OptionsRead {
  const hal = flags.choice('hal') as 'sim' | 'doca';
  const tunnelsGiven = flags.given('max-tunnels') ? flags.optionalNumber('max-tunnels') : undefined;
  const session = readSessionFile(flags, readFile, tunnelsGiven ?? TUNNELS_LISTED_MAX);
  const localVirtualIps = [
    ...new Set(flags.parsed('local-virt-ip', (text) => parseList(text, parseNetworkIp))),
  ];
  const inner = flags.choice('inner');
  const innerFamilies: IpFamily[] = inner === 'both' ? [4, 6] : [inner === 'ipv4' ? 4 : 6];
  const staticTunnels = readStaticTunnels(flags, innerFamilies);
  const fromStatic = staticTunnels === undefined || staticTunnels === 'all' ? [] : [staticTunnels];
  const ours = [...localVirtualIps, ...fromStatic];
  const serviceAddress = readServiceAddress(flags, session);
  const ofSessions = session === undefined ? [] : [...peersOfSessions(session)];
  const ofFiles = { ...file, peers: [...file.peers, ...ofSessions] };
  const peers = readPeers(flags, readFile, ofFiles, serviceAddress, new Set(ours));
  checkTogether(flags, hal);
  checkInner(flags, peers, innerFamilies);
  const listed = countPairs(peers, ours.length > 0 ? ours : WORKLOAD_NOT_KNOWN);
  const maxTunnels =
    tunnelsGiven ?? tunnelsThere ?? Math.min(Math.max(TUNNELS_LEAST, listed), TUNNELS_LISTED_MAX);
  const { pciAddress, representor } = readDevices(flags, hal);
  const tls = readTls(flags);
  const options: GatewayOptions = {
    hal,
    aead: flags.choice('aead') as GatewayOptions['aead'],
    pciAddress,
    representor,
    coreMask: flags.matching('core-mask', /^(0x)?[0-9a-f]{1,32}$/i, 'a mask in hex such as 0x3') ?? '0x3',
    ...optional('decapDmac', flags.parsed('decap-dmac', parseOwnMac)),
    localVirtualIps,
    ...optional('localPip', readLocalPip(flags, session)),
    ...optional('vfName', flags.text('vf-name')?.text),
    ...optional('nexthopDmac', flags.parsed('nexthop-dmac', parseOwnMac)),
    serviceAddress,
    peers,
    cookies: flags.boolean('cookie'),
    ...readExtension(flags),
    ingressAcl: !flags.boolean('disable-ingress-acl'),
    sampleRateLog2: flags.number('sample-rate'),
    maintainOrder: flags.boolean('maintain-order'),
    sampleBeforeEncryption: flags.boolean('sample-before-encryption'),
    sampledOctets: flags.boolean('sampled-octets'),
    maxTunnels,
    ...optional('cryptOffsetWords', flags.optionalNumber('crypt-offset')),
    pspVersion: flags.number('psp-version') as PspVersion,
    ...optional('staticTunnels', staticTunnels),
    debugKeys: flags.boolean('debug-keys'),
    statPrint: flags.boolean('stat-print'),
    ...optional('perfPrint', readPerfPrint(flags)),
    showRssRxPackets: flags.boolean('show-rss-rx-packets'),
    outerFamily: flags.choice('outer-ip-type') === 'ipv4' ? 4 : 6,
    innerFamilies,
    mode: flags.choice('mode') === 'transport' ? 'transport' : 'tunnel',
    confirmUnderlay: flags.boolean('confirm-underlay'),
    allowRouters: readRouters(flags),
    ...optional('tls', tls),
    insecure: flags.boolean('insecure'),
    ...optional('statePath', flags.text('state-file')?.text),
    limits: readLimits(flags, maxTunnels),
  };
  const run: RunOptions = {
    logLevel: Number(flags.choice('log-level')),
    logFormat: flags.choice('log-format') as RunOptions['logFormat'],
    sdkLogLevel: Number(flags.choice('sdk-log-level')),
    allowCoreDumps: flags.boolean('allow-core-dumps'),
    ...optional('admin', readAdmin(flags)),
    simWire: flags.text('sim-wire')!.text,
    simVf: flags.text('sim-vf')!.text,
    snapOctets: readSnapOctets(flags),
    ...optional('metrics', flags.parsed('metrics', parseWatchAddress)),
    metricsPerPeer: flags.boolean('metrics-per-peer'),
    ...optional('ping', flags.parsed('ping', parseNetworkIp)),
    pingCount: flags.number('ping-count'),
    ...optional('record', readRecord(flags)),
    remarks: flags.problems.remarks,
  };
  const problem = staticTunnelsProblem(options, localVirtualIps);
  if (problem !== undefined) flags.problems.add(flags.whereOf('max-tunnels'), problem);
  return { options, run };
}
