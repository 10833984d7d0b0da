/** Addresses as users write them in flags and files. */
import {
  AddressError,
  type IpAddress,
  ipFromOctets,
  type MacAddress,
  parseMac,
  parseWrittenIp,
} from '../../packet/address.js';
import { type IpKind, ipKind } from '../../packet/address-kind.js';
import { parseNetwork, prefixFamily, prefixHolds } from '../../packet/prefix.js';
import type { Vip } from '../directory.js';
import { DEFAULT_SERVICE_PORT, type ServiceAddress } from '../rpc/transport.js';

/** Parses the address of one host's service: like `parseListenAddress`, but not 0.0.0.0 or ::. Throws AddressError. */
export function parseServiceAddress(text: string): ServiceAddress {
  const address = parseListenAddress(text);
  return { ...address, host: somebodys(address.host, NOBODYS_KINDS) };
}

/**
 * Where to serve, at one address or all: IP or IP:PORT, IPv6 in brackets where a port follows (or might). An IPv4-mapped address
 * is the IPv4 address: so it goes over the wire, and so it stands in certificates. Throws AddressError.
 */
export function parseListenAddress(text: string): ServiceAddress {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: parseHost(bracketed[1]!), port: parsePort(bracketed[2]) };
  const colons = text.split(':').length - 1;
  if (colons > 1) return { host: parseHost(text), port: DEFAULT_SERVICE_PORT };
  const [host, port] = text.split(':');
  return { host: parseHost(host!), port: parsePort(port) };
}

const LOOPBACK = parseWrittenIp('127.0.0.1');

/** Where to serve those on this machine who watch a gateway: [IP:]PORT, on loopback where there is no IP. Throws AddressError. */
export function parseWatchAddress(text: string): ServiceAddress {
  const [, host, port] = /^(?:(.*):)?([^:\]]*)$/.exec(text) ?? [];
  if (port === undefined || (host?.includes(':') === true && !/^\[.*\]$/.test(host))) {
    throw new AddressError(`"${text}" is not [ADDRESS:]PORT (IPv6 address in brackets)`);
  }
  return {
    host: host === undefined ? LOOPBACK : parseHost(host.replace(/^\[(.*)\]$/, '$1')),
    port: parsePort(port),
  };
}

function parseHost(text: string): IpAddress {
  return somebodys(parseWrittenIp(text), GROUP_KINDS);
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SERVICE_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new AddressError(`"${text}" is not a port (1 to 65535)`);
  return port;
}

/**
 * An address or address/length. Bits behind the length are cleared, as DOCA's application does it: 7.7.7.7/24 is
 * 7.7.7.0/24. Throws AddressError.
 */
export function parseVip(text: string): Vip {
  if (!text.includes('/')) return parseNetworkIp(text);
  const network = parseNetwork(text);
  if (network.bits === 0)
    throw new AddressError(`"${text}" is every address; lengths of prefixes go from 1 on`);
  if (network.bits === network.octets.length * 8)
    return somebodys(network.text as IpAddress, NO_NETWORKS_KINDS);
  for (const [kind, block] of NOBODYS_BLOCKS) {
    if (
      block.bits <= network.bits &&
      prefixHolds(block, ipFromOctets(network.octets, 0, prefixFamily(network)))
    )
      throw new AddressError(`${network.text} is ${kind}, and no host of a network has such an address`);
  }
  return network;
}

/** Several of them, or of anything else with addresses, separated by commas. Throws AddressError, which tells all that is wrong. */
export function parseList<T>(text: string, parse: (text: string) => T): T[] {
  const parts = text.split(',').map((part) => part.trim());
  const values: T[] = [];
  const reasons: string[] = [];
  for (let at = 0; at < parts.length; ) {
    const parsed = attempt(() => parse(parts[at]!));
    if ('value' in parsed) {
      values.push(parsed.value);
      at++;
      continue;
    }
    const count = partsCutByCommas(parts.slice(at), parse);
    const written = parts.slice(at, at + count);
    reasons.push(
      count === 1
        ? parsed.reason
        : `"${written.join(',')}" is not an IP address; did you mean ${written.join('.')}?`,
    );
    at += count;
  }
  if (reasons.length > 0) throw new AddressError([...new Set(reasons)].join('; '));
  return values;
}

/** A comma where a dot should be cuts an address: into how many of the first parts; 1: it is no such thing. */
function partsCutByCommas(parts: readonly string[], parse: (text: string) => unknown): number {
  for (let count = 2; count <= Math.min(4, parts.length); count++) {
    if ('value' in attempt(() => parse(parts.slice(0, count).join('.')))) return count;
  }
  return 1;
}

/** SVC:VIP,VIP as in --tunnel and in tunnels files; IPv6 service addresses in brackets. Throws AddressError. */
export function parseTunnel(text: string): { serviceAddress: ServiceAddress; vips: Vip[] } {
  const match = /^(\[[^\]]*\](?::\d+)?|[^:[\]]+(?::\d+(?=:))?):(.+)$/.exec(text);
  if (match === null) {
    throw new AddressError(
      `"${text}" is not SERVICE-ADDRESS:VIRTUAL-IP[,VIRTUAL-IP] (IPv6 service address in brackets)`,
    );
  }
  return { serviceAddress: parseServiceAddress(match[1]!), vips: parseList(match[2]!, parseVip) };
}

/** Parses a MAC as DPDK does: octets may have one digit, and pairs of octets may stand together. Throws AddressError. */
export function parseAnyMac(text: string): MacAddress {
  if (/^[0-9a-f]{1,2}([:-][0-9a-f]{1,2}){5}$/i.test(text)) {
    const octets = text.split(/[:-]/).map((octet) => octet.padStart(2, '0'));
    return parseMac(octets.join(':'));
  }
  const words = /^([0-9a-f]{4})[:.]([0-9a-f]{4})[:.]([0-9a-f]{4})$/i.exec(text);
  return parseMac(words === null ? text : words.slice(1).join('').match(/../g)!.join(':'));
}

const GROUP_KINDS: readonly IpKind[] = ['multicast', 'broadcast'];
/** Kinds of addresses that are nobody's own. */
const NOBODYS_KINDS: readonly IpKind[] = ['unspecified', ...GROUP_KINDS];
/** Those, and what is on no network. */
const NO_NETWORKS_KINDS: readonly IpKind[] = [...NOBODYS_KINDS, 'loopback'];
/** Prefixes of which nobody on a network has an address. */
const NOBODYS_BLOCKS = [
  ['loopback', parseNetwork('127.0.0.0/8')],
  ['multicast', parseNetwork('224.0.0.0/4')],
  ['multicast', parseNetwork('ff00::/8')],
] as const;

function somebodys(ip: IpAddress, not: readonly IpKind[]): IpAddress {
  const reason = nobodysReason(ip, not);
  if (reason !== undefined) throw new AddressError(reason);
  return ip;
}

function nobodysReason(ip: IpAddress, not: readonly IpKind[]): string | undefined {
  const kind = ipKind(ip);
  if (!not.includes(kind)) return undefined;
  return kind === 'loopback'
    ? `${ip} is loopback, and never leaves its host; give an address of a network`
    : `${ip} is ${kind}, and no host's own address; give a unicast address`;
}

/** An address that one host can have. Throws AddressError. */
export function parseOwnIp(text: string): IpAddress {
  return somebodys(parseWrittenIp(text), NOBODYS_KINDS);
}

/** Why no host can have it as its own; undefined: one can. */
export function ownIpProblem(ip: IpAddress): string | undefined {
  return nobodysReason(ip, NOBODYS_KINDS);
}

/** An address that one host of a network can have, as workloads do. Throws AddressError. */
export function parseNetworkIp(text: string): IpAddress {
  return somebodys(parseWrittenIp(text), NO_NETWORKS_KINDS);
}

/** Why no host of a network can have it; undefined: one can. */
export function networkIpProblem(ip: IpAddress): string | undefined {
  return nobodysReason(ip, NO_NETWORKS_KINDS);
}

const NOBODYS_MACS: readonly string[] = ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff'];

/**
 * As `parseAnyMac`, neither zero nor broadcast. Those of other groups are taken: examples such as 11:22:33:44:55:66 are in use.
 * Throws AddressError.
 */
export function parseOwnMac(text: string): MacAddress {
  const mac = parseAnyMac(text);
  if (NOBODYS_MACS.includes(mac))
    throw new AddressError(`${mac} is no interface's own address; give a unicast MAC address`);
  return mac;
}

/** Why a text is refused, or its value. */
export function attempt<T>(parse: () => T): { value: T } | { reason: string } {
  try {
    return { value: parse() };
  } catch (error) {
    if (error instanceof AddressError) return { reason: error.message };
    throw error;
  }
}
