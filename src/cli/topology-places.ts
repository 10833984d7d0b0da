/** Flags that say where the gateways of a topology are in real time; the same for run and node. */
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../base/clock.js';
import { parseOwnIp } from '../gateway/config/addresses.js';
import { readTlsFiles, TlsFilesError } from '../gateway/rpc/grpc-tls.js';
import type { TlsMaterial } from '../gateway/rpc/transport.js';
import { AddressError, type IpAddress } from '../packet/address.js';
import { TopologyFileError } from '../topology/file/read.js';
import { gatewaysOf, type Topology } from '../topology/model.js';
import { Places } from '../topology/real-time/places.js';
import type { FlagProblems } from './flag-problems.js';

export interface PlaceFlags {
  readonly where: ReadonlyMap<string, IpAddress>;
  readonly core?: IpAddress;
  readonly certificates?: string;
  readonly subnet: number;
}

/** Loopback addresses are 127.SUBNET.*. */
const SUBNET_DEFAULT = 64;
const SUBNETS = 128;

export function addPlaceFlags(command: Command): Command {
  return command
    .option(
      '--where <name=address>',
      'a gateway that `topology node` runs on another machine, and its address there; may be repeated',
      parseWhere,
      new Map<string, IpAddress>(),
    )
    .option('--core <address>', 'address of the run, as gateways on other machines reach it', parseAddress)
    .option(
      '--certificates <folder>',
      'ca.pem, ADDRESS.pem and ADDRESS.key as `psp-gateway certificates` writes them (default: made for the run)',
    )
    .addOption(new Option('--subnet <number>').argParser(Number).default(SUBNET_DEFAULT).hideHelp());
}

/** A subnet of this process' own. */
export const ownSubnet = (): number => SUBNET_DEFAULT + (process.pid % SUBNETS);

function parseAddress(text: string): IpAddress {
  try {
    return parseOwnIp(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

function parseWhere(text: string, before: ReadonlyMap<string, IpAddress>): ReadonlyMap<string, IpAddress> {
  const [, name, address] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('expected NAME=ADDRESS, such as h1=192.0.2.10.');
  return new Map([...before, [name, parseAddress(address!)]]);
}

/** Problems of the flags. Names are checked where the topology could be read. */
export function placeProblems(
  topology: Topology | undefined,
  { where = new Map(), core, certificates }: Partial<PlaceFlags>,
  wrong: FlagProblems,
): string[] {
  const gateways = topology === undefined ? undefined : new Set(gatewaysOf(topology).map(({ name }) => name));
  const problems = [...where.keys()]
    .filter((name) => gateways?.has(name) === false)
    .map((name) => `--where: ${topology?.name} has no gateway ${name}`);
  if (where.size > 0 && core === undefined && !wrong.has('--core'))
    problems.push('--where needs --core: the address of the run, as the other machines reach it');
  if (where.size > 0 && certificates === undefined)
    problems.push('--where needs --certificates: both machines need certificates of one authority');
  return problems;
}

/** Problems of the certificates for these addresses. */
export function certificateProblems(folder: string, hosts: Iterable<IpAddress>): string[] {
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

export function placesOf(topology: Topology, { where, core, subnet }: PlaceFlags): Places {
  return new Places(topology, { subnet, elsewhere: where, ...(core === undefined ? {} : { core }) });
}

/** Reads a gateway's certificate. Throws TopologyFileError, naming the files that are missing or wrong. */
export function tlsFrom(folder: string, host: IpAddress): TlsMaterial {
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
      return `--certificates: ${reason}; psp-gateway certificates --out ${folder} --host ${hosts} writes it`;
    });
    throw new TopologyFileError(problems);
  }
}
