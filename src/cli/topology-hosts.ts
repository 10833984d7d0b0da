/** Hosts as `--where` and `--core` name them: addresses, or DNS names, which are looked up when all else is right. */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { InvalidArgumentError } from 'commander';
import { sleep, systemClock } from '../base/clock.js';
import { fileProblem } from '../files/file-problem.js';
import { InputFileError, readTextFile } from '../files/read-file.js';
import { parseOwnIp } from '../gateway/config/addresses.js';
import { isDnsName } from '../gateway/rpc/identity.js';
import { AddressError, type IpAddress, ipFamily } from '../packet/address.js';
import { TopologyFileError } from '../topology/file/read.js';
import type { Cable } from '../topology/real-time/places.js';
import { START_LOOK_MS, START_WAIT_MAX_MS } from '../topology/real-time/reachable.js';
import { complain } from './output.js';

/** An address, or a DNS name in lower case. */
export type HostText = string;

/** Where a gateway is. */
export interface WherePlace {
  readonly host: HostText;
  /** Its frames go between these addresses; absent: between its host and the run's. */
  readonly cable?: Cable;
}

const WHERE_FILE_OCTETS_MAX = 1024 * 1024;
const PROBLEMS_SHOWN_MAX = 10;

/** Address of this text; undefined: it is none. */
export function addressOf(text: string): IpAddress | undefined {
  try {
    return parseOwnIp(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return undefined;
  }
}

/** As commander's parser of an option. */
export function parseHost(text: string): HostText {
  // What looks like an address and is none, or nobody's, is no name either.
  if (/^[\d.]+$|:/.test(text)) return parseAddress(text);
  if (isDnsName(text)) return text;
  throw new InvalidArgumentError(
    'expected an IP address, or a DNS name in lower case, such as h1.example.org.',
  );
}

function parseAddress(text: string): IpAddress {
  try {
    return parseOwnIp(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

/** `NAME=HOST`, or `NAME=HOST,GATEWAY,RUN` with the addresses of a cable's two ends. */
export function parseWhere(
  text: string,
  before: ReadonlyMap<string, WherePlace>,
): ReadonlyMap<string, WherePlace> {
  const [, name, host, gateway, core] = /^([^=]+)=([^,]+)(?:,([^,]+),([^,]+))?$/.exec(text) ?? [];
  if (name === undefined)
    throw new InvalidArgumentError(
      'expected NAME=HOST, such as h1=192.0.2.10, or NAME=HOST,GATEWAY,RUN with the ends of a cable.',
    );
  const cable =
    gateway === undefined ? {} : { cable: { gateway: parseAddress(gateway), core: parseAddress(core!) } };
  return new Map([...before, [name, { host: parseHost(host!), ...cable }]]);
}

/** The lines of a file; empty lines and those that begin with # say nothing. */
export function parseWhereFile(path: string): ReadonlyMap<string, WherePlace> {
  const problems: string[] = [];
  let where: ReadonlyMap<string, WherePlace> = new Map();
  for (const [i, line] of textOf(path).split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    try {
      where = parseWhere(text, where);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      problems.push(`line ${i + 1}: ${error.message.replace(/\.$/, '')}`);
    }
  }
  if (problems.length > 0)
    throw new InvalidArgumentError(`${problems.slice(0, PROBLEMS_SHOWN_MAX).join('; ')}.`);
  return where;
}

function textOf(path: string): string {
  try {
    return readTextFile(path, WHERE_FILE_OCTETS_MAX);
  } catch (error) {
    const text = error instanceof InputFileError ? error.message : fileProblem(error, path)?.text;
    if (text === undefined) throw error;
    throw new InvalidArgumentError(`${text}.`);
  }
}

export function whereText([name, { host, cable }]: readonly [string, WherePlace]): string {
  return `${name}=${host}${cable === undefined ? '' : `,${cable.gateway},${cable.core}`}`;
}

/**
 * Looks names up, until all of them have an address: those of machines that have just been started need some time. Throws
 * TopologyFileError when one has none after two minutes.
 */
export async function lookUp(hosts: Iterable<HostText>): Promise<ReadonlyMap<HostText, IpAddress>> {
  const found = new Map<HostText, IpAddress>();
  for (const host of new Set(hosts)) {
    const own = addressOf(host);
    found.set(host, own ?? (await awaited(`the name ${host} has no address`, () => addressFor(host))));
  }
  return found;
}

/** IPv4 where there is one: all machines of a run have to choose alike. */
async function addressFor(name: string): Promise<IpAddress | undefined> {
  const answers = await lookup(name, { all: true }).catch(() => []);
  const addresses = answers.flatMap(({ address }) => addressOf(address) ?? []);
  return addresses.find((ip) => ipFamily(ip) === 4) ?? addresses[0];
}

/** Waits until an interface of this machine has these addresses: cables may be plugged in after the program has started. */
export async function ownAddresses(addresses: Iterable<IpAddress>): Promise<void> {
  for (const address of addresses)
    await awaited(`no interface of this machine has the address ${address}`, async () => {
      const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      return own.some((one) => addressOf(one.address) === address) ? address : undefined;
    });
}

/** Likewise until these interfaces are there. */
export async function ownInterfaces(names: Iterable<string>): Promise<void> {
  for (const name of names)
    await awaited(`this machine has no interface ${name}`, async () =>
      existsSync(`/sys/class/net/${name}`) ? name : undefined,
    );
}

async function awaited<T>(problem: string, look: () => Promise<T | undefined>): Promise<T> {
  const endMs = systemClock.nowMs() + START_WAIT_MAX_MS;
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    if (systemClock.nowMs() >= endMs)
      throw new TopologyFileError([`${problem}, ${START_WAIT_MAX_MS / 1000} s long`]);
    if (tries === 0) complain(`psp-gateway: ${problem} yet; waiting for it`);
    await sleep(systemClock, START_LOOK_MS);
  }
}
