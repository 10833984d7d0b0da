/** Addresses as users write them in flags and files. */
import { AddressError, type IpAddress, parseIp } from '../../packet/address.js';
import { DEFAULT_SERVICE_PORT, type ServiceAddress } from '../transport.js';

/**
 * IP or IP:PORT, IPv6 in brackets where a port follows (or might). Throws AddressError.
 */
export function parseServiceAddress(text: string): ServiceAddress {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: parseIp(bracketed[1]!), port: parsePort(bracketed[2]) };
  const colons = text.split(':').length - 1;
  if (colons > 1) return { host: parseIp(text), port: DEFAULT_SERVICE_PORT };
  const [host, port] = text.split(':');
  return { host: parseIp(host!), port: parsePort(port) };
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SERVICE_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new AddressError(`"${text}" is not a port (1 to 65535)`);
  return port;
}

/** SVC:VIP,VIP as in --tunnel and in tunnels files; IPv6 service addresses in brackets. Throws AddressError. */
export function parseTunnel(text: string): { serviceAddress: ServiceAddress; virtualIps: IpAddress[] } {
  const match = /^(\[[^\]]*\](?::\d+)?|[^:[\]]+(?::\d+(?=:))?):(.+)$/.exec(text);
  if (match === null) {
    throw new AddressError(
      `"${text}" is not SERVICE-ADDRESS:VIRTUAL-IP[,VIRTUAL-IP] (IPv6 service address in brackets)`,
    );
  }
  return {
    serviceAddress: parseServiceAddress(match[1]!),
    virtualIps: match[2]!.split(',').map((ip) => parseIp(ip.trim())),
  };
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
