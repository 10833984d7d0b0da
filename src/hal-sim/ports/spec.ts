/** What stands behind the simulator's ports, as users write it: --sim-wire and --sim-vf. */
import { resolve } from 'node:path';
import { AddressError, type IpAddress, parseIp } from '../../packet/address.js';
import { PSP_UDP_PORT } from '../../psp/header.js';

export interface PcapSpec {
  readonly kind: 'pcap';
  readonly input: string;
  readonly output?: string;
}

export interface UdpSpec {
  readonly kind: 'udp';
  /** Absent: the host's own choice. */
  readonly address?: IpAddress;
  readonly port: number;
}

export interface HostSpec {
  readonly kind: 'host';
  readonly addresses: readonly IpAddress[];
}

/** A specification that cannot be understood. */
export class SimSpecError extends Error {
  override readonly name = 'SimSpecError';
}

/** `udp[:ADDR[:PORT]]`, IPv6 in brackets, or `pcap:IN[,OUT]`. Throws SimSpecError. */
export function parseSimWire(text: string): UdpSpec | PcapSpec {
  const pcap = parsePcap(text);
  if (pcap !== undefined) return pcap;
  const match = /^udp(?::(\[[^\]]+\]|[^:[\]]+)(?::(\d{1,5}))?)?$/.exec(text);
  if (match === null) throw new SimSpecError(`"${text}" is not udp[:ADDRESS[:PORT]] or pcap:IN[,OUT]`);
  const port = match[2] === undefined ? PSP_UDP_PORT : Number(match[2]);
  if (port < 1 || port > 65_535) throw new SimSpecError(`"${text}": ${port} is not a port (1 to 65535)`);
  if (match[1] === undefined) return { kind: 'udp', port };
  return { kind: 'udp', address: ip(match[1].replace(/^\[|\]$/g, ''), text), port };
}

/** `host[:IP[,IP]]` or `pcap:IN[,OUT]`. Throws SimSpecError. */
export function parseSimVf(text: string): HostSpec | PcapSpec {
  const pcap = parsePcap(text);
  if (pcap !== undefined) return pcap;
  if (text.startsWith('tap:')) throw new SimSpecError('tap: is not built yet; use host:IP or pcap:IN[,OUT]');
  const match = /^host(?::(.+))?$/.exec(text);
  if (match === null) throw new SimSpecError(`"${text}" is not host[:IP[,IP]] or pcap:IN[,OUT]`);
  return { kind: 'host', addresses: (match[1]?.split(',') ?? []).map((part) => ip(part, text)) };
}

function parsePcap(text: string): PcapSpec | undefined {
  if (!text.startsWith('pcap:')) return undefined;
  const [input, output, ...rest] = text.slice('pcap:'.length).split(',');
  if (input === '' || output === '' || rest.length > 0)
    throw new SimSpecError(`"${text}" is not pcap:IN[,OUT]`);
  if (output !== undefined && resolve(input!) === resolve(output))
    throw new SimSpecError(`"${text}" would overwrite the capture that it reads; write to another file`);
  return { kind: 'pcap', input: input!, ...(output === undefined ? {} : { output }) };
}

function ip(text: string, spec: string): IpAddress {
  try {
    return parseIp(text);
  } catch (error) {
    if (error instanceof AddressError) throw new SimSpecError(`"${spec}": ${error.message}`);
    throw error;
  }
}
