/** Flags that say where the gateways of a topology are in real time; the same for run and node. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { systemClock } from '../base/clock.js';
import { readTlsFiles, TlsFilesError } from '../gateway/rpc/grpc-tls.js';
import type { TlsMaterial } from '../gateway/rpc/transport.js';
import { TopologyFileError } from '../topology/file/read.js';
import { gatewaysOf, insidersOf, type Topology } from '../topology/model.js';
import { type Cable, Places } from '../topology/real-time/places.js';
import type { FlagProblems } from './flag-problems.js';
import {
  addressOf,
  type HostText,
  lookUp,
  ownAddresses,
  parseHost,
  parseWhere,
  parseWhereFile,
  type WherePlace,
} from './topology-hosts.js';

export interface PlaceFlags {
  /** Those of `--where-file`, and of `--where`, which wins. */
  readonly where: ReadonlyMap<string, WherePlace>;
  readonly core?: HostText;
  readonly certificates?: string;
  readonly subnet: number;
}

/** Loopback addresses are 127.SUBNET.*. */
const SUBNET_DEFAULT = 64;
const SUBNETS = 128;

export function addPlaceFlags(command: Command): Command {
  return command
    .option(
      '--where <name=host>',
      'a gateway that `topology node` runs on another machine, and its address or DNS name there; may be repeated',
      parseWhere,
      new Map<string, WherePlace>(),
    )
    .option('--where-file <file>', 'the same, a line for each gateway', parseWhereFile)
    .option('--core <host>', 'address or name of the run, as gateways on other machines reach it', parseHost)
    .option(
      '--certificates <folder>',
      'ca.pem, HOST.pem and HOST.key as `psp-gateway certificates` and `certs` write them (default: made for the run)',
    )
    .addOption(new Option('--subnet <number>').argParser(Number).default(SUBNET_DEFAULT).hideHelp())
    .hook('preAction', () => {
      const { where, whereFile } = command.opts<PlaceFlags & { readonly whereFile?: PlaceFlags['where'] }>();
      if (whereFile !== undefined) command.setOptionValue('where', new Map([...whereFile, ...where]));
    });
}

/** A subnet of this process' own. */
export const ownSubnet = (): number => SUBNET_DEFAULT + (process.pid % SUBNETS);

/** Problems of the flags. Names are checked where the topology could be read. */
export function placeProblems(
  topology: Topology | undefined,
  { where = new Map(), core, certificates }: Partial<PlaceFlags>,
  wrong: FlagProblems,
): string[] {
  const gateways = topology === undefined ? undefined : new Set(gatewaysOf(topology).map(({ name }) => name));
  const cables = new Set<string>();
  const problems = [...where.keys()]
    .filter((name) => gateways?.has(name) === false)
    .map((name) => `--where: ${topology?.name} has no gateway ${name}`);
  if (where.size > 0 && core === undefined && !wrong.has('--core'))
    problems.push('--where needs --core: the address of the run, as the other machines reach it');
  // Insiders are in the run.
  const isAllElsewhere =
    topology !== undefined &&
    [...gatewaysOf(topology), ...insidersOf(topology)].every(({ name }) => where.has(name));
  if (where.size > 0 && certificates === undefined && !isAllElsewhere)
    problems.push('--where needs --certificates: both machines need certificates of one authority');
  for (const [name, { cable }] of where) {
    for (const end of cable === undefined ? [] : [cable.gateway, cable.core]) {
      if (cables.has(end)) problems.push(`--where: ${name}: ${end} is at another end of a cable already`);
      cables.add(end);
    }
  }
  return problems;
}

/** The host by which the certificate of a gateway is named; undefined: where it would be is not known. */
export function certificateHost(
  topology: Topology,
  { where, core, subnet }: PlaceFlags,
  gateway: string,
): HostText | undefined {
  if (where.size > 0 || core !== undefined) return where.get(gateway)?.host ?? core;
  return new Places(topology, { subnet, elsewhere: new Map() }).hostOf(gateway);
}

/** Problems of the certificates for these addresses. */
export function certificateProblems(folder: string, hosts: Iterable<HostText>): string[] {
  const problems = [...new Set(hosts)].flatMap((host) => {
    try {
      tlsFrom(folder, host);
      return [];
    } catch (error) {
      if (!(error instanceof TopologyFileError)) throw error;
      return error.problems;
    }
  });
  return [...new Set(problems)];
}

/**
 * Where everything is, once names have been looked up. Throws TopologyFileError for a name that has no address.
 * @param here whether this process is at that end of the gateway's cable: it waits for the address to be there
 */
export async function placesOf(
  topology: Topology,
  { where, core, subnet }: PlaceFlags,
  here: (gateway: string) => keyof Cable | undefined,
): Promise<Places> {
  const hosts = [...[...where.values()].map(({ host }) => host), ...(core === undefined ? [] : [core])];
  const addresses = await lookUp(hosts);
  const cables = new Map(
    [...where].flatMap(([name, { cable }]) => (cable === undefined ? [] : [[name, cable] as const])),
  );
  await ownAddresses(
    [...cables].flatMap(([name, cable]) => {
      const end = here(name);
      return end === undefined ? [] : [cable[end]];
    }),
  );
  return new Places(topology, {
    subnet,
    elsewhere: new Map([...where].map(([name, { host }]) => [name, addresses.get(host)!])),
    names: new Map(
      [...addresses].flatMap(([host, address]) => (host === address ? [] : [[address, host] as const])),
    ),
    cables,
    ...(core === undefined ? {} : { core: addresses.get(core)! }),
  });
}

/** Reads a gateway's certificate. Throws TopologyFileError, naming the files that are missing or wrong. */
export function tlsFrom(folder: string, host: HostText): TlsMaterial {
  const name = host.replaceAll(':', '-');
  const path = (file: string) => join(folder, file);
  const files = {
    caPath: path('ca.pem'),
    certificatePath: path(`${name}.pem`),
    keyPath: path(`${name}.key`),
  };
  try {
    return readTlsFiles(files, systemClock.nowMs());
  } catch (error) {
    if (!(error instanceof TlsFilesError)) throw error;
    const problems = error.found.map(({ what, reason }) => {
      const hosts = what === 'authority' ? '...' : `${host} ...`;
      const isAddress = what === 'authority' || addressOf(host) !== undefined;
      return `--certificates: ${reason}; ${
        isAddress
          ? `psp-gateway certificates --out ${folder} --host ${hosts} writes it`
          : `psp-gateway certs issue ${folder} ${hosts} writes it`
      }`;
    });
    throw new TopologyFileError(problems);
  }
}
