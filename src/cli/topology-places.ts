/** Flags that say where the gateways of a topology are in real time; the same for run and node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TlsMaterial } from '../gateway/grpc-transport.js';
import { AddressError, type IpAddress, parseIp } from '../packet/address.js';
import { TopologyFileError } from '../topology/file/read.js';
import { gatewaysOf, type Topology } from '../topology/model.js';
import { Places } from '../topology/real-time/places.js';

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
    return parseIp(text);
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

/** Throws TopologyFileError for names that the topology does not have, and for what is missing. */
export function placesOf(topology: Topology, { where, core, certificates, subnet }: PlaceFlags): Places {
  const gateways = new Set(gatewaysOf(topology).map(({ name }) => name));
  const problems = [...where.keys()]
    .filter((name) => !gateways.has(name))
    .map((name) => `--where: ${topology.name} has no gateway ${name}`);
  if (where.size > 0 && core === undefined)
    problems.push('--where needs --core: the address of the run, as the other machines reach it');
  if (where.size > 0 && certificates === undefined)
    problems.push('--where needs --certificates: both machines need certificates of one authority');
  if (problems.length > 0) throw new TopologyFileError(problems);
  return new Places(topology, { subnet, elsewhere: where, ...(core === undefined ? {} : { core }) });
}

/** Reads a gateway's certificate. Throws TopologyFileError, naming the file that is missing. */
export function tlsFrom(folder: string, host: IpAddress): TlsMaterial {
  const read = (name: string): string => {
    const path = join(folder, name);
    try {
      return readFileSync(path, 'utf8');
    } catch {
      throw new TopologyFileError([
        `${path}: cannot be read; psp-gateway certificates --out ${folder} --host ${host} ... writes it`,
      ]);
    }
  };
  const name = host.replaceAll(':', '-');
  return { caPem: read('ca.pem'), certificatePem: read(`${name}.pem`), keyPem: read(`${name}.key`) };
}
