/** Parses --sim-wire and --sim-vf, which say what is connected to the simulator's ports. */
import { resolve } from 'node:path';
import {
  AddressError,
  type IpAddress,
  type MacAddress,
  parseMac,
  parseWrittenIp,
} from '../../packet/address.js';
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
  /** Each once. */
  readonly addresses: readonly IpAddress[];
}

export interface TapSpec {
  readonly kind: 'tap';
  /** The interface's name. */
  readonly name: string;
  /** Absent: as the interface has it. */
  readonly mac?: MacAddress;
  /** Absent: as the interface has it. */
  readonly mtuOctets?: number;
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
  const [address] = readAll(text, [match[1].replace(/^\[|\]$/g, '')], parseWrittenIp);
  return { kind: 'udp', address: address!, port };
}

/** `host[:IP[,IP]]`, `tap:NAME[,mac=MAC][,mtu=OCTETS][,IP[,IP]]` or `pcap:IN[,OUT]`. Throws SimSpecError. */
export function parseSimVf(text: string): HostSpec | TapSpec | PcapSpec {
  const pcap = parsePcap(text);
  if (pcap !== undefined) return pcap;
  if (text.startsWith('tap:')) return parseTap(text);
  const match = /^host(?::(.+))?$/.exec(text);
  if (match === null) throw new SimSpecError(`"${text}" is not host[:IP[,IP]], ${TAP_FORM} or pcap:IN[,OUT]`);
  const addresses = readAll(text, match[1]?.split(',') ?? [], parseWrittenIp);
  return { kind: 'host', addresses: [...new Set(addresses)] };
}

const TAP_FORM = 'tap:NAME[,mac=MAC][,mtu=OCTETS][,IP[,IP]]';
/** The interface names that Linux accepts (dev_valid_name), without those that hold its template's %. */
const INTERFACE_NAME = /^(?!\.{1,2}$)[^\s/:%]{1,15}$/;
/** The MTUs that Linux accepts for a TAP interface; the lowest is that of IPv4. */
const TAP_MTU_OCTETS = [68, 65_521] as const;

function parseTap(text: string): TapSpec {
  const [name, ...rest] = text.slice('tap:'.length).split(',');
  if (name === undefined || !INTERFACE_NAME.test(name)) {
    throw new SimSpecError(`"${text}" is not ${TAP_FORM} with an interface's name of up to 15 characters`);
  }
  let macAddress: MacAddress | undefined;
  let mtuOctets: number | undefined;
  const addresses: IpAddress[] = [];
  readAll(text, rest, (part) => {
    const [key, value] = part.split('=', 2);
    if (value === undefined) addresses.push(parseWrittenIp(part));
    else if (key === 'mac' && macAddress === undefined) macAddress = parseMac(value);
    else if (key === 'mtu' && mtuOctets === undefined) mtuOctets = parseMtu(value);
    else throw new SimSpecError(`${key}= is not known here, or is given twice; expected ${TAP_FORM}`);
  });
  return {
    kind: 'tap',
    name,
    addresses: [...new Set(addresses)],
    ...(macAddress === undefined ? {} : { mac: macAddress }),
    ...(mtuOctets === undefined ? {} : { mtuOctets }),
  };
}

function parseMtu(value: string): number {
  const octets = Number(value);
  const [least, most] = TAP_MTU_OCTETS;
  if (!/^\d+$/.test(value) || octets < least || octets > most)
    throw new SimSpecError(`${value} is not an MTU (${least} to ${most} octets)`);
  return octets;
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

/** Reads each part of a specification. Throws SimSpecError with all that is wrong with them, each reason once. */
function readAll<T>(spec: string, parts: readonly string[], read: (part: string) => T): T[] {
  const values: T[] = [];
  const reasons = new Set<string>();
  for (const part of parts) {
    try {
      values.push(read(part));
    } catch (error) {
      if (!(error instanceof AddressError || error instanceof SimSpecError)) throw error;
      reasons.add(error.message);
    }
  }
  if (reasons.size > 0) throw new SimSpecError(`"${spec}": ${[...reasons].join('; ')}`);
  return values;
}
