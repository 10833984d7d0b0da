/** DHCP for IPv4 (RFC 2131, options of RFC 2132): messages as both ends of it read and write them. */
import {
  type Ipv4Address,
  ipFromOctets,
  ipToOctets,
  type MacAddress,
  macFromOctets,
  macToOctets,
} from './address.js';

export const DHCP_SERVER_PORT = 67;
export const DHCP_CLIENT_PORT = 68;

export const DHCP_DISCOVER = 1;
export const DHCP_OFFER = 2;
export const DHCP_REQUEST = 3;
export const DHCP_ACK = 5;
export const DHCP_NAK = 6;
export const DHCP_INFORM = 8;

const TYPE_NAMES = ['discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'];

/** The message type's name in RFC 2132, section 9.6, in small letters. */
export function dhcpTypeName(type: number): string {
  return TYPE_NAMES[type - 1] ?? `type ${type}`;
}

export const BOOT_REQUEST = 1;
export const BOOT_REPLY = 2;

const OPERATION = 0;
const HARDWARE_TYPE = 1;
const HARDWARE_LENGTH = 2;
const TRANSACTION_ID = 4;
const FLAGS = 10;
const CLIENT_IP = 12;
const YOUR_IP = 16;
const SERVER_IP = 20;
const CLIENT_MAC = 28;
const MAGIC = 236;
const OPTIONS = 240;
const MAGIC_COOKIE = 0x63825363;
const FLAG_BROADCAST = 0x8000;
/** Messages are padded to BOOTP's length, for old relays and clients. */
const MESSAGE_OCTETS_MIN = 300;

const OPTION_PAD = 0;
const OPTION_SUBNET_MASK = 1;
const OPTION_ROUTER = 3;
const OPTION_MTU = 26;
const OPTION_REQUESTED_IP = 50;
const OPTION_LEASE_SECONDS = 51;
const OPTION_MESSAGE_TYPE = 53;
const OPTION_SERVER_ID = 54;
const OPTION_END = 255;

const NO_IP = '0.0.0.0' as Ipv4Address;

export interface DhcpMessage {
  readonly operation: typeof BOOT_REQUEST | typeof BOOT_REPLY;
  readonly type: number;
  readonly transactionId: number;
  readonly clientMac: MacAddress;
  readonly broadcast?: boolean;
  readonly clientIp?: Ipv4Address;
  readonly yourIp?: Ipv4Address;
  readonly serverIp?: Ipv4Address;
  readonly requestedIp?: Ipv4Address;
  readonly serverId?: Ipv4Address;
  readonly subnetMask?: Ipv4Address;
  readonly router?: Ipv4Address;
  readonly mtuOctets?: number;
  readonly leaseSeconds?: number;
}

/** The DHCP message in a UDP payload; undefined for anything else. */
export function parseDhcp(octets: Uint8Array): DhcpMessage | undefined {
  if (octets.length < OPTIONS) return undefined;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const operation = octets[OPERATION]!;
  const known =
    (operation === BOOT_REQUEST || operation === BOOT_REPLY) &&
    octets[HARDWARE_TYPE] === 1 &&
    octets[HARDWARE_LENGTH] === 6 &&
    view.getUint32(MAGIC) === MAGIC_COOKIE;
  if (!known) return undefined;
  const options = new Map<number, Uint8Array>();
  for (let at = OPTIONS; at < octets.length; ) {
    const code = octets[at]!;
    if (code === OPTION_END) break;
    if (code === OPTION_PAD) {
      at++;
      continue;
    }
    const lengthOctets = octets[at + 1];
    if (lengthOctets === undefined || at + 2 + lengthOctets > octets.length) return undefined;
    options.set(code, octets.subarray(at + 2, at + 2 + lengthOctets));
    at += 2 + lengthOctets;
  }
  const type = options.get(OPTION_MESSAGE_TYPE)?.[0];
  if (type === undefined) return undefined;
  const header = (at: number) => ipFromOctets(octets, at, 4) as Ipv4Address;
  const ip = (code: number) => {
    const value = options.get(code);
    return value?.length === 4 ? (ipFromOctets(value, 0, 4) as Ipv4Address) : undefined;
  };
  const uint = (code: number, length: number) => {
    const value = options.get(code);
    return value?.length === length ? value.reduce((sum, octet) => sum * 256 + octet, 0) : undefined;
  };
  const message: Record<string, unknown> = {
    clientIp: header(CLIENT_IP),
    yourIp: header(YOUR_IP),
    serverIp: header(SERVER_IP),
    requestedIp: ip(OPTION_REQUESTED_IP),
    serverId: ip(OPTION_SERVER_ID),
    subnetMask: ip(OPTION_SUBNET_MASK),
    router: ip(OPTION_ROUTER),
    mtuOctets: uint(OPTION_MTU, 2),
    leaseSeconds: uint(OPTION_LEASE_SECONDS, 4),
  };
  for (const name of Object.keys(message)) {
    if (message[name] === undefined || message[name] === NO_IP) delete message[name];
  }
  return {
    operation,
    type,
    transactionId: view.getUint32(TRANSACTION_ID),
    clientMac: macFromOctets(octets, CLIENT_MAC),
    broadcast: (view.getUint16(FLAGS) & FLAG_BROADCAST) !== 0,
    ...message,
  };
}

/** The message as a UDP payload. */
export function buildDhcp(message: DhcpMessage): Uint8Array {
  const options: number[] = [OPTION_MESSAGE_TYPE, 1, message.type];
  const option = (code: number, value: Uint8Array | undefined) => {
    if (value !== undefined) options.push(code, value.length, ...value);
  };
  const ip = (value: Ipv4Address | undefined) => (value === undefined ? undefined : ipToOctets(value));
  const uint = (value: number | undefined, length: number) =>
    value === undefined
      ? undefined
      : Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) & 0xff);
  option(OPTION_SERVER_ID, ip(message.serverId));
  option(OPTION_REQUESTED_IP, ip(message.requestedIp));
  option(OPTION_LEASE_SECONDS, uint(message.leaseSeconds, 4));
  option(OPTION_SUBNET_MASK, ip(message.subnetMask));
  option(OPTION_ROUTER, ip(message.router));
  option(OPTION_MTU, uint(message.mtuOctets, 2));
  options.push(OPTION_END);
  const octets = new Uint8Array(Math.max(MESSAGE_OCTETS_MIN, OPTIONS + options.length));
  const view = new DataView(octets.buffer);
  octets[OPERATION] = message.operation;
  octets[HARDWARE_TYPE] = 1;
  octets[HARDWARE_LENGTH] = 6;
  view.setUint32(TRANSACTION_ID, message.transactionId);
  if (message.broadcast === true) view.setUint16(FLAGS, FLAG_BROADCAST);
  octets.set(ipToOctets(message.clientIp ?? NO_IP), CLIENT_IP);
  octets.set(ipToOctets(message.yourIp ?? NO_IP), YOUR_IP);
  octets.set(ipToOctets(message.serverIp ?? NO_IP), SERVER_IP);
  octets.set(macToOctets(message.clientMac), CLIENT_MAC);
  view.setUint32(MAGIC, MAGIC_COOKIE);
  octets.set(options, OPTIONS);
  return octets;
}
